"""What is exported opens where it should: `datasets`, trl's own tokenisation, LLaMA-Factory's shape."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.episode import Episode
from simulator.splits import Split
from training.configs import Learner
from training.datacard import DataCard
from training.exporting import Exporter, Format, export_lessons, export_pairs
from training.guards import Tally
from training.pair import Kept, Pair, PairKind
from training.pairing import Making, Talks, pairs_of
from training.pairstore import read_pairs, write_pairs

KINDS = (PairKind.STRATEGY, PairKind.RESPONSE)


@pytest.fixture(scope="module")
def pairs(episodes: list[Episode], tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    folder = tmp_path_factory.mktemp("pairs")
    write_pairs(pairs_of(episodes, Making(source="run", kinds=KINDS), Tally(), Talks()), folder, KINDS)
    return list(read_pairs(folder))


def exported(folder: Path, pairs: list[Pair], form: Format = Format.TRL) -> Path:
    with Exporter(folder, form, DataCard("test")) as exporter:
        export_pairs(pairs, exporter)
    return folder


@pytest.fixture(scope="module")
def dataset(pairs: list[Pair], tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pyarrow")
    return exported(tmp_path_factory.mktemp("trl"), pairs)


def plain(pair: Pair) -> dict[str, object]:
    return {
        "prompt": [{"role": message.role, "content": message.content} for message in pair.prompt],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
    }


@pytest.mark.parametrize("form", ["parquet", "json"])
@pytest.mark.parametrize("kind", KINDS)
def test_datasets_opens_every_file_and_finds_the_pairs(dataset: Path, pairs: list[Pair], tmp_path: Path, form: str, kind: PairKind) -> None:
    datasets = pytest.importorskip("datasets")
    file = str(dataset / kind.value / f"train.{'parquet' if form == 'parquet' else 'jsonl'}")
    opened = datasets.load_dataset(form, data_files=file, cache_dir=str(tmp_path))["train"]
    expected = [pair for pair in pairs if pair.kind is kind and pair.split is Split.TRAIN]
    assert expected
    assert [{name: row[name] for name in ("prompt", "chosen", "rejected")} for row in opened] == [plain(pair) for pair in expected]
    assert opened["id"] == [pair.id for pair in expected]
    assert opened["span"] == [pair.kept.span for pair in expected]


def test_the_folder_opens_by_the_names_of_its_card(dataset: Path, pairs: list[Pair], tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for kind in KINDS:
        opened = datasets.load_dataset(str(dataset), kind.value, cache_dir=str(tmp_path))
        assert {name: len(opened[name]) for name in opened} == {
            split.value: count for split in Split if (count := sum(pair.kind is kind and pair.split is split for pair in pairs))
        }


@pytest.mark.parametrize("kind", KINDS)
def test_trl_tokenises_a_batch_without_a_warning(
    dataset: Path, pairs: list[Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: PairKind
) -> None:
    from models import need_torch, tiny_model

    need_torch()
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    from transformers import AutoTokenizer

    model = tiny_model(tmp_path / "model")
    rows = datasets.load_dataset("parquet", data_files=str(dataset / kind.value / "train.parquet"), cache_dir=str(tmp_path))["train"]
    rows = rows.select(range(8))
    settings = trl.DPOConfig(
        output_dir=str(tmp_path / "out"), max_length=None, use_cpu=True, bf16=False, report_to=[], activation_checkpointing=False
    )
    for name in ("trl", "transformers", "accelerate"):
        logging.getLogger(name).propagate = True
    caplog.clear()
    trainer = trl.DPOTrainer(model=str(model), args=settings, train_dataset=rows)
    batch = next(iter(trainer.get_train_dataloader()))
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert not warned
    assert batch["input_ids"].shape[0] == 16
    tokenizer = AutoTokenizer.from_pretrained(model)
    first = trainer.train_dataset[0]
    pair = next(pair for pair in pairs if pair.id == rows[0]["id"])
    prompt = tokenizer.apply_chat_template(plain(pair)["prompt"], add_generation_prompt=True, tokenize=False)
    assert tokenizer.decode(first["prompt_ids"]) == prompt
    assert tokenizer.decode(first["chosen_ids"]).strip() == f"{pair.chosen}<|im_end|>"
    assert tokenizer.decode(first["rejected_ids"]).strip() == f"{pair.rejected}<|im_end|>"


def test_numbers_that_the_first_rows_lack_do_not_break_parquet(pairs: list[Pair], tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    base = next(pair for pair in pairs if pair.kind is PairKind.STRATEGY)
    ahead = [
        base.model_copy(
            update={"kind": PairKind.LOOKAHEAD, "kept": Kept(judge="lookahead", value_gap=None if place < 600 else 0.25, rollouts=8)}
        )
        for place in range(700)
    ]
    exported(tmp_path, ahead)
    gaps = pq.read_table(tmp_path / "lookahead" / f"{base.split.value}.parquet")["value_gap"].to_pylist()
    assert gaps == [None] * 600 + [0.25] * 100


def test_the_card_counts_what_is_in_the_files(dataset: Path, pairs: list[Pair]) -> None:
    text = (dataset / "README.md").read_text(encoding="utf-8")
    for kind in KINDS:
        counts = [sum(pair.kind is kind and pair.split is split for pair in pairs) for split in Split]
        assert f"| {kind.value} | {' | '.join(map(str, [*counts, sum(counts)]))} |" in text
        for split, count in zip(Split, counts, strict=True):
            file = dataset / kind.value / f"{split.value}.jsonl"
            assert (len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0) == count
    ratios = [pair.length_ratio for pair in pairs if pair.kind is PairKind.RESPONSE]
    assert f"| 0.8 to 1 | {sum(0.8 <= ratio < 1 for ratio in ratios)} |" in text
    assert f"| 1.5 to 2 | {sum(1.5 <= ratio < 2 for ratio in ratios)} |" in text
    assert f"| 2 and more | {sum(ratio >= 2 for ratio in ratios)} |" in text
    assert "Pairs of flagged talks: left out." in text
    assert "988" in text


def test_a_second_export_leaves_nothing_of_the_first(pairs: list[Pair], tmp_path: Path) -> None:
    exported(tmp_path, pairs)
    other = tmp_path / "notes.txt"
    other.write_text("mine", encoding="utf-8")
    exported(tmp_path, [pair for pair in pairs if pair.kind is PairKind.RESPONSE])
    assert not list((tmp_path / "strategy").iterdir())
    assert "config_name: strategy" not in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert other.read_text(encoding="utf-8") == "mine"


def test_an_export_that_breaks_off_leaves_the_files_as_they_were(pairs: list[Pair], tmp_path: Path) -> None:
    exported(tmp_path, pairs)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def broken() -> Iterator[Pair]:
        yield pairs[0]
        raise RuntimeError

    with pytest.raises(RuntimeError), Exporter(tmp_path, Format.TRL, DataCard("test")) as exporter:
        export_pairs(broken(), exporter)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_llama_factory_finds_each_file_and_sides_take_turns(pairs: list[Pair], episodes: list[Episode], tmp_path: Path) -> None:
    with Exporter(tmp_path, Format.LLAMAFACTORY, DataCard("test")) as exporter:
        export_pairs(pairs, exporter)
        export_lessons(episodes, Making(source="run"), [Learner.PLANNER], exporter, crisis=False)
    info = json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))
    assert {"strategy_train", "response_train", "sft_planner_train"} <= info.keys()
    for name, entry in info.items():
        assert entry["formatting"] == "sharegpt"
        for line in (tmp_path / entry["file_name"]).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            sides = [turn["from"] for turn in row[entry["columns"]["messages"]]]
            assert sides == ["human", "gpt"] * (len(sides) // 2) + ["human"] * (len(sides) % 2)
            assert row["system"]
            if name.startswith("sft_"):
                assert sides[-1] == "gpt"
            else:
                assert entry["ranking"] is True
                assert sides[-1] == "human"
                assert row["chosen"]["from"] == row["rejected"]["from"] == "gpt"


def test_what_was_said_without_a_plan_is_no_lesson(episodes: list[Episode], tmp_path: Path) -> None:
    first = next(episode for episode in episodes if not episode.crisis)
    handed = first.turns[-1] if first.turns[-1].speaker == "supporter" else first.turns[-2]
    turns = tuple(turn.model_copy(update={"plan": None}) if turn is handed else turn for turn in first.turns)
    with Exporter(tmp_path, Format.TRL, DataCard("test")) as exporter:
        flagged = first.model_copy(update={"turns": turns, "crisis": True})
        export_lessons([flagged], Making(source="run"), [Learner.RESPONDER], exporter, crisis=True)
    lines = next((tmp_path / "sft_responder").glob("*.jsonl")).read_text(encoding="utf-8").splitlines()
    said = [json.loads(line)["completion"][0]["content"] for line in lines]
    assert said == [turn.text for turn in first.turns if turn.speaker == "supporter" and turn is not handed]


def test_lessons_are_what_was_said_and_keep_to_their_split(episodes: list[Episode], tmp_path: Path) -> None:
    from simulator.splits import split_of_scenario

    with Exporter(tmp_path, Format.TRL, DataCard("test")) as exporter:
        export_lessons(episodes, Making(source="run"), [Learner.RESPONDER], exporter, crisis=False)
    told: dict[str, set[str]] = {split.value: set() for split in Split}
    for episode in episodes:
        if not episode.crisis:
            told[split_of_scenario(episode.scenario.name).value] |= {turn.text for turn in episode.turns if turn.speaker == "supporter"}
    rows = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in (tmp_path / "sft_responder").glob("*.jsonl")}
    assert set(rows) == {"train", "dev", "test"}
    for split, lines in rows.items():
        assert {json.loads(line)["completion"][0]["content"] for line in lines} == told[split]
