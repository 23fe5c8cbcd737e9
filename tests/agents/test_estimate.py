from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from agents.chat.estimate import estimate
from agents.chat.port import LedgerEntry, Message, Role, Sampling
from agents.chat.prices import Price, Prices
from agents.critic import Findings
from agents.errors import InputError
from agents.words import Reflection
from graphs.casting import Casting, with_source
from graphs.recipe import Recipe
from graphs.run import run_talk
from simulator.mind import Appraisal

MODELS = {Role.RESPONDER: "openai:m", Role.CRITIC: "openai:n"}
PRICES = Prices(prices={"m": Price(input=1.0, output=10.0), "n": Price(input=100.0, output=100.0)})


def entry(role: Role, prompt: int, answer: int, *, kept: bool = True) -> LedgerEntry:
    messages = (Message(role="user", content="abcd" * prompt),)
    return LedgerEntry(
        role=role,
        task="test",
        model="rehearsal",
        fingerprint="f",
        seed=1,
        prompt_tokens=0,
        completion_tokens=0,
        attempts=1,
        cached=False,
        messages=messages if kept else None,
        answer="abcd" * answer if kept else None,
    )


TALKS = [[entry(Role.RESPONDER, 96, 40)], [entry(Role.RESPONDER, 296, 20), entry(Role.RESPONDER, 496, 20), entry(Role.SEEKER, 900, 900)]]


def test_means_over_the_rehearsed_talks_times_the_episodes() -> None:
    found = estimate(TALKS, episodes=100, models=MODELS, sampling={}, schemas={}, prices=PRICES)
    likely, most = found.lines[0].likely, found.lines[0].most
    assert (likely.calls, likely.prompt_tokens, likely.completion_tokens) == (150, 45_000, 6_000)
    assert (most.calls, most.prompt_tokens, most.completion_tokens) == (200, 80_000, 80_000)
    assert likely.cost == pytest.approx(0.045 + 0.06)
    assert found.total.likely.calls == 150  # the seeker is not paid for, and the critic said nothing


def test_an_answer_is_never_longer_than_it_may_be() -> None:
    found = estimate(TALKS, episodes=2, models=MODELS, sampling={Role.RESPONDER: Sampling(max_tokens=18)}, schemas={})
    assert found.total.likely.completion_tokens == found.lines[0].most.completion_tokens - 18 == 54


def test_a_schema_is_part_of_what_is_sent() -> None:
    bare, shaped = (
        estimate(TALKS, episodes=1, models=MODELS, sampling={}, schemas=schemas).total.likely.prompt_tokens
        for schemas in ({}, {"test": Findings})
    )
    assert shaped > bare + 100


def test_no_cost_without_a_price_for_each_model() -> None:
    half = Prices(prices={"m": Price(input=1.0, output=10.0)})
    found = estimate(TALKS, episodes=1, models=MODELS, sampling={}, schemas={}, prices=half)
    assert found.lines[0].likely.cost is not None
    assert found.total.likely.cost is None
    assert estimate(TALKS, episodes=1, models=MODELS, sampling={}, schemas={}).total.most.cost is None


def test_nothing_is_paid_for_when_all_seats_are_rehearsed() -> None:
    assert estimate(TALKS, episodes=9, models={}, sampling={}, schemas={}, prices=PRICES).total.most.calls == 0


@pytest.mark.parametrize("talks", [[], [[]], [[entry(Role.CRITIC, 1, 1, kept=False)]]])
def test_talks_that_say_nothing_are_refused(talks: Sequence[Sequence[LedgerEntry]]) -> None:
    with pytest.raises(InputError):
        estimate(talks, episodes=1, models=MODELS, sampling={}, schemas={})


def test_the_calls_of_a_real_run_are_foretold() -> None:
    recipe = with_source(Recipe(seed=3, turns=6, keep_prompts=True))
    casting = Casting(recipe)
    ledgers = [asyncio.run(run_talk(recipe, casting.cast(index), index)).ledger for index in range(40)]
    schemas = {"appraise": Appraisal, "reflect": Reflection, "critique": Findings}
    found = estimate(ledgers[:10], episodes=40, models=dict.fromkeys(Role, "openai:m"), sampling={}, schemas=schemas, prices=PRICES)
    made = sum(map(len, ledgers))
    assert found.total.likely.calls == pytest.approx(made, rel=0.15)
    assert found.total.most.calls >= made
    assert found.total.likely.cost is not None
    assert 0 < found.total.likely.cost < (found.total.most.cost or 0)
