"""Trained models take their seats: `holdspace sft`, then the graph with both, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.training.small import need_trl

need_trl()

from simulator.store import read_episodes  # noqa: E402  after the skip
from studio.cli import app  # noqa: E402

SMALL = ["--prompts", "brief", "--context", "512", "--vocabulary", "600", "--limit", "64", "--steps", "4", "--batch", "8"]


@pytest.fixture(scope="module")
def seats(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A planner and a responder that `holdspace sft` has made of 60 rehearsal talks."""
    out = tmp_path_factory.mktemp("models")
    for learner in ("planner", "responder"):
        told = CliRunner().invoke(
            app, ["sft", learner, "--base", "scratch:60k", "--data", str(run_folder), "--out", str(out / learner), *SMALL]
        )
        assert told.exit_code == 0, told.output
        assert "64 of 64 kept" in told.output
    return {learner: out / learner for learner in ("planner", "responder")}


def test_both_sit_in_the_graph_and_are_asked_with_the_prompts_they_learned(seats: dict[str, Path], tmp_path: Path) -> None:
    recipe = tmp_path / "brief.yaml"
    recipe.write_text("prompts: brief\nturns: 2\nsampling:\n  responder: {max_tokens: 40}\n")
    given = [f"--{seat}=local:{folder}" for seat, folder in seats.items()]
    told = CliRunner().invoke(app, ["simulate", str(recipe), "--episodes", "2", "--out", str(tmp_path / "run"), *given])
    assert told.exit_code == 0, told.output
    for episode in read_episodes(tmp_path / "run"):
        assert episode.stop.error is None
        assert episode.models.planner == "local:planner"
        assert {"planner_brief", "responder_brief"} <= episode.prompts.keys()
        plans = [turn.plan for turn in episode.turns if turn.speaker == "supporter" and turn.plan]
        assert plans
        assert all(sum(plan.distribution.values()) == pytest.approx(1.0) for plan in plans)


def test_dpo_by_the_command_line_refuses_pairs_asked_with_another_prompt(seats: dict[str, Path], run_folder: Path, tmp_path: Path) -> None:
    pairs = {name: tmp_path / name for name in ("brief", "full")}
    for name, folder in pairs.items():
        told = CliRunner().invoke(app, ["pairs", str(run_folder), "--kinds", "refine", "--prompts", name, "--out", str(folder)])
        assert told.exit_code == 0, told.output
    base = ["dpo", "responder", "--base", str(seats["responder"]), "--steps", "2", "--batch", "4", "--limit", "8"]
    told = CliRunner().invoke(app, [*base, "--pairs", str(pairs["brief"]), "--out", str(tmp_path / "m1"), "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["steps"] == 2
    lineage = json.loads((tmp_path / "m1" / "training.json").read_text())["lineage"]
    assert lineage["parent"] == json.loads((seats["responder"] / "training.json").read_text())["identity"]
    told = CliRunner().invoke(app, [*base, "--pairs", str(pairs["full"]), "--out", str(tmp_path / "m2")])
    assert "but" in str(told.exception)
    assert "was trained on responder_brief" in str(told.exception)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["sft", "dancer"], "Learner dancer: unknown. Known are planner, responder, joint."),
        (["sft", "planner", "--prompts", "short"], "--prompts short: unknown"),
        (["sft", "planner", "--precision", "half"], "--precision half: unknown"),
        (["sft", "planner", "--lr", "-1"], "--lr -1.0: must be above 0"),
        (["sft", "responder", "--base", "linear"], "--base linear plans and does not speak"),
    ],
)
def test_wrong_flags_are_told_in_a_sentence(run_folder: Path, tmp_path: Path, flags: list[str], says: str) -> None:
    told = CliRunner().invoke(app, [*flags, "--data", str(run_folder), "--out", str(tmp_path / "m")])
    assert says in str(told.exception)
    assert not (tmp_path / "m").exists()
