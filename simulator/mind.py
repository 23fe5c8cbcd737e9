"""The hidden mind: emotion, trust, openness, patience, and how one supporter turn moves them.

Evidence comes from the appraisal as labels; the numbers come from here alone.  Every move is bounded, clipped at both ends, and
weighted by the persona.  Gains fade when the same kind of turn comes again and again, losses do not: being heard once helps, being
paraphrased ten times does not.  This module reads no text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from agents.words import Stage, Word
from simulator.persona import Persona, Resistance, Score
from simulator.scenario import Wording


class Sign(StrEnum):
    """How a supporter turn landed: the labels an appraisal may give."""

    HEARD = "heard"
    """It says back, accurately and in its own words, what the seeker just told."""
    EMOTION_NAMED = "emotion_named"
    """It names the emotion that is there."""
    FITS = "fits"
    """It is the kind of support that helps this person."""
    VALUED = "valued"
    """It affirms something that is really there."""
    GOOD_QUESTION = "good_question"
    """It asks about what matters, one thing at a time."""
    SHARED = "shared"
    """It shares an experience that is close to the seeker's."""
    LOOSENED = "loosened"
    """It touches the unhelpful belief in a way that can loosen it."""
    STEP_OFFERED = "step_offered"
    """It proposes the small step that would be real progress, or something close."""
    USEFUL = "useful"
    """Advice or information that fits what was told, at a time when it can be used."""
    COURTESY = "courtesy"
    """A greeting, a thank-you, a good-bye in its place."""
    NOT_HEARD = "not_heard"
    """It passes over what the seeker just told."""
    MISREAD = "misread"
    """It names an emotion that is not there."""
    EARLY_ADVICE = "early_advice"
    """Advice or cheer before the seeker is ready."""
    PRESSURE = "pressure"
    """It tells the seeker what to do or feel, or hurries."""
    TEMPLATE = "template"
    """A cliche or a phrase that would fit anybody."""
    MINIMISED = "minimised"
    """It makes the trouble small or compares it with others'."""
    INTERROGATED = "interrogated"
    """Another question after several, with nothing given back."""
    PARROTED = "parroted"
    """The seeker's own words handed back nearly unchanged."""
    REPEATED = "repeated"
    """It said this, or nearly this, before, or it meets the seeker in the same way for the third time running."""
    FLATTERED = "flattered"
    """Praise that nothing in the talk supports."""
    OVERLONG = "overlong"
    """Far longer than a chat message."""


GOOD: frozenset[Sign] = frozenset(
    {Sign.HEARD, Sign.EMOTION_NAMED, Sign.FITS, Sign.VALUED, Sign.GOOD_QUESTION, Sign.SHARED, Sign.LOOSENED, Sign.STEP_OFFERED, Sign.USEFUL}
)


class Evidence(Word):
    """One label and the supporter's words that show it."""

    sign: Sign
    quote: str = ""


class Appraisal(Word):
    """How the last supporter turn landed with the seeker."""

    evidence: tuple[Evidence, ...] = ()

    @property
    def signs(self) -> frozenset[Sign]:
        return frozenset(item.sign for item in self.evidence)


class Disclosure(Word):
    """A fact that has been told, and how much of it."""

    key: str
    wording: Wording
    turn: Annotated[int, Field(ge=0)]
    """Index of the seeker turn in the episode."""


class Mind(Word):
    """The seeker's hidden state at one moment."""

    intensity: Annotated[float, Field(ge=1.0, le=5.0)]
    """Of the negative emotion; 5 = strongest.  `reported` is what a questionnaire would show."""
    trust: Score
    openness: Score
    patience: Score
    grip: Score = 1.0
    """Hold of the unhelpful belief: 1 firm, 0 let go."""
    stage: Stage = Stage.EXPLORATION
    """What the seeker is ready for."""
    disclosed: tuple[Disclosure, ...] = ()
    lived: dict[Sign, int] = Field(default_factory=dict)
    """How often each good kind of turn has come so far: gains fade with it."""

    @property
    def reported(self) -> int:
        """Intensity on ESConv's whole-numbered scale of 1 to 5."""
        return max(1, min(5, int(self.intensity + 0.5)))

    def told(self, key: str) -> Wording | None:
        """The fullest wording in which a fact has been told, or None."""
        levels = [item.wording for item in self.disclosed if item.key == key]
        return max(levels, key=list(Wording).index) if levels else None


