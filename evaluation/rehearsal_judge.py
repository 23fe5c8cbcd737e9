"""A judge by rules: surface features of a reply, so that the judging itself can be rehearsed without a model.

It counts what the rehearsal critic counts (the five errors, warm words, what the reply takes up), so on rehearsal talks it judges its own
house, and the front door says so.  It knows nothing of meaning; how far it agrees with people's ratings is printed, not promised.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import BaseModel

from agents import lexicon
from agents.chat.port import Choice, Completion, Request, Usage
from agents.emotions import feelings
from agents.errors import AnswerError
from agents.rehearsal.criticism import concrete, find_errors
from agents.rehearsal.replies import moment
from agents.text import is_question, normal, plain, sentences, stems, words
from agents.words import PsychError, Speaker, Strategy
from evaluation.judge import DIMENSIONS, Judged, Preference, Rating

SPEC = "rehearsal"
_HURRIED = {PsychError.EARLY_EMOTION_SHIFT, PsychError.STRATEGY_MISMATCH}


class RehearsalJudge:
    """Four numbers and a preference without a model."""

    @property
    def spec(self) -> str:
        return SPEC

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:  # noqa: ARG002  of the port
        raise AnswerError(f"The rehearsal judge has no answer to {request.task!r}.")

    async def complete(self, request: Request) -> Completion:
        """A Rating or a Preference, by what the request carries."""
        variables = request.variables
        if "item" in variables:
            return _completion(request, rated(variables["item"], use_reference=bool(variables.get("use_reference"))))
        if "first" in variables:
            return _completion(request, preferred(variables["first"], variables["second"]))
        raise AnswerError(f"The rehearsal judge has no answer to {request.task!r}.")


def rated(item: Judged, *, use_reference: bool = True) -> Rating:
    """The rating of a reply; of a talk, the mean over the supporter's turns."""
    if item.reply:
        return Rating(**_scores(item, use_reference=use_reference), why="By surface features.")
    parts = [_scores(part, use_reference=False) for part in _replies(item)]
    if not parts:
        return Rating(**dict.fromkeys(DIMENSIONS, 0), why="The supporter says nothing.")
    return Rating(**{name: round(sum(part[name] for part in parts) / len(parts)) for name in DIMENSIONS}, why="Mean over the replies.")


def preferred(first: Judged, second: Judged) -> Preference:
    """The side with the higher sum of the scales."""
    left, right = _total(first), _total(second)
    better = "same" if left == right else "first" if left > right else "second"
    return Preference.model_validate({"better": better, "why": "By surface features."})


def _total(item: Judged) -> float:
    parts = [item] if item.reply else _replies(item)
    return sum(sum(_scores(part, use_reference=False).values()) for part in parts) / max(len(parts), 1)


def _replies(item: Judged) -> list[Judged]:
    return [
        Judged(id=item.id, dialogue=item.dialogue, talk=item.talk[:place], reply=turn.text, strategy=turn.strategy)
        for place, turn in enumerate(item.talk)
        if turn.speaker is Speaker.SUPPORTER
    ]


def _scores(item: Judged, *, use_reference: bool) -> dict[str, int]:
    """Points for what is there, off for what should not be, clipped to 0 to 5."""
    reply, now = item.reply, moment(item.talk)
    lowered, length = plain(reply), len(words(reply))
    strategy = item.strategy or (Strategy.QUESTION if is_question(reply) else Strategy.AFFIRMATION)
    errors = {finding.error for finding in find_errors(now, reply, strategy) if finding.severity > 1}
    shared = len(set(stems(reply)) & now.told)
    again = any(normal(part) in now.spoken for part in sentences(reply))
    kept = set(stems(item.reference)) & set(stems(reply)) if use_reference else set()
    fluency = (
        5 - (length < 4) - (length > 80) - (length > 150) - again - (reply[:1].islower()) - (not reply.rstrip().endswith((".", "!", "?")))
    )
    professionalism = 4 - 2 * _has(lexicon.PRESSURE, lowered) - _has(lexicon.MINIMISING, lowered) - _has(lexicon.PRAISE, lowered)
    professionalism += _has(lexicon.TENTATIVE, lowered) - bool(errors & _HURRIED)
    empathy = 1 + bool(feelings(reply)) + _has(lexicon.WARM, lowered) + (shared > 0) + (shared > 2)
    empathy -= 2 * bool(errors & {PsychError.EMOTION_MISREAD, PsychError.LACK_EMPATHY}) + (PsychError.TEMPLATE_RESPONSE in errors)
    helpfulness = 1 + (shared > 0) + concrete(reply) + (10 <= length <= 60) + (not errors) + (len(kept) > 1)
    helpfulness -= len(errors)
    found = {"fluency": fluency, "professionalism": professionalism, "empathy": empathy, "helpfulness": helpfulness}
    return {name: max(0, min(5, int(value))) for name, value in found.items()}


def _has(pattern: re.Pattern[str], text: str) -> int:
    return int(bool(pattern.search(text)))


def _completion(request: Request, parsed: BaseModel) -> Completion:
    prompt = sum(message.content.count(" ") + 1 for message in request.messages)
    text = parsed.model_dump_json()
    return Completion(text=text, parsed=parsed, usage=Usage(model=SPEC, prompt_tokens=prompt, completion_tokens=text.count(" ") + 1))
