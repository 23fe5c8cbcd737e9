from __future__ import annotations

import random
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from agents.chat.calls import Call, CallLog
from agents.chat.port import Role
from agents.chat.prices import Price, Prices, bare_name, load_prices
from agents.errors import InputError

PRICES = Prices(prices={"big-*": Price(input=2.0, output=10.0), "local:*": Price(input=0.0, output=0.0)})


def call(seconds: float = 0.2, *, role: Role = Role.CRITIC, model: str = "big-1", cached: bool = False, error: str | None = None) -> Call:
    return Call(role, "test", model, seconds, 0 if cached else 2, cached, 1_000, 100, error)


@pytest.mark.parametrize("spread", [0.01, 0.5, 2.0])
def test_quantiles_are_right_to_two_percent(spread: float) -> None:
    rng, log = random.Random(1), CallLog()
    seconds = [rng.lognormvariate(-1.5, spread) for _ in range(5_000)]
    for value in seconds:
        log.note(call(value))
    total = log.total()
    wanted = np.quantile(seconds, [0.5, 0.95, 0.99], method="inverted_cdf")
    assert [total.p50, total.p95, total.p99] == pytest.approx(list(wanted), rel=0.021)


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, 1e-4), (-1.0, 1e-4), (float("nan"), 1e-4), (1e9, 1e4)])
def test_an_odd_latency_counts_at_the_edge(seconds: float, shown: float) -> None:
    log = CallLog()
    log.note(call(seconds))
    assert log.total().p99 == pytest.approx(shown, rel=0.04)


def test_a_line_for_each_role_on_each_model_with_its_cost() -> None:
    log = CallLog(PRICES)
    for role, model in ((Role.CRITIC, "big-1"), (Role.SEEKER, "local:m"), (Role.CRITIC, "big-1"), (Role.CRITIC, "odd")):
        log.note(call(role=role, model=model))
    lines = log.lines()
    assert [(line.role, line.model, line.calls, line.attempts) for line in lines] == [
        (Role.SEEKER, "local:m", 1, 2),
        (Role.CRITIC, "big-1", 2, 4),
        (Role.CRITIC, "odd", 1, 2),
    ]
    assert [line.cost for line in lines] == [0.0, pytest.approx(2 * (0.002 + 0.001)), None]
    assert log.total().cost is None


def test_hits_cost_nothing_and_failures_keep_their_kind() -> None:
    log = CallLog(PRICES)
    log.note(call(0.2))
    log.note(call(0.00001, cached=True))
    log.note(call(60.0, error="timeout"))
    total = log.total()
    assert (total.calls, total.cached, total.failed, total.saved_tokens) == (3, 1, {"timeout": 1}, 1_100)
    assert total.p99 == pytest.approx(0.2, rel=0.021)
    assert total.cost == pytest.approx(2 * 0.003)  # a failed call's tokens were paid for


def test_a_server_that_invents_failures_does_not_fill_the_memory() -> None:
    log = CallLog()
    for number in range(1_000):
        log.note(call(error=f"kind {number}"))
    failed = log.total().failed
    assert len(failed) == 33
    assert sum(failed.values()) == 1_000


def test_nothing_noted_is_a_line_of_nothing() -> None:
    total = CallLog(PRICES).total()
    assert (total.calls, total.p50, total.cost) == (0, None, 0.0)


def test_threads_lose_no_call() -> None:
    log = CallLog()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [log.note(call()) for _ in range(2_000)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert (log.total().calls, log.total().prompt_tokens) == (8_000, 8_000_000)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("openai:gpt-x", "gpt-x"),
        ("openai:meta/llama:8b@https://host:8000/v1", "meta/llama:8b"),
        ("openai:me@home@http://host/v1", "me@home"),
        ("local:runs/a/m1", "runs/a/m1"),
        ("llama3:8b", "llama3:8b"),
        ("rehearsal", "rehearsal"),
    ],
)
def test_the_bare_name_of_a_spec(spec: str, name: str) -> None:
    assert bare_name(spec) == name


def test_the_first_pattern_that_fits_counts(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("prices:\n  gpt-x-mini*: {input: 1, output: 2}\n  gpt-*: {input: 3, output: 4}\n  'local:*': {input: 0, output: 0}\n")
    prices = load_prices(path)
    assert prices.of("openai:gpt-x-mini-2@http://127.0.0.1:1/v1") == Price(input=1, output=2)
    assert prices.of("gpt-y") == Price(input=3, output=4)
    assert prices.of("local:gpt-y") == Price(input=3, output=4)
    assert prices.of("local:folder") == Price(input=0, output=0)
    assert prices.of("other") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices:\n  a: {input: -1, output: 2}\n", r"prices\.yaml:2: prices\.a\.input"),
        ("prices:\n  a: {input: 1}\n", r"prices\.yaml:2: prices\.a\.output: missing"),
        ("prices:\n  a: {input: .inf, output: 1}\n", r"finite"),
        ("pries:\n  a: {input: 1, output: 1}\n", r"did you mean 'prices'|prices: missing"),
        ("- 1\n", "expected"),
    ],
)
def test_a_bad_price_table_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        load_prices(path)
