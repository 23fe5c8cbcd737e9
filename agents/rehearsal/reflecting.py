"""Reading between the lines by rehearsal: u_n, s_n and the need, from the seeker's words alone."""

from __future__ import annotations

import re
from statistics import median

from agents.emotions import families
from agents.rehearsal.cues import read_cues
from agents.rehearsal.echo import adjective, topic
from agents.rehearsal.replies import Moment
from agents.text import plain, words
from agents.words import Reflection, Speaker, Talk

_STRONG = re.compile(
    r"\b(can't|cannot|never|always|nothing|nobody|every night|shak(e|ing)|crying|cried|terrified|furious|hate|worst|sick|unbearable|"
    r"panic|desperate|ashamed|humiliat|broke down|screamed|worthless|so (tired|scared|angry|ashamed))\b"
)
_LIFE = re.compile(
    r"\b(my|our) (wife|husband|partner|girlfriend|boyfriend|son|daughter|kids?|children|mother|mum|mom|father|dad|sister|brother|boss|manager|job|shop|class|course|exam|flat|house)\b"
)


def reflect(now: Moment, talk: Talk) -> Reflection:
    """The reflection that the talk supports."""
    mine = [turn.text for turn in talk if turn.speaker is Speaker.SEEKER]
    return Reflection(profile=_profile(now, mine), emotion=_emotion(now), intensity=_intensity(mine), need=_need(now))


def _profile(now: Moment, mine: list[str]) -> str:
    lengths = [len(words(text)) for text in mine]
    manner = "writes little" if median(lengths) < 9 else "tells freely" if median(lengths) > 22 else "tells measured amounts"
    told = [cue for text in mine if (cue := read_cues(text))]
    if sum(cue.dodge for cue in told) >= 2:
        manner += ", turns questions away"
    if sum(cue.objection or cue.complaint for cue in told) >= 2:
        manner += ", argues with what is offered"
    people = list(dict.fromkeys(match.group(2) for text in mine for match in _LIFE.finditer(plain(text))))[:4]
    about = f"; speaks of {', '.join(people)}" if people else ""
    matter = f"Someone with {now.heard.theme}" if now.heard.theme else "Someone whose trouble is not clear yet"
    return f"{matter}; {manner}{about}."


def _emotion(now: Moment) -> str:
    named = sorted(family.value for family in families(now.heard.last))
    if now.feeling is None:
        return "unclear from the words"
    others = [name for name in named if name != now.feeling.value]
    return adjective(now.feeling) + (f", with {', '.join(others)}" if others else "")


def _intensity(mine: list[str]) -> int:
    recent = " ".join(mine[-3:])
    cues = read_cues(mine[-1]) if mine else None
    strong = len(_STRONG.findall(plain(recent)))
    eased = bool(cues and (cues.eased or cues.thanks))
    return max(1, min(5, 3 + min(strong, 2) - 2 * eased))


def _need(now: Moment) -> str:
    cues = now.cues
    about = topic(now.heard.last)
    if now.parting:
        return "To be let go kindly."
    if cues.complaint or cues.correction:
        return "To be understood before anything else is said."
    if cues.asks == "advice":
        return "A small idea to hold on to."
    if cues.asks == "normal":
        return "To hear that this is a human way to feel."
    if cues.asks == "you":
        return "To know that the other is a person too."
    if cues.dodge:
        return "Not to be pressed."
    if cues.eased:
        return "To have what eased confirmed, and no hurry."
    return f"To be heard about {about}." if about else "To be heard."
