"""Tags: what can be wrong with a simulated seeker, how bad it is, and the words that show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Tag(StrEnum):
    """One kind of fault.  HIDDEN ones need the seeker's hidden side and are skipped for human talks."""

    LEAKED_NEED = "leaked_need"
    """It says the hidden need outright."""
    TOLD_EARLY = "told_early"
    """It tells a fact that its trust has not opened, and that was not its cue."""
    ALL_AT_ONCE = "all_at_once"
    """It tells four facts or more in one turn."""
    CONTRADICTION = "contradiction"
    """What it says of itself does not fit its persona, or what it said before."""
    REPEATED = "repeated"
    """It says again what it has said."""
    THANK_LOOP = "thank_loop"
    """Thanks and good-byes, turn after turn, with nothing new."""
    ROLE_FLIP = "role_flip"
    """It speaks as the supporter."""
    OUT_OF_CHARACTER = "out_of_character"
    """It speaks as a program, of its prompt, or in stage directions."""
    EARLY_ENDING = "early_ending"
    """It ends the talk before it has begun, or takes leave and goes on."""
    ECHO = "echo"
    """It hands the supporter's own words back."""


HIDDEN: frozenset[Tag] = frozenset({Tag.LEAKED_NEED, Tag.TOLD_EARLY, Tag.ALL_AT_ONCE})

SLIGHT, CLEAR, GRAVE = 1, 2, 3
SEVERITIES: dict[int, str] = {SLIGHT: "slight", CLEAR: "clear", GRAVE: "grave"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One fault in one turn."""

    tag: Tag
    severity: int
    """1 slight (people do it too), 2 clear, 3 grave (the talk is not usable as it is)."""
    turn: int
    """Index in the talk's turns."""
    words: str
    """What was said."""
    why: str

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
