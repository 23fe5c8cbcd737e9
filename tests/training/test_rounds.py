"""Rounds of self-evolution through their door, with a model of a few thousand weights; what is said there is nonsense, the bookkeeping is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.words import STRATEGIES
from graphs.casting import Casting
from graphs.recipe import Part, Recipe
from simulator.splits import Split, persona_key, split_of_persona, split_of_scenario
from simulator.store import read_episodes
from studio.cli import app
from tests.models import need_torch
from training.evolve_recipe import Collapse, Promote
from training.promotion import collapse_warnings, divergence, entropy, judge, shares
from training.stages import locked

need_torch()
pytest.importorskip("trl")

ROOT = Path(__file__).parent.parent.parent
RECIPE = """
name: tiny
rounds: 1
base: scratch:1m
context: 256
answer_room: 12
talk: {turns: 3, concurrency: 8, sampling: {responder: {max_tokens: 8}}}
first: {episodes: 8, planner: {epochs: 1}, responder: {epochs: 1}}
round: {episodes: 6}
measured: {dev: 4, people: 4, stories: 3, seeds: 1, gold: 4}
promote: {outcome: false, errors: false, quality: false, bias: false}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, unbroken."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    result = CliRunner().invoke(app, ["evolve", str(recipe), "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


def test_a_run_leaves_models_pairs_scores_and_a_manifest_for_each_stage(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert [model["name"] for model in metrics["models"]] == ["m0", "m1"]
    for model in metrics["models"]:
        assert (run / model["responder"] / "config.json").exists()
    stages = {path.stem for path in (run / "stages").glob("*.json")}
    assert {"teach", "sft-planner", "sft-responder", "talk-0", "pairs-0", "score-m0-dev-0", "score-m1-people-0", "planner-m1"} <= stages
    pairs = json.loads((run / "stages" / "pairs-0.json").read_text())["made"]
    assert sum(pairs["kept"].values()) > 0
    assert metrics["dev"]["m1"]["planner"]["n"] > 0
    assert metrics["final"]["people"]["last_against_first"]["talks"] > 0


def test_no_round_meets_a_person_or_story_that_measures(run: Path) -> None:
    learned = [*read_episodes(run / "teacher"), *read_episodes(run / "rounds" / "0")]
    people = [*read_episodes(run / "scores" / "m1" / "dev-0"), *read_episodes(run / "scores" / "m1" / "people-0")]
    stories = list(read_episodes(run / "scores" / "m1" / "stories-0"))
    assert {split_of_scenario(one.scenario.name) for one in learned} == {Split.TRAIN}
    assert {split_of_persona(one.persona) for one in learned} == {Split.TRAIN}
    assert {split_of_scenario(one.scenario.name) for one in stories} == {Split.TEST}
    known = {persona_key(one.persona) for one in learned}
    assert not known & {persona_key(one.persona) for one in (*people, *stories)}


def test_the_models_are_measured_on_the_same_casts_and_without_a_critic(run: Path) -> None:
    casts = [
        [(one.scenario.name, persona_key(one.persona)) for one in read_episodes(run / "scores" / name / "people-0")]
        for name in ("m0", "m1")
    ]
    assert sorted(casts[0]) == sorted(casts[1])
    for one in read_episodes(run / "scores" / "m1" / "people-0"):
        assert not any(entry.role == "critic" for entry in one.ledger)


def test_the_same_command_again_does_nothing_and_prints_the_same(run: Path, recipe: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (run / "models").rglob("*") if path.is_file()}
    result = CliRunner().invoke(app, ["evolve", str(recipe), "--out", str(run), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads((run / "metrics.json").read_text())
    assert {path: path.stat().st_mtime_ns for path in (run / "models").rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_killed_in_its_stages_the_same_command_ends_with_the_same_metrics(run: Path, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "studio.entry", "evolve", str(recipe), "--out", str(out)]
    killed = 0
    for stage in ("sft-responder", "dpo-responder-0"):
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
            target = out / "models" / ("m0" if stage.startswith("sft") else "m1") / "responder"
            while process.poll() is None and not target.exists():
                time.sleep(0.02)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
    assert killed
    result = CliRunner().invoke(app, ["evolve", str(recipe), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert json.loads((out / "metrics.json").read_text()) == json.loads((run / "metrics.json").read_text())


def test_another_recipe_a_second_process_and_a_broken_manifest_are_one_sentence(run: Path, recipe: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evolve", str(recipe), "--out", str(run), "--seed", "9"])
    assert result.exit_code != 0
    assert "seed was 1, is 9" in str(result.exception)
    out = tmp_path / "busy"
    with locked(out):
        result = CliRunner().invoke(app, ["evolve", str(recipe), "--out", str(out)])
    assert "in use by another holdspace process" in str(result.exception)


def test_an_unknown_key_of_a_recipe_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("name: odd\nround: {episode: 3}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["evolve", str(path)])
    assert f"{path}:2" in str(result.exception)
    assert "episodes" in str(result.exception)


def test_the_parts_of_the_casts_do_not_overlap() -> None:
    parts = {part: [Casting(Recipe(part=part)).cast(index) for index in range(60)] for part in Part if part is not Part.ALL}
    people = {part: {persona_key(cast.persona) for cast in casts} for part, casts in parts.items()}
    for first, second in combinations(people.values(), 2):
        assert not first & second
    assert not {c.scenario.name for c in parts[Part.STORIES]} & {c.scenario.name for c in parts[Part.TRAIN]}


def report(quality: float = 0.2, bias: float | None = 0.5) -> dict[str, object]:
    return {
        "macro_f1": quality,
        "preference_bias": bias,
        "preference_bias_reason": None if bias is not None else "a strategy was never chosen",
        "intervals": {"macro_f1": [quality - 0.02, quality + 0.02], "preference_bias": [0.4, 0.6] if bias is not None else None},
    }


def test_a_model_is_promoted_only_when_every_gate_passes() -> None:
    before = {"planner": report()}
    less = {"mean": -0.1, "low": -0.2, "high": 0.0}
    noise = {"mean": 0.02, "low": -0.1, "high": 0.1}
    more = {"mean": 0.1, "low": 0.05, "high": 0.2}
    better = {"change": less, "errors": noise}
    assert judge(Promote(), before, {"planner": report()}, better).promoted
    for planner, difference, failed in (
        (report(), {"change": more, "errors": less}, ["outcome"]),
        (report(), {"change": less, "errors": more}, ["errors"]),
        (report(), {"change": noise, "errors": noise}, ["better"]),
        (report(quality=0.1), better, ["Q"]),
        (report(bias=0.7), better, ["B"]),
        (report(bias=None), better, ["B"]),
    ):
        found = judge(Promote(), before, {"planner": planner}, difference)
        assert not found.promoted
        assert [item.name for item in found.gates if not item.passed] == failed
    assert judge(Promote(errors=False), before, {"planner": report()}, {"change": less, "errors": more}).promoted


def test_the_watch_warns_of_a_planner_that_collapses() -> None:
    even = shares(STRATEGIES)
    narrow = shares([STRATEGIES[0]] * 9 + [STRATEGIES[1]])
    assert entropy(even) == pytest.approx(3.0)
    assert divergence(even, even) == 0.0
    assert divergence(shares(STRATEGIES[:4]), shares(STRATEGIES[4:])) == pytest.approx(1.0)
    assert collapse_warnings(Collapse(), even, even) == []
    assert len(collapse_warnings(Collapse(), narrow, even)) == 2


def test_few_stories_are_always_the_same_ones_and_held_out_ones_are_never_among_them() -> None:
    few, fewer = (Casting(Recipe(part=Part.TRAIN, stories=count)) for count in (6, 3))
    names = {few.cast(index).scenario.name for index in range(30)}
    assert len(names) == 6
    assert {fewer.cast(index).scenario.name for index in range(30)} < names
    assert {split_of_scenario(name) for name in names} == {Split.TRAIN}
    assert names == {Casting(Recipe(part=Part.DEV, stories=6, seed=9)).cast(index).scenario.name for index in range(30)}
