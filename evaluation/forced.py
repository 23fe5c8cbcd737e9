"""Teacher forcing: a planner is asked at each supporter turn of human dialogues, always on the human history.

So each choice stands alone: an early mistake does not spoil the later contexts, and nothing is learnt of how talks would have gone on.
Calls run concurrently; an answer that cannot be parsed is a choice of None, a backend that fails ends the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from agents.chat.port import Ledger, derive_seed
from agents.errors import AnswerError, HoldspaceError
from agents.planner import Planner
from agents.words import Speaker, Strategy, Utterance
from simulator.dialogue import Dialogue


@dataclass(frozen=True, slots=True)
class Decision:
    """One supporter turn of a human dialogue."""

    dialogue: str
    turn: int
    """Index in the dialogue's turns."""
    context: tuple[Utterance, ...]
    """All turns before it; empty where the supporter opens the talk."""
    gold: Strategy | None
    """None where the corpus has no label."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What the planner answered there."""

    decision: Decision
    strategy: Strategy | None
    """None where the answer could not be parsed."""
    distribution: dict[Strategy, float]
    """Empty where there is no strategy."""


def decisions(dialogue: Dialogue) -> Iterator[Decision]:
    """Each supporter turn with the context as it was before that turn."""
    for index, turn in enumerate(dialogue.turns):
        if turn.speaker is Speaker.SUPPORTER:
            yield Decision(dialogue.id, index, dialogue.turns[:index], turn.strategy)


async def plan_all(
    planner: Planner, asked: Iterable[Decision], *, seed: int = 0, concurrency: int = 16, on_planned: Callable[[], None] | None = None
) -> list[Planned]:
    """What the planner chooses at each decision, in their order.

    Args:
        planner: the seat; its `pick` says whether the likeliest strategy is taken or one is drawn.
        asked: the decisions.
        seed: of the draws; each decision's own seed comes of it.
        concurrency: calls at once, at least 1.
        on_planned: called after each answer.

    Raises:
        HoldspaceError: the backend failed (ChatError), or the whole run must stop (RunStop).
    """
    waiting = list(asked)
    found: dict[int, Planned] = {}
    todo = iter(enumerate(waiting))

    async def work() -> None:
        for index, decision in todo:
            found[index] = await _plan(planner, decision, seed)
            if on_planned:
                on_planned()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(waiting))):
                group.create_task(work())
    except* HoldspaceError as errors:
        first = errors.exceptions[0]
        raise first from first.__cause__
    return [found[index] for index in range(len(waiting))]


async def _plan(planner: Planner, decision: Decision, seed: int) -> Planned:
    own = derive_seed(seed, decision.dialogue, decision.turn)
    try:
        plan = await planner.plan(decision.context, seed=own, ledger=Ledger())
    except AnswerError:
        return Planned(decision, None, {})
    return Planned(decision, plan.strategy, plan.distribution)
