from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from agents.errors import InputError
from agents.words import Strategy
from evaluation.predictions import read_predictions, read_replies
from evaluation.rows import strategy_of

LINES = [{"gold": "Question", "pred": "Others"}, {"gold": "Others", "pred": "Others"}]


def lines(folder: Path, *rows: Any, name: str = "p.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def whole(folder: Path, value: Any, name: str = "p.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("gold", "pred"),
    [("gold", "pred"), ("strg_gold", "strg_pred"), ("GT_strategy", "predict_strategy")],
    ids=["ours", "kang", "decoupledesc"],
)
def test_every_layout_gives_the_same_choices(tmp_path: Path, gold: str, pred: str) -> None:
    rows = [{gold: row["gold"], pred: row["pred"]} for row in LINES]
    packed = tmp_path / "no-ending"
    packed.write_bytes(gzip.compress(json.dumps(rows).encode()))
    columns = {"gold": [row["gold"] for row in LINES], "pred": [row["pred"] for row in LINES]}
    files = [lines(tmp_path, *rows), whole(tmp_path, rows), whole(tmp_path, columns, "columns.json"), packed]
    for path in files:
        found = read_predictions(path).choices
        assert [(choice.gold, choice.pred) for choice in found] == [("Question", "Others"), ("Others", "Others")], path


@pytest.mark.parametrize(
    ("label", "strategy"),
    [
        ("Reflection of Feelings", Strategy.REFLECTION),
        ("[Question] How are you?", Strategy.QUESTION),
        (" questions. ", Strategy.QUESTION),
        ("self_disclosure", Strategy.SELF_DISCLOSURE),
        ("Self disclosure", Strategy.SELF_DISCLOSURE),
        ("Restatement/Paraphrasing", Strategy.RESTATEMENT),
        ("Affirmation & Reassurance", Strategy.AFFIRMATION),
        ("Approval and Reassurance", Strategy.AFFIRMATION),
        ("Other", Strategy.OTHERS),
        ("I would ask a question", None),
        ("", None),
        (None, None),
        (3, None),
    ],
)
def test_spellings_are_mapped_and_prose_is_not(label: object, strategy: Strategy | None) -> None:
    assert strategy_of(label) is strategy


def test_an_unknown_prediction_stays_in_as_a_failure_with_its_place(tmp_path: Path) -> None:
    found = read_predictions(lines(tmp_path, LINES[0], {"gold": "Question", "pred": "Hug"}, {"gold": "Others", "pred": None}))
    assert [choice.pred for choice in found.choices] == [Strategy.OTHERS, None, None]
    assert [(item.where.rpartition(":")[2], item.label) for item in found.unparsed] == [("2", "'Hug'"), ("3", "None")]


def test_judged_rows_are_joined_to_the_messages_beside_them(tmp_path: Path) -> None:
    (tmp_path / "Vanilla").mkdir()
    (tmp_path / "Statistic").mkdir()
    messages = [
        {"role": "user", "content": "Hi "},
        {"role": "assistant", "content": "[Question] How are you?"},
        {"role": "user", "content": "Bad, my dog died."},
        {"role": "assistant", "content": "[Reflection of feelings] You miss it."},
        {"role": "user", "content": " "},
        {"role": "assistant", "content": "[Others] ..."},
        {"role": "user", "content": " "},
        {"role": "assistant", "content": "[Self-disclosure] Mine, too."},
    ]
    whole(tmp_path / "Vanilla", [{"messages": messages}], "ESC_sft_test.json")
    rows = [
        {"user_input": "", "strategy": "Information", "response": "x"},
        {"user_input": "Bad,  my dog died.", "strategy": "Question", "response": "x"},
        {"user_input": "Hi", "strategy": "Question", "response": "x"},
        {"user_input": "", "strategy": "Others", "response": "x"},
    ]
    judged = whole(tmp_path / "Statistic", rows, "judged.json")
    found = read_predictions(judged)
    assert [(choice.gold, choice.pred) for choice in found.choices] == [
        (Strategy.OTHERS, Strategy.INFORMATION),
        (Strategy.REFLECTION, Strategy.QUESTION),
        (Strategy.QUESTION, Strategy.QUESTION),
        (Strategy.SELF_DISCLOSURE, Strategy.OTHERS),
    ]
    assert found.gold_from.endswith("ESC_sft_test.json")
    rows[2]["user_input"] = "Something else"
    with pytest.raises(InputError, match=r"judged\.json:12: .*no \(other\) turn that answers 'Something else'"):
        read_predictions(whole(tmp_path / "Statistic", rows, "judged.json"))


def test_gold_labels_of_a_corpus_are_taken_in_order(tmp_path: Path) -> None:
    turns = [{"speaker": "seeker", "text": "a"}, *({"speaker": "supporter", "text": "b", "strategy": row["gold"]} for row in LINES)]
    corpus = lines(tmp_path, {"id": "x", "turns": turns}, name="corpus.jsonl")
    path = lines(tmp_path, *({"pred": row["pred"]} for row in LINES))
    assert [choice.gold for choice in read_predictions(path, corpus).choices] == [Strategy.QUESTION, Strategy.OTHERS]
    with pytest.raises(InputError, match=r"has 1 predictions and .* has 2 gold labels"):
        read_predictions(lines(tmp_path, {"pred": "Others"}), corpus)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"gold": "Question", "pred": "Others"}\n{"gold": "Hug", "pred": "Others"}\n', r"p:2: the gold label 'Hug'"),
        ('{"gold": "Question", "pred": "Others"}\n{"pred": "Others"}\n', r"p:2: none of the keys gold"),
        ('{"gold": "Question", "pred": "Others"}\n{"gold": "Question"}\n', r"p:2: none of the keys pred"),
        ('{"gold": "Question", "pred": "Hug"}\n', r"p:1: none of the 1 predictions names a strategy"),
        ('{"gold": ["Question"], "pred": ["Others", "Others"]}', r"p:1: lists of different lengths \(gold 1, pred 2\)"),
        ('[\n {"gold": "Question", "pred": "Others"},\n {"gold": "Hug", "pred": "Others"}\n]', r"p:3: the gold label 'Hug'"),
        ('[\n {"gold": "Question"\n', r"p:2: not JSON"),
        ("[3]", r"p:1: expected an object, found int"),
        ('{"pred": "Others"}\n', r"p:1: no gold label"),
        ("gold,pred\n", r"p:1: not JSON"),
        ("", r"p is empty"),
        ("[]", r"p is empty"),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "p").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_predictions(tmp_path / "p")


@pytest.mark.parametrize("raw", [b"\x1f\x8b\x08\x00broken", b"\xff\xfe\x00\x00"])
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "p.json.gz").write_bytes(raw)
    with pytest.raises(InputError, match=r"p\.json\.gz"):
        read_predictions(tmp_path / "p.json.gz")


def test_replies_lose_the_strategy_before_them_and_keep_other_brackets(tmp_path: Path) -> None:
    rows = [{"reply": "[Question] Why?", "reference": "So?"}, {"reply": "[sic] yes", "reference": "No."}]
    found = read_replies(lines(tmp_path, *rows))
    assert found.replies == ["Why?", "[sic] yes"]
    assert found.references == ["So?", "No."]
    with pytest.raises(InputError, match=r":2: none of the keys reference"):
        read_replies(lines(tmp_path, rows[0], {"reply": "x"}))
    with pytest.raises(InputError, match="all 1 replies are empty"):
        read_replies(lines(tmp_path, {"reply": " "}))
    with pytest.raises(InputError, match=r":1: reply is no text"):
        read_replies(lines(tmp_path, {"reply": 3}))
