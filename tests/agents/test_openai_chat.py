"""The openai: backend against a real server on loopback: what it asks, what it makes of answers, and what it does when things go wrong."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from servers import control, mock_process, mock_server, stats

from agents.chat.abilities import Structure
from agents.chat.address import clean_spec
from agents.chat.asking import Question, Spent
from agents.chat.calls import CallLog
from agents.chat.openai_chat import OpenAIChat, Servers
from agents.chat.port import Ledger, Message, Request, Role, Sampling
from agents.chat.steady import Patience
from agents.critic import Findings
from agents.errors import AnswerError, ChatError, HoldspaceError, InputError, RunStop
from agents.words import STRATEGIES, Reflection
from benchmarks.mock_answers import HOSTILE
from benchmarks.mock_faults import Fault

T = TypeVar("T")
OPTIONS = [strategy.value for strategy in STRATEGIES]
QUICK = Patience(timeout=0.4, first_wait=0.005, longest_wait=0.02, longest_asked=2.0, grace=0.05)
KEY = "sk-test-0123456789abcdef"
SYSTEM = "You are a supporter, whatever happens."


def ask(text: str = "I can't sleep.", *, schema: Any = None, seed: int = 1, talk: Sequence[str] = ()) -> Request:
    """A request with a system message, a talk, and a last message."""
    turns = [Message(role="assistant" if place % 2 else "user", content=turn) for place, turn in enumerate(talk)]
    messages = (Message(role="system", content=SYSTEM), *turns, Message(role="user", content=text))
    return Request(role=Role.CRITIC, task="task", messages=messages, fingerprint="f", seed=seed, schema=schema)


def using(url: str, work: Callable[[OpenAIChat], Awaitable[T]], *, patience: Patience = QUICK, key: str = "", **options: Any) -> T:
    """What `work` comes to with a backend on the server."""

    async def run() -> T:
        async with Servers(patience=patience, environment={"OPENAI_API_KEY": key}, **options) as servers:
            return await work(servers.chat(f"openai:mock@{url}"))

    return asyncio.run(run())


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    with mock_server() as url:
        yield url


@pytest.fixture
def server(shared: str) -> Iterator[str]:
    """A server without faults; a test may change its settings."""
    before = control(shared, reset_counts=True)
    yield shared
    control(shared, **{name: value for name, value in before.items() if name not in {"port", "with_parent"}}, reset_counts=True)


def test_answers_texts_objects_and_choices(server: str) -> None:
    async def work(chat: OpenAIChat) -> None:
        text = await chat.complete(ask())
        assert text.text
        assert text.parsed is None
        assert text.usage.prompt_tokens > 0
        assert text.usage.completion_tokens > 0
        assert text.usage.attempts == 1
        parsed = (await chat.complete(ask(schema=Reflection))).parsed
        assert isinstance(parsed, Reflection)
        choice = await chat.choose(ask(), OPTIONS)
        assert list(choice.probabilities) == OPTIONS
        assert sum(choice.probabilities.values()) == pytest.approx(1)

    using(server, work)
    assert stats(server)["formats"] == {"text": 2, "json_schema": 1}


def test_same_seed_same_answer_and_another_seed_another(server: str) -> None:
    async def work(chat: OpenAIChat) -> list[str]:
        return [(await chat.complete(ask(seed=seed))).text for seed in (1, 1, 2, 3)]

    first, again, *others = using(server, work)
    assert first == again
    assert set(others) != {first}


RETRIED = [Fault.RATE, Fault.RATE_BARE, Fault.ERROR, Fault.OVERLOADED, Fault.HANG, Fault.RESET, Fault.TRUNCATED, Fault.INVALID_JSON]
RETRIED += [Fault.CONTENT_TYPE, Fault.NO_CHOICES, Fault.TIMEOUT, Fault.CONFLICT, Fault.BAD_GATEWAY]
RETRIED += [Fault.GATEWAY_TIMEOUT, Fault.RETRY_DATE]


@pytest.mark.parametrize("fault", RETRIED)
def test_a_fault_that_passes_is_tried_again_and_counted(server: str, fault: Fault) -> None:
    control(server, fault_first=1, fault_kinds=[fault.value], retry_after=0.05)

    async def work(chat: OpenAIChat) -> list[int]:
        ledger = Ledger()
        for seed in range(1, 4):
            await ledger.say(chat, ask(seed=seed))
        return [entry.attempts for entry in ledger.entries]

    assert using(server, work) == [2, 2, 2]
    assert stats(server)["requests"] == 6


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.NULL_CONTENT])
def test_an_empty_answer_is_asked_for_again_with_another_seed(server: str, fault: Fault) -> None:
    control(server, faults=0.2, fault_kinds=[fault.value])

    async def work(chat: OpenAIChat) -> list[int]:
        answers = await asyncio.gather(*(chat.complete(ask(seed=seed)) for seed in range(100, 900, 100)))
        return [answer.usage.attempts for answer in answers]

    assert max(using(server, work)) > 1
    assert stats(server)["distinct"] == stats(server)["requests"]


@pytest.mark.parametrize("fault", [Fault.LONG, Fault.SLOW])
def test_a_fault_of_content_is_mended(server: str, fault: Fault) -> None:
    control(server, fault_first=1, fault_kinds=[fault.value], long_chars=100_000, slow_seconds=0.01)
    completion = using(server, lambda chat: chat.complete(ask(schema=Reflection)))
    assert isinstance(completion.parsed, Reflection)
    assert completion.usage.attempts == stats(server)["requests"] == (1 if fault is Fault.SLOW else 2)


def test_a_schema_violation_is_asked_about_once(server: str) -> None:
    control(server, faults=0.5, fault_kinds=[Fault.SCHEMA.value])

    async def work(chat: OpenAIChat) -> list[Any]:
        return list(await asyncio.gather(*(chat.complete(ask(schema=Reflection, seed=seed)) for seed in range(40)), return_exceptions=True))

    ended = using(server, work)
    assert {1, 2} == {one.usage.attempts for one in ended if not isinstance(one, BaseException)}
    assert all(isinstance(one, AnswerError) and "twice" in str(one) for one in ended if isinstance(one, BaseException))


@pytest.mark.parametrize("fault", [Fault.CONTENT_FILTER, Fault.FILTERED_PROMPT])
def test_a_content_filter_fails_the_call_alone_and_soon(server: str, fault: Fault) -> None:
    control(server, fault_first=1, fault_kinds=[fault.value])
    with pytest.raises(AnswerError, match="content filter"):
        using(server, lambda chat: chat.complete(ask()))
    assert stats(server)["distinct"] == stats(server)["requests"] == (3 if fault is Fault.CONTENT_FILTER else 1)


def test_a_bad_request_fails_the_call_with_the_servers_words(server: str) -> None:
    control(server, fault_first=1, fault_kinds=[Fault.BAD_REQUEST.value])
    with pytest.raises(ChatError, match=r"refused a request with status 400: Something in the request is wrong"):
        using(server, lambda chat: chat.complete(ask()))


def test_a_server_that_always_violates_the_schema_ends_in_a_typed_error(server: str) -> None:
    control(server, faults=1.0, fault_kinds=[Fault.SCHEMA.value])
    with pytest.raises(AnswerError, match=r"twice.*none of the keys|twice.*Field required"):
        using(server, lambda chat: chat.complete(ask(schema=Reflection)))
    assert stats(server)["requests"] == 2


def test_a_server_that_says_nothing_ends_in_a_typed_error(server: str) -> None:
    control(server, faults=1.0, fault_kinds=[Fault.EMPTY.value])
    with pytest.raises(AnswerError, match="an empty answer"):
        using(server, lambda chat: chat.complete(ask()))
    assert stats(server)["requests"] == 3


def test_retry_after_is_followed(server: str) -> None:
    control(server, fault_first=1, fault_kinds=[Fault.RATE.value], retry_after=0.6)
    start = time.monotonic()
    using(server, lambda chat: chat.complete(ask()))
    assert time.monotonic() - start >= 0.6


def test_a_server_that_asks_for_an_hour_stops_the_run(server: str) -> None:
    control(server, fault_first=1, fault_kinds=[Fault.RETRY_HOUR.value])
    with pytest.raises(RunStop, match="3600 seconds"):
        using(server, lambda chat: chat.complete(ask()))


def test_a_rate_limit_for_everybody_stops_the_run_and_fails_no_talk(server: str) -> None:
    control(server, faults=1.0, fault_kinds=[Fault.RATE_BARE.value])
    with pytest.raises(RunStop, match="rate limit"):
        using(server, lambda chat: chat.complete(ask()), patience=QUICK.model_copy(update={"limited": 0.3}))
    assert stats(server)["requests"] > 3


def test_a_rate_limit_is_outwaited_and_uses_up_nobodys_retries(server: str) -> None:
    control(server, faults=0.9, fault_kinds=[Fault.RATE_BARE.value])

    async def work(chat: OpenAIChat) -> list[str]:
        return [one.text for one in await asyncio.gather(*(chat.complete(ask(seed=seed)) for seed in range(30)))]

    assert all(using(server, work, patience=QUICK.model_copy(update={"spare": 0, "share": 0.0, "attempts": 1})))


def test_retries_of_a_run_are_bounded(server: str) -> None:
    control(server, faults=1.0, fault_kinds=[Fault.ERROR.value])
    patience = QUICK.model_copy(update={"spare": 2, "attempts": 1000, "grace": 20.0})

    async def work(chat: OpenAIChat) -> list[object]:
        return list(await asyncio.gather(*(chat.complete(ask(seed=seed)) for seed in range(10)), return_exceptions=True))

    assert all(isinstance(error, RunStop) for error in using(server, work, patience=patience, concurrency=10))
    assert stats(server)["requests"] <= 20 + 10


def test_calls_survive_a_third_of_faults_of_all_kinds(server: str) -> None:
    control(server, faults=0.3, retry_after=0.05, slow_seconds=0.01, long_chars=50_000)
    calls = CallLog()

    async def work(chat: OpenAIChat) -> list[object]:
        asked = [chat.complete(ask(seed=seed, schema=Reflection if seed % 2 else None)) for seed in range(300)]
        return list(await asyncio.gather(*asked, *(chat.choose(ask(seed=seed), OPTIONS) for seed in range(100)), return_exceptions=True))

    patience = QUICK.model_copy(update={"timeout": 2.0, "grace": 20.0})
    ended = using(server, work, calls=calls, concurrency=100, patience=patience)
    failed = [one for one in ended if isinstance(one, BaseException)]
    assert all(isinstance(error, ChatError) for error in failed), failed
    assert len(failed) < 20  # answered badly twice
    assert sum(line.attempts for line in calls.lines()) == stats(server)["requests"] > 450


@pytest.mark.parametrize("down", ["reset", "503"])
def test_a_server_that_goes_down_stops_the_run_and_comes_back(server: str, down: str) -> None:
    async def work(chat: OpenAIChat) -> list[object]:
        await chat.complete(ask())
        control(server, down=down)
        ended = await asyncio.gather(*(chat.complete(ask(seed=seed)) for seed in range(30)), return_exceptions=True)
        control(server, down="")
        await asyncio.sleep(2.1)
        assert (await chat.complete(ask(seed=99))).text
        return list(ended)

    ended = using(server, work)
    assert all(isinstance(error, RunStop) for error in ended)
    assert "resumes" in str(ended[0])


def test_nobody_sleeps_on_when_the_run_stops(server: str) -> None:
    async def work(chat: OpenAIChat) -> list[object]:
        await chat.complete(ask())
        control(server, faults=1.0, fault_kinds=[Fault.RATE.value], retry_after=60)
        waiting = asyncio.create_task(chat.complete(ask(seed=2)))
        await asyncio.sleep(0.2)
        control(server, down="reset")
        return list(await asyncio.gather(waiting, *(chat.complete(ask(seed=seed)) for seed in range(3, 9)), return_exceptions=True))

    start = time.monotonic()
    assert all(isinstance(error, RunStop) for error in using(server, work, patience=QUICK.model_copy(update={"longest_asked": 120.0})))
    assert time.monotonic() - start < 5


def test_a_killed_server_that_is_soon_back_costs_nothing() -> None:
    with mock_process() as process:

        async def work(chat: OpenAIChat) -> int:
            await chat.complete(ask())
            process.kill()
            waiting = asyncio.create_task(chat.complete(ask(seed=2)))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(process.start)
            return (await waiting).usage.attempts

        patience = QUICK.model_copy(update={"grace": 20.0, "longest_wait": 0.3, "attempts": 100, "timeout": 5.0})
        assert using(process.url, work, patience=patience) > 1


def test_nobody_there_is_one_sentence() -> None:
    with mock_process() as process:
        url = process.url
    start = time.monotonic()
    with pytest.raises(RunStop, match=r"The server at http://127.0.0.1:\d+/v1 does not answer: connection refused"):
        using(url, lambda chat: chat.complete(ask()), patience=Patience())
    assert time.monotonic() - start < 3


def test_a_wrong_key_is_one_sentence_without_the_key(server: str) -> None:
    control(server, key="sk-another")
    with pytest.raises(RunStop, match="does not take the key") as caught:
        using(server, lambda chat: chat.complete(ask()), key=KEY)
    assert "OPENAI_API_KEY" in str(caught.value)
    assert KEY not in repr(caught.value) + str(caught.value)
    assert stats(server)["requests"] == 1


def test_the_key_is_sent_and_shows_nowhere(server: str) -> None:
    control(server, key=KEY)

    async def work(chat: OpenAIChat) -> str:
        completion = await chat.complete(ask())
        return repr((completion, chat.spec, chat.server.address, vars(chat)))

    assert KEY not in using(server, work, key=KEY)


def test_an_unknown_model_is_one_sentence_that_names_the_known(server: str) -> None:
    control(server, models=["this-one", "that-one"])

    async def work(chat: OpenAIChat) -> list[object]:
        return list(await asyncio.gather(*(chat.complete(ask(seed=seed)) for seed in range(20)), return_exceptions=True))

    ended = using(server, work)
    assert all(isinstance(error, RunStop) and "has no model 'mock'" in str(error) for error in ended)
    assert "this-one, that-one" in str(ended[0])


def test_a_base_url_without_v1_is_one_sentence(server: str) -> None:
    with pytest.raises(RunStop, match=r"no /chat/completions at .*ends with /v1"):
        using(server.removesuffix("/v1"), lambda chat: chat.complete(ask()))


@pytest.mark.parametrize(
    ("settings", "formats"),
    [
        ({}, {"json_schema": 5}),
        ({"no_schema": True}, {"json_object": 5}),
        ({"no_schema": True, "no_json_object": True}, {"text": 5}),
    ],
)
def test_structured_output_is_found_out_once(server: str, settings: dict[str, bool], formats: dict[str, int]) -> None:
    control(server, **settings)

    async def work(chat: OpenAIChat) -> int:
        answers = [await chat.complete(ask(schema=Findings, seed=seed)) for seed in range(5)]
        assert all(isinstance(answer.parsed, Findings) for answer in answers)
        return sum(answer.usage.attempts for answer in answers)

    assert using(server, work) == 5 + len(settings)
    assert stats(server)["formats"] == formats


def test_the_structure_can_be_fixed(server: str) -> None:
    using(server, lambda chat: chat.complete(ask(schema=Reflection)), structure=Structure.WORDS)
    assert stats(server)["formats"] == {"text": 1}
    control(server, no_schema=True)
    with pytest.raises(ChatError, match="response_format"):
        using(server, lambda chat: chat.complete(ask(schema=Reflection)), structure=Structure.SCHEMA)


def test_a_server_that_ignores_the_schema_is_told_in_words(server: str) -> None:
    control(
        server, ignore_schema=True, answer=f"Of course! {Reflection(profile='p', emotion='e', intensity=2, need='n').model_dump_json()}"
    )

    async def work(chat: OpenAIChat) -> tuple[object, Structure]:
        return (await chat.complete(ask(schema=Reflection))).parsed, chat.server.able.structure

    assert using(server, work) == (Reflection(profile="p", emotion="e", intensity=2, need="n"), Structure.SCHEMA)
    control(server, answer="No object from me.")

    async def fail(chat: OpenAIChat) -> Structure:
        with pytest.raises(AnswerError):
            await chat.complete(ask(schema=Reflection))
        return chat.server.able.structure

    assert using(server, fail) is not Structure.SCHEMA


@pytest.mark.parametrize("shape", ["fenced", "prose", "trailing_comma", "think", "cut_off", "single_quotes"])
def test_objects_in_any_dress_are_read_at_once(server: str, shape: str) -> None:
    control(server, shape=shape)
    completion = using(server, lambda chat: chat.complete(ask(schema=Reflection)))
    assert isinstance(completion.parsed, Reflection)
    assert completion.usage.attempts == 1


def test_an_object_that_was_cut_off_gets_more_room(server: str) -> None:
    sampling = {Role.CRITIC: Sampling(max_tokens=30)}

    async def work() -> Any:
        async with Servers(patience=QUICK, environment={}) as servers:
            return await servers.chat(f"openai:mock@{server}", sampling).complete(ask(schema=Reflection, seed=4))

    completion = asyncio.run(work())
    assert isinstance(completion.parsed, Reflection)
    assert completion.usage.attempts == 2


def test_reasoning_reaches_nobody(server: str) -> None:
    control(server, reasoning=True, answer="<think>SECRET REASONING </think> I hear you.")
    completion = using(server, lambda chat: chat.complete(ask()))
    assert completion.text == "I hear you."
    assert "SECRET" not in repr(completion)


@pytest.mark.parametrize("settings", [{"no_logprobs": True}, {"refuse_logprobs": True}])
def test_choosing_without_logprobs_goes_by_scores(server: str, settings: dict[str, bool]) -> None:
    control(server, **settings)

    async def work(chat: OpenAIChat) -> list[int]:
        choices = [await chat.choose(ask(seed=seed), OPTIONS) for seed in range(5)]
        assert all(sum(choice.probabilities.values()) == pytest.approx(1) for choice in choices)
        assert all(set(choice.probabilities) == set(OPTIONS) for choice in choices)
        assert choices[-1].rationale
        return [choice.usage.attempts for choice in choices]

    assert using(server, work)[-2:] == [1, 1]


def test_a_model_that_reasons_before_its_letter_is_asked_for_scores() -> None:
    bodies: list[dict[str, Any]] = []
    scores = json.dumps({"rationale": "why", **dict.fromkeys("ABCDEFGH", 50)})
    with echo(bodies, scores, when_short="") as url:
        choice = using(url, lambda chat: chat.choose(ask(), OPTIONS))
    assert choice.probabilities == pytest.approx(dict.fromkeys(OPTIONS, 1 / 8))
    assert [body["max_tokens"] for body in bodies] == [1, Sampling().max_tokens]


def test_a_choice_follows_the_words_and_not_the_letters(server: str) -> None:
    likely = json.dumps({"rationale": "why", **dict.fromkeys("ABCDEFGH", 0), "C": 100})
    control(server, no_logprobs=True, answer=likely)

    async def work(chat: OpenAIChat) -> set[str]:
        choices = [await chat.choose(ask(seed=seed), OPTIONS) for seed in range(12)]
        return {max(choice.probabilities, key=lambda option: choice.probabilities[option]) for choice in choices}

    assert len(using(server, work)) > 3


def test_a_conversation_that_is_too_long_loses_its_oldest_turns(server: str) -> None:
    control(server, context=300)
    talk = [f"turn {place} " + "and so it went on " * 8 for place in range(40)]
    seen: list[tuple[Message, ...]] = []

    async def work(chat: OpenAIChat) -> int:
        question, spent = Question(ask(talk=talk).messages, Sampling(), 1), Spent()
        await chat.server.ask(question, spent)
        seen.append(question.messages)
        assert spent.dropped > 20
        ledger = Ledger()
        await ledger.say(chat, ask(talk=talk))
        assert ledger.entries[0].dropped == spent.dropped
        return ledger.entries[0].attempts

    assert using(server, work) > 1
    kept = [message.content for message in seen[0]]
    assert kept[0] == SYSTEM
    assert kept[-1] == "I can't sleep."
    assert kept[1:-1] == talk[-len(kept[1:-1]) :]


def test_a_message_that_is_too_long_is_cut_in_the_middle(server: str) -> None:
    control(server, context=500)
    completion = using(server, lambda chat: chat.complete(ask("first words " + "🙂 long " * 12_000 + " last words")))
    assert completion.text
    control(server, context=4)
    with pytest.raises(ChatError, match="does not fit"):
        using(server, lambda chat: chat.complete(ask()))


@pytest.mark.parametrize("words", HOSTILE)
def test_words_of_any_kind_change_nobodys_role(words: str) -> None:
    bodies: list[dict[str, Any]] = []
    with echo(bodies, words) as url:

        async def work(chat: OpenAIChat) -> str:
            return await Ledger(keep_prompts=True).say(chat, ask(words, talk=[words, words]))

        try:
            text = using(url, work)
        except AnswerError:  # nothing but template tokens
            text = ""
    messages = bodies[0]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[0]["content"] == SYSTEM
    sent = json.dumps(messages)
    assert not any(token in sent + text for token in ("<|im_start|>", "<|im_end|>", "[INST]", "</s>", "\\u0000", "\x00"))
    if "\x00" not in words and "<" not in words:
        assert messages[-1]["content"] == words
        assert text == words.strip()[: 16 * Sampling().max_tokens]


def test_the_lean_way_sends_what_the_openai_client_sends() -> None:
    from openai import AsyncOpenAI

    bodies: list[dict[str, Any]] = []
    heads: list[dict[str, str]] = []
    with echo(bodies, "Fine.", heads) as url:
        lean = using(url, lambda chat: chat.complete(ask()), key=KEY)
        body = bodies[0]

        async def theirs() -> Any:
            async with AsyncOpenAI(api_key=KEY, base_url=url) as client:
                return await client.chat.completions.create(**body)

        answer = asyncio.run(theirs())
    assert bodies[1] == body
    assert answer.choices[0].message.content == lean.text
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (lean.usage.prompt_tokens, lean.usage.completion_tokens)
    ours, others = ({name.lower(): value for name, value in head.items()} for head in heads)
    for name in ("authorization", "content-type", "accept", "host"):
        assert ours[name] == others[name]


def test_parameters_that_a_server_refuses_are_left_out() -> None:
    bodies: list[dict[str, Any]] = []
    refused = {
        "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "temperature": "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
        "seed": "Unrecognized request argument supplied: seed",
    }
    with echo(bodies, "Fine.", refused=refused) as url:
        using(url, lambda chat: chat.complete(ask()))
    assert len(bodies) == 4
    assert not refused.keys() & bodies[-1].keys()
    assert bodies[-1]["max_completion_tokens"] == Sampling().max_tokens


def test_specs_keep_no_secret() -> None:
    assert clean_spec("openai:m@https://user:pass@host:8/v1?api-key=k#x") == "openai:m@https://host:8/v1"
    assert clean_spec("rehearsal") == "rehearsal"
    servers = Servers(environment={"OPENAI_BASE_URL": "http://u:p@127.0.0.1:9/v1?secret=s"})
    for spec in ("openai:org/m:7b", "openai:org/m:7b@http://u:p@127.0.0.1:9/v1/?secret=s"):
        chat = servers.chat(spec)
        assert chat.spec == clean_spec(spec).rstrip("/")
        assert chat.server.address.model == "org/m:7b"
        assert chat.server.address.url == "http://127.0.0.1:9/v1/chat/completions?secret=s"
        assert not {"u:p", "secret"} & set(chat.spec.split("@"))


@pytest.mark.parametrize("spec", ["openai:", "openai:m@nowhere", "openai:m@http://", "openai:m@http://host:x/v1", "openai:m", "openai: m"])
def test_a_spec_that_leads_nowhere_is_one_sentence(spec: str) -> None:
    with pytest.raises(InputError) as caught:
        Servers(environment={}).chat(spec)
    assert caught.value.hint


def test_seats_on_one_server_share_what_is_known_of_it(server: str) -> None:
    servers = Servers(environment={})
    spec = f"openai:mock@{server}"
    assert servers.chat(spec).server is servers.chat(spec).server
    assert servers.chat(spec).server is not servers.chat(f"openai:other@{server}").server


def test_a_cancelled_call_leaves_the_connections_usable(server: str) -> None:
    control(server, latency=0.2)

    async def work(chat: OpenAIChat) -> str:
        waiting = [asyncio.create_task(chat.complete(ask(seed=seed))) for seed in range(20)]
        await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return (await chat.complete(ask(seed=50))).text

    assert using(server, work, concurrency=4)


def test_errors_are_ours(server: str) -> None:
    """Whatever a server sends, a call ends in an answer or in an error of our vocabulary."""
    odd = ["[]", "null", '{"choices": 3}', '{"choices": [{"message": {"content": 7}}]}', '{"choices": [{"message": null}]}', "\ufffd", ""]
    for body in odd:
        with echo([], "", raw=body.encode()) as url, pytest.raises(HoldspaceError):
            using(url, lambda chat: chat.complete(ask()))


@contextmanager
def echo(
    bodies: list[dict[str, Any]],
    words: str,
    heads: list[dict[str, str]] | None = None,
    *,
    refused: dict[str, str] | None = None,
    when_short: str | None = None,
    raw: bytes | None = None,
) -> Iterator[str]:
    """A server in this process that keeps the bodies it gets and answers them all alike."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bodies.append(body)
            if heads is not None:
                heads.append(dict(self.headers))
            complaint = next((message for name, message in (refused or {}).items() if name in body), None)
            content: dict[str, Any] = {"error": {"message": complaint}}
            if complaint is None:
                cut = when_short is not None and body["max_tokens"] == 1
                message = {"role": "assistant", "content": when_short if cut else words}
                usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
                choice = {"index": 0, "message": message, "finish_reason": "length" if cut else "stop"}
                content = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
            data = raw if raw is not None else json.dumps(content).encode()
            self.send_response(200 if complaint is None else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
