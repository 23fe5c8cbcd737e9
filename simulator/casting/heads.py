"""How the beginning of a card's clause becomes something that a person says: `Frustration due to ...` is `I'm frustrated because of ...`.

Each rule is a pattern and what stands in its place; the first that matches wins.  A clause that no rule knows is left alone when it can
stand as a fragment in chat.  Pronouns have been settled before (`pronouns.py`).
"""

from __future__ import annotations

import re

from simulator.casting.grammar import (
    BRINGING,
    DETERMINERS,
    DOING,
    DONE_TO,
    FEELING,
    PAST,
    PERSONS,
    SAYING,
    first_form,
    is_adverb,
    is_noun,
    is_verb,
)


def _rule(pattern: str, said: str) -> tuple[re.Pattern[str], str]:
    return re.compile(pattern + ("" if pattern.endswith((" ", ")")) else r"\b"), re.IGNORECASE), said


_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    _rule(r"(?:difficulty|difficulties|challenges|trouble)(?: in)? (?=\w+ing\b)", "I have a hard time "),
    _rule(r"(?:has )?(?:difficulty|difficulties) (in|with)", r"I have difficulty \1"),
    _rule(r"frustration due to", "I'm frustrated because of"),
    _rule(r"frustration and tension with", "There's frustration and tension with"),
    _rule(r"frustration with", "I'm frustrated with"),
    _rule(r"frustrations? (over|at|about)", r"I'm frustrated \1"),
    _rule(r"frustration", "I'm frustrated"),
    _rule(r"stress and guilt over", "I'm stressed and feel guilty about"),
    _rule(r"anxiety and emotional conflicts due to", "I'm anxious and torn because of"),
    _rule(r"(?:financial )stress due to", "I'm under money stress because of"),
    _rule(r"stress due to", "I'm stressed because of"),
    _rule(r"(?:anxiety|anxious) (about|over)", "I'm anxious about"),
    _rule(r"(?:fear|fears) of", "I'm afraid of"),
    _rule(r"uncertainty (about|over)", "I'm unsure about"),
    _rule(r"concerns? (about|over|for)", r"I'm worried \1"),
    _rule(r"worr(?:y|ies) (about|over)", r"I'm worried \1"),
    _rule(r"dislike of", "I dislike"),
    _rule(r"obsession with", "I have an obsession with"),
    _rule(r"loss of motivation", "I've lost my motivation"),
    _rule(r"lack of", "There's a lack of"),
    _rule(r"misunderstanding with", "I had a misunderstanding with"),
    _rule(r"disagreement with", "I had a disagreement with"),
    _rule(r"constant (arguments|conflicts|disagreements|fights)", r"I keep having \1"),
    _rule(r"frequent (arguments|conflicts|disagreements|fights)", r"I have frequent \1"),
    _rule(r"conflict with", "There's a conflict with"),
    _rule(
        r"(conflicts|communication issues|financial difficulties|depression|issues|problems|feelings) (with|due|stemming|from)",
        r"I have \1 \2",
    ),
    _rule(r"adjustment to", "I'm adjusting to"),
    _rule(r"increased drinking due to", "I've been drinking more because of"),
    _rule(r"(attempts|efforts) to", r"My \1 to"),
    _rule(r"no (?!.*\b(?:has|have|is|are|was|were)\b)", "There's no "),
    _rule(r"in a relationship with", "I'm in a relationship with"),
)


def say(clause: str) -> str:
    """A clause without a subject of its own, as the seeker would say it; unchanged when no rule knows it."""
    clause = clause.strip()
    if not clause:
        return ""
    for pattern, said in _RULES:
        if pattern.match(clause):
            return pattern.sub(said, clause[0].lower() + clause[1:], count=1)
    if (match := re.match(r"(my (?:[\w-]+ )?([\w-]+)) (\w+ing)\b", clause, re.IGNORECASE)) and match.group(2).lower() in PERSONS:
        return f"{match.group(1)} is {clause[match.start(3) :]}"
    words = clause.split()
    lead = next((place for place, word in enumerate(words) if not is_adverb(word) and word.lower() != "and"), 0)
    adverbs, head, rest = " ".join(words[:lead]).lower(), words[lead].lower().rstrip(","), " ".join(words[lead + 1 :])
    tail = " ".join(part for part in (head if words[lead].rstrip(",") == head.lower() else words[lead], rest) if part)
    tail = tail[0].lower() + tail[1:] if not tail[:2].isupper() else tail
    return _by_head(adverbs, head, tail, rest) or clause


