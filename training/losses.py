"""The loss of direct preference optimization as a pure function of log-probabilities, and the weights that keep a planner from collapsing.

Formulas: Rafailov et al. 2023 (DPO), trl's `sigmoid` and `sigmoid_norm`; the rest is named where it stands.  No model, no data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

SWEEPS = 200
"""Of balancing; it converges in a few dozen."""
BOUND = 20.0
"""A pair weighs at most so many times, and at least a so-manieth of, what it would without balancing."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Summed log-probabilities of the answers of some pairs, each (pairs,)."""

    chosen: Tensor
    rejected: Tensor
    reference_chosen: Tensor
    reference_rejected: Tensor
    chosen_tokens: Tensor
    rejected_tokens: Tensor


def dpo_losses(sides: Sides, *, beta: float, length_normalised: bool = False, shift: Tensor | None = None) -> Tensor:
    """Loss of each pair, (pairs,): minus log sigmoid of beta times the margin; ln 2 where policy and reference agree.

    Args:
        sides: log-probabilities.
        beta: above 0.
        length_normalised: divide each side's log-ratio by its tokens (trl's `sigmoid_norm`).
        shift: counted towards beta times the margin, (pairs,), though the model has not learned it: see `log_odds`.
    """
    chosen, rejected = sides.chosen - sides.reference_chosen, sides.rejected - sides.reference_rejected
    if length_normalised:
        chosen, rejected = chosen / sides.chosen_tokens, rejected / sides.rejected_tokens
    margin = beta * (chosen - rejected)
    return -logsigmoid(margin if shift is None else margin + shift)


def nll(sides: Sides) -> Tensor:
    """Mean negative log-likelihood a token of each chosen answer, (pairs,)."""
    return -sides.chosen / sides.chosen_tokens


def figures(sides: Sides, beta: float) -> dict[str, float]:
    """Means over the pairs under trl's names: rewards, their margin and accuracy, log-probabilities; `fall` is nats a token.

    `fall` says how much the chosen answers have lost against the reference; negative when they have gained.
    """
    with torch.no_grad():
        chosen, rejected = sides.chosen - sides.reference_chosen, sides.rejected - sides.reference_rejected
        means = {
            "rewards/chosen": beta * chosen,
            "rewards/rejected": beta * rejected,
            "rewards/margins": beta * (chosen - rejected),
            "rewards/accuracies": (chosen > rejected).float(),
            "logps/chosen": sides.chosen,
            "logps/rejected": sides.rejected,
            "fall": -chosen / sides.chosen_tokens,
        }
    return {name: float(value.float().mean()) for name, value in means.items()}


def balanced_weights(labels: Sequence[tuple[str, str]]) -> list[float]:
    """A weight for each pair (mean 1), such that each label is chosen as much as it is rejected.

    At equal weights a label that is mostly rejected falls whatever the talk says, which is how planners collapse; with these weights
    a change that does not depend on the talk gains nothing, to first order.  Osborne 1960 (matrix balancing): the weight of (chosen i,
    rejected j) is d_j / d_i.  Where no such weights exist (a label that is only ever chosen), BOUND keeps the pairs in.

    Args:
        labels: chosen and rejected label of each pair.
    """
    counts = Counter(labels)
    scale = dict.fromkeys({name for pair in counts for name in pair}, 0.0)
    for _ in range(SWEEPS):
        for name in sorted(scale):
            chosen = sum(count * _weight(scale, pair) for pair, count in counts.items() if pair[0] == name)
            rejected = sum(count * _weight(scale, pair) for pair, count in counts.items() if pair[1] == name)
            if chosen and rejected:
                scale[name] += log(sqrt(chosen / rejected))
            else:
                scale[name] += log(BOUND) if chosen else -log(BOUND)
            scale[name] = min(max(scale[name], -log(BOUND)), log(BOUND))
    weights = [_weight(scale, pair) for pair in labels]
    mean = sum(weights) / max(1, len(weights))
    return [weight / mean for weight in weights]


def _weight(scale: dict[str, float], pair: tuple[str, str]) -> float:
    raw = scale[pair[1]] - scale[pair[0]]
    return exp(min(max(raw, -log(BOUND)), log(BOUND)))


def log_odds(labels: Sequence[tuple[str, str]]) -> list[float]:
    """For each pair how much its chosen label is chosen rather than rejected in all pairs, beyond its rejected label: a difference
    of log odds, one added to each count.  Counted towards the margin, a label's general popularity is nothing that the model must
    learn (logit adjustment, Menon et al. 2021)."""
    chosen, rejected = Counter(one for one, _ in labels), Counter(other for _, other in labels)
    odds = {name: log((chosen[name] + 1) / (rejected[name] + 1)) for name in chosen | rejected}
    return [odds[one] - odds[other] for one, other in labels]
