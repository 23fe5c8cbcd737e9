from __future__ import annotations

import numpy as np
import pytest

from evaluation.bootstrap import interval
from evaluation.bytalk import correlation_of, difference_of, mean_of, share_of

RNG = np.random.default_rng(3)
TALKS = [f"talk{number}" for number in range(40) for _ in range(6)]
OFFSETS = np.repeat(RNG.normal(0, 1, 40), 6)
VALUES = OFFSETS + RNG.normal(0, 0.2, 240)


def test_the_interval_of_a_mean_is_that_of_the_cluster_bootstrap_and_wider_than_that_of_rows() -> None:
    mine, theirs = mean_of(VALUES, TALKS), interval(VALUES, clusters=TALKS)
    assert mine.value == pytest.approx(float(VALUES.mean()))
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=0.05)
    assert mine.low is not None
    assert mine.high is not None
    rows = interval(VALUES)
    assert mine.high - mine.low > 1.5 * (rows.high - rows.low)


def test_correlation_within_talks_does_not_see_what_differs_between_them() -> None:
    left, right = OFFSETS + RNG.normal(0, 0.1, 240), OFFSETS + RNG.normal(0, 0.1, 240)
    over, within = correlation_of(left, right, TALKS), correlation_of(left, right, TALKS, within=True)
    assert over.value == pytest.approx(float(np.corrcoef(left, right)[0, 1]))
    assert over.value is not None
    assert over.value > 0.9
    assert within.value is not None
    assert abs(within.value) < 0.2


def test_a_difference_is_the_second_minus_the_first() -> None:
    found = difference_of([1, 1, 3, 3], [False, False, True, True], ["a", "a", "b", "b"])
    assert found.value == 2


def test_none_in_three_hundred_is_not_never() -> None:
    found = share_of([False] * 300)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.0126, abs=0.0005)  # Wilson 1927, z = 1.96


def test_where_nothing_varies_there_is_no_correlation() -> None:
    assert correlation_of([1, 1, 1], [1, 2, 3], ["a", "b", "c"]).value is None
    assert mean_of([], []).value is None
