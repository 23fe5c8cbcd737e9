"""Claims: what a seeker says of itself that a persona can contradict: age, gender, occupation.

Only outright statements ("I'm 23", "I'm a mother", "I'm a nurse") are read.  Who else lives in the house, what happened when, and
everything that needs inference stays unchecked: a reader must judge it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from agents.text import plain, stems
from simulator.persona import Persona
from simulator.scenario import Scenario, library

_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_TEENS = dict(zip("thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), range(13, 20), strict=True))
_ONES = dict(zip("one two three four five six seven eight nine".split(), range(1, 10), strict=True))
_NUMBER = rf"(?:\d\d|(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES)}))?|{'|'.join(_TEENS)})"
_AGE = re.compile(
    rf"(?<!when )(?<!like )(?<!if )\b(?:i'm|i am|im) (?:now |just |only |already )?({_NUMBER})"
    r"(?: ?(?:years?[- ]old|yrs? old|yo)\b|(?=\s*(?:[.,;!?)]|and i\b|now\b|$)))"
)
_SELF = r"(?<!like )(?<!if )(?<!think )(?<!thinks )(?<!says )(?<!said )(?<!that )\b(?:i'm|i am|im) (?:just |only |still )?an? "
_FEMALE = "woman girl lady female mother mum mom wife widow daughter grandmother grandma sister".split()
_MALE = "man guy bloke male father dad husband widower son grandfather grandpa brother".split()
_GENDER = re.compile(rf"{_SELF}(?:[a-z-]+ ){{0,2}}?({'|'.join([*_FEMALE, *_MALE])})\b(?!'s| of\b)")
_WORK = re.compile(rf"{_SELF}((?:[a-z-]+ ){{0,2}}?)([a-z-]+)\b(?= (?:at|in|for|by|with|here|from|and)\b|\s*[.,;!?]|$)")
_PAST = frozenset("retired former ex trained qualified trainee future would-be failed born natural like".split())
_VAGUE = frozenset("worker employee owner person parent carer student".split())
"""Anybody can be one beside what they are."""
_COMMON = (
    "accountant actor architect baker barber builder carpenter cashier chef cleaner clerk cook dentist developer doctor driver "
    "electrician engineer farmer fisherman gardener hairdresser journalist lawyer librarian lecturer "
    "mechanic midwife musician nurse paramedic pharmacist "
    "photographer pilot plumber programmer professor receptionist salesman secretary soldier solicitor surgeon teacher therapist "
    "translator vet waiter waitress welder writer"
).split()


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about oneself."""

    kind: str
    """`age`, `gender` or `occupation`."""
    value: str
    words: str


def claims(text: str) -> list[Claim]:
    """What a text states about its writer."""
    lowered = plain(text)
    found = [Claim("age", str(age), match.group(0)) for match in _AGE.finditer(lowered) if (age := _number(match.group(1))) >= 13]
    found += [Claim("gender", "female" if match.group(1) in _FEMALE else "male", match.group(0)) for match in _GENDER.finditer(lowered)]
    for match in _WORK.finditer(lowered):
        before, head = match.group(1).split(), match.group(2)
        if head in occupations() and not _PAST & set(before):
            found.append(Claim("occupation", " ".join([*before, head]), match.group(0)))
    return found


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    parts = re.split(r"[- ]", text)
    return sum(_TENS.get(part, 0) + _TEENS.get(part, 0) + _ONES.get(part, 0) for part in parts)


@cache
def occupations() -> frozenset[str]:
    """Words that name what somebody works as."""
    heads = (name.split()[-1].lower() for scenario in library() for name in scenario.speaker.occupations)
    return frozenset([*_COMMON, *heads]) - _VAGUE


def contradiction(claim: Claim, persona: Persona, scenario: Scenario) -> str:
    """Why a claim does not fit the persona; empty where it does, or where nothing is known."""
    if claim.kind == "age":
        return f"It is {persona.age}." if abs(int(claim.value) - persona.age) > 1 else ""
    if claim.kind == "gender":
        known = persona.gender.lower() in ("female", "male")
        return f"It is {persona.gender}." if known and persona.gender.lower() != claim.value else ""
    known_words = set(stems(f"{persona.occupation} {persona.background} {scenario.situation} {' '.join(scenario.openings)}"))
    known_words |= {root for fact in scenario.facts for root in stems(f"{fact.guarded} {fact.plain} {fact.open}")}
    return "" if set(stems(claim.value)) & known_words else f"It is a {persona.occupation}."


def disagree(first: Claim, second: Claim) -> bool:
    """Whether two claims of one talk can't both be true; two occupations can."""
    if first.kind != second.kind or first.kind == "occupation":
        return False
    return abs(int(first.value) - int(second.value)) > 1 if first.kind == "age" else first.value != second.value
