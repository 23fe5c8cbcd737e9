from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from agents.words import STRATEGIES, Strategy
from evaluation.bias import preference_bias, preferences, smoothed_bias, why_undefined
from evaluation.predictions import read_predictions
from evaluation.strategies import Choice, report, resample, tabulate

GOLDEN_P = (0.632, 0.310, 1.021, 0.479, 2.536, 1.915, 0.219, 0.888)


def some_choices(count: int, *, skill: float = 0.3, seed: int = 0, failures: float = 0.0) -> list[Choice]:
    rng = random.Random(seed)
    choices = []
    for _ in range(count):
        gold = rng.choices(STRATEGIES, [8, 2, 3, 4, 6, 6, 3, 7])[0]
        pred = gold if rng.random() < skill else rng.choices(STRATEGIES, [5, 1, 2, 2, 9, 8, 1, 4])[0]
        choices.append(Choice(gold=gold, pred=None if rng.random() < failures else pred))
    return choices


def bias_by_hand(choices: list[Choice]) -> tuple[float, list[float]]:
    """REFERENCE section 4, one step after another."""
    wins = {(i, j): 0 for i in STRATEGIES for j in STRATEGIES}
    for choice in choices:
        if choice.pred is not None and choice.pred is not choice.gold:
            wins[choice.pred, choice.gold] += 1
    p = dict.fromkeys(STRATEGIES, 1.0)
    for _ in range(20):
        for i in STRATEGIES:
            above = sum(wins[i, j] * p[j] / (p[i] + p[j]) for j in STRATEGIES if j is not i)
            below = sum(wins[j, i] / (p[i] + p[j]) for j in STRATEGIES if j is not i)
            p[i] = above / below
        product, some = 1.0, 0
        for value in p.values():
            if value > 0:
                product, some = product * value, some + 1
        p = {i: value / product ** (1 / some) for i, value in p.items()}
    scaled = [8 * value / sum(p.values()) for value in p.values()]
    return float(np.std(scaled)), scaled


def confusion(choices: list[Choice]) -> np.ndarray:
    return tabulate(choices)[:, :8]


def test_the_golden_vector(data: Path) -> None:
    choices = read_predictions(data / "raw/preference-bias/results.json.gz").choices
    found = report(choices)
    assert found["n"] == 1611
    assert found["macro_f1"] == pytest.approx(0.21890485, abs=5e-9)
    assert found["preference_bias"] == pytest.approx(0.76657646, abs=5e-9)
    assert found["weighted_f1"] == pytest.approx(0.22498, abs=5e-6)
    assert [line["preference"] for line in found["per_strategy"].values()] == pytest.approx(GOLDEN_P, abs=5e-4)


def test_the_judged_file_of_decoupledesc_gives_the_recomputed_row(data: Path) -> None:
    found = report(read_predictions(data / "raw/decoupledesc/Statistic/Statistic_SFT_Qwen2.5.json.gz").choices)
    assert (found["n"], round(found["macro_f1"], 3), round(found["weighted_f1"], 3)) == (1792, 0.202, 0.244)
    assert found["preference_bias"] == pytest.approx(0.345, abs=5e-4)
    width = {name: (high - low) / 2 for name, (low, high) in found["intervals"].items()}
    assert width["macro_f1"] == pytest.approx(0.022, abs=0.005)
    assert width["preference_bias"] == pytest.approx(0.08, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_bias_equals_the_published_sweeps(seed: int) -> None:
    choices = some_choices(400, seed=seed)
    bias, p = bias_by_hand(choices)
    assert float(preference_bias(confusion(choices))) == pytest.approx(bias, abs=1e-12)
    assert preferences(confusion(choices)) == pytest.approx(p, abs=1e-12)


def test_many_tables_at_once_give_what_each_gives_alone() -> None:
    tables = np.stack([confusion(some_choices(300, seed=seed)) for seed in range(4)])
    assert preference_bias(tables) == pytest.approx([float(preference_bias(table)) for table in tables], abs=1e-12)


def test_scores_equal_scikit_learns() -> None:
    choices = some_choices(500)
    gold, pred = [choice.gold.value for choice in choices], [choice.pred.value for choice in choices if choice.pred]
    found = report(choices, samples=10)
    assert found["macro_f1"] == pytest.approx(f1_score(gold, pred, average="macro"), abs=1e-12)
    assert found["weighted_f1"] == pytest.approx(f1_score(gold, pred, average="weighted"), abs=1e-12)
    assert found["accuracy"] == pytest.approx(accuracy_score(gold, pred), abs=1e-12)


def test_strategies_that_never_occur_do_not_count_as_scikit_learn_has_it() -> None:
    gold, pred = ["Question", "Question", "Others"], ["Question", "Others", "Others"]
    found = report([Choice(Strategy(left), Strategy(right)) for left, right in zip(gold, pred, strict=True)], samples=10)
    assert found["macro_f1"] == pytest.approx(f1_score(gold, pred, average="macro"))


def test_a_parse_failure_is_an_error_and_not_left_out() -> None:
    choices = some_choices(300, skill=0.6)
    worse = [Choice(choice.gold, None) if row < 100 else choice for row, choice in enumerate(choices)]
    found, kept = report(worse, samples=10), report(choices[100:], samples=10)
    assert (found["parse_failures"], found["n"]) == (100, 300)
    assert found["accuracy"] == pytest.approx(kept["accuracy"] * 200 / 300)
    assert found["macro_f1"] < kept["macro_f1"]
    assert found["weighted_f1"] < kept["weighted_f1"]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ([Choice(strategy, strategy) for strategy in STRATEGIES], "nothing to prefer"),
        ([Choice(strategy, Strategy.QUESTION) for strategy in STRATEGIES], "No turn of Question is mistaken"),
        (
            [Choice(gold, pred) for gold in STRATEGIES for pred in STRATEGIES if pred not in (Strategy.OTHERS, Strategy.INFORMATION)],
            "Information and Others are never predicted wrongly",
        ),
    ],
)
def test_an_undefined_bias_says_why_and_the_smoothed_one_stands(choices: list[Choice], words: str) -> None:
    found = report(choices, samples=20)
    assert found["preference_bias"] is None
    assert words in found["preference_bias_reason"]
    assert found["intervals"]["preference_bias"] is None
    assert found["preference_bias_smoothed"] is not None