class Move(Word):
    """What one label does, before weighting: changes of trust, intensity, patience and grip."""

    trust: float = 0.0
    intensity: float = 0.0
    patience: float = 0.0
    grip: float = 0.0


MOVES: dict[Sign, Move] = {
    Sign.HEARD: Move(trust=0.055, intensity=-0.135, patience=0.03),
    Sign.EMOTION_NAMED: Move(trust=0.055, intensity=-0.165, patience=0.02),
    Sign.FITS: Move(trust=0.035, intensity=-0.12, patience=0.02),
    Sign.VALUED: Move(trust=0.03, intensity=-0.15, grip=-0.05),
    Sign.GOOD_QUESTION: Move(trust=0.03, intensity=-0.02),
    Sign.SHARED: Move(trust=0.035, intensity=-0.09),
    Sign.LOOSENED: Move(trust=0.03, intensity=-0.28, grip=-0.22),
    Sign.STEP_OFFERED: Move(trust=0.02, intensity=-0.26, grip=-0.06),
    Sign.USEFUL: Move(trust=0.025, intensity=-0.15, grip=-0.03),
    Sign.COURTESY: Move(trust=0.005),
    Sign.NOT_HEARD: Move(trust=-0.045, intensity=0.09, patience=-0.07),
    Sign.MISREAD: Move(trust=-0.07, intensity=0.14, patience=-0.08),
    Sign.EARLY_ADVICE: Move(trust=-0.05, intensity=0.11, patience=-0.08),
    Sign.PRESSURE: Move(trust=-0.08, intensity=0.15, patience=-0.1),
    Sign.TEMPLATE: Move(trust=-0.05, intensity=0.08, patience=-0.07),
    Sign.MINIMISED: Move(trust=-0.08, intensity=0.16, patience=-0.09),
    Sign.INTERROGATED: Move(trust=-0.04, intensity=0.07, patience=-0.08),
    Sign.PARROTED: Move(trust=-0.03, intensity=0.05, patience=-0.07),
    Sign.REPEATED: Move(trust=-0.05, intensity=0.06, patience=-0.09),
    Sign.FLATTERED: Move(trust=-0.04, intensity=0.04, patience=-0.06),
    Sign.OVERLONG: Move(trust=-0.04, intensity=0.07, patience=-0.08),
}
"""Our own values (no paper gives any); tuned so that talks end as in REFERENCE's figures for ESConv and FailedESConv together."""

LIMITS = Move(trust=0.12, intensity=0.35, patience=0.15, grip=0.25)
"""No single turn moves the mind further than this, in either direction."""

SPOILED: dict[Sign, float] = {
    Sign.PARROTED: 0.0,
    Sign.REPEATED: 0.2,
    Sign.FLATTERED: 0.2,
    Sign.INTERROGATED: 0.2,
    Sign.OVERLONG: 0.3,
    Sign.TEMPLATE: 0.5,
}
"""Share of a turn's gains that is left when it also lands like this: a good word in a wall of text, or beside flattery, is hardly heard."""

FADE = 0.72
"""Each further time of the same good kind is worth this much of the time before."""

TIRED = 0.022
"""Patience that every turn costs."""

_TRUSTING: dict[Resistance, float] = {
    Resistance.OPEN: 1.3,
    Resistance.GUARDED: 0.75,
    Resistance.AVOIDANT: 0.85,
    Resistance.ARGUMENTATIVE: 0.8,
    Resistance.SILENT: 0.8,
}
_EASING: dict[Resistance, float] = {
    Resistance.OPEN: 1.25,
    Resistance.GUARDED: 1.05,
    Resistance.AVOIDANT: 1.05,
    Resistance.ARGUMENTATIVE: 1.0,
    Resistance.SILENT: 1.05,
}
_START_TRUST: dict[Resistance, float] = {
    Resistance.OPEN: 0.42,
    Resistance.GUARDED: 0.2,
    Resistance.AVOIDANT: 0.27,
    Resistance.ARGUMENTATIVE: 0.26,
    Resistance.SILENT: 0.23,
}


