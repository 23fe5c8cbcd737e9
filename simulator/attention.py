"""What a supporter's message touches in the seeker: which fact a question asks for, and how near it comes to given lines.

TF-IDF (scikit-learn) over the scenario's own words; one small index a scenario.  The supporter never gets to see it.
"""

from __future__ import annotations

import numpy as np

from agents.nearness import Floats, Nearness
from agents.text import is_question, sentences
from simulator.scenario import Scenario

ASKED = 0.27
"""Cosine above which a question is taken to ask for a fact."""


class Attention:
    """An index over one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        documents: list[str] = []
        self.owners: list[str] = []
        for fact in scenario.facts:
            told = " ".join((fact.guarded, fact.plain, fact.open))
            for text in (*fact.asked, " ".join((told, *fact.asked))):
                documents.append(text)
                self.owners.append(fact.key)
        special = {"loosens": scenario.loosens, "step": (*scenario.step.offers, scenario.step.what)}
        for name, lines in special.items():
            documents.extend(lines)
            self.owners.extend(f"/{name}" for _ in lines)
        self.index = Nearness(documents)
        self.is_fact = np.array([not owner.startswith("/") for owner in self.owners])

    def nearness(self, text: str) -> Floats:
        """Cosine of a text with each document, 0 to 1."""
        return self.index.cosines(text)

    def asked_for(self, text: str) -> tuple[str, float]:
        """The fact that the question in `text` asks for, and the cosine; ("", 0) when nothing is asked."""
        asked = [sentence for sentence in sentences(text) if is_question(sentence)]
        if not asked:
            return "", 0.0
        scores = self.nearness(asked[-1]) * self.is_fact
        best = int(scores.argmax())
        return self.owners[best], float(scores[best])

    def near(self, text: str, name: str) -> float:
        """Cosine of a text with the nearest of the `loosens` or `step` lines; 0 when there are none."""
        scores = self.nearness(text)
        return max((float(score) for score, owner in zip(scores, self.owners, strict=True) if owner == f"/{name}"), default=0.0)


_KEPT = 256
_made: dict[str, tuple[Scenario, Attention]] = {}


def attention(scenario: Scenario) -> Attention:
    """The index of a scenario; the last few hundred are kept."""
    known = _made.get(scenario.name)
    if known is not None and (known[0] is scenario or known[0] == scenario):
        return known[1]
    if len(_made) >= _KEPT:
        _made.pop(next(iter(_made)))
    made = Attention(scenario)
    _made[scenario.name] = (scenario, made)
    return made
