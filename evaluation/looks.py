"""Looks: each reflection of a run beside what was true at that moment.

A reflection is made before a reply, so the truth is the mind after the seeker's last turn.  A scenario has one emotion type and one need
for the whole talk, a persona does not change: only intensity moves.  Crisis answers have no reflection; failed talks are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from agents.emotions import Family, family_of, feelings
from agents.words import Reflection
from simulator.describing import describe_persona
from simulator.episode import Episode, SeekerTurn, StopReason, SupporterTurn

FIFTHS = 5


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so for a whole talk, in words; equal keys stand for the same truth."""

    emotion: Family
    scenario: str
    need: str
    situation: str
    persona: str


@dataclass(frozen=True, slots=True)
class Look:
    """One reflection and the truth beside it."""

    talk: str
    fifth: int
    """Where in the talk's reflections, 0 to 4."""
    said: Reflection
    intensity: float
    """The mind's, 1 to 5."""
    named: Family | None
    """The first feeling that the inferred emotion names; None when it names none."""
    told: str
    """What the seeker has said so far."""


@dataclass(slots=True)
class Looks:
    """The looks of a run, and what was passed over."""

    looks: list[Look] = field(default_factory=list)
    truths: dict[str, Truth] = field(default_factory=dict)
    """By talk."""
    episodes: int = 0
    failed: int = 0
    unseen: int = 0
    """Talks without any reflection: the critic was off, or failed early."""
    critics: Counter[str] = field(default_factory=Counter)


def gather(episodes: Iterable[Episode]) -> Looks:
    """The looks of episodes, in one pass."""
    found = Looks()
    for episode in episodes:
        found.episodes += 1
        if episode.stop.reason is StopReason.FAILED:
            found.failed += 1
            continue
        mine = list(_looks(episode))
        found.unseen += not mine
        if mine:
            found.looks += mine
            found.truths[episode.id] = truth_of(episode)
            found.critics[episode.models.critic] += 1
    return found


def truth_of(episode: Episode) -> Truth:
    """What a reflection of this episode is measured against."""
    scenario = episode.scenario
    return Truth(
        emotion=family_of(scenario.emotion_type),
        scenario=scenario.name,
        need=scenario.need,
        situation=f"{scenario.problem_type}. {scenario.situation}",
        persona=describe_persona(episode.persona),
    )


def _looks(episode: Episode) -> Iterator[Look]:
    count = sum(isinstance(turn, SupporterTurn) and turn.reflection is not None for turn in episode.turns)
    mind, told, place = None, "", 0
    for turn in episode.turns:
        if isinstance(turn, SeekerTurn):
            mind, told = turn.mind, f"{told} {turn.text}".strip()
        elif turn.reflection is not None and mind is not None:
            yield Look(
                talk=episode.id,
                fifth=place * FIFTHS // count,
                said=turn.reflection,
                intensity=mind.intensity,
                named=first_named(turn.reflection.emotion),
                told=told,
            )
            place += 1


def first_named(emotion: str) -> Family | None:
    """The feeling that a description of an emotional state names first; None when it names none.

    A negated feeling does not count, nor does a word that is in no list of `agents.emotions`.
    """
    found = feelings(emotion)
    return found[0][1] if found else None
