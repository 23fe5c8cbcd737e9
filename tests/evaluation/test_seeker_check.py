"""Planted faults must be found; clean talks and people must be left alone."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from planting import (
    Plant,
    echoes,
    ends_in_the_second_turn,
    is_a_program,
    is_another_age,
    is_another_gender,
    offers_help,
    repeats_itself,
    says_its_need,
    seeker_places,
    swaps_sides,
    tells_a_secret_at_once,
    tells_everything,
    thanks_five_times,
)

from agents.errors import InputError
from agents.words import Speaker, Utterance
from evaluation.seeker.blind import blind_figures, glimpses
from evaluation.seeker.check import Checked, check_dialogue, check_episode, seeker_figures, with_roles
from evaluation.seeker.claims import claims
from evaluation.seeker.reader import read_roles
from evaluation.seeker.tags import CLEAR, GRAVE, HIDDEN, Tag
from simulator.dialogue import Dialogue, read_dialogues
from simulator.episode import Episode, SeekerTurn

S, P = Speaker.SEEKER, Speaker.SUPPORTER


def long_talks(episodes: list[Episode]) -> list[Episode]:
    return [episode for episode in episodes if not episode.crisis and len(seeker_places(episode)) >= 8]


def tags(talk: Checked, *, least: int = CLEAR) -> set[Tag]:
    return {flag.tag for flag in talk.flags if flag.severity >= least}


def human(*texts: tuple[Speaker, str]) -> Dialogue:
    return Dialogue(id="x", turns=tuple(Utterance(speaker=speaker, text=text) for speaker, text in texts))


@pytest.mark.parametrize(
    ("plant", "tag", "found"),
    [
        (says_its_need, Tag.LEAKED_NEED, 1.0),
        (tells_a_secret_at_once, Tag.TOLD_EARLY, 0.8),
        (tells_everything, Tag.ALL_AT_ONCE, 1.0),
        (repeats_itself, Tag.REPEATED, 1.0),
        (offers_help, Tag.ROLE_FLIP, 1.0),
        (thanks_five_times, Tag.THANK_LOOP, 1.0),
        (ends_in_the_second_turn, Tag.EARLY_ENDING, 1.0),
        (is_another_age, Tag.CONTRADICTION, 1.0),
        (is_a_program, Tag.OUT_OF_CHARACTER, 1.0),
    ],
)
def test_a_planted_fault_is_tagged(episodes: list[Episode], plant: Plant, tag: Tag, found: float) -> None:
    clean = long_talks(episodes)[:30]
    planted = [(before, after) for before in clean if (after := plant(before)) is not before]
    assert len(planted) >= 20
    assert not any(tag in tags(check_episode(before)) for before, _ in planted)
    caught = [tag in tags(check_episode(after)) for _, after in planted]
    assert sum(caught) >= found * len(caught)


def test_a_gender_that_the_persona_does_not_have_is_a_contradiction(episodes: list[Episode]) -> None:
    known = [episode for episode in long_talks(episodes) if episode.persona.gender in ("female", "male")]
    assert all(Tag.CONTRADICTION in tags(check_episode(is_another_gender(episode))) for episode in known)
    unknown = [episode for episode in long_talks(episodes) if episode.persona.gender not in ("female", "male")]
    assert not any(Tag.CONTRADICTION in tags(check_episode(is_another_gender(episode))) for episode in unknown)


def test_an_echo_is_slight_and_leaves_the_talk_clean(episodes: list[Episode]) -> None:
    changed = [after for episode in long_talks(episodes)[:30] if (after := echoes(episode)) is not episode]
    checked = [check_episode(episode) for episode in changed]
    assert all(Tag.ECHO in tags(talk, least=1) for talk in checked)
    assert all(Tag.ECHO not in tags(talk) for talk in checked)


def test_rehearsal_talks_are_clean(episodes: list[Episode]) -> None:
    """Precision: a checker that flags what the director would never do is of no use."""
    checked, _ = with_roles([check_episode(episode) for episode in episodes])
    assert seeker_figures(checked)["clean"]["value"] >= 0.97


def test_a_need_that_the_supporter_said_first_is_no_leak(episodes: list[Episode]) -> None:
    episode = says_its_need(long_talks(episodes)[0])
    place = seeker_places(episode)[2]
    said = [turn for turn in episode.turns[:place] if turn.speaker is P][-1]
    spoken = said.model_copy(update={"text": episode.scenario.need})
    turns = tuple(spoken if turn is said else turn for turn in episode.turns)
    assert Tag.LEAKED_NEED in tags(check_episode(episode))
    assert Tag.LEAKED_NEED not in tags(check_episode(episode.model_copy(update={"turns": turns})))


def test_what_is_told_on_its_cue_is_not_told_early(episodes: list[Episode]) -> None:
    """The same words, when trust has opened the fact or the director has offered it, are as they should be."""
    early = next(
        after for episode in long_talks(episodes) if Tag.TOLD_EARLY in tags(check_episode(after := tells_a_secret_at_once(episode)))
    )
    place = seeker_places(early)[1]
    turn = early.turns[place]
    assert isinstance(turn, SeekerTurn)
    trusting = turn.model_copy(update={"mind": turn.mind.model_copy(update={"trust": 0.9})})
    turns = tuple(trusting if other is turn else other for other in early.turns)
    assert Tag.TOLD_EARLY not in tags(check_episode(early.model_copy(update={"turns": turns})))


def test_a_crisis_talk_is_not_blamed_for_its_short_end(episodes: list[Episode]) -> None:
    short = ends_in_the_second_turn(long_talks(episodes)[0])
    assert Tag.EARLY_ENDING in tags(check_episode(short))
    assert Tag.EARLY_ENDING not in tags(check_episode(short.model_copy(update={"crisis": True})))


def test_people_are_left_alone(data: Path) -> None:
    """The control: what the checker flags in human talks that worked, by their words alone."""
    checked, reading = with_roles(
        [check_dialogue(dialogue) for dialogue in islice(read_dialogues(data / "esconv" / "valid.jsonl.gz"), 100)]
    )
    figures = seeker_figures(checked)
    assert figures["clean"]["value"] >= 0.97
    assert not HIDDEN & {Tag(name) for name in figures["tags"]}
    assert set(figures["skipped"]) == {tag.value for tag in HIDDEN}
    assert not any(flag.severity == GRAVE for talk in checked for flag in talk.flags)
    assert reading is not None
    assert reading.auc > 0.9


def test_three_thanks_in_a_row_are_slight_and_five_are_not() -> None:
    turns = [(S, "I lost my job and I can't tell my wife about it"), (P, "What happened?")] + [
        (S, "They shut the plant"),
        (P, "I see."),
    ] * 3
    for times, least in ((2, 0), (3, 1), (5, 2)):
        ending = [pair for _ in range(times) for pair in ((S, "Thank you, bye!"), (P, "Take care."))]
        loops = [flag.severity for flag in check_dialogue(human(*turns, *ending)).flags if flag.tag is Tag.THANK_LOOP]
        assert loops == ([least] if least else [])


def test_a_good_bye_that_is_none_is_noticed() -> None:
    turns = [(S, "hi"), (P, "Hello."), (S, "Ok thanks, bye!"), (P, "Wait.")]
    for word in ("roster", "contract", "pension", "garage"):
        turns += [(S, f"And my manager also took the {word} from our team"), (P, "Go on.")]
    assert [flag.turn for flag in check_dialogue(human(*turns)).flags if flag.tag is Tag.EARLY_ENDING] == [2]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I'm 23 and I live alone", [("age", "23")]),
        ("I'm 23, living alone", [("age", "23")]),
        ("i am forty-one years old", [("age", "41")]),
        ("I'm 20 minutes late", []),
        ("when I'm 64.", []),
        ("I'm just a mother of two", []),
        ("I'm a single mom, broke", [("gender", "female")]),
        ("he says I'm a bad husband", []),
        ("he thinks it. I'm a bad husband.", [("gender", "male")]),
        ("I'm a night nurse at the Royal", [("occupation", "night nurse")]),
        ("I'm a retired teacher", []),
        ("I'm a mess", []),
    ],
)
def test_only_outright_statements_about_oneself_are_claims(text: str, found: list[tuple[str, str]]) -> None:
    assert [(claim.kind, claim.value) for claim in claims(text)] == found


def test_two_ages_in_one_human_talk_contradict_each_other() -> None:
    talk = check_dialogue(
        human((S, "I'm 30."), (P, "Hm."), (S, "I'm 45!"), (P, "Hm."), (S, "so it goes"), (P, "Hm."), (S, "yes"), (P, "Hm."))
    )
    assert [flag.turn for flag in talk.flags if flag.tag is Tag.CONTRADICTION] == [2]


def test_the_role_reader_finds_swapped_sides_that_use_no_helper_phrase(episodes: list[Episode]) -> None:
    clean = long_talks(episodes)
    swapped = [swaps_sides(episode) for episode in clean[:8]]
    reading = read_roles([episode.talk() for episode in (*clean[8:], *swapped)])
    assert reading is not None
    first = len(clean) - 8
    caught = sum(number in reading.flags for number in range(first, first + 8))
    false = sum(number in reading.flags for number in range(first))
    assert caught >= 3
    assert false <= 0.05 * first


def test_few_talks_teach_nothing(episodes: list[Episode]) -> None:
    assert read_roles([episode.talk() for episode in episodes[:5]]) is None


def test_a_blind_reader_beats_chance_on_a_mind_that_shows_and_not_on_one_that_does_not(episodes: list[Episode]) -> None:
    seen = glimpses(episodes)
    real = blind_figures(seen)["targets"]
    assert real["trust"]["correlation"]["value"] > real["trust"]["chance_95"]
    assert real["trust"]["p"] < 0.05
    silent = [type(item)(item.talk, item.scenario, "...", "...", "...", item.place, item.mind) for item in seen]
    mute = blind_figures(silent)["targets"]["trust"]
    assert mute["correlation"]["value"] is None or mute["correlation"]["value"] < 0.1
    assert mute["place_alone"]["value"] > 0.4


def test_what_the_turn_number_alone_tells_is_no_merit_of_the_words(episodes: list[Episode]) -> None:
    """A mind that only counts turns, with noise: words of greeting and good-bye show the turn, and must gain nothing by it."""
    rng = random.Random(1)
    counted = [
        replace(item, mind=(5 - 0.2 * item.place + rng.gauss(0, 0.3), item.place / 20 + rng.gauss(0, 0.1))) for item in glimpses(episodes)
    ]
    found = blind_figures(counted)["targets"]["trust"]
    assert found["place_alone"]["value"] > 0.8
    assert found["correlation"]["value"] < 0.12


def test_too_few_scenarios_can_not_be_read_blind(episodes: list[Episode]) -> None:
    assert blind_figures(glimpses(episodes[:3]))["targets"] is None


def test_no_talk_is_refused() -> None:
    with pytest.raises(InputError, match="all 4 talks failed"):
        seeker_figures([], failed=4)