def test_a_defined_bias_has_no_reason_and_is_not_the_smoothed_one() -> None:
    table = confusion(some_choices(500))
    assert why_undefined(table) is None
    assert float(smoothed_bias(table)) != pytest.approx(float(preference_bias(table)), abs=1e-6)
    assert float(smoothed_bias(table * 10_000)) == pytest.approx(float(preference_bias(table)), abs=1e-3)


def test_baselines_are_the_known_ones(data: Path) -> None:
    """REFERENCE section 4: label prior B .05-.06 with Q .128, uniform Q .119 and B .46, on ESConv."""
    choices = read_predictions(data / "raw/decoupledesc/Statistic/Statistic_SFT_Qwen2.5.json.gz").choices
    lines = report(choices)["baselines"]
    assert lines["label_prior"]["macro_f1"] == pytest.approx(0.126, abs=0.004)
    assert lines["label_prior"]["preference_bias"] == pytest.approx(0.06, abs=0.015)
    assert lines["uniform"]["macro_f1"] == pytest.approx(0.119, abs=0.003)
    assert lines["uniform"]["preference_bias"] == pytest.approx(0.46, abs=0.02)
    assert lines["majority"]["strategy"] == "Question"
    assert lines["majority"]["macro_f1"] == pytest.approx(lines["majority"]["accuracy"] * 2 / (1 + lines["majority"]["accuracy"]) / 8)
    assert lines["majority"]["preference_bias"] is None


def test_drawing_tables_is_the_row_bootstrap() -> None:
    choices = some_choices(200, failures=0.05)
    tables = resample(tabulate(choices), samples=3000, seed=1)["macro_f1"]
    rng = random.Random(1)
    rows = [report_q(rng.choices(choices, k=200)) for _ in range(600)]
    assert np.mean(tables) == pytest.approx(np.mean(rows), abs=0.005)
    assert np.std(tables) == pytest.approx(np.std(rows), rel=0.12)


def report_q(choices: list[Choice]) -> float:
    gold = [choice.gold.value for choice in choices]
    pred = [choice.pred.value if choice.pred else "none" for choice in choices]
    return float(f1_score(gold, pred, average="macro", labels=[strategy.value for strategy in STRATEGIES], zero_division=0))


def test_whole_dialogues_are_drawn_where_they_are_known() -> None:
    rng = random.Random(3)
    choices = []
    for dialogue in range(40):
        right = rng.random() < 0.5
        golds = rng.choices(STRATEGIES, k=20)
        choices += [Choice(gold, gold if right else rng.choice(STRATEGIES), str(dialogue)) for gold in golds]
    by_dialogue = report(choices)
    by_row = report([Choice(choice.gold, choice.pred) for choice in choices])
    assert (by_dialogue["resampled"], by_row["resampled"]) == ("dialogues", "rows")
    assert by_dialogue["macro_f1"] == by_row["macro_f1"]
    wide, narrow = by_dialogue["intervals"]["accuracy"], by_row["intervals"]["accuracy"]
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_a_thousand_samples_of_twenty_thousand_rows_are_quick() -> None:
    choices = some_choices(20_000)
    start = time.perf_counter()
    report(choices, samples=1000)
    assert time.perf_counter() - start < 5
