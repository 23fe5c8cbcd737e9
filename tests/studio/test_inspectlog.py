"""A run as an Inspect log: what it says, and that Inspect itself reads it, where it is installed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.episode import Episode, SeekerTurn
from studio.cli import app


def written(run: Path, path: Path) -> dict:  # type: ignore[type-arg]
    result = CliRunner().invoke(app, ["show", str(run), "--inspect-log", str(path)])
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(path) as log:
        header = json.loads(log.read("header.json"))
        ids = header["eval"]["dataset"]["sample_ids"]
        return {**header, "samples": [json.loads(log.read(f"samples/{name}_epoch_1.json")) for name in ids]}


def test_each_talk_is_a_sample_with_its_turns_scores_and_tokens(run_folder: Path, episodes: list[Episode], tmp_path: Path) -> None:
    log = written(run_folder, tmp_path / "log.eval")
    assert [sample["id"] for sample in log["samples"]] == log["eval"]["dataset"]["sample_ids"] == [episode.id for episode in episodes]
    assert log["results"]["total_samples"] == len(episodes)
    for episode, sample in zip(episodes, log["samples"], strict=True):
        assert [message["content"] for message in sample["messages"]] == [turn.text for turn in episode.turns]
        assert [message["role"] == "user" for message in sample["messages"]] == [isinstance(turn, SeekerTurn) for turn in episode.turns]
        assert sample["scores"]["relief"]["value"] == pytest.approx(-episode.outcome.intensity_change)
        assert sum(usage["input_tokens"] for usage in sample["model_usage"].values()) == sum(
            entry.prompt_tokens for entry in episode.ledger
        )
    mean = sum(-episode.outcome.intensity_change for episode in episodes) / len(episodes)
    assert next(score for score in log["results"]["scores"] if score["name"] == "relief")["metrics"]["mean"]["value"] == pytest.approx(mean)


def test_another_ending_is_refused(run_folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["show", str(run_folder), "--inspect-log", str(tmp_path / "log.json")])
    assert "ends with .eval" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_inspect_reads_it(run_folder: Path, episodes: list[Episode], tmp_path: Path) -> None:
    inspect_log = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    written(run_folder, tmp_path / "log.eval")
    log = inspect_log.read_eval_log(str(tmp_path / "log.eval"))
    assert log.status == "success"
    assert len(log.samples) == len(episodes)
    assert log.samples[0].messages[0].text == episodes[0].turns[0].text
