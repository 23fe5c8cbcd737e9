"""Two branches side by side, and a judgement on them as data for a preference pair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from agents.errors import InputError
from agents.words import PsychError, Speaker, Strategy
from graphs.session_editing import paths_apart
from graphs.session_words import Branch, Checkpoint, Difference, Json, Side, Spoken
from graphs.state import State

_MOST = 40
_UNSAID = ("ledger", "seed")


def difference(
    lines: tuple[Sequence[Checkpoint], Sequence[Checkpoint]], branches: tuple[Branch, Branch], states: tuple[State, State]
) -> Difference:
    """Where two branches part and what each says from there.

    Args:
        lines: the checkpoints of each, oldest first.
        branches: the two.
        states: of their heads.
    """
    base = [left for left, right in takewhile(lambda pair: pair[0] == pair[1], zip(*lines, strict=False))][-1]
    common = in_common(states)
    left, right = ({key: value for key, value in state.items() if key not in _UNSAID} for state in states)
    sides = [_side(branch, line[-1], state, common) for branch, line, state in zip(branches, lines, states, strict=True)]
    return Difference(base=base, common=common, left=sides[0], right=sides[1], paths=tuple(paths_apart(left, right)[:_MOST]))


def in_common(states: tuple[State, State]) -> int:
    """Number of turns that two talks have in common, from the first."""
    pairs = zip(*(state.get("turns", []) for state in states), strict=False)
    return sum(1 for _ in takewhile(lambda pair: _heard(pair[0]) == _heard(pair[1]), pairs))


def _heard(turn: Json) -> tuple[str, str, str | None]:
    return turn["speaker"], turn["text"], turn["strategy"]


def _side(branch: Branch, head: Checkpoint, state: State, common: int) -> Side:
    mind, stop = state.get("mind") or {}, state.get("stop")
    return Side(
        branch=branch.name,
        at=head,
        changes=branch.changes,
        turns=tuple(spoken(turn) for turn in state.get("turns", [])[common:]),
        intensity=mind.get("intensity"),
        trust=mind.get("trust"),
        stop=stop["reason"] if stop else None,
    )


def spoken(turn: Json) -> Spoken:
    """A turn of the state as a diff shows it."""
    if turn["speaker"] == Speaker.SEEKER:
        return Spoken(speaker=Speaker.SEEKER, text=turn["text"], intensity=turn["mind"]["intensity"], trust=turn["mind"]["trust"])
    critiques = turn.get("critiques") or []
    findings = critiques[turn["kept"]]["findings"] if turn["kept"] < len(critiques) else []
    return Spoken(
        speaker=Speaker.SUPPORTER,
        text=turn["text"],
        strategy=Strategy(turn["strategy"]),
        errors=tuple(PsychError(finding["error"]) for finding in findings),
    )


def parted_replies(names: tuple[str, str], states: tuple[State, State]) -> tuple[int, Json, Json]:
    """The first turns in which two talks differ: their place, the one, the other.

    Raises:
        InputError: they do not differ, or not in a reply, so that no preference between replies can be marked.
    """
    place = in_common(states)
    turns = [state.get("turns", []) for state in states]
    if min(len(side) for side in turns) <= place:
        short = names[0] if len(turns[0]) <= place else names[1]
        raise InputError(
            f"{short} has said nothing that {names[0]} and {names[1]} differ in.", hint="Step it on until the reply is delivered."
        )
    left, right = turns[0][place], turns[1][place]
    if left["speaker"] != Speaker.SUPPORTER or right["speaker"] != Speaker.SUPPORTER:
        raise InputError(f"{names[0]} and {names[1]} part in what the seeker says.", hint="Compare branches that part in a reply.")
    if left["text"] == right["text"]:
        raise InputError(f"{names[0]} and {names[1]} reply in the same words.", hint="A pair needs two different replies.")
    return place, left, right
