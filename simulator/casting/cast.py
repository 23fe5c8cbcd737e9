"""Casting: a card, or an authored scenario, becomes a persona and a scenario that can be rehearsed.

A card tells little: what it says becomes facts in the first person, the rest is borrowed from the theme of the nearest problem type,
and `Scenario.borrowed` and `Cast.notes` say what.  Nothing of a card is lost: its own words stand in the persona's background or in the
scenario's situation.  Everything is a function of card, seed and index.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from agents.chat.port import derive_seed
from agents.text import join
from simulator.cast import Cast
from simulator.casting.card import Card
from simulator.casting.firstperson import Told
from simulator.casting.telling import facts_of, openings_of, told
from simulator.casting.topics import emotion_of, nearest_theme, speaker_of
from simulator.persona import Persona
from simulator.sampling import sample_persona
from simulator.scenario import Depth, Fact, Scenario

BORROWED = 8
"""Facts that a card borrows at most."""
_SHARE = {Depth.SURFACE: 2, Depth.LATER: 3, Depth.TRUSTED: 3}
_ENGLISH_ONLY = (
    "The card is in {}; the rehearsal backend speaks English, from the theme alone, while a language model gets the card's own words."
)


def cast_scenario(scenario: Scenario, seed: int, index: int) -> Cast:
    """A sampled persona who can be the speaker of an authored scenario."""
    persona = sample_persona(seed, index, speaker=scenario.speaker, helps=scenario.helps, hurts=scenario.hurts)
    return Cast(persona=persona, scenario=scenario, source=scenario.source)


def cast_card(card: Card, seed: int, index: int, themes: Mapping[str, Scenario]) -> Cast:
    """A card as persona and scenario.

    Args:
        themes: general scenarios by problem type, from which what the card leaves open is borrowed.

    Raises:
        ValueError: there is no theme.
    """
    if card.scenario is not None:
        return cast_scenario(card.scenario, seed, index).model_copy(update={"source": card.where})
    kind = card.problem_type if card.problem_type in themes else nearest_theme(card.telling or card.situation, themes)
    theme = themes[str(kind)]
    scenario = _scenario(card, theme, str(kind), seed, index)
    persona = _persona(card, theme, seed, index)
    return Cast(persona=persona, scenario=scenario, source=card.where, notes=_notes(card, scenario, persona, theme))


def _persona(card: Card, theme: Scenario, seed: int, index: int) -> Persona:
    return sample_persona(
        seed,
        index,
        speaker=speaker_of(card.telling or card.situation, theme),
        helps=theme.helps,
        hurts=theme.hurts,
        given={**card.given, "background": card.background, "language": card.language},
    )


def _scenario(card: Card, theme: Scenario, kind: str, seed: int, index: int) -> Scenario:
    clauses = told(card)
    own = facts_of(clauses)
    borrowed = _borrowed(theme, own, derive_seed("borrowed", seed, index, card.where))
    depths = list(Depth)
    facts = sorted((*own, *borrowed), key=lambda fact: depths.index(fact.depth))
    given = card.given.get("helps")
    return theme.model_copy(
        update={
            "name": re.sub(r"[^a-z0-9]+", "-", card.where.lower()).strip("-"),
            "problem_type": card.problem_type or kind,
            "emotion_type": card.emotion_type or emotion_of(card.situation, theme.emotion_type),
            "intensity": card.intensity or theme.intensity,
            "speaker": speaker_of(card.telling or card.situation, theme).model_copy(update={"occupations": ()}),
            "situation": _situation(card, clauses),
            "openings": _openings(card, clauses) or theme.openings,
            "facts": tuple(facts),
            "need": card.need or theme.need,
            "helps": tuple(given) if given else theme.helps,
            "helps_note": "" if given else theme.helps_note,
            "source": card.source,
            "borrowed": tuple(fact.key for fact in facts if fact in borrowed),
        }
    )


def _situation(card: Card, clauses: tuple[Told, ...]) -> str:
    """In the seeker's own words where the card's can be turned and stand verbatim in the background; else verbatim."""
    if card.situation in card.background and clauses and card.voice != "first":
        return join(*(join(one.text, one.more) for one in clauses))
    return card.situation


def _openings(card: Card, clauses: tuple[Told, ...]) -> tuple[str, ...]:
    first = (card.first_talk,) if card.first_talk and card.language == "English" else ()
    return (*first, *openings_of(clauses))


def _borrowed(theme: Scenario, own: tuple[Fact, ...], seed: int) -> tuple[Fact, ...]:
    """Facts of the theme, some of each depth, in the theme's order."""
    chance = random.Random(seed)
    taken: list[Fact] = []
    for depth, share in _SHARE.items():
        left = [fact for fact in theme.facts if fact.depth is depth and all(fact.key != mine.key for mine in own)]
        taken.extend(chance.sample(left, min(share, len(left))))
    return tuple(fact for fact in theme.facts if fact in taken[:BORROWED])


def _notes(card: Card, scenario: Scenario, persona: Persona, theme: Scenario) -> tuple[str, ...]:
    notes = []
    if card.language != "English":
        notes.append(_ENGLISH_ONLY.format(card.language))
    if card.problem_type is None:
        notes.append(f"The problem type, {scenario.problem_type}, was chosen by the card's words.")
    elif card.problem_type != theme.problem_type:
        notes.append(f"There is no theme for {card.problem_type}; {theme.problem_type} is the nearest.")
    notes.append(f"{len(scenario.borrowed)} facts, the belief and the step are borrowed from the theme {theme.name}.")
    if persona.sampled:
        notes.append(f"Sampled: {', '.join(persona.sampled)}.")
    return tuple(notes)
