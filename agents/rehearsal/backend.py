"""The rehearsal backend for planner, responder and critic: the chat port over the authored repertoire.

It answers by the task of a request and its variables, never by reading the rendered prose.  The seeker's side lives in
`simulator/rehearsal.py`, where it may know the scenario; this side can't.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from agents.chat.port import Choice, Completion, Request, Usage
from agents.critic import Findings
from agents.errors import AnswerError
from agents.rehearsal.criticism import better_strategy, find_errors
from agents.rehearsal.planning import distribution, rationale, slipped
from agents.rehearsal.reflecting import reflect
from agents.rehearsal.replies import Moment, compose, moment
from agents.rehearsal.slips import SlipRates, slip
from agents.words import Critique, PsychError, Strategy

SPEC = "rehearsal"
_TRIES = 6
"""Candidate rewordings among which a refinement takes the cleanest."""


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
        if rng.random() < self.slips.strategy_mismatch and now.strategies and not now.parting:
            weights = slipped(weights, len(now.strategies), rng)
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
        if error is not None and now.strategies and not now.parting and (text := slip(now, error, rng)):
            return text
        return compose(now, strategy, rng)


def refined(now: Moment, reply: str, strategy: Strategy, critique: Critique, rng: random.Random) -> str:
    """The cleanest of a few new replies under the strategy; differs from the criticised one wherever it can."""
    del critique  # the rules find the same errors again; an LLM gets them in the prompt
    options = dict.fromkeys(compose(now, strategy, rng) for _ in range(_TRIES))
    options.pop(reply, None)
    return min(options, key=lambda text: sum(item.severity for item in find_errors(now, text, strategy)), default=reply)


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
