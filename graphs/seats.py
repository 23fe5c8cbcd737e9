"""Seats: the agents of a recipe, each on the backend that its spec names.

`Backends` holds what the seats of one run share: servers and their connections, loaded models, the cache of answers, the budget and the
call log.  A run takes its seats with `seats_taken`; without a run (LangGraph's own server, a REPL) `seated` makes plain ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from agents.attackers import AttackerChat
from agents.chat.calls import CallLog
from agents.chat.port import Chat, Role, Sampling
from agents.critic import Critic
from agents.errors import InputError
from agents.planner import Planner
from agents.rehearsal.backend import RehearsalSupporter
from agents.rehearsal.slips import SlipRates
from agents.responder import Responder
from graphs.recipe import Recipe
from simulator.rehearsal import RehearsalSeeker
from simulator.seeker import Seeker

if TYPE_CHECKING:
    from agents.chat.abilities import Structure
    from agents.chat.budget import Budget
    from agents.chat.cache import Cache
    from agents.chat.openai_chat import Servers
    from agents.chat.steady import Patience

REHEARSAL = "rehearsal"
KNOWN = "rehearsal, openai:MODEL[@BASE_URL], local:PATH_OR_HUB_ID, linear:PATH[@PRIOR] (a planner)"


@dataclass(frozen=True, slots=True)
class Seated:
    """The agents of one recipe."""

    seeker: Seeker
    planner: Planner
    responder: Responder
    critic: Critic

    def specs(self) -> dict[str, str]:
        """The spec on each seat as a record may keep it: without secrets."""
        chats = {"seeker": self.seeker.chat, "planner": self.planner.chat, "responder": self.responder.chat, "critic": self.critic.chat}
        return {role: chat.spec for role, chat in chats.items()}

    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of each prompt file in use, by its name."""
        prompts = (
            self.seeker.appraise_prompt,
            self.seeker.speak_prompt,
            self.planner.prompt,
            self.responder.prompt,
            self.critic.reflect_prompt,
            self.critic.critique_prompt,
            self.critic.refine_prompt,
        )
        return {prompt.name: prompt.fingerprint for prompt in prompts}


class Backends:
    """What the seats of a run share; close it when the run ends.

    Args:
        concurrency: calls at once on each server.
        cache: keeps the answers of served and local models; None keeps none.
        budget: asked before each call of a served model; None never stops.
        calls: notes every call that is not rehearsal's.
        patience: how long to wait for a server and how often to try; the default's when None.
        structure: how servers are asked for objects; None finds out.
        device: for local models: `auto`, `cpu`, `cuda` ...
        trust_remote_code: let a local model's folder bring code of its own.
        chat_template: a file with a Jinja template, for local models that have none.
    """

    def __init__(
        self,
        *,
        concurrency: int = 64,
        cache: Cache | None = None,
        budget: Budget | None = None,
        calls: CallLog | None = None,
        patience: Patience | None = None,
        structure: Structure | None = None,
        device: str = "auto",
        trust_remote_code: bool = False,
        chat_template: str | None = None,
    ) -> None:
        self.calls = calls or CallLog()
        self._concurrency = concurrency
        self._cache = cache
        self._budget = budget
        self._patience = patience
        self._structure = structure
        self._device = device
        self._trust = trust_remote_code
        self._template = chat_template
        self._servers: Servers | None = None

    def chat(self, recipe: Recipe, role: Role) -> Chat:
        """The backend on a seat of a recipe; InputError for a spec that no backend knows."""
        return self.backend(recipe.spec(role), role, recipe.sampling.by_role(), recipe.slips)

    def backend(self, spec: str, role: Role, sampling: Mapping[Role, Sampling], slips: SlipRates | None = None) -> Chat:
        """The backend that a spec names, for a role, without a recipe; InputError for a spec that no backend knows.

        Args:
            spec: as on the command line.
            role: who asks.
            sampling: how served and local models sample, by role.
            slips: of the rehearsal supporter; the defaults when None.
        """
        if spec == REHEARSAL:
            return RehearsalSeeker() if role is Role.SEEKER else RehearsalSupporter(slips or SlipRates())
        if spec.lower().startswith("openai:"):
            return self._served(spec, sampling)
        if spec.lower().startswith("local:"):
            return self._local(spec, sampling)
        if spec.lower().startswith("attacker:") and role in (Role.PLANNER, Role.RESPONDER):
            return AttackerChat(spec.partition(":")[2])
        if spec.lower().startswith("linear:"):
            return _linear(spec, role)
        raise InputError(f"--{role.value} {spec}: unknown model spec.", hint=f"Known are {KNOWN}.")

    def _served(self, spec: str, sampling: Mapping[Role, Sampling]) -> Chat:
        from agents.chat.budget import BudgetedChat
        from agents.chat.openai_chat import Servers

        self._servers = self._servers or Servers(
            concurrency=self._concurrency, patience=self._patience, structure=self._structure, calls=self.calls
        )
        served = self._servers.chat(spec, sampling)
        chat: Chat = BudgetedChat(served, self._budget, sampling) if self._budget else served
        return self._cached(chat, sampling, f"{served.spec} {served.server.address.base}")

    def _local(self, spec: str, sampling: Mapping[Role, Sampling]) -> Chat:
        from agents.chat.loading import LocalOptions
        from agents.chat.local import LocalChat

        options = LocalOptions(device=self._device, trust_remote_code=self._trust, chat_template=self._template)
        chat = LocalChat(spec, sampling, options, self.calls)
        return self._cached(chat, sampling, chat.identity)

    def _cached(self, chat: Chat, sampling: Mapping[Role, Sampling], identity: str) -> Chat:
        if self._cache is None:
            return chat
        from agents.chat.cache import CachedChat

        return CachedChat(chat, self._cache, sampling, identity=identity, calls=self.calls)

    async def aclose(self) -> None:
        """Close the connections to servers."""
        if self._servers is not None:
            await self._servers.aclose()


