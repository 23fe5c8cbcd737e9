"""Scenario: what happened to the seeker, from the surface to what one tells only to somebody trusted.

Authored scenarios live in `simulator/scenarios/*.yaml`, users' own in any folder (`--scenarios DIR`); casting makes them from role
cards.  A supporter never sees one.  This module checks the file and says which line is wrong; it does not choose what is told when.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from agents.errors import InputError
from agents.words import Word
from agents.yamlfile import read_model
from simulator.persona import Help, Hurt

LIBRARY = Path(__file__).parent / "scenarios"
THEMES = Path(__file__).parent / "themes"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

PROBLEM_TYPES: tuple[str, ...] = (
    "ongoing depression",
    "job crisis",
    "breakup with partner",
    "problems with friends",
    "academic pressure",
    "sleep problems",
    "procrastination",
    "appearance anxiety",
    "alcohol abuse",
    "conflict with parents",
    "issues with parents",
    "issues with children",
    "school bullying",
)
"""ESConv's problem types, in lower case."""

EMOTION_TYPES: tuple[str, ...] = (
    "anxiety",
    "depression",
    "sadness",
    "anger",
    "fear",
    "shame",
    "disgust",
    "nervousness",
    "guilt",
    "jealousy",
    "pain",
)
"""ESConv's emotion types."""


class Depth(StrEnum):
    """How much trust a fact needs before it is told."""

    SURFACE = "surface"
    LATER = "later"
    TRUSTED = "trusted"


class Wording(StrEnum):
    """How much of a fact is let out."""

    GUARDED = "guarded"
    PLAIN = "plain"
    OPEN = "open"


WORDINGS: tuple[Wording, ...] = tuple(Wording)


class Fact(Word):
    """One thing that is so, in three wordings that tell more and more of it."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    depth: Depth
    asked: tuple[Text, ...] = ()
    """Ways in which somebody would ask about it."""
    guarded: Text
    plain: Text
    open: Text

    def wording(self, level: Wording) -> str:
        """The fact's text at this level."""
        return {Wording.GUARDED: self.guarded, Wording.PLAIN: self.plain, Wording.OPEN: self.open}[level]


class Step(Word):
    """A small step that would be real progress, and how this person takes a proposal of it."""

    what: Text
    offers: tuple[Text, ...] = ()
    """Ways in which a supporter might propose it; used to recognise one, never spoken."""
    accept: tuple[Text, ...] = ()
    hesitant: tuple[Text, ...] = ()


class Speakable(Word):
    """Who can be this person without contradicting a line of the scenario."""

    ages: tuple[int, int] = (18, 75)
    genders: tuple[Text, ...] = ("female", "male", "nonbinary")
    occupations: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Speakable:
        if not 13 <= self.ages[0] <= self.ages[1] <= 100:
            raise ValueError("ages must be two numbers between 13 and 100, the lower one first")
        return self


class Scenario(Word):
    """What happened, what is hidden, and what would help."""

    name: Text
    problem_type: Text
    emotion_type: Text
    intensity: Annotated[int, Field(ge=1, le=5)]
    """Of the negative emotion at the start, on ESConv's scale (5 = strongest)."""
    speaker: Speakable = Speakable()
    situation: Text
    openings: Annotated[tuple[Text, ...], Field(min_length=1)]
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    need: Text
    """Hidden; the seeker never says it."""
    belief: Text
    """The unhelpful belief, in the first person."""
    loosens: tuple[Text, ...] = ()
    """Supporter lines that would loosen the belief; used to recognise one, never spoken."""
    helps: Annotated[tuple[Help, ...], Field(min_length=1)]
    helps_note: str = ""
    hurts: Annotated[tuple[Hurt, ...], Field(min_length=1)]
    hurts_note: str = ""
    step: Step
    objections: tuple[Text, ...] = ()
    relief: tuple[Text, ...] = ()
    closings: tuple[Text, ...] = ()
    leavings: tuple[Text, ...] = ()
    source: str = "library"
    """`library`, `user`, or the format of the card it was made from."""
    borrowed: tuple[str, ...] = ()
    """Keys of the facts that were sampled from a theme because the card does not tell enough."""

    @model_validator(mode="after")
    def _facts_have_distinct_keys(self) -> Scenario:
        keys = [fact.key for fact in self.facts]
        if doubled := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"two facts have the key {doubled[0]!r}")
        return self

    def fact(self, key: str) -> Fact:
        """The fact with this key; KeyError when there is none."""
        for fact in self.facts:
            if fact.key == key:
                return fact
        raise KeyError(key)


def load_scenario(path: Path) -> Scenario:
    """Read and check one scenario file.

    Raises:
        InputError: not readable, not YAML, or against the schema; the sentence names file and line.
    """
    scenario = read_model(path, Scenario)
    if scenario.name != path.stem:
        raise InputError(f"{path}: name is {scenario.name!r} but the file is called {path.name!r}.", hint="Make them the same.")
    return scenario


def load_folder(folder: Path) -> tuple[Scenario, ...]:
    """All `*.yaml` scenarios of a folder, sorted by name.

    Raises:
        InputError: the folder is missing or holds no scenario, or one of them is broken.
    """
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not paths:
        raise InputError(f"{folder} holds no scenario.", hint="Give a folder with *.yaml scenario files.")
    return tuple(load_scenario(path) for path in paths)


@cache
def library() -> tuple[Scenario, ...]:
    """The authored library, sorted by name."""
    return load_folder(LIBRARY)


@cache
def themes() -> dict[str, Scenario]:
    """General scenarios by problem type: what is so for almost anybody with that problem; cards borrow facts from them."""
    return {theme.problem_type: theme for theme in load_folder(THEMES)}
