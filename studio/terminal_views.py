"""How the terminal shows a session: lines of plain text with colour, no wider than the terminal, nothing full-screen.

Text of models and people is shown as it is, never read as markup, and without control characters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agents.chat.port import Role
from agents.words import STRATEGIES
from graphs.session_words import Branch, Call, Checkpoint, Difference, Halt, Inspection, Json, Kind, Side, Spoken, Why
from graphs.state import State
from studio.terminal_words import plain
from studio.worddiff import word_diff

_SPEAKING = ("seeker", "deliver", "handover")
_DIFF = {"same": "", "gone": "red strike", "new": "green bold"}
_BAR = 30
_ALIKE = 0.35
"""Share of a draft that must have stayed for a word diff to be shown."""
_ENDS = {
    Why.STEP: "",
    Why.HAND: "It is your turn as the {seat}: say ...",
    Why.END: "The talk is over ({stop}).",
    Why.STOPPED: "Stopped.",
    Why.BREAKPOINT: "Halted at: {breakpoint}.",
    Why.FAILED: "{error} The session stands where it was; step tries again.",
}


def show_steps(console: Console, steps: Sequence[Checkpoint], state: State) -> None:
    """The checkpoints that were just made: utterances whole, the rest in a line each."""
    left = sum(at.node in _SPEAKING for at in steps)
    turns = iter(state.get("turns", [])[-left:] if left else [])
    for at in steps:
        if at.node in _SPEAKING and at.kind is Kind.STEP:
            grid = Table.grid()
            grid.add_column(no_wrap=True)
            grid.add_column(ratio=1)
            grid.add_row(_numbered(at, ""), said(next(turns)))
            console.print(grid, highlight=False)
        else:
            console.print(_numbered(at, plain(at.label)), style="dim", highlight=False)


def _numbered(at: Checkpoint, text: str) -> Text:
    hand = "*" if at.by_hand else " "
    return Text(f"{at.number:>4}{hand}t{at.turn:<3}{at.node or at.kind.value:<9}{text}")


def said(turn: Json) -> Text:
    """A turn: who, under which strategy, how strong the emotion is, and the words."""
    if turn["speaker"] == "seeker":
        line = Text(f"[{turn['mind']['intensity']:.1f}] ", style="magenta")
        line.append("Seeker: ", style="bold")
    else:
        line = Text(f"({turn['strategy']}) ", style="green")
        line.append("Supporter: ", style="bold")
    line.append(plain(turn["text"]))
    if turn["speaker"] == "supporter" and turn.get("kept") and turn.get("draft"):
        pieces = word_diff(plain(turn["draft"]["text"]), plain(turn["text"]))
        if sum(len(piece) for kind, piece in pieces if kind == "same") >= _ALIKE * len(turn["draft"]["text"]):
            line.append("\ndraft -> said: ", style="dim")
            for kind, piece in pieces:
                line.append(piece if piece.endswith(" ") else f"{piece} ", style=f"dim {_DIFF[kind]}".strip())
        else:
            line.append(f"\ndraft, not said: {plain(turn['draft']['text'])}", style="dim")
    return line


def halted(halt: Halt, state: State) -> Text:
    """Why stepping halted, in a sentence; empty after a plain step."""
    text = _ENDS[halt.why].format(
        seat=halt.seat.value if halt.seat else "",
        stop=(state.get("stop") or {}).get("reason", "ended"),
        breakpoint=halt.breakpoint,
        error=plain(halt.error or ""),
    )
    return Text(text, style="red" if halt.why is Why.FAILED else "yellow")


def talk(state: State) -> Iterator[Text]:
    """What has been said."""
    for number, turn in enumerate(state.get("turns", [])):
        line = Text(f"{number:>3}  ", style="dim")
        yield line.append_text(said(turn))


def history(line: Sequence[Checkpoint], branches: Sequence[Branch]) -> Iterator[Text]:
    """The checkpoints of a branch, and where others leave it."""
    leaves: dict[int, list[str]] = {}
    for branch in branches:
        if branch.forked_at is not None:
            leaves.setdefault(branch.forked_at, []).append(branch.name)
    for at in line:
        text = _numbered(at, plain(at.label) + (f"  [{at.kind.value}]" if at.kind in (Kind.EDIT, Kind.FORK) else ""))
        if at.number in leaves:
            text.append(f"  -> {', '.join(leaves[at.number])}", style="cyan")
        yield text


def branch_lines(branches: Sequence[Branch], current: str, heads: Mapping[str, Checkpoint]) -> Iterator[Text]:
    """The branches with what was done to each."""
    for branch in branches:
        head = heads[branch.name]
        mark = "*" if branch.name == current else " "
        text = Text(f"{mark} {branch.name}", style="bold" if mark == "*" else "")
        text.append(f"  at {head.number} (turn {head.turn}, next {head.next or 'nothing'})", style="dim")
        for change in branch.changes:
            text.append(f"\n      {plain(change.what)}", style="dim")
        yield text


def tree(value: object, path: str) -> Text:
    """A part of the state as indented JSON."""
    return Text(f"{path} = " + plain(json.dumps(value, ensure_ascii=False, indent=1)))


def overview(inspection: Inspection) -> Iterator[Text]:
    """The keys of a state in a line each, marked where the last node changed them."""
    for key, value in inspection.state.items():
        mark = "*" if key in inspection.changed else " "
        short = f"{len(value)} items" if isinstance(value, list) else plain(json.dumps(value, ensure_ascii=False))
        yield Text(f"{mark} {key:<11}{short[:200]}{'...' if len(short) > 200 else ''}", style="" if mark == "*" else "dim", no_wrap=False)


def calls(asked: Sequence[Call]) -> Iterator[RenderableType]:
    """Calls, whole: prompt, raw answer, parsed object, what it took."""
    for call in asked:
        took = f", {call.seconds * 1000:.0f} ms" if call.seconds is not None else ""
        cached = ", from the cache" if call.cached else ""
        yield Text(
            f"{call.task} ({call.role.value}) on {call.model}: {call.prompt_tokens} + {call.completion_tokens} tokens, "
            f"{call.attempts} attempt{'s' if call.attempts != 1 else ''}{cached}{took}, prompt {call.fingerprint}, seed {call.seed}",
            style="bold",
        )
        if call.messages is None:
            yield Text("  The run kept no prompts (--keep-prompts); fork here and step to see it.", style="dim")
        for message in call.messages or ():
            yield Text(f"  {message.role}:", style="cyan")
            yield Padding(Text(plain(message.content)), (0, 0, 0, 4))
        if call.answer:
            yield Text("  answer:", style="green")
            yield Padding(Text(plain(call.answer)), (0, 0, 0, 4))
        if call.parsed is not None:
            yield Text("  parsed:", style="green")
            yield Padding(Text(plain(json.dumps(call.parsed, ensure_ascii=False, indent=1))), (0, 0, 0, 4))
        if call.error:
            yield Text(f"  failed: {plain(call.error)}", style="red")


def bars(plan: Json) -> Iterator[Text]:
    """The planner's distribution over the eight."""
    for strategy in STRATEGIES:
        share = float(plan["distribution"].get(strategy.value, 0.0))
        chosen = strategy.value == plan["strategy"]
        line = Text(f"{'>' if chosen else ' '} {strategy.value:<27}{share:5.2f} ", style="bold" if chosen else "")
        yield line.append("\u2588" * round(share * _BAR), style="green" if chosen else "blue")
    if plan.get("rationale"):
        yield Text(f"  {plain(plan['rationale'])}", style="dim")


