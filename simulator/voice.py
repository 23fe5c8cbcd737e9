"""The small words of the seeker: greetings, confirmations, dodges, good-byes, by resistance.

The lines stand in `voice.yaml`; what happened to the seeker stands in the scenario.  Used by the rehearsal seeker only.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from agents.words import Word
from agents.yamlfile import read_model
from simulator.persona import Resistance

FILE = Path(__file__).parent / "voice.yaml"

Lines = tuple[str, ...]
ByResistance = dict[Resistance, Lines]


class Asks(Word):
    """Questions from the seeker to the supporter."""

    advice: Lines
    normal: Lines
    you: Lines


class Voice(Word):
    """All general lines; {topic}, {wrong} and {right} are filled when spoken."""

    greet: Lines
    confirm: ByResistance
    answer: ByResistance
    dodge: ByResistance
    deepen: ByResistance
    correct: ByResistance
    bristle: ByResistance
    passed: ByResistance
    shared: ByResistance
    flattered: ByResistance
    informed: ByResistance
    thanks: Lines
    soft: Lines
    asks: Asks
    wind_up: Lines
    goodbye: Lines
    leave: ByResistance


@cache
def voice() -> Voice:
    """The lines, read once."""
    return read_model(FILE, Voice)
