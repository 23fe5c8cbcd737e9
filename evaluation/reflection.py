"""Reflection: the critic's inferred profile, emotion, intensity and need against the seeker's true hidden ones.

The measure that needs a simulator: in human talks the truth is not there.  Each figure stands beside its chance level, made from the
same inferences set against other talks' truths, and beside a trivial rival where there is one.  Words are compared as words (TF-IDF):
a right need in other words counts as missed, so nearness is a floor for a model that paraphrases.  No model is called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.emotions import Family, close
from agents.errors import InputError
from evaluation.bytalk import Estimate, correlation_of, difference_of, mean_of
from evaluation.looks import FIFTHS, Look, Looks
from evaluation.retrieval import ranks_of

Floats = NDArray[np.float64]
Figures = dict[str, Any]
MOST_TOLD = 500
"""Talks on which the seeker's own words are taken as a rival query: growing texts are slow to read."""


def reflection_figures(found: Looks) -> Figures:
    """All figures of a run's reflections, as plain values.

    Raises:
        InputError: there is no reflection to measure.
    """
    if not found.looks:
        why = f"{found.failed} of {found.episodes} talks failed" if found.failed else "the critic was never asked"
        raise InputError(f"There is no reflection to measure: {why}.", hint="Simulate with a critic (critic.share above 0).")
    looks, talks = found.looks, [look.talk for look in found.looks]
    return {
        "talks": len(found.truths),
        "reflections": len(looks),
        "failed": found.failed,
        "without_reflection": found.unseen,
        "critics": dict(found.critics),
        "intensity": _intensity(looks, talks),
        "emotion": _emotion(found, talks),
        "need": _nearness(found, "need"),
        "situation": _nearness(found, "situation"),
        "persona": _nearness(found, "persona"),
    }


def _intensity(looks: Sequence[Look], talks: Sequence[str]) -> Figures:
    """Error in points of ESConv's scale; chance = the same inferences against any talk's mind in the same fifth."""
    said = np.array([look.said.intensity for look in looks], dtype=float)
    true = np.array([look.intensity for look in looks])
    error = np.abs(said - true)
    constant = float(median(true))
    return {
        "error": mean_of(error, talks).plain(),
        "bias": mean_of(said - true, talks).plain(),
        "chance_error": round(_chance_error(looks, said, true), 4),
        "constant_error": round(float(np.abs(constant - true).mean()), 4),
        "constant": round(constant, 2),
        "correlation": correlation_of(said, true, talks).plain(),
        "correlation_within_talks": correlation_of(said, true, talks, within=True).plain(),
        **_by_fifth(error, looks),
    }


def _chance_error(looks: Sequence[Look], said: Floats, true: Floats) -> float:
    """Mean absolute error against the minds of all talks in the same fifth: exact, no drawing."""
    total = 0.0
    fifths = np.array([look.fifth for look in looks])
    for fifth in range(FIFTHS):
        mine = fifths == fifth
        for value, times in Counter(said[mine].tolist()).items():
            total += times * float(np.abs(value - true[mine]).mean())
    return total / len(looks)


def _emotion(found: Looks, talks: Sequence[str]) -> Figures:
    """Whether the first feeling that is named is the scenario's, or one a careful listener may name for it."""
    looks, truths = found.looks, found.truths
    true = [truths[look.talk].emotion for look in looks]
    exact = np.array([look.named is family for look, family in zip(looks, true, strict=True)], dtype=float)
    near = np.array([_may_stand(look.named, family) for look, family in zip(looks, true, strict=True)], dtype=float)
    mix = Counter(truth.emotion for truth in truths.values())
    commonest = Counter(true).most_common(1)[0]
    return {
        "named": mean_of([look.named is not None for look in looks], talks).plain(),
        "exact": mean_of(exact, talks).plain(),
        "near": mean_of(near, talks).plain(),
        "chance_exact": round(_chance_match(found, mix, exact_only=True), 4),
        "chance_near": round(_chance_match(found, mix, exact_only=False), 4),
        "always": commonest[0].value,
        "always_exact": round(commonest[1] / len(looks), 4),
        "always_near": round(sum(close(commonest[0], family) for family in true) / len(looks), 4),
        **_by_fifth(near, looks),
    }


def _may_stand(named: Family | None, true: Family) -> bool:
    return named is not None and close(named, true)


def _chance_match(found: Looks, mix: Counter[Family], *, exact_only: bool) -> float:
    """Share of matches when each inference meets every other talk's emotion."""
    others = max(1, len(found.truths) - 1)
    total = 0.0
    for look in found.looks:
        own = found.truths[look.talk].emotion
        for family, times in mix.items():
            match = look.named is family if exact_only else _may_stand(look.named, family)
            total += match * (times - (family is own)) / others
    return total / len(found.looks)


def _nearness(found: Looks, part: str) -> Figures:
    """How often a talk's own truth lies nearer to the inference than another's: .5 is chance, 1 is always.

    The area under the ROC curve of one truth against the others, ties counted half; the rival query is all that the seeker has said.
    """
    truths = {talk: getattr(truth, part) for talk, truth in found.truths.items()}
    looks, talks = found.looks, [look.talk for look in found.looks]
    ranks = ranks_of([look.said.need if part == "need" else look.said.profile for look in looks], talks, truths)
    if ranks is None:
        return {"auc": Estimate(None, None, None, len(looks), len(truths)).plain(), "reason": "fewer than two different truths"}
    some = set(list(truths)[:MOST_TOLD])
    heard = [look for look in looks if look.talk in some]
    rival = ranks_of([look.told for look in heard], [look.talk for look in heard], truths)
    return {
        "auc": mean_of(ranks.auc, talks).plain(),
        "first": mean_of(ranks.first, talks).plain(),
        "chance_auc": 0.5,
        "chance_first": round(1 / ranks.truths, 4),
        "truths": ranks.truths,
        "same_for_all": round(ranks.tied, 4),
        "told_auc": mean_of(rival.auc, [look.talk for look in heard]).plain() if rival else None,
        **_by_fifth(ranks.auc, looks),
    }


def _by_fifth(values: Floats, looks: Sequence[Look]) -> Figures:
    """The figure by fifth of the talk, and the last fifth minus the first with its interval."""
    fifths = np.array([look.fifth for look in looks])
    means = [round(float(values[fifths == fifth].mean()), 4) if (fifths == fifth).any() else None for fifth in range(FIFTHS)]
    ends = np.flatnonzero((fifths == 0) | (fifths == FIFTHS - 1))
    change = difference_of(values[ends], (fifths[ends] == FIFTHS - 1).tolist(), [looks[int(i)].talk for i in ends])
    return {"by_fifth": means, "last_minus_first": change.plain()}
