"""Words, stems and sentences of plain English chat: what retrieval, the critic and the seeker's ear share.

Deliberately small: a regular expression, a stop list and a suffix stripper, enough for TF-IDF over short messages.  No parsing, no
language but English, no state.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9][a-z0-9']*")
_SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')]))\s+")
_SUFFIXES = ("ingly", "edly", "ing", "ies", "ied", "ed", "es", "s", "ly")

STOP: frozenset[str] = frozenset(
    """a an the and or but if then so of to in on at by for with from as is are was were be been being am i i'm i've i'd i'll
    you you're you've you'd you'll he she it it's its they they're them his her hers their theirs my your our me him us we this
    that that's these those there here what who whom which when where why how do does did done doing don't didn't doesn't have
    has had having not no nor can can't could couldn't will won't would wouldn't should shouldn't may might must just very
    really too also about into over under up down out off again more most some any all each than own same such only even still
    yet now like get got getting go going goes went one thing things something anything nothing everything someone know knew
    think thought say said says tell told make made way lot much many because though while before after always never ever
    back well""".split()
)
"""Words that carry no topic."""


def plain(text: str) -> str:
    """Lower case with straight apostrophes."""
    return text.lower().replace("\u2019", "'")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A crude stem of a lower-case word: `worrying`, `worried` and `worries` meet; so do `hope` and `hoping`."""
    word = word.removesuffix("'s").replace("'", "")
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word.removesuffix(suffix) + ("y" if suffix in ("ies", "ied") else "")
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


@lru_cache(maxsize=8192)
def stems(text: str) -> tuple[str, ...]:
    """Stems of the words that carry a topic, in order."""
    return tuple(stem(word) for word in _WORD.findall(plain(text)) if word not in STOP)


def words(text: str) -> list[str]:
    """All words, lower case."""
    return _WORD.findall(plain(text))


@lru_cache(maxsize=8192)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a message, each with its closing mark."""
    return tuple(part.strip() for part in _SENTENCE_END.split(text) if part.strip())


@lru_cache(maxsize=8192)
def normal(sentence: str) -> str:
    """A sentence as its lower-case words: two that differ in punctuation or case are the same."""
    return " ".join(words(sentence))


def opening(text: str, count: int = 3) -> str:
    """The first `count` words, normalised."""
    return " ".join(words(text)[:count])


def overlap(left: str, right: str) -> int:
    """Number of different stems that two texts share."""
    return len(set(stems(left)) & set(stems(right)))


def is_question(text: str) -> bool:
    """Whether something is asked."""
    return "?" in text


def join(*parts: str) -> str:
    """Sentences in a row, with one space between and none at the ends."""
    return " ".join(part.strip() for part in parts if part and part.strip())
