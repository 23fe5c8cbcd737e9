"""Annotation of preference pairs by people: blind, side by side, each judgement on the disk at once, agreement between annotators.

`RUN/annotations.jsonl` is append-only; what an annotator says later of a pair replaces what they said before.  No face: the page is
`studio/debugger_annotate.py`.  The pairs themselves are never changed.
"""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from agents.chat.port import derive_seed
from agents.errors import InputError, StorageError
from agents.words import DEFINITIONS, Strategy, Word
from simulator.store import drop_torn_line, read_lines
from training.pair import LABELS, Pair
from training.pairstore import read_pairs

ANNOTATIONS = "annotations.jsonl"
SCHEMA: Literal["holdspace.annotation/1"] = "holdspace.annotation/1"
LONGEST_NAME = 64


class Verdict(StrEnum):
    """Which side of a pair an annotator prefers, in the pair's own terms."""

    CHOSEN = "chosen"
    REJECTED = "rejected"
    TIE = "tie"
    SKIP = "skip"
    """No judgement; left out of all figures."""


class Annotation(Word):
    """One judgement of one annotator."""

    schema_version: Literal["holdspace.annotation/1"] = SCHEMA
    pair: str
    """Id of the pair."""
    annotator: str = Field(min_length=1, max_length=LONGEST_NAME)
    verdict: Verdict
    left: Literal["chosen", "rejected"]
    """The side that was shown on the left."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A pair as an annotator sees it."""

    pair: str
    context: tuple[tuple[str, str], ...]
    """Speaker and words, oldest first; nothing of the prompt."""
    sides: tuple[str, str]
    """Left and right."""
    left: Literal["chosen", "rejected"]
    is_label: bool
    """The sides are names of strategies."""

    def verdict(self, key: str) -> Verdict:
        """What `1` (left), `2` (right), `=` or `s` (skip) says of the pair; InputError for another key."""
        if key == "=":
            return Verdict.TIE
        if key == "s":
            return Verdict.SKIP
        if key not in ("1", "2"):
            raise InputError(f"{key[:20]!r} is no judgement.", hint="1, 2, = or s.")
        return Verdict.CHOSEN if (key == "1") == (self.left == "chosen") else Verdict.REJECTED


def load_items(run: Path, seed: int) -> list[Item]:
    """The pairs of a run in an order, and with sides, drawn by the seed: the same for every annotator.

    Raises:
        InputError: the run has no pairs, or they can't be read.
    """
    items = {pair.id: _item(pair, seed) for pair in read_pairs(run) if not pair.crisis}
    order = list(items.values())
    random.Random(derive_seed(seed, "annotate")).shuffle(order)
    return order


def _item(pair: Pair, seed: int) -> Item:
    swapped = derive_seed(seed, "side", pair.id) % 2 == 1
    sides = (pair.rejected, pair.chosen) if swapped else (pair.chosen, pair.rejected)
    return Item(pair.id, _context(pair), sides, "rejected" if swapped else "chosen", pair.kind in LABELS)


def _context(pair: Pair) -> tuple[tuple[str, str], ...]:
    """The talk out of a prompt: no system message, and no instruction after the seeker's last words."""
    said = [message for message in pair.prompt if message.role != "system"]
    if len(said) > 1 and said[-1].role == said[-2].role == "user":
        said.pop()
    return tuple(("seeker" if message.role == "user" else "supporter", message.content) for message in said)


def described(side: str, *, is_label: bool) -> str:
    """A side in words: a strategy with what it means, a reply as it is."""
    return f"{side}: {DEFINITIONS[Strategy(side)]}" if is_label and side in set(Strategy) else side


class Annotations:
    """The judgements of a run.

    Args:
        path: the file; may be missing.

    Raises:
        InputError: it can't be read, or a line is no judgement.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: dict[tuple[str, str], Annotation] = {}
        for number, value in read_lines(path) if path.exists() else ():
            try:
                self._note(Annotation.model_validate(value))
            except ValidationError as error:
                raise InputError(f"{path}:{number}: no annotation: {error.errors()[0]['msg']}.", hint="Take the line out.") from error

    def _note(self, made: Annotation) -> None:
        self._last[made.annotator, made.pair] = made

    def add(self, made: Annotation) -> None:
        """Append a judgement and wait until it is on the disk; a failed write leaves the lines before it whole."""
        try:
            with self.path.open("ab+") as file:
                drop_torn_line(file)
                start = file.seek(0, os.SEEK_END)
                try:
                    file.write(made.model_dump_json().encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    os.truncate(self.path, start)
                    raise
        except OSError as error:
            raise StorageError(f"{self.path} can't be written: {error.strerror}.", hint="Free some space, and judge it again.") from error
        self._note(made)

    def judged(self, annotator: str) -> set[str]:
        """Ids of the pairs that an annotator has judged or skipped."""
        return {pair for name, pair in self._last if name == annotator}

    def agreements(self) -> list[Agreement]:
        """Every two annotators who judged pairs in common."""
        names = sorted({name for name, _ in self._last})
        return [found for one, other in combinations(names, 2) if (found := self._agreement(one, other)) is not None]

    def with_label(self, annotator: str) -> tuple[int, int]:
        """How often an annotator prefers the chosen side, and of how many judged pairs."""
        said = [made.verdict for (name, _), made in self._last.items() if name == annotator and made.verdict is not Verdict.SKIP]
        return said.count(Verdict.CHOSEN), len(said)

    def _agreement(self, one: str, other: str) -> Agreement | None:
        both = [
            (mine, theirs)
            for pair, mine in self._said(one)
            if (theirs := self._last.get((other, pair))) and theirs.verdict is not Verdict.SKIP
        ]
        return agreement(one, other, [(mine.verdict, theirs.verdict) for mine, theirs in both]) if both else None

    def _said(self, name: str) -> Iterable[tuple[str, Annotation]]:
        return [(pair, made) for (who, pair), made in self._last.items() if who == name and made.verdict is not Verdict.SKIP]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two annotators say the same."""

    one: str
    other: str
    pairs: int
    same: int
    kappa: float | None
    """Cohen's kappa over chosen, rejected and tie; None where both always said one and the same thing: chance agreement is total."""


def agreement(one: str, other: str, verdicts: Sequence[tuple[Verdict, Verdict]]) -> Agreement:
    """Cohen's kappa (Cohen 1960) of two annotators on the pairs that both judged; at least one."""
    from sklearn.metrics import cohen_kappa_score

    left, right = [mine.value for mine, _ in verdicts], [theirs.value for _, theirs in verdicts]
    same = sum(mine == theirs for mine, theirs in verdicts)
    if len({*left, *right}) == 1:
        return Agreement(one, other, len(verdicts), same, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = float(cohen_kappa_score(left, right))
    return Agreement(one, other, len(verdicts), same, kappa)
