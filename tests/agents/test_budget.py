from __future__ import annotations

import asyncio
import random

import pytest
from scripted_chat import OPTIONS, ScriptedChat, Verdict, ask

from agents.chat.budget import Budget, BudgetedChat, read_budget
from agents.chat.port import Choice, Completion, Role, Sampling, Usage
from agents.chat.prices import Price, Prices
from agents.errors import ChatError, InputError, RunStop

PRICES = Prices(prices={"m": Price(input=1.0, output=4.0)})
SHORT = {Role.CRITIC: Sampling(max_tokens=50)}


async def spend(budget: Budget, calls: int, *, at_once: int, rng: random.Random) -> tuple[int, list[float]]:
    """Make up to `calls` calls, each of which may take all that it holds back; how many were made, and what was at stake at each."""
    made, left = 0, iter(range(calls))
    flying: dict[int, float] = {}
    stakes: list[float] = []

    async def work() -> None:
        nonlocal made
        for number in left:
            most = rng.randint(1, 60)
            try:
                async with budget.hold("m", most, most) as hold:
                    flying[number] = 2 * most
                    stakes.append(budget.spent + sum(flying.values()))
                    await asyncio.sleep(rng.random() / 500)
                    usage = Usage(model="m", prompt_tokens=rng.choice((most, 1)), completion_tokens=rng.choice((most, 1)))
                    budget.book(hold, "m", usage)
                    del flying[number]
                    made += 1
            except RunStop:
                return

    await asyncio.gather(*(work() for _ in range(at_once)))
    return made, stakes


@pytest.mark.parametrize("at_once", [1, 7, 200])
def test_a_budget_is_never_passed_whatever_the_calls_turn_out_to_take(at_once: int) -> None:
    for seed in range(5):
        budget = Budget(2_000)
        made, stakes = asyncio.run(asyncio.wait_for(spend(budget, 1_000, at_once=at_once, rng=random.Random(seed)), 30))
        assert max(stakes) <= 2_000
        assert 2_000 - 120 <= budget.spent <= 2_000  # as close as the next call allows
        assert made < 1_000


def test_a_budget_that_is_enough_stops_nothing() -> None:
    budget = Budget(1_000 * 120)
    made, _ = asyncio.run(spend(budget, 1_000, at_once=50, rng=random.Random(1)))
    assert made == 1_000


def test_a_call_waits_for_those_in_flight_rather_than_stop_the_run() -> None:
    async def run() -> tuple[int, float]:
        budget, chat = Budget(20_000), ScriptedChat(seconds=0.001)
        chat.usage = Usage(model="m", prompt_tokens=10, completion_tokens=5)
        budgeted = BudgetedChat(chat, budget, SHORT)
        await asyncio.gather(*(budgeted.complete(ask(seed=seed)) for seed in range(300)))
        return chat.asked, budget.spent

    assert asyncio.run(run()) == (300, 300 * 15)


def test_once_reached_every_call_stops_before_it_is_sent() -> None:
    async def run() -> tuple[list[object], int]:
        chat = ScriptedChat(seconds=0.001)
        budgeted = BudgetedChat(chat, Budget(3_000), SHORT)
        found = await asyncio.gather(*(budgeted.complete(ask(seed=seed)) for seed in range(50)), return_exceptions=True)
        sent = chat.asked
        with pytest.raises(RunStop, match=r"budget of 3,000 tokens is reached: .* spent.*larger --budget"):
            await budgeted.choose(ask(), OPTIONS)
        assert chat.asked == sent
        return found, sent

    found, sent = asyncio.run(run())
    assert sum(isinstance(item, Completion) for item in found) == sent
    stops = [item for item in found if isinstance(item, RunStop)]
    assert len(stops) == 50 - sent > 0
    assert len(set(map(id, stops))) == len(stops)


def test_money_is_counted_by_the_price_table() -> None:
    budget = Budget(1.0, PRICES)
    choice = asyncio.run(BudgetedChat(ScriptedChat(), budget, SHORT).choose(ask(), OPTIONS))
    assert isinstance(choice, Choice)
    assert budget.spent == pytest.approx((100 * 1.0 + 10 * 4.0) / 1e6)


def test_what_failed_or_was_cut_off_is_booked_at_its_most() -> None:
    async def cut_off(chat: BudgetedChat) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(chat.complete(ask()), 0.01)

    failing, slow = ScriptedChat(), ScriptedChat(seconds=5.0)
    failing.error = ChatError("down")
    first, second = Budget(100_000), Budget(100_000)
    with pytest.raises(ChatError):
        asyncio.run(BudgetedChat(failing, first, SHORT).complete(ask()))
    asyncio.run(cut_off(BudgetedChat(slow, second, SHORT)))
    assert first.spent == second.spent > 2 * 50


def test_who_is_cancelled_while_waiting_costs_nothing_and_frees_the_queue() -> None:
    async def run() -> float:
        budget = Budget(100)
        async with budget.hold("m", 30, 30) as first:
            waiting = [asyncio.create_task(hold_once(budget, 40)) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
            budget.book(first, "m", Usage(model="m", prompt_tokens=5, completion_tokens=5))
        waiting[1].cancel()  # let in by the line above, cancelled before it could run
        await asyncio.wait(waiting, timeout=5)
        assert [task.cancelled() for task in waiting] == [True, True, False]
        return budget.spent

    assert asyncio.run(run()) == 10 + 80


async def hold_once(budget: Budget, most: int) -> None:
    async with budget.hold("m", most, most):
        await asyncio.sleep(0)


def test_more_is_held_back_for_a_longer_question() -> None:
    async def most(budget: Budget, **question: object) -> float:
        held: list[float] = []
        chat = ScriptedChat()
        chat.on_call = lambda: held.append(budget._held)
        await BudgetedChat(chat, budget, SHORT).complete(ask(**question))  # type: ignore[arg-type]
        return held[0]

    plain, long, shaped = (asyncio.run(most(Budget(1e6), **question)) for question in ({}, {"text": "é🫂" * 1_000}, {"schema": Verdict}))
    assert long - plain == 6_000 - 5
    assert shaped > 3 * plain  # an object may be asked for again


def test_a_model_without_a_price_is_refused_before_the_run() -> None:
    with pytest.raises(InputError, match="no price for openai:n"):
        BudgetedChat(ScriptedChat(spec="openai:n"), Budget(1.0, PRICES), SHORT)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("5.00", 5.0), ("$.5", 0.5), (" 7 ", 7.0), ("200000 tokens", 200_000), ("500k tokens", 500_000), ("2.5Mtok", 2_500_000)],
)
def test_a_budget_as_people_write_it(text: str, limit: float) -> None:
    budget = read_budget(text, PRICES)
    assert budget.limit == limit
    assert (budget.prices is None) == ("tok" in text)


@pytest.mark.parametrize("text", ["", "0", "-5", "5k", "five", "nan", "inf", "1e9", "5 tokens please", "0 tokens"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no budget"):
        read_budget(text, PRICES)


def test_money_without_prices_is_refused() -> None:
    with pytest.raises(InputError, match="price table"):
        read_budget("5.00", None)
