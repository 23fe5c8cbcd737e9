"""Runs on a served model: the mock server in a process of its own, with faults, deaths and interrupts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers import mock_process, mock_server, stats

from agents.chat.budget import Budget
from agents.chat.cache import Cache
from agents.chat.steady import Patience
from agents.errors import RunStop
from graphs.casting import with_source
from graphs.recipe import Recipe, Seats
from graphs.run import Tally, run_many
from graphs.seats import Backends
from simulator.episode import StopReason
from simulator.store import EPISODES, read_episodes

ROOT = Path(__file__).parent.parent.parent
HASTY = Patience(timeout=2, connect=1, first_wait=0.01, longest_wait=0.05, grace=1.0, limited=5)
STUBBORN = HASTY.model_copy(update={"grace": 0.3, "attempts": 60})


def recipe(url: str, *, turns: int = 2, **seats: str) -> Recipe:
    spec = f"openai:mock@{url}"
    chosen = {"seeker": spec, "planner": spec, "responder": spec, "critic": spec} | seats
    return with_source(Recipe(seed=3, turns=turns, seats=Seats(**chosen)))


def run(out: Path, made: Recipe, *, episodes: int, concurrency: int = 16, backends: Backends | None = None) -> Tally:
    return asyncio.run(run_many(made, out, episodes=episodes, concurrency=concurrency, backends=backends or Backends(patience=HASTY)))


def test_a_run_on_a_server_is_complete_and_the_same_again(tmp_path: Path) -> None:
    with mock_server() as url:
        run(tmp_path / "one", recipe(url), episodes=6, concurrency=1)
        run(tmp_path / "many", recipe(url), episodes=6, concurrency=6)
    one, many = ({e.id: e.talk() for e in read_episodes(tmp_path / name)} for name in ("one", "many"))
    assert one == many
    assert len(one) == 6
    for episode in read_episodes(tmp_path / "one"):
        assert episode.stop.reason is not StopReason.FAILED
        assert {entry.model for entry in episode.ledger} == {f"openai:mock@{url}"}


def test_with_faults_every_talk_ends_as_a_record_none_lost_none_doubled(tmp_path: Path) -> None:
    with mock_server(faults=0.3, seed=5) as url:
        tally = run(tmp_path, recipe(url), episodes=40, backends=Backends(patience=HASTY.model_copy(update={"attempts": 3})))
        requests = stats(url)["requests"]
    episodes = list(read_episodes(tmp_path))
    assert len(episodes) == len({episode.id for episode in episodes}) == 40
    assert tally.done == 40
    assert 0 < tally.failed < 40
    for episode in episodes:
        if episode.stop.reason is StopReason.FAILED:
            assert episode.stop.error is not None
            assert episode.stop.error.boundary in ("chat", "answer")
            assert [entry.error for entry in episode.ledger if entry.error] == [episode.stop.error.kind]
            assert episode.ledger[-1].error
    attempts = sum(entry.attempts for episode in episodes for entry in episode.ledger)
    assert attempts == requests, "each try is in a ledger, a failed call's too"
    assert attempts > sum(len(episode.ledger) for episode in episodes)


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    with mock_server() as url:
        with Cache(tmp_path / "cache.sqlite") as cache:
            run(tmp_path / "first", recipe(url), episodes=4, backends=Backends(cache=cache))
        asked = stats(url)["requests"]
        with Cache(tmp_path / "cache.sqlite") as cache:
            run(tmp_path / "second", recipe(url), episodes=4, backends=Backends(cache=cache))
        assert asked
        assert stats(url)["requests"] == asked
    first, second = ({e.id: e.talk() for e in read_episodes(tmp_path / name)} for name in ("first", "second"))
    assert first == second
    assert all(entry.cached for episode in read_episodes(tmp_path / "second") for entry in episode.ledger)


def test_a_server_that_dies_stops_the_run_and_the_same_command_goes_on(tmp_path: Path) -> None:
    with mock_process(latency=0.02) as server:
        made = recipe(server.url, turns=4)
        done = 0

        async def go() -> None:
            def on_episode(_: object) -> None:
                nonlocal done
                done += 1
                if done == 5:
                    server.kill()

            await run_many(made, tmp_path, episodes=30, concurrency=4, backends=Backends(patience=STUBBORN), on_episode=on_episode)

        with pytest.raises(RunStop):
            asyncio.run(go())
        stored = list(read_episodes(tmp_path))
        assert 5 <= len(stored) < 30
        assert not [episode for episode in stored if episode.stop.reason is StopReason.FAILED]
        server.start()
        run(tmp_path, made, episodes=30)
        assert len({episode.id for episode in read_episodes(tmp_path)}) == 30


def test_a_budget_stops_the_run_before_it_is_passed_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    with mock_server() as url:
        budget = Budget(60_000)
        with pytest.raises(RunStop, match="budget"):
            run(tmp_path, recipe(url), episodes=40, concurrency=2, backends=Backends(budget=budget))
        assert budget.spent <= 60_000
        assert 0 < len(list(read_episodes(tmp_path))) < 40
        run(tmp_path, recipe(url), episodes=12)
        assert len(list(read_episodes(tmp_path))) >= 12


def test_mixed_seats(tmp_path: Path) -> None:
    with mock_server() as url:
        run(tmp_path, recipe(url, seeker="rehearsal", planner="rehearsal", critic="rehearsal"), episodes=4)
    for episode in read_episodes(tmp_path):
        assert episode.models.seeker == "rehearsal"
        assert episode.models.responder.startswith("openai:mock@")
        assert {entry.role.value for entry in episode.ledger if entry.model != "rehearsal"} == {"responder"}


@pytest.mark.parametrize("presses", [1, 2])
def test_an_interrupt_saves_what_is_finished_and_says_how_to_resume(tmp_path: Path, presses: int) -> None:
    with mock_server(latency=0.05) as url:
        command = [sys.executable, "-m", "studio.cli", "simulate", "--model", f"openai:mock@{url}", "--turns", "3", "--seed", "3"]
        command += ["--episodes", "60", "--concurrency", "4", "--out", str(tmp_path / "run")]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        path = tmp_path / "run" / EPISODES
        deadline = time.monotonic() + 60
        while (not path.exists() or path.read_bytes().count(b"\n") < 4) and time.monotonic() < deadline:
            time.sleep(0.05)
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "go on with: holdspace simulate" in said
        assert "Traceback" not in said
        content = path.read_bytes()
        assert content.endswith(b"\n")
        assert 4 <= content.count(b"\n") < 60
        again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert again.returncode == 0, again.stderr
        assert path.read_bytes().startswith(content)
        assert len({episode.id for episode in read_episodes(tmp_path / "run")}) == 60


def test_no_key_stands_in_a_run(tmp_path: Path) -> None:
    key = "sk-test-0123456789-secret"
    with mock_server() as url:
        command = [
            sys.executable,
            "-m",
            "studio.cli",
            "simulate",
            "--model",
            f"openai:mock@{url.replace('http://', f'http://user:{key}@')}",
        ]
        command += ["--episodes", "2", "--turns", "2", "--keep-prompts", "--out", str(tmp_path / "run")]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "OPENAI_API_KEY": key}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert key not in done.stdout + done.stderr
    for path in (tmp_path / "run").iterdir():
        assert key.encode() not in path.read_bytes(), path.name


def test_a_dry_run_asks_nothing_and_counts_what_would_be_asked(tmp_path: Path) -> None:
    with mock_server() as url:
        command = [
            sys.executable,
            "-m",
            "studio.cli",
            "simulate",
            "--responder",
            f"openai:mock@{url}",
            "--episodes",
            "50",
            "--dry-run",
            "--json",
        ]
        done = subprocess.run([*command, "--out", str(tmp_path / "run")], cwd=ROOT, capture_output=True, text=True, check=True)
        counted = stats(url)
    found = json.loads(done.stdout)
    assert [line["role"] for line in found["lines"]] == ["responder"]
    assert 400 < found["total"]["likely"]["calls"] < 1000
    assert not (tmp_path / "run").exists()
    assert not counted.get("requests")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("openai:", "openai:"),
        ("openai:m@nonsense", "openai"),
        ("openai:gpt-x", "OPENAI_API_KEY"),
        ("local:/no/such/folder", "/no/such/folder"),
    ],
)
def test_a_seat_that_cant_be_had_is_one_sentence_and_makes_nothing(tmp_path: Path, spec: str, words: str) -> None:
    command = [sys.executable, "-m", "studio.cli", "simulate", "--responder", spec, "--episodes", "2", "--out", str(tmp_path / "run")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert words in done.stderr
    assert not (tmp_path / "run").exists()
