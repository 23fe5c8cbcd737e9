"""Card: what one role card says, whatever its source.  Readers make it, `cast.py` uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from agents.words import Word
from simulator.scenario import Scenario

_UNSAID = re.compile(
    r"\W*(?:not (?:explicitly )?(?:mentioned|specified|disclosed|given|provided|stated|available|known|applicable)|unspecified|"
    r"unknown|undisclosed|n/?a\b|none\b|null\b|未提及|未知|未明确|未说明|不详|不明|无$)",
    re.IGNORECASE,
)
_ADULT = re.compile(r"\bsex|\bporn|virgin|erect|naked|\brape|性行为|性关系|性交|(?<!角)色情|私密照片", re.IGNORECASE)


class Card(Word):
    """One role card."""

    where: str
    """File and place, such as `card_high_en.json#32025`."""
    source: str
    """The format."""
    given: dict[str, Any] = Field(default_factory=dict)
    """What it says of the person, as `sample_persona` takes it; what it leaves open is missing here."""
    background: str = ""
    """The card's words about the person, verbatim."""
    situation: str
    """What it says has happened, verbatim."""
    voice: Literal["first", "second", "third"] = "third"
    """Who speaks in `telling`: the seeker, somebody addressing him, or somebody about him."""
    telling: str = ""
    """The part of the card that can be told clause by clause; empty where there is none in English."""
    emotion_type: str | None = None
    problem_type: str | None = None
    intensity: int | None = Field(default=None, ge=1, le=5)
    language: str = "English"
    need: str | None = None
    """What the person secretly wishes for."""
    first_talk: str | None = None
    """The first message, where the source has one."""
    topic: str = ""
    """The source's own word for what it is about."""
    scenario: Scenario | None = None
    """A whole scenario, where the source is one."""


def unsaid(text: str) -> bool:
    """Whether a field says that the card does not say (`Not mentioned`, `未提及`)."""
    return not text.strip() or bool(_UNSAID.match(text))


def text_of(row: Mapping[str, Any], key: str) -> str:
    """A text field; raises ValueError that names the key when it is missing or no text."""
    value = row[key]
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected a text, found {type(value).__name__}")
    return value


def grown_up(given: dict[str, Any], text: str) -> dict[str, Any]:
    """What is given, with an age range narrowed to adults where the text is about sex.

    Raises:
        ValueError: the card names an age under 18.
    """
    if not _ADULT.search(text):
        return given
    age = given.get("age")
    if (isinstance(age, int) and age < 18) or (isinstance(age, tuple) and age[1] < 18):
        raise ValueError("sexual content with a seeker under 18 is not cast")
    return {**given, "age": (max(age[0], 18), age[1])} if isinstance(age, tuple) else given
