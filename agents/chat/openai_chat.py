"""The `openai:` backend: any OpenAI-compatible server, for any role.

Thousands of talks share one connection pool for each server.  An object is asked for in the surest way that the server has, repaired and
validated, and asked for once more with what was wrong.  A choice is read from the log-probabilities of lettered options, in an order drawn
by the request's seed so that no option gains by its place; where a server gives none, the model scores the options in an object.  Reasoning
never becomes part of an answer.  It caches nothing and counts no money; it streams nothing, since nobody here reads half an answer.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import ascii_uppercase
from typing import Any

from pydantic import BaseModel, Field, create_model

from agents.chat.abilities import Abilities, Structure
from agents.chat.address import find_address
from agents.chat.answers import ask_again, parse_answer, spoken
from agents.chat.asking import ModelServer, Question, Spent
from agents.chat.calls import Call, CallLog
from agents.chat.port import Choice, Completion, Message, Request, Role, Sampling, Usage
from agents.chat.steady import Patience, Steady
from agents.chat.transport import Line
from agents.chat.wire import Answer
from agents.errors import AnswerError, ChatError, HoldspaceError

LETTERED = 0.5
"""Probability that must lie on letters for the first token to count as a choice."""
_ROOM = 2
"""A cut-off object is asked for again with so many times the tokens."""
_LONGEST = 16
"""Characters a token, at most: a text of more is cut, since the server did not heed max_tokens and the talk would not fit any context."""
_AROUND = " \t\n\r([*\"'`.:)]"
"""What may stand around a letter in a token."""


class OpenAIChat:
    """A model on a server, behind the chat port.

    Args:
        server: where it is.
        sampling: for each role; the default's where a role has none.
        calls: gets a note of every call.
    """

    def __init__(self, server: ModelServer, sampling: Mapping[Role, Sampling], calls: CallLog | None = None) -> None:
        self.server = server
        self._sampling = dict(sampling)
        self._calls = calls

    @property
    def spec(self) -> str:
        return self.server.address.spec

    async def complete(self, request: Request) -> Completion:
        """A text, or an object of the request's schema.

        Raises:
            RunStop: nothing on this server can be answered now.
            AnswerError: it answered, but not with that.
            ChatError: it did not answer.
        """
        spent = Spent()
        try:
            if request.schema is not None:
                parsed, text = await self._object(request, request.messages, request.schema, spent)
            else:
                parsed, text = None, await self._text(request, spent)
        except HoldspaceError as error:
            self._failed(request, spent, error)
            raise
        return Completion(text=text, usage=self._note(request, spent), parsed=parsed)

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        """A distribution over the options; raises as `complete` does."""
        spent, order = Spent(), list(options)
        random.Random(request.seed).shuffle(order)
        rationale = ""
        try:
            weights = await self._lettered(request, order, spent) if self.server.able.logprobs else None
            if weights is None:
                weights, rationale = await self._scored(request, order, spent)
        except HoldspaceError as error:
            self._failed(request, spent, error)
            raise
        total = sum(weights.values())
        probabilities = {option: weights[option] / total for option in options}
        return Choice(probabilities=probabilities, usage=self._note(request, spent), rationale=rationale)

    async def _text(self, request: Request, spent: Spent) -> str:
        question = self._question(request, request.messages)
        answer, _ = await self.server.ask(question, spent)
        if not (text := spoken(answer.text)[: _LONGEST * question.sampling.max_tokens]):
            raise AnswerError(f"{self.spec} answered {request.task} with nothing but chat-template tokens.")
        return text

    async def _object(self, request: Request, messages: Sequence[Message], schema: type[BaseModel], spent: Spent) -> tuple[BaseModel, str]:
        """An object of the schema and the text it was found in, asked for twice at most."""
        question = self._question(request, messages, schema)
        answer, used = await self.server.ask(question, spent)
        parsed, problem = self._parsed(answer, used, schema, cut_off_counts=False)
        if parsed is None:
            question = self._question(request, ask_again(question.messages, answer.text, problem, schema), schema, told=True)
            if answer.finish == "length":
                question.sampling = question.sampling.model_copy(update={"max_tokens": _ROOM * question.sampling.max_tokens})
            answer, used = await self.server.ask(question, spent)
            parsed, problem = self._parsed(answer, used, schema, cut_off_counts=True)
        if parsed is None:
            raise AnswerError(f"{self.spec} answered {request.task} twice, the second time too: {problem}")
        return parsed, answer.text

    def _parsed(self, answer: Answer, used: Structure, schema: type[BaseModel], *, cut_off_counts: bool) -> tuple[BaseModel | None, str]:
        """The object in an answer, or what is wrong; a repaired object of a cut-off answer counts only where nothing better will come."""
        able = self.server.able
        try:
            parsed = parse_answer(answer.text, schema)
        except AnswerError as error:
            able.strayed(used)
            return None, error.message
        if answer.finish == "length" and not cut_off_counts:
            return None, "It was cut off: it is too long."
        able.held(used)
        return parsed, ""

    async def _lettered(self, request: Request, order: Sequence[str], spent: Spent) -> dict[str, float] | None:
        """Weights by the log-probabilities of one letter; None where the server gives none, or the model writes no letter."""
        words = f"{listed(order)}\n\nAnswer with one letter and nothing else."
        question = self._question(request, appended(request.messages, words))
        question.letters = True
        question.sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=1)
        answer, _ = await self.server.ask(question, spent)
        weights = letter_weights(answer.first or (), order)
        self.server.able.chose(hit=weights is not None)
        return weights

    async def _scored(self, request: Request, order: Sequence[str], spent: Spent) -> tuple[dict[str, float], str]:
        """Weights and a reason, as the model itself puts them."""
        words = f"{listed(order)}\n\nScore each letter from 0 (wrong) to 100 (right), and say why in a sentence."
        ballot, _ = await self._object(request, appended(request.messages, words), ballot_of(len(order)), spent)
        given = ballot.model_dump()
        weights = {option: float(given[letter]) for option, letter in zip(order, ascii_uppercase, strict=False)}
        if not sum(weights.values()):
            raise AnswerError(f"{self.spec} answered {request.task} with no option above 0.")
        return weights, given["rationale"]

    def _question(
        self, request: Request, messages: Sequence[Message], schema: type[BaseModel] | None = None, *, told: bool = False
    ) -> Question:
        sampling = self._sampling.get(request.role) or Sampling()
        return Question(messages=tuple(messages), sampling=sampling, seed=request.seed, schema=schema, told=told)

    def _failed(self, request: Request, spent: Spent, error: HoldspaceError) -> None:
        usage = self._note(request, spent, error)
        if isinstance(error, ChatError):
            error.usage = usage

    def _note(self, request: Request, spent: Spent, error: HoldspaceError | None = None) -> Usage:
        """The usage of a call, told to the call log as well."""
        attempts = max(spent.attempts, 1)
        tokens = {"prompt_tokens": spent.prompt_tokens, "completion_tokens": spent.completion_tokens}
        if self._calls is not None:
            seconds = time.monotonic() - spent.started
            kind = type(error).__name__ if error else None
            self._calls.note(Call(request.role, request.task, self.spec, seconds, attempts, False, **tokens, error=kind))
        return Usage(model=self.spec, attempts=attempts, dropped=spent.dropped, **tokens)


class Servers:
    """The servers of a run: seats on one server share its connections, its retries and what is known of it.

    Args:
        concurrency: calls at once on each server.
        patience: how long to wait and how often to try.
        structure: how objects are asked for; None finds out.
        logprobs: whether to ask for log-probabilities at all.
        calls: gets a note of every call.
        environment: holds the key and the default base URL; this process's when None.
    """

    def __init__(
        self,
        *,
        concurrency: int = 64,
        patience: Patience | None = None,
        structure: Structure | None = None,
        logprobs: bool = True,
        calls: CallLog | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._concurrency = concurrency
        self._patience = patience or Patience()
        self._structure = structure
        self._logprobs = logprobs
        self._calls = calls
        self._environment = os.environ if environment is None else environment
        self._lines: dict[str, tuple[Line, Steady]] = {}
        self._models: dict[tuple[str, str], ModelServer] = {}

    def chat(self, spec: str, sampling: Mapping[Role, Sampling] | None = None) -> OpenAIChat:
        """The backend of a spec; InputError when it is none, or lacks a key."""
        address = find_address(spec, self._environment)
        if address.url not in self._lines:
            line = Line(address, concurrency=self._concurrency, patience=self._patience)
            self._lines[address.url] = line, Steady(address.base, self._patience, self._concurrency)
        if (name := (address.url, address.spec)) not in self._models:
            structure = self._structure or Structure.SCHEMA
            able = Abilities(structure=structure, fixed=self._structure is not None, logprobs=self._logprobs)
            self._models[name] = ModelServer(address, *self._lines[address.url], able)
        return OpenAIChat(self._models[name], sampling or {}, self._calls)

    async def aclose(self) -> None:
        """Close all connections, at the end of a run; a later call opens new ones."""
        for line, _ in self._lines.values():
            await line.aclose()

    async def __aenter__(self) -> Servers:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def listed(options: Sequence[str]) -> str:
    """The options with a letter each, a line each."""
    return "\n".join(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))


def appended(messages: Sequence[Message], words: str) -> tuple[Message, ...]:
    """The messages with more words from us at the end: in the last message if it is ours, else in one of its own."""
    *before, last = messages
    if last.role == "user":
        return (*before, Message(role="user", content=f"{last.content}\n\n{words}"))
    return (*messages, Message(role="user", content=words))


def letter_weights(first: Sequence[tuple[str, float]], options: Sequence[str]) -> dict[str, float] | None:
    """Probabilities of the options by the likeliest first tokens; None when less than LETTERED of it lies on their letters.

    A letter among several tokens (`A`, ` A`, `(A`) gets their sum.  One that is not listed is less likely than every token that is,
    and gets half of the least likely one's probability.
    """
    letters = dict(zip(ascii_uppercase, options, strict=False))
    found: dict[str, float] = {}
    for token, logprob in first:
        letter = token.strip(_AROUND)
        if letter in letters:
            found[letter] = found.get(letter, 0.0) + math.exp(min(logprob, 0.0))
    if sum(found.values()) < LETTERED:
        return None
    floor = min(math.exp(min(logprob, 0.0)) for _, logprob in first) / 2
    return {option: found.get(letter, floor) for letter, option in letters.items()}


@lru_cache(maxsize=8)
def ballot_of(count: int) -> type[BaseModel]:
    """The object that scores so many options: a reason first, then a number for each letter."""
    fields: dict[str, Any] = {"rationale": (str, "")}
    fields |= {letter: (float, Field(ge=0, le=100)) for letter in ascii_uppercase[:count]}
    return create_model("Ballot", **fields)
