"""The state of one talk in the graph: plain JSON values only, so that it survives any checkpointer.

`reading` turns parts of it into our own words; nothing here decides anything.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

from typing_extensions import TypedDict

from agents.words import Talk, Utterance
from simulator.cast import Cast
from simulator.intent import Intent
from simulator.mind import Mind

Json = dict[str, Any]
T = TypeVar("T")


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
    return tuple(_utterance(turn) for turn in state.get("turns", ()))


_parsed: dict[int, tuple[Json, Any]] = {}
_PARSED = 8192


def _once(raw: Json, parse: Callable[[Json], T]) -> T:
    """What a raw object parses to, parsed once: without a checkpointer, all nodes of a talk see the same objects."""
    known = _parsed.get(id(raw))
    if known is not None and known[0] is raw:
        return cast(T, known[1])
    if len(_parsed) >= _PARSED:
        _parsed.pop(next(iter(_parsed)))
    made = parse(raw)
    _parsed[id(raw)] = (raw, made)
    return made


def _utterance(turn: Json) -> Utterance:
    return _once(turn, lambda raw: Utterance(speaker=raw["speaker"], text=raw["text"], strategy=raw["strategy"]))


def past_intents(state: State) -> tuple[Intent, ...]:
    """The seeker's intents so far."""
    return tuple(_once(turn["intent"], Intent.model_validate) for turn in state.get("turns", ()) if turn["speaker"] == "seeker")


def mind_of(state: State) -> Mind | None:
    """The seeker's mind; None before the first turn."""
    return Mind.model_validate(state["mind"]) if state.get("mind") else None


def supporter_turns(state: State) -> int:
    """Number of supporter turns so far."""
    return sum(turn["speaker"] == "supporter" for turn in state.get("turns", ()))


def cast_of(state: State) -> Cast:
    """The cast of the talk."""
    return _once(state["cast"], Cast.model_validate)
