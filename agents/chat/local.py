"""The `local:` backend: models of transformers in this process, for any role.

Requests of all talks and all roles on one base go to one engine, which generates them together (`batching.py`).  A choice is read from
the log-likelihood of each option as the model's answer; no letter and no JSON stands between.  A row has a generator of its own, so what
is said depends on the request and not on who shares its batch, but for the last bits of floating-point sums.  torch is imported when the
first chat is made, not before.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from agents.chat.answers import ask_again, parse_answer, spoken, with_instruction
from agents.chat.batching import Score, Write
from agents.chat.calls import Call, CallLog
from agents.chat.loading import LocalOptions, load
from agents.chat.port import Choice, Completion, Message, Request, Role, Sampling, Usage, derive_seed
from agents.errors import AnswerError, ChatError, HoldspaceError

_ROOM = 2
"""A cut-off object is asked for again with so many times the tokens."""


@dataclass(slots=True)
class _Spent:
    """What a call has cost so far."""

    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    dropped: int = 0
    """Messages that were dropped or cut to fit the context."""
    started: float = field(default_factory=time.monotonic)


class LocalChat:
    """A local model behind the chat port.

    Args:
        spec: `local:PATH_OR_HUB_ID`, or `local:ADAPTER@BASE`.
        sampling: for each role; the default's where a role has none.
        options: how it is loaded.
        calls: gets a note of every call.

    Raises:
        InputError: it can't be loaded.
    """

    def __init__(
        self, spec: str, sampling: Mapping[Role, Sampling] | None = None, options: LocalOptions | None = None, calls: CallLog | None = None
    ) -> None:
        self._loaded = load(spec, options or LocalOptions())
        self._sampling = dict(sampling or {})
        self._calls = calls

    @property
    def spec(self) -> str:
        return self._loaded.spec

    @property
    def identity(self) -> str:
        """The spec with a hash of the weights, for a cache: the folder's content can change under one path."""
        return self._loaded.identity

    async def complete(self, request: Request) -> Completion:
        """A text, or an object of the request's schema.

        Raises:
            AnswerError: the model wrote something else, twice.
            ChatError: it could not write at all: too long, out of memory.
        """
        spent = _Spent()
        try:
            if request.schema is not None:
                parsed, text = await self._object(request, request.schema, spent)
            else:
                parsed, text = None, spoken((await self._write(request, request.messages, request.seed, spent))[0])
        except HoldspaceError as error:
            self._failed(request, spent, error)
            raise
        return Completion(text=text, usage=self._note(request, spent), parsed=parsed)

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        """The model's distribution over the options as its whole answer begins; raises ChatError as `complete` does."""
        spent, loaded = _Spent(attempts=1), self._loaded
        try:
            longest = max(len(loaded.template.ids(option)) for option in options) + 2
            text, ids, spent.dropped = loaded.template.fitting(request.messages, longest)
            shared, tails = loaded.template.options(text, ids, options)
            job = Score(shared, loaded.adapter, tails)
            loaded.engine.submit(job)
            sums = await asyncio.wrap_future(job.future)
        except HoldspaceError as error:
            self._failed(request, spent, error)
            raise
        spent.prompt_tokens = len(shared) + sum(map(len, tails))
        weights = [math.exp(value - max(sums)) for value in sums]
        probabilities = {option: weight / sum(weights) for option, weight in zip(options, weights, strict=True)}
        return Choice(probabilities=probabilities, usage=self._note(request, spent))

    async def _object(self, request: Request, schema: type[BaseModel], spent: _Spent) -> tuple[BaseModel, str]:
        """An object of the schema and the text it was found in, asked for twice at most."""
        messages = with_instruction(request.messages, schema)
        text, ended = await self._write(request, messages, request.seed, spent)
        try:
            if ended:
                return parse_answer(text, schema), text
            problem = "It was cut off: it is too long."
        except AnswerError as error:
            problem = error.message
        messages = ask_again(messages, text, problem, schema)
        seed = derive_seed(request.seed, "again")
        text, _ = await self._write(request, messages, seed, spent, room=1 if ended else _ROOM)
        try:
            return parse_answer(text, schema), text
        except AnswerError as error:
            raise AnswerError(f"{self.spec} answered {request.task} twice, the second time too: {error.message}") from error

    async def _write(self, request: Request, messages: Sequence[Message], seed: int, spent: _Spent, *, room: int = 1) -> tuple[str, bool]:
        """What the model writes, and whether it came to an end."""
        loaded, sampling = self._loaded, self._sampling.get(request.role) or Sampling()
        most = room * sampling.max_tokens
        _, ids, dropped = loaded.template.fitting(messages, most)
        job = Write(ids, loaded.adapter, most, sampling.temperature, sampling.top_p, seed, loaded.ends)
        spent.attempts += 1
        spent.dropped += dropped
        loaded.engine.submit(job)
        written = await asyncio.wrap_future(job.future)
        spent.prompt_tokens += len(ids)
        spent.completion_tokens += len(written.ids) + written.ended
        return loaded.template.decoded(written.ids), written.ended

    def _failed(self, request: Request, spent: _Spent, error: HoldspaceError) -> None:
        usage = self._note(request, spent, error)
        if isinstance(error, ChatError):
            error.usage = usage

    def _note(self, request: Request, spent: _Spent, error: HoldspaceError | None = None) -> Usage:
        """The usage of a call, told to the call log as well."""
        attempts, tokens = max(spent.attempts, 1), {"prompt_tokens": spent.prompt_tokens, "completion_tokens": spent.completion_tokens}
        if self._calls is not None:
            kind = type(error).__name__ if error else None
            seconds = time.monotonic() - spent.started
            self._calls.note(Call(request.role, request.task, self.spec, seconds, attempts, False, **tokens, error=kind))
        return Usage(model=self.spec, attempts=attempts, dropped=spent.dropped, **tokens)
