"""Corpora: every format in and out again without loss, and what faulty files get."""

from __future__ import annotations

import csv
import gzip
import io
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from agents.errors import InputError
from agents.words import Speaker, Strategy
from simulator.corpora import read_corpus, write_corpus
from simulator.dialogue import read_dialogues

TURNS: list[dict[str, Any]] = [
    {"speaker": "seeker", "text": "I lost my job.", "strategy": None, "feedback": None},
    {"speaker": "supporter", "text": "What happened?", "strategy": "Question", "feedback": None},
    {"speaker": "supporter", "text": "That must hurt.", "strategy": "Reflection of feelings", "feedback": None},
    {"speaker": "seeker", "text": "They closed, overnight.", "strategy": None, "feedback": 2},
]


def record(**changes: Any) -> dict[str, Any]:
    return {"id": "one", "turns": TURNS, **changes}


def lines(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def content(path: Path) -> Any:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw).decode()
    if text.startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines()] if text.startswith("{") else text


def round_trip(source: Path, folder: Path) -> tuple[Any, list[str]]:
    """A corpus through our record and out again in its own format: what came out, and what was lost."""
    corpus = read_corpus(source, verbatim=True)
    write_corpus(corpus, folder / "record.jsonl", "record")
    assert not corpus.skipped.total
    lost = write_corpus(read_corpus(folder / "record.jsonl", verbatim=True), folder / "again", corpus.format).lost
    return content(folder / "again"), lost.lines()


@pytest.mark.parametrize(
    "name",
    [
        "esconv/valid.jsonl.gz",
        "esconv/failed.jsonl.gz",
        "raw/decoupledesc/Vanilla/ESC_sft_val.json.gz",
        "raw/esd-cot/val.json.gz",
        "raw/empathetic-dialogues/fixed_valid.csv.gz",
        "raw/empathetic-dialogues/fixed_test.csv.gz",
    ],
)
def test_a_corpus_comes_out_as_it_went_in(data: Path, tmp_path: Path, name: str) -> None:
    again, lost = round_trip(data / name, tmp_path)
    assert again == content(data / name)
    assert lost == []


def test_failed_esconv_comes_out_with_its_own_labels_under_our_names_of_the_speakers(data: Path, tmp_path: Path) -> None:
    source = data / "raw" / "thu-coai" / "FailedESConv.json.gz"
    again, lost = round_trip(source, tmp_path)
    names = {"speaker": "seeker", "listener": "supporter"}
    expected = content(source)
    for dialogue in expected:
        for turn in dialogue["dialog"]:
            turn["speaker"] = names[turn["speaker"]]
    assert again == expected
    assert lost == []


@pytest.mark.parametrize("name", ["raw/esconv-hf-split/valid.txt.gz", "raw/esconv-feedback/valid_rl.txt.gz"])
def test_the_forms_of_esconv_agree(data: Path, name: str) -> None:
    """The hub's file has no ratings; FADO's has no scores of the supporter and fills a missing final intensity, which is undone."""
    theirs, ours = list(read_corpus(data / name)), list(read_corpus(data / "esconv" / "valid.jsonl.gz"))
    assert len(theirs) == len(ours) == 195
    for one, other in zip(theirs, ours, strict=True):
        assert (one.turns, one.initial, one.final, one.empathy) == (other.turns, other.initial, other.final, other.empathy)
        assert one.feedback == (other.feedback if "rl" in name else ())


def test_decoupledesc_reads_as_the_dialogues_it_was_made_of(data: Path) -> None:
    """But for an added "Hi", cut endings, and line breaks, which are turns afterwards: the words and strategies are those of ESConv."""
    ids = json.loads((data / "esconv" / "splits.json").read_text())["decoupledesc"]["valid"]
    human = {dialogue.id: dialogue for name in ("train", "valid") for dialogue in read_corpus(data / "esconv" / f"{name}.jsonl.gz")}
    read = list(read_corpus(data / "raw" / "decoupledesc" / "Vanilla" / "ESC_sft_val.json.gz"))
    pairs = [(read[place], human[name]) for place, name in enumerate(ids) if name in human]
    assert len(pairs) > 90
    for theirs, ours in pairs:
        assert [(turn.text, turn.strategy) for turn in theirs.turns if turn.strategy] == [
            (turn.text, turn.strategy) for turn in ours.turns if turn.strategy
        ]
        said, whole = (" ".join(turn.text for turn in dialogue.turns) for dialogue in (theirs, ours))
        assert whole.startswith((said, said.removeprefix("Hi ")))


