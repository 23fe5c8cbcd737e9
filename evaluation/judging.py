"""Running a judge: each item k times, each comparison in both orders, many at once; a failed answer is a typed record, not an end.

An answer that can't be had (no object, out of range, a filtered one) is counted as a failure of that kind.  A stop that concerns the whole
run (a server that is down, a budget) ends the judging; with a cache the same command goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal

from pydantic import Field

from agents.chat.port import Ledger, derive_seed
from agents.errors import ChatError
from agents.words import Word
from evaluation.judge import Judge, Judged, Preference, Rating
from evaluation.judge_items import Match
from simulator.episode import Failure

Done = Callable[[bool], None]
"""Told after each answer: whether it was one."""


class Verdict(Word):
    """One answer of the judge about one item."""

    item: str
    dialogue: str
    repeat: int = Field(ge=0)
    rating: dict[str, int] | None = None
    """By dimension, 0 to 5; None for a comparison or a failure."""
    order: Literal["as given", "swapped"] = "as given"
    """In which order two were shown."""
    better: Literal["left", "right", "same"] | None = None
    """Of a comparison, in the order of the match; None for a rating or a failure."""
    why: str = ""
    error: Failure | None = None


async def rate_all(
    judge: Judge,
    items: Sequence[Judged],
    *,
    repeats: int,
    seed: int,
    concurrency: int,
    use_reference: bool = True,
    done: Done | None = None,
) -> list[Verdict]:
    """Every item `repeats` times, in the items' order.

    Raises:
        RunStop: the backend can answer nobody now.
    """

    async def one(item: Judged, repeat: int) -> Verdict:
        ask = derive_seed(seed, "judge", item.id, repeat)
        verdict = Verdict(item=item.id, dialogue=item.dialogue, repeat=repeat)
        try:
            rating = await judge.rate(item, seed=ask, ledger=Ledger(), use_reference=use_reference)
        except ChatError as error:
            return verdict.model_copy(update={"error": _failure(error)})
        return verdict.model_copy(update={"rating": _numbers(rating), "why": rating.why})

    return await _gathered([partial(one, item, repeat) for item in items for repeat in range(repeats)], concurrency, done)


async def compare_all(
    judge: Judge, pairs: Sequence[Match], *, repeats: int, seed: int, concurrency: int, done: Done | None = None
) -> list[Verdict]:
    """Every match `repeats` times in both orders; both orders of a repeat share their seed.

    Raises:
        RunStop: the backend can answer nobody now.
    """

    async def one(match: Match, repeat: int, swapped: bool) -> Verdict:
        first, second = (match.right, match.left) if swapped else (match.left, match.right)
        verdict = Verdict(item=match.id, dialogue=match.dialogue, repeat=repeat, order="swapped" if swapped else "as given")
        try:
            answer = await judge.compare(first, second, seed=derive_seed(seed, "judge", match.id, repeat), ledger=Ledger())
        except ChatError as error:
            return verdict.model_copy(update={"error": _failure(error)})
        return verdict.model_copy(update={"better": _side(answer, swapped), "why": answer.why})

    jobs = [partial(one, match, repeat, swapped) for match in pairs for repeat in range(repeats) for swapped in (False, True)]
    return await _gathered(jobs, concurrency, done)


def _numbers(rating: Rating) -> dict[str, int]:
    return rating.model_dump(exclude={"why"})


def _side(answer: Preference, swapped: bool) -> Literal["left", "right", "same"]:
    if answer.better == "same":
        return "same"
    return "left" if (answer.better == "first") is not swapped else "right"


def _failure(error: ChatError) -> Failure:
    return Failure(kind=type(error).__name__, boundary=error.boundary, message=error.message, retryable=error.retryable)


async def _gathered(jobs: Sequence[Callable[[], Awaitable[Verdict]]], concurrency: int, done: Done | None) -> list[Verdict]:
    gate = asyncio.Semaphore(concurrency)

    async def guarded(job: Callable[[], Awaitable[Verdict]]) -> Verdict:
        async with gate:
            verdict = await job()
        if done is not None:
            done(verdict.error is None)
        return verdict

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(guarded(job)) for job in jobs]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the first to fail has ended the others
    return [task.result() for task in tasks]
