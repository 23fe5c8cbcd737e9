"""`score reflection`, `score seeker`, `score judge` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_cli import complaint, holdspace
from typer.testing import CliRunner, Result

from agents.errors import ChatError, InputError
from evaluation.judge import DIMENSIONS
from simulator.episode import Episode, Failure, Stop, StopReason
from studio.cli import app
from studio.judging import Judging, run_judging

RUNNER = CliRunner()


def score(*arguments: object) -> Result:
    return RUNNER.invoke(app, ["score", *map(str, arguments)])


def refused(*arguments: object) -> str:
    """The sentence of a refusal."""
    result = score(*arguments)
    assert isinstance(result.exception, InputError), result.output
    assert not result.stdout
    return str(result.exception)


def answer(*arguments: object) -> dict[str, Any]:
    result = score(*arguments, "--json")
    assert result.exit_code == 0, result.exception
    content: dict[str, Any] = json.loads(result.stdout)
    return content


@pytest.fixture
def failed_run(tmp_path: Path, episodes: list[Episode]) -> Path:
    """A run of which every talk failed."""
    error = Failure(kind="ChatError", boundary="chat", message="no answer", retryable=True)
    lines = [
        e.model_copy(update={"turns": (), "stop": Stop(reason=StopReason.FAILED, error=error)}).model_dump_json() for e in episodes[:3]
    ]
    (tmp_path / "episodes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_reflection_is_a_table_and_json(run_folder: Path) -> None:
    figures = answer("reflection", run_folder)
    assert figures["talks"] > 50
    shown = score("reflection", run_folder).stdout
    for words in ("intensity error", "emotion right or near", "need (AUC)", "chance", "rehearsal"):
        assert words in shown
    assert f"{figures['need']['auc']['value']:.3f}".lstrip("0") in shown


def test_seeker_names_its_tags_its_blind_reader_and_its_flags(run_folder: Path, episodes: list[Episode], tmp_path: Path) -> None:
    lines = (run_folder / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
    planted = json.loads(lines[0])
    places = [place for place, turn in enumerate(planted["turns"]) if turn["speaker"] == "seeker"]
    planted["turns"][places[3]]["text"] = "As an AI language model I can't feel anything."
    (tmp_path / "episodes.jsonl").write_text("\n".join([json.dumps(planted), *lines[1:]]) + "\n", encoding="utf-8")
    figures = answer("seeker", tmp_path)
    assert figures["tags"]["out_of_character"]["severity"]["grave"] == 1
    assert [flag["turn"] for talk in figures["flagged"] if talk["id"] == planted["id"] for flag in talk["flags"]] == [places[3]]
    assert figures["blind"]["targets"]["trust"]["correlation"]["value"] > 0
    shown = score("seeker", tmp_path, "--no-blind").stdout
    assert "As an AI language model" in shown
    assert "Blind reader" not in shown


def test_a_corpus_is_checked_by_its_words_alone(tmp_path: Path) -> None:
    turns = [
        {"speaker": speaker, "text": f"{speaker} says that number {n} is on my mind"}
        for n in range(6)
        for speaker in ("seeker", "supporter")
    ]
    (tmp_path / "talks.jsonl").write_text(json.dumps({"id": "a", "turns": turns}) + "\n", encoding="utf-8")
    figures = answer("seeker", tmp_path / "talks.jsonl")
    assert (figures["hidden_side"], "blind" in figures, figures["role_reader"]) == (False, False, None)
    assert "leaked_need" in figures["skipped"]
    assert "talks.jsonl:1: not an episode" in refused("reflection", tmp_path / "talks.jsonl")


@pytest.mark.parametrize("command", ["reflection", "seeker", "judge"])
def test_runs_with_nothing_to_measure_are_refused(command: str, tmp_path: Path, failed_run: Path) -> None:
    judge = ["--judge", "rehearsal"] if command == "judge" else []
    assert "failed" in refused(command, failed_run, *judge)
    (tmp_path / "empty").mkdir()
    assert "episodes.jsonl" in refused(command, tmp_path / "empty", *judge)
    (tmp_path / "empty" / "episodes.jsonl").write_text("", encoding="utf-8")
    assert refused(command, tmp_path / "empty", *judge)
    (tmp_path / "empty" / "episodes.jsonl").write_text('{"id": "x", "schema_version": "holdspace.episode/1"}\n', encoding="utf-8")
    assert "episodes.jsonl:1" in refused(command, tmp_path / "empty", *judge)


def test_a_model_does_not_judge_itself_without_saying_so(run_folder: Path) -> None:
    said = complaint(holdspace("score", "judge", run_folder, "--judge", "rehearsal"))
    assert "its own work" in said
    assert "--self-judge" in said
    figures = answer("judge", run_folder, "--judge", "rehearsal", "--self-judge", "--sample", 30, "--repeats", 2)
    assert (figures["self_judged"], figures["rated"], figures["answers"], figures["failures"]) == (True, 30, 60, 0)
    assert set(figures["dimensions"]) == set(DIMENSIONS)
    assert "Self-judged" in score("judge", run_folder, "--judge", "rehearsal", "--self-judge", "--sample", 5).stdout


def test_an_author_that_the_file_does_not_name_can_be_told(tmp_path: Path) -> None:
    row = {"context": [{"speaker": "seeker", "text": "I am sad"}], "reply": "What happened?", "reference": "Tell me."}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    rows = tmp_path / "rows.jsonl"
    assert answer("judge", rows, "--judge", "rehearsal")["self_judged"] is None
    assert "its own work" in refused("judge", rows, "--judge", "rehearsal", "--author", "rehearsal")
    assert answer("judge", rows, "--judge", "rehearsal", "--author", "openai:gpt")["self_judged"] is False
    assert answer("judge", rows, "--judge", "rehearsal")["with_reference"] is True
    assert answer("judge", rows, "--judge", "rehearsal", "--no-reference")["with_reference"] is False


def test_verdicts_are_written_one_a_line(run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    answer("judge", run_folder, "--judge", "rehearsal", "--self-judge", "--pairwise", "--sample", 6, "--out", out)
    verdicts = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(verdicts) == 12
    assert {verdict["order"] for verdict in verdicts} == {"as given", "swapped"}
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sample", 0), "--sample 0"),
        (("--repeats", 0), "--repeats 0"),
        (("--whole", "--pairwise"), "--whole and --pairwise"),
        (("--rated", "--pairwise"), "--rated"),
        (("--rated", "--self-judge"), "nothing to judge"),
        (("--judge", "nonsense"), "nonsense: unknown model spec"),
        (("--against", "no/such/run"), "no/such/run"),
    ],
)
def test_wrong_flags_are_one_sentence(run_folder: Path, arguments: tuple[object, ...], words: str) -> None:
    assert words in refused("judge", run_folder, "--judge", "rehearsal", *arguments)


def test_a_judge_that_never_answers_is_an_error(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evaluation import rehearsal_judge

    async def silent(*_: object) -> None:
        raise ChatError("Nothing came back.")

    monkeypatch.setattr(rehearsal_judge.RehearsalJudge, "complete", silent)
    with pytest.raises(ChatError, match="none of the 5 answers"):
        run_judging(Judging(source=run_folder, judge="rehearsal", self_judge=True, sample=5))
