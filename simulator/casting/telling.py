"""What a card tells, as facts: clause by clause in the first person, each in three wordings that tell more and more.

Nothing is invented: the guarded wording is a shortened clause, the open one joins what the card itself says next.
"""

from __future__ import annotations

import re

from agents.emotions import feelings
from agents.text import join, sentences, stems
from simulator.casting.card import Card
from simulator.casting.firstperson import Told, in_first_person
from simulator.casting.grammar import PERSONS, plainer
from simulator.scenario import Depth, Fact

MOST = 8
"""Facts that one card gives at most."""
_LONG, _SHORT, _OPEN_MOST = 34, 9, 45
_CUTS = re.compile(
    r",| (?:because|after|who|whom|while|which|despite|and|but|since|when|where|especially|with|over|about|"
    r"if|whether|so|as|due|without|in the middle)\b"
)
_HANGING = re.compile(r"\b(?:because|after|when|while|although|though|if|since|despite|as)\b(?!.*\b(?:because|but)\b)")
_NO_END = frozenset(
    "a an the my of to in on at for with from by about because and or but is am i'm been be more so too not between such".split()
)
_SURFACE, _LATER = 2, 5
_GENERAL = (
    ("what has been going on", "what brings you here", "what happened"),
    ("tell me more about it", "what is that like", "how did it come to that"),
    ("what is the hardest part", "what weighs on you most", "is there something else"),
)
_YOU = re.compile(r"\b(you are|you're|you have|your|yours|yourself|you)\b", re.IGNORECASE)


def told(card: Card) -> tuple[Told, ...]:
    """What the card tells, in the first person and in order; empty for a card that is not in English."""
    if card.voice == "first":
        return tuple(_first(card.telling))
    if card.voice == "second":
        return tuple(Told(_from_you(sentence)) for sentence in sentences(card.telling))
    return in_first_person(card.telling, str(card.given.get("gender", "")))


def _first(text: str) -> list[Told]:
    """A text that is in the first person already: its sentences, long ones cut where a new one begins."""
    parts: list[str] = []
    for sentence in sentences(" ".join(text.split())):
        if len(sentence.split()) > _LONG:
            parts.extend(re.split(r",? (?:and|but|so) (?=(?:I|i|my|we|he|she|they)\b)", sentence))
        else:
            parts.append(sentence)
    return [Told(part.strip()) for part in parts if part.strip()]


def _from_you(sentence: str) -> str:
    """`you are experiencing writer's block` as `I'm experiencing writer's block`."""

    def turn(match: re.Match[str]) -> str:
        word = match.group().lower()
        if word != "you":
            return {"you are": "I'm", "you're": "I'm", "you have": "I've" if _PARTICIPLE.match(sentence, match.end()) else "I have"}.get(
                word, {"your": "my", "yours": "mine", "yourself": "myself"}.get(word, word)
            )
        before = sentence[: match.start()].split()[-1:]
        ends = not sentence[match.end() :].strip(" .,;") or sentence[match.end() :].lstrip().startswith(
            (".", ",", "as ", "and ", "to ", "for ")
        )
        return (
            "me"
            if before and (ends or before[0].lower() in ("for", "to", "of", "with", "on", "that have shaped", "makes", "leaves"))
            else "I"
        )

    turned = re.sub(r"^(however|currently|though|as such),\s*", "", sentence.strip(), flags=re.IGNORECASE)
    sentence = turned
    turned = _YOU.sub(turn, turned)
    turned = plainer(re.sub(r"\bi\b", "I", turned))
    return turned[:1].upper() + turned[1:]


_PARTICIPLE = re.compile(r" (?:also |recently |begun|been|faced|had|\w+ed\b)")


def facts_of(clauses: tuple[Told, ...]) -> tuple[Fact, ...]:
    """The clauses as facts, from the surface to what is told last."""
    facts: list[Fact] = []
    for place, one in enumerate(clauses[:MOST]):
        after = clauses[place + 1].text if place + 1 < len(clauses) else ""
        more = one.more or after
        whole = join(one.text, more)
        facts.append(
            Fact(
                key=_key(one.text, place, facts),
                depth=Depth.SURFACE if place < _SURFACE else Depth.LATER if place < _LATER else Depth.TRUSTED,
                asked=_asked(one.text, place),
                guarded=shortened(one.text),
                plain=one.text,
                open=whole if len(whole.split()) <= _OPEN_MOST else one.text,
            )
        )
    return tuple(facts)


def openings_of(clauses: tuple[Told, ...]) -> tuple[str, ...]:
    """First messages in the card's own words; empty when it tells too little for one."""
    if not clauses or sum(len(one.text.split()) for one in clauses[:2]) < 4:
        return ()
    first = clauses[0].text
    feeling = next((one.text for one in clauses[1:] if re.match(r"I\b", one.text) and feelings(one.text)), "")
    both = join(first, clauses[1].text) if len(clauses) > 1 else join(first, clauses[0].more)
    wholes = [whole for whole in (first, both, feeling) if 3 < len(whole.split()) <= _OPEN_MOST]
    return tuple(dict.fromkeys(wholes)) or (first,)


def shortened(clause: str) -> str:
    """The clause cut at its first joint, when it is long and enough is left."""
    words = clause.split()
    if len(words) <= _SHORT:
        return clause
    for match in _CUTS.finditer(clause):
        head = clause[: match.start()]
        count = len(head.split())
        last = head.split()[-1].lower()
        hanging = match.group() == "," and _HANGING.search(head)
        if 4 <= count <= 12 and last not in _NO_END and not hanging and not (match.group() == " and" and " between " in head):
            return head + "."
    return clause


def _key(text: str, place: int, before: list[Fact]) -> str:
    slug = "-".join(re.sub(r"[^a-z0-9]", "", word) for word in stems(text)[:3]).strip("-")
    key = f"card-{place + 1}-{slug}".rstrip("-")
    return key if all(fact.key != key for fact in before) else f"card-{place + 1}"


def _asked(text: str, place: int) -> tuple[str, ...]:
    """Ways to ask for it: general ones by place, and about whom and what it names."""
    names = [name for name in re.findall(r"\b[Mm]y (?:[a-z-]+ )?([a-z-]+)", text) if name in PERSONS or name == "job"]
    level = 0 if place < _SURFACE else 1 if place < _LATER else 2
    about = [f"how are things with your {name}" for name in dict.fromkeys(names)][:2]
    return (*about, *_GENERAL[level])
