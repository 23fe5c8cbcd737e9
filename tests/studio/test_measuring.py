"""`score strategies`, `score planner` and `score text`, as a user calls them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from servers import mock_server, stats

from agents.words import STRATEGIES
from studio.cli import main
from training.linear import train_linear

KEYS = {
    "macro_f1",
    "weighted_f1",
    "accuracy",
    "preference_bias",
    "preference_bias_reason",
    "parse_failures",
    "n",
    "intervals",
    "per_strategy",
    "baselines",
}


class Holdspace:
    """The command line in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: object, code: int = 0) -> str:
        """What it prints; on stderr where it ends with another code than 0."""
        self.monkeypatch.setattr(sys, "argv", ["holdspace", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out = self.capsys.readouterr()
        assert ended.value.code == code, out.err
        return out.err if code else out.out

    def json(self, *arguments: object) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def holdspace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Holdspace:
    return Holdspace(monkeypatch, capsys)


def predictions(folder: Path) -> Path:
    path = folder / "predictions.jsonl"
    rows = [{"gold": gold.value, "pred": pred.value} for gold in STRATEGIES for pred in STRATEGIES]
    rows += [{"gold": gold.value, "pred": gold.value} for gold in STRATEGIES] * 3
    rows += [{"gold": "Others", "pred": "<script>"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def corpus(folder: Path) -> Path:
    path, lines = folder / "corpus.jsonl", []
    for number in range(12):
        turns: list[dict[str, Any]] = [{"speaker": "supporter", "text": "Hello.", "strategy": "Others"}]
        for place in range(4):
            turns.append({"speaker": "seeker", "text": f"I feel low since {place}."})
            turns.append({"speaker": "supporter", "text": "Why?", "strategy": STRATEGIES[(number + place) % 8].value})
        lines.append(json.dumps({"id": f"talk-{number}", "turns": [*turns, {"speaker": "supporter", "text": "no label"}]}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_strategies_as_json_has_every_key_and_as_a_table_the_same_figures(holdspace: Holdspace, tmp_path: Path) -> None:
    path = predictions(tmp_path)
    found = holdspace.json("score", "strategies", path)
    assert found.keys() >= KEYS
    assert (found["n"], found["parse_failures"]) == (89, 1)
    assert found["accuracy"] == pytest.approx(32 / 89)
    assert set(found["baselines"]) == {"label_prior", "uniform", "majority"}
    low, high = found["intervals"]["macro_f1"]
    assert low < found["macro_f1"] < high
    table = holdspace("score", "strategies", path)
    assert f"{found['macro_f1']:.3f} [{low:.3f}, {high:.3f}]" in table
    assert "1 of 89 predictions name none of the eight strategies" in table
    assert f"'<script>' ({path}:89)" in " ".join(table.split())


def test_an_undefined_bias_is_null_with_its_reason(holdspace: Holdspace, tmp_path: Path) -> None:
    path = tmp_path / "always.jsonl"
    path.write_text("".join(json.dumps({"gold": gold.value, "pred": "Question"}) + "\n" for gold in STRATEGIES), encoding="utf-8")
    found = holdspace.json("score", "strategies", path)
    assert found["preference_bias"] is None
    assert "Question is mistaken" in found["preference_bias_reason"]
    assert "B is undefined." in holdspace("score", "strategies", path)


def test_the_plot_is_one_file_of_its_own(holdspace: Holdspace, tmp_path: Path) -> None:
    plot = tmp_path / "confusion.svg"
    holdspace("score", "strategies", predictions(tmp_path), "--plot", plot)
    root = ElementTree.parse(plot).getroot()
    counts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text") if "n" in (node.get("class") or "").split()]
    assert counts.count("4") == 8  # the diagonal
    assert len(counts) == 8 * 9  # a column for what was not parsed
    assert "href" not in plot.read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("strategies", "no-such-file"), "no-such-file can't be read"),
        (("strategies", "CORPUS"), "no gold label"),
        (("strategies", "FILE", "--samples", "0"), "--samples 0"),
        (("strategies", "FILE", "--plot", "no/such/folder/c.svg"), "c.svg can't be written"),
        (("text", "FILE"), "none of the keys reply"),
        (("text", "no-such-file"), "no-such-file can't be read"),
        (("planner", "nonsense", "--on", "CORPUS"), "nonsense: unknown model spec"),
        (("planner", "linear:no/such/folder", "--on", "CORPUS"), "holds no linear planner"),
        (("planner", "rehearsal", "--on", "FILE"), "holds no dialogue"),
        (("planner", "rehearsal", "--on", "CORPUS", "--pick", "worst"), "--pick worst: unknown"),
        (("planner", "rehearsal", "--on", "CORPUS", "--limit", "0"), "--limit 0"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(holdspace: Holdspace, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    places = {"FILE": predictions(tmp_path), "CORPUS": corpus(tmp_path)}
    said = holdspace("score", *(places.get(word, word) for word in arguments), code=2)
    assert words in said
    assert "Traceback" not in said


def test_a_planner_is_run_over_a_corpus_beside_another(holdspace: Holdspace, tmp_path: Path) -> None:
    path, kept = corpus(tmp_path), tmp_path / "kept.jsonl"
    train_linear([path], tmp_path / "linear")
    spec = f"linear:{tmp_path / 'linear'}"
    arguments = ("score", "planner", spec, "--on", path, "--beside", "rehearsal", "--out", kept)
    found = holdspace.json(*arguments)
    assert found.keys() >= KEYS
    assert (found["n"], found["unlabelled_turns"], found["resampled"]) == (60, 12, "dialogues")
    assert found["planner"] == "linear:linear"
    assert set(found["beside"]) == {"rehearsal"}
    low, high = found["beside"]["rehearsal"]["difference"]["macro_f1"]
    assert low < found["macro_f1"] - found["beside"]["rehearsal"]["macro_f1"] < high
    again = holdspace.json("score", "strategies", kept)
    assert (again["macro_f1"], again["intervals"]) == (found["macro_f1"], found["intervals"])
    table = holdspace(*arguments)
    assert "Q of linear:linear minus Q of rehearsal" in table
    assert "12 supporter turns without a strategy" in table
    assert holdspace.json("score", "planner", spec, "--on", path, "--limit", 2)["n"] == 10


def test_a_served_planner_is_paid_for_once_where_its_answers_are_kept(
    holdspace: Holdspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    with mock_server() as url:
        arguments = ("score", "planner", f"openai:mock@{url}", "--on", corpus(tmp_path), "--limit", 2, "--cache", tmp_path / "cache.sqlite")
        first = holdspace.json(*arguments)
        asked = stats(url)["requests"]
        again = holdspace.json(*arguments)
        assert first["n"] == 10
        assert again["confusion"] == first["confusion"]
        assert stats(url)["requests"] == asked >= 10


def test_drawing_depends_on_the_seed_and_the_likeliest_does_not(holdspace: Holdspace, tmp_path: Path) -> None:
    path = corpus(tmp_path)
    figures = {
        (pick, seed): holdspace.json("score", "planner", "rehearsal", "--on", path, "--pick", pick, "--seed", seed)["confusion"]
        for pick in ("best", "sample")
        for seed in (1, 2)
    }
    assert figures["sample", 1] != figures["sample", 2]
    again = holdspace.json("score", "planner", "rehearsal", "--on", path, "--pick", "sample", "--seed", 1)["confusion"]
    assert again == figures["sample", 1]


def test_text_of_a_file_and_of_a_corpus(holdspace: Holdspace, tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text('{"reply": "[Question] How do you feel?", "reference": "How do you feel now?"}\n', encoding="utf-8")
    found = holdspace.json("score", "text", path)
    assert found["unigram_f1"] == pytest.approx(100 * 2 * 5 / 11)
    assert found["length"] == 5
    assert f"{found['rouge_l']:.2f}" in holdspace("score", "text", path)
    without = holdspace.json("score", "text", corpus(tmp_path))
    assert (without["n"], without["rouge_l"]) == (72, None)
    assert "no human reply" in holdspace("score", "text", corpus(tmp_path))
