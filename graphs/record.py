"""From the last state of a talk to its Episode: the one place where a talk, finished or failed, becomes a record."""

from __future__ import annotations

from agents.chat.port import LedgerEntry
from agents.errors import ChatError, HoldspaceError
from agents.words import Crisis
from graphs.recipe import Recipe
from graphs.seats import seated
from graphs.state import State
from simulator.cast import Cast
from simulator.episode import (
    Episode,
    Failure,
    Models,
    Outcome,
    Seeds,
    SeekerTurn,
    Stop,
    StopReason,
    SupporterTurn,
    Survey,
    Surveys,
    Turn,
    episode_id,
)
from simulator.mind import first_mind


def make_episode(recipe: Recipe, cast: Cast, index: int, seed: int, state: State, error: Exception | None = None) -> Episode:
    """The record of one talk.

    Args:
        recipe: with its source filled in.
        cast: who talked about what.
        index: which talk of the recipe.
        seed: of the talk.
        state: the last state of the graph; what there is of it, when the talk failed.
        error: what made the talk fail; None when it ended by itself.
    """
    turns = _turns(state)
    stop = Stop(reason=StopReason.FAILED, error=failure(error)) if error else Stop.model_validate(state["stop"])
    scenario = cast.scenario
    start = first_mind(cast.persona, scenario.intensity)
    minds = [turn.mind for turn in turns if isinstance(turn, SeekerTurn)]
    end = minds[-1] if minds else start
    failed_calls = error.entries if isinstance(error, ChatError) else ()
    return Episode(
        id=episode_id(recipe.fingerprint, recipe.seed, index),
        recipe=recipe.fingerprint,
        index=index,
        situation=scenario.situation,
        emotion_type=scenario.emotion_type,
        problem_type=scenario.problem_type,
        survey=Surveys(seeker=Survey(initial_emotion_intensity=start.reported, final_emotion_intensity=end.reported)),
        turns=turns,
        persona=cast.persona,
        scenario=scenario,
        models=Models(**seated(recipe).specs()),
        seeds=Seeds(recipe=recipe.seed, episode=seed),
        prompts=seated(recipe).fingerprints(),
        ledger=(*(LedgerEntry.model_validate(entry) for entry in state.get("ledger", ())), *failed_calls),
        crisis=state.get("crisis") is not None,
        stop=stop,
        outcome=Outcome(
            intensity_change=round(end.intensity - start.intensity, 4),
            trust_change=round(end.trust - start.trust, 4),
            disclosed=len({item.key for item in end.disclosed}),
            facts=len(scenario.facts),
            supporter_turns=sum(isinstance(turn, SupporterTurn) for turn in turns),
        ),
        notes=cast.notes,
    )


def _turns(state: State) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    for raw in state.get("turns", ()):
        turns.append(SeekerTurn.model_validate(raw) if raw["speaker"] == "seeker" else SupporterTurn.model_validate(raw))
    if crisis := state.get("crisis"):
        last = max(index for index, turn in enumerate(turns) if isinstance(turn, SeekerTurn))
        turns[last] = turns[last].model_copy(update={"crisis": Crisis.model_validate(crisis)})
    return tuple(turns)


def failure(error: Exception) -> Failure:
    """An exception as data: its kind, boundary and one sentence; no traceback, no path."""
    if isinstance(error, HoldspaceError):
        return Failure(kind=type(error).__name__, boundary=error.boundary, message=error.message, retryable=error.retryable)
    return Failure(kind=type(error).__name__, boundary="code", message=str(error).splitlines()[0] if str(error) else "", retryable=False)
