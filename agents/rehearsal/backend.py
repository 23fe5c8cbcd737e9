"""The rehearsal backend for planner, responder and critic: the chat port over the authored repertoire.

It answers by the task of a request and its variables, never by reading the rendered prose.  The seeker's side lives in
`simulator/rehearsal.py`, where it may know the scenario; this side can't.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from agents import lexicon
from agents.chat.port import Choice, Completion, Request, Usage
from agents.critic import TOLERATED, Findings
from agents.errors import AnswerError
from agents.rehearsal.criticism import better_strategy, find_errors
from agents.rehearsal.planning import distribution, rationale, slipped
from agents.rehearsal.reflecting import reflect
from agents.rehearsal.repertoire import common
from agents.rehearsal.replies import Moment, compose, fresh, moment
from agents.rehearsal.slips import SlipRates, slip
from agents.text import plain, sentences
from agents.words import Critique, PsychError, Strategy

SPEC = "rehearsal"
_TRIES = 6
"""Candidate rewordings among which a refinement takes the cleanest."""
_SHORTEST = 6
"""Words that a reply must keep to be mended by leaving something out."""


class RehearsalSupporter:
    """Planner, responder and critic without a model.

    Args:
        slips: how often each of the five errors is made.
    """

    def __init__(self, slips: SlipRates | None = None) -> None:
        self.slips = slips or SlipRates()

    @property
    def spec(self) -> str:
        return SPEC

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        """The planner's distribution; slips at its set rate."""
        now, rng = moment(request.variables["talk"]), random.Random(request.seed)
        weights = distribution(now)
        if rng.random() < self.slips.strategy_mismatch and now.turns and not now.parting:
            weights = slipped(weights, now.turns, rng)
        probabilities = {strategy.value: weight for strategy, weight in weights.items()}
        if set(options) != set(probabilities):
            raise AnswerError("The rehearsal backend can only choose among the eight strategies.")
        why = rationale(now, weights)
        return Choice(probabilities=probabilities, usage=_usage(request, why), rationale=why)

    async def complete(self, request: Request) -> Completion:
        """A reply, a reflection, a critique or a refinement, by the request's task."""
        variables, rng = request.variables, random.Random(request.seed)
        now = moment(variables["talk"])
        if request.task == "responder":
            return _text(request, self._reply(now, variables["strategy"], rng))
        if request.task == "refine":
            return _text(request, refined(now, variables["reply"], variables["strategy"], variables["critique"], rng))
        if request.task == "reflect":
            return _object(request, reflect(now, variables["talk"]))
        if request.task == "critique":
            found = find_errors(now, variables["reply"], variables["strategy"])
            mismatched = any(item.error is PsychError.STRATEGY_MISMATCH for item in found)
            instead = better_strategy(now, variables["strategy"]) if mismatched else None
            return _object(request, Findings(findings=tuple(found), instead=instead))
        raise AnswerError(f"The rehearsal supporter has no answer to {request.task!r}.")

    def _reply(self, now: Moment, strategy: Strategy, rng: random.Random) -> str:
        error = self.slips.draw(rng)
        if error is not None and now.turns and not now.parting and (text := slip(now, error, rng)):
            return text
        return compose(now, strategy, rng)


def refined(now: Moment, reply: str, strategy: Strategy, critique: Critique, rng: random.Random) -> str:
    """The cleanest of a few new versions under the strategy; the mended old one where that is as clean as any."""
    options = dict.fromkeys([*_mended(now, reply, critique, rng), *(compose(now, strategy, rng) for _ in range(_TRIES))])
    options.pop(reply, None)
    return min(options, key=lambda text: sum(item.severity for item in find_errors(now, text, strategy)), default=reply)


def _mended(now: Moment, reply: str, critique: Critique, rng: random.Random) -> list[str]:
    """The reply without the words that the critic pointed at, and the hurried one with an acknowledgment before it."""
    if critique.instead is not None:
        return []
    spans = [item.span for item in critique.findings if item.severity > TOLERATED]
    kept = " ".join(sentence for sentence in sentences(reply) if not any(span in sentence or sentence in span for span in spans))
    soothing = [text for text in common().leads.soothe if fresh(text, now)]
    hurried = {PsychError.EARLY_EMOTION_SHIFT, PsychError.LACK_EMPATHY} & {item.error for item in critique.findings}
    versions = [f"{rng.choice(soothing)} {reply}"] if hurried and soothing and lexicon.TENTATIVE.search(plain(reply)) else []
    return [*versions, kept] if len(kept.split()) >= _SHORTEST else versions


def _usage(request: Request, answer: str) -> Usage:
    """Words stand for tokens: the rehearsal backend has no tokenizer."""
    return Usage(
        model=SPEC,
        prompt_tokens=sum(message.content.count(" ") + 1 for message in request.messages),
        completion_tokens=answer.count(" ") + 1 if answer else 0,
    )


def _text(request: Request, text: str) -> Completion:
    return Completion(text=text, usage=_usage(request, text))


def _object(request: Request, value: Any) -> Completion:
    text = value.model_dump_json()
    return Completion(text=text, usage=_usage(request, text), parsed=value)
