"""What there is to read of a stepping session: branches, checkpoints, states, calls, seats, prompts; and who is told of what happens.

Reading is free at any time, while a step runs, too.  Stepping is `session_stepping.py`, changing is `session.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from agents.chat.address import clean_spec
from agents.chat.port import Role
from agents.errors import InputError
from graphs.recipe import Recipe
from graphs.record import make_episode
from graphs.seats import Backends, Seated, seats_here
from graphs.session_calls import prompt_text, prompts_of, sit
from graphs.session_diff import difference, parted_replies
from graphs.session_states import States
from graphs.session_words import SEATS, Branch, Break, Call, Checkpoint, Difference, Event, Inspection, Kind, Marked
from graphs.state import State, cast_of
from simulator.episode import Episode, episode_id

Listener = Callable[[Event], None]


class Reading:
    """A session that can be read.

    Args:
        states: its checkpoints.
        backends: what seats are put on.
        recipe: with the secrets that the disk does not hold; the stored one when None.
    """

    def __init__(self, states: States, backends: Backends, recipe: Recipe | None = None) -> None:
        self._states = states
        self._folder = states.folder
        self._backends = backends
        self.recipe = recipe or self._folder.header.recipe
        self._lock = asyncio.Lock()
        self._listeners: list[Listener] = []
        self._calls: list[Call] = []
        self._seats: dict[str, Seated] = {}

    @property
    def name(self) -> str:
        return self._folder.name

    @property
    def busy(self) -> bool:
        """A step is running."""
        return self._lock.locked()

    @property
    def episode(self) -> Episode | None:
        """The episode that it was loaded from."""
        return self._states.episode

    @property
    def branches(self) -> tuple[Branch, ...]:
        """All branches, in the order they were made."""
        return self._folder.header.branches

    @property
    def current(self) -> Branch:
        """The branch that is stepped."""
        return self.branch(self._folder.header.current)

    @property
    def breaks(self) -> tuple[Break, ...]:
        """Breakpoints that stay."""
        return self._folder.header.breaks

    def branch(self, name: str | None = None) -> Branch:
        """A branch by name, the current one without; InputError when there is none."""
        wanted = name or self._folder.header.current
        for branch in self.branches:
            if branch.name == wanted:
                return branch
        raise InputError(f"There is no branch {wanted!r}.", hint=f"There are {', '.join(branch.name for branch in self.branches)}.")

    def history(self, branch: str | None = None) -> tuple[Checkpoint, ...]:
        """The checkpoints of a branch from the session's first one, oldest first."""
        return tuple(self._states.line(self.branches, self.branch(branch)))

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """All checkpoints of the session by number; with `branches` they make the tree."""
        known = {branch.thread for branch in self.branches}
        return tuple(row.at for row in self._states.rows if row.at.thread in known)

    def head(self, branch: str | None = None) -> Checkpoint:
        """Where a branch stands."""
        return self.history(branch)[-1]

    def checkpoint(self, number: int) -> Checkpoint:
        """A checkpoint by number; InputError when there is none."""
        return self._states.row(number).at

    def at(self, turn: int, node: str, branch: str | None = None) -> Checkpoint:
        """The last checkpoint of a branch at which this node was done in this exchange; InputError when there is none."""
        for found in reversed(self.history(branch)):
            if found.turn == turn and found.node == node:
                return found
        raise InputError(f"{self.branch(branch).name} has no {node} in turn {turn}.", hint="See its history.")

    async def state(self, number: int | None = None) -> State:
        """The state at a checkpoint, at the current head without."""
        return await self._states.values(number or self.head().number)

    async def inspect(self, number: int | None = None) -> Inspection:
        """A checkpoint with its state, what changed, and the calls that were made."""
        row = self._states.row(number or self.head().number)
        state, before = await self._states.values(row.at.number), self._states.before(row.at, self.branches)
        old: Mapping[str, Any] = await self._states.values(before.number) if before else {}
        changed = tuple(key for key in state if key not in old or state.get(key) != old[key])
        return Inspection(at=row.at, state=dict(state), changed=changed, calls=row.calls)

    def specs(self, branch: str | None = None) -> dict[Role, str]:
        """The spec on each seat of a branch, without secrets; `human` where a person sits."""
        found = self.branch(branch)
        specs = {Role(role): clean_spec(spec) for role, spec in self._recipe(found).seats.model_dump().items()}
        return specs | dict.fromkeys(found.taken, "human")

    def prompts(self, branch: str | None = None) -> dict[str, str]:
        """The text of each prompt of a branch, by name.  The rehearsal backend does not read prompts."""
        return {name: prompt_text(prompt) for name, prompt in prompts_of(self._sit(self.branch(branch))).items()}

    def waiting(self) -> Role | None:
        """The seat on which a person has to `say` something now."""
        follows = self.head().next
        return next((role for role in self.current.taken if SEATS[role] == follows), None)

    async def diff(self, left: str, right: str) -> Difference:
        """Two branches side by side."""
        pair = (self.branch(left), self.branch(right))
        lines = (self.history(left), self.history(right))
        return difference(lines, pair, (await self.state(lines[0][-1].number), await self.state(lines[1][-1].number)))

    async def mark_pair(self, better: str, worse: str, *, annotator: str, reason: str = "") -> Marked:
        """A judgement: the first reply in which two branches differ is better in one of them.

        Raises:
            InputError: they do not part in a reply.
        """
        if not annotator.strip():
            raise InputError("A judgement needs the annotator's name.")
        states = (await self.state(self.head(better).number), await self.state(self.head(worse).number))
        place, chosen, rejected = parted_replies((better, worse), states)
        seats = self._sit(self.branch(better))
        return Marked(
            session=self.name,
            turn=place,
            context=tuple(states[0]["turns"][:place]),
            chosen=chosen,
            rejected=rejected,
            branches=(better, worse),
            annotator=annotator.strip(),
            reason=reason.strip(),
            cast=states[0]["cast"],
            seed=states[0]["seed"],
            crisis=any(state.get("crisis") is not None for state in states),
            models=seats.specs(),
            prompts=seats.fingerprints(),
        )

    async def export(self, branch: str | None = None) -> Episode:
        """A branch whose talk has ended, as an episode with an id of its own.

        Raises:
            InputError: the talk goes on.
        """
        found, head = self.branch(branch), self.head(branch)
        if self.episode is not None and head.kind is Kind.RECORDED:
            return self.episode
        state = await self.state(head.number)
        if not state.get("stop"):
            raise InputError(f"The talk of {found.name} is not over.", hint="Run it to its end first.")
        recipe = self._recipe(found)
        with seats_here(recipe, self._sit(found)):
            episode = make_episode(recipe, cast_of(state), self._folder.header.index, state["seed"], state)
        notes = (f"Stepped in session {self.name}, branch {found.name}.", *(change.what for change in found.changes))
        hands = [item for item in self.history(found.name) if item.by_hand]
        notes += tuple(f"A person was at {item.node} in turn {item.turn}." for item in hands)
        own = episode_id(f"{recipe.fingerprint}/{self.name}/{found.name}", state["seed"], head.number)
        return episode.model_copy(update={"id": own, "notes": (*episode.notes, *notes)})

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told what happens; returns what ends it.  A listener must not step or change the session while it is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        if self._lock.locked():
            raise InputError(f"Session {self.name} is being stepped.", hint="Wait for it, or stop it.")
        async with self._lock:
            yield

    def _recipe(self, branch: Branch) -> Recipe:
        seats = self.recipe.seats.model_copy(update={role.value: spec for role, spec in branch.seats.items()})
        return self.recipe.model_copy(update={"seats": seats})

    def _sit(self, branch: Branch, *, anew: bool = False) -> Seated:
        if anew or branch.thread not in self._seats:
            self._seats[branch.thread] = sit(self._recipe(branch), self._backends, branch.prompts, self._note)
        return self._seats[branch.thread]

    def _note(self, call: Call) -> None:
        self._calls.append(call)
