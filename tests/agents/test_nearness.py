from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from agents.nearness import Nearness
from agents.text import stems

DOCUMENTS = [
    "my boss read the letter aloud",
    "a letter came on Tuesday, a long letter",
    "the dog sleeps by the door",
    "boss and dog and letter",
]


def test_cosines_are_those_of_scikit_learn() -> None:
    vectorizer = TfidfVectorizer(analyzer=stems, sublinear_tf=True)
    matrix = vectorizer.fit_transform(DOCUMENTS)
    index = Nearness(DOCUMENTS)
    for text in ("the boss and the letter", "letter letter dog", "nothing known", ""):
        expected = (matrix @ vectorizer.transform([text]).T).toarray().ravel()
        np.testing.assert_allclose(index.cosines(text), expected, atol=1e-12)
