"""A word diff of two versions of a reply, for the terminal and the page."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "gone", "new"]

_PIECE = re.compile(r"\S+\s*")


def word_diff(old: str, new: str) -> list[tuple[Kind, str]]:
    """Pieces of both texts in reading order: what stayed, what went, what came.  `same` and `gone` together give `old`."""
    left, right = _PIECE.findall(old), _PIECE.findall(new)
    matcher = SequenceMatcher(None, [piece.strip() for piece in left], [piece.strip() for piece in right], autojunk=False)
    pieces: list[tuple[Kind, str]] = []
    for tag, low, high, start, end in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(("same", "".join(left[low:high])))
            continue
        if high > low:
            pieces.append(("gone", "".join(left[low:high])))
        if end > start:
            pieces.append(("new", "".join(right[start:end])))
    return pieces
