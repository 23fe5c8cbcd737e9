"""Preference bias B (Kang et al. 2024, arXiv 2402.13211): how far a planner's wrong choices lean towards some strategies.

Exactly the published fixed-point sweeps, for one confusion matrix or many at once.  Where the published formula divides zero by zero,
B is undefined and the reason is told; a smoothed figure, under its own name, is always defined.  B alone can be gamed (sampling from the
label prior makes it small): never read it without Q.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.words import STRATEGIES

Floats = NDArray[np.float64]

SWEEPS = 20
"""As published."""

SMOOTHING = 0.5
"""Added to each off-diagonal count for the smoothed B: half a mistake of every kind."""


def preferences(confusion: NDArray[Any]) -> Floats:
    """The Bradley-Terry preference p_i of each strategy, summing to 8; NaN in all places where it is undefined.

    Args:
        confusion: counts [..., 8, 8]: row = gold, column = predicted, in the order of STRATEGIES; the diagonal is not looked at.

    Returns:
        [..., 8].  Source: Kang et al. 2024, section 3.2, and the order of updates of its published script.
    """
    wins = np.swapaxes(confusion, -1, -2).astype(np.float64)
    size = wins.shape[-1]
    p = np.ones(wins.shape[:-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(SWEEPS):
            for i in range(size):
                others = [j for j in range(size) if j != i]
                both = p[..., [i]] + p[..., others]
                won = (wins[..., i, others] * (p[..., others] / both)).sum(-1)
                p[..., i] = won / (wins[..., others, i] / both).sum(-1)
            p = p / _geometric_mean(p)
        p = p * size / p.sum(-1, keepdims=True)
    return np.where(np.isfinite(p).all(-1, keepdims=True), p, np.nan)


def preference_bias(confusion: NDArray[Any]) -> Floats:
    """B of each matrix [..., 8, 8]: the population standard deviation of its preferences; NaN where they are undefined."""
    return np.asarray(preferences(confusion).std(-1))


def smoothed_bias(confusion: NDArray[Any]) -> Floats:
    """B after adding SMOOTHING to every off-diagonal count: always defined, never equal to B; not a published figure."""
    return preference_bias(np.asarray(confusion, dtype=np.float64) + SMOOTHING)


def why_undefined(confusion: NDArray[Any]) -> str | None:
    """Why B of one matrix [8, 8] is undefined, in a sentence; None where it is defined."""
    if np.isfinite(preference_bias(confusion)):
        return None
    mistakes = np.array(confusion, dtype=np.float64)
    np.fill_diagonal(mistakes, 0)
    if not mistakes.sum():
        return "No turn is mistaken for another strategy, so there is nothing to prefer (division by zero)."
    unmissed = [STRATEGIES[i].value for i in np.flatnonzero(mistakes.sum(1) == 0)]
    if unmissed:
        return f"No turn of {_listed(unmissed)} is mistaken for another strategy (division by zero)."
    unwon = [STRATEGIES[i].value for i in np.flatnonzero(mistakes.sum(0) == 0)]
    return f"{_listed(unwon)} are never predicted wrongly, so they cannot be compared with each other (zero by zero)."


def _geometric_mean(p: Floats) -> Floats:
    """Of the non-zero entries, kept as a last axis of length 1."""
    positive = p > 0
    logs = np.log(p, out=np.zeros_like(p), where=positive)
    return np.asarray(np.exp(logs.sum(-1, keepdims=True) / positive.sum(-1, keepdims=True)))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
