"""Slips: the five errors, made on purpose at the rates that a recipe sets, so that the critic has work."""

from __future__ import annotations

import random
from typing import Annotated

from pydantic import Field

from agents.emotions import PLEASANT, Family, close
from agents.rehearsal.echo import adjective
from agents.rehearsal.repertoire import common
from agents.rehearsal.replies import Moment, filled, fresh, plausible
from agents.words import PsychError, Word

Rate = Annotated[float, Field(ge=0.0, le=1.0)]


class SlipRates(Word):
    """Share of supporter turns on which each error is made (rehearsal backend only)."""

    strategy_mismatch: Rate = 0.05
    template_response: Rate = 0.06
    lack_empathy: Rate = 0.05
    emotion_misread: Rate = 0.04
    early_emotion_shift: Rate = 0.05

    def draw(self, rng: random.Random) -> PsychError | None:
        """The error of the reply on this turn, or None; never a mismatch, which is the planner's."""
        place = rng.random()
        for error, rate in (
            (PsychError.TEMPLATE_RESPONSE, self.template_response),
            (PsychError.LACK_EMPATHY, self.lack_empathy),
            (PsychError.EMOTION_MISREAD, self.emotion_misread),
            (PsychError.EARLY_EMOTION_SHIFT, self.early_emotion_shift),
        ):
            if place < rate:
                return error
            place -= rate
        return None


def slip(now: Moment, error: PsychError, rng: random.Random) -> str | None:
    """A reply that is wrong in the named way; None when none can be made at this moment."""
    lines = common().slips
    pools = {
        PsychError.TEMPLATE_RESPONSE: lines.template_response,
        PsychError.LACK_EMPATHY: lines.lack_empathy,
        PsychError.EMOTION_MISREAD: lines.emotion_misread,
        PsychError.EARLY_EMOTION_SHIFT: lines.early_emotion_shift,
    }
    wrong = adjective(rng.choice(_not_there(now)))
    fit = [text for text in filled(pools[error], now, wrong=wrong) if fresh(text, now)]
    return rng.choice(fit) if fit else None


def _not_there(now: Moment) -> tuple[Family, ...]:
    """Feelings that nothing in the last message speaks of."""
    there = plausible(now.heard)
    far = tuple(family for family in Family if not any(close(family, other) for other in there))
    return far if there and far else tuple(sorted(PLEASANT))
