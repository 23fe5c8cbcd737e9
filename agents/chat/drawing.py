"""Drawing the next token of each row: temperature, top-p, and a generator of the row's own.

A row's draw depends on its logits and its own generator, never on who shares the batch.  The nucleus is found without sorting the
vocabulary: draw, see how much mass lies above what was drawn, and draw again above it where that is `top_p` or more.  This gives exactly
the nucleus distribution (equals at its edge stay in), for a sum over the vocabulary instead of a sort of it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

_BITS = 23
"""Bits of a uniform draw: as many as float32 keeps apart just below 1."""
_ROUNDS = 200
"""Redraws after which the most probable token is taken: reached only by logits that are not numbers."""


@dataclass(slots=True)
class Draw:
    """How one row draws."""

    temperature: float
    """0 takes the most probable token."""
    top_p: float
    seed: int
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def uniform(self) -> float:
        """In [0, 1), from the row's own generator: the same on every device."""
        return self.rng.getrandbits(_BITS) / (1 << _BITS)


def draw(logits: Tensor, rows: Sequence[Draw]) -> list[int]:
    """The next token of each row.

    Args:
        logits: float32 of shape (rows, vocabulary).
        rows: one a row, in the same order.
    """
    best = logits.argmax(dim=-1)
    sampled = [place for place, row in enumerate(rows) if row.temperature > 0]
    if sampled:
        some = len(sampled) < len(rows)
        index = torch.tensor(sampled, device=logits.device)
        chosen = _nucleus(logits[index] if some else logits, [rows[place] for place in sampled])
        best = best.index_copy(0, index, chosen)
    tokens: list[int] = best.tolist()
    return tokens


def _nucleus(logits: Tensor, rows: Sequence[Draw]) -> Tensor:
    """One draw a row from the smallest set of tokens that holds `top_p` of the probability."""
    heat = torch.tensor([[row.temperature] for row in rows], device=logits.device)
    bound = torch.tensor([row.top_p for row in rows], device=logits.device)
    probabilities = torch.softmax(logits.nan_to_num() / heat, dim=-1)
    token = _pick(probabilities, rows, range(len(rows)))
    todo = list(range(len(rows)))
    for _ in range(_ROUNDS):
        index = torch.tensor(todo, device=logits.device)
        some = probabilities[index] if len(todo) < len(rows) else probabilities
        drawn = some.gather(1, token[index, None])
        above = some * (some > drawn)
        outside = (above.sum(dim=-1) >= bound[index]).tolist()
        if not any(outside):
            return token
        again = [place for place, out in enumerate(outside) if out]
        todo = [todo[place] for place in again]
        token[torch.tensor(todo, device=logits.device)] = _pick(above[torch.tensor(again, device=logits.device)], rows, todo)
    return torch.argmax(probabilities, dim=-1)


def _pick(weights: Tensor, rows: Sequence[Draw], places: Sequence[int]) -> Tensor:
    """A token of each row of `weights`, drawn in proportion to it."""
    uniform = torch.tensor([[rows[place].uniform()] for place in places], device=weights.device)
    steps = weights.cumsum(dim=-1)
    found = torch.searchsorted(steps, uniform * steps[:, -1:], right=True)
    return found.squeeze(1).clamp_max(weights.shape[1] - 1)
