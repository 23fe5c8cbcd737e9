"""Forks: one place in a talk, the strategies tried there, and the rollouts that were lived on from each.

A rollout is an episode of its own kind (`holdspace.rollout/1`): the turns from the fork on with everything that led to them, and what
they came to in the seeker's mind.  Rollouts are kept in `rollouts.jsonl` beside the run's episodes, never among them.  This module
runs and values a rollout; which forks are taken, and which pairs come of them, is `training/lookahead.py`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import Field

from agents.chat.port import LedgerEntry
from agents.errors import ChatError, InputError, StorageError
from agents.words import Strategy, Word
from graphs.forking import fork_seed, lived_on, said
from graphs.recipe import Recipe
from graphs.record import failure
from graphs.state import State, cast_of, mind_of
from simulator.episode import Failure, SeekerTurn, StopReason, SupporterTurn, Turn
from simulator.mind import Mind
from simulator.store import drop_torn_line, read_lines

SCHEMA: Literal["holdspace.rollout/1"] = "holdspace.rollout/1"
ROLLOUTS = "rollouts.jsonl"


class Rollout(Word):
    """One talk lived on from a fork under one strategy."""

    schema_version: Literal["holdspace.rollout/1"] = SCHEMA
    id: str
    episode: str
    """Id of the talk that was forked."""
    turn: Annotated[int, Field(ge=0)]
    """Index of the supporter turn in the episode's turns that this one stands instead of."""
    strategy: Strategy
    number: Annotated[int, Field(ge=0)]
    """Which rollout of this strategy; rollouts of one number share their seed over all strategies of a fork."""
    horizon: Annotated[int, Field(ge=1)]
    """Answers of the seeker that were lived on at most."""
    seed: int
    turns: tuple[Turn, ...] = ()
    """From the fork on."""
    stop: StopReason | None = None
    """How the talk ended, if it did."""
    error: Failure | None = None
    value: float | None = None
    """What it came to (`value`); None when it failed."""
    ledger: tuple[LedgerEntry, ...] = ()


class RolloutStore:
    """Appends rollouts to one file, flushed and fsynced, locked against other processes; use as a context manager.

    Raises:
        InputError: another process writes it.
        StorageError: it can't be opened or written; what was stored before stays whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> RolloutStore:
        try:
            self._file = self.path.open("ab+")
        except OSError as error:
            raise StorageError(f"{self.path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise InputError(f"{self.path} is in use by another holdspace.", hint="Wait for it.") from error
        drop_torn_line(self._file)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def ids(self) -> set[str]:
        """Ids of the rollouts that are stored and did not fail: a failed one is tried again."""
        return {str(raw.get("id")) for _, raw in read_lines(self.path) if raw.get("value") is not None}

    def append(self, rollout: Rollout) -> None:
        """Write one line and wait until it is on the disk; a failed write leaves the lines before it whole."""
        if self._file is None:
            raise StorageError(f"{self.path} is not open.")
        start = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(rollout.model_dump_json().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            os.truncate(self.path, start)
            hint = "Free some space and run the same command again."
            raise StorageError(f"{self.path} can't be written: {error.strerror}.", hint=hint) from error


def rollout_id(recipe: str, episode: str, turn: int, strategy: Strategy, number: int, horizon: int) -> str:
    """The id of a rollout: the same command finds it again."""
    digest = hashlib.sha256("/".join((recipe, episode, str(turn), strategy.value, str(number), str(horizon))).encode()).hexdigest()
    return f"ro-{digest[:16]}"


def value(mind: Mind, facts: int, *, gave_up: bool) -> float:
    """What a seeker's mind is worth: V = -intensity + trust + told / 2 - gave_up, in points of emotion intensity.

    Intensity (1 to 5) is what support is for.  Trust (0 to 1) is relief to come: relief is weighted by it (`simulator.mind`), and what
    remains of a usual talk is worth about a point at full trust.  `told` is the share of the scenario's facts that were disclosed.  Giving
    up costs a point.  The weights are ours; a gap between two strategies is what counts, never the value itself.  Range -6 to 0.5.
    """
    told = len({item.key for item in mind.disclosed}) / max(1, facts)
    return -mind.intensity + mind.trust + 0.5 * told - float(gave_up)


def value_of(state: State) -> float:
    """The value of a state's mind."""
    mind, stop = mind_of(state), state.get("stop") or {}
    if mind is None:
        raise ValueError("the seeker has not spoken yet")
    return value(mind, len(cast_of(state).scenario.facts), gave_up=stop.get("reason") == StopReason.GAVE_UP)


async def roll_out(state: State, strategy: Strategy, recipe: Recipe, *, number: int, horizon: int) -> State:
    """The state after `horizon` answers of the seeker, begun with a reply under `strategy`.

    Args:
        state: just before a supporter turn (`graphs.forking.state_at`).
        strategy: of that turn.
        recipe: whose seats are taken.
        number: which rollout; the same number draws the same chance for every strategy.
        horizon: at least 1.

    Raises:
        ChatError: a seat fails.
    """
    seed = fork_seed(state["seed"], len(state["turns"]), number)
    return await lived_on(await said(state, strategy, recipe, seed=seed), recipe, turns=horizon)


async def rollout(state: State, episode: str, strategy: Strategy, recipe: Recipe, *, number: int, horizon: int) -> Rollout:
    """The record of one rollout; a backend that fails makes a failed record.

    Raises:
        RunStop: a server is down for everybody, or the budget is reached.
    """
    turn = len(state["turns"])
    bare = Rollout(
        id=rollout_id(recipe.fingerprint, episode, turn, strategy, number, horizon),
        episode=episode,
        turn=turn,
        strategy=strategy,
        number=number,
        horizon=horizon,
        seed=fork_seed(state["seed"], turn, number),
    )
    try:
        end = await roll_out(state, strategy, recipe, number=number, horizon=horizon)
    except ChatError as error:
        return bare.model_copy(update={"stop": StopReason.FAILED, "error": failure(error)})
    stop = end.get("stop")
    return bare.model_copy(
        update={
            "turns": tuple(_turn(raw) for raw in end["turns"][turn:]),
            "stop": StopReason(stop["reason"]) if stop else None,
            "value": round(value_of(end), 6),
            "ledger": tuple(LedgerEntry.model_validate(entry) for entry in end["ledger"]),
        }
    )


def _turn(raw: dict[str, object]) -> Turn:
    return SeekerTurn.model_validate(raw) if raw["speaker"] == "seeker" else SupporterTurn.model_validate(raw)