def first_mind(persona: Persona, intensity: int) -> Mind:
    """The mind before anything is said.

    Args:
        persona: sets trust, openness and patience.
        intensity: of the emotion, 1 to 5, from the scenario.
    """
    traits = persona.big_five
    trust = _clip(_START_TRUST[persona.resistance] + 0.12 * (traits.agreeableness - 0.5))
    patience = _clip(0.78 + 0.2 * (traits.agreeableness - 0.5) - 0.12 * (traits.neuroticism - 0.5))
    return Mind(intensity=float(intensity), trust=trust, openness=_openness(trust, persona), patience=patience)


def live(mind: Mind, appraisal: Appraisal, persona: Persona) -> Mind:
    """The mind after one supporter turn: the only place where evidence becomes numbers.

    Returns a new Mind; each value stays in its range and moves at most by `LIMITS` (patience also by `TIRED`).
    """
    total = {"trust": 0.0, "intensity": 0.0, "patience": 0.0, "grip": 0.0}
    lived = dict(mind.lived)
    left = min((SPOILED[sign] for sign in appraisal.signs & SPOILED.keys()), default=1.0)
    for sign in sorted(appraisal.signs):
        weight = _weight(sign, persona) * FADE ** lived.get(sign, 0) * (left if sign in GOOD else 1.0)
        for name in total:
            total[name] += getattr(MOVES[sign], name) * weight * _taker(name, sign, persona)
        if sign in GOOD:
            lived[sign] = lived.get(sign, 0) + 1
    moved = {name: _bound(value, getattr(LIMITS, name)) for name, value in total.items()}
    trust = _clip(mind.trust + moved["trust"])
    grip = _clip(mind.grip + moved["grip"])
    intensity = mind.intensity + moved["intensity"] * _depth_of_relief(mind, moved["intensity"])
    return mind.model_copy(
        update={
            "intensity": max(1.0, min(5.0, intensity)),
            "trust": trust,
            "openness": _openness(trust, persona),
            "patience": _clip(mind.patience + moved["patience"] - TIRED),
            "grip": grip,
            "stage": _stage(trust, grip, len({item.key for item in mind.disclosed})),
            "lived": lived,
        }
    )


def _weight(sign: Sign, persona: Persona) -> float:
    """What hurts this person counts more; so does what helps, through `Sign.FITS`."""
    return 1.5 if sign.value in {hurt.value for hurt in persona.hurts} | {_HURT_OF.get(hurt.value, "") for hurt in persona.hurts} else 1.0


_HURT_OF = {
    "cliches": "template",
    "minimising": "minimised",
    "misreading": "misread",
    "interrogation": "interrogated",
    "comparison": "minimised",
}


def _taker(name: str, sign: Sign, persona: Persona) -> float:
    if sign in GOOD and name == "intensity":
        return _EASING[persona.resistance] * (1.3 - 0.6 * persona.big_five.neuroticism)
    if sign in GOOD:
        return _TRUSTING[persona.resistance] if name == "trust" else 1.0
    return 0.7 + 0.6 * persona.big_five.neuroticism


def _depth_of_relief(mind: Mind, change: float) -> float:
    """Relief needs trust: the same kind words do little for someone who does not trust yet."""
    return 0.38 + 0.8 * mind.trust if change < 0 else 1.0


def _openness(trust: float, persona: Persona) -> float:
    base = {
        Resistance.OPEN: 0.2,
        Resistance.ARGUMENTATIVE: 0.08,
        Resistance.AVOIDANT: -0.05,
        Resistance.GUARDED: -0.08,
        Resistance.SILENT: -0.1,
    }
    return _clip(trust + base[persona.resistance] + 0.15 * (persona.big_five.extraversion - 0.5))


def _stage(trust: float, grip: float, told: int) -> Stage:
    if trust >= 0.5 and told >= 5 and grip <= 0.85:
        return Stage.ACTION
    return Stage.COMFORTING if told >= 2 and trust >= 0.25 else Stage.EXPLORATION


def _bound(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))


def _clip(value: float) -> float:
    return max(0.0, min(1.0, value))
