"""Talking: the simulated talks of a self-evolution run, each set of them a stage.

Seeker and critic are the recipe's in all of them; planner and responder are the rehearsal supporter or a model of the run.  What is made of
the talks is decided elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.chat.port import derive_seed
from agents.errors import HoldspaceError
from graphs.casting import with_source
from graphs.recipe import CriticSettings, Part, Recipe, Seats
from graphs.run import run_many
from graphs.seats import REHEARSAL, Backends
from simulator.episode import Episode, StopReason
from simulator.store import EPISODES, read_episodes
from training.basing import base_identity
from training.configs import Progress
from training.evolve_recipe import EvolveRecipe
from training.stages import OnStage, Stages, digest

OnTalks = Callable[[str, int, int], None]
"""Told a stage's name, talks done, talks asked for."""
OnSteps = Callable[[str, Progress], None]
"""Told a stage's name and how far its training is."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Who is told what while a run goes on."""

    on_stage: OnStage | None = None
    on_talks: OnTalks | None = None
    on_steps: OnSteps | None = None


class Talking:
    """The talks of a run.

    Args:
        recipe: of the run.
        stages: of its folder.
        tell: told how far a stage is.
    """

    def __init__(self, recipe: EvolveRecipe, stages: Stages, tell: OnTalks | None) -> None:
        self.recipe, self.stages, self._tell = recipe, stages, tell

    def recipe_of(self, what: str, part: Part, models: Mapping[str, Any] | None, *, share: float, seed: int | None = None) -> Recipe:
        """The recipe of a stage's talks.

        Args:
            what: names the stage; part of the recipe's identity.
            part: which casts.
            models: folders by seat; the rehearsal supporter when None.
            share: of the turns that the critic sees.
            seed: of the casts and talks; by `what` when None.
        """
        recipe = self.recipe
        seats = {seat: f"local:{models[seat]}" if models else REHEARSAL for seat in ("planner", "responder")}
        critic = seats["responder"] if recipe.talk.critic == "self" else recipe.talk.critic
        return with_source(
            Recipe(
                name=f"{recipe.name} {what}",
                seed=derive_seed(recipe.seed, what) % 2**31 if seed is None else seed,
                turns=recipe.talk.turns,
                language=recipe.language,
                prompts=recipe.prompts,
                part=part,
                stories=recipe.stories if part is not Part.STORIES else None,
                seats=Seats(seeker=recipe.talk.seeker, critic=critic if share else REHEARSAL, **seats),
                sampling=recipe.talk.sampling,
                critic=CriticSettings(share=share, refinements=recipe.talk.refinements),
                slips=recipe.talk.slips,
                scenarios=recipe.scenarios,
            )
        )

    def talked(self, name: str, folder: Path, recipe: Recipe, episodes: int) -> dict[str, Any]:
        """A stage of talks: what they came to."""
        made_from = {
            "recipe": recipe.fingerprint,
            "episodes": episodes,
            "models": {seat: weights(spec) for seat, spec in recipe.seats},
        }
        return self.stages.do(name, made_from, lambda: self._talk(name, folder, recipe, episodes))

    def _talk(self, name: str, folder: Path, recipe: Recipe, episodes: int) -> dict[str, Any]:
        done, tell = 0, self._tell

        def told(count: int) -> None:
            nonlocal done
            done += count
            if tell:
                tell(name, done, episodes)

        backends = Backends(concurrency=max(64, self.recipe.talk.concurrency), device=self.recipe.device)
        concurrency = self.recipe.talk.concurrency
        asyncio.run(
            run_many(
                recipe,
                folder,
                episodes=episodes,
                concurrency=concurrency,
                backends=backends,
                on_episode=lambda _: told(1),
                on_found=told,
            )
        )
        stops = sorted(episode.stop.reason.value for episode in read_episodes(folder))
        failed = stops.count(StopReason.FAILED.value)
        if failed == len(stops):
            raise HoldspaceError(f"Stage {name}: all {failed} talks failed.", hint=f"Look at one: holdspace show {folder} 0")
        return {
            "talks": len(stops),
            "failed": failed,
            "crisis": stops.count(StopReason.CRISIS_HANDOVER.value),
            "digest": _talks_digest(folder),
        }


def weights(spec: str) -> str:
    """What tells one model on a seat from another of the same name."""
    return base_identity(spec.partition(":")[2])[1] if spec.startswith("local:") else spec


def _talks_digest(folder: Path) -> str:
    return digest(sorted(_talk_key(episode) for episode in read_episodes(folder / EPISODES)))


def _talk_key(episode: Episode) -> list[str]:
    return [episode.id, digest([turn.text for turn in episode.turns])]
