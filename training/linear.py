"""Training of the linear planner (`sft planner --base linear`): multinomial logistic regression over the features of agents/chat.

The regularisation and the prior correction are chosen by cross-validation over whole dialogues of the training data, never on the
data that a planner is scored on.  Learns from supporter turns and their gold strategies alone: no ratings, no preferences.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agents.chat.features import state, terms
from agents.chat.linear import LinearModel, normalised, save, vector
from agents.errors import InputError
from agents.words import STRATEGIES, Utterance
from evaluation.forced import decisions
from evaluation.strategies import SIZE, figures
from simulator.corpora.reading import read_corpus
from simulator.dialogue import Dialogue
from simulator.episode import StopReason

Floats = NDArray[np.float64]
OnProgress = Callable[[int, int], None]

STRENGTHS = (0.015, 0.03, 0.06, 0.12, 0.25)
"""Inverse regularisation strengths that are tried, from strong to weak, until the log loss rises."""
PRIORS = tuple(step / 10 for step in range(11))
"""Prior corrections that are tried, from none to full."""
MOST_BIAS = 0.25
"""The prior correction is the one of highest cross-validated Q among those whose B is at most this."""
FOLDS = 4
_RARE = 5
"""A word must occur in so many contexts to be known."""
_STEPS = 400
_NEVER = -12.0
"""Log-probability of a strategy that the training data never shows."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One point of the trade-off curve: a prior correction and what it does in cross-validation."""

    prior: float
    macro_f1: float
    weighted_f1: float
    accuracy: float
    preference_bias: float | None
    """None where undefined."""


@dataclass(frozen=True, slots=True)
class LinearReport:
    """What came of the training."""

    rows: int
    dialogues: int
    skipped: dict[str, int]
    """Dialogues and turns that were passed over, by reason."""
    strength: float
    log_loss: float
    """Cross-validated, in nats, without prior correction."""
    prior: float
    curve: tuple[Setting, ...]
    features: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Rows:
    contexts: list[tuple[Utterance, ...]]
    labels: NDArray[np.intp]
    groups: NDArray[np.intp]
    skipped: Counter[str]


def train_linear(
    sources: Sequence[Path], out: Path, *, seed: int = 0, prior: float | None = None, on_progress: OnProgress | None = None
) -> LinearReport:
    """Train a linear planner and write it to `out`, where `linear:OUT` finds it.

    Args:
        sources: runs, or corpora of any format that `simulator/corpora` reads; crisis talks and failed ones are left out.
        out: the model's folder; replaced as a whole, in two atomic steps.
        seed: of the folds.
        prior: strength of the prior correction, 0 to 1; chosen by cross-validation when None.
        on_progress: called with (fits done, fits in all).

    Raises:
        InputError: a prior outside 0 to 1, unreadable sources, fewer than 2 dialogues or fewer than 2 strategies.
    """
    if prior is not None and not 0 <= prior <= 1:
        raise InputError(f"--prior {prior}: must lie between 0 and 1.", hint="0 corrects nothing, 1 fully.")
    start = time.monotonic()
    rows = _checked(_read(sources), sources)
    vocabulary, idf = _vocabulary(rows.contexts)
    matrix = _matrix(rows.contexts, vocabulary, idf)
    with threadpool_limits(1):  # matrices this thin only wait for each other on many threads
        strength, loss, held_out = _strength(matrix, rows, seed, on_progress)
        weights, intercept = _fit(matrix, rows.labels, strength)
    offsets = prior_offsets(held_out, rows.labels)
    curve = trade_off(held_out, rows.labels, offsets)
    chosen = prior if prior is not None else best_prior(curve)
    model = LinearModel(vocabulary, idf, weights, intercept, offsets.astype(np.float32), chosen)
    report = LinearReport(
        rows=len(rows.labels),
        dialogues=len(set(rows.groups.tolist())),
        skipped=dict(rows.skipped),
        strength=strength,
        log_loss=loss,
        prior=chosen,
        curve=curve,
        features=len(vocabulary),
        seconds=time.monotonic() - start,
    )
    save(model, out, _about(report, sources, seed))
    return report


