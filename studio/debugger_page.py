"""One browser tab of the debugger: its panels, what it looks at, and keeping both in step with the session.

Panels are plain HTML made by `studio/debugger_*.py`; only what has changed is sent.  What is pressed comes back as one event with the name
of an act (`studio/debugger_acts.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from agents.errors import HoldspaceError
from graphs.session import Session
from graphs.session_words import Checkpoint, Event, Inspection, Json, Kind
from studio.debugger_acts import Acts
from studio.debugger_drawn import bars, counted, graph
from studio.debugger_html import Html, button, el, join
from studio.debugger_listed import Listed
from studio.debugger_runs import filters, listed
from studio.debugger_sheets import composer
from studio.debugger_sides import comparison, hidden, inspector, sessions, timeline, tree
from studio.debugger_studio import Studio, asked
from studio.debugger_talk import pending_turn, seeker_turn, supporter_turn

_TABS = (("talk", "Talk"), ("tree", "Timeline"), ("mind", "Mind"), ("inspect", "Inspect"), ("runs", "Open"))


_WELCOME = el("p", "Nobody has spoken yet. Step runs the next node, Next turn an exchange, Continue the whole talk.", cls="welcome")


class Page:
    """A tab.

    Args:
        studio: what it shares with the others.
        client: its connection.
    """

    def __init__(self, studio: Studio, client: Client) -> None:
        self.studio = studio
        self.client = client
        self.at: int | None = None
        """Number of the checkpoint that is looked at; None follows the head."""
        self.compared: str | None = None
        """Branch that the current one is compared with."""
        self.tab = "calls"
        self.wanted: dict[str, str] = {}
        """Filters of the list of episodes."""
        self.page = 0
        self.running: str | None = None
        """The node at work."""
        self._forget: Callable[[], None] = lambda: None
        self._dirty = asyncio.Event()
        self._drawn: dict[int, tuple[Any, Html]] = {}
        self._panels: dict[str, ui.html] = {}
        self.acts = Acts(self)

    @property
    def session(self) -> Session:
        """The session that is looked at."""
        return self._session

    async def show(self, name: str | None) -> None:
        """Put the page up, and keep it up to date until the tab is closed."""
        assert self.studio.first is not None
        with self.client:
            self._build()
        self.look_at(self.studio.first)
        self._tasks = [asyncio.create_task(self._keep()), asyncio.create_task(self._read())]
        self.client.on_delete(self._gone)
        try:
            if name is not None and name != self.session.name:
                self.look_at(await self.studio.open(name))
        except HoldspaceError as error:  # open in another holdspace, or damaged: the page shows the first one
            self.say(str(error), bad=True)

    def _gone(self) -> None:
        self._forget()
        for task in self._tasks:
            task.cancel()

    def look_at(self, session: Session) -> None:
        """Go to a session."""
        self._forget()
        self._session = session
        self._forget = session.listen(self._heard)
        self.at, self.compared, self.running = None, None, None
        self._drawn.clear()
        self.touch()

    def remember(self) -> None:
        """Put the session's name into the address, so that loading the page again comes back to it."""
        with self.client:
            ui.navigate.history.replace(f"/?session={quote(self.session.name)}")

    def touch(self) -> None:
        """Something has changed: draw anew soon."""
        self._dirty.set()

    def say(self, text: str | Html, *, bad: bool = False) -> None:
        """Tell the person something."""
        self._put(
            "notice", el("p", text, button("×", "hush", cls="quiet", aria_label="Close"), cls="bad" if bad else None) if text else Html("")
        )

    def open_sheet(self, sheet: Html | None) -> None:
        """Open a sheet over the page, or close it."""
        self._put("sheet", sheet or Html(""))

    def _build(self) -> None:
        with ui.element("div").classes("hs"):
            self._panel("top", "header")
            self._panel("graph")
            self._panel("controls")
            self._panel("notice").props('role="status"')
            self._panel("tabs", "nav")
            with ui.element("div").classes("columns"):
                with ui.element("aside").classes("left"):
                    self._panel("tree")
                    self._line = Listed(ui.element("div").classes("timeline"))
                    self._panel("filters")
                    self._panel("episodes")
                    self._panel("sessions")
                with ui.element("main").classes("middle"):
                    self._panel("where")
                    self._panel("compare")
                    self._talk = Listed(ui.element("div").classes("talk"))
                    self._panel("pending")
                    self._panel("composer")
                with ui.element("aside").classes("right"):
                    for name in ("plan", "mind", "inspect"):
                        self._panel(name)
            self._panel("sheet")
        ui.on("act", self._pressed)
        tabs = [el("button", text, type="button", cls="tab", data_local=f"tab:{key}", data_k=f"local:{key}") for key, text in _TABS]
        self._put("tabs", join(tabs))
        if self.studio.index.exists:
            self._put("filters", join([el("h2", "Episodes of the run"), filters(self.wanted)]))

    def _panel(self, name: str, tag: str = "div") -> ui.html:
        self._panels[name] = ui.html("", sanitize=False, tag=tag).classes(f"p-{name}")
        return self._panels[name]

    def _put(self, name: str, content: Html) -> None:
        self._panels[name].set_content(str(content))

    def _heard(self, event: Event) -> None:
        if event.kind == "node":
            self.running = event.node
        elif event.kind == "halt":
            self.running = None
        self.touch()

    async def _pressed(self, event: GenericEventArguments) -> None:
        given = event.args if isinstance(event.args, dict) else {}
        try:
            await self.acts.do({str(key): value for key, value in given.items() if isinstance(value, str) and isinstance(key, str)})
        except HoldspaceError as error:
            self.say(str(error), bad=True)
        self.touch()

    async def _keep(self) -> None:
        """Draw whenever something has changed, at most some 30 times a second."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self._draw()
            except HoldspaceError as error:
                self.say(str(error), bad=True)
            self.studio.lit.set()
            await asyncio.sleep(0.03 if self.session.busy else 0)

    async def _read(self) -> None:
        """Show the list of episodes grow."""
        while self.studio.index.share < 1:
            await asyncio.sleep(0.3)
            self.draw_episodes()

    def draw_episodes(self) -> None:
        """Show the list of episodes."""
        if self.studio.index.exists:
            self._put("episodes", listed(self.studio.index, self.wanted, self.page))

    async def _draw(self) -> None:
        session, line = self.session, self.session.history()
        shown = next((at for at in line if at.number == self.at), line[-1])
        if shown is line[-1]:
            self.at = None
        seen = await session.inspect(shown.number)
        upto = line[: line.index(shown) + 1]
        breaks = [item.node for item in session.breaks if item.node and len(item.model_fields_set) == 1]
        counts = counted([at.node for at in upto if at.kind in (Kind.STEP, Kind.RECORDED)])
        self._put("graph", graph(self.running or shown.node, shown.next, counts, breaks, running=self.running is not None))
        self._put("controls", self._controls(shown))
        self._draw_talk(upto, seen)
        self._put("where", self._where(shown, line[-1]))
        self._draw_plan(upto, seen)
        self._put("composer", self._composer(line[-1]) if shown is line[-1] else Html(""))
        self._put("inspect", join([el("h2", "Inspector"), inspector(seen, self.tab)]))
        self._put("mind", join([el("h2", "Hidden mind"), el("div", hidden(seen.state), cls="mind")]))
        self._draw_sides(line, shown)
        self._put("compare", await self._comparison())

    def _draw_sides(self, line: Sequence[Checkpoint], shown: Checkpoint) -> None:
        session = self.session
        specs = session.specs()
        name = join([el("h1", "holdspace"), el("span", session.name, cls="name"), el("span", session.current.name, cls="branch")])
        help_ = join(
            [
                button(join([el("span", "Hide mind", cls="on"), el("span", "Show mind", cls="off")]), "mind", cls="quiet hide", key="m"),
                button("Help", "sheet", cls="quiet", key="?", sheet="help"),
            ]
        )
        link = el("a", "Annotate pairs", href="/annotate")
        self._put("top", join([name, el("span", asked(specs), cls="asks"), link, help_]))
        heads = {branch.name: session.head(branch.name) for branch in session.branches}
        self._put("tree", join([el("h2", "Branches"), tree(session.branches, session.current.name, heads), el("h2", "Timeline")]))
        self._line.show([piece for _, piece in timeline(line, shown.number)])
        self.draw_episodes()
        more = button("New talk", "sheet", key="n", sheet="new")
        self._put("sessions", join([el("h2", "Sessions"), more, sessions(self.studio.sessions.list(), session.name)]))

    def _controls(self, shown: Checkpoint) -> Html:
        busy, over = self.session.busy, shown.next is None
        waits = self.session.waiting() is not None
        still = busy or over
        return join(
            [
                button("Step", "step", cls="main", key="s", off=still or waits),
                button("Continue", "continue", key="c", off=still or waits),
                button("Next turn", "turn", key="t", off=still or waits),
                button("Stop", "stop", key=".", off=not busy),
                button(f"Break ({len(self.session.breaks)})" if self.session.breaks else "Break", "sheet", key="b", sheet="break"),
                button("Take seat", "sheet", key="k", sheet="take", off=busy),
                button("Edit", "sheet", key="e", sheet="edit", off=busy),
                button("Fork", "sheet", key="f", sheet="fork", off=busy),
                button("Seats, prompts", "sheet", key="p", sheet="seats", off=busy),
                button("Compare", "versus", key="v", off=len(self.session.branches) < 2),
                el("span", f"{self.running} …" if self.running else "over" if over else f"next: {shown.next}", cls="state"),
            ]
        )

    def _where(self, shown: Checkpoint, head: Checkpoint) -> Html:
        if shown is head:
            return Html("")
        name = self.session.current.name
        text = f"You look at checkpoint {shown.number}, turn {shown.turn}; {name} stands at {head.number}. A step from here makes a branch."
        acts = [
            button("Fork here", "sheet", sheet="fork", at=shown.number),
            button("Rewind to here", "rewind", at=shown.number),
            button("Back to the head", "head", key="h"),
        ]
        return el("div", el("p", text), *acts, cls="looking")

    def _composer(self, head: Checkpoint) -> Html:
        seat = self.session.waiting()
        return el("div", composer(seat), data_head=head.number) if seat is not None and not self.session.busy else Html("")

    def _draw_talk(self, upto: Sequence[Checkpoint], seen: Inspection) -> None:
        """Every turn of the state; what is as it was before is not made anew."""
        turns = seen.state.get("turns", [])
        asked_at = {(at.turn, at.node): at.number for at in upto}
        pieces, number, mind, selected = [], 1, None, seen.at.turn if self.at else None
        for place, turn in enumerate(turns):
            is_seeker = turn["speaker"] == "seeker"
            look = asked_at.get((number, "seeker")) if is_seeker else asked_at.get((number, "deliver"), asked_at.get((number, "handover")))
            what = (turn, number, mind, look, number == selected)
            known = self._drawn.get(place)
            if known is None or known[0] != what:
                known = self._drawn[place] = (what, _drawn_turn(*what))
            pieces.append(known[1])
            mind = turn["mind"] if is_seeker else mind
            number += not is_seeker
        self._talk.show(pieces)
        making = pending_turn(seen.state, number, "in the making") if turns and turns[-1]["speaker"] == "seeker" else None
        self._put("pending", making or (Html("") if turns else _WELCOME))

    def _draw_plan(self, upto: Sequence[Checkpoint], seen: Inspection) -> None:
        """The plan of the exchange that is looked at: that in the making, or that of the last reply."""
        made = next((at for at in reversed(upto) if at.node == "plan"), None)
        plan: Json | None = seen.state.get("plan")
        if plan is None:
            said = [turn for turn in seen.state.get("turns", []) if turn["speaker"] == "supporter" and turn.get("plan")]
            plan = said[-1]["plan"] if said else None
        title = el("h2", f"Planner, turn {made.turn}" if made else "Planner")
        inside = bars(plan, made.turn, made.number) if plan and made else el("p", "Nothing is planned yet.", cls="hint")
        self._put("plan", join([title, inside]))

    async def _comparison(self) -> Html:
        session = self.session
        if self.compared is None or all(branch.name != self.compared for branch in session.branches):
            self.compared = None
            return Html("")
        apart = await session.diff(self.compared, session.current.name)
        before = (await session.state()).get("turns", [])[: apart.common][-2:]
        return join([el("h2", "Side by side"), comparison(apart, before, self.studio.annotator)])


def _drawn_turn(turn: Json, number: int, mind: Json | None, look: int | None, selected: bool) -> Html:
    if turn["speaker"] == "seeker":
        return seeker_turn(turn, number, mind, look=look, selected=selected)
    return supporter_turn(turn, number, look=look, selected=selected)
