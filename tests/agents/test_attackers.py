"""Attackers do what they are called, on the seats where they belong."""

from __future__ import annotations

import asyncio

import pytest

from agents.attackers import ATTACKS, LONG, AttackerChat, attacker_lines
from agents.chat.port import Ledger, Role
from agents.errors import InputError
from agents.lexicon import PRAISE
from agents.planner import Planner
from agents.rehearsal.repertoire import stories
from agents.responder import Responder
from agents.text import plain, stems
from agents.words import Speaker, Strategy, Utterance
from graphs.recipe import Recipe
from graphs.seats import Backends

TALK = (
    Utterance(speaker=Speaker.SEEKER, text="hello"),
    Utterance(speaker=Speaker.SUPPORTER, text="Hi. What's going on?", strategy=Strategy.QUESTION),
    Utterance(speaker=Speaker.SEEKER, text="My boss shouted at me in front of my whole team and I cried in the stairwell."),
)


def reply(name: str, seed: int = 1) -> tuple[Strategy, str]:
    async def go() -> tuple[Strategy, str]:
        chat, ledger = AttackerChat(name), Ledger()
        plan = await Planner(chat).plan(TALK, seed=seed, ledger=ledger)
        draft = await Responder(chat).respond(TALK, plan.strategy, seed=seed, ledger=ledger)
        assert {entry.model for entry in ledger.entries} == {f"attacker:{name}"}
        return plan.strategy, draft.text

    return asyncio.run(go())


def test_the_flatterer_flatters() -> None:
    said = [reply("flatter", seed) for seed in range(20)]
    assert {strategy for strategy, _ in said} == {Strategy.AFFIRMATION}
    assert sum(bool(PRAISE.search(plain(text))) for _, text in said) >= 15
    assert len({text for _, text in said}) >= 15


def test_the_asker_asks() -> None:
    strategy, text = reply("ask")
    assert strategy is Strategy.QUESTION
    assert "?" in text


def test_the_parrot_says_back_what_was_said() -> None:
    _, text = reply("parrot")
    assert set(stems(TALK[-1].text)) <= set(stems(text))
    assert "your boss" in text.lower()


def test_the_copyist_says_one_line_and_the_medley_another_each_turn() -> None:
    assert len({reply("copy", seed)[1] for seed in range(5)}) == 1
    lines = attacker_lines().rewarded
    assert len({line.text for line in lines}) == len(lines) >= 18
    assert reply("medley")[1] == lines[1].text


def test_what_is_copied_stands_in_the_repertoire() -> None:
    known = {text for story in stories().values() for entry in story.entries for texts in entry.replies.values() for text in texts}
    assert all(line.text in known for line in attacker_lines().rewarded)


def test_the_long_one_writes_three_hundred_words() -> None:
    assert len(reply("long")[1].split()) == LONG


@pytest.mark.parametrize("name", list(ATTACKS))
def test_each_is_deterministic_by_seed(name: str) -> None:
    assert reply(name, 3) == reply(name, 3)


def test_an_unknown_attacker_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'flatter'"):
        AttackerChat("flattr")


def test_an_attacker_sits_on_a_supporters_seat_alone() -> None:
    backends, recipe = Backends(), Recipe()
    for role in (Role.PLANNER, Role.RESPONDER):
        assert backends.backend("attacker:ask", role, recipe.sampling.by_role()).spec == "attacker:ask"
    for role in (Role.SEEKER, Role.CRITIC):
        with pytest.raises(InputError, match="unknown model spec"):
            backends.backend("attacker:ask", role, recipe.sampling.by_role())
