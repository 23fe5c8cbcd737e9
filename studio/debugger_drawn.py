"""What the debugger page draws: the graph with its active node lit, the emotion arc, the planner's eight bars.  Inline SVG and HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from agents.words import DEFINITIONS, STAGE_OF, Strategy
from graphs.session_words import Json
from studio.debugger_html import Html, button, el, join

NODES = ("seeker", "screen", "plan", "respond", "critique", "refine", "deliver", "handover")
_MEANS = {
    "seeker": "the help-seeker speaks",
    "screen": "the crisis gate reads it",
    "plan": "the planner chooses a strategy",
    "respond": "the responder drafts a reply",
    "critique": "the critic looks for the five errors",
    "refine": "the critic rewrites the reply",
    "deliver": "the reply is said",
    "handover": "a crisis is handed over",
}
_WIDE = {
    "seeker": (60, 44),
    "screen": (190, 44),
    "plan": (320, 44),
    "respond": (450, 44),
    "critique": (590, 44),
    "deliver": (730, 44),
    "refine": (590, 104),
    "handover": (190, 104),
}
_TALL = {
    "seeker": (48, 34),
    "screen": (142, 34),
    "plan": (236, 34),
    "respond": (330, 34),
    "critique": (330, 92),
    "refine": (228, 92),
    "deliver": (330, 150),
    "handover": (126, 92),
}
_WIDE_EDGES = (
    "M104 44H142 M234 44H272 M364 44H402 M494 44H544 M634 44H684 M190 60V84 M580 60V84 M600 88V64",
    "M450 28C450 6 730 6 730 26",
    "M730 62V132Q730 138 724 138H66Q60 138 60 132V66",
)
_TALL_EDGES = (
    "M88 34H98 M182 34H192 M276 34H286 M330 50V72 M142 50V72 M288 87H274 M270 97H284 M330 108V130",
    "M286 150C30 150 48 110 48 54",
)


def graph(active: str | None, following: str | None, counts: Mapping[str, int], breaks: Sequence[str], *, running: bool) -> Html:
    """The support graph, for a wide screen and for a narrow one; a click on a node sets a breakpoint before it.

    Args:
        active: the node at work, or the one that was done last.
        following: the node that is next.
        counts: how often each was run in this branch.
        breaks: nodes with a breakpoint.
        running: the active node is at work now.
    """
    return join(
        _drawing(places, edges, box, cls, active, following, counts, breaks, running=running)
        for places, edges, box, cls in ((_WIDE, _WIDE_EDGES, "8 0 772 144", "wide"), (_TALL, _TALL_EDGES, "0 8 380 166", "tall"))
    )


def _drawing(
    places: Mapping[str, tuple[int, int]],
    edges: Sequence[str],
    box: str,
    cls: str,
    active: str | None,
    following: str | None,
    counts: Mapping[str, int],
    breaks: Sequence[str],
    *,
    running: bool,
) -> Html:
    arrow = el(
        "marker",
        el("path", d="M0 0L6 3L0 6z"),
        id=f"arrow-{cls}",
        view_box="0 0 6 6",
        refX=5,
        refY=3,
        markerWidth=6,
        markerHeight=6,
        orient="auto",
    )
    nodes = [
        _node(
            name,
            places[name],
            counts.get(name, 0),
            active=name == active,
            following=name == following,
            stops=name in breaks,
            running=running,
        )
        for name in NODES
    ]
    lines = [el("path", d=edge, cls="edge", marker_end=f"url(#arrow-{cls})") for path in edges for edge in _pieces(path)]
    return el("svg", el("defs", arrow), *lines, *nodes, view_box=box, cls=f"graph {cls}", role="group", aria_label="The support graph")


def _pieces(path: str) -> list[str]:
    return [f"M{piece.strip()}" for piece in path.split("M") if piece.strip()]


def _node(name: str, place: tuple[int, int], count: int, *, active: bool, following: bool, stops: bool, running: bool) -> Html:
    x, y = place
    half = 42
    cls = " ".join(["node", *(word for word, on in (("active", active), ("following", following), ("running", active and running)) if on)])
    said = f"{name}: {_MEANS[name]}; {count} times{'; it is active' if active else ''}{'; next' if following else ''}"
    return el(
        "g",
        el("title", f"{name}: {_MEANS[name]}. Click: {'clear the breakpoint' if stops else 'halt before it'}."),
        el("rect", x=x - half, y=y - 17, width=2 * half, height=34, rx=5),
        el("text", name, x=x, y=y - 1),
        el("text", f"{count}×", x=x, y=y + 12, cls="count"),
        el("circle", cx=x - half + 1, cy=y - 16, r=5, cls="stop") if stops else None,
        cls=cls,
        role="button",
        tabindex=0,
        data_act="node",
        data_node=name,
        data_k=f"node:{name}:{half}:{y}",
        aria_label=said,
        aria_pressed="true" if stops else "false",
    )


def counted(nodes: Sequence[str | None]) -> Counter[str]:
    """How often each node was run."""
    return Counter(node for node in nodes if node)


def bars(plan: Json, turn: int, at: int) -> Html:
    """The planner's distribution over the eight strategies; a click on another one lives the turn again with it.

    Args:
        plan: with a strategy and a distribution.
        turn: the exchange that it is for.
        at: number of the checkpoint at which it was made.
    """
    rows = [_bar(strategy, float(plan["distribution"].get(strategy, 0.0)), plan["strategy"], turn, at) for strategy in Strategy]
    why = el("p", plan["rationale"], cls="said small") if plan.get("rationale") else None
    return join([el("p", "What if? Click another strategy: it is lived in a branch.", cls="hint"), el("div", *rows, cls="bars"), why])


def _bar(strategy: Strategy, share: float, chosen: str, turn: int, at: int) -> Html:
    took = strategy.value == chosen
    inside = join(
        [
            el("span", strategy.value, cls="name"),
            el("span", el("i", style=f"width:{100 * min(1.0, max(0.0, share)):.1f}%"), cls="track"),
            el("span", f"{share:.0%}", cls="number"),
        ]
    )
    told = f"{strategy.value}, {share:.0%}{', chosen' if took else f'; what if in turn {turn}?'}: {DEFINITIONS[strategy]}"
    tone = STAGE_OF[strategy] or "none"
    if took:
        return el("div", inside, cls=f"bar took {tone}", role="img", aria_label=told)
    return button(inside, "whatif", cls=f"bar {tone}", strategy=strategy.value, at=at, aria_label=told)


def arc(turns: Sequence[Json]) -> Html | None:
    """The seeker's intensity (1 to 5) and trust (0 to 1) over the talk; None before the first word."""
    minds = [turn["mind"] for turn in turns if turn["speaker"] == "seeker"]
    if not minds:
        return None
    across = [26 + 264 * place / max(1, len(minds) - 1) for place in range(len(minds))]
    felt = [(x, 14 + 76 * (5 - mind["intensity"]) / 4) for x, mind in zip(across, minds, strict=True)]
    trust = [(x, 14 + 76 * (1 - mind["trust"])) for x, mind in zip(across, minds, strict=True)]
    grid = [line for value in (1, 3, 5) for line in _rule(value)]
    dots = [
        el("circle", el("title", f"turn {place}: {mind['intensity']:.2f}"), cx=f"{x:.1f}", cy=f"{y:.1f}", r=2.6, cls="dot")
        for place, ((x, y), mind) in enumerate(zip(felt, minds, strict=True), start=1)
    ]
    lines = [el("path", d=_path(trust), cls="trust"), el("path", d=_path(felt), cls="felt-line")]
    first, last = minds[0], minds[-1]
    words = f"Intensity {first['intensity']:.1f} to {last['intensity']:.1f} of 5, trust {first['trust']:.2f} to {last['trust']:.2f}"
    caption = el("figcaption", f"{words} (dashed).")
    return el("figure", el("svg", *grid, *lines, *dots, view_box="0 0 300 100", role="img", aria_label=words, cls="arc"), caption)


def _rule(value: int) -> list[Html]:
    y = 14 + 76 * (5 - value) / 4
    return [el("path", d=f"M26 {y:.0f}H290", cls="grid"), el("text", str(value), x=8, y=f"{y + 4:.0f}")]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
