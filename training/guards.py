"""Guards: which pairs a trainer should not see, each with the reason that is counted.

`Guards.admit` judges pairs one by one, in a memory that does not grow without bound: crisis talks, a chosen side that is much longer or
shorter than the rejected one, pairs that are (nearly) there already.  `Balance` judges them together, once all are known: no
(chosen, rejected) cell of strategies may dominate a kind.  `LeakCheck` is no filter: a scenario, persona or dialogue in two splits is an
error.  Nothing here judges whether the chosen side is the better one.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from pydantic import Field, model_validator

from agents.errors import InputError
from agents.words import Strategy, Word
from simulator.splits import Split
from training.nearduplicates import NearDuplicates
from training.pair import LABELS, Pair, PairKind


class Dropped(StrEnum):
    """Why a guard dropped a pair."""

    CRISIS = "crisis talk"
    LENGTH = "length ratio out of bounds"
    EXACT = "exact duplicate"
    NEAR = "near duplicate"
    BALANCE = "over the cap of its strategies"


class GuardSettings(Word):
    """How strict the guards are."""

    ratio: tuple[float, float] = (0.5, 2.0)
    """Bounds of words of the chosen over words of the rejected side; labels are not measured."""
    near: float = Field(default=0.8, gt=0.0, le=1.0)
    """Two pairs are near duplicates when their shingles have this Jaccard similarity or more; 1 keeps all but exact ones."""
    balance: float | None = Field(default=3.0, ge=1.0)
    """Cap of a (chosen, rejected) cell of strategies, in medians of the cells that occur; None caps nothing."""
    crisis: bool = False
    """Keep pairs of talks that the crisis gate flagged."""

    @model_validator(mode="after")
    def _bounds(self) -> GuardSettings:
        low, high = self.ratio
        if not 0 <= low <= 1 <= high:
            raise ValueError("the bounds of the length ratio must hold 1 between them")
        return self


class Facts(NamedTuple):
    """What is counted of a pair."""

    split: Split
    chosen: Strategy | None
    rejected: Strategy | None
    length_ratio: float


@dataclass(slots=True)
class Tally:
    """What became of the candidates."""

    kept: Counter[PairKind] = field(default_factory=Counter)
    dropped: Counter[tuple[PairKind, str]] = field(default_factory=Counter)
    """By kind and reason."""
    splits: Counter[tuple[PairKind, Split]] = field(default_factory=Counter)
    chosen: Counter[tuple[PairKind, Strategy]] = field(default_factory=Counter)
    """Strategies of the chosen side of kept pairs."""
    rejected: Counter[tuple[PairKind, Strategy]] = field(default_factory=Counter)
    ratios: dict[PairKind, float] = field(default_factory=lambda: dict.fromkeys(PairKind, 0.0))
    """Sums of the length ratios of kept pairs."""

    def drop(self, kind: PairKind, reason: str, count: int = 1) -> None:
        """Count candidates that were not kept."""
        if count:
            self.dropped[kind, str(reason)] += count

    def keep(self, kind: PairKind, facts: Facts) -> None:
        """Count a pair that was kept."""
        self.kept[kind] += 1
        self.splits[kind, facts.split] += 1
        self.ratios[kind] += facts.length_ratio
        if facts.chosen and facts.rejected:
            self.chosen[kind, facts.chosen] += 1
            self.rejected[kind, facts.rejected] += 1

    def mean_ratio(self, kind: PairKind) -> float | None:
        """Mean length ratio of the kept pairs of a kind; None where there is none, and for labels."""
        return self.ratios[kind] / self.kept[kind] if self.kept[kind] and kind not in LABELS else None

    @property
    def total(self) -> int:
        """Pairs that were kept, of all kinds."""
        return sum(self.kept.values())


class Guards:
    """Judges pairs in the order in which they come; of two that are alike the first one stays."""

    def __init__(self, settings: GuardSettings | None = None) -> None:
        self.settings = settings or GuardSettings()
        self._seen: set[int] = set()
        self._near = {kind: NearDuplicates(self.settings.near) for kind in PairKind}

    def admit(self, pair: Pair) -> Dropped | None:
        """Why the pair is dropped; None when it may stay, and then it is remembered."""
        low, high = self.settings.ratio
        if pair.crisis and not self.settings.crisis:
            return Dropped.CRISIS
        if pair.kind not in LABELS and not low <= pair.length_ratio <= high:
            return Dropped.LENGTH
        if (digest := _digest(pair)) in self._seen:
            return Dropped.EXACT
        if self._near[pair.kind].seen(near_text(pair)):
            return Dropped.NEAR
        self._seen.add(digest)
        return None


def near_text(pair: Pair) -> str:
    """The words by which two pairs are held to be alike: the last seeker turn and both sides.

    For labels, which say little, the supporter's turn before it too.  A prompt file's own last question is no part of it: it is told by
    two user messages in a row, since a talk never has that.
    """
    said = [message for message in pair.prompt if message.role != "system"]
    if len(said) > 1 and said[-1].role == said[-2].role == "user":
        said.pop()
    tail = said[-2:] if pair.kind in LABELS else said[-1:]
    return "\n".join([*(message.content for message in tail), pair.chosen, pair.rejected])


def _digest(pair: Pair) -> int:
    """Of prompt and sides, whatever their case and spacing: 64 bits, so that a million take 60 MB and collide by chance in 3 of 10^8."""
    parts = [pair.kind.value, *(message.content for message in pair.prompt), pair.chosen, pair.rejected]
    text = "\x1f".join(" ".join(part.lower().split()) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


Cell = tuple[Strategy | None, Strategy | None]

FLOOR = 10
"""A cell of so few pairs is never cut: medians of small sets say nothing."""


class Balance:
    """Caps the (chosen, rejected) cells of one kind, so that a few strategies do not make the whole of what is learned.

    Cells of one strategy and cells of two are compared among themselves: in joint pairs the first are by far the larger.  Note all pairs
    in order, then ask `kept`.  Which pairs of a full cell stay is decided by their ids, that is by chance, not by order.

    Args:
        factor: the cap in medians of the cells that occur; None caps nothing.
    """

    def __init__(self, factor: float | None) -> None:
        self._factor = factor
        self.facts: list[Facts] = []
        """Of the noted pairs, in order."""
        self._ranks = array("Q")

    def note(self, pair: Pair) -> None:
        """Remember what counts of a pair: a hundred bytes."""
        self.facts.append(Facts(pair.split, pair.chosen_strategy, pair.rejected_strategy, pair.length_ratio))
        self._ranks.append(int.from_bytes(hashlib.blake2b(pair.id.encode(), digest_size=8).digest(), "big"))

    def caps(self) -> dict[Cell, int]:
        """How many pairs each cell may hold; empty when nothing is capped."""
        if self._factor is None:
            return {}
        counts = Counter((facts.chosen, facts.rejected) for facts in self.facts)
        found: dict[Cell, int] = {}
        for same in (True, False):
            group = [cell for cell in counts if (cell[0] is cell[1]) is same]
            found |= {cell: max(FLOOR, round(self._factor * median(counts[other] for other in group))) for cell in group}
        return found

    def kept(self) -> list[bool]:
        """Whether each noted pair stays, in the order in which they were noted."""
        caps = self.caps()
        if not caps:
            return [True] * len(self.facts)
        stays, left = [False] * len(self.facts), Counter(caps)
        for place in sorted(range(len(self.facts)), key=self._ranks.__getitem__):
            cell = (self.facts[place].chosen, self.facts[place].rejected)
            stays[place] = left[cell] > 0
            left[cell] -= 1
        return stays


class LeakCheck:
    """Holds that no scenario, persona or dialogue is in two splits."""

    def __init__(self) -> None:
        self._split_of: dict[tuple[str, str], Split] = {}

    def check(self, pair: Pair, where: str = "") -> None:
        """Note a pair.

        Args:
            where: file and line, or what else tells the reader which pair it is; its id when empty.

        Raises:
            InputError: its scenario, persona or dialogue was seen in another split.
        """
        names = (("scenario", pair.scenario), ("persona", pair.persona), ("dialogue", f"{pair.source}/{pair.dialogue}"))
        for what, name in names:
            if name and (before := self._split_of.setdefault((what, name), pair.split)) is not pair.split:
                raise InputError(
                    f"{where or pair.id}: {what} {name} is in {pair.split.value} here and in {before.value} before: a leak.",
                    hint="Make the pairs anew; never split them by row.",
                )
