"""The checkpoints of one session: LangGraph's saver for the states, our rows for everything that is shown of them.

Each branch is a thread.  A branch is begun by seeding a new thread with another's state, so what it came from never moves.  LangGraph
commits a step (durability `sync`) before its row is written; a step that was committed but not written down when the process was killed
gets its row, without calls, when the session is opened again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from langgraph.types import Overwrite

from agents.crisis import screen
from agents.errors import InputError, StorageError
from agents.rehearsal.listening import ear
from agents.rehearsal.repertoire import common
from graphs.recipe import Recipe
from graphs.seats import Seated, seats_here
from graphs.session_replay import THREAD, checkpoints, label, moments
from graphs.session_store import CHECKPOINTS, EPISODE, Folder, Row
from graphs.session_words import Branch, Call, Checkpoint, Json, Kind
from graphs.state import State, supporter_turns
from graphs.support import build
from simulator.episode import Episode
from simulator.sampling import space
from simulator.scenario import library
from simulator.voice import voice

ADDED = ("turns", "ledger")
"""Keys of the state to which nodes add, so that an edit has to overwrite them."""

Begun = Callable[[Branch, str], None]


class States:
    """The checkpoints of one session; `open_states` makes it, `close` ends it."""

    def __init__(self, folder: Folder, saver: Any) -> None:
        self.folder = folder
        self._saver = saver
        self._graph: Any = build().compile(checkpointer=saver)
        self._started = 0.0
        self.recorded: list[Row] = []
        if self.episode is not None:
            self.recorded = [Row(at=at, calls=calls) for at, calls in checkpoints(self.episode)]

    @cached_property
    def episode(self) -> Episode | None:
        """The episode that the session was loaded from."""
        path = self.folder.path / EPISODE
        return Episode.model_validate_json(path.read_text(encoding="utf-8")) if self.folder.header.episode else None

    @property
    def rows(self) -> list[Row]:
        """All checkpoints: number n stands at n - 1."""
        return [*self.recorded, *self.folder.rows]

    def row(self, number: int) -> Row:
        """A checkpoint by number; InputError when there is none."""
        place = number - 1 - len(self.recorded)
        if 1 <= number <= len(self.recorded):
            return self.recorded[number - 1]
        if not 0 <= place < len(self.folder.rows):
            raise InputError(f"There is no checkpoint {number}.", hint="See the history.")
        return self.folder.rows[place]

    def line(self, branches: Sequence[Branch], branch: Branch) -> list[Checkpoint]:
        """The checkpoints of a branch, from the session's first one."""
        own = [row.at for row in self.rows if row.at.thread == branch.thread]
        if branch.forked_at is None:
            return own
        return [*self.upto(self.row(branch.forked_at).at, branches), *own]

    def upto(self, at: Checkpoint, branches: Sequence[Branch]) -> list[Checkpoint]:
        """The checkpoints that lead to one, itself the last."""
        line = self.line(branches, self.owner(at, branches))
        return line[: line.index(at) + 1]

    def owner(self, at: Checkpoint, branches: Sequence[Branch]) -> Branch:
        """The branch on whose thread a checkpoint lies."""
        return next(branch for branch in branches if branch.thread == at.thread)

    def before(self, at: Checkpoint, branches: Sequence[Branch]) -> Checkpoint | None:
        """The checkpoint that one follows."""
        line = self.upto(at, branches)
        return line[-2] if len(line) > 1 else None

    async def values(self, number: int) -> State:
        """The state at a checkpoint."""
        at = self.row(number).at
        if at.kind is Kind.RECORDED:
            assert self.episode is not None
            return next(moment.state for place, moment in enumerate(moments(self.episode), start=1) if place == number)
        snapshot = await self._graph.aget_state(_config(at.thread, at.checkpoint))
        values: State = snapshot.values
        return values

    async def run(self, branch: Branch, recipe: Recipe, seats: Seated, begun: Begun) -> tuple[str, ...]:
        """Run the next node of a branch's thread; what LangGraph says that it ran.  Whatever the node raises comes through."""
        self._started, ran = time.monotonic(), []
        with seats_here(recipe, seats):
            stepping = self._graph.astream(
                None, _config(branch.thread), context=recipe, interrupt_after="*", durability="sync", stream_mode="tasks"
            )
            async for event in stepping:
                if "triggers" in event:
                    begun(branch, event["name"])
                elif not event["error"]:
                    ran.append(event["name"])
        return tuple(ran)

    async def settle(self, branch: Branch, calls: tuple[Call, ...], *, by_hand: bool = False) -> Checkpoint | None:
        """Write down the step that LangGraph has committed on a thread; None when there is none that is not written down yet."""
        snapshot = await self._graph.aget_state(_config(branch.thread))
        last = next((row.at for row in reversed(self.folder.rows) if row.at.thread == branch.thread), None)
        if last is None or not snapshot.config["configurable"].get("checkpoint_id") or _id(snapshot.config) == last.checkpoint:
            return None
        return self._append(branch.thread, snapshot, last.next, Kind.STEP, calls, by_hand=by_hand)

    async def write(self, thread: str, where: Checkpoint | None, change: Json, node: str | None, kind: Kind) -> Checkpoint:
        """Put a state onto a thread: another checkpoint's, changed, onto a new one, or a change onto its own.

        Must be called with the branch's seats here: LangGraph asks the edges which node follows.

        Args:
            thread: which.
            where: whose state it is; None for a session's first.
            change: keys that are other, whole.
            node: the node that it stands after; that of `where` when None.
            kind: of the new checkpoint.
        """
        after = node or (where.node if where else None)
        if where is not None and where.thread == thread:
            values: Json = {key: Overwrite(value) if key in ADDED else value for key, value in change.items()}
        else:
            values = {**(await self.values(where.number) if where else {}), **change}
        if after is None:
            values = {key: value for key, value in values.items() if key in ("seed", "cast")}
        await self._graph.aupdate_state(_config(thread), values, as_node=after or "__start__")
        return self._append(thread, await self._graph.aget_state(_config(thread)), after, kind, ())

    def _append(
        self, thread: str, snapshot: Any, node: str | None, kind: Kind, calls: tuple[Call, ...], *, by_hand: bool = False
    ) -> Checkpoint:
        state: State = snapshot.values
        done = supporter_turns(state)
        at = Checkpoint(
            number=len(self.recorded) + len(self.folder.rows) + 1,
            kind=kind,
            thread=thread,
            checkpoint=_id(snapshot.config),
            node=node,
            next=snapshot.next[0] if snapshot.next else None,
            turn=max(1, done if node in ("deliver", "handover") else done + 1),
            coming=done + 1,
            label=label(node, state),
            seconds=round(time.monotonic() - self._started, 6) if kind is Kind.STEP and self._started else None,
            by_hand=by_hand,
        )
        self.folder.append(Row(at=at, calls=calls))
        return at

    async def close(self) -> None:
        """Close the files."""
        await self._saver.conn.close()
        self.folder.close()


