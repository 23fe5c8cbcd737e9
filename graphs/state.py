"""The state of one talk in the graph: plain JSON values only, so that it survives any checkpointer.

`reading` turns parts of it into our own words; nothing here decides anything.
"""

from __future__ import annotations

import operator
from typing import Annotated, Any

from typing_extensions import TypedDict

from agents.words import Talk, Utterance
from simulator.cast import Cast
from simulator.intent import Intent
from simulator.mind import Mind

Json = dict[str, Any]


class Start(TypedDict, total=False):
    """What a talk needs to begin; with nothing at all, the first scenario of the library is cast."""

    scenario: str
    """Name of a library scenario."""
    seed: int
    cast: Json
    """A persona in a scenario (`simulator.cast.Cast`), instead of `scenario`."""


class State(Start, total=False):
    """One talk."""

    turns: Annotated[list[Json], operator.add]
    """Finished turns, as in the episode."""
    ledger: Annotated[list[Json], operator.add]
    mind: Json
    plan: Json | None
    reflection: Json | None
    versions: list[Json]
    """Of the reply in the making: the draft, then refinements."""
    critiques: list[Json]
    """Of each version that was criticised, in order."""
    crisis: Json | None
    """What the gate found in the seeker's last turn; the talk ends with it."""
    stop: Json | None


def talk_of(state: State) -> Talk:
    """What has been said."""
    return tuple(Utterance(speaker=turn["speaker"], text=turn["text"], strategy=turn["strategy"]) for turn in state.get("turns", ()))


def past_intents(state: State) -> tuple[Intent, ...]:
    """The seeker's intents so far."""
    return tuple(Intent.model_validate(turn["intent"]) for turn in state.get("turns", ()) if turn["speaker"] == "seeker")


def mind_of(state: State) -> Mind | None:
    """The seeker's mind; None before the first turn."""
    return Mind.model_validate(state["mind"]) if state.get("mind") else None


def supporter_turns(state: State) -> int:
    """Number of supporter turns so far."""
    return sum(turn["speaker"] == "supporter" for turn in state.get("turns", ()))


_casts: dict[int, tuple[Json, Cast]] = {}
_KEPT = 512


def cast_of(state: State) -> Cast:
    """The cast; parsed once for each raw object (without a checkpointer, all nodes of a talk see the same one)."""
    raw = state["cast"]
    known = _casts.get(id(raw))
    if known is not None and known[0] is raw:
        return known[1]
    if len(_casts) >= _KEPT:
        _casts.pop(next(iter(_casts)))
    cast = Cast.model_validate(raw)
    _casts[id(raw)] = (raw, cast)
    return cast
