from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.errors import InputError
from graphs.casting import with_source
from graphs.recipe import CriticSettings, Recipe, Seats, make_recipe
from graphs.run import run_many
from simulator.episode import Episode, SeekerTurn, StopReason, SupporterTurn
from simulator.store import EPISODES, read_episodes

RECIPE = Recipe(seed=3)


def run(out: Path, recipe: Recipe = RECIPE, *, episodes: int, concurrency: int = 4) -> None:
    asyncio.run(run_many(with_source(recipe), out, episodes=episodes, concurrency=concurrency))


def lines(out: Path) -> list[bytes]:
    return sorted((out / EPISODES).read_bytes().splitlines())


def test_the_same_recipe_gives_the_same_bytes_at_any_concurrency(tmp_path: Path) -> None:
    run(tmp_path / "one", episodes=12, concurrency=1)
    run(tmp_path / "many", episodes=12, concurrency=12)
    assert lines(tmp_path / "one") == lines(tmp_path / "many")


def test_another_seed_gives_other_talks(tmp_path: Path) -> None:
    run(tmp_path / "a", episodes=3)
    run(tmp_path / "b", Recipe(seed=4), episodes=3)
    assert not set(lines(tmp_path / "a")) & set(lines(tmp_path / "b"))


def test_a_longer_run_keeps_what_is_there_and_adds(tmp_path: Path) -> None:
    run(tmp_path, episodes=4)
    before = (tmp_path / EPISODES).read_bytes()
    run(tmp_path, episodes=9)
    after = (tmp_path / EPISODES).read_bytes()
    assert after.startswith(before)
    assert len({episode.id for episode in read_episodes(tmp_path)}) == len(after.splitlines()) == 9


def test_a_folder_of_another_recipe_is_refused_and_left_alone(tmp_path: Path) -> None:
    run(tmp_path, episodes=2)
    before = (tmp_path / EPISODES).read_bytes()
    with pytest.raises(InputError, match=r"another recipe: turns was 18, is 6"):
        run(tmp_path, Recipe(seed=3, turns=6), episodes=2)
    assert (tmp_path / EPISODES).read_bytes() == before


def test_a_run_killed_again_and_again_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "studio.cli", "simulate", "--episodes", "60", "--seed", "3", "--out", str(tmp_path / "killed")]
    rng, kills = random.Random(5), 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if kills < 4:
            wait_for_growth(tmp_path / "killed" / EPISODES, process)
            time.sleep(rng.uniform(0, 0.5))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
        if process.wait() == 0:
            break
    assert kills >= 2
    run(tmp_path / "whole", episodes=60)
    assert lines(tmp_path / "killed") == lines(tmp_path / "whole")


def wait_for_growth(path: Path, process: subprocess.Popen[bytes]) -> None:
    start = path.stat().st_size if path.exists() else 0
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if path.exists() and path.stat().st_size > start:
            return
        time.sleep(0.02)


def test_a_failed_talk_is_a_record_and_its_siblings_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agents.errors import ChatError
    from agents.rehearsal.backend import RehearsalSupporter

    answer = RehearsalSupporter.complete

    async def broken(self, request):  # type: ignore[no-untyped-def]
        if request.task == "responder" and request.seed % 40 == 0:
            raise ChatError("The server hung up.")
        return await answer(self, request)

    monkeypatch.setattr(RehearsalSupporter, "complete", broken)
    run(tmp_path, episodes=20)
    episodes = list(read_episodes(tmp_path))
    failed = [episode for episode in episodes if episode.stop.reason is StopReason.FAILED]
    assert len(episodes) == 20
    assert 0 < len(failed) < 20
    for episode in failed:
        assert episode.stop.error is not None
        assert (episode.stop.error.kind, episode.stop.error.boundary) == ("ChatError", "chat")
        assert episode.turns


def test_turns_are_a_limit(tmp_path: Path) -> None:
    run(tmp_path, Recipe(seed=3, turns=3), episodes=5)
    for episode in read_episodes(tmp_path):
        assert episode.outcome.supporter_turns == 3
        assert episode.stop.reason is StopReason.TURN_LIMIT


def test_the_critic_sees_all_turns_a_share_or_none(tmp_path: Path) -> None:
    seen = {}
    for share in (0.0, 0.5, 1.0):
        run(tmp_path / str(share), Recipe(seed=3, critic=CriticSettings(share=share)), episodes=6)
        turns = [turn for episode in read_episodes(tmp_path / str(share)) for turn in episode.turns if isinstance(turn, SupporterTurn)]
        seen[share] = sum(bool(turn.critiques) for turn in turns if turn.plan) / len([turn for turn in turns if turn.plan])
    assert seen[0.0] == 0
    assert 0.3 < seen[0.5] < 0.7
    assert seen[1.0] == 1


def test_refinements_are_bounded_and_the_better_version_is_said(episodes: list[Episode]) -> None:
    turns = [turn for episode in episodes for turn in episode.turns if isinstance(turn, SupporterTurn) and turn.draft]
    assert any(turn.kept > 0 for turn in turns)
    for turn in turns:
        assert len(turn.refinements) <= 2
        versions = [turn.draft, *turn.refinements]
        assert turn.text == versions[turn.kept].text  # type: ignore[union-attr]
        if turn.critiques:
            assert turn.critiques[turn.kept].penalty == min(critique.penalty for critique in turn.critiques)


def test_facts_are_told_only_as_deep_as_trust_allows(episodes: list[Episode]) -> None:
    from simulator.director import TRUST_FOR

    told = 0
    for episode in episodes:
        known: set[str] = set()
        for turn in episode.turns:
            if not isinstance(turn, SeekerTurn):
                continue
            for item in turn.mind.disclosed:
                if item.key not in known:
                    known.add(item.key)
                    told += 1
                    assert turn.mind.trust >= TRUST_FOR[episode.scenario.fact(item.key).depth]
    assert told > 300


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"turns": 0}, "turns: Input should be greater than or equal to 1"),
        ({"tunrs": 5}, "did you mean 'turns'"),
        ({"critic": {"share": 2}}, r"critic\.share"),
    ],
)
def test_a_wrong_setting_is_one_sentence(content: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make_recipe(content)


def test_an_unknown_spec_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--planner nonsense: unknown model spec"):
        run(tmp_path / "out", Recipe(seats=Seats(planner="nonsense")), episodes=1)
    assert not (tmp_path / "out").exists()


def test_hash_randomisation_changes_nothing(tmp_path: Path) -> None:
    for seed in ("0", "77"):
        command = [sys.executable, "-m", "studio.cli", "simulate", "--episodes", "8", "--seed", "3", "--out", str(tmp_path / seed)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
    assert lines(tmp_path / "0") == lines(tmp_path / "77")


def test_the_exported_graph_starts_from_nothing_or_from_a_scenarios_name() -> None:
    from graphs.served import graph

    async def ends(start: dict[str, object]) -> dict[str, object]:
        return await graph.ainvoke(start, context=Recipe(turns=3), config={"recursion_limit": 100})  # type: ignore[no-any-return]

    assert set(graph.get_input_jsonschema()["properties"]) == {"scenario", "seed", "cast"}
    for start in ({}, {"scenario": "night-bakery-scarborough", "seed": 4}):
        state = asyncio.run(ends(start))
        assert state["stop"] == {"reason": "turn_limit", "error": None}
        assert len(state["turns"]) == 6  # type: ignore[arg-type]
