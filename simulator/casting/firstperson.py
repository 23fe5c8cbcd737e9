"""A card's third person told by the seeker: `The seeker's girlfriend left him nine days ago` is `My girlfriend left me nine days ago.`

A sentence is tokenised, its pronouns are settled (`pronouns.py`), verbs are made to agree, and it is split into what can be told one
by one; what a thing led to stays with the thing, as `more`.  Nothing is added.  A clause whose pronouns nobody can tell is left out.
English only.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agents.text import sentences
from simulator.casting.grammar import ADJECTIVES_BEFORE, KIN, PARTICIPLES, SAYING, first_form, is_adverb, is_noun, is_verb, plainer
from simulator.casting.heads import brings, has_subject, opens, say
from simulator.casting.pronouns import DOUBT, SEEKER, Reference, Turned, tokens

_COMPOUND = frozenset(
    """market interview interviews search security opportunities rejections applications opportunity care loss group protection estrangement
    dynamics support conflicts planning satisfaction""".split()
)
_SENSIBLE = 3
"""Fewer words than this tell nothing."""


class Told(NamedTuple):
    """One thing that the card tells, in the first person."""

    text: str
    more: str = ""
    """What it led to, in sentences that need `text` before them; may be empty."""


def in_first_person(text: str, gender: str = "") -> tuple[Told, ...]:
    """What a card's problem text tells, clause by clause, in order.

    Args:
        gender: of the seeker, `male` or `female`; anything else means that the card says `they`.
    """
    reference = Reference(gender if gender in ("male", "female") else "")
    told: list[Told] = []
    for sentence in sentences(text):
        told.extend(_sentence(sentence.strip().rstrip("."), reference))
    return tuple(one for one in told if len(one.text.split()) >= _SENSIBLE)


def _sentence(sentence: str, reference: Reference) -> list[Told]:
    bare = not any(map(is_verb, tokens(sentence.split(",", maxsplit=1)[0])))
    headless = not has_subject(sentence) and (opens(sentence) or bare)
    words = _agreeing(reference.resolve(tokens(sentence), headless=headless))
    told: list[Told] = []
    doubtful = False
    for chunk in _chunks(_owned(words)):
        if DOUBT in chunk:
            doubtful = not (chunk := _before_doubt(chunk))
        if doubtful or not chunk or _DANGLING.match(chunk):
            continue
        if effect := brings(chunk):
            if told:
                told[-1] = Told(told[-1].text, f"{told[-1].more} {_finish(effect)}".strip())
        elif clause := _with_name(re.sub(r"^(and |but |so |yet |now, )", "", chunk, flags=re.IGNORECASE), reference):
            told.append(Told(_finish(say(clause) if headless or told or not _PRONOUN.match(clause) else clause)))
    return told


_DANGLING = re.compile(r"(despite|after|when|although|though|if|since|as|while|before)\b[^,]*$", re.IGNORECASE)


def _before_doubt(chunk: str) -> str:
    """What can be told of a clause before its doubtful pronoun; empty when that is too little."""
    sure = chunk.split(DOUBT, maxsplit=1)[0]
    cut = re.match(r"(.*)(?:,| and| or| but| who| which| that| because| while| as| despite| after| when| since| due to)\b", sure)
    sure = (cut.group(1) if cut else "").strip(" ,")
    return sure if len(sure.split()) > 2 else ""


_PRONOUN = re.compile(r"(he|she|they)\b", re.IGNORECASE)


def _with_name(clause: str, reference: Reference) -> str:
    """The clause with its subject named when that is a pronoun for somebody else; empty when nobody can tell for whom."""
    if not (match := _PRONOUN.match(clause)):
        return clause
    name = reference.named(match.group())
    return f"{name}{clause[match.end() :]}" if name else ""


def _agreeing(words: list[Turned]) -> list[Turned]:
    """Verbs whose subject is the seeker, in the first person."""
    turned = list(words)
    waiting = False
    for place, (word, mine) in enumerate(turned):
        before = turned[place - 1].word.lower() if place else ""
        if word == "I":
            waiting = True
        elif waiting and not is_adverb(word):
            turned[place], waiting = Turned(first_form(word), mine), False
        elif mine and word.lower() in _COORDINATED and _goes_on(turned, place):
            turned[place] = Turned(first_form(word), mine)
        elif mine and word.lower() == "are" and before in ("and", "but"):
            turned[place] = Turned("am", mine)
    return turned


_COORDINATED = SAYING | {"are", "were", "doesn't", "isn't", "hasn't"}


def _goes_on(turned: list[Turned], place: int) -> bool:
    """Whether the verb here follows `and` (with no comma: after one, a chunk of its own begins)."""
    if place + 1 < len(turned) and is_noun(turned[place].word, turned[place + 1].word):
        return False
    back = place - 1
    while back > 0 and is_adverb(turned[back].word):
        back -= 1
    return back > 0 and turned[back].word.lower() in ("and", "or", "but") and turned[back - 1].word != ","


def _owned(turned_words: list[Turned]) -> list[Turned]:
    """`my` before people and things of one's own that stand without an article."""
    turned: list[Turned] = []
    words = [word for word, _ in turned_words]
    for place, (written, mine) in enumerate(turned_words):
        word, lowered = written, written.lower()
        if lowered.removesuffix("'s") in KIN and (mine or not place or words[place - 1] == ",") and _bare(words, place):
            start = len(turned)
            while start and turned[start - 1].word.lower() in ADJECTIVES_BEFORE:
                start -= 1
            turned.insert(start, Turned("my", mine))
            turned[start + 1 :] = [Turned(part.word[0].lower() + part.word[1:], part.mine) for part in turned[start + 1 :]]
            word = lowered
        elif lowered == "own" and turned and turned[-1].word.lower() in ("about", "for", "on", "of", "with", "in"):
            turned.append(Turned("my", mine))
        elif lowered == "oneself":
            word = "myself"
        turned.append(Turned(word, mine))
    return turned


