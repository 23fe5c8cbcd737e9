"""Stepping a session: one node, to a breakpoint, or with a person's word; halting and failing without losing anything.

Nodes, seats and seeds are those of a batch, so a session that is only stepped ends as the run's own episode.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.chat.port import Role
from agents.errors import HoldspaceError, InputError
from agents.words import Strategy
from graphs.session_breaks import met
from graphs.session_calls import Said, with_hand
from graphs.session_reading import Reading
from graphs.session_words import SEATS, Branch, Break, Event, Halt, Why
from simulator.intent import Move


class Stepping(Reading):
    """A session that can be stepped.  Each method raises InputError while another one runs."""

    _running: asyncio.Task[tuple[str, ...]] | None = None
    _stopping = False
    _executed: tuple[str, ...] = ()

    async def step(self) -> Halt:
        """Run the next node."""
        async with self._stepped():
            return self._halted(self._blocked() or await self._run_node() or Halt(why=Why.STEP, at=self.head()))

    async def run_to(self, *breaks: Break) -> Halt:
        """Run until a breakpoint (one of these, or of those that stay), a person's seat, the end of the talk, a failure, or `stop`."""
        async with self._stepped():
            while (halt := self._blocked()) is None:
                if (halt := await self._run_node()) is not None:
                    break
                wanted = (*breaks, *self.breaks)
                if wanted and (hit := met(wanted, self.head(), await self.state())) is not None:
                    halt = Halt(why=Why.BREAKPOINT, at=self.head(), breakpoint=hit)
                    break
                if self._stopping:
                    halt = Halt(why=Why.STOPPED, at=self.head())
                    break
            return self._halted(halt)

    def stop(self) -> None:
        """Halt a running `step` or `run_to`; the node at work is cut off and will be run again.  Does nothing when nothing runs."""
        if self.busy:
            self._stopping = True
            if self._running is not None:
                self._running.cancel()

    async def say(self, text: str = "", *, strategy: Strategy | None = None, move: Move | None = None, reason: str = "") -> Halt:
        """Speak on the seat that waits for a person: its node is run with this in place of a backend's answer.

        Args:
            text: the seeker's or the responder's words.
            strategy: the planner's choice.
            move: what the seeker does with the turn; `close` and `leave` end the talk.  TELL (first OPEN) when None.
            reason: the planner's rationale.

        Raises:
            InputError: no seat waits, or what it needs is missing.
        """
        async with self._stepped():
            role = self._speaker(text, strategy)
            said = Said(role, text=text.strip(), strategy=strategy, move=move, reason=reason)
            return self._halted(await self._run_node(said) or Halt(why=Why.STEP, at=self.head()))

    async def close(self) -> None:
        """Stop what runs and close the files."""
        self.stop()
        async with self._lock:
            await self._states.close()

    @asynccontextmanager
    async def _stepped(self) -> AsyncIterator[None]:
        async with self._alone():
            self._stopping, self._executed = False, ()
            yield

    async def _live(self) -> Branch:
        """The current branch, on a thread of LangGraph's."""
        raise NotImplementedError

    def _speaker(self, text: str, strategy: Strategy | None) -> Role:
        role = self.waiting()
        if role is None:
            follows = self.head().next
            seat = next((seat.value for seat, node in SEATS.items() if node == follows), None)
            held = " or ".join(role.value for role in self.current.taken)
            hint = f"Step on until the {held} is next." if held else f"Take it first: take {seat}." if seat else "Take a seat and step on."
            raise InputError(f"Nobody waits for a word: next is {follows or 'nothing, the talk is over'}.", hint=hint)
        if role is Role.PLANNER and strategy is None:
            raise InputError("The planner says a strategy.", hint=f"One of {', '.join(item.value for item in Strategy)}.")
        if role is not Role.PLANNER and not text.strip():
            raise InputError(f"The {role.value} says a text.")
        return role

    def _blocked(self) -> Halt | None:
        if self.head().next is None:
            return Halt(why=Why.END, at=self.head())
        if (seat := self.waiting()) is not None:
            return Halt(why=Why.HAND, at=self.head(), seat=seat)
        return None

    async def _run_node(self, said: Said | None = None) -> Halt | None:
        """Run one node of the current branch; None when it is done, else why not."""
        branch = await self._live()
        self._calls = []
        seats = with_hand(self._sit(branch), said, self._note) if said else self._sit(branch)
        running = self._running = asyncio.ensure_future(self._states.run(branch, self._recipe(branch), seats, self._begun))
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:  # who asked for the step is gone; what LangGraph has committed is kept
            running.cancel()
            await asyncio.wait({running})
            await self._settle(branch, said)
            raise
        finally:
            self._running = None
        if not running.cancelled() and (error := running.exception()) is not None:
            if not isinstance(error, HoldspaceError):
                raise error
            return Halt(why=Why.FAILED, at=self.head(), error=str(error), calls=tuple(self._calls))
        await self._settle(branch, said)
        if running.cancelled():
            return Halt(why=Why.STOPPED, at=self.head())
        self._executed += running.result()
        return None

    async def _settle(self, branch: Branch, said: Said | None = None) -> None:
        """Write down what LangGraph has done on the branch's thread, if it has."""
        made = await self._states.settle(branch, tuple(self._calls), by_hand=said is not None)
        if made is not None:
            self._tell(Event(kind="done", branch=branch.name, node=made.node, checkpoint=made))

    def _begun(self, branch: Branch, node: str) -> None:
        self._tell(Event(kind="node", branch=branch.name, node=node))

    def _halted(self, halt: Halt) -> Halt:
        halt = halt.model_copy(update={"executed": self._executed})
        self._tell(Event(kind="halt", branch=self.current.name, checkpoint=halt.at, halt=halt))
        return halt
