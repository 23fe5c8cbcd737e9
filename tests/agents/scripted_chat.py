"""A backend that answers as it is told and counts: for tests of what is wrapped around a backend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pydantic import BaseModel

from agents.chat.port import Choice, Completion, Message, Request, Role, Usage

OPTIONS = ("Question", "Others")


class Verdict(BaseModel):
    """What a test asks for."""

    good: bool
    why: str = ""


def ask(text: str = "hello", *, seed: int = 1, role: Role = Role.CRITIC, schema: type[BaseModel] | None = None) -> Request:
    """A request with a system message and one from the user."""
    messages = (Message(role="system", content="Be kind."), Message(role="user", content=text))
    return Request(role=role, task="test", messages=messages, fingerprint="f", seed=seed, schema=schema)


class ScriptedChat:
    """Answers `text`, or `parsed`, or a distribution, or raises `error`; after `seconds`."""

    def __init__(self, text: str = "well", *, spec: str = "openai:m@http://127.0.0.1:1/v1", seconds: float = 0.0) -> None:
        self.spec = spec
        self.text = text
        self.parsed: BaseModel | None = None
        self.probabilities: dict[str, float] = {"Question": 0.1 + 0.2, "Others": 0.7}
        self.error: Exception | None = None
        self.usage = Usage(model=spec, prompt_tokens=100, completion_tokens=10, attempts=3)
        self.seconds = seconds
        self.asked = 0
        self.on_call: Callable[[], None] | None = None

    async def complete(self, request: Request) -> Completion:
        await self._answer()
        return Completion(text=self.text, parsed=self.parsed, usage=self.usage)

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        await self._answer()
        return Choice(probabilities=self.probabilities, rationale="so", usage=self.usage)

    async def _answer(self) -> None:
        self.asked += 1
        if self.on_call:
            self.on_call()
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
