"""What all browsers of one `holdspace studio` share: the sessions, the list of episodes, who annotates.  Names are looked up here, never
joined into a path."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Mapping

from agents.chat.address import find_address
from agents.chat.port import Role
from agents.errors import HoldspaceError, InputError
from agents.words import Strategy
from graphs.casting import Casting
from graphs.recipe import Recipe
from graphs.seats import Backends
from graphs.session import Session
from graphs.session_words import Break
from graphs.sessions import Sessions
from studio.debugger_runs import RunIndex, run_index
from studio.marking import mark
from studio.opening import Target, open_session
from training.pair import Pair

_DARK = 3.0
"""Seconds after which what takes long begins though nobody looks."""


class Studio:
    """One server's.

    Args:
        target: what to open first.
        recipe: of it.
        backends: what seats are put on.
        annotator: in whose name pairs are marked.
    """

    def __init__(self, target: Target, recipe: Recipe, backends: Backends, annotator: str) -> None:
        self.target = target
        self.recipe = recipe
        self.annotator = annotator
        self.sessions = Sessions(target.run, backends)
        self.index: RunIndex = run_index(target.run)
        self.first: Session | None = None
        self.lit = asyncio.Event()
        """A page has been shown; what takes long and can wait begins then."""
        self._warming: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Open what was asked for, and begin to read what the first step needs.

        Raises:
            InputError: it is not there.
        """
        self.index.start()
        self.first = await self._again() or await open_session(self.sessions, self.target, self.recipe)
        self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        """Read the library, and fit the crisis gate's model: seconds, beside the event loop, once."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.lit.wait(), _DARK)
        await self.sessions.warm()
        fitted, loop = asyncio.Event(), asyncio.get_running_loop()
        threading.Thread(target=_fit_gate, args=(loop, fitted), daemon=True, name="gate").start()
        await fitted.wait()

    @property
    def is_warm(self) -> bool:
        """A first step would be quick."""
        return self._warming is not None and self._warming.done()

    async def _again(self) -> Session | None:
        """The session that was last worked on, where nothing else was asked for."""
        asked = self.target
        if asked.session or asked.episode or asked.scenario or asked.index or asked.turn:
            return None
        for info in self.sessions.list():
            if not info.trouble:
                try:
                    return await self.sessions.open(info.name)
                except InputError:  # open in another holdspace: the next one, or a new one
                    continue
        return None

    async def warm(self) -> None:
        """Wait until a first step would be quick."""
        if self._warming is not None:
            await asyncio.shield(self._warming)

    async def close(self) -> None:
        """Close everything."""
        self.index.stop()
        if self._warming is not None:
            self._warming.cancel()
        await self.sessions.close()

    def has(self, name: str) -> bool:
        """Whether there is a session of this name."""
        return any(info.name == name and not info.trouble for info in self.sessions.list())

    async def open(self, name: str) -> Session:
        """A session that is there; InputError when there is none of this name."""
        if not self.has(name):
            raise InputError("There is no such session.", hint="Choose one of the list.")
        return await self.sessions.open(name)

    async def new(self, scenario: str | None, index: int, name: str | None) -> Session:
        """A new talk."""
        return await self.sessions.start(self.recipe, index=index, scenario=scenario, name=name)

    async def revive(self, index: int) -> Session:
        """An episode of the run: the session that it was opened in before, or a new one."""
        episode = await asyncio.to_thread(self.index.episode, index)
        for info in self.sessions.list():
            if info.episode == episode.id and not info.trouble:
                return await self.sessions.open(info.name)
        return await self.sessions.revive(episode, self.recipe)

    async def what_if(self, session: Session, at: int, strategy: Strategy) -> str:
        """Live a turn again with another strategy, until its reply is said; the name of the branch."""
        branch = await session.fork(at, strategy=strategy)
        await self.warm()
        await session.run_to(Break(turn=session.head().coming + 1))
        return branch.name

    async def mark(self, session: Session, better: str, worse: str, reason: str) -> list[Pair]:
        """Keep a preference pair."""
        marked = await session.mark_pair(better, worse, annotator=self.annotator, reason=reason)
        dialogue = session.episode.id if session.episode else session.name
        return await asyncio.to_thread(mark, self.sessions.run, marked, session.recipe, dialogue)


def _fit_gate(loop: asyncio.AbstractEventLoop, fitted: asyncio.Event) -> None:
    """In a thread that nobody waits for when the page is closed."""
    from agents.crisis_model import model  # scikit-learn is slow to import, and the page is to be there first

    try:
        model()
    finally:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(fitted.set)


def asked(specs: Mapping[Role, str]) -> str:
    """Who is asked when a node runs: the URLs of models, in a sentence."""
    where = list(dict.fromkeys(_where(spec) for spec in specs.values() if spec.lower().startswith("openai:")))
    return f"Asks {' and '.join(where)}; nothing else leaves this machine." if where else "No request leaves this machine."


def _where(spec: str) -> str:
    try:
        return find_address(spec, os.environ).base
    except HoldspaceError as error:
        return f"{spec} ({error.message})"


def scenarios(recipe: Recipe) -> list[str]:
    """Names of the scenarios that a new talk can have."""
    casting = Casting(recipe)
    return [] if casting.deck else [scenario.name for scenario in casting.scenarios]
