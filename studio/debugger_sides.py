"""The sides of the debugger page: branches and checkpoints on the left; mind, planner's bars and inspector on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from agents.chat.port import Role
from agents.words import Strategy
from graphs.session_words import Branch, Call, Checkpoint, Difference, Info, Inspection, Json, Side, Spoken
from studio.debugger_drawn import arc
from studio.debugger_html import Html, button, el, field, fold, join, pretty
from studio.debugger_talk import chip

_LONGEST = 20_000
"""Characters of one value that the inspector shows."""

_HIDDEN = frozenset({"cast", "mind", "turns", "ledger"})
"""Keys of the state that tell of the hidden mind: the switch hides them, too."""


def tree(branches: Sequence[Branch], current: str, heads: Mapping[str, Checkpoint]) -> Html:
    """The branches, each under the one that it was forked from."""
    by_thread = {branch.thread for branch in branches}
    roots = [branch for branch in branches if branch.parent not in by_thread]
    return el("ul", *(_limb(branch, branches, current, heads) for branch in roots), cls="tree")


def _limb(branch: Branch, branches: Sequence[Branch], current: str, heads: Mapping[str, Checkpoint]) -> Html:
    head, here = heads[branch.name], branch.name == current
    ended = " · over" if head.next is None else ""
    place = f"{f'from {branch.forked_at}, ' if branch.forked_at else ''}at {head.number}, turn {head.turn}{ended}"
    name = button(branch.name, "branch", cls="limb here" if here else "limb", branch=branch.name, aria_current="true" if here else None)
    beside = None if here else button("compare", "compare", cls="quiet", branch=branch.name, aria_label=f"Compare with {branch.name}")
    under = [item for item in branches if item.parent == branch.thread and item.thread != branch.thread]
    limbs = el("ul", *(_limb(item, branches, current, heads) for item in under)) if under else None
    done = str(branch.changes[-1]) if branch.changes else None
    return el("li", name, beside, el("small", place), el("small", done, cls="done") if done else None, limbs)


def timeline(line: Sequence[Checkpoint], selected: int) -> list[tuple[str, Html]]:
    """The checkpoints of a branch, a piece for each turn: its key, and its HTML."""
    groups = groupby(line, key=lambda at: at.turn)
    return [(f"t{turn}", _moments(turn, list(moments), selected)) for turn, moments in groups]


def _moments(turn: int, moments: Sequence[Checkpoint], selected: int) -> Html:
    return el("div", el("h3", f"Turn {turn}"), *(_moment(at, at.number == selected) for at in moments), cls="moments")


def _moment(at: Checkpoint, selected: bool) -> Html:
    name = at.node if at.kind.value in ("step", "recorded") and at.node else at.kind.value
    hand = el("span", "by hand", cls="hand") if at.by_hand else None
    inside = join([el("span", str(at.number), cls="number"), el("b", name), hand, el("span", at.label, cls="what")])
    here = "true" if selected else None
    return button(inside, "look", cls="moment here" if selected else "moment", at=at.number, aria_current=here)


def sessions(infos: Sequence[Info], current: str) -> Html:
    """The sessions of the folder."""
    return el("ul", *(_session(info, current) for info in infos), cls="list")


def _session(info: Info, current: str) -> Html:
    if info.trouble:
        return el("li", el("b", info.name), el("small", info.trouble))
    here = info.name == current
    about = f"{info.scenario} · {info.branches} branch{'es' if info.branches != 1 else ''}{' · an episode' if info.episode else ''}"
    name = button(info.name, "session", cls="limb here" if here else "limb", session=info.name, aria_current="true" if here else None)
    return el("li", name, el("small", about))


def hidden(state: Json) -> Html:
    """What only the seeker knows: how they feel, what they need, what they have not told."""
    cast, mind = state["cast"], state.get("mind")
    scenario, persona = cast["scenario"], cast["persona"]
    told = {item["key"]: item["wording"] for item in (mind or {}).get("disclosed", ())}
    facts = [
        el(
            "li",
            fact["plain"],
            el("small", f" {fact['depth']}, {told.get(fact['key'], 'untold')}"),
            cls="told" if fact["key"] in told else None,
        )
        for fact in scenario["facts"]
    ]
    names = ("intensity", "trust", "openness", "patience", "grip")
    values = el("dl", *(el("div", el("dt", name), el("dd", f"{mind[name]:.2f}")) for name in names), cls="pairs") if mind else None
    stage = el("p", f"Ready for: {mind['stage']}", cls="hint") if mind else None
    need = el("dl", *(el("div", el("dt", key), el("dd", scenario[key])) for key in ("need", "belief")), cls="texts")
    who = f"{persona['age']}, {persona['gender']}, {persona['occupation']}; {persona['resistance']}"
    secret = fold("Need, belief and facts", need, el("ul", *facts, cls="facts"), key="secret")
    return join([arc(state.get("turns", [])), values, stage, el("p", who, cls="hint"), secret])


def inspector(seen: Inspection, tab: str) -> Html:
    """Everything of one checkpoint: the calls that were made in it, or the state after it."""
    at = seen.at
    time = f" · {at.seconds * 1000:.0f} ms" if at.seconds is not None else ""
    head = el("p", el("b", f"{at.number} {at.node or at.kind.value}"), f" · turn {at.turn}{time} · {at.label}", cls="label")
    tabs = el(
        "div",
        *(button(name, "tab", cls="tab here" if tab == key else "tab", tab=key, aria_pressed=str(tab == key).lower())
          for key, name in (("calls", f"Calls ({len(seen.calls)})"), ("state", "State"))),
        cls="tabs",
    )  # fmt: skip
    return join([head, tabs, _state(seen) if tab == "state" else _calls(seen.calls)])


def _calls(calls: Sequence[Call]) -> Html:
    if not calls:
        return el("p", "No model was asked in this step.", cls="hint")
    return join(_call(call, place) for place, call in enumerate(calls))


def _call(call: Call, place: int) -> Html:
    facts = [
        ("model", call.model),
        ("tokens", f"{call.prompt_tokens} in, {call.completion_tokens} out"),
        ("time", f"{call.seconds * 1000:.1f} ms" if call.seconds is not None else "not recorded"),
        ("attempts", str(call.attempts)),
        ("cache", "hit" if call.cached else "no"),
        ("seed", str(call.seed)),
        ("prompt file", f"{call.task} {call.fingerprint}"),
    ]
    if call.dropped:
        facts.append(("left out", f"{call.dropped} messages: the context was too long"))
    asked = [el("div", el("b", message.role), _long(message.content), cls="message") for message in call.messages or ()]
    prompt = (
        fold(f"Prompt, {len(asked)} messages", *asked, key=f"prompt:{place}") if asked else el("p", "The prompt was not kept.", cls="hint")
    )
    answer = fold("Raw answer", _long(call.answer or ""), key=f"raw:{place}", is_open=True) if call.answer else None
    parsed = fold("Parsed", _long(pretty(call.parsed)), key=f"parsed:{place}", is_open=True) if call.parsed else None
    pairs = el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in facts), cls="pairs")
    error = el("p", call.error, cls="trouble") if call.error else None
    return el(
        "section",
        el("h3", f"{call.role.value} · {call.task}"),
        error,
        pairs,
        prompt,
        answer,
        parsed,
        cls="call mind" if call.role is Role.SEEKER else "call",
    )


def _state(seen: Inspection) -> Html:
    parts = []
    for key, value in seen.state.items():
        changed = el("b", " changed") if key in seen.changed else None
        size = f" ({len(value)})" if isinstance(value, list | dict) else ""
        edit = button("edit", "sheet", cls="quiet", sheet="edit", path=key) if key not in ("ledger", "crisis", "turns") else None
        parts.append(fold(join([key, size, changed]), _long(pretty(value)), edit, key=f"state:{key}", cls="mind" if key in _HIDDEN else ""))
    return join(parts)


def _long(text: str) -> Html:
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n… {len(text) - _LONGEST} more characters"
    return el("pre", cut)


def comparison(apart: Difference, before: Sequence[Json], annotator: str) -> Html:
    """Two branches side by side from where they part, with a place to say which is better."""
    left, right = apart.left.branch, apart.right.branch
    head = f"{left} and {right} have {apart.common} utterances in common; they part after checkpoint {apart.base.number}."
    sides = el("div", _side(apart.left, apart.right, apart.common), _side(apart.right, apart.left, apart.common), cls="sides")
    why = field(f"Why is it better? (kept with the pair, in the name of {annotator})", el("input", name="reason", id="reason"))
    paths = el("p", f"Differ in: {', '.join(apart.paths[:12]) or 'nothing'}", cls="hint")
    last = [
        el("div", el("p", el("b", turn["speaker"].capitalize()), cls="label"), el("div", turn["text"], cls="said"), cls="spoken")
        for turn in before
    ]
    close = button("Close", "compare", cls="quiet", key="Escape", branch="")
    return join([el("p", head, " ", close), *last, why, sides, paths])


def _side(side: Side, other: Side, common: int) -> Html:
    felt = (
        f"intensity {side.intensity:.2f}, trust {side.trust:.2f}"
        if side.intensity is not None and side.trust is not None
        else "nobody has spoken"
    )
    ended = f" · ended: {side.stop}" if side.stop else ""
    better = button("This one is better", "mark", better=side.branch, worse=other.branch, cls="good")
    turns = [_spoken(turn, common + place) for place, turn in enumerate(side.turns)]
    changes = el("p", "; ".join(map(str, side.changes)), cls="hint") if side.changes else None
    return el("section", el("h3", side.branch), changes, el("p", f"{felt}{ended}", cls="hint mind"), better, *turns, cls="alternative")


def _spoken(turn: Spoken, place: int) -> Html:
    errors = el("p", ", ".join(error.value for error in turn.errors), cls="finding") if turn.errors else None
    felt = el("p", f"intensity {turn.intensity:.2f}", cls="hint mind") if turn.intensity is not None else None
    who = el("p", el("b", turn.speaker.value.capitalize()), chip(Strategy(turn.strategy)) if turn.strategy else None, cls="label")
    return el("div", who, el("div", turn.text, cls="said"), errors, felt, cls="spoken", data_place=place)
