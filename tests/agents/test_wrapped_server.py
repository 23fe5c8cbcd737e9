from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from scripted_chat import OPTIONS, Verdict, ask
from servers import control, mock_process, mock_server, stats

from agents.chat.budget import Budget, BudgetedChat
from agents.chat.cache import Cache, CachedChat
from agents.chat.calls import CallLog
from agents.chat.openai_chat import Servers
from agents.chat.port import Chat, Choice, Completion, Role, Sampling
from agents.chat.steady import Patience
from agents.errors import HoldspaceError, RunStop

SAMPLING = {role: Sampling(max_tokens=60) for role in Role}
HURRY = Patience(first_wait=0.01, longest_wait=0.05, attempts=20)
Answer = Completion | Choice


async def everything(chat: Chat, count: int) -> list[Answer | BaseException]:
    """Texts, objects and choices, all at once."""
    calls = []
    for seed in range(count):
        calls += [chat.complete(ask(seed=seed)), chat.complete(ask(seed=seed, schema=Verdict)), chat.choose(ask(seed=seed), OPTIONS)]
    return await asyncio.gather(*calls, return_exceptions=True)


def run(url: str, cache: Cache, calls: CallLog, count: int = 20) -> list[Answer | BaseException]:
    async def session() -> list[Answer | BaseException]:
        async with Servers(calls=calls, patience=HURRY, environment={}) as servers:
            return await everything(CachedChat(servers.chat(f"openai:mock@{url}", SAMPLING), cache, SAMPLING, calls=calls), count)

    return asyncio.run(session())


def test_a_second_run_makes_no_call_for_what_was_answered_under_faults(tmp_path: Path) -> None:
    with mock_server(latency=0.005, faults=0.3, fault_kinds=["500", "429", "reset", "truncated"], seed=1) as url:
        first_log, second_log = CallLog(), CallLog()
        with Cache(tmp_path / "cache.sqlite") as cache:
            first = run(url, cache, first_log)
        control(url, down="reset")
        with Cache(tmp_path / "cache.sqlite") as cache:
            second = run(url, cache, second_log)
    answered = [place for place, answer in enumerate(first) if not isinstance(answer, BaseException)]
    assert len(answered) > 40
    for place in answered:
        before, after = first[place], second[place]
        assert isinstance(before, Completion | Choice)
        assert isinstance(after, Completion | Choice)
        assert after.usage == before.usage.model_copy(update={"cached": True})
        assert getattr(after, "parsed", None) == getattr(before, "parsed", None)
    assert (first_log.total().calls, second_log.total().cached) == (60, len(answered))
    assert first_log.total().attempts > 60


def test_a_killed_server_costs_only_what_was_not_answered(tmp_path: Path) -> None:
    with mock_process(latency=0.005) as server:
        with Cache(tmp_path / "cache.sqlite") as cache:
            run(server.url, cache, CallLog(), count=10)
        server.kill()
        server.start()
        with Cache(tmp_path / "cache.sqlite") as cache:
            answers = run(server.url, cache, CallLog(), count=15)
        assert not any(isinstance(answer, BaseException) for answer in answers)
        assert stats(server.url)["requests"] == 15


@pytest.mark.parametrize("limit", [8_000, 30_000])
def test_a_budget_of_tokens_is_kept_on_a_server(limit: int) -> None:
    budget, calls = Budget(limit), CallLog()

    async def session(url: str) -> list[Answer | BaseException]:
        async with Servers(calls=calls, patience=HURRY, environment={}) as servers:
            return await everything(BudgetedChat(servers.chat(f"openai:mock@{url}", SAMPLING), budget, SAMPLING), 500)

    with mock_server(latency=0.002) as url:
        answers = asyncio.run(session(url))
        served = stats(url)
    assert served["prompt_tokens"] + served["completion_tokens"] == budget.spent
    total = calls.total()
    assert total.prompt_tokens + total.completion_tokens == budget.spent <= limit
    assert budget.spent > limit - 5_000
    stops = [answer for answer in answers if isinstance(answer, BaseException)]
    assert stops
    assert all(isinstance(stop, RunStop) and isinstance(stop, HoldspaceError) for stop in stops)
