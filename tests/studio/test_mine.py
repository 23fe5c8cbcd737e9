"""`holdspace mine` and `holdspace convert` on the command line; the one that is killed in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.errors import InputError
from studio.cli import app
from training.linear import train_linear
from training.pair import PairKind
from training.pairstore import read_pairs

HERE = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-c", "from studio.cli import main\nmain()"]


def start(*arguments: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], cwd=HERE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def holdspace(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output, complaints; a refusal's sentence is the last complaint."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "120"})
    if isinstance(result.exception, InputError):
        return 2, result.stdout, f"{result.stderr}{result.exception}"
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result.exit_code, result.stdout, result.stderr


def corpus(path: Path, count: int) -> Path:
    """Small talks of many words, each with rated supporter turns."""
    with path.open("w") as file:
        for number in range(count):
            turns: list[dict[str, Any]] = []
            for step in range(6):
                turns.append({"speaker": "seeker", "text": f"My boss shouted at me again, day {number} hour {step}, and I feel anxious."})
                turns.append({"speaker": "supporter", "text": "Have you tried yoga? Stay positive.", "strategy": "Providing Suggestions"})
                turns.append({"speaker": "seeker", "text": f"No, that is {step} times now.", "feedback": 1})
                words = f"Being shouted at {step} times would leave me anxious about work as well, day after day."
                turns.append({"speaker": "supporter", "text": words, "strategy": "Reflection of feelings"})
            file.write(json.dumps({"id": f"t{number}", "turns": turns}) + "\n")
    return path


def test_a_killed_mining_goes_on_and_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    source, broken, whole = corpus(tmp_path / "c.jsonl", 40), tmp_path / "broken", tmp_path / "whole"
    process = start("mine", source, "--out", broken, "--ratio", "0.1,10")
    attempts = broken / "attempts.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (attempts.exists() and attempts.stat().st_size > 20_000):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = attempts.read_bytes().count(b"\n")
    assert 0 < before < 480
    code, out, error = holdspace("mine", source, "--out", broken, "--ratio", "0.1,10", "--json")
    assert code == 0, error
    told = json.loads(out)
    assert (told["found"], told["attempted"]) == (before, 480 - before)
    code, out, error = holdspace("mine", source, "--out", whole, "--ratio", "0.1,10", "--json")
    assert code == 0, error
    assert {key: told[key] for key in ("kept", "dropped")} == {key: json.loads(out)[key] for key in ("kept", "dropped")}
    assert list(read_pairs(broken)) == list(read_pairs(whole))
    assert {pair.kind for pair in read_pairs(whole)} >= {PairKind.STRATEGY, PairKind.RESPONSE, PairKind.RATED}


def test_mined_pairs_become_rows_for_a_trainer(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 2)
    code, _, error = holdspace("mine", source, "--out", tmp_path / "out", "--kinds", "strategy", "--format", "trl")
    assert code == 0, error
    folder = tmp_path / "out" / "pairs" / "trl"
    rows = [json.loads(line) for file in folder.glob("strategy/*.jsonl") for line in file.read_text().splitlines()]
    assert len(rows) == len(list(read_pairs(tmp_path / "out")))
    assert {len(row[side]) for row in rows for side in ("chosen", "rejected")} == {1}
    assert "the planner chose the human's strategy" in (folder / "README.md").read_text()


def test_another_training_under_the_same_name_is_another_mining(tmp_path: Path) -> None:
    source, planner = corpus(tmp_path / "c.jsonl", 3), tmp_path / "planner"
    command = ("mine", source, "--out", tmp_path / "out", "--kinds", "strategy", "--planner", f"linear:{planner}")
    train_linear([source], planner, prior=0.5)
    code, _, error = holdspace(*command)
    assert code == 0, error
    assert holdspace(*command)[0] == 0
    train_linear([corpus(tmp_path / "d.jsonl", 5)], planner, prior=0.5)
    code, _, error = holdspace(*command)
    assert code == 2
    assert "holds another mining: weights.planner was" in error


def test_what_stands_in_the_table(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 2)
    with source.open("a") as file:
        file.write('{"id": "x", "turns": [{"speaker": "Bob", "text": "hi"}]}\n')
    code, out, error = holdspace("mine", source, "--out", tmp_path / "out", "--kinds", "strategy,rated", "--ratio", "0.1,10")
    assert code == 0, error
    assert "it judges its own replies" in error
    assert "c.jsonl:3" in error
    assert "the planner chose the human's strategy" in out
    assert "2 dialogues, 24 supporter turns: 24 attempted" in out
    code, _, error = holdspace("mine", source, "--out", tmp_path / "out", "--seed", "5")
    assert code == 2
    assert "seed was 1, is 5" in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--kinds", "strateg"), "--kinds strateg: these pairs are not mined, did you mean 'strategy'"),
        (("--kinds", "refine"), "--kinds refine: these pairs are not mined"),
        (("--pick", "worst"), "--pick worst"),
        (("--planner", "nobody"), "--planner nobody: unknown model spec"),
        (("--ratio", "2,3"), "--ratio 2,3"),
        (("--limit", "0"), "--limit 0"),
    ],
)
def test_a_wrong_flag_gets_a_sentence_and_leaves_no_folder(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    source = corpus(tmp_path / "c.jsonl", 1)
    code, out, error = holdspace("mine", source, "--out", tmp_path / "out", *arguments)
    assert (code, out) == (2, "")
    assert sentence in error
    assert not (tmp_path / "out").exists()


def test_what_is_no_corpus_gets_a_sentence_and_leaves_no_folder(tmp_path: Path) -> None:
    source = tmp_path / "c.jsonl"
    source.write_text('{"some": "thing"}\n')
    for path, sentence in ((source, "rows of no known format (c.jsonl:1)"), (tmp_path, "a folder without episodes.jsonl")):
        code, _, error = holdspace("mine", path, "--out", tmp_path / "out")
        assert (code, sentence in error) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_corpus_without_strategies_gives_no_pair(tmp_path: Path) -> None:
    source = tmp_path / "c.jsonl"
    turns = [{"speaker": "seeker", "text": "hi"}, {"speaker": "supporter", "text": "hello"}]
    source.write_text(json.dumps({"id": "a", "turns": turns}) + "\n")
    code, _, error = holdspace("mine", source, "--out", tmp_path / "out")
    assert code == 2
    assert "gave no pair (1 strategy: no strategy in the corpus" in error
    assert "1 supporter turns without a strategy (first: c.jsonl:1, turn 2)" in error


def test_convert_says_what_is_lost_and_overwrites_nothing(tmp_path: Path) -> None:
    source, target = corpus(tmp_path / "c.jsonl", 3), tmp_path / "d.json"
    code, out, error = holdspace("convert", source, target, "--to", "decoupledesc")
    assert code == 0, error
    assert "3 dialogues" in out
    assert "18 ratings (first: t0)" in out
    assert len(json.loads(target.read_text())) == 3
    before = target.read_bytes()
    code, _, error = holdspace("convert", source, target, "--to", "esconv")
    assert (code, target.read_bytes()) == (2, before)
    assert "is there already" in error
    code, _, error = holdspace("convert", source, tmp_path / "e", "--to", "word")
    assert (code, "Known are record, esconv" in error) == (2, True)
