"""A stepping session: one talk, run node by node, with every moment kept, to go back to, change, and live again in a branch.

    session = await sessions.start(recipe)          # graphs/sessions.py
    await session.step()                            # one node
    await session.run_to(Break(turn=3))
    await session.fork(strategy=Strategy.QUESTION)  # what if?
    await session.run_to(Break(turn=4))
    session_diff = await session.diff("main", "question-3")

No face: the terminal and the page call these methods and show what they return.  Nodes, seats and seeds are those of a batch, so a session
that is only stepped ends as the run's own episode.  What changes a session takes its lock; a second face is refused while a step runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from agents.chat.address import clean_spec
from agents.chat.port import Role
from agents.errors import InputError
from agents.words import Strategy
from graphs.seats import seats_here
from graphs.session_calls import prompts_of
from graphs.session_editing import edited
from graphs.session_stepping import Stepping
from graphs.session_store import checked_name
from graphs.session_words import (
    SEATS,
    Branch,
    Break,
    Change,
    Checkpoint,
    Event,
    Json,
    Kind,
)

Listener = Callable[[Event], None]


class Session(Stepping):
    """One session; made by `graphs.sessions.Sessions`.

    Reading (`history`, `inspect`, `diff` ...) is free at any time.  All that changes something raises InputError while a step is running.
    """

    async def begin(self) -> None:
        """Write the first checkpoint of a session that has none; for `Sessions`."""
        header = self._folder.header
        change = {"seed": header.seed, "cast": header.cast.model_dump(mode="json")}
        with seats_here(self.recipe, self._sit(self.current)):
            await self._states.write(self.current.thread, None, change, None, Kind.START)

    async def edit(self, path: str, value: Any, at: int | None = None) -> Checkpoint:
        """Change the state at a place such as `plan.strategy`: at the head in place, at an earlier checkpoint in a new branch.

        Args:
            path: keys and indices joined by dots.
            value: a plain JSON value.
            at: number of the checkpoint; the current head when None.

        Raises:
            InputError: no such place, or no such value there; the sentence names the path.
        """
        async with self._alone():
            where = self.checkpoint(at) if at else self.head()
            change, node = edited(await self.state(where.number), path, value)
            note = Change(at=where.number, what=f"{path} edited at {where.number}")
            if where == self.head() and where.kind is not Kind.RECORDED:
                await self._write(self.current, where, change, node, Kind.EDIT)
                self._change(self.current, changes=(*self.current.changes, note))
            else:
                await self._branch_off(where, None, note, change, node)
            return self._changed()

    async def fork(
        self,
        at: int | None = None,
        *,
        strategy: Strategy | None = None,
        seats: Mapping[Role, str] | None = None,
        prompts: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> Branch:
        """Begin a branch at a checkpoint and make it the current one; the branch it comes from stays as it was.

        Args:
            at: number of the checkpoint; the current head when None.
            strategy: what if the planner had chosen this, in the exchange of that checkpoint?  The branch begins after the plan.
            seats: other specs on seats.
            prompts: other texts of prompts, by name.
            name: of the branch; one is made up when None.

        Raises:
            InputError: no such checkpoint, spec, prompt or strategy there; or the name is taken.
        """
        async with self._alone():
            where = self.checkpoint(at) if at else self.head()
            put = {role: _plain(role, spec) for role, spec in (seats or {}).items()}
            told = [f"forked at {where.number}", *(f"{role.value} = {spec}" for role, spec in put.items())]
            told += [f"prompt {key} changed" for key in prompts or {}]
            change: Json = {}
            node = None
            if strategy is not None:
                where, plan = await self._what_if(where, strategy)
                change, node = {"plan": plan, "reflection": None, "versions": [], "critiques": []}, "plan"
                told.append(f"strategy = {strategy.value} in turn {where.coming}")
                name = name or f"{strategy.value.split()[0].lower()}-{where.coming}"
            note = Change(at=where.number, what=", ".join(told), seats=put, prompts=dict(prompts or {}))
            await self._branch_off(where, name, note, change, node)
            self._changed()
            return self.current

    async def _what_if(self, where: Checkpoint, strategy: Strategy) -> tuple[Checkpoint, Json]:
        """Where the planner was asked in a checkpoint's exchange, and the plan that it is to have made."""
        line = self._states.upto(where, self.branches)
        asked = next((item for item in reversed(line) if item.next == "plan" and item.coming == where.turn), None)
        if where.next == "plan":
            asked = where
        if asked is None:
            raise InputError(f"No reply is planned at {where.number}.", hint="Fork at a checkpoint of an exchange with a plan.")
        near = [item for item in self.checkpoints() if item in line or (item.thread == asked.thread and item.number > asked.number)]
        made = next((item for item in near if item.node == "plan" and item.turn == asked.coming), None)
        one_hot = {item.value: float(item is strategy) for item in Strategy}
        plan = ((await self.state(made.number))["plan"] if made else None) or {"distribution": one_hot}
        return asked, {**plan, "strategy": strategy.value, "rationale": "Chosen by hand."}

    async def swap(self, role: Role, spec: str) -> None:
        """Put another model on a seat of the current branch, from now on; InputError for a spec that can't be had."""
        async with self._alone():
            at = self.head().number
            self._note_down(Change(at=at, what=f"{role.value} = {spec} from {at}", seats={role: _plain(role, spec)}))

    async def set_prompt(self, name: str, text: str) -> None:
        """Put another text in place of a prompt in the current branch, from now on; InputError when it does not fit."""
        async with self._alone():
            self._check_prompt(self.current, name)
            at = self.head().number
            self._note_down(Change(at=at, what=f"prompt {name} changed from {at}", prompts={name: text}))

    async def take(self, role: Role) -> None:
        """Sit down on a seat of the current branch: from now on its node waits for `say`."""
        if role not in SEATS:
            raise InputError(f"The {role.value}'s seat can't be taken.", hint=f"These can: {', '.join(item.value for item in SEATS)}.")
        async with self._alone():
            if role not in self.current.taken:
                self._change(self.current, taken=(*self.current.taken, role))
            self._changed()

    async def give_back(self, role: Role) -> None:
        """Give a seat back to its model."""
        async with self._alone():
            self._change(self.current, taken=tuple(item for item in self.current.taken if item is not role))
            self._changed()

    async def rewind(self, number: int) -> Branch:
        """Go back to an earlier checkpoint of the current branch.  What came after stays, as a branch of its own."""
        async with self._alone():
            where, old = self.checkpoint(number), self.current
            if where not in self.history():
                raise InputError(f"{number} is not in the history of {old.name}.", hint="Go to its branch first, or fork there.")
            kept = self._free(f"{old.name}-was")
            self._folder.save(branches=tuple(_named(item, kept) if item == old else item for item in self.branches))
            await self._branch_off(where, old.name, Change(at=number, what=f"rewound to {number}"), {}, None, like=old)
            self._changed()
            return self.current

    async def select(self, name: str) -> Branch:
        """Make a branch the current one."""
        async with self._alone():
            branch = self.branch(name)
            self._folder.save(current=branch.name)
            self._changed()
            return branch

    async def set_breaks(self, breaks: tuple[Break, ...]) -> None:
        """Breakpoints that stay."""
        async with self._alone():
            self._folder.save(breaks=breaks)
            self._changed()

    def _check_prompt(self, branch: Branch, name: str) -> None:
        known = prompts_of(self._sit(branch))
        if name not in known:
            raise InputError(f"There is no prompt {name!r}.", hint=f"There are {', '.join(known)}.")

    def _note_down(self, change: Change) -> None:
        """Add a change of seats or prompts to the current branch, if it can be had."""
        branch = self.current
        fresh = branch.model_copy(update={"changes": (*branch.changes, change)})
        self._sit(fresh, anew=True)
        self._change(branch, changes=fresh.changes)
        self._changed()

    def _change(self, branch: Branch, **update: Any) -> None:
        changed = branch.model_copy(update=update)
        self._folder.save(branches=tuple(changed if item.thread == branch.thread else item for item in self.branches))

    def _changed(self) -> Checkpoint:
        head = self.head()
        self._tell(Event(kind="changed", branch=self.current.name, checkpoint=head))
        return head

    def _free(self, name: str) -> str:
        """The name, with a number after it when it is taken."""
        taken, number, free = {branch.name for branch in self.branches}, 1, name
        while free in taken:
            number += 1
            free = f"{name}-{number}"
        return free

    async def _live(self) -> Branch:
        """The current branch, on a thread of its own: a recorded talk that failed is gone on with in a branch."""
        if self.head().kind is Kind.RECORDED:
            at = self.head()
            await self._branch_off(at, None, Change(at=at.number, what=f"gone on with at {at.number}"), {}, None)
        return self.current

    async def _branch_off(
        self, where: Checkpoint, name: str | None, note: Change, change: Json, node: str | None, like: Branch | None = None
    ) -> None:
        """Begin a branch with the state of a checkpoint, changed, and make it the current one."""
        owner = like or self._states.owner(where, self.branches)
        if name is not None and any(branch.name == checked_name(name) for branch in self.branches):
            raise InputError(f"There is a branch {name} already.", hint="Choose another name.")
        threads = self._folder.header.threads + 1
        branch = Branch(
            name=name or self._free(f"fork-{where.number}"),
            thread=f"t{threads}",
            parent=where.thread,
            forked_at=where.number,
            taken=like.taken if like else (),
            changes=(*(item for item in owner.changes if item.at <= where.number), note),
        )
        for prompt in branch.prompts:
            self._check_prompt(owner, prompt)
        self._sit(branch, anew=True)
        self._folder.save(threads=threads)
        await self._write(branch, where, change, node, Kind.FORK)
        self._folder.save(branches=(*self.branches, branch), current=branch.name)

    async def _write(self, branch: Branch, where: Checkpoint, change: Json, node: str | None, kind: Kind) -> None:
        with seats_here(self._recipe(branch), self._sit(branch)):
            await self._states.write(branch.thread, where, change, node, kind)


def _named(branch: Branch, name: str) -> Branch:
    return branch.model_copy(update={"name": name})


def _plain(role: Role, spec: str) -> str:
    """A spec that may be kept on the disk."""
    if role is Role.JUDGE:
        raise InputError("There is no judge in a talk.", hint="Seats are seeker, planner, responder and critic.")
    if not re.fullmatch(r"\S+", spec.strip()) or clean_spec(spec) != spec.strip():
        raise InputError(f"{clean_spec(spec)}: a spec with a secret in it is not kept.", hint="Put the secret into the environment.")
    return spec.strip()
