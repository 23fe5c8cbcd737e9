"""What a message speaks of: the crisis gate's attention, a small grammar of word classes.

The classes and the signs stand in `crisis_signs.yaml`; a sign is classes in order within one sentence, with a few words between them at
most.  A sign does not tell a crisis from what sounds like one, and is not meant to: it keeps rules and model away from the ordinary turns
of a talk, where most false alarms would come from and most time would go.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agents.errors import InputError
from agents.words import Word
from agents.yamlfile import read_model

SIGNS = Path(__file__).with_suffix(".yaml")

_TOKEN = re.compile(r"[a-z0-9']+|[.!?;]")
_STOPS = frozenset(".!?;")

Positions = Mapping[str, Sequence[int]]


class SignFile(Word):
    """`crisis_signs.yaml`."""

    words: dict[str, str]
    """A class's words and phrases, with commas between them."""
    alarming: tuple[str, ...]
    """Classes any word of which is worth a look by the rules."""
    signs: dict[str, tuple[str, ...]]
    """By category, in the order in which a category is named."""


@dataclass(frozen=True, slots=True)
class Step:
    """One place of a sign."""

    gap: int
    """Words between it and the step before, at most."""
    either: frozenset[str]
    """Classes and words that can stand there."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The file, ready to be used."""

    classes: Mapping[str, tuple[str, ...]]
    """Of a single word."""
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
    """(Words, class) by first word."""
    alarming: frozenset[str]
    signs: tuple[tuple[str, tuple[Step, ...]], ...]


@dataclass(frozen=True, slots=True)
class Noticed:
    """What one passage speaks of."""

    category: str
    """Of its first sign; empty where it has none."""
    alarming: bool
    """Whether it has a sign or an alarming word."""


@cache
def lexicon() -> Lexicon:
    """The classes and signs.

    Raises:
        InputError: the file is broken, or a sign names a class that it does not have.
    """
    file = read_model(SIGNS, SignFile)
    classes: dict[str, list[str]] = defaultdict(list)
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for name, listed in file.words.items():
        for entry in listed.split(","):
            first, *more = entry.split()
            if more:
                phrases[first].append(((first, *more), name))
            else:
                classes[first].append(name)
    signs = tuple((category, _steps(sign, file.words)) for category, lines in file.signs.items() for sign in lines)
    return Lexicon(
        {word: tuple(names) for word, names in classes.items()},
        {word: tuple(rows) for word, rows in phrases.items()},
        frozenset(file.alarming),
        signs,
    )


def _steps(sign: str, known: Mapping[str, str]) -> tuple[Step, ...]:
    steps, gap = [], 0
    for part in sign.split():
        if part.startswith("~"):
            gap = int(part[1:])
            continue
        either = frozenset(part.split("|"))
        if unknown := [name for name in either if name.isupper() and name not in known]:
            raise InputError(f"{SIGNS}: sign '{sign}' names the unknown class {unknown[0]}.")
        steps.append(Step(gap, either))
        gap = 0
    return tuple(steps)


def notice(passage: str) -> Noticed:
    """What a `spelt` passage speaks of."""
    known = lexicon()
    places, sentences = _places(passage, known)
    there = places.keys()
    for category, steps in known.signs:
        if all(not step.either.isdisjoint(there) for step in steps) and _stands(steps, places, sentences):
            return Noticed(category, alarming=True)
    return Noticed("", alarming=not known.alarming.isdisjoint(there))


def _places(passage: str, known: Lexicon) -> tuple[dict[str, list[int]], list[int]]:
    """Where each word and class stands, and the number of each token's sentence."""
    tokens = _TOKEN.findall(passage)
    places: dict[str, list[int]] = defaultdict(list)
    sentences, sentence = [], 0
    for at, token in enumerate(tokens):
        sentence += token in _STOPS
        sentences.append(sentence)
        places[token].append(at)
        for name in known.classes.get(token, ()):
            places[name].append(at)
        for words, name in known.phrases.get(token, ()):
            if tuple(tokens[at : at + len(words)]) == words:
                places[name].append(at)
    return places, sentences


def _stands(steps: Sequence[Step], places: Positions, sentences: Sequence[int]) -> bool:
    """Whether the steps follow one another somewhere: each token that can end the first n steps, n by n."""
    ends = {at for name in steps[0].either for at in places.get(name, ())}
    for step in steps[1:]:
        options = [at for name in step.either for at in places.get(name, ())]
        ends = {at for at in options if any(sentences[at] == sentences[end] for end in ends.intersection(range(at - 1 - step.gap, at)))}
        if not ends:
            return False
    return True
