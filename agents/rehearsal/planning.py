"""Planning by rehearsal: a distribution over the eight strategies from the talk so far.

A prior by position (the shares that supporters show in ESConv, by fifth of the dialogue), moved by what the seeker has just done, by
the strategies used so far, and by what the repertoire has to say.  It slips at a set rate, so that the critic has work.
"""

from __future__ import annotations

import random

from agents.rehearsal.replies import Moment, authored
from agents.words import STRATEGIES, Strategy

_BY_FIFTH: tuple[tuple[float, ...], ...] = (
    (0.485, 0.124, 0.055, 0.056, 0.103, 0.024, 0.015, 0.137),
    (0.189, 0.082, 0.125, 0.126, 0.181, 0.167, 0.057, 0.072),
    (0.131, 0.038, 0.093, 0.120, 0.166, 0.254, 0.097, 0.101),
    (0.107, 0.032, 0.072, 0.105, 0.185, 0.214, 0.097, 0.189),
    (0.057, 0.023, 0.041, 0.058, 0.150, 0.135, 0.069, 0.467),
)
"""Strategy shares by fifth of the dialogue, counted on ESConv's train split; columns in the order of `STRATEGIES`."""

USUAL_LENGTH = 13.0
"""Supporter turns of a usual talk: where in the talk we are is guessed from it."""

SAME_AGAIN = 1.15
"""Weight of the strategy of the turn before."""

NOTHING_WRITTEN = 0.3
"""Weight of a strategy for which the repertoire has no reply written for what was heard."""

Weights = dict[Strategy, float]


def distribution(now: Moment) -> Weights:
    """Probabilities of the eight strategies for the next turn; they sum to 1."""
    if now.parting and not now.cues.winding_up:
        return _normalised({strategy: 1.0 if strategy is Strategy.OTHERS else 0.02 for strategy in STRATEGIES})
    if now.only_greeted:
        return _normalised({strategy: {Strategy.QUESTION: 1.0, Strategy.OTHERS: 0.25}.get(strategy, 0.0) for strategy in STRATEGIES})
    weights = prior(int(USUAL_LENGTH) if now.cues.winding_up else now.turns)
    for strategy, factor in _moved_by_cues(now).items():
        weights[strategy] *= factor
    for strategy in STRATEGIES:
        if not authored(now, strategy):
            weights[strategy] *= 0.7 if strategy is Strategy.OTHERS else NOTHING_WRITTEN  # small words need no writing
    _mind_the_last(now, weights)
    return _normalised(weights)


def prior(turns: int) -> Weights:
    """The shares at a position in the talk, between the middles of the fifths."""
    place = min(4.0, max(0.0, turns / USUAL_LENGTH * 5 - 0.5))
    low = int(place)
    high, part = min(low + 1, 4), place - low
    return {strategy: _BY_FIFTH[low][index] * (1 - part) + _BY_FIFTH[high][index] * part for index, strategy in enumerate(STRATEGIES)}


def _moved_by_cues(now: Moment) -> Weights:
    cues = now.cues
    factors: Weights = dict.fromkeys(STRATEGIES, 1.0)

    def favour(**by: float) -> None:
        for name, factor in by.items():
            factors[Strategy[name.upper()]] *= factor

    if cues.asks == "advice":
        favour(suggestion=8, information=4, question=0.1, others=0.1, restatement=0.1, reflection=0.3, affirmation=0.3, self_disclosure=0.5)
    elif cues.asks == "normal":
        favour(information=5, affirmation=4, reflection=2, self_disclosure=2, question=0.05, others=0.05, suggestion=0.2, restatement=0.1)
    elif cues.asks == "you":
        favour(
            self_disclosure=30, question=0.1, others=0.1, information=0.1, suggestion=0.1, restatement=0.1, reflection=0.5, affirmation=0.5
        )
    elif cues.asks == "other":
        favour(information=2, question=0.3)
    if cues.correction or cues.complaint:
        favour(reflection=4, restatement=3, suggestion=0.15, information=0.2, others=0.2, self_disclosure=0.4)
    if cues.dodge:
        favour(reflection=2, affirmation=2, question=0.5, suggestion=0.4)
    if cues.objection:
        favour(reflection=2, restatement=2, suggestion=0.6)
    if cues.eased:
        favour(affirmation=1.6, question=0.6)
    if cues.length >= 8 and not cues.thanks:
        favour(others=0.8)
    if cues.winding_up:
        favour(others=0.4)
    return factors


def _mind_the_last(now: Moment, weights: Weights) -> None:
    used = now.strategies
    if not now.turns:
        for strategy in (Strategy.SUGGESTION, Strategy.INFORMATION, Strategy.SELF_DISCLOSURE):
            weights[strategy] *= 0.2
        return
    if used:
        weights[used[-1]] *= SAME_AGAIN
    if len(used) >= 2 and used[-1] == used[-2]:
        weights[used[-1]] *= 0.4
    if now.turns < 3:
        weights[Strategy.SUGGESTION] *= 0.6


def slipped(weights: Weights, turns: int, rng: random.Random) -> Weights:
    """A distribution with its weight on a strategy that does not fit: the planner's own error, Strategy Mismatch."""
    early = (Strategy.SUGGESTION, Strategy.INFORMATION, Strategy.SELF_DISCLOSURE)
    late = (Strategy.OTHERS, Strategy.QUESTION, Strategy.INFORMATION)
    wrong = rng.choice([strategy for strategy in (early if turns < 5 else late) if weights[strategy] < 0.25] or list(early))
    return {strategy: 0.15 * weight + (0.85 if strategy is wrong else 0.0) for strategy, weight in weights.items()}


def rationale(now: Moment, weights: Weights) -> str:
    """Why, in a sentence."""
    best = max(STRATEGIES, key=lambda strategy: weights[strategy])
    cues = now.cues
    reasons = {
        "The seeker says good-bye": now.parting,
        "The seeker asks for advice": cues.asks == "advice",
        "The seeker asks whether it is normal": cues.asks == "normal",
        "The seeker asks about the supporter": cues.asks == "you",
        "The seeker corrects what was understood": cues.correction,
        "The seeker does not feel heard": cues.complaint,
        "The seeker turns the question away": cues.dodge,
        "The seeker objects": cues.objection,
        "Something has eased": cues.eased,
        "The talk has just begun": now.turns < 2,
    }
    reason = next((text for text, holds in reasons.items() if holds), "The seeker goes on telling")
    return f"{reason}; {best.value} is the likeliest fit at turn {now.turns + 1}."


def _normalised(weights: Weights) -> Weights:
    total = sum(weights.values())
    return {strategy: weight / total for strategy, weight in weights.items()}
