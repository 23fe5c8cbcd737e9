"""Drawing a token: the nucleus distribution, each row by its own generator."""

from __future__ import annotations

from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from agents.chat.drawing import Draw, draw  # noqa: E402  needs torch


def nucleus(probabilities: list[float], top_p: float) -> list[float]:
    """The textbook way: sort, keep the likeliest until they hold `top_p`."""
    kept, mass = {}, 0.0
    for token in sorted(range(len(probabilities)), key=lambda token: -probabilities[token]):
        if mass >= top_p:
            break
        kept[token] = probabilities[token]
        mass += probabilities[token]
    return [kept.get(token, 0.0) / mass for token in range(len(probabilities))]


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_frequencies_are_those_of_the_nucleus(top_p: float, temperature: float) -> None:
    logits = torch.linspace(0, 3, 9)[torch.tensor([4, 0, 8, 2, 6, 1, 7, 3, 5])]
    expected = nucleus(torch.softmax(logits / temperature, 0).tolist(), top_p)
    count = 20_000
    found = Counter(draw(logits.expand(count, -1), [Draw(temperature, top_p, seed) for seed in range(count)]))
    for token, share in enumerate(expected):
        assert found[token] / count == pytest.approx(share, abs=0.015)
        assert share or not found[token]


def test_a_row_draws_the_same_alone_and_in_company() -> None:
    torch.manual_seed(0)
    logits = torch.randn(50, 300) * 3
    rows = [Draw(0.0 if seed % 5 == 0 else 0.9, 0.3 + 0.01 * seed, seed) for seed in range(50)]
    alone = [draw(logits[place : place + 1], [Draw(row.temperature, row.top_p, row.seed)])[0] for place, row in enumerate(rows)]
    assert draw(logits, rows) == alone
    assert [alone[place] for place in range(0, 50, 5)] == logits.argmax(-1)[::5].tolist()


def test_logits_that_are_not_numbers_do_not_hang() -> None:
    assert len(draw(torch.full((2, 10), torch.nan), [Draw(1.0, 0.9, 1), Draw(0.0, 0.9, 1)])) == 2
