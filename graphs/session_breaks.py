"""Breakpoints: whether a checkpoint meets one."""

from __future__ import annotations

from collections.abc import Iterable

from graphs.session_words import Break, Checkpoint
from graphs.state import State


def met(breaks: Iterable[Break], at: Checkpoint, state: State) -> Break | None:
    """The first breakpoint that a checkpoint, just reached, meets."""
    return next((item for item in breaks if _met(item, at, state)), None)


def _met(item: Break, at: Checkpoint, state: State) -> bool:
    if item.node is not None:
        reached = at.next == item.node and (item.turn is None or at.coming == item.turn)
    elif after := _after(item):
        reached = at.node == after and (item.turn is None or at.turn == item.turn)
    else:
        reached = at.node == "deliver" and at.coming == item.turn
    return reached and _holds(item, state)


def _after(item: Break) -> str | None:
    """The node after which a condition is looked at, where the breakpoint names none: the latest one that all of them need."""
    if item.error is not None:
        return "critique"
    if item.strategy is not None:
        return "plan"
    if item.crisis:
        return "screen"
    return "seeker" if item.emotion_below is not None else None


def _holds(item: Break, state: State) -> bool:
    plan, critiques, mind = state.get("plan") or {}, state.get("critiques") or [], state.get("mind") or {}
    findings = {finding["error"] for finding in critiques[-1]["findings"]} if critiques else set()
    return (
        (item.strategy is None or plan.get("strategy") == item.strategy)
        and (item.error is None or item.error in findings)
        and (item.emotion_below is None or mind.get("intensity", 5.0) < item.emotion_below)
        and (not item.crisis or state.get("crisis") is not None)
    )
