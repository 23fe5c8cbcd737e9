"""Splits: which people, stories and dialogues a model may learn from, and which are held out to measure it.

A split is a pure function of a name: a scenario, a persona, a human dialogue keep theirs in every run, round and process, so what is held
out today was never trained on yesterday.  Nothing is drawn by row.  This module reads no file and leaves nothing out by itself.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

from simulator.persona import Persona

_SALT = "holdspace/12"
"""The first of `holdspace/0`, `/1` ... under which the library's scenarios fall nearest to 80/10/10."""


class Split(StrEnum):
    """Where a talk, and all that is made of it, belongs."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


def split_of_scenario(name: str) -> Split:
    """Of a scenario, by its name: about 80/10/10."""
    return _split("scenario", name)


def split_of_persona(persona: Persona | str) -> Split:
    """Of a persona, or of its key: about 80/10/10."""
    return _split("persona", persona if isinstance(persona, str) else persona_key(persona))


def split_of_dialogue(dialogue: str) -> Split:
    """Of a human dialogue, by its id: about 80/10/10.  A corpus that comes with splits of its own keeps those instead."""
    return _split("dialogue", dialogue)


def split_of_cast(scenario: str, persona: str) -> Split | None:
    """Of a persona in a scenario: theirs, where both belong to the same one; None for a cast that no round should rehearse.

    Rounds simulate casts of TRAIN to learn from and casts of TEST to be measured on, so that neither story nor person is met twice.
    """
    split = split_of_scenario(scenario)
    return split if split is split_of_persona(persona) else None


def persona_key(persona: Persona) -> str:
    """A short name of a persona: the same for the same person, whatever the talk."""
    return f"pe-{hashlib.sha256(persona.model_dump_json(exclude={'sampled'}).encode()).hexdigest()[:12]}"


def _split(what: str, name: str) -> Split:
    digest = hashlib.sha256(f"{_SALT}/{what}/{name}".encode()).digest()
    tenth = int.from_bytes(digest[:8], "big") % 10
    return {8: Split.DEV, 9: Split.TEST}.get(tenth, Split.TRAIN)