async def open_states(folder: Folder) -> States:
    """The checkpoints of a session's folder.

    Raises:
        InputError: the saver is not installed.
        StorageError: the file of checkpoints can't be used.
    """
    try:
        import aiosqlite  # noqa: PLC0415  an extra
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver  # noqa: PLC0415  an extra
    except ImportError as error:
        raise InputError("Stepping needs LangGraph's SQLite saver.", hint="pip install 'holdspace[studio]'") from error
    path = folder.path / CHECKPOINTS
    try:
        saver = AsyncSqliteSaver(await aiosqlite.connect(path))
        await saver.setup()
        states = States(folder, saver)
        for branch in folder.header.branches:
            if branch.thread != THREAD:
                await states.settle(branch, ())
    except sqlite3.Error as error:
        raise StorageError(f"{path} can't be used: {error}.", hint="Check the disk, or begin a new session.") from error
    return states


def warm() -> None:
    """Read the library, the repertoire and the gate's files, which takes seconds: call it in a thread before the first step."""
    for read in (library, ear, common, voice, space):
        read()
    screen("hello")


def _config(thread: str, checkpoint: str | None = None) -> Any:
    place = {"thread_id": thread} | ({"checkpoint_id": checkpoint, "checkpoint_ns": ""} if checkpoint else {})
    return {"configurable": place}


def _id(config: Any) -> str:
    return str(config["configurable"]["checkpoint_id"])