def prior_offsets(logs: Floats, labels: NDArray[np.intp]) -> Floats:
    """What to add to the log-probabilities so that each strategy is the likeliest as often as it is gold.

    Found by small steps against the log of (share chosen / share gold); on cross-validated predictions, so that it holds for new talks.

    Args:
        logs: log-probabilities [N, 8].
        labels: gold [N].
    """
    gold = np.bincount(labels, minlength=SIZE) / len(labels)
    offsets = np.zeros(SIZE)
    known = gold > 0
    for step in range(_STEPS):
        chosen = np.bincount((logs + offsets).argmax(1), minlength=SIZE) / len(labels)
        pull = np.log(gold[known]) - np.log(chosen[known] + 1e-3)
        offsets[known] += 0.2 * (1 - step / _STEPS) * pull
    offsets[known] -= offsets[known].mean()
    return offsets


def trade_off(logs: Floats, labels: NDArray[np.intp], offsets: Floats) -> tuple[Setting, ...]:
    """Q, weighted F1, accuracy and B of taking the likeliest strategy, for each of PRIORS."""
    return tuple(_setting(prior, logs + prior * offsets, labels) for prior in PRIORS)


def _setting(prior: float, logs: Floats, labels: NDArray[np.intp]) -> Setting:
    table = np.zeros((SIZE, SIZE + 1), dtype=np.int64)
    np.add.at(table, (labels, logs.argmax(1)), 1)
    found = {name: float(value) for name, value in figures(table).items()}
    bias = found["preference_bias"]
    return Setting(prior, found["macro_f1"], found["weighted_f1"], found["accuracy"], bias if np.isfinite(bias) else None)


def best_prior(curve: Sequence[Setting]) -> float:
    """The setting of highest Q among those with B of at most MOST_BIAS; of lowest B where there is none; else full correction."""
    defined = [(setting, setting.preference_bias) for setting in curve if setting.preference_bias is not None]
    if not defined:
        return curve[-1].prior
    low = [setting for setting, bias in defined if bias <= MOST_BIAS]
    return max(low, key=lambda setting: setting.macro_f1).prior if low else min(defined, key=lambda pair: pair[1])[0].prior


def _read(sources: Sequence[Path]) -> _Rows:
    contexts: list[tuple[Utterance, ...]] = []
    labels: list[int] = []
    groups: list[int] = []
    skipped: Counter[str] = Counter()
    corpora = [read_corpus(source) for source in sources]
    for group, dialogue in enumerate(chain.from_iterable(corpora)):
        if reason := _left_out(dialogue):
            skipped[reason] += 1
            continue
        for decision in decisions(dialogue):
            if decision.gold is None:
                skipped["supporter turn without a strategy"] += 1
                continue
            contexts.append(decision.context)
            labels.append(STRATEGIES.index(decision.gold))
            groups.append(group)
    for corpus in corpora:
        skipped.update(corpus.skipped.counts)
    return _Rows(contexts, np.array(labels, dtype=np.intp), np.array(groups, dtype=np.intp), skipped)


def _left_out(dialogue: Dialogue) -> str | None:
    if dialogue.stop == StopReason.FAILED:
        return "failed talk"
    return "crisis talk" if dialogue.crisis else None


def _checked(rows: _Rows, sources: Sequence[Path]) -> _Rows:
    names = ", ".join(str(source) for source in sources)
    if len(set(rows.groups.tolist())) < 2:
        raise InputError(f"{names}: fewer than 2 dialogues with labelled supporter turns.", hint="Give a run or a corpus with strategies.")
    if len(set(rows.labels.tolist())) < 2:
        raise InputError(f"{names}: only one strategy is used in it, so there is nothing to choose.", hint="Give other data.")
    return rows


