"""The DPO loss against its formula and against trl's own code, and the weights against what they promise."""

from __future__ import annotations

import math
from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from training.losses import Sides, balanced_weights, dpo_losses, figures, log_odds, nll  # noqa: E402  needs torch


def sides(chosen: float, rejected: float, reference: tuple[float, float] = (-4.0, -6.0), tokens: tuple[int, int] = (2, 4)) -> Sides:
    one = [torch.tensor([value]) for value in (chosen, rejected, *reference)]
    return Sides(*one, *(torch.tensor([count]) for count in tokens))


def test_loss_is_ln_2_where_policy_and_reference_agree() -> None:
    assert float(dpo_losses(sides(-4.0, -6.0), beta=0.1)) == pytest.approx(math.log(2))


def test_loss_is_minus_log_sigmoid_of_the_margin() -> None:
    # log-ratios 1 and -2, beta .5: margin 1.5
    assert float(dpo_losses(sides(-3.0, -8.0), beta=0.5)) == pytest.approx(math.log1p(math.exp(-1.5)))
    # a token: 1/2 and -2/4: margin .5
    assert float(dpo_losses(sides(-3.0, -8.0), beta=0.5, length_normalised=True)) == pytest.approx(math.log1p(math.exp(-0.5)))


def test_what_a_label_is_chosen_for_anyway_need_not_be_learned() -> None:
    popular = torch.tensor([2.0])
    assert float(dpo_losses(sides(-4.0, -6.0), beta=0.1, shift=popular)) < math.log(2)


def test_fall_is_nats_a_token_that_the_chosen_answer_has_lost() -> None:
    told = figures(sides(-5.0, -9.0), beta=0.1)
    assert told["fall"] == pytest.approx(0.5)
    assert told["rewards/margins"] == pytest.approx(0.1 * (-1 + 3))
    assert float(nll(sides(-5.0, -9.0))) == pytest.approx(2.5)


def test_balanced_weights_let_each_label_be_chosen_as_much_as_rejected() -> None:
    labels = [("A", "B")] * 6 + [("B", "A")] * 2 + [("B", "C")] * 5 + [("C", "A")] * 3 + [("C", "B")]
    weights = balanced_weights(labels)
    chosen: Counter[str] = Counter()
    for (one, other), weight in zip(labels, weights, strict=True):
        chosen[one] += weight  # type: ignore[assignment]
        chosen[other] -= weight  # type: ignore[assignment]
    assert all(abs(value) < 1e-6 for value in chosen.values())
    assert sum(weights) == pytest.approx(len(labels))
    assert weights[0] < weights[6], "A over B is common, B over A is rare"


def test_a_label_that_is_never_rejected_stays_in_within_bounds() -> None:
    weights = balanced_weights([("A", "B")] * 9 + [("B", "C"), ("C", "B")])
    assert all(0.0 < weight < 60.0 for weight in weights)
    assert weights[0] < weights[-1]


def test_log_odds_count_how_much_a_label_is_chosen_anyway() -> None:
    odds = log_odds([("A", "B")] * 3 + [("B", "A")])
    assert odds[0] == pytest.approx(2 * math.log(4 / 2))
    assert odds[3] == pytest.approx(-odds[0])
