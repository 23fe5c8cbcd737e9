"""Replies: what may be said under a strategy, from the entry that was heard or from the general lines.

A candidate never says what nobody told, never repeats a sentence of this talk, and does not open like two turns before it.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from agents.emotions import Family, families
from agents.rehearsal.cues import Cues, read_cues
from agents.rehearsal.echo import adjective, echo, emotion, topic
from agents.rehearsal.listening import KNOWN, Heard, ear, last_said, untold
from agents.rehearsal.repertoire import common
from agents.text import join, normal, opening, sentences, stems
from agents.words import Speaker, Strategy, Talk, Utterance

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that choosing a reply needs to know about a talk: computed once a turn."""

    heard: Heard
    cues: Cues
    told: frozenset[str]
    """Stems of all that was said."""
    spoken: frozenset[str]
    """Normalised sentences of all that was said."""
    openings: Counter[str]
    """First three words of the supporter's turns."""
    strategies: tuple[Strategy, ...]
    """Of the supporter's turns so far, where they are known: a client from outside may have dropped them."""
    turns: int
    """Supporter turns so far."""
    feeling: Family | None
    """What the last message feels like: by its own words, else by those of the entry it was heard as."""
    sayable: dict[Strategy, list[str]] = field(default_factory=dict, compare=False)
    """What `authored` has found so far: planner, responder and critic all ask for it."""

    @property
    def only_greeted(self) -> bool:
        """Whether the seeker has said hello and no more."""
        return not self.turns and self.cues.length <= 8 and (self.cues.greeting or self.heard.score < KNOWN)

    @property
    def parting(self) -> bool:
        """Whether the seeker takes leave: says so, or says what this story's good-byes say."""
        surely = self.heard.home and not self.heard.carried and self.heard.score >= KNOWN and not self.cues.asks
        entry = self.heard.entry if surely else None
        return bool(self.turns) and (self.cues.goodbye or (entry is not None and Strategy.QUESTION not in entry.replies))


def moment(talk: Talk) -> Moment:
    """The moment at the end of a talk."""
    return _moment(tuple(talk))


@lru_cache(maxsize=256)
def _moment(talk: tuple[Utterance, ...]) -> Moment:
    heard = ear().hear(talk)
    supporter = [turn for turn in talk if turn.speaker is Speaker.SUPPORTER]
    return Moment(
        heard=heard,
        cues=read_cues(last_said(talk)),
        told=frozenset(root for turn in talk for root in stems(turn.text)),
        spoken=frozenset(normal(sentence) for turn in talk for sentence in sentences(turn.text)),
        openings=Counter(opening(turn.text) for turn in supporter),
        strategies=tuple(turn.strategy for turn in supporter if turn.strategy),
        turns=len(supporter),
        feeling=_feeling(heard),
    )


def plausible(heard: Heard) -> frozenset[Family]:
    """Feelings that a careful listener may name now: those of the message and those that the entry's reflections name."""
    named = set(families(heard.last))
    if heard.entry is not None:
        for text in heard.entry.replies.get(Strategy.REFLECTION, ()):
            named |= families(text)
        for text in heard.entry.heard:
            named |= families(text)
    return frozenset(named)


def _feeling(heard: Heard) -> Family | None:
    if (named := emotion(heard.last)) is not None or heard.entry is None:
        return named
    for text in heard.entry.replies.get(Strategy.REFLECTION, ()):
        if (named := emotion(text)) is not None:
            return named
    return None


def fresh(text: str, now: Moment) -> bool:
    """Whether a text repeats no sentence of the talk and opens unlike the turns before it."""
    if now.openings[opening(text)] >= 2:
        return False
    return not any(normal(sentence) in now.spoken for sentence in sentences(text))


def authored(now: Moment, strategy: Strategy) -> list[str]:
    """Replies written for what was heard that may be said now."""
    if strategy not in now.sayable:
        entry = now.heard.entry
        texts = entry.replies.get(strategy, ()) if entry else ()
        now.sayable[strategy] = [text for text in texts if fresh(text, now) and not untold(text, entry, now.told)]
    return now.sayable[strategy]


def general(now: Moment, strategy: Strategy) -> list[str]:
    """General lines under a strategy, filled with the seeker's own words; those whose slots can't be filled are left out."""
    lines = common().fallback[strategy]
    if now.cues.length <= 3 and strategy is Strategy.QUESTION:
        lines = (*lines, *common().mirror_unknown)
    return [text for text in filled(lines, now) if fresh(text, now)]


def filled(lines: Iterable[str], now: Moment, **more: str | None) -> list[str]:
    """Lines with their slots filled; a line with a slot that has no value is dropped."""
    last = now.heard.last
    values = {"echo": echo(last), "topic": topic(last), "emotion": adjective(now.feeling) if now.feeling else None, **more}
    return [
        _capital(_SLOT.sub(lambda match: values[match.group(1)] or "", line))
        for line in lines
        if all(values.get(name) for name in _SLOT.findall(line))
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def lead(now: Moment, strategy: Strategy, rng: random.Random) -> str:
    """A fragment that takes up what the seeker did (asked, corrected, complained, turned away), or nothing."""
    leads, cues = common().leads, now.cues
    if cues.asks == "advice" and strategy in (Strategy.SUGGESTION, Strategy.INFORMATION):
        pool = leads.advice
    elif cues.asks == "normal" and strategy is not Strategy.QUESTION:
        pool = leads.normal
    elif cues.asks == "you" and strategy is not Strategy.QUESTION:
        pool = leads.you
    elif cues.correction and cues.length < 25:
        pool = leads.corrected
    elif cues.complaint:
        pool = leads.passed
    elif cues.dodge:
        pool = leads.dodged
    else:
        return ""
    fit = [text for text in pool if fresh(text, now)]
    return rng.choice(fit) if fit else ""


def compose(now: Moment, strategy: Strategy, rng: random.Random) -> str:
    """A clean reply under `strategy`: authored where there is one, general otherwise."""
    if now.parting and strategy is Strategy.OTHERS:
        pool = authored(now, strategy) if now.heard.home and not now.heard.carried else []
        pool = pool or [text for text in common().partings if fresh(text, now)]
    elif now.cues.winding_up and strategy is Strategy.OTHERS:
        pool = [text for text in common().winding if fresh(text, now)]
    elif now.only_greeted:
        pool = [text for text in (common().welcomes if strategy is Strategy.OTHERS else common().greetings) if fresh(text, now)]
    else:
        pool = authored(now, strategy) or general(now, strategy) or authored(now, Strategy.REFLECTION) or general(now, Strategy.QUESTION)
    body = rng.choice(pool) if pool else rng.choice(common().mirror_unknown)
    return join(lead(now, strategy, rng), body)
