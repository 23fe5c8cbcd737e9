"""The crisis gate: hears talk of suicide or self-harm in a seeker's turn, and answers with care and a referral.

Rules decide where they are sure (`crisis_rules`); a small model decides the rest (`crisis_model`).  The gate reads one message at a time
and knows nothing of the talk around it, of any backend, or of whether the seeker is simulated.  It is part of a research simulator and
no clinical instrument: it misses much veiled talk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agents.crisis_rules import hear, spelt
from agents.words import Crisis, Word
from agents.yamlfile import read_model

REPLIES = Path(__file__).with_name("crisis_replies.yaml")
REFERRAL = "a crisis line (findahelpline.com finds one near you; in the US call or text 988) or your local emergency number"
THRESHOLD = 2.6
"""Log odds from which the model raises the flag: chosen so that one seeker turn in three hundred of real talk (ESConv) is flagged."""

_SENTENCE = re.compile(r"[^\s.!?\u2026].*?(?:[.!?\u2026]+[\"')\]]*(?=\s|$)|$)", re.MULTILINE)
_LONGEST = 400
"""Characters of a sentence that are read in one go; a longer one is read in pieces that overlap by half."""
_TOGETHER = 3
"""Sentences that are read together."""


class Replies(Word):
    """`crisis_replies.yaml`."""

    handover: Annotated[tuple[str, ...], Field(min_length=1)]
    """Each with {referral}."""


@lru_cache(maxsize=2048)
def screen(text: str) -> Crisis | None:
    """What the gate finds in a seeker's message: the first thing the rules are sure of, else the passage that alarms the model most."""
    message = spelt(text)
    left: list[tuple[str, str]] = []
    for passage in passages(text):
        heard = hear(spelt(passage), message)
        if heard.category:
            return Crisis(category=heard.category, span=_closest(passage, message))
        left.append((passage, heard.rest))
    from agents.crisis_model import model  # noqa: PLC0415  scikit-learn is slow to import, and many commands never screen

    scored = max(((model().score(rest), passage) for passage, rest in left if rest), default=None)
    return Crisis(category="veiled", span=scored[1]) if scored and scored[0] > THRESHOLD else None


def passages(text: str) -> Iterator[str]:
    """The message in overlapping passages of up to three sentences, each verbatim."""
    spans = list(_sentences(text))
    for first in range(max(1, len(spans) - _TOGETHER + 1)):
        if within := spans[first : first + _TOGETHER]:
            yield text[within[0][0] : within[-1][1]]


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for match in _SENTENCE.finditer(text):
        start, end = match.span()
        while end - start > _LONGEST:
            yield start, start + _LONGEST
            start += _LONGEST // 2
        yield start, end


def _closest(passage: str, message: str) -> str:
    """The one sentence of a flagged passage that raises the flag, or all of it."""
    for start, end in _sentences(passage):
        if hear(spelt(passage[start:end]), message).category:
            return passage[start:end].strip()
    return passage.strip()


@cache
def replies() -> tuple[str, ...]:
    """The authored replies.

    Raises:
        InputError: the file is broken.
    """
    return read_model(REPLIES, Replies).handover


def handover(seed: int) -> str:
    """Care and a referral in one of the authored replies; the same seed gives the same one."""
    return replies()[seed % len(replies())].replace("{referral}", REFERRAL)
