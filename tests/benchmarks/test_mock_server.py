"""The mock server behaves as the servers that it stands for, seen through the stock client and through a bare socket."""

from __future__ import annotations

import asyncio
import json
import math
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from pydantic import BaseModel, Field
from servers import control, mock_process, mock_server, stats

from agents.critic import Findings
from simulator.mind import Appraisal

TALK = [{"role": "system", "content": "You listen."}, {"role": "user", "content": "I can't sleep."}]
LETTERED = [{"role": "user", "content": "Choose one:\nA. Question\nB. Information\nC. Others"}]


class Odd(BaseModel):
    """Corners of what pydantic writes as JSON schema."""

    share: float = Field(gt=0, lt=1)
    code: str = Field(min_length=100, max_length=120)
    pair: tuple[int, str]
    few: set[int] = Field(min_length=2, max_length=3)
    by_name: dict[str, int]
    inner: Findings | None
    below: int = Field(le=-5)
    children: list[Odd] = []


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server without latency, for all tests that change nothing."""
    with mock_server(slow_seconds=0.05, retry_after=0.25, long_chars=120_000) as found:
        yield found


@asynccontextmanager
async def connected(url: str, key: str = "k", seconds: float = 5) -> AsyncIterator[Any]:
    async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=seconds) as client:
        yield client


def ask(url: str, *, key: str = "k", seconds: float = 5, **body: Any) -> Any:
    """One completion by the stock client."""

    async def call() -> Any:
        async with connected(url, key, seconds) as client:
            return await client.chat.completions.create(**{"model": "mock", "messages": TALK, **body})

    return asyncio.run(call())


def fault(url: str, name: str, *, seconds: float = 5, **body: Any) -> Any:
    return ask(url, seconds=seconds, extra_headers={"x-mock-fault": name}, **body)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": model.__name__, "schema": model.model_json_schema()}}


def said(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_an_answer_is_a_function_of_seed_and_body(url: str) -> None:
    first, again, other = ask(url), ask(url), ask(url, seed=5)
    assert said(first) == said(again)
    assert first.id == again.id != other.id
    assert first.usage.prompt_tokens > 0
    assert first.usage.completion_tokens > 0
    with mock_server(seed=2) as second:
        assert any(said(ask(url, seed=n)) != said(ask(second, seed=n)) for n in range(3))


@pytest.mark.parametrize("model", [Findings, Appraisal, Odd])
def test_structured_output_is_valid_for_the_schema(url: str, model: type[BaseModel]) -> None:
    seen = set()
    for seed in range(25):
        content = said(ask(url, seed=seed, response_format=schema_of(model)))
        model.model_validate_json(content)
        seen.add(content)
    assert len(seen) > 3


def test_a_stream_says_what_the_whole_answer_says(url: str) -> None:
    async def pieces() -> tuple[str, str | None, int]:
        async with connected(url) as client:
            text, finish, tokens = "", None, 0
            stream = await client.chat.completions.create(
                model="mock",
                messages=TALK,
                stream=True,
                stream_options={"include_usage": True},
            )
            async for event in stream:
                for choice in event.choices:
                    text, finish = text + (choice.delta.content or ""), choice.finish_reason or finish
                tokens = event.usage.total_tokens if event.usage else tokens
            return text, finish, tokens

    whole = ask(url)
    assert asyncio.run(pieces()) == (said(whole), "stop", whole.usage.total_tokens)


def test_logprobs_are_a_distribution_over_the_lettered_options(url: str) -> None:
    answer = ask(url, messages=LETTERED, logprobs=True, top_logprobs=20, max_tokens=1)
    top = {entry.token: entry.logprob for entry in answer.choices[0].logprobs.content[0].top_logprobs}
    assert set(top) == {"A", "B", "C"}
    assert 0.9 < sum(map(math.exp, top.values())) <= 1
    assert said(answer) == max(top, key=lambda token: top[token])


def test_max_tokens_cuts_and_says_so(url: str) -> None:
    answer = ask(url, max_tokens=2)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 2


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("429", openai.RateLimitError),
        ("429_bare", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("503", openai.InternalServerError),
        ("reset", openai.APIConnectionError),
        ("truncated", openai.APIConnectionError),
        ("invalid_json", json.JSONDecodeError),
        ("400", openai.BadRequestError),
        ("filtered_prompt", openai.BadRequestError),
        ("409", openai.ConflictError),
        ("no_such_fault", openai.BadRequestError),
    ],
)
def test_faults_that_the_client_raises(url: str, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        fault(url, name)


def test_retry_after_is_sent_or_not(url: str) -> None:
    found = {}
    for name in ("429", "429_bare", "retry_hour", "retry_date"):
        with pytest.raises(openai.RateLimitError) as caught:
            fault(url, name)
        found[name] = caught.value.response.headers.get("retry-after")
    assert found == {"429": "0.25", "429_bare": None, "retry_hour": "3600", "retry_date": "Wed, 21 Oct 2015 07:28:00 GMT"}


def test_a_hang_ends_only_by_the_clients_patience(url: str) -> None:
    with pytest.raises(openai.APITimeoutError):
        fault(url, "hang", seconds=0.3)
    time.sleep(0.2)
    assert stats(url)["in_flight"] == 0


def test_a_slow_answer_is_correct_and_slow(url: str) -> None:
    start = time.monotonic()
    assert said(fault(url, "slow")) == said(ask(url))
    assert time.monotonic() - start > 0.3


def test_faults_in_the_content(url: str) -> None:
    clean = said(ask(url))
    assert said(fault(url, "empty")) == ""
    assert fault(url, "null_content").choices[0].message.content is None
    assert fault(url, "no_choices").choices == []
    assert fault(url, "content_filter").choices[0].finish_reason == "content_filter"
    assert len(said(fault(url, "long"))) == 120_000
    assert said(fault(url, "schema")) == clean, "there is no schema to violate in a plain text request"
    assert "<html>" in fault(url, "content_type")
    wrong = said(fault(url, "schema", response_format=schema_of(Odd)))
    with pytest.raises(ValueError, match=r"unexpected|required|missing"):
        Odd.model_validate_json(wrong)


def test_a_stream_breaks_in_the_middle(url: str) -> None:
    async def pieces() -> None:
        async with connected(url) as client:
            stream = await client.chat.completions.create(
                model="mock",
                messages=TALK,
                stream=True,
                extra_headers={"x-mock-fault": "truncated"},
            )
            async for _ in stream:
                pass

    with pytest.raises(Exception, match=r"(?i)read|closed|connection|reset"):
        asyncio.run(pieces())


def test_the_share_of_faults_is_kept_and_does_not_depend_on_order() -> None:
    async def outcomes(url: str, seeds: list[int]) -> dict[int, str]:
        async with connected(url) as client:

            async def one(seed: int) -> str:
                try:
                    return said(await client.chat.completions.create(model="m", messages=TALK, seed=seed))
                except openai.APIStatusError as error:
                    return str(error.status_code)

            return dict(zip(seeds, await asyncio.gather(*map(one, seeds)), strict=True))

    def run(url: str, seeds: list[int]) -> dict[int, str]:
        return asyncio.run(outcomes(url, seeds))

    kinds = ["429", "500", "503"]
    with mock_server(faults=0.3, fault_kinds=kinds) as one, mock_server(faults=0.3, fault_kinds=kinds) as two:
        forward, backward = run(one, list(range(300))), run(two, list(range(299, -1, -1)))
        assert forward == backward
        counted = stats(one)
        assert 60 < sum(counted["faults"].values()) < 120
        assert set(counted["faults"]) == set(kinds)
        assert counted["requests"] == counted["distinct"] == 300 == counted["answered"] + sum(counted["faults"].values())
        assert run(one, list(range(300))) != forward, "a second attempt has its own luck"


def test_the_first_attempts_can_be_faulted() -> None:
    with mock_server(fault_first=2, fault_kinds="503") as url:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError):
                ask(url)
        assert said(ask(url))


@pytest.mark.parametrize(
    ("options", "body", "error"),
    [
        ({"no_schema": True}, {"response_format": schema_of(Findings)}, openai.BadRequestError),
        ({"no_json_object": True}, {"response_format": {"type": "json_object"}}, openai.BadRequestError),
        ({"refuse_logprobs": True}, {"logprobs": True}, openai.BadRequestError),
        ({"context": 5}, {}, openai.BadRequestError),
        ({"models": "one,two"}, {}, openai.NotFoundError),
        ({"key": "right"}, {}, openai.AuthenticationError),
        ({}, {"messages": []}, openai.BadRequestError),
        ({}, {"messages": ["hello"]}, openai.BadRequestError),
        ({}, {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, openai.BadRequestError),
        ({}, {"messages": [{"role": "narrator", "content": "x"}]}, openai.BadRequestError),
    ],
)
def test_what_a_server_refuses(options: dict[str, Any], body: dict[str, Any], error: type[Exception]) -> None:
    with mock_server(**options) as url:
        with pytest.raises(error):
            ask(url, **body)
        assert stats(url)["refused"] == 1


def test_settings_change_while_it_runs() -> None:
    with mock_server(key="right") as url:
        assert said(ask(url, key="right"))
        assert control(url, key="", answer="exactly this", reset_counts=True)["answer"] == "exactly this"
        assert said(ask(url, key="other")) == "exactly this"
        assert stats(url)["requests"] == 1
        control(url, answer="", no_logprobs=True, reasoning=True)
        answer = ask(url, messages=LETTERED, logprobs=True, top_logprobs=3)
        assert answer.choices[0].logprobs is None
        assert answer.choices[0].message.reasoning_content.startswith("SECRET REASONING")
        with pytest.raises(Exception, match="400"):
            control(url, no_such_setting=1)


@pytest.mark.parametrize("shape", ["fenced", "prose", "trailing_comma", "think", "cut_off", "single_quotes"])
def test_objects_come_in_the_clothes_that_models_put_on(shape: str) -> None:
    with mock_server(shape=shape) as url:
        dressed = said(ask(url, response_format=schema_of(Findings)))
        with pytest.raises(ValueError, match=r".+"):
            json.loads(dressed)
        control(url, shape="clean")
        Findings.model_validate_json(said(ask(url, response_format=schema_of(Findings))))


def test_a_schema_in_the_instruction_is_followed_without_response_format(url: str) -> None:
    order = {"role": "user", "content": f"Answer as JSON of this schema: {json.dumps(Appraisal.model_json_schema())} {{nothing else}}"}
    bodies: list[dict[str, Any]] = [{}, {"response_format": {"type": "json_object"}}]
    for body in bodies:
        Appraisal.model_validate_json(said(ask(url, messages=[*TALK, order], **body)))


def test_down_and_up_again() -> None:
    with mock_server(down_after=2) as url:
        assert said(ask(url))
        assert said(ask(url))
        with pytest.raises(openai.APIConnectionError):
            ask(url)
        control(url, down="503")
        with pytest.raises(openai.InternalServerError):
            ask(url)
        control(url, down="")
        assert said(ask(url))
        assert stats(url)["while_down"] == 2


def test_a_killed_server_refuses_and_comes_back_on_its_port() -> None:
    with mock_process() as server:
        first = said(ask(server.url))
        server.kill()
        with pytest.raises(openai.APIConnectionError):
            ask(server.url)
        before = server.url
        server.start()
        assert server.url == before
        assert said(ask(server.url)) == first


def test_many_requests_wait_side_by_side() -> None:
    async def all_of(url: str, count: int) -> float:
        async with connected(url, seconds=30) as client:
            start = time.monotonic()
            await asyncio.gather(*(client.chat.completions.create(model="m", messages=TALK, seed=n) for n in range(count)))
            return time.monotonic() - start

    with mock_server(latency=0.5) as url:
        assert asyncio.run(all_of(url, 300)) < 0.5 * 30
        assert stats(url)["peak"] > 50


def test_hostile_texts_arrive_whole() -> None:
    with mock_server(hostile=True) as url:
        texts = {said(ask(url, seed=seed)) for seed in range(60)}
    assert any("<|im_start|>" in text for text in texts)
    assert any("\x00" in text for text in texts)
    assert any(len(text) > 100_000 for text in texts)


def test_models_and_kept_bodies() -> None:
    with mock_server(models="small,large", keep_bodies=1) as url:
        ask(url, model="small", seed=3)
        ask(url, model="small", seed=4)
        with urllib.request.urlopen(url + "/models", timeout=5) as response:
            assert [entry["id"] for entry in json.load(response)["data"]] == ["small", "large"]
        with urllib.request.urlopen(url.removesuffix("/v1") + "/bodies", timeout=5) as response:
            assert [body["seed"] for body in json.load(response)] == [3]
