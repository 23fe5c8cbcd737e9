"""Nearness: TF-IDF cosines of a short text with a fixed set of documents.

Fitted by scikit-learn; looked up column by column, because building a sparse row for every chat message costs ten times the lookup.
The cosines are those of `TfidfVectorizer(sublinear_tf=True)` over stems (a test holds the two together).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from agents.text import stems

Floats = NDArray[np.float64]


class Nearness:
    """An index over documents.

    Args:
        documents: at least one with a word that carries a topic.
    """

    def __init__(self, documents: Sequence[str]) -> None:
        vectorizer = TfidfVectorizer(analyzer=stems, sublinear_tf=True)
        self.matrix: csr_matrix = vectorizer.fit_transform(documents).tocsr()
        """Documents by terms, rows of unit length."""
        self._columns: dict[str, int] = vectorizer.vocabulary_
        self._idf: Floats = vectorizer.idf_
        by_column = self.matrix.tocsc()
        self._starts, self._rows, self._values = by_column.indptr, by_column.indices, by_column.data
        self._size = len(documents)

    def weights(self, text: str) -> tuple[NDArray[np.int64], Floats]:
        """Columns and unit-length weights of a text; both empty when no word of it is known."""
        counts = Counter(root for root in stems(text) if root in self._columns)
        columns = np.fromiter((self._columns[root] for root in counts), dtype=np.int64, count=len(counts))
        values = np.fromiter((1.0 + log(times) for times in counts.values()), dtype=np.float64, count=len(counts)) * self._idf[columns]
        norm = float(np.sqrt(values @ values))
        return columns, values / norm if norm else values

    def cosines(self, text: str) -> Floats:
        """Cosine of the text with each document, 0 to 1, shape (documents,)."""
        scores = np.zeros(self._size)
        for column, value in zip(*self.weights(text), strict=True):
            low, high = self._starts[column], self._starts[column + 1]
            scores[self._rows[low:high]] += value * self._values[low:high]
        return scores
