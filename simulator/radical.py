"""Evenly spread numbers: a randomised Halton sequence whose points do not depend on how many are drawn.

Each dimension has a prime base of its own; the digits are shuffled by seed (a permutation for each digit place), so that dimensions
with large bases are as even as those with small ones.  Only the numbers; what they mean is `simulator/sampling.py`.
"""

from __future__ import annotations

import random
from functools import lru_cache

from agents.chat.port import derive_seed

PRIMES: tuple[int, ...] = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)
_FINEST = 2.0**-30


@lru_cache(maxsize=4096)
def _shuffled(seed: int, base: int, place: int) -> tuple[int, ...]:
    digits = list(range(base))
    random.Random(derive_seed("halton", seed, base, place)).shuffle(digits)
    return tuple(digits)


def coordinate(seed: int, index: int, dimension: int) -> float:
    """The `index`-th number in [0, 1) of a dimension (Halton 1960; digits shuffled at random as in Owen, arXiv 1706.02808)."""
    base, rest = PRIMES[dimension], index
    value, weight, place = 0.0, 1.0 / base, 0
    while weight > _FINEST:
        rest, digit = divmod(rest, base)
        value += _shuffled(seed, base, place)[digit] * weight
        weight /= base
        place += 1
    return value
