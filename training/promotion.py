"""Promotion: whether M_t+1 takes the seats, and the watch for a planner that collapses onto few strategies.

The gates look at the seeker's outcome, the errors, Q and B, never at reward accuracy: plain DPO on self-mined strategy pairs raises that
while macro-F1 falls and few labels are left.  Nothing here trains or simulates.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from agents.words import STRATEGIES, Strategy, Word
from training.evolve_recipe import Collapse, Promote


class Gate(Word):
    """One condition of a promotion."""

    name: str
    passed: bool
    why: str
    """The figures that decided, in a sentence."""


class Promotion(Word):
    """Whether a model takes the seats."""

    promoted: bool
    gates: tuple[Gate, ...]

    @property
    def why(self) -> str:
        """The gates that failed, or that none did."""
        failed = [gate.why for gate in self.gates if not gate.passed]
        return " ".join(failed) or "All gates passed."


def judge(rule: Promote, before: Mapping[str, Any], after: Mapping[str, Any], difference: Mapping[str, Any]) -> Promotion:
    """Judge M_t+1 against M_t.

    A dev set of some dozens of talks is noisy: what is clearly worse is refused, not what is worse by chance, and something must be better.

    Args:
        rule: which gates count.
        before: dev figures of M_t: `planner` (a strategy report: macro_f1, preference_bias, intervals).
        after: the same of M_t+1.
        difference: M_t+1 minus M_t on the same casts, `mean`, `low` and `high` of `change` (the seeker's emotion) and `errors` (a supporter
            turn); negative is better.
    """
    change, errors = difference["change"], difference["errors"]
    better = change["mean"] < 0 or errors["mean"] < 0
    gates = [
        _gate(rule.outcome, "outcome", change["low"] <= 0, f"Emotion change differs by {_interval(change)} (negative is better)."),
        _gate(rule.errors, "errors", errors["low"] <= 0, f"Errors a supporter turn differ by {_interval(errors)}."),
        _gate(rule.outcome or rule.errors, "better", better, f"Something is better: {'yes' if better else 'no'}."),
        _quality(rule, before["planner"], after["planner"]),
        _bias(rule, before["planner"], after["planner"]),
    ]
    kept = tuple(gate for gate in gates if gate is not None)
    return Promotion(promoted=all(gate.passed for gate in kept), gates=kept)


def _gate(asked: bool, name: str, passed: bool, why: str) -> Gate | None:
    return Gate(name=name, passed=passed, why=why) if asked else None


def _quality(rule: Promote, before: Mapping[str, Any], after: Mapping[str, Any]) -> Gate | None:
    low = before["intervals"]["macro_f1"][0]
    words = f"Q is {after['macro_f1']:.3f}; M_t's is {before['macro_f1']:.3f}, its interval begins at {low:.3f}."
    return _gate(rule.quality, "Q", after["macro_f1"] >= low, words)


def _bias(rule: Promote, before: Mapping[str, Any], after: Mapping[str, Any]) -> Gate | None:
    old, new = before["preference_bias"], after["preference_bias"]
    if new is None:
        return _gate(rule.bias, "B", old is None, f"B is undefined: {str(after['preference_bias_reason']).rstrip('.')}.")
    interval = before["intervals"]["preference_bias"]
    if old is None or interval is None:
        return _gate(rule.bias, "B", True, f"B is {new:.3f}; M_t's was undefined.")
    return _gate(rule.bias, "B", new <= interval[1], f"B is {new:.3f}; M_t's is {old:.3f}, its interval ends at {interval[1]:.3f}.")


def _interval(figures: Mapping[str, Any]) -> str:
    return f"{figures['mean']:+.3f} [{figures['low']:+.3f}, {figures['high']:+.3f}]"


def shares(strategies: Sequence[Strategy]) -> dict[Strategy, float]:
    """Share of each of the eight among the strategies said; all 0 for none."""
    counts = Counter(strategies)
    return {strategy: counts[strategy] / max(1, len(strategies)) for strategy in STRATEGIES}


def entropy(mix: Mapping[Strategy, float]) -> float:
    """Shannon entropy in bits, 0 to 3."""
    return -sum(share * math.log2(share) for share in mix.values() if share > 0)


def divergence(first: Mapping[Strategy, float], second: Mapping[Strategy, float]) -> float:
    """Jensen-Shannon divergence in bits, 0 to 1 (Lin 1991)."""
    middle = {strategy: (first[strategy] + second[strategy]) / 2 for strategy in STRATEGIES}
    return max(0.0, entropy(middle) - (entropy(first) + entropy(second)) / 2)


def collapse_warnings(limits: Collapse, mix: Mapping[Strategy, float], before: Mapping[Strategy, float] | None) -> list[str]:
    """What is suspicious in a planner's mix of strategies, a sentence each."""
    found = []
    if (bits := entropy(mix)) < limits.entropy:
        most = max(mix, key=lambda strategy: mix[strategy])
        found.append(f"Entropy of the strategies is {bits:.2f} bits, below {limits.entropy}; {mix[most]:.0%} are {most.value}.")
    if before is not None and (apart := divergence(before, mix)) > limits.divergence:
        found.append(f"The mix of strategies diverges by {apart:.3f} bits from the round before, above {limits.divergence}.")
    return found
