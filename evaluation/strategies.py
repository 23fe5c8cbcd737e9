"""What a planner's choices are worth against human ones: Q, weighted F1, accuracy, preference bias B, each with an interval.

Everything is computed from the table of counts (gold by predicted, a column for what could not be parsed), so that a thousand
resamples cost a thousand small tables.  Reads no file (`evaluation/predictions.py` does) and calls no model.  Q and B belong together:
each report carries both, beside three planners that look at nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.words import STRATEGIES, Strategy
from evaluation.bias import preference_bias, preferences, smoothed_bias, why_undefined
from evaluation.bootstrap import percentiles

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SIZE = len(STRATEGIES)
_INDEX = {strategy: index for index, strategy in enumerate(STRATEGIES)}
FIGURES = ("macro_f1", "weighted_f1", "accuracy", "preference_bias", "preference_bias_smoothed")


@dataclass(frozen=True, slots=True)
class Choice:
    """One supporter turn: what the human chose and what the planner chose."""

    gold: Strategy
    pred: Strategy | None
    """None where the answer could not be parsed: counted as an error."""
    dialogue: str | None = None
    """Where known for all rows, whole dialogues are resampled instead of rows."""


def tabulate(choices: Sequence[Choice]) -> Counts:
    """The counts [8, 9]: row = gold, column = predicted; the last column is what could not be parsed."""
    cells = [_cell(choice) for choice in choices]
    return np.bincount(cells, minlength=SIZE * (SIZE + 1)).reshape(SIZE, SIZE + 1)


def _cell(choice: Choice) -> int:
    return _INDEX[choice.gold] * (SIZE + 1) + (SIZE if choice.pred is None else _INDEX[choice.pred])


def f1_scores(tables: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of each strategy [..., 8] from tables [..., 8, 9]; 0 where nothing was predicted or nothing is gold."""
    right = np.diagonal(tables, axis1=-2, axis2=-1).astype(np.float64)
    gold, predicted = tables.sum(-1), tables[..., :SIZE].sum(-2)
    return _ratio(right, predicted), _ratio(right, gold), _ratio(2 * right, gold + predicted)


def figures(tables: NDArray[Any]) -> dict[str, Floats]:
    """FIGURES of each table [..., 8, 9]; NaN where undefined.

    Q is scikit-learn's `f1_score(average="macro")`: the mean over the strategies that are gold or predicted at least once.  A parse
    failure is an error of its gold strategy and makes no ninth class.
    """
    _, _, f1 = f1_scores(tables)
    gold, predicted = tables.sum(-1), tables[..., :SIZE].sum(-2)
    seen, total = (gold + predicted) > 0, gold.sum(-1)
    confusion = tables[..., :SIZE]
    return {
        "macro_f1": _ratio((f1 * seen).sum(-1), seen.sum(-1)),
        "weighted_f1": _ratio((f1 * gold).sum(-1), total),
        "accuracy": _ratio(np.trace(confusion, axis1=-2, axis2=-1), total),
        "preference_bias": preference_bias(confusion),
        "preference_bias_smoothed": smoothed_bias(confusion),
    }


