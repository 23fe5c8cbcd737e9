"""What a linear planner looks at: the last seeker and supporter texts, the strategies used so far, and the position in the talk.

One function for training and for use, so that both see the same.  It never looks ahead: how long the talk will be is not known.
Text is words and word pairs by a regular expression; no topic model, no embedding, no language but that of the training talks.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from agents.words import Speaker, Talk

Features = dict[str, float]

_TOKEN = re.compile(r"\w[\w']*|[?!.]")
_CUES = ("thank", "bye", "good night", "take care", "hello", "hi ", "hey", "you too", "what do you", "should i", "yes", "no", "ok", "lol")
_FAREWELL = ("bye", "take care")
_MOST_TURNS = 20


def state(talk: Talk) -> Features:
    """Named numbers about the talk so far, each between 0 and about 2."""
    used = [turn.strategy.name for turn in talk if turn.speaker is Speaker.SUPPORTER and turn.strategy]
    seeker, supporter = _blocks(talk, Speaker.SEEKER), _blocks(talk, Speaker.SUPPORTER)
    found = [*_place(talk, used), *_recent(talk, used), *_sound(talk, seeker, supporter)]
    features: Features = dict.fromkeys(found, 1.0)
    features["turns"] = math.log1p(len(used)) / 3
    for name, count in Counter(used).items():
        features |= {f"has {name}": 1.0, f"times {name}": math.log1p(count), f"share {name}": count / len(used)}
    return features


def terms(talk: Talk) -> dict[str, Counter[str]]:
    """Words and word pairs of the last seeker block (`<`) and of the last supporter block (`>`), by field."""
    last = {"<": _blocks(talk, Speaker.SEEKER)[-1:], ">": _blocks(talk, Speaker.SUPPORTER)[-1:]}
    return {field: Counter(f"{field} {term}" for text in texts for term in _terms(text)) for field, texts in last.items()}


def _place(talk: Talk, used: Sequence[str]) -> Iterator[str]:
    mine = _mine(talk)
    yield f"turn {min(len(used), _MOST_TURNS)}"
    yield f"third {len(used) // 3}"
    yield f"mine {mine} third {min(len(used) // 3, 6)}"


def _recent(talk: Talk, used: Sequence[str]) -> Iterator[str]:
    """The last strategies, and how many turns in a row were the supporter's own."""
    last, second, third = [*reversed(used), "-", "-", "-"][:3]
    yield f"mine {_mine(talk)}"
    yield f"last {last}"
    yield f"second {second}"
    yield f"third last {third}"
    yield f"last two {last} {second}"
    yield f"last {last} mine {_mine(talk)}"
    yield f"last {last} third {min(len(used) // 3, 6)}"


def _mine(talk: Talk) -> int:
    """How many supporter turns stand at the end, 4 at most: a supporter that goes on speaks differently."""
    count = 0
    while count < min(4, len(talk)) and talk[-1 - count].speaker is Speaker.SUPPORTER:
        count += 1
    return count


def _sound(talk: Talk, seeker: Sequence[str], supporter: Sequence[str]) -> Iterator[str]:
    """What the last texts sound like: length, questions, thanks, farewells."""
    heard, said = (seeker or [""])[-1], (supporter or [""])[-1]
    lower = heard.lower()
    yield f"heard length {_size(heard)}"
    yield f"heard asks {'?' in heard} {heard.endswith('?')}"
    yield f"said length {_size(said)}"
    yield f"said asks {'?' in said} mine {_mine(talk)}"
    yield f"thanks {min(3, sum('thank' in text.lower() for text in seeker))}"
    yield f"farewell {any(word in text.lower() for text in [*seeker, *supporter] for word in _FAREWELL)}"
    yield from (f"cue {cue}" for cue in _CUES if cue in lower)


def _size(text: str) -> int:
    return min(14, int(2 * math.log2(len(text.split()) + 1)))


def _blocks(talk: Talk, speaker: Speaker) -> list[str]:
    """The texts of a speaker, turns in a row joined."""
    return [" ".join(turn.text for turn in turns) for who, turns in groupby(talk, key=lambda turn: turn.speaker) if who is speaker]


def _terms(text: str) -> Iterator[str]:
    words = _TOKEN.findall(text.lower().replace("\u2019", "'"))
    yield from words
    yield from (f"{left} {right}" for left, right in pairwise(words))
