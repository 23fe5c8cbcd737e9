from __future__ import annotations

import numpy as np
import pytest

from evaluation.bootstrap import interval, paired_interval


def test_the_interval_of_a_mean_has_the_width_that_theory_gives() -> None:
    values = np.random.default_rng(1).normal(2.0, 3.0, 900)
    found = interval(values)
    half = 1.96 * values.std() / 30
    assert found.low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.high == pytest.approx(values.mean() + half, abs=0.03)
    assert found.n == 900
    assert found.excludes_zero


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = list(np.random.default_rng(2).normal(0, 1, 50))
    assert interval(values, seed=4) == interval(values, seed=4)
    assert interval(values, seed=4) != interval(values, seed=5)


def test_rows_of_one_dialogue_are_drawn_together() -> None:
    values = [float(dialogue % 2) for dialogue in range(20) for _ in range(50)]
    dialogues = [dialogue for dialogue in range(20) for _ in range(50)]
    rows, whole = interval(values), interval(values, clusters=dialogues)
    assert whole.n == 20
    assert whole.high - whole.low > 4 * (rows.high - rows.low)


def test_any_statistic_can_be_asked_for_and_agrees_with_the_fast_mean() -> None:
    values, dialogues = list(np.random.default_rng(3).normal(5, 1, 60)), [row // 7 for row in range(60)]
    slow = interval(values, clusters=dialogues, statistic=lambda drawn: float(np.sum(drawn) / len(drawn)))
    fast = interval(values, clusters=dialogues)
    assert (slow.low, slow.high) == pytest.approx((fast.low, fast.high))
    median = interval([*values, 1000.0], statistic=lambda drawn: float(np.median(drawn)))
    assert median.high < 6


def test_a_paired_interval_sees_what_two_single_ones_hide() -> None:
    rng = np.random.default_rng(5)
    before = rng.normal(0, 10, 80)
    after = before + rng.normal(0.5, 0.3, 80)
    assert paired_interval(after, before).excludes_zero
    assert not interval(after).excludes_zero


@pytest.mark.parametrize(
    ("values", "clusters", "words"), [([], None, "at least one"), ([1.0, float("nan")], None, "finite"), ([1.0], ["a", "b"], "2 clusters")]
)
def test_what_cannot_be_resampled_is_refused(values: list[float], clusters: list[str] | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        interval(values, clusters=clusters)


def test_unequal_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_interval([1.0], [1.0, 2.0])
