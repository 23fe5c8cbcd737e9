"""The sheets of the debugger page: small forms that come up over it, one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agents.chat.port import Role
from agents.words import PsychError, Strategy
from graphs.session_editing import editable
from graphs.session_words import SEATS, Branch, Break, Checkpoint
from simulator.intent import Move
from studio.debugger_drawn import NODES
from studio.debugger_html import Html, button, el, field, join, select

_KEYS = (
    ("s", "run the next node"),
    ("c", "continue to a breakpoint, your turn, or the end"),
    ("t", "run until the next turn begins"),
    (".", "stop"),
    ("b", "breakpoints (a click on a node of the graph sets one, too)"),
    ("f", "fork here: a branch of its own, with another strategy or model"),
    ("e", "edit the state"),
    ("p", "seats and prompts"),
    ("k", "take a seat, or give it back"),
    ("v", "compare with the branch that this one was forked from"),
    ("m", "hide or show the hidden mind"),
    ("h", "back to where the branch stands"),
    ("n", "a new talk"),
    ("Esc", "close what is open"),
)


def sheet(title: str, *inside: Html | None, act: str = "", submit: str = "") -> Html:
    """A form over the page.

    Args:
        title: its name.
        inside: its fields.
        act: what is done with them; no form without.
        submit: what stands on its button.
    """
    head = el("header", el("h2", title, id="sheet-title"), button("Close", "sheet", cls="quiet", key="Escape", sheet=""))
    done = el("footer", el("button", submit, type="submit", cls="main")) if submit else None
    body = el("form", *inside, done, data_act=act) if act else join(inside)
    return el("div", head, body, cls="sheet", role="dialog", aria_modal="true", aria_labelledby="sheet-title")


def help_sheet() -> Html:
    """What the keys do."""
    rows = [el("div", el("dt", el("kbd", key)), el("dd", text)) for key, text in _KEYS]
    story = (
        "Click a turn to go back to it. “What if …” at a reply, or another bar of the planner, lives it again in a branch; "
        "the branch it comes from stays as it was. Compare the two, and say which is better: that is a preference pair. "
        "Everything is kept on the disk at each step."
    )
    return sheet("Help", el("p", story), el("dl", *rows, cls="keys"))


def break_sheet(breaks: Sequence[Break]) -> Html:
    """Breakpoints: those that are set, and a new one."""
    listed = [el("li", str(item), button("clear", "unbreak", cls="quiet", place=place)) for place, item in enumerate(breaks)]
    return sheet(
        "Breakpoints",
        el("ul", *listed, cls="list") if listed else el("p", "None is set.", cls="hint"),
        el("p", "Halt where all of this holds:", cls="hint"),
        field("Before the node", select("node", [("", "any"), *((name, name) for name in NODES)], data_focus=True)),
        field("In turn", el("input", name="turn", type="number", min=1)),
        field("The planner chooses", select("strategy", [("", "any"), *((item.value, item.value) for item in Strategy)])),
        field("The critic finds", select("error", [("", "any"), *((item.value, item.value) for item in PsychError)])),
        field("The hidden intensity is below", el("input", name="emotion_below", type="number", min=1, max=5, step=0.1)),
        el("label", el("input", name="crisis", type="checkbox"), " the crisis gate raises its flag", cls="check"),
        act="break",
        submit="Set breakpoint",
    )


def edit_sheet(at: Checkpoint, path: str, value: str) -> Html:
    """Change a place of the state."""
    where = el("input", name="path", value=path, list="paths", required=True, data_focus=not path)
    return sheet(
        f"Edit the state at {at.number}",
        el("p", "At the head of a branch it is changed in place; at an earlier checkpoint a branch is made.", cls="hint"),
        field("Where", where, note="such as mind.trust, plan.strategy, turns.0.text"),
        el("datalist", *(el("option", value=name) for name in (*_PLACES, *editable())), id="paths"),
        field("What shall stand there", el("textarea", value, name="value", rows=6, required=True, data_focus=bool(path))),
        el("input", type="hidden", name="at", value=at.number),
        act="edit",
        submit="Change it",
    )  # fmt: skip


_PLACES = (
    "mind.trust",
    "mind.intensity",
    "mind.patience",
    "plan.strategy",
    "turns.0.text",
    "versions.0.text",
    "critiques.0.accepted",
    "seed",
)


def fork_sheet(at: Checkpoint, branch: Branch, specs: Mapping[Role, str]) -> Html:
    """Begin a branch at a checkpoint."""
    seats = [field(role.value.capitalize(), el("input", name=f"seat_{role.value}", placeholder=spec)) for role, spec in specs.items()]
    options = [("", "as it is"), *((item.value, item.value) for item in Strategy)]
    return sheet(
        f"Fork {branch.name} at {at.number}, turn {at.turn}",
        el("p", "A branch of its own begins here; what is there stays as it is.", cls="hint"),
        field(f"What if the planner had chosen, in turn {at.turn}", select("strategy", options, data_focus=True)),
        field("Name", el("input", name="name", placeholder="made up when left out", maxlength=64)),
        el("details", el("summary", "Other models in this branch"), *seats),
        el("input", type="hidden", name="at", value=at.number),
        act="fork",
        submit="Fork",
    )


def seats_sheet(specs: Mapping[Role, str], prompts: Mapping[str, str], chosen: str, changed: Sequence[str]) -> Html:
    """Models on the seats of the branch, and its prompts."""
    seats = [
        field(role.value.capitalize(), el("input", name=role.value, value=spec, readonly=spec == "human")) for role, spec in specs.items()
    ]
    names = [
        button(f"{name}{' *' if name in changed else ''}", "sheet", cls="tab here" if name == chosen else "tab", sheet="seats", path=name)
        for name in prompts
    ]
    form = el(
        "form",
        field(f"Prompt {chosen}", el("textarea", prompts[chosen], name="text", rows=12, cls="code")),
        el("input", type="hidden", name="name", value=chosen),
        el("footer", el("button", "Change the prompt", type="submit")),
        data_act="prompt",
    )  # fmt: skip
    models = el(
        "form", el("div", *seats, cls="grid"), el("footer", el("button", "Put them on their seats", type="submit")), data_act="seats"
    )
    note = el("p", "For this branch, from now on. The rehearsal backend does not read prompts.", cls="hint")
    return sheet("Seats and prompts", note, models, el("div", *names, cls="tabs"), form)


def take_sheet(taken: Sequence[Role]) -> Html:
    """Sit down on a seat, or give it back."""
    rows = [el("li", el("b", role.value), _sitting(role, role in taken)) for role in SEATS]
    return sheet("Seats", el("p", "On a seat that you hold, the talk waits for your word.", cls="hint"), el("ul", *rows, cls="list wide"))


def _sitting(role: Role, taken: bool) -> Html:
    return button("Give back", "give", seat=role.value) if taken else button("Take", "take", seat=role.value, focus=True)


def new_sheet(scenarios: Sequence[str]) -> Html:
    """Begin a new talk."""
    return sheet(
        "A new talk",
        field("Scenario", select("scenario", [("", "as the recipe casts it"), *((name, name) for name in scenarios)], data_focus=True)),
        field("Which talk of the recipe", el("input", name="index", type="number", min=0, value=0)),
        field("Name", el("input", name="name", placeholder="made up when left out", maxlength=64)),
        act="new",
        submit="Begin",
    )


def composer(seat: Role) -> Html:
    """Where a person says what the talk waits for."""
    if seat is Role.PLANNER:
        inside = [
            field("You are the planner. Strategy", select("strategy", [(item.value, item.value) for item in Strategy], data_focus=True)),
            field("Why", el("input", name="reason")),
        ]
    else:
        inside = [field(f"You are the {seat.value}", el("textarea", name="text", rows=3, required=True, data_focus=True, data_enter=True))]
    if seat is Role.SEEKER:
        moves = [("", "goes on"), (Move.CLOSE.value, "takes leave"), (Move.LEAVE.value, "gives up on the talk")]
        inside.append(field("The seeker", select("move", moves)))
    buttons = el(
        "footer", button("Give the seat back", "give", cls="quiet", seat=seat.value), el("button", "Say", type="submit", cls="main")
    )
    return el("form", *inside, buttons, cls="composer", data_act="say")
