"""Near duplicates: has a text like this one come by before?

Texts are compared as sets of word shingles by Jaccard similarity.  Candidates come from locality-sensitive hashing (Broder 1997; Indyk and
Motwani 1998): minwise hashes in bands, so that a lookup does not depend on how many texts there are; each candidate is then compared
exactly, so nothing is taken for alike by chance of a hash but a text may, seldom, be missed.  Memory is bounded: two generations of
texts are remembered, and when the younger is full the older is forgotten.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from agents.text import words

SHINGLE = 3
"""Words in a row that make a shingle."""
BANDS, ROWS = 10, 4
"""A pair of texts of similarity s meets in a band with probability 1 - (1 - s^ROWS)^BANDS: .995 at .8, .93 at .7, .47 at .5."""
GENERATION = 20_000
"""Texts in a generation: some 25 MB."""

_FACTORS = np.random.default_rng(20250521).integers(1 << 63, size=(BANDS * ROWS, 1), dtype=np.uint64) * 2 + 1
"""Odd 64-bit numbers: multiplied by them, modulo 2^64, a hash gives an order of its own (Dietzfelbinger et al. 1997)."""


class NearDuplicates:
    """Remembers texts.

    Args:
        threshold: Jaccard similarity, 0 to 1, from which two texts are alike; 1 finds texts of the same shingles only.
        generation: texts in each of the two generations that are remembered.
    """

    def __init__(self, threshold: float, generation: int = GENERATION) -> None:
        self._threshold, self._size = threshold, generation
        self._young, self._old = _Generation(), _Generation()

    def seen(self, text: str) -> bool:
        """Whether a text like this one was seen; when not, it is remembered."""
        hashes = shingles(text)
        bands = _bands(hashes)
        if any(generation.holds(hashes, bands, self._threshold) for generation in (self._young, self._old)):
            return True
        if len(self._young.texts) >= self._size:
            self._young, self._old = _Generation(), self._young
        self._young.add(hashes, bands)
        return False


class _Generation:
    def __init__(self) -> None:
        self.texts: list[NDArray[np.uint32]] = []
        self._places: dict[int, int | list[int]] = {}

    def add(self, hashes: NDArray[np.uint32], bands: list[int]) -> None:
        place = len(self.texts)
        self.texts.append(hashes)
        for band in bands:
            before = self._places.setdefault(band, place)
            if isinstance(before, list):
                before.append(place)
            elif before != place:
                self._places[band] = [before, place]

    def holds(self, hashes: NDArray[np.uint32], bands: list[int], threshold: float) -> bool:
        mine, tried = set(hashes.tolist()), set()
        for band in bands:
            found = self._places.get(band, ())
            for place in (found,) if isinstance(found, int) else found:
                if place not in tried and _jaccard(mine, self.texts[place]) >= threshold:
                    return True
                tried.add(place)
        return False


def shingles(text: str) -> NDArray[np.uint32]:
    """Hashes of the word shingles of a text, sorted, each once; a text of fewer words is one shingle.  Shape (shingles,)."""
    tokens = words(text)
    rows = (tokens[start : start + SHINGLE] for start in range(max(1, len(tokens) - SHINGLE + 1)))
    return np.array(sorted({zlib.crc32(" ".join(row).encode()) for row in rows}), dtype=np.uint32)


def _bands(hashes: NDArray[np.uint32]) -> list[int]:
    """A key for each band of minwise hashes."""
    least = (hashes.astype(np.uint64) * _FACTORS).min(axis=1).reshape(BANDS, ROWS)
    return [hash((number, *row)) for number, row in enumerate(least.tolist())]


def _jaccard(mine: set[int], other: NDArray[np.uint32]) -> float:
    shared = len(mine.intersection(other.tolist()))
    return shared / (len(mine) + len(other) - shared)
