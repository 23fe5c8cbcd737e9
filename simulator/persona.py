"""Persona: who the seeker is.  Never shown to a supporter.

A persona comes from a role card, from the sampler (`simulator/sampling.py`), or from both; `sampled` names the fields that a card
left open.  This module holds the record and the vocabulary, not the sampling.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from agents.words import Word


class Resistance(StrEnum):
    """How a person meets help."""

    OPEN = "open"
    GUARDED = "guarded"
    AVOIDANT = "avoidant"
    ARGUMENTATIVE = "argumentative"
    SILENT = "silent"


class Verbosity(StrEnum):
    TERSE = "terse"
    MEDIUM = "medium"
    TALKATIVE = "talkative"


class Style(StrEnum):
    """How a person types."""

    CASUAL = "casual"
    PLAIN = "plain"
    CAREFUL = "careful"


class Coping(StrEnum):
    """What a person does with distress (after Carver's COPE, shortened)."""

    TALKING = "talking"
    PLANNING = "planning"
    DISTRACTION = "distraction"
    WITHDRAWAL = "withdrawal"
    HUMOUR = "humour"
    SELF_BLAME = "self_blame"


class Help(StrEnum):
    """Kinds of support that can help a person."""

    BEING_HEARD = "being_heard"
    FEELINGS_NAMED = "feelings_named"
    BEING_BELIEVED = "being_believed"
    PRACTICAL_STEPS = "practical_steps"
    INFORMATION = "information"
    SHARED_EXPERIENCE = "shared_experience"
    ENCOURAGEMENT = "encouragement"
    GOOD_QUESTIONS = "good_questions"
    TIME = "time"


class Hurt(StrEnum):
    """Kinds of reply that hurt a person."""

    EARLY_ADVICE = "early_advice"
    CLICHES = "cliches"
    PRESSURE = "pressure"
    MINIMISING = "minimising"
    MISREADING = "misreading"
    INTERROGATION = "interrogation"
    COMPARISON = "comparison"
    PITY = "pity"
    CHEERFULNESS = "cheerfulness"


Score = Annotated[float, Field(ge=0.0, le=1.0)]


class BigFive(Word):
    """Five traits, each 0 to 1; .5 is the middle of the population."""

    openness: Score
    conscientiousness: Score
    extraversion: Score
    agreeableness: Score
    neuroticism: Score


class Persona(Word):
    """Who is asking for help."""

    age: Annotated[int, Field(ge=13, le=100)]
    gender: Annotated[str, Field(min_length=1)]
    """`female`, `male`, `nonbinary`, or the card's own word."""
    occupation: Annotated[str, Field(min_length=1)]
    big_five: BigFive
    verbosity: Verbosity
    style: Style
    coping: Coping
    helps: tuple[Help, ...]
    hurts: tuple[Hurt, ...]
    resistance: Resistance
    background: str = ""
    """The card's own words about the person, verbatim; empty for a sampled persona."""
    language: str = "English"
    """The language the card is written in."""
    sampled: tuple[str, ...] = ()
    """Names of the fields that were sampled, sorted; the others were read from a source."""
