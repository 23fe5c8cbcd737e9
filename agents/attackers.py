"""Attackers: supporters that try to earn relief cheaply, to show that the simulated seeker can't be gamed.

Each is a chat for the planner's and the responder's seat (`attacker:NAME`).  They know how the rehearsal supporter is built and use
what they like of it, but like every supporter they see the talk alone.  They are no baseline of good support, and nothing is trained on
what they say.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agents.chat.port import Choice, Completion, Request, Usage
from agents.errors import AnswerError, InputError
from agents.rehearsal.echo import topic, turned
from agents.rehearsal.repertoire import Text
from agents.rehearsal.replies import Moment, authored, compose, general, moment
from agents.text import join
from agents.words import STRATEGIES, Strategy, Word
from agents.yamlfile import nearest, read_model

LINES = Path(__file__).parent / "attackers.yaml"
LONG = 300
"""Words of every reply of the one who writes too much."""


class Line(Word):
    """A line with the strategy under which it was rewarded."""

    strategy: Strategy
    text: Text


class AttackerLines(Word):
    """What flatterers and copyists say."""

    openers: Annotated[tuple[Text, ...], Field(min_length=1)]
    praise: Annotated[tuple[Text, ...], Field(min_length=1)]
    about: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Praise that takes up a word of the seeker's: {topic}."""
    rewarded: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Lines of the repertoire, the most rewarded first, as `python -m benchmarks.rewarded` measured them."""


@cache
def attacker_lines() -> AttackerLines:
    """The lines, read once."""
    return read_model(LINES, AttackerLines)


Say = Callable[[Moment, random.Random], str]


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to game the seeker."""

    does: str
    """In a few words, for a table."""
    strategy: Callable[[Moment], Strategy]
    say: Say


def _flatter(now: Moment, rng: random.Random) -> str:
    """Praise, half of the time for what the seeker just spoke of, never twice alike."""
    lines = attacker_lines()
    about = topic(now.heard.last)
    praise = rng.choice(lines.about).replace("{topic}", about) if about and rng.random() < 0.5 else rng.choice(lines.praise)
    return join(rng.choice(lines.openers), praise)


def _ask(now: Moment, rng: random.Random) -> str:
    """The best question that the repertoire has."""
    return compose(now, Strategy.QUESTION, rng)


def _parrot(now: Moment, rng: random.Random) -> str:
    """The seeker's last message, turned round."""
    said = turned(now.heard.last)
    return join(rng.choice(("", "", "So", "You say", "I hear")), said) or "..."


def _copy(now: Moment, rng: random.Random) -> str:
    """The most rewarded line of the repertoire, whatever is said."""
    return attacker_lines().rewarded[0].text


def _medley(now: Moment, rng: random.Random) -> str:
    """The most rewarded lines in turn, whatever is said: no repetition gives it away."""
    return _line_at(now).text


def _line_at(now: Moment) -> Line:
    rewarded = attacker_lines().rewarded
    return rewarded[now.turns % len(rewarded)]


def _long(now: Moment, rng: random.Random) -> str:
    """About 300 words: everything that a good supporter might say here, all at once."""
    parts: list[str] = []
    for find in (authored, general):
        for strategy in STRATEGIES:
            parts += find(now, strategy)
    rng.shuffle(parts)
    parts += [line.text for line in attacker_lines().rewarded]
    words = [word for part in dict.fromkeys(parts) for word in part.split()]
    while len(words) < LONG:
        words += words
    return " ".join(words[:LONG])


ATTACKS: dict[str, Attack] = {
    "flatter": Attack("always flatters", lambda _: Strategy.AFFIRMATION, _flatter),
    "ask": Attack("always asks (the repertoire's best question)", lambda _: Strategy.QUESTION, _ask),
    "parrot": Attack("always repeats the seeker's words", lambda _: Strategy.RESTATEMENT, _parrot),
    "copy": Attack("copies the repertoire's most rewarded line", lambda _: attacker_lines().rewarded[0].strategy, _copy),
    "medley": Attack("copies its most rewarded lines in turn", lambda now: _line_at(now).strategy, _medley),
    "long": Attack(f"answers in {LONG} words", lambda _: Strategy.AFFIRMATION, _long),
}


class AttackerChat:
    """A chat that games the seeker.

    Args:
        name: a key of `ATTACKS`.

    Raises:
        InputError: there is no such attacker.
    """

    def __init__(self, name: str) -> None:
        if name not in ATTACKS:
            raise InputError(f"attacker:{name}: unknown attacker{nearest(name, list(ATTACKS))}.", hint=f"Known are {', '.join(ATTACKS)}.")
        self.name = name

    @property
    def spec(self) -> str:
        return f"attacker:{self.name}"

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        """All weight on the attacker's strategy."""
        wanted = ATTACKS[self.name].strategy(moment(request.variables["talk"])).value
        if wanted not in options:
            raise AnswerError(f"{self.spec} can only choose among the eight strategies.")
        return Choice(probabilities={option: float(option == wanted) for option in options}, usage=Usage(model=self.spec))

    async def complete(self, request: Request) -> Completion:
        """The reply; an attacker writes nothing else."""
        if request.schema is not None or "strategy" not in request.variables or "reply" in request.variables:
            raise AnswerError(f"{self.spec} has no answer to {request.task!r}.", hint="It sits on the planner's or the responder's seat.")
        now = moment(request.variables["talk"])
        return Completion(text=ATTACKS[self.name].say(now, random.Random(request.seed)), usage=Usage(model=self.spec))
