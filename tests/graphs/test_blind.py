"""A supporter sees the talk and nothing of the seeker's hidden side."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agents.chat.port import LedgerEntry, Role
from agents.text import normal, sentences
from graphs.casting import with_source
from graphs.recipe import Recipe
from graphs.run import run_many
from simulator.episode import Episode, SeekerTurn
from simulator.store import read_episodes

SUPPORTERS = {Role.PLANNER, Role.RESPONDER, Role.CRITIC}


def supporter_prompts(episode: Episode) -> list[LedgerEntry]:
    return [entry for entry in episode.ledger if entry.role in SUPPORTERS]


def text_of(entry: LedgerEntry) -> str:
    assert entry.messages is not None
    return " ".join(normal(message.content) for message in entry.messages)


@pytest.fixture(scope="module")
def two_hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 200 talks with prompts kept."""
    out = tmp_path_factory.mktemp("blind") / "run"
    asyncio.run(run_many(with_source(Recipe(seed=21, keep_prompts=True)), out, episodes=200))
    return out


def test_no_undisclosed_fact_no_need_and_no_mind_value_reaches_a_supporter(two_hundred: Path) -> None:
    seen = 0
    for episode in read_episodes(two_hundred):
        said = " ".join(normal(turn.text) for turn in episode.turns)
        hidden = [normal(episode.scenario.need), normal(episode.scenario.belief), normal(episode.scenario.step.what)]
        for fact in episode.scenario.facts:
            for wording in (fact.guarded, fact.plain, fact.open):
                hidden += [normal(sentence) for sentence in sentences(wording)]
        secrets = [secret for secret in hidden if len(secret.split()) >= 4 and secret not in said]
        numbers = {f"{turn.mind.trust:.3f}" for turn in episode.turns if isinstance(turn, SeekerTurn)}
        assert secrets
        for entry in supporter_prompts(episode):
            prompt = text_of(entry)
            seen += 1
            assert not [secret for secret in secrets if secret in prompt]
            assert not [word for word in ("trust", "patience", "openness") if f'"{word}"' in prompt]
            assert not any(number in prompt for number in numbers)
            assert episode.persona.occupation == "" or episode.scenario.name not in prompt
    assert seen > 10_000


def test_a_prompt_holds_only_what_was_said_before_it(episodes: list[Episode]) -> None:
    for episode in episodes[:20]:
        planners = [entry for entry in episode.ledger if entry.role is Role.PLANNER]
        seeker_turns = [turn for turn in episode.turns if isinstance(turn, SeekerTurn)]
        for place, entry in enumerate(planners):
            assert entry.messages is not None
            heard = [message.content for message in entry.messages if message.role == "user"][:-1]
            joined = " ".join(heard)
            assert seeker_turns[place].text in joined or normal(seeker_turns[place].text) in normal(joined)
            later = [turn.text for turn in seeker_turns[place + 1 :] if len(turn.text.split()) > 5]
            assert not [text for text in later if text in joined]


def test_the_speaking_seeker_never_sees_the_hidden_need(episodes: list[Episode]) -> None:
    spoken = [(episode, entry) for episode in episodes for entry in episode.ledger if entry.task == "speak"]
    assert len(spoken) > 300
    for episode, entry in spoken:
        assert normal(episode.scenario.need) not in text_of(entry)
