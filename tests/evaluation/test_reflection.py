from __future__ import annotations

from collections.abc import Callable

import pytest

from agents.emotions import ADJECTIVE, family_of
from agents.errors import InputError
from agents.words import Reflection
from evaluation.looks import first_named, gather, truth_of
from evaluation.reflection import reflection_figures
from simulator.episode import Episode, SeekerTurn, SupporterTurn
from simulator.mind import Mind

Says = Callable[[Episode, Mind], Reflection]


def reflecting(episodes: list[Episode], says: Says) -> list[Episode]:
    """The episodes with other reflections in them."""
    return [_with(episode, says) for episode in episodes]


def _with(episode: Episode, says: Says) -> Episode:
    turns, mind = [], None
    for turn in episode.turns:
        if isinstance(turn, SeekerTurn):
            mind = turn.mind
        elif isinstance(turn, SupporterTurn) and turn.reflection is not None and mind is not None:
            turn = turn.model_copy(update={"reflection": says(episode, mind)})  # noqa: PLW2901
        turns.append(turn)
    return episode.model_copy(update={"turns": tuple(turns)})


def truly(episode: Episode, mind: Mind) -> Reflection:
    """What somebody with the seeker's card in hand would infer."""
    truth = truth_of(episode)
    emotion = ADJECTIVE[family_of(episode.scenario.emotion_type)]
    return Reflection(profile=f"{truth.situation} {truth.persona}", emotion=emotion, intensity=mind.reported, need=truth.need)


def test_a_critic_that_knows_scores_high_and_improves_on_chance(episodes: list[Episode]) -> None:
    figures = reflection_figures(gather(reflecting(episodes, truly)))
    assert figures["intensity"]["error"]["value"] < 0.3 < figures["intensity"]["chance_error"]
    assert figures["intensity"]["correlation"]["value"] > 0.9
    assert figures["emotion"]["near"]["value"] == 1.0 > figures["emotion"]["chance_near"]
    assert figures["emotion"]["exact"]["value"] > 0.75 > figures["emotion"]["always_exact"]  # "low" is a word of two families
    for part in ("need", "situation", "persona"):
        assert figures[part]["auc"]["value"] > 0.97, part


def test_a_critic_that_reads_another_talk_scores_as_chance(episodes: list[Episode]) -> None:
    other = {episode.id: episodes[number - 7] for number, episode in enumerate(episodes)}
    figures = reflection_figures(gather(reflecting(episodes, lambda episode, mind: truly(other[episode.id], mind))))
    assert figures["need"]["auc"]["value"] == pytest.approx(0.5, abs=0.08)
    assert figures["situation"]["auc"]["value"] < 0.65
    assert figures["emotion"]["near"]["value"] == pytest.approx(figures["emotion"]["chance_near"], abs=0.15)
    assert figures["need"]["first"]["value"] < 0.1


def test_a_critic_that_always_says_the_same_is_exactly_chance(episodes: list[Episode]) -> None:
    same = Reflection(profile="Somebody.", emotion="unclear", intensity=3, need="To be heard.")
    figures = reflection_figures(gather(reflecting(episodes, lambda *_: same)))
    assert figures["persona"]["auc"]["value"] == 0.5
    assert figures["persona"]["same_for_all"] == 1.0
    assert figures["emotion"]["named"]["value"] == 0
    assert figures["intensity"]["correlation"]["value"] is None


def test_a_critic_that_learns_as_more_is_told_improves_from_fifth_to_fifth(episodes: list[Episode]) -> None:
    def late(episode: Episode, mind: Mind) -> Reflection:
        true = truly(episode, mind)
        return true if len(mind.disclosed) >= 3 else true.model_copy(update={"need": "To be heard.", "intensity": 1})

    figures = reflection_figures(gather(reflecting(episodes, late)))
    assert figures["need"]["last_minus_first"]["low"] > 0.2
    assert figures["intensity"]["last_minus_first"]["high"] < -0.5
    assert figures["need"]["by_fifth"][0] < figures["need"]["by_fifth"][4]


def test_the_first_feeling_counts_and_a_denied_one_does_not() -> None:
    assert first_named("ashamed, with some anger") == family_of("shame")
    assert first_named("not angry but scared") == family_of("fear")
    assert first_named("hard to say") is None


def test_without_a_reflection_there_is_nothing_to_measure(episodes: list[Episode]) -> None:
    bare = [
        episode.model_copy(
            update={"turns": tuple(t.model_copy(update={"reflection": None}) if isinstance(t, SupporterTurn) else t for t in episode.turns)}
        )
        for episode in episodes[:3]
    ]
    with pytest.raises(InputError, match="critic was never asked"):
        reflection_figures(gather(bare))