def mind(state: State) -> Iterator[Text]:
    """The seeker's hidden mind, and what there is still to tell."""
    scenario, now = state["cast"]["scenario"], state.get("mind")
    yield Text(f"{scenario['name']}: {plain(' '.join(scenario['situation'].split()))}")
    yield Text(f"need: {plain(scenario['need'])}   belief: {plain(scenario['belief'])}", style="dim")
    if now:
        yield Text("   ".join(f"{key} {now[key]:.2f}" for key in ("intensity", "trust", "openness", "patience", "grip")), style="magenta")
        told = {item["key"] for item in now["disclosed"]}
        yield Text(f"told {len(told)} of {len(scenario['facts'])} facts: {', '.join(sorted(told)) or 'none'}", style="dim")


def seats(specs: Mapping[Role, str], branch: Branch) -> Iterator[Text]:
    """Who sits where in a branch."""
    for role, spec in specs.items():
        yield Text(f"  {role.value:<10}{'you' if role in branch.taken else spec}")


def difference(apart: Difference, width: int) -> RenderableType:
    """Two branches side by side; one below the other where the terminal is narrow."""
    table = Table(show_lines=False, expand=True, title=f"Common: {apart.common} utterances, up to checkpoint {apart.base.number}")
    heads = [f"{side.branch} ({_head(side)})" for side in (apart.left, apart.right)]
    if width < 80:
        table.add_column(f"{heads[0]}, then {heads[1]}")
        for side in (apart.left, apart.right):
            for turn in side.turns:
                table.add_row(_spoken(turn))
            table.add_section()
        return table
    for head in heads:
        table.add_column(head, ratio=1)
    for place in range(max(len(apart.left.turns), len(apart.right.turns))):
        table.add_row(*(_spoken(side.turns[place]) if place < len(side.turns) else Text("") for side in (apart.left, apart.right)))
    return table


def _head(side: Side) -> str:
    mood = (
        f"emotion {side.intensity:.2f}, trust {side.trust:.2f}" if side.intensity is not None and side.trust is not None else "nothing yet"
    )
    return f"{mood}, {side.stop or 'goes on'}"


def _spoken(turn: Spoken) -> Text:
    if turn.speaker == "seeker":
        line = Text(f"[{turn.intensity:.1f}] " if turn.intensity is not None else "", style="magenta")
    else:
        line = Text(f"({turn.strategy.value if turn.strategy else ''}) ", style="green")
    line.append(plain(turn.text))
    if turn.errors:
        line.append("  " + ", ".join(error.value for error in turn.errors), style="yellow")
    return line
