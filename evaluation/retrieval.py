"""Retrieval: does an inference lie nearer to its own talk's truth than to the truths of other talks?

TF-IDF cosines over stems, fitted on the truths alone, so that words no truth holds count for nothing.  Texts that say nothing particular
tie with everything, and a tie counts half.  At most FOILS other truths are drawn, by a fixed seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from agents.text import stems

Floats = NDArray[np.float64]
FOILS = 300
_BLOCK = 4000
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Ranks:
    """How each query ranks its own truth."""

    auc: Floats
    """Share of the other truths that lie further away, ties half; one value a query."""
    first: Floats
    """Expected share of being ranked first, ties broken by lot."""
    truths: int
    """How many each query was compared with, its own included (on average)."""
    tied: float
    """Share of the queries that are as near to every truth as to their own: they say nothing that tells talks apart."""


def ranks_of(queries: Sequence[str], talks: Sequence[str], truths: Mapping[str, str]) -> Ranks | None:
    """Ranks of the queries' own truths; None where there are fewer than two different truths.

    Args:
        queries: what was inferred.
        talks: the talk of each query.
        truths: the true text of each talk; talks with equal texts share a truth.
    """
    texts = list(dict.fromkeys(truths.values()))
    if len(texts) < 2 or not queries or not any(stems(text) for text in texts):
        return None
    place = {text: number for number, text in enumerate(texts)}
    own = np.array([place[truths[talk]] for talk in talks])
    vectorizer = TfidfVectorizer(analyzer=stems, sublinear_tf=True)
    documents = vectorizer.fit_transform(texts).tocsr()
    foils = np.sort(np.random.default_rng(0).choice(len(texts), min(FOILS, len(texts)), replace=False))
    different, back = np.unique(np.array(queries, dtype=object).astype(str), return_inverse=True)
    matrix = vectorizer.transform(different.tolist()).tocsr()
    auc, first, tied = np.zeros(len(queries)), np.zeros(len(queries)), 0
    for start in range(0, len(queries), _BLOCK):
        rows = slice(start, start + _BLOCK)
        mine = matrix[back[rows]]
        true = np.asarray(mine.multiply(documents[own[rows]]).sum(axis=1)).ravel()[:, None]
        scores = np.asarray((mine @ documents[foils].T).todense())
        other = foils[None, :] != own[rows][:, None]
        further, level = (scores < true - _SAME) & other, (np.abs(scores - true) <= _SAME) & other
        count = other.sum(axis=1)
        auc[rows] = (further.sum(axis=1) + level.sum(axis=1) / 2) / count
        first[rows] = (further.sum(axis=1) + level.sum(axis=1) == count) / (1 + level.sum(axis=1))
        tied += int((level.sum(axis=1) == count).sum())
    return Ranks(auc=auc, first=first, truths=min(len(texts), FOILS), tied=tied / len(queries))