def _by_head(adverbs: str, head: str, tail: str, rest: str) -> str:
    """The clause by its first word; empty when the word opens nothing that we know."""
    spaced = f"{adverbs} " if adverbs else ""
    if head in DOING - _THINKING and _GERUND.match(rest):
        return ""
    if (head in DOING and not rest.startswith("of ")) or head in FEELING:
        return f"I'm {spaced}{tail}"
    if head in DONE_TO:
        return f"I was {spaced}{tail}"
    if head in SAYING and head not in ("was", "is"):
        return f"I {spaced}{first_form(head)} {rest}".rstrip()
    if head == "was":
        return f"I was {rest}"
    if head == "is":
        return f"I'm {rest}"
    if head in PAST:
        return f"I {spaced}{tail}"
    return ""


_THINKING = frozenset({"feeling", "worrying", "wondering", "finding", "questioning", "fearing", "seeing", "thinking"})
_GERUND = re.compile(
    r"(?:(?!who|that|which|because|as|while|if|when|whether|how)[\w'-]+ ){1,8}(?:creates|makes|causes|leads|is|was|has)\b", re.IGNORECASE
)
"""After a participle: it is the subject of a verb, as in `Balancing work and family creates tension`."""


def opens(clause: str) -> bool:
    """Whether a chunk after a comma has a head of its own, so that it can be told by itself."""
    words = [word.strip(",").lower() for word in clause.split()]
    while words and (words[0] in ("and", "but", "so", "yet") or (is_adverb(words[0]) and words[0] not in ("especially", "particularly"))):
        words = words[1:]
    if len(words) < 2:
        return False
    head = words[0]
    if head in DOING and words[1] not in ("and", "or", "of"):
        return True
    if head in PAST and words[1] in ("without", "by", "during", "with", "in", "and", "or"):
        return False
    if head in SAYING:
        return not is_noun(head, words[1])
    if head in FEELING | DONE_TO or head in PAST:
        return len(words) > 3
    listed = clause.lower().startswith("and ")
    return _whole(words) or (not listed and any(pattern.match(" ".join(words)) for pattern, _ in _RULES))


def has_subject(clause: str) -> bool:
    """Whether the clause opens with its own subject and verb."""
    words = [word.strip(",").lower() for word in clause.split()]
    return words[0] in ("the", "he", "she", "they", "his", "her", "their", "a", "an") or _whole(words)


def _whole(words: list[str]) -> bool:
    """Whether the words begin with a subject and its verb."""
    if words[0] in ("i", "i'm", "i've", "we", "we're", "there's", "this", "nothing"):
        return True
    for place, word in enumerate(words[:4]):
        if word in PERSONS and (place == 0 or words[0] in DETERMINERS):
            following = next((later for later in words[place + 1 :] if not is_adverb(later)), "")
            return is_verb(following)
    return False


def brings(clause: str) -> str:
    """`leading to tension` as `It's led to tension.`; empty when the chunk is something else."""
    words = clause.split()
    if not words or words[0].lower() not in BRINGING or len(words) < 2:
        return ""
    said = BRINGING[words[0].lower()]
    rest = re.sub(r"\band (affecting|causing|making|leaving|creating|risking|straining)\b", r"and it's \1", " ".join(words[1:]))
    if words[0].lower() == "potentially":
        return f"It might end up {rest}."
    if words[0].lower() == "significantly":
        return f"It's really {rest}."
    if said.endswith("making worse"):
        return f"It's making {rest} worse."
    return f"{said[0].upper()}{said[1:]} {rest}."
