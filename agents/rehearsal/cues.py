"""Cues: what kind of message the seeker has just sent, read from its words alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from agents.text import is_question, plain, sentences, words

_GREETING = re.compile(r"^(hi|hey|hello|good (morning|evening|afternoon)|hiya|yo|anyone|is (any|some)(one|body)|evening|morning)\b")
_GOODBYE = re.compile(
    r"\b(bye|goodbye|i've to go|(best|better) (go|be off)|must (go|run|dash)|got to (run|fetch|be)|off to bed|off now|night night|good night|goodnight|take care|see you|have to go|need to go|got to go|gotta go|should go|better go|heading off|"
    r"i'll leave it|log off|logging off|signing off|off to bed|forget it|i'm done here|i'm going to bed|talk another time)\b"
)
_WINDING_UP = re.compile(
    r"\b(i should (probably )?(go|get|let|stop|sleep|head)|getting late|it's late|only got|(a )?minute left|need to (head|sleep|stop|get)|battery|running out|"
    r"before i go|last thing|time's up|long day tomorrow|early start|must go|that's (about|probably) (it|all)|i'll let you|have to (get|sleep|be up)|break's over|"
    r"nearly (done|time|bed)|bedtime|my (bus|train|stop|lift|shift|tea|dinner|phone)('s|\b)|someone's (home|at)|almost time|wrap(ping)? up)\b"
)
_ADVICE = re.compile(
    r"(what (would|should|can|do) (you|i)\b(?!.*\b(feel|mean)\b).*|any (ideas|advice|tips|suggestions).*|where (do|would) i (even )?start.*|"
    r"how (do|would|can) (i|you|people).*|should i\b.*|what now|what's next|what helps|got any .*)\?"
)
_NORMAL = re.compile(
    r"(is (that|this|it) (\w+ )?(weird|normal|bad|mad|crazy|silly|stupid|daft|odd|usual|common|strange|just me|wrong|pathetic|awful|"
    r"ok|okay|sad|terrible)|am i (\w+ )?\w+|does (that|this|it) (make|sound|happen)|do (other )?people|is it (just|only) me|"
    r"do others|does everyone|does anyone|are other people|makes? sense|sound (mad|crazy|stupid|silly|weird)).*\?"
)
_YOU = re.compile(
    r"\b(have you|has (that|this|it|anything)|did you|do you ever|were you|you too|were you ever|ever been|ever had|ever happen|"
    r"you been|you ever|do you know|what about you|how about you|and you|ever felt|you know that)\b.*\?"
)
_CORRECTION = re.compile(
    r"^(hm, |close, )?(no|not|nope|nah|it's not|it isn't|that's not|i'm not|i wouldn't say|wrong|actually|but it's more)\b.{0,40}"
    r"\b(more|just|rather|it's|i'm|try|closer|mostly|mainly|but)\b"
)
_COMPLAINT = re.compile(
    r"\b(did you (even )?(read|hear)|are you (even )?(listening|reading)|not (really )?what i said|you're not listening|i just (said|told)|"
    r"that's not (it|the point)|never mind|is this a (bot|script)|you (just )?missed|copy.?paste|heard that before|easy (for you )?to say|"
    r"easily said|everyone says that|people keep saying|what does that even|that doesn't help|that's no help|not helpful)\b"
)
_DODGE = re.compile(
    r"\b(rather not|don't (really )?want to (talk|go|get)|not (going|getting) into|let's not|another time|not today|let's leave|leave (that|it) (there|out|for now)|"
    r"skip (that|it)|none of|why does (that|it) matter|does it matter|doesn't matter|not important|can we (not|talk)|prefer not|pass on)\b"
)
_OBJECTION = re.compile(
    r"\b(yes,? but|yeah,? but|but i (can't|don't|already)|i('ve)? (already )?tried|won't work|wouldn't work|doesn't work|easier said)\b"
)
_EASED = re.compile(
    r"\b(that helps|helps? a (bit|little)|feel (a (bit|little) )?(better|lighter|calmer)|lighter|easier now|breathing|calmer|"
    r"good to (say|hear)|glad i|i needed that|i can do that|i could do that|i'll (try|do|ask|call|write|send)|less alone)\b"
)
_THANKS = re.compile(r"\bthanks?\b|\bthank you\b|\bappreciate\b")


@dataclass(frozen=True, slots=True)
class Cues:
    """Which of these a message shows."""

    greeting: bool
    goodbye: bool
    winding_up: bool
    asks: str
    """`advice`, `normal`, `you`, `other`, or empty when nothing is asked."""
    correction: bool
    complaint: bool
    dodge: bool
    objection: bool
    eased: bool
    thanks: bool
    length: int
    """Words."""


@lru_cache(maxsize=2048)
def read_cues(text: str) -> Cues:
    """The cues of a message."""
    lowered = plain(text).strip()
    count = len(words(text))
    return Cues(
        greeting=bool(_GREETING.search(lowered)) and count <= 14,
        goodbye=bool(_GOODBYE.search(lowered)) and count <= 45,
        winding_up=bool(_WINDING_UP.search(lowered)) and count <= 45,
        asks=_asks(lowered),
        correction=bool(_CORRECTION.search(lowered)) and not _THANKS.search(lowered),
        complaint=bool(_COMPLAINT.search(lowered)),
        dodge=bool(_DODGE.search(lowered)),
        objection=bool(_OBJECTION.search(lowered)),
        eased=bool(_EASED.search(lowered)),
        thanks=bool(_THANKS.search(lowered)),
        length=count,
    )


def _asks(lowered: str) -> str:
    """What the end of a message asks; a question further up was rhetorical or has been answered by its writer."""
    lowered = " ".join(sentences(lowered)[-2:])
    if not is_question(lowered):
        return ""
    for kind, pattern in (("normal", _NORMAL), ("you", _YOU), ("advice", _ADVICE)):
        if pattern.search(lowered):
            return kind
    return "other"
