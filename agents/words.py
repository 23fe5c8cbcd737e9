"""The words that pass between agents: who speaks, the eight strategies, plan, draft, reflection, critique, refinement.

Everything here is a frozen pydantic model or a string enum that round-trips through JSON exactly.  This module does not know how
any of these come about, and nothing in it belongs to the seeker's hidden side.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Word(BaseModel):
    """Base of all records: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Speaker(StrEnum):
    SEEKER = "seeker"
    SUPPORTER = "supporter"


class Stage(StrEnum):
    """The three stages of emotional support (Liu et al. 2021, after Hill 2009): a soft prior, not a rule."""

    EXPLORATION = "exploration"
    COMFORTING = "comforting"
    ACTION = "action"


class Strategy(StrEnum):
    """The eight support strategies of ESConv (Liu et al. 2021), in the order that all measures use."""

    QUESTION = "Question"
    RESTATEMENT = "Restatement or Paraphrasing"
    REFLECTION = "Reflection of feelings"
    SELF_DISCLOSURE = "Self-disclosure"
    AFFIRMATION = "Affirmation and Reassurance"
    SUGGESTION = "Providing Suggestions"
    INFORMATION = "Information"
    OTHERS = "Others"


STRATEGIES: tuple[Strategy, ...] = tuple(Strategy)

DEFINITIONS: dict[Strategy, str] = {
    Strategy.QUESTION: "ask for information so that the seeker can put the problem into words; open questions are best",
    Strategy.RESTATEMENT: "say back, more concisely, what the seeker said",
    Strategy.REFLECTION: "put the seeker's feelings into words",
    Strategy.SELF_DISCLOSURE: "share a similar experience or emotion of your own, to express empathy",
    Strategy.AFFIRMATION: "affirm the seeker's strengths, motivation and capabilities; reassure and encourage",
    Strategy.SUGGESTION: "suggest how the seeker might change the situation, without telling them what to do",
    Strategy.INFORMATION: "give useful facts, data, opinions, resources, or answer a question",
    Strategy.OTHERS: "greetings, pleasantries, and anything that fits none of the others",
}
"""Definitions as in Liu et al. 2021, shortened."""

STAGE_OF: dict[Strategy, Stage | None] = {
    Strategy.QUESTION: Stage.EXPLORATION,
    Strategy.RESTATEMENT: Stage.EXPLORATION,
    Strategy.REFLECTION: Stage.COMFORTING,
    Strategy.SELF_DISCLOSURE: Stage.COMFORTING,
    Strategy.AFFIRMATION: Stage.COMFORTING,
    Strategy.SUGGESTION: Stage.ACTION,
    Strategy.INFORMATION: Stage.ACTION,
    Strategy.OTHERS: None,
}


class Utterance(Word):
    """One turn as both sides can see it: no hidden value ever stands here."""

    speaker: Speaker
    text: Annotated[str, Field(min_length=1)]
    strategy: Strategy | None = None
    """Only on supporter turns."""


Talk = Sequence[Utterance]
"""What has been said so far, oldest first.  All that a supporter ever gets to see."""


class Plan(Word):
    """What the planner wants to do next."""

    strategy: Strategy
    distribution: dict[Strategy, float]
    """A probability for each of the eight; sums to 1."""
    rationale: str = ""
    """Why, in a sentence; empty where the backend gives none."""


class Draft(Word):
    """The responder's plain reply y_n under the planned strategy (2505.16610, phase 2a)."""

    text: Annotated[str, Field(min_length=1)]
    strategy: Strategy


class Reflection(Word):
    """What the critic reads between the lines (2505.16610, phase 2b): u_n, s_n, and the need behind them."""

    profile: str
    """u_n: the seeker's implicit profile, as far as the talk shows it."""
    emotion: str
    """s_n: the current emotional state, in words."""
    intensity: Annotated[int, Field(ge=1, le=5)]
    """How strong that emotion seems, on ESConv's scale (5 = strongest)."""
    need: str
    """What this person seems to need from the next reply."""


class PsychError(StrEnum):
    """The five psychological errors of DecoupledESC (2505.16995)."""

    STRATEGY_MISMATCH = "Strategy Mismatch"
    TEMPLATE_RESPONSE = "Template Response"
    LACK_EMPATHY = "Lack Empathy"
    EMOTION_MISREAD = "Emotion Misread"
    EARLY_EMOTION_SHIFT = "Early Emotion Shift"


class Finding(Word):
    """One error in one reply, with the words that show it."""

    error: PsychError
    span: str
    """The evidence: words of the reply, verbatim; for a mismatched strategy the strategy's name may stand here."""
    why: str
    severity: Annotated[int, Field(ge=1, le=3)]
    """1 slight, 2 clear, 3 harmful."""


class Critique(Word):
    """The critic's judgement of one version of a reply."""

    accepted: bool
    findings: tuple[Finding, ...] = ()
    instead: Strategy | None = None
    """The strategy the critic would have chosen; only with a Strategy Mismatch."""

    @property
    def penalty(self) -> int:
        """Sum of severities; 0 for a clean reply.  The version with the lowest penalty is the better one."""
        return sum(finding.severity for finding in self.findings)


class Refinement(Word):
    """A reply written anew after a critique (2505.16610, phase 2c)."""

    text: Annotated[str, Field(min_length=1)]
    strategy: Strategy


class Crisis(Word):
    """What the gate found in a seeker's turn."""

    category: str
    """`ideation`, `plan`, `self_harm`, `veiled` or `recent`."""
    span: str
    """The seeker's own words that raised the flag."""
