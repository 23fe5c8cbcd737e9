"""The crisis gate: hears talk of suicide or self-harm in a seeker's turn, and answers with care and a referral.

Three parts: signs (`crisis_signs`) say which passages are worth judging, so that an ordinary turn costs little and alarms nobody; a small
model (`crisis_model`) judges; rules (`crisis_rules`) are evidence that it weighs, not a verdict.  The gate reads one message at a time
and knows nothing of the talk around it, of any backend, or of whether the seeker is simulated.  It is part of a research simulator and
no clinical instrument: it misses much veiled talk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agents.crisis_rules import Heard, hear, spelt
from agents.crisis_signs import notice
from agents.words import Crisis, Word
from agents.yamlfile import read_model

REPLIES = Path(__file__).with_name("crisis_replies.yaml")
REFERRAL = "a crisis line (findahelpline.com finds one near you; in the US call or text 988) or your local emergency number"
RULE = 2.0
"""Log odds that a rule's word adds to the model's."""
TAKEN_BACK = 2.0
"""Log odds that a rule's word costs when it was denied, long past, someone else's or a manner of speaking."""
THRESHOLD = 0.25
"""Log odds from which the flag is raised: in steps of a quarter, the least at which no writer's harmless lines are flagged at more than .08
by a model that never saw that writer.  Under one seeker turn in a hundred of real talk (ESConv) is flagged then."""

_SENTENCE = re.compile(r"[^\s.!?\u2026].*?(?:[.!?\u2026]+[\"')\]]*(?=\s|$)|$)", re.MULTILINE)
_LONGEST = 400
"""Characters of a sentence that are read in one go; a longer one is read in pieces that overlap by half."""
_RAMBLING = 200
"""Characters from which a sentence is also read clause by clause."""
_CLAUSE = re.compile(r"(?<=[,;:])\s")
_TOGETHER = 3
"""Sentences that are read together."""


class Replies(Word):
    """`crisis_replies.yaml`."""

    handover: Annotated[tuple[str, ...], Field(min_length=1)]
    """Each with {referral}."""


@lru_cache(maxsize=2048)
def screen(text: str) -> Crisis | None:
    """What the gate finds in a seeker's message: its most alarming passage, if that is alarming enough."""
    message = spelt(text)
    judged = [found for passage in passages(text) for found in _judgements(passage, message)]
    worst = max(judged, key=lambda found: found.score, default=None)
    if worst is None or worst.score <= THRESHOLD:
        return None
    return Crisis(category=worst.category, span=_closest(worst, message))


@dataclass(frozen=True, slots=True)
class Judged:
    """A passage that has a sign, or that a rule knows."""

    passage: str
    """Verbatim."""
    category: str
    ruled: bool
    """Whether a rule knows it."""
    score: float
    """Log odds of a crisis."""


def _judgements(passage: str, message: str) -> Iterator[Judged]:
    """The passage judged, and each of its parts that a rule knows: plain words are not to be drowned in small talk."""
    if not (whole := _judge(passage, message)):
        return
    yield whole
    if whole.ruled:
        alone = (_judge(part, message) for part in _parts(passage))
        yield from (judged for judged in alone if judged and judged.ruled)


def _parts(passage: str) -> Iterator[str]:
    """Its sentences, and the clauses of a sentence that rambles."""
    for start, end in _sentences(passage):
        sentence = passage[start:end]
        yield from (sentence,) if len(sentence) < _RAMBLING else filter(str.strip, _CLAUSE.split(sentence))


def _judge(passage: str, message: str) -> Judged | None:
    words = spelt(passage)
    noticed = notice(words)
    heard = hear(words, message) if noticed.alarming else Heard("")
    if not (heard.category or noticed.category):
        return None
    from agents.crisis_model import model  # noqa: PLC0415  scikit-learn is slow to import, and many commands never screen

    score = model().score(words) + RULE * bool(heard.category) - TAKEN_BACK * heard.taken_back
    return Judged(passage, heard.category or noticed.category, bool(heard.category), score)


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


def _closest(found: Judged, message: str) -> str:
    """The one sentence of a flagged passage that raises the flag by itself, or all of it."""
    alone = [judged for part in _parts(found.passage) if (judged := _judge(part, message)) and judged.score > THRESHOLD]
    return max(alone, key=lambda judged: judged.score, default=found).passage.strip()


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