def test_messages_hold_no_empty_turn_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", record(situation="fired", turns=[*TURNS[1:3], TURNS[0], *TURNS[1:]]))
    written = write_corpus(read_corpus(source), tmp_path / "b.json", "decoupledesc")
    [dialogue] = content(tmp_path / "b.json")
    roles = [message["role"] for message in dialogue["messages"]]
    assert roles == ["system", *["user", "assistant"] * 4]
    assert dialogue["messages"][1]["content"] == "Hi"
    assert dialogue["messages"][3]["content"] == " "
    assert dict(written.lost.counts) == {"situations": 1, "ratings": 1, "messages of the seeker after the last reply": 1}
    [back] = read_corpus(tmp_path / "b.json")
    assert [turn.text for turn in back.turns] == [
        "Hi", "What happened?", "That must hurt.", "I lost my job.", "What happened?", "That must hurt.",
    ]  # fmt: skip


def test_a_dialogue_with_many_replies_becomes_one_sample_of_esd_cot(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", record())
    written = write_corpus(read_corpus(source), tmp_path / "b.json", "esd-cot")
    [sample] = content(tmp_path / "b.json")
    assert sample["original_data"]["response"] == "That must hurt."
    assert [turn["content"] for turn in sample["original_data"]["dialog"]] == ["I lost my job.", "What happened?"]
    assert dict(written.lost.counts) == {"strategies of earlier replies": 1, "turns after the last reply": 1, "ratings": 1}


def test_empathetic_dialogues_tell_the_speaker_by_parity(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", record(emotion_type="sad"))
    write_corpus(read_corpus(source), tmp_path / "b.csv", "empathetic")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "b.csv").read_text())))
    assert [row["utterance_idx"] for row in rows] == ["1", "2", "4", "5"]
    assert rows[3]["utterance"] == "They closed_comma_ overnight."
    [back] = read_corpus(tmp_path / "b.csv")
    assert [(turn.speaker.value, turn.text) for turn in back.turns] == [(turn["speaker"], turn["text"]) for turn in TURNS]
    assert back.emotion_type == "sad"


def test_a_run_is_a_corpus(run_folder: Path, tmp_path: Path) -> None:
    corpus = read_corpus(run_folder)
    dialogues = list(corpus)
    assert dialogues == [dialogue.model_copy(update={"turns": dialogue.turns}) for dialogue in read_dialogues(run_folder)]
    assert (corpus.format, corpus.read) == ("record", 60)
    write_corpus(corpus, tmp_path / "a.jsonl.gz", "record")
    assert list(read_corpus(tmp_path / "a.jsonl.gz")) == dialogues


def test_what_can_be_mended_is_mended_and_counted(tmp_path: Path) -> None:
    turns = [
        {"speaker": "usr", "text": "hello   there", "strategy": "Question"},
        {"speaker": "sys", "text": "  "},
        {"speaker": "sys", "text": "Hi", "strategy": "Greeting", "feedback": 4},
        {"speaker": "sys", "text": "What is it?", "strategy": "questions"},
        {"speaker": "sys", "text": "I am here."},
        {"speaker": "usr", "text": "nothing", "feedback": 9},
    ]
    corpus = read_corpus(lines(tmp_path / "a.jsonl", record(turns=turns)))
    [dialogue] = corpus
    assert [turn.text for turn in dialogue.turns] == ["hello there", "Hi", "What is it?", "I am here.", "nothing"]
    assert [turn.strategy for turn in dialogue.turns] == [None, None, Strategy.QUESTION, None, None]
    assert dialogue.labels == {1: "Greeting", 2: "questions"}
    assert dialogue.feedback == ()
    assert dict(corpus.mended.counts) == {
        "strategies on a seeker's turn, left out": 1,
        "blank turns, left out": 1,
        "strategies outside the eight, kept as labels": 1,
        "supporter turns without a strategy": 1,
        "ratings that are not 1 to 5 stars on a seeker's turn, left out": 2,
    }
    assert corpus.mended.first["blank turns, left out"] == "a.jsonl:1, turn 2"


