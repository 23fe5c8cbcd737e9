"""Intent: what the seeker is about to do with the next turn, chosen by code (`simulator/director.py`), worded by a backend.

It holds only what may be said now: facts that trust has opened, in the wording that trust allows.  The hidden need never stands here.
"""

from __future__ import annotations

from enum import StrEnum

from agents.words import Word
from simulator.scenario import Wording


class Move(StrEnum):
    """What the seeker does with a turn."""

    GREET = "greet"
    OPEN = "open"
    """Says what it is about."""
    TELL = "tell"
    """Goes on telling, unasked."""
    ANSWER = "answer"
    """Answers a question with a fact."""
    DEEPEN = "deepen"
    """Tells a known fact more fully."""
    DODGE = "dodge"
    """Turns a question away, in character."""
    CORRECT = "correct"
    """Puts a wrongly named emotion right."""
    BRISTLE = "bristle"
    """Takes offence at a cliche, pressure or advice too early."""
    OBJECT = "object"
    """Says `yes, but` to advice."""
    HESITATE = "hesitate"
    """Is not ready for the step that was offered."""
    ACCEPT = "accept"
    """Takes up the step."""
    EASE = "ease"
    """Says that something has eased."""
    ASK = "ask"
    """Asks the supporter something."""
    WIND_UP = "wind_up"
    """Moves towards the end."""
    CLOSE = "close"
    """Takes leave."""
    LEAVE = "leave"
    """Gives up on this talk."""


LAST: frozenset[Move] = frozenset({Move.CLOSE, Move.LEAVE})
"""The seeker says nothing more after these."""


class Offer(Word):
    """A fact that may be told now."""

    key: str
    wording: Wording
    text: str


class Intent(Word):
    """What the seeker is about to do, and the material for it."""

    move: Move
    facts: tuple[Offer, ...] = ()
    """What may be told with this turn, in the order to tell it."""
    lines: tuple[str, ...] = ()
    """This person's own lines for the move, not yet said: one may be used or reworded."""
    topic: str = ""
    """What the supporter asked about, as a noun phrase; empty when nothing was asked."""
    emotion: str = ""
    """For CORRECT: the emotion that is really there."""
    misread: str = ""
    """For CORRECT: the emotion that the supporter named."""
    asks: str = ""
    """For ASK: `advice`, `normal` or `you`."""
    reaction: str = ""
    """How the last supporter turn is taken before anything else is said.

    One of confirm, shared, flattered, informed, passed, soft, thanks; or empty.
    """