def report(choices: Sequence[Choice], *, samples: int = 1000, level: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """All figures of a planner, for JSON: intervals, a line a strategy, the confusion matrix and the baselines.

    Args:
        choices: at least one.
        samples: of the bootstrap, and draws of each random baseline.
        level: of the intervals.
        seed: of both.
    """
    table = tabulate(choices)
    found = {name: _plain(value) for name, value in figures(table).items()}
    dialogues = _dialogues(choices)
    resampled = resample(choices if dialogues else table, samples=samples, seed=seed)
    return {
        **{name: found[name] for name in FIGURES[:3]},
        "preference_bias": found["preference_bias"],
        "preference_bias_reason": why_undefined(table[:, :SIZE]),
        "preference_bias_smoothed": found["preference_bias_smoothed"],
        "parse_failures": int(table[:, SIZE].sum()),
        "n": len(choices),
        "intervals": _intervals(resampled, level),
        "interval_level": level,
        "resampled": "dialogues" if dialogues else "rows",
        "per_strategy": _per_strategy(table),
        "confusion": table.tolist(),
        "baselines": baselines(table.sum(1), samples=samples, level=level, seed=seed),
    }


def resample(source: Sequence[Choice] | Counts, *, samples: int, seed: int) -> dict[str, Floats]:
    """FIGURES of `samples` bootstrap resamples.

    Rows that are drawn independently matter only by their cell of the table, and the cells of n draws with replacement are multinomial
    with the observed shares: drawing tables is the row bootstrap exactly, not nearly.  For whole dialogues the weights of the dialogues
    are multinomial in the same way, and tables are weighted sums of the tables of single dialogues.

    Args:
        source: a table [8, 9] (rows are drawn), or choices that all name their dialogue (dialogues are drawn).
        samples: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    if isinstance(source, np.ndarray):
        cells, total = source.reshape(-1), int(source.sum())
        drawn = rng.multinomial(total, cells / total, size=samples)
    else:
        single = _by_dialogue(source)
        drawn = rng.multinomial(len(single), np.full(len(single), 1 / len(single)), size=samples) @ single
    return figures(drawn.reshape(samples, SIZE, SIZE + 1))


def baselines(gold: NDArray[Any], *, samples: int = 1000, level: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """Three planners that look at nothing, on the same gold labels: figures of the majority, means and ranges of the random ones.

    Args:
        gold: how often each strategy is gold [8].
        samples: draws of a random planner.
        level: share of the draws in the range.
        seed: of the draws.
    """
    most = int(np.argmax(gold))
    majority = np.zeros((SIZE, SIZE + 1), dtype=np.int64)
    majority[:, most] = gold
    rng = np.random.default_rng(seed)
    return {
        "label_prior": _drawn(gold, gold / gold.sum(), rng, samples, level),
        "uniform": _drawn(gold, np.full(SIZE, 1 / SIZE), rng, samples, level),
        "majority": {
            **{name: _plain(value) for name, value in figures(majority).items()},
            "preference_bias_reason": why_undefined(majority[:, :SIZE]),
            "strategy": STRATEGIES[most].value,
        },
    }


def _drawn(gold: NDArray[Any], shares: Floats, rng: np.random.Generator, samples: int, level: float) -> dict[str, Any]:
    tables = np.zeros((samples, SIZE, SIZE + 1), dtype=np.int64)
    for row, count in enumerate(gold):
        tables[:, row, :SIZE] = rng.multinomial(int(count), shares, size=samples)
    found = figures(tables)
    means = {name: float(np.nanmean(values)) if np.isfinite(values).any() else None for name, values in found.items()}
    return {**means, "intervals": _intervals(found, level)}


def _per_strategy(table: Counts) -> dict[str, dict[str, Any]]:
    precision, recall, f1 = f1_scores(table)
    p = preferences(table[:, :SIZE])
    return {
        strategy.value: {
            "f1": float(f1[index]),
            "precision": float(precision[index]),
            "recall": float(recall[index]),
            "preference": _plain(p[index]),
            "gold": int(table[index].sum()),
            "predicted": int(table[:, index].sum()),
        }
        for index, strategy in enumerate(STRATEGIES)
    }


def _intervals(found: dict[str, Floats], level: float) -> dict[str, list[float] | None]:
    """Over the resamples in which the figure is defined; null where fewer than nine of ten are."""
    lines: dict[str, list[float] | None] = {}
    for name, values in found.items():
        defined = values[np.isfinite(values)]
        lines[name] = list(percentiles(defined, level)) if len(defined) >= 0.9 * len(values) else None
    return lines


def _dialogues(choices: Sequence[Choice]) -> bool:
    names = {choice.dialogue for choice in choices}
    return None not in names and len(names) > 1


def _by_dialogue(choices: Sequence[Choice]) -> Counts:
    names = {name: row for row, name in enumerate(dict.fromkeys(choice.dialogue for choice in choices))}
    single = np.zeros((len(names), SIZE * (SIZE + 1)), dtype=np.int64)
    np.add.at(single, ([names[choice.dialogue] for choice in choices], [_cell(choice) for choice in choices]), 1)
    return single


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    """0 where there is nothing to divide by, as scikit-learn has it."""
    top, bottom = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    return np.asarray(np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0))


def _plain(value: NDArray[Any] | np.float64) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
