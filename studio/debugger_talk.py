"""A talk on the debugger page: each turn with its strategy, its versions as word diffs, the errors underlined, and the hidden mind."""

from __future__ import annotations

from collections.abc import Sequence

from agents.words import DEFINITIONS, STAGE_OF, Strategy
from graphs.session_words import Json
from studio.debugger_html import Html, button, el, fold, join
from studio.worddiff import word_diff

_ALIKE = 0.35
"""Share of a version that must have stayed for a word diff to be shown."""


def chip(strategy: str) -> Html:
    """A strategy, coloured by its stage."""
    known = Strategy(strategy)
    return el("span", strategy, cls=f"chip {STAGE_OF[known] or 'none'}", title=DEFINITIONS[known])


def marked(text: str, spans: Sequence[tuple[str, str, str]]) -> Html:
    """A text with evidence underlined.

    Args:
        text: the words.
        spans: words of the text, a class and a title for each; what overlaps one before it is left as it is.
    """
    places = sorted((start, start + len(span), cls, title) for span, cls, title in spans if span and (start := text.find(span)) >= 0)
    parts: list[str | Html] = []
    done = 0
    for start, end, cls, title in places:
        if start >= done:
            parts += [text[done:start], el("mark", text[start:end], cls=cls, title=title)]
            done = end
    return join([*parts, text[done:]])


def diffed(old: str, new: str) -> Html | None:
    """What changed from one version to the next, by words; None where little of the old one is left."""
    pieces = word_diff(old, new)
    if sum(len(piece) for kind, piece in pieces if kind == "same") < _ALIKE * len(old):
        return None
    tags = {"gone": "del", "new": "ins"}
    return join(el(tags[kind], piece, cls=kind) if kind in tags else piece for kind, piece in pieces)


def seeker_turn(turn: Json, number: int, before: Json | None, *, look: int | None, selected: bool) -> Html:
    """What the seeker said, with the mind that led to it.

    Args:
        turn: as in an episode.
        number: of the exchange.
        before: the mind at the seeker's turn before.
        look: number of the checkpoint to look at; None for none.
        selected: it is looked at now.
    """
    crisis = turn.get("crisis")
    said = marked(turn["text"], [(crisis["span"], "alarm", crisis["category"])] if crisis else [])
    alarm = el("p", f"Crisis gate: {crisis['category']}", cls="crisis-line") if crisis else None
    return _turn("seeker", "Seeker", number, join([el("div", said, cls="said"), alarm, mind_of(turn, before)]), None, look, selected)


def mind_of(turn: Json, before: Json | None) -> Html:
    """How the last reply landed, and the mind after it."""
    mind = turn["mind"]
    values = [el("span", el("b", name), f" {mind[name]:.2f}{_moved(mind, before, name)}") for name in ("intensity", "trust", "patience")]
    signs = [el("span", item["sign"].replace("_", " ")) for item in (turn.get("appraisal") or {}).get("evidence", ())]
    move = el("span", f"move: {turn['intent']['move']}")
    return el("div", el("div", *values, move, cls="values"), el("div", *signs, cls="signs") if signs else None, cls="mind mind-turn")


def _moved(mind: Json, before: Json | None, name: str) -> str:
    change = mind[name] - before[name] if before else 0.0
    return f" ({change:+.2f})" if abs(change) >= 0.005 else ""


def supporter_turn(turn: Json, number: int, *, look: int | None, selected: bool) -> Html:
    """A reply: what was said, why, and every version of it."""
    versions = [item for item in (turn.get("draft"), *turn.get("refinements", ())) if item]
    critiques = turn.get("critiques") or []
    kept = turn.get("kept", 0)
    findings = critiques[kept]["findings"] if kept < len(critiques) else []
    said = marked(turn["text"], _spans(findings))
    story = _story(versions, critiques, kept, f"versions:{number}") if versions and critiques else None
    asked = button("What if …", "sheet", cls="quiet", sheet="fork", at=look) if look and turn.get("plan") else None
    return _turn("supporter", "Supporter", number, join([el("div", said, cls="said"), story]), turn["strategy"], look, selected, asked)


def pending_turn(state: Json, number: int, label: str) -> Html | None:
    """The reply in the making; None where there is none."""
    plan, versions, critiques = state.get("plan"), state.get("versions") or [], state.get("critiques") or []
    if not plan:
        return None
    body = [el("p", label, cls="hint")]
    if versions:
        findings = critiques[len(versions) - 1]["findings"] if len(critiques) >= len(versions) else []
        body.append(el("div", marked(versions[-1]["text"], _spans(findings)), cls="said"))
        body.append(_story(versions, critiques, len(versions) - 1, "versions:pending", is_open=True))
    return _turn("supporter pending", "Supporter", number, join(body), plan["strategy"], None, selected=False)


def _turn(
    cls: str, who: str, number: int, body: Html, strategy: str | None, look: int | None, selected: bool, more: Html | None = None
) -> Html:
    place = button(f"turn {number}", "look", cls="quiet", at=look, aria_label=f"Look at turn {number}, {who}") if look else f"turn {number}"
    side = el("div", el("span", who, cls="who"), el("span", place, cls="place"), chip(strategy) if strategy else None, more, cls="side")
    return el("article", side, el("div", body, cls="body"), cls=f"turn {cls}{' selected' if selected else ''}")


def _spans(findings: Sequence[Json]) -> list[tuple[str, str, str]]:
    return [(item["span"], "evidence", f"{item['error']} ({item['severity']} of 3): {item['why']}") for item in findings]


def _story(versions: Sequence[Json], critiques: Sequence[Json], kept: int, key: str, *, is_open: bool = False) -> Html:
    """The versions of a reply in order, each with what the critic found in it."""
    parts: list[Html] = []
    for place, version in enumerate(versions):
        critique = critiques[place] if place < len(critiques) else None
        name = "Draft" if place == 0 else f"Refinement {place}"
        verdict = "not criticised" if critique is None else "accepted" if critique["accepted"] else "refused"
        spans = _spans(critique["findings"]) if critique else []
        change = diffed(versions[place - 1]["text"], version["text"]) if place else None
        parts.append(
            el(
                "div",
                el("p", el("b", name), f" · {verdict}{' · said' if place == kept and len(versions) > 1 else ''}", cls="label"),
                el("div", change or marked(version["text"], spans), cls="said"),
                *(_finding(item) for item in (critique["findings"] if critique else ())),
                cls="version",
            )
        )
    errors = list(dict.fromkeys(item["error"] for critique in critiques for item in critique["findings"]))
    count = f"{len(versions)} version{'s' if len(versions) > 1 else ''}"
    summary = join([f"{count}: ", el("b", ", ".join(errors))]) if errors else count
    return fold(summary, el("div", *parts, cls="inside"), key=key, is_open=is_open)


def _finding(finding: Json) -> Html:
    quote = join([" ", el("q", finding["span"])]) if finding["span"] else None
    return el("p", el("b", finding["error"]), f" ({finding['severity']})", quote, f" {finding['why']}", cls="finding")
