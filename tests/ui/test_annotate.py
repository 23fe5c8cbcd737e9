"""Judging pairs: on the page by keyboard, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from agents.errors import InputError
from simulator.store import EPISODES, read_lines
from studio.annotating import ANNOTATIONS, Annotation, Annotations, Verdict, agreement, load_items
from studio.cli import app
from training.pair import Pair
from training.pairstore import read_pairs


@pytest.fixture
def paired(run_folder: Path, tmp_path: Path) -> Path:
    """A run with pairs."""
    run = tmp_path / "sixty"
    run.mkdir()
    for name in (EPISODES, "run.yaml"):
        (run / name).write_bytes((run_folder / name).read_bytes())
    CliRunner().invoke(app, ["pairs", str(run)], catch_exceptions=False)
    return run


def sides(pair: Pair) -> set[str]:
    return {pair.chosen, pair.rejected}


def test_items_are_blind_and_the_same_for_every_annotator(paired: Path) -> None:
    pairs = {pair.id: pair for pair in read_pairs(paired)}
    items = load_items(paired, 7)
    assert items == load_items(paired, 7)
    assert [item.pair for item in items] != [item.pair for item in load_items(paired, 8)]
    assert {item.pair for item in items} == set(pairs)
    assert all(set(item.sides) == sides(pairs[item.pair]) for item in items)
    left = sum(item.left == "chosen" for item in items)
    assert 0.35 * len(items) < left < 0.65 * len(items)
    for item in items:
        key = "1" if item.sides[0] == pairs[item.pair].chosen else "2"
        assert item.verdict(key) is Verdict.CHOSEN
        assert item.context[-1][0] == "seeker"
        assert "Choose the one strategy" not in item.context[-1][1]
    with pytest.raises(InputError, match="no judgement"):
        items[0].verdict("3")


def test_a_later_judgement_replaces_an_earlier_one_and_a_torn_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / ANNOTATIONS
    kept = Annotations(path)
    for verdict in (Verdict.CHOSEN, Verdict.TIE):
        kept.add(Annotation(pair="pr-1", annotator="ann", verdict=verdict, left="chosen"))
    with path.open("a") as file:
        file.write('{"pair": "pr-2", "anno')
    kept = Annotations(path)
    kept.add(Annotation(pair="pr-1", annotator="bo", verdict=Verdict.TIE, left="chosen"))
    assert [value["annotator"] for _, value in read_lines(path)] == ["ann", "ann", "bo"]
    found = Annotations(path).agreements()
    assert [(one.one, one.other, one.pairs, one.same, one.kappa) for one in found] == [("ann", "bo", 1, 1, None)]
    path.write_text('{"pair": "pr-2"}\n')
    with pytest.raises(InputError, match=r"annotations\.jsonl:1"):
        Annotations(path)


def test_kappa_of_two_annotators() -> None:
    one = [Verdict.CHOSEN] * 6 + [Verdict.REJECTED] * 4
    other = [Verdict.CHOSEN] * 5 + [Verdict.REJECTED] * 3 + [Verdict.TIE] * 2
    found = agreement("a", "b", list(zip(one, other, strict=True)))
    assert (found.pairs, found.same) == (10, 7)
    expected = (0.7 - (0.6 * 0.5 + 0.4 * 0.3)) / (1 - (0.6 * 0.5 + 0.4 * 0.3))
    assert found.kappa == pytest.approx(expected)
    assert found.kappa == pytest.approx(cohen_kappa_score(one, other))


def judge(tab: Any, keys: str) -> list[str]:
    """Press keys, each at the next pair; the ids of the pairs."""
    seen = []
    for key in keys:
        seen.append(tab.locator(".p-pair span[hidden]").text_content())
        tab.keyboard.press(key)
        tab.wait_for_function("old => document.querySelector('.p-pair span[hidden]')?.textContent !== old", arg=seen[-1])
    return seen


def test_ten_pairs_are_judged_by_keyboard_and_two_annotators_agree_or_not(paired: Path, serve: Callable[..., Any], tab: Any) -> None:
    served = serve(paired)
    tab.goto(f"{served.url}annotate")
    tab.wait_for_selector(".choice")
    for kind in ("Strategy Mismatch", "chosen", "rejected", "refine"):
        assert kind not in tab.inner_text(".p-pair")
    first = judge(tab, "12=s1")
    tab.keyboard.press("r")
    tab.keyboard.type("It names 2 feelings.")
    tab.keyboard.press("Enter")
    first += judge(tab, "22112")
    tab.wait_for_selector("text=/^10 of/")
    rows = [value for _, value in read_lines(paired / ANNOTATIONS)]
    assert [row["pair"] for row in rows] == first
    assert len(set(first)) == 10
    assert [row["reason"] for row in rows] == ["It names 2 feelings." if place == 5 else "" for place in range(10)]
    pairs = {pair.id: pair for pair in read_pairs(paired)}
    items = {item.pair: item for item in load_items(paired, 7)}
    for row, key in zip(rows, "12=s122112", strict=True):
        if key in "12":
            said = items[row["pair"]].sides[int(key) - 1]
            assert (said == pairs[row["pair"]].chosen) == (row["verdict"] == "chosen")
    tab.keyboard.press("u")
    tab.wait_for_function("old => document.querySelector('.p-pair span[hidden]').textContent === old", arg=first[-1])
    judge(tab, "1")
    tab.reload()
    tab.wait_for_selector("text=/^10 of/")

    tab.fill("[name=name]", "bo")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("text=/^0 of/")
    assert judge(tab, "1221122121") == first
    tab.wait_for_selector("text=/ann and bo: /")
    found = Annotations(paired / ANNOTATIONS).agreements()[0]
    assert found.pairs == 9  # one was skipped
    assert f"κ = {found.kappa:.2f}, the same in {found.same} of 9 pairs" in tab.inner_text(".p-agreement")


def test_a_run_without_pairs_says_how_to_make_them(tmp_path: Path, serve: Callable[..., Any], tab: Any) -> None:
    served = serve("--out", tmp_path)
    tab.goto(f"{served.url}annotate")
    tab.wait_for_selector("text=Make them with holdspace pairs")
