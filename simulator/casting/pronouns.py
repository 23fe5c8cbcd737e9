"""Whom a pronoun of a card stands for: the seeker, somebody else, the seeker and somebody else, or nobody can tell.

A few rules of reference over a tokenised sentence, not a parser.  In doubt a pronoun is marked, and its clause is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.casting.grammar import ADJECTIVES_BEFORE, DETERMINERS, PERSONS, is_adverb, is_verb

SEEKER, SEEKERS, DOUBT = "SEEKER", "SEEKER'S", "\u00bf"
THING = "THING"
"""Subject of a clause that is about no person."""

_TOKEN = re.compile(r"\$?\w+(?:(?:['./-]|,(?=\d{3}))\w+)*(?:'(?=\s|$))?[%+]?|[^\w\s]")
_RELATIVE = frozenset("who that which whom where".split())
_OPENS = _RELATIVE | frozenset(
    """, ; : ( ) and or but while because since as although though whose if whether when after before until how why what than so despite
    discovered learned said says thinks believes feels felt fears realized knows found told saw seeing revealing perceiving""".split()
)
_SAID = frozenset("said says claims claimed told believes thinks that revealing feels".split())
_DIRECT = frozenset("while because since when how if although though".split())
_OWN: dict[str, dict[str, str]] = {
    "male": {"he": "subject", "him": "object", "his": "possessive", "himself": "reflexive"},
    "female": {"she": "subject", "her": "either", "hers": "absolute", "herself": "reflexive"},
    "": {
        "they": "subject",
        "them": "object",
        "their": "possessive",
        "theirs": "absolute",
        "themselves": "reflexive",
        "themself": "reflexive",
    },
}
_MINE = {"subject": "I", "object": "me", "possessive": "my", "absolute": "mine", "reflexive": "myself"}
_OURS = {"they": "we", "their": "our", "theirs": "ours"}
_TO_SOMEBODY = frozenset(
    "causing giving telling asking helping allowing pressuring letting exposing showing leaving making treating".split()
)
_SHARED = frozenset(
    """relationship marriage friendship breakup living separation differences history fighting manipulation mutual wedding daily shared
    conversations""".split()
)
_PARTNERS = frozenset(
    "girlfriend boyfriend wife husband partner fiancé fiance fiancée ex ex-wife ex-husband ex-girlfriend ex-boyfriend ex-partner".split()
)
_OF_SEEKER = frozenset("is was feels wants struggles has fears considers worries seeks".split())
_NOT_AFTER = frozenset(
    """for with to from in on at about into of by feeling back feel since without due during not out difficult dread question want doubt
    lose wonder worry think through over under up down off away once twice multiple again alone regardless
    significantly a an the this that these those any""".split()
)
_OBJECTS = frozenset("the a an my his her their to that him them me".split())
_AGAINST = frozenset("behind disregards dismisses ignores respects undermines interrupts criticizes".split())
_NOUNS_IN_ING = frozenset("living drinking upcoming wedding lingering feeling feelings".split())


def tokens(sentence: str) -> list[str]:
    """Words and marks; the seeker of the card becomes one token."""
    sentence = sentence.replace("\u2019", "'")
    sentence = re.sub(r"\b(she|he)'s (?=been|had|\w+ed\b)", r"\1 has ", sentence, flags=re.IGNORECASE)
    sentence = re.sub(r"\b(she|he)'s\b", r"\1 is", sentence, flags=re.IGNORECASE)
    sentence = re.sub(r"\bthey've\b", "they have", re.sub(r"\bthey're\b", "they are", sentence, flags=re.IGNORECASE), flags=re.IGNORECASE)
    who = r"\b(?:the )?(?:seeker|user|individual|help-seeker)"
    sentence = re.sub(rf"{who}(?:'s|s')", SEEKERS, sentence, flags=re.IGNORECASE)
    sentence = re.sub(rf"{who}\b", SEEKER, sentence, flags=re.IGNORECASE)
    return _TOKEN.findall(sentence)


class Turned(NamedTuple):
    """A word, and whether the clause that it stands in is about the seeker."""

    word: str
    mine: bool


@dataclass(slots=True)
class Reference:
    """What has been mentioned so far in one card."""

    gender: str
    """`male`, `female`, or empty: then the card calls the seeker `they`."""
    subject: str = SEEKER
    """Subject of the last sentence: the seeker, or a noun for somebody else."""
    mentioned: list[str] = field(default_factory=list)
    """Nouns for other people, in order."""

    def resolve(self, words: list[str], *, headless: bool) -> list[Turned]:
        """The sentence with the seeker in the first person; pronouns of others stay, doubtful ones get a mark before them.

        Args:
            headless: the sentence has no subject of its own (`Worried about ...`), so it is about the seeker.
        """
        return _Sentence(self, words, headless).turned()

    def own(self) -> dict[str, str]:
        """The pronouns that may stand for the seeker, with their case."""
        return _OWN[self.gender]

    def can_be(self, noun: str) -> bool:
        """Whether the seeker's pronoun could mean this other person."""
        if noun in ("he", "she", "they"):
            return noun in self.own()
        kind = PERSONS.get(noun, "")
        if self.gender and kind == "any" and noun in _PARTNERS:
            return False  # the card keeps the gendered pronoun for the seeker
        return kind in ("plural", "any") if not self.gender else kind in (self.gender, "any")

    def named(self, pronoun: str) -> str:
        """`My friend` for a pronoun that opens a clause when only one person can be meant; empty when it can't be told."""
        fits = {"he": ("male", "any"), "she": ("female", "any"), "they": ("plural",)}.get(pronoun.lower(), ())
        kinds = list(dict.fromkeys(noun for noun in self.mentioned if PERSONS.get(noun) in fits))
        surely = [noun for noun in kinds if PERSONS[noun] == fits[0]]
        only = surely if len(surely) == 1 else kinds
        return f"My {only[0]}" if len(only) == 1 else ""