def test_ratings_stay_beside_the_turns_and_off_the_utterances(tmp_path: Path) -> None:
    [dialogue] = read_corpus(lines(tmp_path / "a.jsonl", record()))
    assert dialogue.feedback == (None, None, None, 2)
    assert all("feedback" not in turn.model_dump() for turn in dialogue.turns)
    assert dialogue.turns[3].speaker is Speaker.SEEKER


def test_what_cannot_be_known_is_passed_over_with_its_place(tmp_path: Path) -> None:
    same = [{**turn, "speaker": "user"} for turn in TURNS]
    unknown = [{**turn, "speaker": "Bob"} for turn in TURNS]
    path = lines(
        tmp_path / "a.jsonl",
        record(),
        record(),
        record(id="two", turns=same),
        record(id="three", turns=unknown),
        record(id="four", turns=[]),
        {"some": "thing"},
    )
    with path.open("a") as file:
        file.write('{"id": "torn", "turns"')
    corpus = read_corpus(path)
    assert [dialogue.id for dialogue in corpus] == ["one"]
    assert {reason.partition("'")[0].strip(): corpus.skipped.first[reason] for reason in corpus.skipped.counts} == {
        "dialogues whose id was there before": "a.jsonl:2",
        "all turns have one speaker,": "a.jsonl:3",
        "a speaker named": "a.jsonl:4",
        "no turns": "a.jsonl:5",
        "rows that are no record": "a.jsonl:6",
        "a line that is no JSON object": "a.jsonl:7",
    }
    assert "6 of 7 dialogues passed over" in corpus.notes()[0]


@pytest.mark.parametrize(
    ("name", "raw", "sentence"),
    [
        ("a.jsonl", b"", "a.jsonl is empty"),
        ("a.json", b"[]", "holds no dialogue that can be used"),
        ("a.json", b'[{"name": "x"}]', "rows of no known format (a.json#1)"),
        ("a.json", b'[{"turns": [}]', "a.json:1: not JSON"),
        ("a.jsonl", b"once upon a time\n", "a.jsonl:1: neither JSON"),
        ("a.jsonl", "{}".encode("utf-16"), "UTF-16"),
        ("a.jsonl", b'{"turns": []}\n{"turns": "\xff"}\n', "a.jsonl:2: not UTF-8"),
        ("a.csv", b"conv_id,utterance_idx,prompt,utterance\nx,one,p,u\n", "utterance_idx that is no number ('one') (a.csv:2)"),
        ("a.jsonl.gz", gzip.compress(b'{"turns": []}\n' * 9000)[:-30], "not a whole gzip file"),
        ("a.jsonl", None, "can't be read"),
    ],
)
def test_files_that_are_not_what_they_seem_get_a_sentence(tmp_path: Path, name: str, raw: bytes | None, sentence: str) -> None:
    path = tmp_path / name
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        list(read_corpus(path))
    assert sentence in str(caught.value)
    assert name in str(caught.value)


def test_gzip_is_told_by_content(tmp_path: Path) -> None:
    plain = lines(tmp_path / "a.jsonl.gz", record())
    corpus = read_corpus(plain)
    assert len(list(corpus)) == 1
    assert "a.jsonl.gz is not gzip" in corpus.notes()[0]


def test_writing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("before")
    broken = lines(tmp_path / "a.jsonl", {"some": "thing"})
    with pytest.raises(InputError):
        write_corpus(read_corpus(broken), target, "record")
    assert target.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "out.jsonl"]


def test_packed_files_have_the_same_bytes_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, clock = lines(tmp_path / "a.jsonl", record()), count(1e9, 1000)
    monkeypatch.setattr("gzip.time.time", lambda: next(clock))
    for name in ("b", "c"):
        write_corpus(read_corpus(source), tmp_path / f"{name}.jsonl.gz", "record")
    assert (tmp_path / "b.jsonl.gz").read_bytes() == (tmp_path / "c.jsonl.gz").read_bytes()
