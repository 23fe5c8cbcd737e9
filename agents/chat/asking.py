"""One question to a model on a server, asked until it is answered: tried again, put differently, or made shorter, as the server needs it.

`Question` is what is asked, `ModelServer` whom.  Transport, steadiness and abilities meet here; what an answer is for does not matter.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel

from agents.chat.abilities import Abilities, Structure
from agents.chat.address import Address
from agents.chat.answers import strict_schema, with_instruction
from agents.chat.fitting import shortened
from agents.chat.markers import defused
from agents.chat.port import Message, Sampling
from agents.chat.refusing import concerns_all, sentence
from agents.chat.steady import SAYING_NOTHING, Steady, Trouble
from agents.chat.transport import Line
from agents.chat.wire import Answer, Refusal, read_answer
from agents.errors import ChatError

SEEDS = 2**31
"""Seeds are sent below this: some servers keep 32 bits with a sign."""
TOP = 20
"""Likely first tokens that a lettered question asks for: as many as OpenAI gives."""


@dataclass(slots=True)
class Spent:
    """What a call has cost so far, over all its questions."""

    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    dropped: int = 0
    """Messages that were dropped or cut to fit the context."""
    started: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Question:
    """What is asked: changed in place while the server is found to need it otherwise."""

    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int
    schema: type[BaseModel] | None = None
    letters: bool = False
    """One letter is wanted, with the log-probabilities of the likeliest."""
    told: bool = False
    """The messages hold the schema in words already."""

    def body(self, model: str, able: Abilities) -> dict[str, Any]:
        """The request body, within what the server is able to do."""
        messages = self.messages
        if self.schema is not None and able.structure is not Structure.SCHEMA and not self.told:
            messages = with_instruction(messages, self.schema)
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": message.role, "content": defused(message.content)} for message in messages],
            "seed": self.seed % SEEDS,
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            able.limit: self.sampling.max_tokens,
        }
        if self.schema is not None and able.structure is Structure.SCHEMA:
            wanted = {"name": self.schema.__name__, "schema": strict_schema(self.schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif self.schema is not None and able.structure is Structure.OBJECT:
            body["response_format"] = {"type": "json_object"}
        elif self.letters and able.logprobs:
            body |= {"logprobs": True, "top_logprobs": TOP}
        for name in able.barred:
            body.pop(name, None)
        return body


class ModelServer:
    """A model on a server.

    Args:
        address: of both.
        line: connections, shared by all models of the server.
        steady: when to try again, shared likewise.
        able: what the server can do for this model.
    """

    def __init__(self, address: Address, line: Line, steady: Steady, able: Abilities) -> None:
        self.address = address
        self.able = able
        self._line = line
        self._steady = steady
        self._words = asyncio.Lock()

    async def ask(self, question: Question, spent: Spent) -> tuple[Answer, Structure]:
        """The answer, and the structure under which it was asked for.

        Raises:
            RunStop: nothing on this server can be answered now.
            ChatError: this question can't.
        """
        troubles: list[Trouble] = []
        term = self._steady.begin()
        while True:
            structure, body = self.able.structure, question.body(self.address.model, self.able)
            spent.attempts += 1
            try:
                answer = read_answer(await self._line.post(orjson.dumps(body)), self.address, one_token=question.letters)
            except Trouble as trouble:
                troubles.append(trouble)
                question.seed += trouble.kind in SAYING_NOTHING  # a server that honours seeds would say the same again
                await self._steady.failed(trouble, self.address.spec, troubles, term)
            except Refusal as refusal:
                self._steady.alive()
                self._steady.check(term)
                await self._heed(refusal, question, structure, set(body), spent)
            else:
                self._steady.succeeded()
                spent.prompt_tokens += answer.prompt_tokens
                spent.completion_tokens += answer.completion_tokens
                return answer, structure

    async def _heed(self, refusal: Refusal, question: Question, structure: Structure, sent: set[str], spent: Spent) -> None:
        """Put the question so that the server may take it; raises when there is no such way."""
        if concerns_all(refusal):
            await self._stop(refusal)  # raises
        if refusal.too_long:
            question.messages, dropped = shortened(question.messages)
            if not dropped:
                raise ChatError(f"{self.address.spec}: the prompt does not fit the model's context, even without its oldest turns.")
            spent.dropped += dropped
        elif not self.able.learn(refusal.message, refusal.param, sent, structure if question.schema else None):
            said = f": {refusal.message}" if refusal.message else "."
            raise ChatError(f"{self.address.spec} refused a request with status {refusal.status}{said}")

    async def _stop(self, refusal: Refusal) -> None:
        """Stop the run; the first of many calls that are refused alike finds the words for all."""
        if not self._words.locked():
            self._words = asyncio.Lock()  # a lock belongs to the event loop that first waited for it
        async with self._words:
            self._steady.begin()
            self._steady.stop(*await sentence(refusal, self.address))
