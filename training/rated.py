"""Rated pairs: a supporter turn that its own seeker rated low, against a better reply in the same context.

ESConv's stars (1 to 5) stand at a seeker turn and judge the supporter turns since the rating before: one, two or three of them, without
saying which.  A low rating (at most 2) of one turn names the turn; of several it counts against those in which the judge, too, finds
an error, and where it finds none nobody can say which turn was meant.

The better reply is a model's: the responder's under the same strategy, rewritten by the judge's seat until the judge finds nothing in it.
It is no human's.  A well-rated human turn in the same context would be the purer choice, but there is none: of the 1,157 low-rated turns of
ESConv (train, valid) and FailedESConv, one follows at least 8 words of a seeker that are nearly those (TF-IDF cosine .9) before a turn
of 4 or 5 stars, and these are greetings.  Every pair says so: the stars of its chosen side are None, and its judge is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.words import Speaker
from simulator.dialogue import Dialogue

LOW = 2
"""Stars up to which a rating is low."""


@dataclass(frozen=True, slots=True)
class Rating:
    """A low rating, as it falls on one supporter turn."""

    stars: int
    covers: int
    """Supporter turns that the rating judges together."""


def low_rated(dialogue: Dialogue) -> Mapping[int, Rating]:
    """The supporter turns of a dialogue under a low rating, by index; those after the last rating were never rated."""
    found: dict[int, Rating] = {}
    since: list[int] = []
    for index, (turn, stars) in enumerate(zip(dialogue.turns, dialogue.feedback, strict=False)):
        if turn.speaker is Speaker.SUPPORTER:
            since.append(index)
        elif stars is not None:
            if stars <= LOW:
                found |= {place: Rating(stars, len(since)) for place in since}
            since = []
    return found
