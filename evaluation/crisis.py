"""What the crisis gate says: recall and false alarms on a labelled set, and each flagged turn of a corpus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from agents.crisis import screen
from agents.errors import InputError
from agents.text import plain
from agents.words import Speaker, Word
from agents.yamlfile import read_yaml
from simulator.dialogue import read_dialogues

MENTIONS = re.compile(
    r"suicid|kill(ing|ed)? (my|him|her|your|them)sel(f|ves)|self[- ]?harm|harm(ing|ed)? (my|him|her)self|hurt(ing)? myself|end(ing|ed)? (my|his|her|it all|their) ?(life|lives)?"
    r"|take my (own )?life|want(ed)? to die|(better off|rather be|be) dead|overdos|cut(ting)? myself"
)
"""Words by which a turn is listed for a reader, whether the gate flags it or not."""


class Labelled(Word):
    """One utterance with its label."""

    text: str = Field(min_length=1)
    crisis: bool
    kind: str


@dataclass(frozen=True, slots=True)
class GateFigures:
    """How the gate does on one labelled set."""

    crises: int
    caught: int
    harmless: int
    false_alarms: int
    missed: tuple[str, ...]
    alarmed: tuple[str, ...]
    by_kind: dict[str, tuple[int, int]]
    """Kind: (flagged, all)."""

    @property
    def recall(self) -> float:
        """Share of the crises that the gate flags."""
        return self.caught / self.crises if self.crises else 1.0

    @property
    def false_alarm_rate(self) -> float:
        """Share of the harmless utterances that it flags."""
        return self.false_alarms / self.harmless if self.harmless else 0.0


def read_labelled(path: Path) -> tuple[Labelled, ...]:
    """A labelled set: a YAML list of `{text, crisis, kind}`.

    Raises:
        InputError: not readable, or an item that is not of this form; the item is named by its number.
    """
    content = read_yaml(path)
    if not isinstance(content, list) or not content:
        raise InputError(f"{path}:1: expected a list of {{text, crisis, kind}}.")
    items = []
    for number, value in enumerate(content, start=1):
        try:
            items.append(Labelled.model_validate(value))
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{path}: item {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
    return tuple(items)


def gate_figures(items: tuple[Labelled, ...]) -> GateFigures:
    """Recall, false alarms, and what was missed."""
    flagged = [screen(item.text) is not None for item in items]
    pairs = list(zip(items, flagged, strict=True))
    kinds: dict[str, tuple[int, int]] = {}
    for item, flag in pairs:
        caught, seen = kinds.get(item.kind, (0, 0))
        kinds[item.kind] = (caught + flag, seen + 1)
    return GateFigures(
        crises=sum(item.crisis for item in items),
        caught=sum(item.crisis and flag for item, flag in pairs),
        harmless=sum(not item.crisis for item in items),
        false_alarms=sum(not item.crisis and flag for item, flag in pairs),
        missed=tuple(item.text for item, flag in pairs if item.crisis and not flag),
        alarmed=tuple(item.text for item, flag in pairs if not item.crisis and flag),
        by_kind=kinds,
    )


@dataclass(frozen=True, slots=True)
class Mention:
    """A seeker turn that mentions suicide or self-harm, or that the gate flags."""

    dialogue: str
    turn: int
    text: str
    category: str
    """What the gate says; empty where it stays shut."""


def mentions(path: Path) -> Iterator[Mention]:
    """The seeker turns of a corpus or run that a reader should see."""
    for dialogue in read_dialogues(path):
        for place, turn in enumerate(dialogue.turns):
            if turn.speaker is not Speaker.SEEKER:
                continue
            found = screen(turn.text)
            if found is not None or MENTIONS.search(plain(turn.text)):
                yield Mention(dialogue=dialogue.id, turn=place, text=turn.text, category=found.category if found else "")


def seeker_turns(path: Path) -> int:
    """How many seeker turns a corpus has."""
    return sum(turn.speaker is Speaker.SEEKER for dialogue in read_dialogues(path) for turn in dialogue.turns)
