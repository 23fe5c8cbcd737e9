"""Episode: the record of one talk, complete; a superset of the dialogue record of human corpora, so one reader serves both.

An episode is a pure function of recipe, seed and the answers of the models: no clock, no path, no host, no key stands in it.  This
module defines the record and its id; `simulator/store.py` writes and reads it.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from agents.chat.port import LedgerEntry
from agents.words import Crisis, Critique, Draft, Plan, Refinement, Reflection, Speaker, Strategy, Utterance, Word
from simulator.intent import Intent
from simulator.mind import Appraisal, Mind
from simulator.persona import Persona
from simulator.scenario import Scenario

SCHEMA: Literal["holdspace.episode/1"] = "holdspace.episode/1"


class StopReason(StrEnum):
    """How a talk ended."""

    RELIEVED = "relieved"
    """The emotion has eased enough and the seeker took leave."""
    GAVE_UP = "gave_up"
    """The seeker ran out of patience with this supporter."""
    GOODBYE = "goodbye"
    """The seeker had to go, or had said what there was to say."""
    TURN_LIMIT = "turn_limit"
    """The recipe's limit of supporter turns was reached."""
    CRISIS_HANDOVER = "crisis_handover"
    """Talk of suicide or self-harm: answered with care and a referral, and ended there."""
    FAILED = "failed"
    """A backend or our own code failed; `error` says how."""


class Failure(Word):
    """Why a talk failed, as data."""

    kind: str
    """Name of the exception."""
    boundary: str
    """Where it happened: chat, answer, prompt, code ..."""
    message: str
    retryable: bool


class Stop(Word):
    """How the talk ended."""

    reason: StopReason
    error: Failure | None = None


class Survey(Word):
    """What a seeker's questionnaire would say, on ESConv's scale of 1 to 5 (5 = strongest)."""

    initial_emotion_intensity: Annotated[int, Field(ge=1, le=5)]
    final_emotion_intensity: Annotated[int, Field(ge=1, le=5)]


class Surveys(Word):
    seeker: Survey


class SeekerTurn(Word):
    """One utterance of the seeker, with what led to it."""

    speaker: Literal[Speaker.SEEKER] = Speaker.SEEKER
    text: Annotated[str, Field(min_length=1)]
    strategy: None = None
    appraisal: Appraisal | None = None
    """Of the supporter's turn before; None on the first turn."""
    mind: Mind
    """After that appraisal and after what this turn discloses."""
    intent: Intent
    crisis: Crisis | None = None
    """What the gate found in this turn."""


class SupporterTurn(Word):
    """One reply, with every version of it and why it was kept."""

    speaker: Literal[Speaker.SUPPORTER] = Speaker.SUPPORTER
    text: Annotated[str, Field(min_length=1)]
    strategy: Strategy
    plan: Plan | None = None
    """None where no planner was asked: after a crisis flag."""
    draft: Draft | None = None
    reflection: Reflection | None = None
    """None where the critic was not asked on this turn."""
    critiques: tuple[Critique, ...] = ()
    """Of the draft, then of each refinement, in order."""
    refinements: tuple[Refinement, ...] = ()
    kept: Annotated[int, Field(ge=0)] = 0
    """Which version was said: 0 the draft, n the n-th refinement."""


Turn = Annotated[SeekerTurn | SupporterTurn, Field(discriminator="speaker")]


class Seeds(Word):
    recipe: int
    episode: int


class Outcome(Word):
    """The seeker's state at the end against the beginning."""

    intensity_change: float
    """Final minus first intensity (unrounded, scale of 1 to 5); negative is relief."""
    trust_change: float
    disclosed: int
    """Number of facts told."""
    facts: int
    supporter_turns: int


class Models(Word):
    """The spec on each seat, without secrets."""

    seeker: str
    planner: str
    responder: str
    critic: str


class Episode(Word):
    """One talk, complete."""

    schema_version: Literal["holdspace.episode/1"] = SCHEMA
    id: str
    recipe: str
    """Fingerprint of the resolved recipe."""
    index: Annotated[int, Field(ge=0)]
    """Which talk of the recipe this is, from 0."""
    situation: str
    emotion_type: str
    problem_type: str
    survey: Surveys
    turns: tuple[Turn, ...]
    persona: Persona
    scenario: Scenario
    models: Models
    seeds: Seeds
    prompts: dict[str, str]
    """Fingerprint of each prompt file that was used."""
    ledger: tuple[LedgerEntry, ...]
    crisis: bool = False
    """The gate raised its flag in this talk: kept out of training pairs unless asked for."""
    stop: Stop
    outcome: Outcome
    notes: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _known_version(cls, data: Any) -> Any:
        version = data.get("schema_version", SCHEMA) if isinstance(data, dict) else SCHEMA
        if version != SCHEMA:
            raise ValueError(f"schema version {version!r} is not {SCHEMA!r}; it was written by another version of holdspace")
        return data

    def talk(self) -> tuple[Utterance, ...]:
        """The words alone, as both sides saw them."""
        return tuple(Utterance(speaker=turn.speaker, text=turn.text, strategy=turn.strategy) for turn in self.turns)


def episode_id(recipe: str, seed: int, index: int) -> str:
    """The id of the index-th talk of a recipe: a rerun finds its record by it."""
    return f"ep-{hashlib.sha256(f'{recipe}/{seed}/{index}'.encode()).hexdigest()[:16]}"
