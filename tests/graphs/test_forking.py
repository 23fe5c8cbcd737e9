"""A talk forked at one of its turns: the same road gives the same talk, another road is lived by the same seeker."""

from __future__ import annotations

import asyncio

import pytest

from agents.errors import InputError
from agents.words import Speaker, Strategy
from graphs.casting import Casting, with_source
from graphs.forking import begun, fork_seed, lived_on, said, state_at, to_plan
from graphs.recipe import CriticSettings, Recipe
from graphs.run import run_talk
from graphs.seats import Backends, seats_taken
from graphs.state import State, mind_of
from simulator.director import visit_length
from simulator.episode import Episode, SeekerTurn, SupporterTurn

RECIPE = with_source(Recipe(seed=5, critic=CriticSettings(share=0.0)))


@pytest.fixture(scope="module")
def episode() -> Episode:
    """A talk without a critic that went on for ten supporter turns at least."""

    async def go() -> Episode:
        with seats_taken(RECIPE, Backends()):
            return await run_talk(RECIPE, Casting(RECIPE).cast(0), 0)

    return asyncio.run(go())


def supporter_places(episode: Episode) -> list[int]:
    return [place for place, turn in enumerate(episode.turns) if isinstance(turn, SupporterTurn)]


def lived(episode: Episode, place: int, strategy: Strategy, *, seed: int, turns: int) -> State:
    async def go() -> State:
        with seats_taken(RECIPE, Backends()):
            state = state_at(episode, place)
            return await lived_on(await said(state, strategy, RECIPE, seed=seed), RECIPE, turns=turns)

    return asyncio.run(go())


def test_the_road_that_was_taken_gives_the_talk_that_was_had(episode: Episode) -> None:
    for place in supporter_places(episode)[1:8:3]:
        turn = episode.turns[place]
        assert isinstance(turn, SupporterTurn)
        end = lived(episode, place, turn.strategy, seed=episode.seeds.episode, turns=3)
        assert [raw["text"] for raw in end["turns"]] == [item.text for item in episode.turns[: place + 6]]
        last = episode.turns[place + 5]
        assert isinstance(last, SeekerTurn)
        assert mind_of(end) == last.mind


def test_another_road_begins_from_the_same_mind_and_says_something_else(episode: Episode) -> None:
    place = supporter_places(episode)[3]
    turn = episode.turns[place]
    assert isinstance(turn, SupporterTurn)
    other = Strategy.QUESTION if turn.strategy is not Strategy.QUESTION else Strategy.AFFIRMATION
    end = lived(episode, place, other, seed=episode.seeds.episode, turns=1)
    assert [raw["text"] for raw in end["turns"][:place]] == [item.text for item in episode.turns[:place]]
    assert end["turns"][place]["strategy"] == other.value
    assert end["turns"][place]["text"] != turn.text


@pytest.mark.parametrize("turns", [1, 2, 4])
def test_it_lives_as_many_answers_as_asked(episode: Episode, turns: int) -> None:
    place = supporter_places(episode)[2]
    end = lived(episode, place, Strategy.REFLECTION, seed=1, turns=turns)
    new = end["turns"][place:]
    assert sum(raw["speaker"] == Speaker.SEEKER for raw in new) == turns
    assert new[-1]["speaker"] == Speaker.SEEKER
    assert not end.get("stop")


def test_a_fork_ends_where_the_talk_ends(episode: Episode) -> None:
    end = lived(episode, supporter_places(episode)[-2], Strategy.AFFIRMATION, seed=episode.seeds.episode, turns=20)
    assert end["stop"]
    assert len(supporter_places(episode)) - 2 <= sum(raw["speaker"] == "supporter" for raw in end["turns"]) <= RECIPE.turns


def test_forks_draw_anew_but_the_seeker_has_as_much_time(episode: Episode) -> None:
    seeds = [fork_seed(episode.seeds.episode, 7, number) for number in range(20)]
    assert len(set(seeds)) == 20
    assert {visit_length(seed) for seed in seeds} == {visit_length(episode.seeds.episode)}
    texts = {lived(episode, supporter_places(episode)[4], Strategy.QUESTION, seed=seed, turns=2)["turns"][-1]["text"] for seed in seeds[:6]}
    assert len(texts) > 1


def test_step_by_step_is_the_same_talk(episode: Episode) -> None:
    async def go() -> State:
        with seats_taken(RECIPE, Backends()):
            state = await to_plan(begun(Casting(RECIPE).cast(0), episode.seeds.episode), RECIPE)
            while not state.get("stop"):
                planned = Strategy((state["plan"] or {})["strategy"])
                state = await to_plan(await said(state, planned, RECIPE, seed=episode.seeds.episode), RECIPE)
            return state

    assert [raw["text"] for raw in asyncio.run(go())["turns"]] == [turn.text for turn in episode.turns]


@pytest.mark.parametrize("place", [0, 2, 10_000])
def test_only_a_reply_can_be_forked(episode: Episode, place: int) -> None:
    with pytest.raises(InputError, match="supporter turn"):
        state_at(episode, place)
