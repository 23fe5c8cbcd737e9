"""Listening: which entry of the repertoire is nearest to what the seeker has just said, and what may be said back.

TF-IDF over the entries (scikit-learn), the last message against each entry and the whole talk against each story, so that a short
"Got another one." is heard inside the story it belongs to.  Keyed by words alone, never by an id.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from agents.nearness import Floats, Nearness
from agents.rehearsal.repertoire import Entry, stories
from agents.text import STOP, join, sentences, stem, stems
from agents.words import Speaker, Talk

THEME = "theme-"
"""How the files of the themes begin, which serve what no story knows."""

STORY_WEIGHT = 0.5
"""How much the story of the whole talk counts beside the last message."""

KNOWN = 0.42
"""Cosine of a message with an entry from which the entry was meant: 97% of the library's guarded wordings reach it, small talk hardly."""

KNOWN_HERE = 0.27
"""The same inside the story that the whole talk points to."""

KNOWN_FIRST = 0.31
"""The same for a first message, where message and talk are one: nearly all openings of the library reach it, few of other people's."""

KNOWN_THEME = 0.27
"""Cosine from which an entry of a theme, made for what no story knows, is near enough."""

SMALLEST = 4
"""Words from which an earlier message is worth going back to."""

LOOK_BACK = 3
"""When the last message says little of its own, up to this many of the seeker's messages are listened to, newest first."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9']*")


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in the last message."""

    last: str
    """The seeker's turns since the supporter last spoke."""
    entry: Entry | None
    """The nearest entry; None when nothing is near."""
    story: str
    """The nearest story by the whole talk; empty before anything was said."""
    theme: str
    score: float
    """Cosine of the message with the entry, 0 to 1."""
    home: bool = False
    """Whether the entry belongs to the story that the whole talk points to."""
    carried: bool = False
    """Whether the entry was heard in an earlier message, because the last one says little of its own."""


class Ear:
    """An index over the repertoire; make it once (`ear()`)."""

    def __init__(self) -> None:
        self.names = list(stories())
        self.entries = [(name, entry) for name, story in stories().items() for entry in story.entries]
        documents = [" ".join((*entry.heard, *_restatements(entry))) for _, entry in self.entries]
        self.nearness = Nearness(documents)
        owner = np.array([self.names.index(name) for name, _ in self.entries])
        self.owner: NDArray[np.int64] = owner
        self.of_theme = np.array([name.startswith(THEME) for name, _ in self.entries])
        self.centres = _centres(self.nearness.matrix, owner, len(self.names))
        self.spread = _spread()

    def hear(self, talk: Talk) -> Heard:
        """What the last seeker turns of a talk say; when they say little of their own, what was said shortly before."""
        said = [turn.text for turn in talk if turn.speaker is Speaker.SEEKER]
        last, context = last_said(talk), join(*said)
        heard = self._hear(last, context)
        for earlier in reversed(said[-LOOK_BACK:-1]):
            if heard.entry is not None:
                break
            if len(earlier.split()) < SMALLEST:
                continue
            before = self._hear(earlier, context)
            heard = replace(before, last=last, carried=before.entry is not None)
        return heard

    @lru_cache(maxsize=512)  # noqa: B019  (the one Ear lives as long as the process)
    def _hear(self, last: str, context: str) -> Heard:
        near = self.nearness.cosines(last)
        columns, weights = self.nearness.weights(context)
        affinity: Floats = self.centres[:, columns] @ weights
        story = self.names[int(affinity.argmax())] if affinity.max() > 0 else ""
        together = near + STORY_WEIGHT * affinity[self.owner]
        best = int(together.argmax())
        here = KNOWN_FIRST if last == context else KNOWN_HERE
        known = near[best] >= (here if self.entries[best][0] == story else KNOWN)
        if not known:
            best = int((together * self.of_theme).argmax())
            known = near[best] >= KNOWN_THEME and bool(self.of_theme[best])
        name, entry = self.entries[best]
        theme = stories()[name if known else story].theme if known or story else ""
        return Heard(last=last, entry=entry if known else None, story=story, theme=theme, score=float(near[best]), home=name == story)


@cache
def ear() -> Ear:
    """The one index of this process."""
    return Ear()


def last_said(talk: Talk) -> str:
    """What the seeker has said last, turns in a row joined: before the supporter's latest words, where they have not been answered yet."""
    said: list[str] = []
    for turn in reversed(talk):
        if turn.speaker is Speaker.SEEKER:
            said.append(turn.text)
        elif said:
            break
    return join(*reversed(said))


def untold(reply: str, entry: Entry | None, told: frozenset[str]) -> bool:
    """Whether a reply names something that nobody has said yet; `told` holds the stems of all that was said.

    Names and numbers must have been said; so must words that are particular to the entry's story.  This is what keeps an authored
    reply, written for a fact in full, from telling the seeker what the seeker has kept back.
    """
    particular = _particular(entry) if entry else frozenset()
    return any(root not in told and (named or root in particular) for root, named in _mentions(reply))


@lru_cache(maxsize=8192)
def _mentions(reply: str) -> tuple[tuple[str, bool], ...]:
    """Stems of a reply's words that carry a topic, each with whether it is a name or a number."""
    return tuple(
        (stem(word.lower()), _is_name(word, position) or any(letter.isdigit() for letter in word))
        for sentence in sentences(reply)
        for position, word in enumerate(_WORD.findall(sentence))
        if word.lower() not in STOP
    )


def _is_name(word: str, position: int) -> bool:
    return position > 0 and word[0].isupper() and word != "I" and not word.startswith("I'")


@lru_cache(maxsize=8192)
def _particular_of(heard: tuple[str, ...]) -> frozenset[str]:
    few = max(3, int(0.12 * len(stories())))
    return frozenset(root for text in heard for root in stems(text) if ear().spread[root] <= few)


def _particular(entry: Entry) -> frozenset[str]:
    return _particular_of(entry.heard)


def _restatements(entry: Entry) -> tuple[str, ...]:
    return next((texts for strategy, texts in entry.replies.items() if strategy.value.startswith("Restatement")), ())


def _spread() -> Counter[str]:
    """In how many stories a stem occurs in a reply."""
    spread: Counter[str] = Counter()
    for story in stories().values():
        spread.update({root for entry in story.entries for texts in entry.replies.values() for text in texts for root in stems(text)})
    return spread


def _centres(matrix: csr_matrix, owner: NDArray[np.int64], count: int) -> Floats:
    centres = np.vstack([np.asarray(matrix[owner == index].mean(axis=0)).ravel() for index in range(count)])
    norms: Floats = np.linalg.norm(centres, axis=1, keepdims=True)
    return np.asarray(centres / np.maximum(norms, 1e-9), dtype=np.float64)
