"""What the session tests share: sessions on a folder, and a backend that can be made to fail or to wait."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from agents.chat.port import Chat, Choice, Completion, Request, Role, Usage
from agents.errors import ChatError
from graphs import nodes
from graphs.recipe import CriticSettings, Recipe
from graphs.seats import Backends
from graphs.session import Session
from graphs.sessions import Sessions

SHORT = Recipe(seed=3, turns=2, critic=CriticSettings(refinements=1))
NODES = ("seeker", "screen", "plan", "respond", "critique", "refine", "deliver", "handover")


def stepping(run: Path, story: Callable[[Sessions], Awaitable[None]], backends: Backends | None = None) -> None:
    """Tell a story on the sessions of a folder; each call is a process of its own, as far as the disk can tell."""

    async def told() -> None:
        sessions = Sessions(run, backends)
        try:
            await story(sessions)
        finally:
            await sessions.close()

    asyncio.run(told())


def texts(session_state: dict) -> list[str]:  # type: ignore[type-arg]
    return [turn["text"] for turn in session_state["turns"]]


async def said(session: Session, branch: str | None = None) -> list[str]:
    return texts(dict(await session.state(session.head(branch).number)))


class Stub(Chat):
    """A responder that answers `reply`, fails while `broken`, and waits while `gate` is shut."""

    spec = "stub"

    def __init__(self) -> None:
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        await self.gate.wait()
        if self.broken:
            raise ChatError("The server hung up.", hint="Try again.")
        return Completion(text="I hear you, tell me more.", usage=Usage(model="stub", prompt_tokens=11, completion_tokens=5, attempts=2))

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        raise NotImplementedError


class StubBackends(Backends):
    """The usual backends, and the stub for the spec `local:stub`."""

    def __init__(self) -> None:
        super().__init__()
        self.stub = Stub()

    def chat(self, recipe: Recipe, role: Role) -> Chat:
        return self.stub if recipe.spec(role) == "local:stub" else super().chat(recipe, role)


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the nodes whose functions were really called, in order."""
    ran: list[str] = []

    def spied(node: Callable[..., Awaitable[nodes.Change]]) -> Callable[..., Awaitable[nodes.Change]]:
        @functools.wraps(node)
        async def spy(state, runtime):  # type: ignore[no-untyped-def]
            ran.append(node.__name__)
            return await node(state, runtime)

        return spy

    for name in NODES:
        monkeypatch.setattr(nodes, name, spied(getattr(nodes, name)))
    return ran
