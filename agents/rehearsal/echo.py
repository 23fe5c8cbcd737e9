"""The seeker's own words, turned round: `my boss shouted at me` becomes `your boss shouted at you`.

Also what a message is about (a noun phrase) and which emotion it carries.  Each function returns None rather than a clumsy phrase.
"""

from __future__ import annotations

import re
from functools import lru_cache

from agents.emotions import ADJECTIVE, PLEASANT, Family, families
from agents.text import sentences

_TURN = {
    "i": "you",
    "i'm": "you're",
    "i've": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "we": "you",
    "we're": "you're",
    "we've": "you've",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "am": "are",
}
_TOKEN = re.compile(r"[A-Za-z][A-Za-z'\u2019]*|[^A-Za-z]+")
_LEAD = re.compile(r"^(well|so|and|but|because|yeah|yes|no|ok|okay|honestly|also|anyway|hi|hello|hey|then|oh|um|i mean|like)[,.\s]+", re.I)
_TOPIC = re.compile(
    r"\b(?:my|our) ((?:(?:last|old|new|own|best|first|second|older|younger|little|big|whole|only|oldest|youngest|ex|late) )?[a-z][a-z-]{2,})\b",
    re.I,
)
_NO_TOPIC = frozenset("own whole self head mind life god fault way back own last first best one side eyes".split())
_SHORTEST, _LONGEST = 4, 14


def turned(clause: str) -> str:
    """A clause with first and second person exchanged for the listener's point of view."""
    pieces: list[str] = []
    previous = ""
    for token in _TOKEN.findall(clause.replace("\u2019", "'")):
        lowered = token.lower()
        if lowered == "was" and previous == "i":
            pieces.append("were")
        else:
            pieces.append(_TURN.get(lowered, token))
        if token[0].isalpha():
            previous = lowered
    return "".join(pieces)


@lru_cache(maxsize=2048)
def echo(text: str) -> str | None:
    """A clause of `text` in the second person, no capital, no full stop; None when none is fit to be said back."""
    for sentence in reversed(sentences(text)):
        clause = _LEAD.sub("", sentence.strip().rstrip(".!?\"'"))
        count = len(clause.split())
        mine = re.match(r"(i|my|we|our|i'm|i've|i'd)\b", clause, re.I)
        if not mine or not _SHORTEST <= count <= _LONGEST or re.search(r"\byou(r|'re)?\b|[?;:\"]", clause, re.I):
            continue
        result = turned(clause)
        return result[0].lower() + result[1:]
    return None


@lru_cache(maxsize=2048)
def topic(text: str) -> str | None:
    """What a message is about, as a noun phrase in the second person (`your boss`); None when nothing stands out."""
    for match in _TOPIC.finditer(text):
        noun = match.group(1).lower()
        if noun.split()[-1] not in _NO_TOPIC:
            return f"your {noun}"
    return None


def emotion(text: str) -> Family | None:
    """The unpleasant feeling that a message names last; None when it names none."""
    named = [family for family in Family if family in families(text) and family not in PLEASANT]
    return named[-1] if named else None


def adjective(family: Family) -> str:
    """An adjective for a family, fit for `you feel ...`."""
    return ADJECTIVE[family]
