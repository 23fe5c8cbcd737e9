"""Seats: the agents of a recipe, each on the backend that its spec names.  Made once a recipe, shared by all its talks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from agents.chat.port import Chat, Role
from agents.critic import Critic
from agents.errors import InputError
from agents.planner import Planner
from agents.rehearsal.backend import RehearsalSupporter
from agents.responder import Responder
from graphs.recipe import Recipe
from simulator.rehearsal import RehearsalSeeker
from simulator.seeker import Seeker

KNOWN = ("rehearsal",)


@dataclass(frozen=True, slots=True)
class Seated:
    """The agents of one recipe."""

    seeker: Seeker
    planner: Planner
    responder: Responder
    critic: Critic

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


@lru_cache(maxsize=16)
def seated(recipe: Recipe) -> Seated:
    """The agents of a recipe.

    Raises:
        InputError: a seat has a spec that no backend knows.
    """
    return Seated(
        seeker=Seeker(make_chat(recipe, Role.SEEKER), language=recipe.language),
        planner=Planner(make_chat(recipe, Role.PLANNER), pick=recipe.pick),
        responder=Responder(make_chat(recipe, Role.RESPONDER), language=recipe.language),
        critic=Critic(make_chat(recipe, Role.CRITIC), language=recipe.language),
    )


def make_chat(recipe: Recipe, role: Role) -> Chat:
    """The backend on a seat; InputError for an unknown spec."""
    spec = recipe.spec(role)
    if spec != "rehearsal":
        raise InputError(f"--{role.value} {spec}: unknown model spec.", hint=f"Known here: {', '.join(KNOWN)}.")
    return RehearsalSeeker() if role is Role.SEEKER else RehearsalSupporter(recipe.slips)
