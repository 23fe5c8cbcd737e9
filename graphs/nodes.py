"""The nodes of the support graph: each reads the state, asks one agent, and returns what changed.

A node knows nothing of the order in which the others run; that is `support.py`.  Every seed derives from the episode's seed, the node and
the turn, so a node that is run again gives the same answer.
"""

from __future__ import annotations

import random
from typing import Any

from langgraph.runtime import Runtime

from agents.chat.port import Ledger, derive_seed
from agents.crisis import handover as handover_reply
from agents.crisis import screen as screen_text
from agents.words import Critique, Draft, Plan, Refinement, Reflection, Strategy
from graphs.casting import Casting
from graphs.recipe import Recipe
from graphs.seats import seated
from graphs.state import Json, State, cast_of, mind_of, past_intents, supporter_turns, talk_of
from simulator.director import RELIEVED_AT
from simulator.episode import Stop, StopReason, SupporterTurn
from simulator.intent import Move
from simulator.mind import Mind

Context = Recipe
Change = dict[str, Any]


def _ledger(runtime: Runtime[Context]) -> Ledger:
    return Ledger(keep_prompts=runtime.context.keep_prompts)


def _noted(ledger: Ledger) -> list[Json]:
    return [entry.model_dump(mode="json") for entry in ledger.entries]


def _seed(state: State, *parts: object) -> int:
    return derive_seed(state.get("seed", 0), *parts, supporter_turns(state))


async def seeker(state: State, runtime: Runtime[Context]) -> Change:
    """The seeker appraises the last reply, lives it, and speaks."""
    change: Change = {}
    if "cast" not in state:
        cast = Casting(runtime.context).by_name(state.get("scenario"), state.get("seed", 0))
        change["cast"] = cast.model_dump(mode="json")
    else:
        cast = cast_of(state)
    ledger = _ledger(runtime)
    agent = seated(runtime.context).seeker
    turn = await agent.turn(cast, talk_of(state), past_intents(state), mind_of(state), seed=state.get("seed", 0), ledger=ledger)
    stop = Stop(reason=StopReason.GAVE_UP).model_dump(mode="json") if turn.intent.move is Move.LEAVE else None
    return {
        **change,
        "turns": [turn.model_dump(mode="json")],
        "mind": turn.mind.model_dump(mode="json"),
        "ledger": _noted(ledger),
        "stop": stop,
        "plan": None,
        "reflection": None,
        "versions": [],
        "critiques": [],
    }


async def screen(state: State, runtime: Runtime[Context]) -> Change:
    """The crisis gate: raises the flag when the seeker's last turn speaks of suicide or self-harm."""
    found = screen_text(state["turns"][-1]["text"])
    return {"crisis": found.model_dump(mode="json") if found else None}


async def handover(state: State, runtime: Runtime[Context]) -> Change:
    """Care and a referral, never a technique; the talk ends there."""
    turn = SupporterTurn(text=handover_reply(_seed(state, "handover")), strategy=Strategy.OTHERS)
    return {"turns": [turn.model_dump(mode="json")], "stop": Stop(reason=StopReason.CRISIS_HANDOVER).model_dump(mode="json")}


async def plan(state: State, runtime: Runtime[Context]) -> Change:
    """The planner chooses the strategy of the next reply."""
    ledger = _ledger(runtime)
    chosen = await seated(runtime.context).planner.plan(talk_of(state), seed=_seed(state, "plan"), ledger=ledger)
    return {"plan": chosen.model_dump(mode="json"), "ledger": _noted(ledger)}


async def respond(state: State, runtime: Runtime[Context]) -> Change:
    """The responder writes the plain reply under the planned strategy."""
    ledger = _ledger(runtime)
    strategy = Strategy((state["plan"] or {})["strategy"])
    draft = await seated(runtime.context).responder.respond(talk_of(state), strategy, seed=_seed(state, "respond"), ledger=ledger)
    return {"versions": [draft.model_dump(mode="json")], "ledger": _noted(ledger)}


async def critique(state: State, runtime: Runtime[Context]) -> Change:
    """The critic reads between the lines (once a turn) and judges the newest version of the reply."""
    ledger, critic, talk = _ledger(runtime), seated(runtime.context).critic, talk_of(state)
    count = len(state["critiques"])
    if state.get("reflection"):
        reflection = Reflection.model_validate(state["reflection"])
    else:
        reflection = await critic.reflect(talk, seed=_seed(state, "reflect"), ledger=ledger)
    version = Draft.model_validate(state["versions"][-1])
    judged = await critic.critique(talk, version, reflection, seed=_seed(state, "critique", count), ledger=ledger)
    return {
        "reflection": reflection.model_dump(mode="json"),
        "critiques": [*state["critiques"], judged.model_dump(mode="json")],
        "ledger": _noted(ledger),
    }


async def refine(state: State, runtime: Runtime[Context]) -> Change:
    """The critic writes a better version."""
    ledger, critic = _ledger(runtime), seated(runtime.context).critic
    judged = Critique.model_validate(state["critiques"][-1])
    better = await critic.refine(
        talk_of(state),
        Draft.model_validate(state["versions"][-1]),
        judged,
        Reflection.model_validate(state["reflection"]),
        seed=_seed(state, "refine", len(state["critiques"])),
        ledger=ledger,
    )
    return {"versions": [*state["versions"], better.model_dump(mode="json")], "ledger": _noted(ledger)}


async def deliver(state: State, runtime: Runtime[Context]) -> Change:
    """The best version is said; the talk ends here when the seeker has taken leave or the limit is reached."""
    critiques = tuple(Critique.model_validate(item) for item in state["critiques"])
    kept = best_version(critiques)
    turn = SupporterTurn(
        text=state["versions"][kept]["text"],
        strategy=Strategy(state["versions"][kept]["strategy"]),
        plan=Plan.model_validate(state["plan"]),
        draft=Draft.model_validate(state["versions"][0]),
        reflection=Reflection.model_validate(state["reflection"]) if state.get("reflection") else None,
        critiques=critiques,
        refinements=tuple(Refinement.model_validate(item) for item in state["versions"][1:]),
        kept=kept,
    )
    reason = _ending(state, runtime.context)
    return {
        "turns": [turn.model_dump(mode="json")],
        "stop": Stop(reason=reason).model_dump(mode="json") if reason else None,
    }


def best_version(critiques: tuple[Critique, ...]) -> int:
    """Index of the version with the least severe findings, the earliest of equals; 0 when nothing was criticised."""
    return min(range(len(critiques)), key=lambda index: critiques[index].penalty, default=0)


def _ending(state: State, recipe: Recipe) -> StopReason | None:
    if state["turns"][-1]["intent"]["move"] == Move.CLOSE:
        mind = Mind.model_validate(state["mind"])
        return StopReason.RELIEVED if mind.intensity <= RELIEVED_AT else StopReason.GOODBYE
    return StopReason.TURN_LIMIT if supporter_turns(state) + 1 >= recipe.turns else None


def wants_critic(state: State, recipe: Recipe) -> bool:
    """Whether the critic sees this turn: all of them, a seeded share, or none."""
    return random.Random(_seed(state, "critic share")).random() < recipe.critic.share