def _linear(spec: str, role: Role) -> Chat:
    from agents.chat.linear import LinearPlanner

    if role is not Role.PLANNER:
        raise InputError(f"--{role.value} {spec}: a linear planner writes no words.", hint="Give it as --planner.")
    return LinearPlanner(spec)


_taken: dict[Recipe, Seated] = {}


def take_seats(recipe: Recipe, backends: Backends) -> Seated:
    """The agents of a recipe on these backends.

    Raises:
        InputError: a seat has a spec that no backend knows, or one that can't be had.
    """
    return Seated(
        seeker=Seeker(backends.chat(recipe, Role.SEEKER), language=recipe.language),
        planner=Planner(backends.chat(recipe, Role.PLANNER), pick=recipe.pick, prompting=recipe.prompts),
        responder=Responder(backends.chat(recipe, Role.RESPONDER), language=recipe.language, prompting=recipe.prompts),
        critic=Critic(backends.chat(recipe, Role.CRITIC), language=recipe.language),
    )


@contextmanager
def seats_taken(recipe: Recipe, backends: Backends) -> Iterator[Seated]:
    """While it lasts, the graph finds these agents for this recipe."""
    before = _taken.get(recipe)
    _taken[recipe] = taken = take_seats(recipe, backends)
    try:
        yield taken
    finally:
        if before is None:
            _taken.pop(recipe, None)
        else:
            _taken[recipe] = before


_here: ContextVar[tuple[Recipe, Seated] | None] = ContextVar("seats", default=None)


@contextmanager
def seats_here(recipe: Recipe, seats: Seated) -> Iterator[None]:
    """While it lasts, the graph finds these agents in this task and those it starts, and nowhere else: for stepping sessions, of which
    several with one recipe can be in one process."""
    token = _here.set((recipe, seats))
    try:
        yield
    finally:
        _here.reset(token)


def recipe_here() -> Recipe | None:
    """The recipe of the stepping session that this task works for: LangGraph gives no context to the edges when a state is edited."""
    here = _here.get()
    return here[0] if here else None


def seated(recipe: Recipe) -> Seated:
    """The agents of a recipe: those of the stepping session or the run that is on, else plain ones."""
    here = _here.get()
    return here[1] if here else _taken.get(recipe) or _plain(recipe)


@lru_cache(maxsize=16)
def _plain(recipe: Recipe) -> Seated:
    return take_seats(recipe, Backends())
