"""Figures over turns with intervals over talks: means, differences and correlations from sums per talk.

Turns of one talk resemble each other, so whole talks are drawn (a cluster bootstrap).  Every figure here is a function of sums, and a
talk's sums are computed once: a resample is then one weighted sum, for thousands of talks too.  It knows nothing of what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.bootstrap import percentiles

Floats = NDArray[np.float64]
_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval; all None where there is nothing to compute it from."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Turns."""
    talks: int

    def plain(self) -> dict[str, float | int | None]:
        """For JSON: rounded to four digits."""
        return {
            "value": _rounded(self.value),
            "low": _rounded(self.low),
            "high": _rounded(self.high),
            "n": self.n,
            "talks": self.talks,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def mean_of(values: Sequence[float] | Floats, talks: Sequence[Hashable], *, seed: int = 0) -> Estimate:
    """The mean over turns; `talks` names the talk of each value."""
    array = np.asarray(values, dtype=np.float64)
    return _estimate(np.column_stack([np.ones_like(array), array]), talks, _mean, seed)


def share_of(marked: Sequence[bool]) -> Estimate:
    """The share of talks that are marked, one value a talk, with Wilson's score interval (1927): none in 300 is not `never`."""
    count, hits = len(marked), sum(marked)
    if not count:
        return Estimate(None, None, None, 0, 0)
    z, share = 1.959964, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == count else min(1.0, middle + half)
    return Estimate(share, low, high, count, count)


def difference_of(values: Sequence[float] | Floats, second: Sequence[bool], talks: Sequence[Hashable], *, seed: int = 0) -> Estimate:
    """Mean of the values marked `second` minus the mean of the others: what changes from one part of the talks to another."""
    array, mark = np.asarray(values, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return _estimate(np.column_stack([1 - mark, (1 - mark) * array, mark, mark * array]), talks, _difference, seed)


def correlation_of(
    left: Sequence[float] | Floats, right: Sequence[float] | Floats, talks: Sequence[Hashable], *, within: bool = False, seed: int = 0
) -> Estimate:
    """Pearson's r over turns.

    Args:
        left: one value a turn.
        right: the other value of the same turn.
        talks: the talk of each turn.
        within: take each talk's own means off first, so that only movement inside the talks counts.
        seed: of the draws.
    """
    first, second = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if within:
        first, second = _centred(first, talks), _centred(second, talks)
    products = [np.ones_like(first), first, second, first * first, second * second, first * second]
    return _estimate(np.column_stack(products), talks, _pearson, seed)


def _centred(values: Floats, talks: Sequence[Hashable]) -> Floats:
    index, size = _indexed(talks)
    means = np.bincount(index, values, size) / np.maximum(np.bincount(index, minlength=size), 1)
    return np.asarray(values - means[index])


def _indexed(talks: Sequence[Hashable]) -> tuple[NDArray[np.int64], int]:
    order: dict[Hashable, int] = {}
    index = np.array([order.setdefault(talk, len(order)) for talk in talks], dtype=np.int64)
    return index, len(order)


def _estimate(rows: Floats, talks: Sequence[Hashable], figure: Callable[[Floats], Floats], seed: int, samples: int = 1000) -> Estimate:
    if len(rows) != len(talks):
        raise ValueError(f"{len(talks)} talks for {len(rows)} values")
    index, size = _indexed(talks)
    if not size:
        return Estimate(None, None, None, 0, 0)
    sums = np.column_stack([np.bincount(index, column, size) for column in rows.T]).astype(np.float64)
    value = float(figure(sums.sum(axis=0, keepdims=True))[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, len(rows), size)
    drawn = figure(_resampled(sums, samples, seed))
    drawn = drawn[np.isfinite(drawn)]
    low, high = percentiles(drawn, 0.95) if len(drawn) else (value, value)
    return Estimate(value, low, high, len(rows), size)


def _resampled(sums: Floats, samples: int, seed: int) -> Floats:
    """The sums of `samples` draws of as many talks as there are, with replacement; shape (samples, columns)."""
    rng, size = np.random.default_rng(seed), len(sums)
    step, even = max(1, _CELLS // size), np.full(size, 1 / size)
    blocks = [rng.multinomial(size, even, min(step, samples - start)) @ sums for start in range(0, samples, step)]
    return np.concatenate(blocks)


def _mean(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[:, 1] / sums[:, 0])


def _difference(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[:, 3] / sums[:, 2] - sums[:, 1] / sums[:, 0])


def _pearson(sums: Floats) -> Floats:
    count, x, y, xx, yy, xy = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (xx - x * x / count) * (yy - y * y / count)
        return np.asarray(np.where(spread > 1e-12, (xy - x * y / count) / np.sqrt(np.maximum(spread, 1e-300)), np.nan))
