"""What a supporter's message touches in the seeker: which fact a question asks for, and how near it comes to given lines.

TF-IDF (scikit-learn) over the scenario's own words; one small index a scenario.  The supporter never gets to see it.  `weight` says how
much a word belongs to one story alone: taking up "midwife" shows more listening than taking up "night".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from math import fsum, log

import numpy as np

from agents.nearness import Floats, Nearness
from agents.text import is_question, sentences, stems
from simulator.scenario import Scenario, library

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


def weight(roots: Iterable[str]) -> float:
    """How much these stems belong to one story alone: the sum of log((N + 1) / (n + 1)), n of N library scenarios that have the stem.

    A stem that no scenario has counts like one that a single scenario has.
    """
    known, stories = _spread(), len(library())
    return fsum(log((stories + 1) / (max(1, known[root]) + 1)) for root in roots)


@cache
def _spread() -> Counter[str]:
    """In how many library scenarios each stem occurs."""
    return Counter(root for scenario in library() for root in frozenset(stems(_words_of(scenario))))


def _words_of(scenario: Scenario) -> str:
    facts = (text for fact in scenario.facts for text in (fact.guarded, fact.plain, fact.open, *fact.asked))
    lines = (*scenario.openings, *scenario.closings, *scenario.relief, *scenario.objections, *scenario.leavings, *scenario.loosens)
    return " ".join((scenario.situation, scenario.need, scenario.belief, scenario.step.what, *scenario.step.offers, *lines, *facts))


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
