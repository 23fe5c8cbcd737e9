"""The chat port: what every backend offers, and the ledger that notes each call.

`complete` returns a text or an object of the schema the request names; `choose` returns a distribution over given options.  A
backend never sees an Episode or a Mind: it gets rendered messages and, for the rehearsal backend, the variables they were
rendered from.  Wall-clock figures do not enter the ledger, so that an episode stays a pure function of recipe, seed and answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, Field

from agents.errors import AnswerError, ChatError
from agents.words import Word

T = TypeVar("T", bound=BaseModel)


class Role(StrEnum):
    """Who asks: each role can sit on a backend of its own."""

    SEEKER = "seeker"
    PLANNER = "planner"
    RESPONDER = "responder"
    CRITIC = "critic"
    JUDGE = "judge"


class Message(Word):
    """One chat message.  The role is set by code, never parsed out of text."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a backend."""

    role: Role
    task: str
    """The prompt's name, such as `critic.refine`."""
    messages: tuple[Message, ...]
    fingerprint: str
    """Of the prompt file, so that a record tells which wording of the prompt was used."""
    seed: int
    variables: Mapping[str, Any] = field(default_factory=dict)
    """What the prompt was rendered from: plain values and our own words, for backends that do not read prose."""
    schema: type[BaseModel] | None = None
    """When given, the answer is an object of this model."""


class Sampling(Word):
    """How a backend that samples shall sample, for one role."""

    temperature: float = Field(default=0.7, ge=0.0, le=2.0)
    top_p: float = Field(default=0.95, gt=0.0, le=1.0)
    max_tokens: int = Field(default=400, ge=1)


class Usage(Word):
    """What a call cost, as the backend counts it."""

    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 1
    cached: bool = False
    dropped: int = 0
    """Messages that were left out or cut because the context was too long."""


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer: `text` always, `parsed` when the request named a schema."""

    text: str
    usage: Usage
    parsed: BaseModel | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A distribution over the options of a `choose` call (sums to 1), and why, where the backend says so."""

    probabilities: Mapping[str, float]
    usage: Usage
    rationale: str = ""


class Chat(Protocol):
    """A backend.  Both calls may be made concurrently and raise ChatError (or its AnswerError) when they fail."""

    @property
    def spec(self) -> str:
        """The spec string that makes this backend, without secrets."""

    async def complete(self, request: Request) -> Completion: ...

    async def choose(self, request: Request, options: Sequence[str]) -> Choice: ...


class LedgerEntry(Word):
    """One call, as the episode keeps it."""

    role: Role
    task: str
    model: str
    fingerprint: str
    seed: int
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    attempts: int = Field(ge=1)
    cached: bool
    dropped: int = Field(default=0, ge=0)
    error: str | None = None
    """Kind of the error, where the call failed in the end."""
    messages: tuple[Message, ...] | None = None
    """The rendered prompt, only where the recipe says `keep_prompts`."""
    answer: str | None = None
    """The raw answer, only where the recipe says `keep_prompts`."""


class Ledger:
    """Makes calls and notes each of them.

    Args:
        keep_prompts: also keep the rendered messages and the raw answers.
    """

    def __init__(self, *, keep_prompts: bool = False) -> None:
        self.entries: list[LedgerEntry] = []
        self._keep = keep_prompts

    async def complete(self, chat: Chat, request: Request, schema: type[T]) -> T:
        """An object of `schema`; raises AnswerError when the backend gives none."""
        with self._noting(chat, request):
            completion = await chat.complete(request)
            self._note(request, completion.usage, completion.text)
            if not isinstance(completion.parsed, schema):
                raise AnswerError(f"{chat.spec} answered {request.task} without a {schema.__name__}.")
            return completion.parsed

    async def say(self, chat: Chat, request: Request) -> str:
        """A text; raises AnswerError when there is none."""
        with self._noting(chat, request):
            completion = await chat.complete(request)
            self._note(request, completion.usage, completion.text)
            if not (text := completion.text.strip()):
                raise AnswerError(f"{chat.spec} answered {request.task} with an empty text.")
            return text

    async def choose(self, chat: Chat, request: Request, options: Sequence[str]) -> Choice:
        """A distribution over `options`; raises AnswerError when the backend leaves one out or names another."""
        with self._noting(chat, request):
            choice = await chat.choose(request, options)
            self._note(request, choice.usage, choice.rationale)
            if set(choice.probabilities) != set(options):
                raise AnswerError(f"{chat.spec} answered {request.task} with other options than the {len(options)} it was given.")
            return choice

    @contextmanager
    def _noting(self, chat: Chat, request: Request) -> Iterator[None]:
        """A call that fails is noted with its attempts, and takes the entries of this ledger along into the failed record."""
        before = len(self.entries)
        try:
            yield
        except ChatError as error:
            if len(self.entries) == before:
                usage = error.usage if isinstance(error.usage, Usage) else Usage(model=chat.spec)
                self._note(request, usage, "")
            self.entries[-1] = self.entries[-1].model_copy(update={"error": type(error).__name__})
            error.entries = tuple(self.entries)
            raise

    def _note(self, request: Request, usage: Usage, answer: str) -> None:
        self.entries.append(
            LedgerEntry(
                role=request.role,
                task=request.task,
                fingerprint=request.fingerprint,
                seed=request.seed,
                messages=request.messages if self._keep else None,
                answer=answer if self._keep else None,
                **usage.model_dump(),
            )
        )


def derive_seed(*parts: object) -> int:
    """A 48-bit seed that depends on all parts and on nothing else: the same on every machine and in every process."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")
