"""The store of pairs: whole or not at all, and nothing edited is believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_guards import pair

from agents.errors import InputError
from agents.words import Strategy
from simulator.splits import Split
from training.guards import Dropped, GuardSettings, Tally
from training.pair import Pair, PairKind
from training.pairstore import read_pairs, write_pairs

KINDS = (PairKind.RESPONSE, PairKind.STRATEGY)


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    pairs = [pair(number, split=list(Split)[number % 3]) for number in range(12)]
    labels = pair(50, kind=PairKind.STRATEGY, chosen="Question", rejected="Information")
    tally = write_pairs([*pairs, labels], tmp_path / "pairs", KINDS)
    assert list(read_pairs(tmp_path)) == [labels, *pairs]
    assert list(read_pairs(tmp_path / "pairs", [PairKind.STRATEGY])) == [labels]
    assert list(read_pairs(tmp_path / "pairs" / "response.jsonl")) == pairs
    assert tally.kept == {PairKind.RESPONSE: 12, PairKind.STRATEGY: 1}
    assert tally.splits[PairKind.RESPONSE, Split.DEV] == 4
    assert tally.chosen[PairKind.RESPONSE, Strategy.QUESTION] == 12
    assert tally.mean_ratio(PairKind.RESPONSE) == pytest.approx(1.0)
    assert tally.mean_ratio(PairKind.STRATEGY) is None


def test_dropped_pairs_are_counted_and_not_written(tmp_path: Path) -> None:
    cell = {"chosen_strategy": Strategy.OTHERS, "rejected_strategy": Strategy.QUESTION}
    rare = {"chosen_strategy": Strategy.QUESTION, "rejected_strategy": Strategy.OTHERS}
    pairs = [pair(number, **cell) for number in range(40)] + [pair(99, **rare), pair(1, **cell), pair(60, crisis=True)]
    tally = write_pairs(pairs, tmp_path, [PairKind.RESPONSE], settings=GuardSettings(balance=1.0), tally=Tally())
    left = list(read_pairs(tmp_path))
    assert len(left) == tally.total == 21
    assert tally.dropped == {
        (PairKind.RESPONSE, reason): n for reason, n in [(Dropped.BALANCE, 20), (Dropped.EXACT, 1), (Dropped.CRISIS, 1)]
    }
    assert [one for one in pairs if one in left] == left, "the order stays"


def test_files_of_other_kinds_stay_and_a_kind_without_pairs_has_no_file(tmp_path: Path) -> None:
    write_pairs([pair(1), pair(2, kind=PairKind.STRATEGY, chosen="Question", rejected="Others")], tmp_path, KINDS)
    before = listing(tmp_path)
    write_pairs([], tmp_path, [PairKind.RESPONSE])
    assert listing(tmp_path) == {"strategy.jsonl": before["strategy.jsonl"]}


def test_a_making_that_breaks_off_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    def broken(numbers: range) -> Iterator[Pair]:
        yield from map(pair, numbers)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_pairs(broken(range(3)), tmp_path / "pairs", KINDS)
    assert not (tmp_path / "pairs").exists()
    write_pairs(map(pair, range(5)), tmp_path, KINDS)
    before = listing(tmp_path)
    with pytest.raises(RuntimeError):
        write_pairs(broken(range(9)), tmp_path, KINDS)
    with pytest.raises(InputError, match="a leak"):
        write_pairs([pair(1), pair(2, scenario="story-1", split=Split.TEST)], tmp_path, KINDS)
    assert listing(tmp_path) == before


def edited(change: dict[str, Any]) -> Any:
    return lambda line: json.dumps(json.loads(line) | change)


EDITS = {
    "chosen": (edited({"chosen": "Something else."}), "does not belong to its id"),
    "id": (edited({"id": "pr-0000000000000000"}), "does not belong to its id"),
    "turn": (edited({"turn": 5}), "does not belong to its id"),
    "same": (edited({"chosen": "a", "rejected": "a"}), "chosen equals rejected"),
    "unknown": (edited({"note": "mine"}), "note: Extra inputs"),
    "split": (edited({"split": "holdout"}), "split: "),
    "prompt": (edited({"prompt": "text"}), "prompt: "),
    "leak": (edited({"scenario": "story-0", "split": "test"}), "scenario story-0 is in test here and in train before"),
    "kind": (edited({"kind": "refine"}), "does not belong to its id"),
    "schema": (edited({"schema_version": "holdspace.pair/9"}), "schema_version: "),
    "json": (lambda line: line[:-5], "not JSON"),
    "list": (lambda line: "[1]", "expected a JSON object"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_line_is_refused_with_its_number(tmp_path: Path, name: str) -> None:
    change, words = EDITS[name]
    write_pairs(map(pair, range(4)), tmp_path, KINDS)
    file = tmp_path / "response.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines[:2], change(lines[2]), lines[3], ""]), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        list(read_pairs(file))
    assert f"{file}:3: " in str(refused.value)
    assert words in str(refused.value)


def test_a_file_that_is_cut_off_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    write_pairs(map(pair, range(4)), tmp_path, KINDS)
    file = tmp_path / "response.jsonl"
    content = file.read_bytes()
    (tmp_path / "refine.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=r"refine\.jsonl:1: a response pair in a file of refine pairs"):
        list(read_pairs(tmp_path / "refine.jsonl"))
    file.write_bytes(content[:-30])
    with pytest.raises(InputError, match=r"response\.jsonl: the last line is cut off"):
        list(read_pairs(file))


def test_a_folder_without_pairs_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no pairs"):
        list(read_pairs(tmp_path))
    with pytest.raises(InputError, match="can't be read"):
        list(read_pairs(tmp_path / "nothing.jsonl"))
