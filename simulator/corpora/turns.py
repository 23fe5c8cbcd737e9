"""Turns as corpora tell them: speakers by many names, strategies in many spellings, ratings as numbers or words, blank lines.

What can be mended is mended and noted; what can't be known (who is who, what was said) raises ValueError with the reason, and the
dialogue is passed over.  A strategy outside the eight is kept as a label beside the turn, which then has no strategy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.words import STRATEGIES, Speaker, Strategy, Utterance
from simulator.corpora.notes import Notes

_NAMES: dict[str, Speaker] = {
    **dict.fromkeys(("seeker", "usr", "user", "speaker", "client", "help-seeker", "helpseeker", "patient"), Speaker.SEEKER),
    **dict.fromkeys(("supporter", "sys", "assistant", "listener", "helper", "counselor", "counsellor", "therapist"), Speaker.SUPPORTER),
}
_SPELLINGS: dict[str, Strategy] = {
    **{strategy.value.lower(): strategy for strategy in STRATEGIES},
    "questions": Strategy.QUESTION,
    "restatement": Strategy.RESTATEMENT,
    "paraphrasing": Strategy.RESTATEMENT,
    "reflection of feeling": Strategy.REFLECTION,
    "approval and reassurance": Strategy.AFFIRMATION,
    "direct guidance": Strategy.SUGGESTION,
    "other": Strategy.OTHERS,
}
"""Spellings of the first ESConv release, of FailedESConv and of ESD-CoT."""


def speaker_of(name: object) -> Speaker:
    """Who is meant; raises ValueError for a name that no corpus uses."""
    speaker = _NAMES.get(" ".join(str(name).lower().replace("_", "-").split()))
    if speaker is None:
        raise ValueError(f"a speaker named {str(name)[:40]!r} (known are seeker, supporter and their like)")
    return speaker


def strategy_of(label: str) -> Strategy | None:
    """The strategy that a label means, in any known spelling; None for a label outside the eight."""
    return _SPELLINGS.get(re.sub(r"[\s_]+", " ", label.strip().strip("[]")).lower())


def score(value: object, low: int = 1, high: int = 5) -> int | None:
    """A survey answer as a number; None where it is missing (empty, -1) or no such number."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    number = int(float(text)) if re.fullmatch(r"\d(\.0)?", text) else None
    return number if number is not None and low <= number <= high else None


class Turns:
    """The turns of one dialogue, as they are read.

    Args:
        where: of the dialogue, for notes.
        mended: what is put right is noted here.
        verbatim: leave whitespace as it is; otherwise runs of it become one space.
    """

    def __init__(self, where: str, mended: Notes, *, verbatim: bool) -> None:
        self.where, self.mended, self.verbatim = where, mended, verbatim
        self.turns: list[Utterance] = []
        self.stars: list[int | None] = []
        self.labels: dict[int, str] = {}
        self._names: dict[str, Speaker] = {}

    def add(self, name: object, text: object, label: object = None, stars: object = None, *, labelled: bool = True) -> None:
        """One turn.

        Args:
            name: of the speaker, as the corpus says.
            text: what was said.
            label: of the strategy; None or empty where there is none.
            stars: the seeker's rating.
            labelled: whether this corpus gives its supporter turns a strategy, so that a missing one is worth a note.

        Raises:
            ValueError: nobody knows who speaks, or the text is none.
        """
        speaker = speaker_of(name)
        self._names[str(name)] = speaker
        if not isinstance(text, str):
            raise ValueError("a turn without text")
        if not text.strip():
            self._note("blank turns, left out")
            return
        strategy = self._strategy(speaker, label, labelled)
        self.turns.append(Utterance(speaker=speaker, text=text if self.verbatim else " ".join(text.split()), strategy=strategy))
        self.stars.append(self._rating(speaker, stars))

    def fields(self) -> dict[str, Any]:
        """What a Dialogue takes: `turns`, `feedback`, `labels`; raises ValueError when it can't be told who is who."""
        if not self.turns:
            raise ValueError("no turns")
        if len(self.turns) > 1 and len(self._names) == 1:
            raise ValueError(f"all turns have one speaker, {next(iter(self._names))[:40]!r}")
        rated = any(stars is not None for stars in self.stars)
        return {"turns": tuple(self.turns), "feedback": tuple(self.stars) if rated else (), "labels": self.labels}

    def _strategy(self, speaker: Speaker, label: object, labelled: bool) -> Strategy | None:
        given = label.strip() if isinstance(label, str) else ""
        if speaker is Speaker.SEEKER:
            if given:
                self._note("strategies on a seeker's turn, left out")
            return None
        if not given:
            if labelled:
                self._note("supporter turns without a strategy")
            return None
        strategy = strategy_of(given)
        if strategy is None:
            self._note("strategies outside the eight, kept as labels")
        if strategy is None or strategy.value != given:
            self.labels[len(self.turns)] = given
        return strategy

    def _rating(self, speaker: Speaker, stars: object) -> int | None:
        if stars is None or stars == "":
            return None
        found = score(stars) if speaker is Speaker.SEEKER else None
        if found is None:
            self._note("ratings that are not 1 to 5 stars on a seeker's turn, left out")
        return found

    def _note(self, reason: str) -> None:
        self.mended.add(reason, f"{self.where}, turn {len(self.turns) + 1}")


def text_at(row: Mapping[str, Any], key: str) -> str:
    """A text of a row; empty where it is missing; raises ValueError when it is something else."""
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key} that is no text")
    return value


def table_at(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object of a row; empty where it is missing; raises ValueError when it is something else."""
    value = row.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} that is no object")
    return value


def tables_at(row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """A list of objects of a row; raises ValueError when it is something else."""
    value = row.get(key)
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ValueError(f"{key} that is no list of objects")
    return value
