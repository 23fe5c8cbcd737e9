"""Bootstrap intervals: how far a figure could have come out otherwise, had other rows (or other dialogues) been drawn.

Percentile intervals (Efron 1979) by resampling with replacement, seeded.  Rows of one dialogue are not independent: give `clusters`
and whole dialogues are drawn.  Nothing here knows what the values mean, and nothing corrects for looking at many figures.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Statistic = Callable[[Values], float]

_CELLS = 4_000_000
"""Resampled indices held at once: bounds the memory, not the result."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile interval."""

    low: float
    high: float
    n: int
    """What was resampled: number of rows, or of clusters."""

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


def mean(values: Values) -> float:
    """The arithmetic mean."""
    return float(values.mean())


def interval(
    values: Sequence[float] | Values,
    *,
    statistic: Statistic = mean,
    clusters: Sequence[Hashable] | None = None,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The interval of a statistic over rows.

    Args:
        values: one finite number a row, at least one.
        statistic: of an array of values; the mean, which is fast, when not given.
        clusters: the dialogue of each row; whole dialogues are then drawn, and a mean is the mean over all drawn rows.
        samples: number of resamples.
        level: share of the resampled figures that lies inside, between 0 and 1.
        seed: of the draws; the same seed gives the same interval.

    Raises:
        ValueError: no values, one that is not finite, or another number of clusters than of values.
    """
    array = _checked(values)
    groups = [np.array([row]) for row in range(len(array))] if clusters is None else _groups(clusters, len(array))
    if statistic is not mean:
        return _of(
            [statistic(array[np.concatenate([groups[i] for i in drawn])]) for drawn in _draws(len(groups), samples, seed)], level, groups
        )
    sums, counts = np.array([array[rows].sum() for rows in groups]), np.array([len(rows) for rows in groups])
    found = [sums[drawn].sum() / counts[drawn].sum() for drawn in _draws(len(groups), samples, seed)]
    return _of(found, level, groups)


def paired_interval(
    first: Sequence[float] | Values,
    second: Sequence[float] | Values,
    *,
    clusters: Sequence[Hashable] | None = None,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The interval of mean(first - second), where the n-th values of both belong to the same row (the same seeker, turn or seed).

    Raises:
        ValueError: different lengths, no values, or one that is not finite.
    """
    left, right = _checked(first), _checked(second)
    if len(left) != len(right):
        raise ValueError(f"{len(left)} values cannot be paired with {len(right)}")
    return interval(left - right, clusters=clusters, samples=samples, level=level, seed=seed)


def percentiles(found: Sequence[float] | NDArray[Any], level: float) -> tuple[float, float]:
    """The two ends that hold `level` of the resampled figures between them."""
    low, high = np.quantile(np.asarray(found, dtype=float), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _of(found: Sequence[float], level: float, groups: Sequence[NDArray[np.intp]]) -> Interval:
    return Interval(*percentiles(found, level), n=len(groups))


def _checked(values: Sequence[float] | Values) -> Values:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise ValueError("an interval needs at least one value, in one row")
    if not np.isfinite(array).all():
        raise ValueError("an interval needs finite values")
    return array


def _groups(clusters: Sequence[Hashable], rows: int) -> list[NDArray[np.intp]]:
    if len(clusters) != rows:
        raise ValueError(f"{len(clusters)} clusters for {rows} values")
    found: dict[Hashable, list[int]] = {}
    for row, cluster in enumerate(clusters):
        found.setdefault(cluster, []).append(row)
    return [np.array(members) for members in found.values()]


def _draws(size: int, samples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """`samples` times `size` indices, drawn with replacement; in blocks, since drawing one by one is slow."""
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // size)
    for start in range(0, samples, step):
        yield from rng.integers(0, size, (min(step, samples - start), size))
