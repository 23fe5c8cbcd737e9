"""The page on which pairs are judged: one after another, blind, by keyboard; saved at once.

The judgements themselves are `studio/annotating.py`'s.
"""

from __future__ import annotations

import asyncio

from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from agents.errors import HoldspaceError, InputError
from studio.annotating import ANNOTATIONS, LONGEST_NAME, Agreement, Annotation, Annotations, Item, described, load_items
from studio.debugger_html import Html, button, el, join
from studio.debugger_studio import Studio

_LAST = 6
"""Turns of the talk that are shown; the rest opens by a click."""


class AnnotatePage:
    """A tab in which somebody annotates.

    Args:
        studio: what it shares with the others.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.annotator = studio.annotator
        self._items: list[Item] = []
        self._done: list[str] = []
        """Pairs that were judged in this tab, in order: `u` goes back over them."""
        self._back: str | None = None
        self._panels: dict[str, ui.html] = {}

    async def show(self, client: Client) -> None:
        """Put the page up."""
        with client, ui.element("div").classes("hs"), ui.element("div").classes("annotate"):
            for name in ("top", "notice", "pair", "agreement"):
                self._panels[name] = ui.html("", sanitize=False).classes(f"p-{name}")
            ui.on("act", self._pressed)
        self._put("pair", el("p", "Reading the pairs …", cls="hint"))
        try:
            self._items = await asyncio.to_thread(load_items, self.studio.sessions.run, self.studio.recipe.seed)
            self._draw()
        except HoldspaceError as error:
            self._put("pair", el("p", str(error), cls="trouble"))

    @property
    def _annotations(self) -> Annotations:
        """As the file stands now: another annotator may be at work in another tab."""
        return Annotations(self.studio.sessions.run / ANNOTATIONS)

    def _put(self, name: str, content: Html) -> None:
        self._panels[name].set_content(str(content))

    async def _pressed(self, event: GenericEventArguments) -> None:
        given = event.args if isinstance(event.args, dict) else {}
        try:
            self._do({str(key): value for key, value in given.items() if isinstance(value, str)})
            self._put("notice", Html(""))
        except HoldspaceError as error:
            self._put("notice", el("p", str(error), cls="bad"))
        self._draw()

    def _do(self, given: dict[str, str]) -> None:
        act = given.get("act")
        if act == "choose":
            self._choose(given)
        elif act == "undo":
            self._back = self._done.pop() if self._done else None
        elif act == "annotator":
            name = given.get("name", "").strip()
            if not 0 < len(name) <= LONGEST_NAME:
                raise InputError("An annotator needs a name.", hint=f"At most {LONGEST_NAME} characters.")
            self.annotator, self._done, self._back = name, [], None
        else:
            raise InputError("The page asked for something that there is not.", hint="Load it again.")

    def _choose(self, given: dict[str, str]) -> None:
        annotations = self._annotations
        item = self._next(annotations)
        if item is None or item.pair != given.get("pair"):
            raise InputError("That pair is not the one to be judged now.")
        verdict = item.verdict(given.get("choice", ""))
        reason = given.get("reason", "").strip()
        annotations.add(Annotation(pair=item.pair, annotator=self.annotator, verdict=verdict, left=item.left, reason=reason))
        self._done.append(item.pair)
        self._back = None

    def _next(self, annotations: Annotations) -> Item | None:
        if self._back is not None:
            return next((item for item in self._items if item.pair == self._back), None)
        judged = annotations.judged(self.annotator)
        return next((item for item in self._items if item.pair not in judged), None)

    def _draw(self) -> None:
        annotations = self._annotations
        item, judged = self._next(annotations), annotations.judged(self.annotator)
        count = sum(one.pair in judged for one in self._items)
        name = el(
            "form", el("label", "Annotator ", el("input", name="name", value=self.annotator, maxlength=LONGEST_NAME)), data_act="annotator"
        )
        link = el("a", "To the debugger", href="/")
        self._put("top", join([el("h1", "Which is better?"), el("span", f"{count} of {len(self._items)} judged", cls="name"), link, name]))
        self._put("pair", _judged(item, bool(self._done)) if item else _finished(annotations, self.annotator, bool(self._done)))
        self._put("agreement", _agreements(annotations.agreements()))


def _judged(item: Item, can_undo: bool) -> Html:
    turns = [
        el("article", el("div", el("span", who.capitalize(), cls="who"), cls="side"), el("div", text, cls="said"), cls=f"turn {who}")
        for who, text in item.context
    ]
    earlier = el("details", el("summary", f"{len(turns) - _LAST} earlier turns"), *turns[:-_LAST]) if len(turns) > _LAST else None
    question = "Which strategy should the supporter's next reply follow?" if item.is_label else "Which is the better next reply?"
    sides = [
        button(join([el("span", el("kbd", key), cls="label"), el("div", described(side, is_label=item.is_label), cls="said")]), "choose",
               cls="choice", choice=key, pair=item.pair, aria_label=f"{key}: {side}")
        for key, side in zip(("1", "2"), item.sides, strict=True)
    ]  # fmt: skip
    keyed = [Html(side.replace("<button", f'<button data-key="{key}"', 1)) for key, side in zip(("1", "2"), sides, strict=True)]
    others = [
        button("Equally good", "choose", key="=", choice="=", pair=item.pair),
        button("Skip", "choose", key="s", choice="s", pair=item.pair),
        button("Undo", "undo", key="u", off=not can_undo),
    ]
    reason = el("label", "Reason ", el("kbd", "r"), el("input", id="reason", name="reason", data_key="r", autocomplete="off"), cls="field")
    return join(
        [
            el("div", earlier, *turns[-_LAST:], cls="talk"),
            el("h2", question),
            el("div", *keyed, cls="choices"),
            el("div", *others, cls="asked"),
            reason,
            el("span", item.pair, hidden=True),
        ]
    )


def _finished(annotations: Annotations, annotator: str, can_undo: bool) -> Html:
    better, judged = annotations.with_label(annotator)
    share = f"You preferred the side that the pairs call chosen in {better} of {judged}." if judged else ""
    return join([el("p", "Every pair is judged. ", share), el("div", button("Undo", "undo", key="u", off=not can_undo), cls="asked")])


def _agreements(found: list[Agreement]) -> Html:
    if not found:
        return el("p", "Agreement is shown here when two annotators have judged the same pairs.", cls="hint")
    rows = [
        el("li", f"{one.one} and {one.other}: ", el("b", f"κ = {one.kappa:.2f}" if one.kappa is not None else "κ is not defined"),
           f", the same in {one.same} of {one.pairs} pairs")
        for one in found
    ]  # fmt: skip
    return join([el("h2", "Agreement (Cohen's kappa)"), el("ul", *rows, cls="list")])
