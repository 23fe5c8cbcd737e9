"""What can be done on the debugger page.

Everything that comes from the browser is text, looked up or read here; nothing of it is ever joined into a path.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from agents.chat.port import Role
from agents.errors import InputError
from agents.words import Strategy
from graphs.session_words import SEATS, Break, Halt, Why
from simulator.intent import Move
from studio import debugger_sheets as sheets
from studio.debugger_html import Html, button, join, pretty
from studio.debugger_studio import scenarios
from studio.terminal_words import break_of, role_of, strategy_of, value_of

if TYPE_CHECKING:
    from studio.debugger_page import Page

Given = Mapping[str, str]
Act = Callable[[Given], Awaitable[None]]


class Acts:
    """The acts of one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._known: dict[str, Act] = {
            "step": self.step, "continue": self.go_on, "turn": self.turn, "stop": self.stop, "say": self.say, "node": self.node,
            "break": self.set_break, "unbreak": self.unbreak, "edit": self.edit, "fork": self.fork, "whatif": self.what_if,
            "seats": self.seats, "prompt": self.prompt, "take": self.take, "give": self.give, "look": self.look,
            "head": self.head, "rewind": self.rewind, "branch": self.branch, "compare": self.compare, "versus": self.versus,
            "mark": self.mark, "tab": self.tab, "sheet": self.sheet, "session": self.session, "new": self.new,
            "episode": self.episode, "filter": self.filter, "page": self.turn_page, "hush": self.hush,
        }  # fmt: skip

    async def do(self, given: Given) -> None:
        """Do what was pressed.

        Raises:
            HoldspaceError: it can't be done; the sentence is for the person.
        """
        act = self._known.get(given.get("act", ""))
        if act is None:
            raise InputError("The page asked for something that there is not.", hint="Load it again.")
        await act(given)

    # Stepping

    async def step(self, _: Given) -> None:
        await self._ready()
        self._told(await self.page.session.step())

    async def go_on(self, _: Given) -> None:
        await self._ready()
        self._told(await self.page.session.run_to())

    async def turn(self, _: Given) -> None:
        await self._ready()
        wanted = Break(turn=self.page.session.head().coming + 1)
        halt = await self.page.session.run_to(wanted)
        self._told(halt if halt.breakpoint != wanted else halt.model_copy(update={"why": Why.STEP}))

    async def stop(self, _: Given) -> None:
        self.page.session.stop()

    async def say(self, given: Given) -> None:
        await self._ready()
        chosen = strategy_of(given["strategy"]) if given.get("strategy") else None
        move = next((item for item in (Move.CLOSE, Move.LEAVE) if item.value == given.get("move")), None)
        self._told(await self.page.session.say(given.get("text", ""), strategy=chosen, move=move, reason=given.get("reason", "")))

    async def _ready(self) -> None:
        """Before nodes run: the library is read, and a step from an earlier checkpoint begins a branch there."""
        page = self.page
        if not page.studio.is_warm:
            page.say("Reading the library and the crisis gate's examples, once …")
            await page.studio.warm()
        page.say("")
        if page.at is not None and not page.session.busy:
            branch = await page.session.fork(page.at)
            page.at = None
            page.say(f"Branch {branch.name} begins here; what was there stays as it was.")

    def _told(self, halt: Halt) -> None:
        page = self.page
        page.at = None
        if halt.why is Why.BREAKPOINT:
            page.say(f"Halted at the breakpoint: {halt.breakpoint}.")
        elif halt.why is Why.HAND and halt.seat:
            page.say(f"It is your turn as the {halt.seat.value}.")
        elif halt.why is Why.END:
            page.say("The talk is over. Go back to a turn and live it again: What if …, or Fork.")
        elif halt.why is Why.STOPPED:
            page.say("Stopped.")
        elif halt.why is Why.FAILED:
            page.say(f"The node failed: {halt.error} The session stands where it stood.", bad=True)

    # Breakpoints

    async def node(self, given: Given) -> None:
        """Set a breakpoint before a node, or clear it."""
        wanted, breaks = break_of([given.get("node", "")]), self.page.session.breaks
        await self.page.session.set_breaks(tuple(item for item in breaks if item != wanted) if wanted in breaks else (*breaks, wanted))

    async def set_break(self, given: Given) -> None:
        words = [f"{key}={given[key]}" for key in ("node", "turn", "strategy", "error") if given.get(key)]
        words += [f"emotion<{given['emotion_below']}"] if given.get("emotion_below") else []
        words += ["crisis"] if given.get("crisis") else []
        await self.page.session.set_breaks((*self.page.session.breaks, break_of(words)))
        self.page.open_sheet(None)

    async def unbreak(self, given: Given) -> None:
        place = _number(given, "place")
        await self.page.session.set_breaks(tuple(item for number, item in enumerate(self.page.session.breaks) if number != place))
        self.page.open_sheet(sheets.break_sheet(self.page.session.breaks))

    # Changing

    async def edit(self, given: Given) -> None:
        session, at = self.page.session, _number(given, "at")
        before = session.current.name
        where = await session.edit(
            given.get("path", "").strip(), value_of(given.get("value", "")), at if at != session.head().number else None
        )
        self._went(before, f"{given['path']} is changed.")
        self.page.at = None if where == session.head() else where.number

    async def fork(self, given: Given) -> None:
        session, before = self.page.session, self.page.session.current.name
        seats = {role: given[f"seat_{role.value}"] for role in Role if given.get(f"seat_{role.value}")}
        strategy = strategy_of(given["strategy"]) if given.get("strategy") else None
        at, name = _number(given, "at"), given.get("name", "").strip() or None
        if strategy is not None and not seats and name is None:
            await self._what_if(at, strategy)
            return
        await session.fork(at, strategy=strategy, seats=seats, name=name)
        self._went(before, "")

    async def what_if(self, given: Given) -> None:
        await self._what_if(_number(given, "at"), strategy_of(given.get("strategy", "")))

    async def _what_if(self, at: int, strategy: Strategy) -> None:
        page = self.page
        before = page.session.current.name
        page.open_sheet(None)
        page.say(f"Living it again with {strategy.value} …")
        page.at = None
        await page.studio.what_if(page.session, at, strategy)
        self._went(before, "The reply with this strategy is here.")

    def _went(self, before: str, text: str) -> None:
        """After a change: say in which branch one is now."""
        page, now = self.page, self.page.session.current.name
        page.open_sheet(None)
        page.at = None
        if now != before:
            parts = [
                f"You are in branch {now}; {before} stays as it was. {text} ",
                button(f"Compare with {before}", "compare", branch=before),
            ]
            page.say(join(parts))
        else:
            page.say(text)

    async def seats(self, given: Given) -> None:
        specs = self.page.session.specs()
        for role, spec in specs.items():
            wanted = given.get(role.value, "").strip()
            if wanted and spec not in (wanted, "human"):
                await self.page.session.swap(role, wanted)
        self.page.open_sheet(None)
        seats = ", ".join(f"{role.value} {spec}" for role, spec in self.page.session.specs().items())
        self.page.say(f"Seats of {self.page.session.current.name}: {seats}.")

    async def prompt(self, given: Given) -> None:
        name = given.get("name", "")
        await self.page.session.set_prompt(name, given.get("text", "").replace("\r\n", "\n"))
        self.page.open_sheet(None)
        self.page.say(f"Prompt {name} is changed in {self.page.session.current.name}.")

    async def take(self, given: Given) -> None:
        role = role_of(given.get("seat", ""))
        await self.page.session.take(role)
        self.page.open_sheet(None)
        waits = self.page.session.waiting() is role
        self.page.say(f"You are the {role.value}. " + ("Say something." if waits else f"Step on until {SEATS[role]} is next."))

    async def give(self, given: Given) -> None:
        role = role_of(given.get("seat", ""))
        await self.page.session.give_back(role)
        self.page.open_sheet(None)
        self.page.say(f"The {role.value}'s seat is given back.")

    async def rewind(self, given: Given) -> None:
        await self.page.session.rewind(_number(given, "at"))
        self.page.at = None
        self.page.say("Rewound. What came after stays, as a branch of its own.")

    # Looking

    async def look(self, given: Given) -> None:
        self.page.at = _number(given, "at")

    async def head(self, _: Given) -> None:
        self.page.at = None

    async def branch(self, given: Given) -> None:
        await self.page.session.select(given.get("branch", ""))
        self.page.at = None
        if self.page.compared == given.get("branch"):
            self.page.compared = None

    async def compare(self, given: Given) -> None:
        name = given.get("branch", "")
        self.page.compared = self.page.session.branch(name).name if name else None

    async def versus(self, _: Given) -> None:
        """Compare with the branch that this one was forked from, else with the last other one."""
        session = self.page.session
        others = [branch for branch in session.branches if branch.name != session.current.name]
        parent = next((branch for branch in others if branch.thread == session.current.parent), others[-1] if others else None)
        if parent is None:
            raise InputError("There is one branch only.", hint="Fork first.")
        self.page.compared = None if self.page.compared else parent.name

    async def mark(self, given: Given) -> None:
        pairs = await self.page.studio.mark(self.page.session, given.get("better", ""), given.get("worse", ""), given.get("reason", ""))
        self.page.say(f"Kept in pairs/marked.jsonl: {' and '.join(pair.kind.value for pair in pairs)}. {given.get('better')} is better.")

    async def tab(self, given: Given) -> None:
        self.page.tab = "state" if given.get("tab") == "state" else "calls"

    async def hush(self, _: Given) -> None:
        self.page.say("")

    # Opening

    async def session(self, given: Given) -> None:
        self._opened(await self.page.studio.open(given.get("session", "")))

    async def new(self, given: Given) -> None:
        name, scenario = given.get("name", "").strip() or None, given.get("scenario") or None
        self._opened(await self.page.studio.new(scenario, _number(given, "index"), name))

    async def episode(self, given: Given) -> None:
        self.page.say(f"Opening episode {_number(given, 'index')} …")
        self._opened(await self.page.studio.revive(_number(given, "index")))

    def _opened(self, session: Any) -> None:
        self.page.open_sheet(None)
        self.page.look_at(session)
        self.page.say("")
        self.page.remember()

    async def filter(self, given: Given) -> None:
        self.page.wanted = {key: given[key] for key in ("strategy", "error", "outcome", "persona", "words") if given.get(key)}
        self.page.page = 0

    async def turn_page(self, given: Given) -> None:
        self.page.page = _number(given, "page")

    async def sheet(self, given: Given) -> None:
        """Open a sheet, or close it."""
        session, page = self.page.session, self.page
        at = session.checkpoint(_number(given, "at")) if given.get("at") else session.checkpoint(page.at) if page.at else session.head()
        which, path = given.get("sheet", ""), given.get("path", "")
        if which == "edit":
            value: Any = (await session.state(at.number)).get(path, "") if path else ""
            page.open_sheet(sheets.edit_sheet(at, path, pretty(value) if path else ""))
        elif which == "seats":
            prompts = session.prompts()
            chosen = path if path in prompts else next(iter(prompts))
            page.open_sheet(sheets.seats_sheet(session.specs(), prompts, chosen, list(session.current.prompts)))
        else:
            made: dict[str, Callable[[], Html]] = {
                "help": sheets.help_sheet,
                "break": lambda: sheets.break_sheet(session.breaks),
                "fork": lambda: sheets.fork_sheet(at, session.current, session.specs()),
                "take": lambda: sheets.take_sheet(session.current.taken),
                "new": lambda: sheets.new_sheet(scenarios(page.studio.recipe)),
            }
            page.open_sheet(made[which]() if which in made else None)


def _number(given: Given, key: str) -> int:
    """A whole number from the browser; InputError when it is none."""
    text = given.get(key, "")
    if not text.isdecimal() or len(text) > 9:
        raise InputError(f"{key}: {json.dumps(text[:40])} is no number.")
    return int(text)