def _bare(words: list[str], place: int) -> bool:
    """Whether nothing before this noun says whose it is."""
    following = words[place + 1].lower() if place + 1 < len(words) else ""
    if following in _COMPOUND or following in KIN:
        return False
    start = place
    while start and words[start - 1].lower() in ADJECTIVES_BEFORE:
        start -= 1
    if not start:
        return True
    word, before = words[place].lower(), words[start - 1].lower()
    if before == ",":
        return word.endswith("'s") or (word in _SINGLE and is_verb(following))
    if word == "parents" and before in ("and", "but"):
        return is_verb(following)
    if word == "resume":
        return before in ("updated", "updating", "tailoring", "update")
    if word == "friends":
        return before in ("with", "from", "by", "for", "missing", "miss")
    return before in _LEADING or (before.endswith("ing") and before != "being") or before in SAYING


_SINGLE = frozenset("boyfriend husband wife girlfriend partner boss coworker manager mother father".split())
_LEADING = frozenset(
    """with from by to of for about after lost because between on against regrets had made left toward towards over misses than when
    without due find quit leave that""".split()
)


def _chunks(turned: list[Turned]) -> list[str]:
    """The sentence cut where something begins that can be told by itself."""
    pieces: list[list[str]] = [[]]
    words = [word for word, _ in turned]
    for place, word in enumerate(words):
        pieces[-1].append(word)
        if word not in (",", ";") or place + 1 >= len(words):
            continue
        rest, mine = _text(words[place + 1 :]), turned[place + 1].mine
        whole = (((mine or rest.startswith(_ASKING)) and opens(rest)) or _NEW.match(rest)) and not _OPEN_END.search(_text(pieces[-1]))
        if place and word == "," and words[place - 1].endswith("ing") and words[place + 1].endswith("ing") and not brings(rest):
            continue  # a list of doings
        if word == ";" or brings(rest) or whole or DOUBT in rest.split(",", 1)[0]:
            pieces[-1].pop()
            pieces.append([])
    return [_text(piece) for piece in pieces if piece]


_ASKING = ("seeking ", "questioning ", "wondering ")
_OPEN_END = re.compile(
    r"^despite\b(?!.*\bI\b)|^(after|when|although|though|if|since|as|while|now|before)\b[^,]*,?$|because (after|when)\b[^,]*,?$",
    re.IGNORECASE,
)
_NEW = re.compile(r"(and|but|so) (I|I'm|my \w+|we|this|there's)\b")


def _text(words: list[str]) -> str:
    joined = " ".join(words)
    joined = re.sub(r"\s+([,.;:!?)%])", r"\1", joined)
    joined = re.sub(r"([(])\s+", r"\1", joined)
    joined = re.sub(r"(^|\s)' (\w)", r"\1'\2", joined)
    return re.sub(r"(\w) / (\w)", r"\1/\2", joined)


def _finish(clause: str) -> str:
    """Contractions, plain words, a capital and a full stop."""
    clause = re.sub(
        r"\bI have (?=(?:\w+ly |also |not |never |recently )?(?:\w+ed|" + "|".join(sorted(PARTICIPLES)) + r")\b)", "I've ", clause
    )
    clause = re.sub(r"\bI am\b", "I'm", clause)
    clause = plainer(clause)
    clause = re.sub(r"\b(I am|[Ww]e are)\b", lambda match: match.group()[:-3].rstrip() + ("'m" if "am" in match.group() else "'re"), clause)
    clause = re.sub(r"^(I have [^,]*? and|It's [^,]*? and) (feeling)\b", r"\1 I'm \2", clause)
    clause = re.sub(r"^I (also )?mention having\b", lambda match: f"I {match.group(1) or ''}have", clause)
    clause = re.sub(r"^I mention (?!that)", "There's also ", clause)
    clause = clause.strip(" ,;")
    clause = clause.replace(SEEKER, "me")
    return clause[:1].upper() + clause[1:] + ("" if clause.endswith((".", "!", "?")) else ".") if clause else ""
