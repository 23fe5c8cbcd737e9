"""Faults that show only beside the hidden side: leaks of the need, facts told before their time, contradictions with the persona.

Words are compared as stems, so a leak in quite other words passes unseen: the rates are floors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from statistics import median

from agents.text import plain, sentences, stems, words
from agents.words import Speaker
from evaluation.seeker.claims import Claim, claims, contradiction, disagree
from evaluation.seeker.tags import CLEAR, GRAVE, SLIGHT, Flag, Tag
from simulator.dialogue import Dialogue
from simulator.director import TRUST_FOR
from simulator.episode import Episode, SeekerTurn
from simulator.persona import Verbosity
from simulator.scenario import WORDINGS, Depth, Fact, Scenario

LEAKED = 0.6
"""Share of the need's topic words in two sentences that says it outright."""
HINTED = 0.4
"""The same where the sentence says that something is needed."""
TOLD = 0.6
"""Share of a fact's own words (those that nothing else in the scenario holds) that tells it."""
FEWEST = 3
"""Words that must be shared in any case."""
MANY = 4
"""Facts in one turn."""
LONG = 30
"""Median words a turn that a terse person does not write."""

_NEEDS = re.compile(
    r"\bi( just| only| really)? (need|want|wish|long|would like|'d like)\b|\bwhat i need\b|"
    r"\bmy (hidden )?need\b|\bif (only )?(somebody|someone|you)\b"
)
_EMPTY = frozenset(stems("hear need somebody someone anybody person people isnt arent wasnt"))


def hidden_flags(episode: Episode) -> list[Flag]:
    """All faults that need the hidden side."""
    found = [*_leaks(episode), *_early(episode), *_contradictions(episode), *_manner(episode)]
    return sorted(found, key=lambda flag: (flag.turn, flag.tag))


def _leaks(episode: Episode) -> Iterator[Flag]:
    """The need in the seeker's own mouth; what a supporter has said first is no leak any more."""
    need = set(stems(episode.scenario.need)) - _EMPTY
    if len(need) < FEWEST:
        return
    heard = False
    for place, turn in enumerate(episode.turns):
        if turn.speaker is Speaker.SUPPORTER:
            heard = heard or _share(need, turn.text) >= LEAKED / 2
            continue
        parts = sentences(turn.text)
        for first in range(len(parts)):
            piece = " ".join(parts[first : first + 2])
            share, count = _share(need, piece), len(need & set(stems(piece)))
            if not heard and count >= FEWEST and (share >= LEAKED or (share >= HINTED and _NEEDS.search(plain(piece)))):
                yield Flag(Tag.LEAKED_NEED, GRAVE, place, piece, f"{count} of {len(need)} topic words of its hidden need.")
                break


def _share(roots: set[str], text: str) -> float:
    return len(roots & set(stems(text))) / len(roots)


def _early(episode: Episode) -> Iterator[Flag]:
    told: set[str] = set()
    own = own_words(episode.scenario)
    for place, turn in enumerate(episode.turns):
        if not isinstance(turn, SeekerTurn):
            continue
        said, cue = frozenset(stems(turn.text)), {offer.key for offer in turn.intent.facts}
        known = told | {item.key for item in turn.mind.disclosed}
        new = [fact for fact in episode.scenario.facts if fact.key not in told and tells(own[fact.key], said)]
        for fact in new:
            short = TRUST_FOR[fact.depth] - turn.mind.trust
            if fact.key not in cue and fact.key not in known and short > 0:
                severity = GRAVE if fact.depth is Depth.TRUSTED else CLEAR
                why = f"'{fact.key}' needs trust {TRUST_FOR[fact.depth]:.2f}; it has {turn.mind.trust:.2f}."
                yield Flag(Tag.TOLD_EARLY, severity, place, turn.text, why)
        if len(new) >= MANY:
            yield Flag(Tag.ALL_AT_ONCE, CLEAR, place, turn.text, f"{len(new)} facts in one turn.")
        told |= {fact.key for fact in new} | cue | {item.key for item in turn.mind.disclosed}


def tells(own: tuple[frozenset[str], ...], said: frozenset[str]) -> bool:
    """Whether a text tells a fact in one of its wordings."""
    return any(len(roots & said) >= max(FEWEST, TOLD * len(roots)) for roots in own)


@lru_cache(maxsize=2048)
def own_words(scenario: Scenario) -> Mapping[str, tuple[frozenset[str], ...]]:
    """By fact: the words of each wording that nothing else in the scenario holds; wordings with too few are left out."""
    lines = (scenario.situation, *scenario.openings, *scenario.objections, *scenario.relief, *scenario.closings, *scenario.leavings)
    common = set(stems(" ".join((*lines, *scenario.step.accept, *scenario.step.hesitant))))
    roots = {fact.key: _roots(fact) for fact in scenario.facts}
    found = {}
    for fact in scenario.facts:
        others = common.union(*(part for key, parts in roots.items() if key != fact.key for part in parts))
        found[fact.key] = tuple(part - others for part in roots[fact.key] if len(part - others) >= FEWEST)
    return found


def _roots(fact: Fact) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(stems(fact.wording(level))) for level in WORDINGS)


def _contradictions(episode: Episode) -> Iterator[Flag]:
    for place, turn in enumerate(episode.turns):
        if turn.speaker is Speaker.SEEKER:
            for claim in claims(turn.text):
                if why := contradiction(claim, episode.persona, episode.scenario):
                    severity = SLIGHT if claim.kind == "occupation" else CLEAR
                    yield Flag(Tag.CONTRADICTION, severity, place, turn.text, f"'{claim.words}': {why}")


def _manner(episode: Episode) -> Iterator[Flag]:
    mine = [(place, turn.text) for place, turn in enumerate(episode.turns) if turn.speaker is Speaker.SEEKER]
    if episode.persona.verbosity is not Verbosity.TERSE or len(mine) < 4:
        return
    if (middle := median(len(words(text)) for _, text in mine)) > LONG:
        yield Flag(Tag.CONTRADICTION, SLIGHT, mine[-1][0], mine[-1][1], f"A terse person writes {middle:.0f} words a turn.")


def self_contradictions(dialogue: Dialogue) -> Iterator[Flag]:
    """Statements about oneself in one talk that can't both be true: for human talks too."""
    made: list[Claim] = []
    for place, turn in enumerate(dialogue.turns):
        if turn.speaker is not Speaker.SEEKER:
            continue
        for claim in claims(turn.text):
            if (old := next((item for item in made if disagree(item, claim)), None)) is not None:
                yield Flag(Tag.CONTRADICTION, CLEAR, place, turn.text, f"'{claim.words}', and before '{old.words}'.")
            made.append(claim)
