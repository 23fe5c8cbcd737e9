"""Rows become token ids, exactly as the seat will ask: by the local backend's own template, shortened as the backend shortens.

What trl only warns about is an error here: a prompt that is not a token prefix of prompt and answer, an answer without a stop token,
chosen that equals rejected.  Nothing is cut silently: what was shortened and what was dropped is counted.  No tensor, no loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.chat.port import Message
from agents.chat.templating import Template
from agents.errors import ChatError, InputError
from agents.words import STRATEGIES
from training.configs import DataSummary, Learner, Row

SPARE = 2
"""Tokens beyond the longest label that `choose` of the local backend leaves."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt and its answers as token ids, each answer with its stop token."""

    prompt: list[int]
    answers: tuple[list[int], ...]
    texts: tuple[str, ...]
    """The answers in words."""

    @property
    def longest(self) -> int:
        """Tokens of the prompt with its longest answer."""
        return len(self.prompt) + max(map(len, self.answers))


class Encoder:
    """Turns rows into token ids.

    Args:
        template: of the base, limited to as many tokens as model and settings allow.
        limit: that number; None knows no limit.
        room: tokens that the seat leaves for its answer.
    """

    def __init__(self, template: Template, limit: int | None, room: int) -> None:
        self.template, self.limit, self.room = template, limit, room
        self._ends = template.ends()
        self._shortened = 0

    def sft(self, rows: Sequence[Row], what: str = "row") -> tuple[list[Encoded], DataSummary]:
        """Rows of `prompt` and `completion`; raises InputError for a row that is none, or when none is left."""
        return self._all(rows, what, lambda row, where: (_answer(row, "completion", where),))

    def pairs(self, rows: Sequence[Row], what: str = "pair") -> tuple[list[Encoded], DataSummary]:
        """Rows of `prompt`, `chosen` and `rejected`; raises InputError as `sft`, and where both sides are the same."""
        return self._all(rows, what, _sides)

    def _all(self, rows: Sequence[Row], what: str, answers: Callable[[Row, str], tuple[str, ...]]) -> tuple[list[Encoded], DataSummary]:
        _some(rows, what)
        self._shortened, kept = 0, []
        for number, row in enumerate(rows, start=1):
            where = f"{what} {number}"
            encoded = self._one(_prompt(row, where), answers(row, where), where)
            if encoded is not None:
                kept.append(encoded)
        if not kept:
            raise InputError(
                f"None of {len(rows)} {what}s fits into {self.limit} tokens.",
                hint="Raise --max-length, or take a base with a longer context.",
            )
        return kept, _summary(len(rows), self._shortened, kept)

    def _one(self, messages: Sequence[Message], answers: Sequence[str], where: str) -> Encoded | None:
        """One row; None when its answers do not fit, however short the prompt."""
        room = self.room
        while True:
            try:
                left, text, ids, dropped = self.template.fitted(messages, room)
            except ChatError:
                return None
            found = tuple(self._completion(left, text, ids, answer, where) for answer in answers)
            need = max(map(len, found))
            if self.limit is None or len(ids) + need <= self.limit:
                self._shortened += bool(dropped)
                return Encoded(ids, found, tuple(answers))
            if need <= room:
                return None
            room = need

    def _completion(self, messages: Sequence[Message], text: str, ids: list[int], answer: str, where: str) -> list[int]:
        """The answer's tokens up to and with its stop token; the prompt must be a token prefix of the whole."""
        whole_text = self.template.answered(messages, answer)
        whole = self.template.ids(whole_text)
        if not whole_text.startswith(text) or whole[: len(ids)] != ids:
            raise InputError(
                f"{where}: the prompt is not a token prefix of prompt and answer, so the model would be trained on another prompt "
                "than it is asked.",
                hint="Use a chat template that renders both the same way and ends the prompt at a token's border.",
            )
        completion = whole[len(ids) :]
        stop = next((place for place, token in enumerate(completion) if token in self._ends), None)
        if stop is None:
            raise InputError(
                f"{where}: the chat template ends the answer without a stop token, so the model would never learn to stop.",
                hint="Use a chat template that ends an assistant's turn with the tokenizer's end token.",
            )
        return completion[: stop + 1]


def check_sft(rows: Sequence[Row], what: str = "row") -> None:
    """Raise InputError for the first row that is no SFT row, and where there is none."""
    _some(rows, what)
    for number, row in enumerate(rows, start=1):
        _prompt(row, f"{what} {number}")
        _answer(row, "completion", f"{what} {number}")


def check_pairs(rows: Sequence[Row], what: str = "pair") -> None:
    """Raise InputError for the first row that is no preference row or whose sides are the same, and where there is none."""
    _some(rows, what)
    for number, row in enumerate(rows, start=1):
        _prompt(row, f"{what} {number}")
        _sides(row, f"{what} {number}")


def _some(rows: Sequence[Row], what: str) -> None:
    if not rows:
        raise InputError(f"There is no {what} to train on.", hint="Look at what the data, its split and its filters leave.")


def answer_room(template: Template, learner: Learner, room: int) -> int:
    """Tokens that the seat leaves: for the planner what `choose` leaves, else the settings' `answer_room`."""
    if learner is Learner.PLANNER:
        return max(len(template.ids(strategy.value)) for strategy in STRATEGIES) + SPARE
    return room


def _prompt(row: Row, where: str) -> tuple[Message, ...]:
    try:
        return tuple(Message(role=message["role"], content=message["content"]) for message in row["prompt"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: its prompt is no list of messages.", hint="Each has a role and a content.") from error


def _answer(row: Row, key: str, where: str) -> str:
    messages: Any = row.get(key)
    whole = isinstance(messages, Sequence) and len(messages) == 1 and messages[0].get("role") == "assistant"
    if not whole or not str(messages[0].get("content", "")).strip():
        raise InputError(f"{where}: its {key} is not exactly one assistant message with a text.", hint="See training/rows.py.")
    return str(messages[0]["content"])


def _sides(row: Row, where: str) -> tuple[str, str]:
    chosen, rejected = _answer(row, "chosen", where), _answer(row, "rejected", where)
    if chosen.strip() == rejected.strip():
        raise InputError(f"{where}: chosen equals rejected.", hint="A pair needs two different answers; leave this one out.")
    return chosen, rejected


def _summary(given: int, shortened: int, kept: Sequence[Encoded]) -> DataSummary:
    answers = sum(sum(map(len, row.answers)) for row in kept)
    prompts = sum(len(row.prompt) for row in kept)
    longest = max(row.longest for row in kept)
    return DataSummary(given, len(kept), shortened, given - len(kept), longest, prompts + answers, answers)
