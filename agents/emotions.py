"""Emotion words and which of them can stand for one another.

A family is one kind of feeling; `close` says which families a careful listener may name for another without being wrong (fear for
anxiety, hurt for sadness).  English words only; the lists are ours.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from agents.text import plain


class Family(StrEnum):
    """One kind of feeling."""

    ANXIETY = "anxiety"
    FEAR = "fear"
    SADNESS = "sadness"
    DEPRESSION = "depression"
    LONELINESS = "loneliness"
    ANGER = "anger"
    SHAME = "shame"
    GUILT = "guilt"
    DISGUST = "disgust"
    JEALOUSY = "jealousy"
    HURT = "hurt"
    EXHAUSTION = "exhaustion"
    CONFUSION = "confusion"
    JOY = "joy"
    CALM = "calm"


_WORDS: dict[Family, str] = {
    Family.ANXIETY: """anxious anxiety nervous worried worry worrying worries tense edgy uneasy panicky panicked panic panicking stressed
        stress on-edge apprehensive restless jittery unsettled dread dreading pressured wound-up nerves rattled braced bracing""",
    Family.FEAR: "scared afraid frightened terrified fear fearful fright terror scary petrified alarmed scares frightening unsafe terrifying",
    Family.SADNESS: """sad sadness sorrow unhappy tearful heartbroken grief grieving mourning miserable gutted down upset cry crying
        cried sobbing wept disappointed disappointment homesick wistful broken-hearted low bereft missing""",
    Family.DEPRESSION: """depressed depression hopeless numb empty flat worthless despair despairing bleak helpless joyless dull
        hollow pointless heavy grey discouraged defeated deflated useless stuck trapped powerless""",
    Family.LONELINESS: "lonely alone isolated loneliness abandoned left-out invisible excluded unseen unwanted forgotten cut-off adrift",
    Family.ANGER: """angry anger furious mad livid annoyed irritated frustrated frustrating resentful resentment outraged rage fuming
        bitter enraged irritating infuriating cross indignant seething cheated wronged fed-up""",
    Family.SHAME: """ashamed shame embarrassed embarrassing humiliated humiliating mortified exposed ugly self-conscious small
        inadequate stupid pathetic failure humiliation belittled shown-up foolish judged unworthy""",
    Family.GUILT: "guilty guilt remorse regret regretful sorry to-blame remorseful selfish regrets responsible blame",
    Family.DISGUST: "disgusted disgust disgusting repulsed sick sickened revolted gross appalled dirty soiled tainted complicit sickening",
    Family.JEALOUSY: "jealous jealousy envious envy replaced overlooked second-best insecure threatened",
    Family.HURT: """hurt hurting wounded betrayed rejected pain painful ache aching let-down broken crushed stung stings raw
        devastated used unloved dismissed insulted unappreciated bruised slighted""",
    Family.EXHAUSTION: """exhausted tired drained overwhelmed worn-out burnt-out burned-out weary swamped shattered spent depleted
        exhausting overwhelming stretched wrung-out knackered worn""",
    Family.CONFUSION: "confused torn lost unsure bewildered conflicted shaken shocked stunned uncertain disoriented thrown",
    Family.JOY: """happy glad excited thrilled delighted joyful cheerful pleased proud lucky ecstatic overjoyed amused elated
        triumphant thankful smug""",
    Family.CALM: "calm relaxed relieved peaceful content hopeful at-ease indifferent bored carefree comfortable confident",
}

_CLOSE: tuple[frozenset[Family], ...] = (
    frozenset({Family.ANXIETY, Family.FEAR, Family.EXHAUSTION, Family.CONFUSION}),
    frozenset({Family.SADNESS, Family.DEPRESSION, Family.LONELINESS, Family.HURT, Family.EXHAUSTION}),
    frozenset({Family.SHAME, Family.GUILT, Family.HURT, Family.DISGUST}),
    frozenset({Family.ANGER, Family.HURT, Family.DISGUST, Family.JEALOUSY}),
    frozenset({Family.SHAME, Family.ANXIETY, Family.SADNESS}),
    frozenset({Family.JEALOUSY, Family.HURT, Family.SADNESS, Family.LONELINESS, Family.SHAME}),
    frozenset({Family.ANGER, Family.EXHAUSTION}),
    frozenset({Family.GUILT, Family.SADNESS, Family.CONFUSION, Family.ANXIETY}),
    frozenset({Family.JOY, Family.CALM}),
)

PLEASANT: frozenset[Family] = frozenset({Family.JOY, Family.CALM})

_FAMILY_OF: dict[str, Family] = {word.replace("-", " "): family for family, text in _WORDS.items() for word in text.split()}
_PATTERN = re.compile(r"\b(" + "|".join(sorted(map(re.escape, _FAMILY_OF), key=len, reverse=True)) + r")\b")
_NEGATED = re.compile(r"\b(not|n't|never|no|without|isn't|wasn't|don't feel|less)\s+(\w+\s+)?$")

_ATTRIBUTED = re.compile(
    r"\b(you|you're|your|you've|you'd|sounds?|feeling|feel|being|seem(s|ed)?|makes?|made|left you|how|so|such|quite|that's|pretty|really|all that|with)\b[^.?!]{0,32}$"
)

_LOOSE = frozenset(
    """down low flat small used missing heavy lost broken sick worn spent exposed replaced cross threatened trapped stuck responsible regrets sorry blame
    comfortable content bored upset raw crushed rage empty dull alone forgotten failure stretched drained shattered swamped torn shaken thrown pleased calm
    confident lucky mad gross dirty visible foolish stupid sore hollow""".split()
)
_FELT = re.compile(r"\b(feel|feels|feeling|felt|sound|sounds|seem|seems|look)( \w+)? $")

_OF_ESCONV: dict[str, Family] = {
    "anxiety": Family.ANXIETY,
    "depression": Family.DEPRESSION,
    "sadness": Family.SADNESS,
    "anger": Family.ANGER,
    "fear": Family.FEAR,
    "shame": Family.SHAME,
    "disgust": Family.DISGUST,
    "nervousness": Family.ANXIETY,
    "guilt": Family.GUILT,
    "jealousy": Family.JEALOUSY,
    "pain": Family.HURT,
}

ADJECTIVE: dict[Family, str] = {
    Family.ANXIETY: "anxious",
    Family.FEAR: "scared",
    Family.SADNESS: "sad",
    Family.DEPRESSION: "low",
    Family.LONELINESS: "lonely",
    Family.ANGER: "angry",
    Family.SHAME: "ashamed",
    Family.GUILT: "guilty",
    Family.DISGUST: "disgusted",
    Family.JEALOUSY: "jealous",
    Family.HURT: "hurt",
    Family.EXHAUSTION: "worn out",
    Family.CONFUSION: "torn",
    Family.JOY: "happy",
    Family.CALM: "calm",
}


@lru_cache(maxsize=4096)
def feelings(text: str) -> tuple[tuple[str, Family], ...]:
    """Emotion words of a text with their family, in order; negated ones ("not angry") are left out."""
    lowered = plain(text).replace("-", " ")
    found = []
    for match in _PATTERN.finditer(lowered):
        if not _NEGATED.search(lowered[max(0, match.start() - 24) : match.start()]):
            found.append((match.group(1), _FAMILY_OF[match.group(1)]))
    return tuple(found)


def attributed(text: str) -> tuple[tuple[str, Family], ...]:
    """Emotion words of a reply that are said of its reader ("you sound scared"), with their family, in order.

    Words with another everyday sense ("write it down", "a small step") count only right after a verb of feeling.
    """
    lowered = plain(text).replace("-", " ")
    found = []
    for word, family in feelings(text):
        before = lowered[: re.search(rf"\b{re.escape(word)}\b", lowered).start()]  # type: ignore[union-attr]
        if _FELT.search(before) if word in _LOOSE else _ATTRIBUTED.search(before):
            found.append((word, family))
    return tuple(found)


def families(text: str) -> frozenset[Family]:
    """The families that a text names."""
    return frozenset(family for _, family in feelings(text))


def family_of(emotion: str) -> Family:
    """The family of an ESConv emotion type or of an emotion word; ANXIETY when the word is not known."""
    lowered = plain(emotion).strip()
    return _OF_ESCONV.get(lowered) or _FAMILY_OF.get(lowered) or Family.ANXIETY


def close(left: Family, right: Family) -> bool:
    """Whether naming one for the other is not a misreading."""
    return left is right or any(left in group and right in group for group in _CLOSE)