class _Sentence:
    """One pass over a sentence, keeping track of whom the current clause is about."""

    def __init__(self, reference: Reference, words: list[str], headless: bool) -> None:
        self.reference, self.words = reference, words
        self.main = self.clause = SEEKER if headless else self._start()
        self.relative = ""
        self.listing = self.both = False
        self.recent = list(reference.mentioned[-3:])

    def turned(self) -> list[Turned]:
        turned: list[Turned] = []
        coming: tuple[int, str, bool] | None = None
        for place, word in enumerate(self.words):
            if word in (",", ";"):
                self._comma(place)
            if word.lower() in _OPENS:
                coming = self._coming(place) or coming
                if word.lower() in ("which", "where") or (word.lower() == "that" and self._verb_after(place)):
                    self.clause = self.clause if coming else THING
            turned.extend(Turned(said, self.clause == SEEKER) for said in self._word(place))
            if coming and coming[0] <= place:
                self.clause, self.relative = coming[1], coming[1] if coming[2] else self.relative
                coming = None
            if (noun := word.lower().removesuffix("'s")) in PERSONS:
                self.recent.append(noun)
        self.reference.subject = SEEKER if self.main == THING else self.main
        self.reference.mentioned.extend(self.recent[-4:])
        return turned

    def _word(self, place: int) -> list[str]:
        word, own = self.words[place], self.reference.own()
        if word == SEEKERS:
            return ["my"]
        if word == SEEKER:
            if self._is_subject(place):
                self.clause = SEEKER
                return ["I"]
            return ["me"]
        if word.lower() == "both" and place and self.words[place - 1].lower() in _RELATIVE:
            self.both = True
            return ["we", "both"]
        if word.lower() in own:
            said = self._own(place, own[word.lower()])
            self.clause = SEEKER if said == ["I"] else self.clause
            return said
        if place and word.lower() in ("he", "she"):
            self.clause = self.relative = word.lower()
        if self.reference.gender and word.lower() in _OURS:
            return [self._ours(place)]
        return [word]

    def _comma(self, place: int) -> None:
        """After a comma the main subject speaks again, unless a list of another one's doings goes on."""
        after = [word.lower() for word in self.words[place + 1 : place + 5] if not is_adverb(word)][:2]
        if self.relative and after:
            if (is_verb(after[0]) and not (self.relative in ("he", "she") and after[0] in _OF_SEEKER)) or (
                after[0].endswith("s") and after[-1] in _OBJECTS
            ):
                self.clause, self.listing = self.relative, True
                return
            if after[0] in ("and", "or", "but") and is_verb(after[-1]) and (self.listing or after[-1] not in _OF_SEEKER):
                self.clause = self.relative
                return
        if self.clause not in (SEEKER, THING, self.main) and after and after[0] in ("and", "but", "or") and is_verb(after[-1]):
            return
        self.clause, self.relative, self.listing = self.main, "", False

    def _verb_after(self, place: int) -> bool:
        return is_verb(next((word for word in self.words[place + 1 :] if not is_adverb(word)), ""))

    def _start(self) -> str:
        """Who the sentence is about, when it has a subject."""
        words = self.words
        if (
            words[0].lower() in ("despite", "after", "when", "although", "because", "now", "however", "since", "additionally")
            and "," in words
        ):
            words = words[words.index(",") + 1 :]
        for word in words[:7]:
            lowered = word.lower()
            if word == SEEKER:
                return SEEKER
            if lowered in ("he", "she", "they"):
                return (
                    (self.reference.subject if self.reference.subject != THING else SEEKER) if lowered in self.reference.own() else lowered
                )
            if lowered in PERSONS:
                return lowered
            if not (
                lowered in DETERMINERS | ADJECTIVES_BEFORE
                or lowered in self.reference.own()
                or word == SEEKERS
                or is_adverb(word)
                or "-" in word
            ):
                break
        return THING

    def _coming(self, place: int) -> tuple[int, str, bool] | None:
        """The person who is the subject of the clause opening here: where the noun stands, the noun, whether in a relative clause."""
        lowered = self.words[place].lower()
        if lowered in _RELATIVE:
            before = self.words[place - 1 - (self.words[place - 1] == ",")].lower() if place else ""
            if before in PERSONS:
                return place, before, True
            if lowered == "who" and self.recent:
                return place, self.recent[-1], True
        for following in range(place + 1, min(place + 6, len(self.words))):
            word = self.words[following].lower()
            if word in PERSONS:
                after = [later for later in self.words[following + 1 : following + 3] if not is_adverb(later)]
                speaks = after and (is_verb(after[0]) or after[0].lower() in ("of", "not", "being") or lowered in _DIRECT)
                return (following, word, False) if speaks else None
            if (
                word in _OPENS
                or is_verb(word)
                or self.words[following] == SEEKER
                or word in ("he", "she", "they", "to", "with", "by", "for", "of")
            ):
                return None
        return None

    def _is_subject(self, place: int) -> bool:
        before = self.words[place - 1].lower() if place else ""
        following = next((word for word in self.words[place + 1 :] if not is_adverb(word)), "")
        if before in ("for", "with", "to", "from", "of", "on", "by", "about", "against", "bypassing", "wants", "expects", "both"):
            return False
        return not place or is_verb(following)

    def _own(self, place: int, case: str) -> list[str]:
        word, can_be = self.words[place], self.reference.can_be
        if case == "either":
            case = "object" if self._is_object(place) else "possessive"
        rival = self.clause not in (SEEKER, THING) and can_be(self.clause)
        mine = [_MINE[case]]
        if case == "subject":
            if not place:
                return [word] if self.reference.subject != SEEKER and can_be(self.reference.subject) else mine
            if (rival and self.words[place - 1].lower() in _SAID) or self.words[place - 1].lower() == "than":
                return [word]
            if self.both:
                return ["we"]
            return [DOUBT, word] if rival and not self.relative else mine
        if case == "reflexive":
            return [word] if rival else mine
        if case == "object":
            rivals = [noun for noun in self.recent if can_be(noun)]
            return mine if self.clause != SEEKER or not rivals or self._after_event(place) else [word]
        return self._possessive(place, mine, rival)

    def _possessive(self, place: int, mine: list[str], rival: bool) -> list[str]:
        word, before = self.words[place], [earlier.lower() for earlier in self.words[max(0, place - 2) : place]]
        if not self.reference.gender and self._shared(place) and self.recent:
            return ["our"]
        if before[-1:] and (before[-1] in _AGAINST or before == ["credit", "for"]):
            return mine
        named = (
            len(before) == 2 and PERSONS.get(before[0]) == "plural" and before[1] in ("about", "for", "of") and not self.reference.gender
        )
        return [DOUBT, word] if rival or named else mine

    def _shared(self, place: int) -> bool:
        return any(word.lower() in _SHARED for word in self.words[place + 1 : place + 3])

    def _after_event(self, place: int) -> bool:
        """Whether the pronoun follows `, leaving` or the like, or stands in `hard for her to`."""
        before = [word.lower() for word in self.words[max(0, place - 3) : place]]
        if (
            before[-1] == "for"
            and before[-2:-1]
            and before[-2] in ("difficult", "hard", "harder", "easier", "easy", "impossible", "important")
        ):
            return True
        return (
            before[-1] in _TO_SOMEBODY
            or (before[-1] in ("despite", "without") and self.main == SEEKER)
            or (before[-1].endswith("ing") and "," in before)
        )

    def _is_object(self, place: int) -> bool:
        """Whether this `her` is the object of a verb or preposition rather than `her` before a noun."""
        if place + 1 >= len(self.words) or (place and self.words[place - 1].lower() in ("causing", "giving", "bringing", "telling")):
            return True
        following = self.words[place + 1].lower()
        if not following[0].isalnum() or following in _OPENS or following in _NOT_AFTER:
            return True
        return (following.endswith("ing") and following not in _NOUNS_IN_ING) or (is_adverb(following) and following != "previously")

    def _ours(self, place: int) -> str:
        """`they` of a card that calls the seeker he or she: the people just named, or the seeker and somebody."""
        word = self.words[place].lower()
        together = self._shared(place)
        if any(PERSONS.get(noun) == "plural" for noun in self.recent) and not together:
            return word
        if word == "their" and not together and not _PARTNERS & set(self.recent):
            return "my" if not self.recent or self.recent[-1] == "friend" else "our"
        return _OURS[word] if self.recent else word
