"""Cast: a persona in a scenario, ready to talk."""

from __future__ import annotations

from agents.words import Word
from simulator.persona import Persona
from simulator.scenario import Scenario


class Cast(Word):
    """Who talks about what."""

    persona: Persona
    scenario: Scenario
    source: str = "library"
    """`library`, `user`, or the card it comes from."""
    notes: tuple[str, ...] = ()
    """What a reader of the episode should know, such as that a Chinese card is answered in English."""