def _vocabulary(contexts: Sequence[tuple[Utterance, ...]]) -> tuple[dict[str, int], NDArray[np.float32]]:
    """Feature names to rows, and the idf of each row, smoothed as scikit-learn does."""
    states, seen = Counter[str](), Counter[str]()
    for context in contexts:
        states.update(state(context).keys())
        for counts in terms(context).values():
            seen.update(counts.keys())
    words = sorted(term for term, count in seen.items() if count >= _RARE)
    names = [*sorted(states), *words]
    idf = [1.0] * len(states) + [float(np.log((1 + len(contexts)) / (1 + seen[word])) + 1) for word in words]
    return {name: row for row, name in enumerate(names)}, np.array(idf, dtype=np.float32)


def _matrix(contexts: Sequence[tuple[Utterance, ...]], vocabulary: dict[str, int], idf: NDArray[np.float32]) -> csr_matrix:
    pairs = [vector(context, vocabulary, idf) for context in contexts]
    ends = np.cumsum([0, *(len(rows) for rows, _ in pairs)])
    columns, values = np.concatenate([rows for rows, _ in pairs]), np.concatenate([values for _, values in pairs])
    return csr_matrix((values, columns, ends), shape=(len(contexts), len(vocabulary)))


def _folds(rows: _Rows) -> int:
    return min(FOLDS, len(set(rows.groups.tolist())))


def _strength(matrix: csr_matrix, rows: _Rows, seed: int, on_progress: OnProgress | None) -> tuple[float, float, Floats]:
    """The strength of least log loss, that loss, and the log-probabilities of each row by a model that has not seen its dialogue."""
    best: tuple[float, float, Floats] | None = None
    folds = GroupKFold(_folds(rows), shuffle=True, random_state=seed)
    splits = list(folds.split(matrix, rows.labels, rows.groups))
    total = len(STRENGTHS) * len(splits)
    for number, strength in enumerate(STRENGTHS):
        logs = np.zeros((len(rows.labels), SIZE))
        for fold, (known, new) in enumerate(splits, start=1):
            weights, intercept = _fit(matrix[known], rows.labels[known], strength)
            logs[new] = normalised(matrix[new] @ weights + intercept)
            if on_progress:
                on_progress(number * len(splits) + fold, total)
        loss = -float(logs[np.arange(len(logs)), rows.labels].mean())
        if best is not None and loss >= best[1]:
            break
        best = strength, loss, logs
    if on_progress:
        on_progress(total, total)
    assert best is not None
    return best


def _fit(matrix: csr_matrix, labels: NDArray[np.intp], strength: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights [F, 8] and intercept [8]; a strategy that is not among the labels is next to impossible."""
    weights, intercept = np.zeros((matrix.shape[1], SIZE), dtype=np.float32), np.full(SIZE, _NEVER, dtype=np.float32)
    classes = np.unique(labels)
    if len(classes) < 2:
        intercept[classes] = 0
        return weights, intercept
    fitted = LogisticRegression(C=strength, tol=1e-3, max_iter=1000).fit(matrix, labels)
    if len(classes) == 2:  # one column for two classes
        weights[:, classes[1]], intercept[classes] = fitted.coef_[0], [0, fitted.intercept_[0]]
    else:
        weights[:, classes], intercept[classes] = fitted.coef_.T, fitted.intercept_
    return weights, intercept


def _about(report: LinearReport, sources: Sequence[Path], seed: int) -> dict[str, Any]:
    content = asdict(report)
    content.pop("seconds")
    content.pop("prior")
    files = [source / "episodes.jsonl" if source.is_dir() else source for source in sources]
    trained = [
        {"name": source.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()} for source, file in zip(sources, files, strict=True)
    ]
    return {"seed": seed, "trained_on": trained, **content}
