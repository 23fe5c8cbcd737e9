"""Forking: a talk that goes on another way from one of its turns.

`state_at` rebuilds the graph's state from a stored episode just before one of its supporter turns; `said` has a reply made there under a
given strategy, without the critic, so that the strategy stays what it is; `lived_on` lets the same seeker, seats and recipe go on from
there for a number of turns, without a checkpointer.  What a fork is worth is not decided here.

The seeker is frozen: its persona, scenario, mind, patience and the time it has are those of the talk.  Only chance is drawn anew, from
the fork's own seed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from agents.chat.port import Ledger, derive_seed
from agents.errors import InputError
from agents.words import STRATEGIES, Plan, Strategy
from graphs.recipe import Recipe
from graphs.run import STEPS_A_TURN
from graphs.seats import seated
from graphs.state import State, supporter_turns, talk_of
from graphs.support import build
from simulator.cast import Cast
from simulator.director import visit_length
from simulator.episode import Episode, SeekerTurn, SupporterTurn

_TRIES = 200


@cache
def _graph(first: str) -> Any:
    """The support graph, entered at `first`, without a checkpointer."""
    return build(first).compile()


def begun(cast: Cast, seed: int) -> State:
    """The state of a talk that has not begun."""
    return State(cast=cast.model_dump(mode="json"), seed=seed)


def state_at(episode: Episode, turn: int) -> State:
    """The state of a stored talk just before its `turn`-th turn, which is the supporter's.

    Raises:
        InputError: that turn is none of the supporter's.
    """
    before = episode.turns[:turn]
    if not 0 < turn < len(episode.turns) or not isinstance(episode.turns[turn], SupporterTurn) or not isinstance(before[-1], SeekerTurn):
        raise InputError(f"Turn {turn} of {episode.id} is no reply to the seeker.", hint="Fork at a supporter turn.")
    cast = Cast(persona=episode.persona, scenario=episode.scenario, notes=episode.notes)
    return State(
        cast=cast.model_dump(mode="json"),
        seed=episode.seeds.episode,
        turns=[item.model_dump(mode="json") for item in before],
        ledger=[],
        mind=before[-1].mind.model_dump(mode="json"),
        plan=None,
        reflection=None,
        versions=[],
        critiques=[],
        crisis=None,
        stop=None,
    )


def fork_seed(seed: int, *parts: object) -> int:
    """A seed for a fork of the talk with this seed, under which the seeker has as much time as before."""
    visit = visit_length(seed)
    tries = (derive_seed(seed, "fork", *parts, attempt) for attempt in range(_TRIES))
    return next((drawn for drawn in tries if visit_length(drawn) == visit), seed)


async def said(state: State, strategy: Strategy, recipe: Recipe, *, seed: int) -> State:
    """The state with a reply in the making under `strategy`, made by the recipe's responder; the rest of the talk is drawn from `seed`.

    Raises:
        ChatError: the responder fails.
    """
    ledger = Ledger(keep_prompts=recipe.keep_prompts)
    turn_seed = derive_seed(seed, "respond", supporter_turns(state))
    draft = await seated(recipe).responder.respond(talk_of(state), strategy, seed=turn_seed, ledger=ledger)
    plan = Plan(strategy=strategy, distribution={option: float(option is strategy) for option in STRATEGIES}, rationale="forked")
    changed: dict[str, Any] = {
        "seed": seed,
        "plan": plan.model_dump(mode="json"),
        "reflection": None,
        "versions": [draft.model_dump(mode="json")],
        "critiques": [],
        "ledger": [*state["ledger"], *(entry.model_dump(mode="json") for entry in ledger.entries)],
    }
    return State(**{**state, **changed})  # type: ignore[typeddict-item]


async def lived_on(state: State, recipe: Recipe, *, turns: int) -> State:
    """The state after `turns` more answers of the seeker, or when the talk has ended.

    Args:
        state: with a reply in the making (`said`).
        recipe: whose seats are taken; its planner and critic make the replies after the first.
        turns: at least 1.

    Raises:
        ChatError: a seat fails.
    """
    wanted, shown = _answers(state) + turns, 0
    async for values in _stream("deliver", state, recipe, turns):
        state = values
        shown += _answers(state) >= wanted
        if shown == 2:  # the first time it is the seeker's own step, the second time the crisis gate has read the answer
            break
    return state


async def to_plan(state: State, recipe: Recipe) -> State:
    """The state when the planner has made its next plan, or when the talk has ended.

    Args:
        state: of a talk that has not begun (`begun`), or with a reply in the making (`said`).
        recipe: whose seats are taken.

    Raises:
        ChatError: a seat fails.
    """
    before = _answers(state)
    async for values in _stream("deliver" if before else "seeker", state, recipe, 1):
        state = values
        if _answers(state) > before and state.get("plan"):
            break
    return state


def _stream(first: str, state: State, recipe: Recipe, turns: int) -> AsyncIterator[State]:
    limit = {"recursion_limit": (turns + 2) * STEPS_A_TURN}
    stream: AsyncIterator[State] = _graph(first).astream(state, context=recipe, config=limit, stream_mode="values")
    return stream


def _answers(state: State) -> int:
    return sum(turn["speaker"] == "seeker" for turn in state.get("turns", ()))
