"""A supporter for people outside: one reply to a talk, by the recipe's planner and responder, and by its critic where that is wanted.

The gate, the seeds and the order are those of the support graph, so a reply to an episode's talk with that episode's seed is the reply
that stands in the episode.  There is no seeker here, nothing is remembered between replies, and nothing is written down.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.chat.port import Ledger, derive_seed
from agents.crisis import handover, screen
from agents.errors import InputError
from agents.words import Crisis, Critique, Draft, Refinement, Speaker, Strategy, Talk
from graphs.nodes import best_version, wants_critic
from graphs.recipe import Recipe, load_recipe, make_recipe
from graphs.run import RUN_FILE, read_run
from graphs.seats import Seated
from graphs.state import State

EVOLVED = "evolve.json"
"""Tells a folder of holdspace evolve."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, and how it came about."""

    text: str
    strategy: Strategy
    distribution: Mapping[Strategy, float] | None
    """The planner's; None for a handover, which nobody plans."""
    crisis: Crisis | None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Supporter:
    """Planner, then responder, behind the crisis gate.

    Args:
        recipe: whose turns, critic and seed count.
        seats: its agents.
        refine: whether the critic sees the drafts and refines them, as often as the recipe says.
    """

    def __init__(self, recipe: Recipe, seats: Seated, *, refine: bool = False) -> None:
        self.recipe = recipe
        self.seats = seats
        self._refine = refine and recipe.critic.share > 0

    async def reply(self, talk: Talk, seed: int | None = None) -> Reply:
        """The reply to a talk whose last turn is the seeker's.

        Args:
            talk: oldest first.
            seed: of the talk; None takes one that follows from the talk and the recipe's seed.

        Raises:
            RunStop: a model server is down.
            ChatError: a backend failed, or did not answer with what it was asked for.
        """
        moment = _Moment(talk, talk_seed(self.recipe, talk) if seed is None else seed)
        if crisis := _crisis(talk):
            return Reply(handover(moment.seed("handover")), Strategy.OTHERS, distribution=None, crisis=crisis)
        plan = await self.seats.planner.plan(talk, seed=moment.seed("plan"), ledger=moment.ledger)
        responder = self.seats.responder
        said: Draft | Refinement = await responder.respond(talk, plan.strategy, seed=moment.seed("respond"), ledger=moment.ledger)
        if self._refine and wants_critic(moment.state, self.recipe):
            said = await self._refined(moment, said)
        entries = moment.ledger.entries
        return Reply(
            said.text,
            said.strategy,
            distribution=plan.distribution,
            crisis=None,
            prompt_tokens=sum(entry.prompt_tokens for entry in entries),
            completion_tokens=sum(entry.completion_tokens for entry in entries),
        )

    async def _refined(self, moment: _Moment, draft: Draft | Refinement) -> Draft | Refinement:
        """The best of the versions that the critic's rounds make, as the graph's critique, refine and deliver do."""
        critic, talk, ledger = self.seats.critic, moment.talk, moment.ledger
        reflection = await critic.reflect(talk, seed=moment.seed("reflect"), ledger=ledger)
        versions, critiques = [draft], list[Critique]()
        while True:
            seed = moment.seed("critique", len(critiques))
            critiques.append(await critic.critique(talk, versions[-1], reflection, seed=seed, ledger=ledger))
            if critiques[-1].accepted or len(versions) > self.recipe.critic.refinements:
                return versions[best_version(tuple(critiques))]
            seed = moment.seed("refine", len(critiques))
            versions.append(await critic.refine(talk, versions[-1], critiques[-1], reflection, seed=seed, ledger=ledger))


class _Moment:
    """One reply in the making: its talk, its ledger, and the seeds that the graph's nodes would use."""

    def __init__(self, talk: Talk, seed: int) -> None:
        self.talk = talk
        self.state: State = {"seed": seed, "turns": [turn.model_dump(mode="json") for turn in talk]}
        self.ledger = Ledger()
        self._turns = sum(turn.speaker is Speaker.SUPPORTER for turn in talk)

    def seed(self, *parts: object) -> int:
        return derive_seed(self.state["seed"], *parts, self._turns)


def talk_seed(recipe: Recipe, talk: Talk) -> int:
    """A seed that follows from what was said."""
    return derive_seed(recipe.seed, "served", *(part for turn in talk for part in (turn.speaker, turn.text)))


def _crisis(talk: Talk) -> Crisis | None:
    """What the gate finds in what the seeker has said since the last reply, be it one message or several."""
    for turn in reversed(talk):
        if turn.speaker is Speaker.SUPPORTER:
            return None
        if found := screen(turn.text):
            return found
    return None


def served_recipe(run: Path | None, *, planner: str | None = None, responder: str | None = None, refine: bool = False) -> Recipe:
    """The recipe to serve by: a run's, a file's, or the defaults, with the seats that nobody will ask left to rehearsal.

    Args:
        run: a run folder, its run.yaml, a folder of holdspace evolve (its best model), or a recipe file.
        planner: a spec in place of the recipe's.
        responder: a spec in place of the recipe's.
        refine: whether the critic will be asked.

    Raises:
        InputError: not a run, not a recipe, or one whose critic is off while it is wanted.
    """
    recipe = make_recipe(_content(run))
    if refine and not recipe.critic.share:
        raise InputError("--refine: the recipe has critic.share 0: there is no critic.", hint="Raise critic.share, or leave --refine out.")
    seats = recipe.seats
    kept = {"planner": planner or seats.planner, "responder": responder or seats.responder}
    if refine:
        kept["critic"] = seats.critic
    return make_recipe({**recipe.model_dump(mode="json"), "seats": kept})


def _content(run: Path | None) -> dict[str, object]:
    if run is None:
        return {}
    if (run / EVOLVED).is_file():
        return _best(run)
    if run.is_dir():
        content: dict[str, object] = read_run(run)["recipe"]
        return content
    return read_run(run.parent)["recipe"] if run.name == RUN_FILE else load_recipe(run)


def _best(run: Path) -> dict[str, object]:
    """What serves the best model of a finished self-evolution run; InputError when it is not finished."""
    try:
        asked = json.loads((run / EVOLVED).read_text(encoding="utf-8"))["recipe"]
        metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        model = next(item for item in metrics["models"] if item["name"] == metrics["best"])
        seats = {seat: f"local:{run / model[seat]}" for seat in ("planner", "responder")}
        name = f"{asked['name']} {metrics['best']}"
        return {"name": name, "prompts": asked["prompts"], "sampling": asked["talk"]["sampling"], "seats": seats}
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise InputError(f"{run} is no finished run of holdspace evolve.", hint="Run holdspace evolve again to go on.") from error
