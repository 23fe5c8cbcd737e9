"""The judge: a seat that rates replies and talks on four scales, or says which of two is better.

Fluency, Professionalism, Empathy, Helpfulness, 0 to 5 (REFERENCE, section 4), with or without a human reply beside it.  Any backend can sit
here.  An LLM judge is biased (order, length, its own style): the runner asks in both orders and `evaluation/judge_figures.py` controls for
length.  Who may judge whom is decided at the front door; what a number is worth, by comparing with people's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from agents.chat.port import Chat, Ledger, Request, Role, Sampling
from agents.errors import AnswerError
from agents.prompting import Prompt, load_prompt, transcript
from agents.words import Speaker, Strategy, Utterance

PROMPTS = Path(__file__).parent / "prompts"
DIMENSIONS = ("fluency", "professionalism", "empathy", "helpfulness")
SAMPLING: Mapping[Role, Sampling] = {Role.JUDGE: Sampling(temperature=0.3, max_tokens=300)}

T = TypeVar("T", bound=BaseModel)

Score = Field(ge=0, le=5)


class Rating(BaseModel):
    """What a backend answers when it rates."""

    fluency: int = Score
    professionalism: int = Score
    empathy: int = Score
    helpfulness: int = Score
    why: str = ""


class Preference(BaseModel):
    """What a backend answers when it compares."""

    better: Literal["first", "second", "same"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One reply in its place, or one whole talk (then `reply` is empty and the talk is all there is)."""

    id: str
    dialogue: str
    talk: tuple[Utterance, ...]
    """What was said before the reply; the whole talk where that is judged."""
    reply: str = ""
    strategy: Strategy | None = None
    reference: str = ""
    """A human reply in the same place; empty where there is none."""
    authors: tuple[str, ...] = ()
    """Specs of the models that wrote it; empty where that is not known."""
    stars: float | None = None
    """A human seeker's rating of it, 1 to 5, where there is one."""

    @property
    def words(self) -> int:
        """Length of what is judged; of a whole talk, the supporter's words."""
        mine = [self.reply] if self.reply else [turn.text for turn in self.talk if turn.speaker is Speaker.SUPPORTER]
        return sum(len(text.split()) for text in mine)


class Judge:
    """A seat for a judge.

    Args:
        chat: the backend.
        language: in which its reasons are written.
    """

    def __init__(self, chat: Chat, *, language: str = "English") -> None:
        self.chat = chat
        self.language = language

    async def rate(self, item: Judged, *, seed: int, ledger: Ledger, use_reference: bool = True) -> Rating:
        """Four numbers for a reply or a talk.

        Raises:
            AnswerError: the backend gave none, or one out of range.
        """
        values = {"language": self.language, "reply": item.reply or transcript(item.talk)}
        name = "judge_talk"
        if item.reply:
            values["talk"] = transcript(item.talk) or "(nothing yet)"
            name = "judge_rate"
            if item.reference and use_reference:
                name, values["reference"] = "judge_rate_reference", item.reference
        request = _request(_prompt(name), values, seed, {"item": item, "use_reference": use_reference}, Rating)
        return _valid(await ledger.complete(self.chat, request, Rating), Rating, self.chat.spec)

    async def compare(self, first: Judged, second: Judged, *, seed: int, ledger: Ledger) -> Preference:
        """Which of two is better: replies in the same place, or whole talks.

        Raises:
            AnswerError: the backend gave no verdict.
        """
        sides = {"first": first.reply or transcript(first.talk), "second": second.reply or transcript(second.talk)}
        values = {"language": self.language, **sides}
        if first.reply:
            values["talk"] = transcript(first.talk) or "(nothing yet)"
        prompt = _prompt("judge_compare" if first.reply else "judge_compare_talks")
        request = _request(prompt, values, seed, {"first": first, "second": second}, Preference)
        return _valid(await ledger.complete(self.chat, request, Preference), Preference, self.chat.spec)


def _prompt(name: str) -> Prompt:
    return load_prompt(PROMPTS / f"{name}.md")


def _request(prompt: Prompt, values: Mapping[str, str], seed: int, variables: Mapping[str, Any], schema: type[BaseModel]) -> Request:
    return Request(
        role=Role.JUDGE,
        task=prompt.name,
        messages=prompt.render(values),
        fingerprint=prompt.fingerprint,
        seed=seed,
        variables=variables,
        schema=schema,
    )


def _valid(answer: T, schema: type[T], spec: str) -> T:
    """The answer, checked once more: not every backend validates what it makes."""
    try:
        return schema.model_validate(answer.model_dump(warnings=False))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise AnswerError(f"{spec} judged out of range: {key}: {first['msg']}.") from error


def same_model(left: str, right: str) -> bool:
    """Whether two specs name the same model, on whatever server or in whatever folder."""
    return _model_name(left) == _model_name(right)


def _model_name(spec: str) -> str:
    kind, _, rest = spec.partition(":")
    if kind.lower() in ("openai", "local") and rest:
        return rest.split("@")[0].rstrip("/").split("/")[-1].lower()
    return spec.lower()
