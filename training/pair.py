"""Pair: one preference between two answers to the same prompt, with everything that says where it comes from and why it was kept.

A pair is made from a simulated episode (`training/pairing.py`), from forked talks (`training/lookahead.py`) or from a human corpus
(`training/ipm.py`, `training/rated.py`).  This module holds the record alone; formats for trainers are in `training/rows.py`.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from agents.chat.port import Message
from agents.words import PsychError, Strategy, Word
from simulator.splits import Split

__all__ = ["LABELS", "SCHEMA", "Kept", "Pair", "PairKind", "Split", "length_ratio", "pair_id"]

SCHEMA: Literal["holdspace.pair/1"] = "holdspace.pair/1"


class PairKind(StrEnum):
    """What the two sides differ in."""

    STRATEGY = "strategy"
    """Two strategies for the same context: the planner's pair (2505.16995)."""
    RESPONSE = "response"
    """Two replies under the same strategy: the responder's pair (2505.16995)."""
    REFINE = "refine"
    """A refinement and the plain draft (2505.16610)."""
    JOINT = "joint"
    """`[Strategy] reply` against `[Strategy] reply`: the entangled baseline of 2505.16995."""
    LOOKAHEAD = "lookahead"
    """Two strategies, told apart by how the frozen seeker fared after each."""
    RATED = "rated"
    """A better reply against one that a human seeker rated low."""


LABELS = frozenset({PairKind.STRATEGY, PairKind.LOOKAHEAD})
"""Kinds whose sides are names of strategies: the planner's; the sides of all others are replies."""


class Kept(Word):
    """Why a pair was kept."""

    error: PsychError | None = None
    """The worst error of the rejected side."""
    span: str = ""
    """The words of the rejected side that show it."""
    why: str = ""
    """In a sentence; for judged pairs the judge's own."""
    why_chosen: str = ""
    """Why the chosen side is clean or better, where a judge said so."""
    judge: str = ""
    """The spec that judged, or `gold`, `seeker rating`, `lookahead`."""
    value_gap: float | None = None
    """Lookahead: value of the best minus value of the worst strategy."""
    noise: float | None = None
    """Lookahead: standard error of that gap."""
    rollouts: Annotated[int, Field(ge=0)] | None = None
    """Lookahead: talks that were lived on for this pair."""
    ratings: tuple[float | None, float] | None = None
    """Rated: stars of the chosen side (None where no human rated it) and of the rejected side, 1 to 5."""


class Pair(Word):
    """One preference.  `prompt` and each side are what a trainer sees, word for word."""

    schema_version: Literal["holdspace.pair/1"] = SCHEMA
    id: str
    kind: PairKind
    prompt: tuple[Message, ...]
    chosen: Annotated[str, Field(min_length=1)]
    """One assistant message."""
    rejected: Annotated[str, Field(min_length=1)]
    """One assistant message."""
    chosen_strategy: Strategy | None = None
    rejected_strategy: Strategy | None = None
    kept: Kept
    source: str
    """Name of the run, or of the corpus."""
    dialogue: str
    turn: Annotated[int, Field(ge=0)]
    """Index of the supporter turn in the dialogue's turns."""
    round: Annotated[int, Field(ge=0)] = 0
    persona: str = ""
    """A short key of the persona; empty for human talks."""
    scenario: str = ""
    """Name of the scenario; empty for human talks."""
    split: Split = Split.TRAIN
    """Where it belongs: decided by scenario and persona (or by dialogue), never by row."""
    crisis: bool = False
    """The talk was flagged by the crisis gate: such pairs are made only where they are asked for."""
    models: dict[str, str] = Field(default_factory=dict)
    """Spec by role, of those who had a part in it."""
    prompts: dict[str, str] = Field(default_factory=dict)
    """Fingerprint of each prompt file by name."""
    seed: int = 0
    length_ratio: Annotated[float, Field(gt=0)]
    """Words of the chosen over words of the rejected side."""

    @model_validator(mode="after")
    def _different(self) -> Pair:
        if self.chosen == self.rejected:
            raise ValueError("chosen equals rejected; a pair needs two different answers")
        return self


def pair_id(kind: PairKind, dialogue: str, turn: int, chosen: str, rejected: str) -> str:
    """The id of a pair: the same command finds it again."""
    digest = hashlib.sha256("\x1f".join((kind.value, dialogue, str(turn), chosen, rejected)).encode()).hexdigest()
    return f"pr-{digest[:16]}"


def length_ratio(chosen: str, rejected: str) -> float:
    """Words of the one over words of the other; an empty side counts as one word."""
    return max(1, len(chosen.split())) / max(1, len(rejected.split()))
