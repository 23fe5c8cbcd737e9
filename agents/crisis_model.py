"""The crisis gate's judgement: a linear model over words and letters of the passages that have a sign.

Trained in the process at first use on `crisis_examples*.yaml` (TF-IDF of word 1-3-grams and of letter 3-5-grams, logistic regression;
deterministic).  scikit-learn fits it; a message is then scored by looking its terms up in a dictionary, because building a sparse row
for every chat message costs more than the sum.  It has learnt turns of phrase, not what they mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import log, sqrt
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, StringConstraints
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from agents.crisis_rules import spelt
from agents.rehearsal.repertoire import stories
from agents.words import Word
from agents.yamlfile import read_model

EXAMPLES = tuple(sorted(Path(__file__).parent.glob("crisis_examples*.yaml")))
"""By five writers, none of whom saw `tests/data/crisis_unseen.yaml`."""
REPLIES = 16
"""Every so many-eth reply of the repertoire is learnt as ordinary chat."""
REPLY_WEIGHT = 1.0
"""What such a reply counts for: it is a supporter's, not a seeker's."""
CRISIS_WEIGHT = 1.3
"""What a crisis example counts for; a harmless one counts its theme's weight."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Theme(Word):
    """A way of speaking, with what only looks like it."""

    theme: Text
    weight: Annotated[float, Field(gt=0)] = 1.0
    """What each harmless line counts for: more where real talk is full of it."""
    crisis: tuple[Text, ...] = ()
    harmless: tuple[Text, ...] = ()


class Examples(Word):
    """`crisis_examples.yaml`."""

    themes: Annotated[tuple[Theme, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Block:
    """One kind of term: how to find them in a text, and each one's (idf, idf times coefficient)."""

    terms: Callable[[str], list[str]]
    weights: dict[str, tuple[float, float]]

    def score(self, text: str) -> float:
        """The dot product of the text's unit TF-IDF vector and the coefficients."""
        total = square = 0.0
        for term, count in Counter(self.terms(text)).items():
            if pair := self.weights.get(term):
                frequency = 1.0 + log(count)
                square += (frequency * pair[0]) ** 2
                total += frequency * pair[1]
        return total / sqrt(square) if square else 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model."""

    blocks: tuple[Block, ...]
    intercept: float

    def score(self, text: str) -> float:
        """Log odds that a `spelt` passage is a crisis, as far as the examples tell."""
        return self.intercept + sum(block.score(text) for block in self.blocks)


def fit(texts: Sequence[str], crisis: Sequence[bool], weights: Sequence[float]) -> Model:
    """A model of labelled and weighted passages (each `spelt`)."""
    vectorizers = (
        TfidfVectorizer(ngram_range=(1, 3), sublinear_tf=True, token_pattern=r"[a-z0-9']+", min_df=2),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=4),
    )
    matrix = csr_matrix(hstack([vectorizer.fit_transform(texts) for vectorizer in vectorizers]))
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    linear = LogisticRegression(C=3.0, solver="liblinear", random_state=0).fit(matrix, crisis, sample_weight=weights)
    coefficients, blocks = linear.coef_[0], []
    for vectorizer in vectorizers:
        own, coefficients = coefficients[: len(vectorizer.idf_)], coefficients[len(vectorizer.idf_) :]
        idf = vectorizer.idf_
        pairs = {term: (float(idf[at]), float(idf[at] * own[at])) for term, at in vectorizer.vocabulary_.items()}
        blocks.append(Block(vectorizer.build_analyzer(), pairs))
    return Model(tuple(blocks), float(linear.intercept_[0]))


@cache
def model() -> Model:
    """The model of our own examples.

    Raises:
        InputError: the examples are broken.
    """
    rows = [*examples(), *ordinary()]
    return fit([spelt(text) for text, _, _ in rows], [crisis for _, crisis, _ in rows], [weight for _, _, weight in rows])


def examples() -> list[tuple[str, bool, float]]:
    """All examples: the text, whether it is a crisis, and what it counts for."""
    rows: list[tuple[str, bool, float]] = []
    for path in EXAMPLES:
        for theme in read_model(path, Examples).themes:
            rows += [(text, True, CRISIS_WEIGHT) for text in theme.crisis]
            rows += [(text, False, theme.weight) for text in theme.harmless]
    return rows


def ordinary() -> list[tuple[str, bool, float]]:
    """What seekers and supporters say in the repertoire, none of it a crisis: the background of any talk."""
    entries = [entry for story in stories().values() for entry in story.entries]
    heard = [text for entry in entries for text in entry.heard]
    replies = [text for entry in entries for written in entry.replies.values() for text in written]
    return [(text, False, 1.0) for text in heard] + [(text, False, REPLY_WEIGHT) for text in replies[::REPLIES]]
