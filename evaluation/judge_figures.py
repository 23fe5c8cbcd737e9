"""What verdicts come to: means with intervals, agreement with itself and with people, and preferences controlled for order and length.

The length-controlled win rate is that of Dubois et al. 2024 (arXiv 2404.04475) without its terms for models and instructions: a logistic
regression of the preference on tanh of the standardised difference in words, read off at no difference.  Intervals are over dialogues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from evaluation.bootstrap import percentiles
from evaluation.bytalk import correlation_of, mean_of
from evaluation.judge import DIMENSIONS, Judged
from evaluation.judge_items import Match
from evaluation.judging import Verdict

Floats = NDArray[np.float64]
Figures = dict[str, Any]
SAMPLES = 400
FEWEST_STARS = 20


def rating_figures(verdicts: Sequence[Verdict], items: Sequence[Judged]) -> Figures:
    """Means by dimension over items (an item's repeats averaged first), and what could be wrong with them."""
    by_item: dict[str, list[Mapping[str, int]]] = {}
    for verdict in verdicts:
        if verdict.rating is not None:
            by_item.setdefault(verdict.item, []).append(verdict.rating)
    rated = [item for item in items if item.id in by_item]
    figures: Figures = {"items": len(items), "rated": len(rated), "answers": len(verdicts), **_failures(verdicts)}
    means = {name: np.array([np.mean([one[name] for one in by_item[item.id]]) for item in rated]) for name in DIMENSIONS}
    figures["dimensions"] = {name: _dimension(means[name], name, rated, by_item) for name in DIMENSIONS}
    figures["people"] = _people(means, rated)
    return figures


def _failures(verdicts: Sequence[Verdict]) -> Figures:
    kinds = Counter(verdict.error.kind for verdict in verdicts if verdict.error is not None)
    return {"failures": sum(kinds.values()), "failures_by_kind": dict(kinds)}


def _dimension(values: Floats, name: str, rated: Sequence[Judged], by_item: Mapping[str, Sequence[Mapping[str, int]]]) -> Figures:
    talks = [item.dialogue for item in rated]
    spreads = [float(np.std([one[name] for one in by_item[item.id]], ddof=1)) for item in rated if len(by_item[item.id]) > 1]
    return {
        "mean": mean_of(values, talks).plain(),
        "spread": round(float(values.std()), 4) if len(values) else None,
        "repeat_spread": round(float(np.mean(spreads)), 4) if spreads else None,
        "length_correlation": correlation_of(values, [item.words for item in rated], talks).plain(),
    }


def _people(means: Mapping[str, Floats], rated: Sequence[Judged]) -> Figures | None:
    """Rank correlation with human seekers' stars; None where there are too few."""
    having = [index for index, item in enumerate(rated) if item.stars is not None]
    if len(having) < FEWEST_STARS:
        return None
    talks, stars = [rated[i].dialogue for i in having], rankdata([rated[i].stars for i in having])
    whole = {**means, "sum": np.sum([means[name] for name in DIMENSIONS], axis=0)}
    found = {name: correlation_of(rankdata(values[having]), stars, talks).plain() for name, values in whole.items()}
    lengths = correlation_of(rankdata([rated[i].words for i in having]), stars, talks).plain()
    return {"n": len(having), "spearman": found, "words_spearman": lengths}


def comparison_figures(verdicts: Sequence[Verdict], pairs: Sequence[Match], names: tuple[str, str]) -> Figures:
    """Win rate of the left side, order and length taken care of.

    A repeat counts only when both orders were answered: the same side twice is a win, one side and `same` three quarters of one, the
    first (or the second) shown twice over is a draw and counted as a flip.
    """
    both: dict[tuple[str, int], dict[str, str]] = {}
    for verdict in verdicts:
        if verdict.better is not None:
            both.setdefault((verdict.item, verdict.repeat), {})[verdict.order] = verdict.better
    whole = {key: answers for key, answers in both.items() if len(answers) == 2}
    points: dict[str, list[float]] = {}
    for (item, _), answers in whole.items():
        points.setdefault(item, []).append(sum(_point(side) for side in answers.values()) / 2)
    judged = [match for match in pairs if match.id in points]
    scores = np.array([float(np.mean(points[match.id])) for match in judged])
    talks, apart = [match.dialogue for match in judged], np.array([match.left.words - match.right.words for match in judged], dtype=float)
    flips = sum(set(answers.values()) == {"left", "right"} for answers in whole.values())
    shown = [(verdict.better == "left") is (verdict.order == "as given") for verdict in verdicts if verdict.better in ("left", "right")]
    return {
        "left": names[0],
        "right": names[1],
        "matches": len(pairs),
        "judged": len(judged),
        "answers": len(verdicts),
        **_failures(verdicts),
        "left_wins": int((scores > 0.5).sum()),
        "ties": int((scores == 0.5).sum()),
        "right_wins": int((scores < 0.5).sum()),
        "win_rate": mean_of(scores, talks).plain(),
        "win_rate_at_equal_length": _controlled(scores, apart, talks),
        "words_apart": round(float(apart.mean()), 2) if len(apart) else None,
        "length_correlation": correlation_of(scores, apart, talks).plain(),
        "order_flips": round(flips / len(whole), 4) if whole else None,
        "first_shown_wins": round(sum(shown) / len(shown), 4) if shown else None,
    }


def _point(side: str) -> float:
    return {"left": 1.0, "same": 0.5, "right": 0.0}[side]


def _controlled(scores: Floats, apart: Floats, talks: Sequence[str]) -> Figures:
    """The win rate at equal length, with its interval over dialogues; None where there is nothing to fit."""
    if len(scores) < 2 or apart.std() < 1e-9:
        return mean_of(scores, talks).plain()
    length = np.tanh(apart / apart.std())
    order = {talk: number for number, talk in enumerate(dict.fromkeys(talks))}
    index = np.array([order[talk] for talk in talks])
    rng = np.random.default_rng(0)
    drawn = [rng.multinomial(len(order), np.full(len(order), 1 / len(order)))[index].astype(float) for _ in range(SAMPLES)]
    low, high = percentiles([_at_zero(length, scores, weights) for weights in drawn], 0.95)
    value = _at_zero(length, scores, np.ones(len(scores)))
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4), "n": len(scores), "talks": len(order)}


def _at_zero(length: Floats, scores: Floats, weights: Floats) -> float:
    """Fitted preference at no difference in length: Newton's method with a slight ridge, which a clean sweep needs."""
    design, beta = np.column_stack([np.ones_like(length), length]), np.zeros(2)
    for _ in range(25):
        guess = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        slope = design.T @ (weights * (scores - guess)) - 0.1 * beta
        curve = (design * (weights * guess * (1 - guess))[:, None]).T @ design + 0.1 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        beta = beta + np.clip(step, -3, 3)
        if float(np.abs(step).max()) < 1e-8:
            break
    return float(1 / (1 + np.exp(-beta[0])))
