"""The role reader: which side does a turn sound like?  It finds a seeker that speaks as a supporter without any list of phrases.

A logistic regression over words and word pairs learns the two sides from the very talks that are checked, and reads each talk without
having seen it (folds of talks).  Seeker turns that it takes for the supporter's with great certainty, that say `you` and nothing of
oneself, are flagged: slight for one (people ask back), clear for two in a talk.  It learns what most talks do: where every talk is
flipped it has nothing to go by.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from agents.text import plain, words
from agents.words import Speaker, Talk
from evaluation.seeker.tags import CLEAR, SLIGHT, Flag, Tag

SURE = 0.8
"""A seeker's turn is flagged that sounds more like a supporter than this share of the supporter's own turns.

A rank and not a probability: many flipped turns make the model less certain, but hardly change the order.
"""
ABLE = 0.75
"""AUC below which the reader can't tell the sides apart and says nothing."""
SHORTEST = 6
"""Words below which a turn could be anybody's."""
FEWEST = 20
"""Talks below which nothing is learned."""
LEARNED = 600
"""Talks that are learned from at most."""
FOLDS = 3

_WHY = "It sounds more like the supporter's side than most of the supporter's own turns."
_YOU = re.compile(r"\b(you|your|you're|you've|yourself)\b")
_OWN = re.compile(r"\b(my|mine|me|myself|i've|i was|i did|i had|i can't|i don't|i didn't|i want|i need|i told|i tell)\b")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader found."""

    flags: dict[int, list[Flag]]
    """By the number of the talk."""
    auc: float
    """How well it tells the sides apart: .5 not at all, 1 always."""
    known: float
    """Share of the supporter's own turns that pass the same test: how many flipped turns it would find."""


def read_roles(talks: Sequence[Talk]) -> Reading | None:
    """Flags of turns that sound like the other side; None where there are too few talks to learn from."""
    rows = [
        (number, place, turn.speaker is Speaker.SUPPORTER, turn.text)
        for number, talk in enumerate(talks)
        for place, turn in enumerate(talk)
        if len(words(turn.text)) >= SHORTEST
    ]
    sides = np.array([row[2] for row in rows], dtype=bool)
    if len(talks) < FEWEST or sides.sum() < FEWEST or (~sides).sum() < FEWEST:
        return None
    numbers = np.array([row[0] for row in rows])
    sure = _probabilities([row[3] for row in rows], sides, numbers)
    auc, bar = float(roc_auc_score(sides, sure)), float(np.quantile(sure[sides], SURE))
    if auc < ABLE:
        return Reading(flags={}, auc=auc, known=0.0)
    passed = np.array([value >= bar and _addressed(row[3]) for value, row in zip(sure, rows, strict=True)])
    flags: dict[int, list[Flag]] = {}
    for index in np.flatnonzero(passed & ~sides):
        number, place, _, text = rows[index]
        flag = Flag(Tag.ROLE_FLIP, SLIGHT, place, text, _WHY)
        flags.setdefault(number, []).append(flag)
    flags = {number: mine if len(mine) == 1 else [replace(flag, severity=CLEAR) for flag in mine] for number, mine in flags.items()}
    return Reading(flags=flags, auc=auc, known=float(passed[sides].mean()))


def _addressed(text: str) -> bool:
    lowered = plain(text)
    return bool(_YOU.search(lowered)) and not _OWN.search(lowered)


def _probabilities(texts: Sequence[str], sides: NDArray[np.bool_], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability that a turn is the supporter's, by a model that has not seen its talk."""
    matrix = TfidfVectorizer(analyzer=_grams, sublinear_tf=True, min_df=2).fit_transform(texts).tocsr()
    order = np.random.default_rng(0).permutation(int(numbers.max()) + 1)
    fold = (order % FOLDS)[numbers]
    learned = (order < LEARNED)[numbers]
    found = np.zeros(len(texts))
    for number in range(FOLDS):
        model = LogisticRegression(C=3.0, max_iter=300, tol=1e-3)
        train, test = np.flatnonzero((fold != number) & learned), np.flatnonzero(fold == number)
        model.fit(matrix[train], sides[train])
        found[test] = model.predict_proba(matrix[test])[:, 1]
    return found


def _grams(text: str) -> list[str]:
    found = [*words(text), *(["?"] if "?" in text else [])]
    return [*found, *(f"{left} {right}" for left, right in pairwise(found))]
