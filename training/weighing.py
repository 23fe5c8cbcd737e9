"""Weighing: whether the best of a few strategies is better than the worst, or whether rollouts only drew that well.

Numbers in, a verdict out; where the values come from is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import mean

from scipy.stats import studentized_range

from agents.words import Strategy

LEVEL = 0.95
"""How sure a gap must be to be kept."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rollouts of one fork say."""

    values: Mapping[Strategy, float]
    """Mean value of each strategy."""
    noise: float
    """Standard error of a difference of two of these means."""
    least: float
    """Gap that best and worst of as many equal strategies reach in only 5% of forks."""

    @property
    def best(self) -> Strategy:
        return max(self.values, key=lambda option: self.values[option])

    @property
    def worst(self) -> Strategy:
        return min(self.values, key=lambda option: self.values[option])

    @property
    def gap(self) -> float:
        return self.values[self.best] - self.values[self.worst]

    @property
    def sure(self) -> bool:
        """Whether the gap is larger than its noise."""
        return self.gap > self.least and self.gap > 0


def verdict(values: Mapping[Strategy, Sequence[float]]) -> Verdict:
    """Weigh the rollouts of a fork.

    Rollouts of one number share their seed over the strategies, so a block design fits: the noise is what is left after the means of
    strategies and of numbers are taken out.  Since best and worst are picked among `k`, the least gap is Tukey's honest significant
    difference, q(.95; k, (k-1)(r-1)) * sqrt(MS / r), and not 1.96 standard errors of one difference.

    Args:
        values: of each strategy, the value of each rollout, in the same order and number; at least two strategies and two rollouts.
    """
    k, r = len(values), len(next(iter(values.values())))
    means = {option: mean(found) for option, found in values.items()}
    blocks = [mean(found[number] for found in values.values()) for number in range(r)]
    centre = mean(blocks)
    rest = sum((found[number] - means[option] - blocks[number] + centre) ** 2 for option, found in values.items() for number in range(r))
    square = rest / ((k - 1) * (r - 1))
    return Verdict(means, noise=math.sqrt(2 * square / r), least=_studentized(k, (k - 1) * (r - 1)) * math.sqrt(square / r))


@cache
def _studentized(k: int, freedom: int) -> float:
    """Quantile of the studentized range (Tukey 1949)."""
    return float(studentized_range.ppf(LEVEL, k, freedom))
