"""Guards: duplicates, lengths, balance, crisis and leaks."""

from __future__ import annotations

import random

import pytest

from agents.chat.port import Message
from agents.errors import InputError
from agents.words import Strategy
from simulator.splits import Split
from training.guards import FLOOR, Balance, Dropped, Guards, GuardSettings, LeakCheck
from training.nearduplicates import NearDuplicates, shingles
from training.pair import Kept, Pair, PairKind, length_ratio, pair_id

WORDS = [f"{first}{second}" for first in "bcdfgklmnprst" for second in ("ao", "eni", "ilu", "ora", "umi", "aske", "ent")]


def talk(seed: int, count: int = 30) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def pair(number: int = 0, **changes: object) -> Pair:
    """A response pair of its own words."""
    values: dict[str, object] = {
        "kind": PairKind.RESPONSE,
        "prompt": (Message(role="system", content="Reply."), Message(role="user", content=talk(3 * number))),
        "chosen": talk(3 * number + 1, 12),
        "rejected": talk(3 * number + 2, 12),
        "chosen_strategy": Strategy.QUESTION,
        "rejected_strategy": Strategy.QUESTION,
        "kept": Kept(judge="rehearsal"),
        "source": "run",
        "dialogue": f"ep-{number}",
        "turn": 3,
        "persona": f"pe-{number}",
        "scenario": f"story-{number}",
        "split": Split.TRAIN,
    } | changes
    sides = str(values["chosen"]), str(values["rejected"])
    values.setdefault("length_ratio", length_ratio(*sides))
    return Pair.model_validate(values | {"id": pair_id(PairKind(str(values["kind"])), str(values["dialogue"]), 3, *sides)})


def test_the_same_pair_twice_is_dropped_whatever_its_case_and_spacing() -> None:
    guards = Guards()
    first = pair()
    assert guards.admit(first) is None
    assert guards.admit(first.model_copy(update={"dialogue": "ep-other", "chosen": f"  {first.chosen.upper()} "})) is Dropped.EXACT
    assert guards.admit(first.model_copy(update={"kind": PairKind.REFINE})) is None
    assert guards.admit(pair(1)) is None


def test_a_pair_with_a_word_changed_is_a_near_duplicate() -> None:
    guards = Guards()
    first = pair()
    said = first.prompt[-1].content.split()
    changed = first.model_copy(update={"prompt": (first.prompt[0], Message(role="user", content=" ".join([*said[:-1], "otherwise"])))})
    assert guards.admit(first) is None
    assert guards.admit(changed) is Dropped.NEAR
    assert Guards(GuardSettings(near=1.0)).admit(first) is None
    lenient = Guards(GuardSettings(near=1.0))
    assert [lenient.admit(first), lenient.admit(changed)] == [None, None]


def test_a_longer_history_does_not_hide_that_a_pair_is_there_already() -> None:
    guards = Guards()
    first = pair()
    grown = (first.prompt[0], Message(role="user", content=talk(90)), Message(role="assistant", content=talk(91)), first.prompt[1])
    assert guards.admit(first) is None
    assert guards.admit(first.model_copy(update={"prompt": grown})) is Dropped.NEAR


def test_labels_are_told_apart_by_the_talk_and_not_by_the_planners_question() -> None:
    guards = Guards()
    labels = {"kind": PairKind.STRATEGY, "chosen": "Question", "rejected": "Information"}
    ask = Message(role="user", content=talk(1000, 150))
    first, other = pair(1, **labels), pair(2, **labels)
    asked = [made.model_copy(update={"prompt": (*made.prompt, ask)}) for made in (first, other)]
    said = [Message(role="user", content=talk(number, 8)) for number in (1, 2)]
    short = [made.model_copy(update={"prompt": (made.prompt[0], turn, ask)}) for made, turn in zip((first, other), said, strict=True)]
    assert [guards.admit(made) for made in (*asked, *short)] == [None] * 4
    assert guards.admit(asked[0].model_copy(update={"turn": 9})) is Dropped.EXACT


def test_near_duplicates_agree_with_comparing_all_with_all() -> None:
    chance = random.Random(5)
    texts = [talk(number, 40) for number in range(120)]
    for number in range(120):
        words = texts[number].split()
        for place in chance.sample(range(40), chance.choice([1, 2, 3, 6, 12])):
            words[place] = chance.choice(WORDS)
        texts.append(" ".join(words))
    chance.shuffle(texts)
    kept: list[set[int]] = []
    expected = []
    for text in texts:
        mine = set(shingles(text).tolist())
        alike = any(len(mine & other) / len(mine | other) >= 0.7 for other in kept)
        expected.append(alike)
        if not alike:
            kept.append(mine)
    near = NearDuplicates(0.7)
    found = [near.seen(text) for text in texts]
    assert 20 < sum(expected) < 120
    assert sum(left != right for left, right in zip(found, expected, strict=True)) <= 0.1 * sum(expected)
    assert not any(left and not right for left, right in zip(found, expected, strict=True))


def test_what_is_remembered_is_bounded_and_the_newest_stays() -> None:
    near = NearDuplicates(0.9, generation=10)
    for number in range(30):
        assert not near.seen(talk(number))
    assert near.seen(talk(29))
    assert near.seen(talk(21))
    assert not near.seen(talk(0))


@pytest.mark.parametrize(("words", "dropped"), [(5, True), (6, False), (24, False), (25, True)])
def test_a_side_much_longer_or_shorter_is_dropped(words: int, dropped: bool) -> None:
    made = pair(chosen=talk(7, words))
    assert Guards().admit(made) is (Dropped.LENGTH if dropped else None)
    assert Guards(GuardSettings(ratio=(0.1, 10.0))).admit(made) is None


def test_labels_have_no_length() -> None:
    made = pair(kind=PairKind.STRATEGY, chosen="Restatement or Paraphrasing", rejected="Question")
    assert made.length_ratio == 3
    assert Guards().admit(made) is None


def test_crisis_talks_are_left_out_unless_asked_for() -> None:
    assert Guards().admit(pair(crisis=True)) is Dropped.CRISIS
    assert Guards(GuardSettings(crisis=True)).admit(pair(crisis=True)) is None


def cells(*counts: tuple[Strategy, Strategy, int]) -> list[Pair]:
    numbers = iter(range(10_000))
    return [
        pair(next(numbers), chosen_strategy=chosen, rejected_strategy=rejected) for chosen, rejected, count in counts for _ in range(count)
    ]


def kept(balance: Balance, pairs: list[Pair]) -> list[Pair]:
    for one in pairs:
        balance.note(one)
    return [one for one, stays in zip(pairs, balance.kept(), strict=True) if stays]


def count(pairs: list[Pair], chosen: Strategy, rejected: Strategy) -> int:
    return sum(one.chosen_strategy is chosen and one.rejected_strategy is rejected for one in pairs)


def test_no_cell_of_strategies_dominates() -> None:
    question, suggestion, others = Strategy.QUESTION, Strategy.SUGGESTION, Strategy.OTHERS
    pairs = cells((question, suggestion, 200), (others, suggestion, 20), (suggestion, question, 18), (question, question, 300))
    left = kept(Balance(3.0), pairs)
    assert count(left, question, suggestion) == 60
    assert count(left, others, suggestion) == 20
    assert count(left, suggestion, question) == 18
    assert count(left, question, question) == 300, "cells of one strategy are compared among themselves"
    assert kept(Balance(None), pairs) == pairs


def test_small_cells_are_never_cut() -> None:
    pairs = cells(
        (Strategy.QUESTION, Strategy.OTHERS, FLOOR + 5), (Strategy.OTHERS, Strategy.QUESTION, 1), (Strategy.INFORMATION, Strategy.OTHERS, 1)
    )
    assert count(kept(Balance(3.0), pairs), Strategy.QUESTION, Strategy.OTHERS) == FLOOR


def test_which_pairs_of_a_full_cell_stay_does_not_depend_on_their_order() -> None:
    pairs = cells(
        (Strategy.QUESTION, Strategy.OTHERS, 80), (Strategy.OTHERS, Strategy.QUESTION, 4), (Strategy.OTHERS, Strategy.INFORMATION, 4)
    )
    left = kept(Balance(3.0), pairs)
    assert len(left) == 12 + 4 + 4
    assert {one.id for one in kept(Balance(3.0), pairs[::-1])} == {one.id for one in left}
    assert left[:12] != pairs[:12]


@pytest.mark.parametrize("what", ["scenario", "persona", "dialogue"])
def test_a_scenario_persona_or_dialogue_in_two_splits_is_an_error(what: str) -> None:
    check = LeakCheck()
    first, other = pair(1), pair(2, split=Split.TEST)
    check.check(first)
    check.check(other)
    leaked = other.model_copy(update={what: getattr(first, what)})
    with pytest.raises(InputError, match=rf"here:7: {what} \S+ is in test here and in train before"):
        check.check(leaked, "here:7")


@pytest.mark.parametrize("ratio", [(2.0, 0.5), (1.1, 2.0), (-1.0, 2.0), (0.5, 0.9)])
def test_bounds_that_leave_out_equal_lengths_are_refused(ratio: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must hold 1"):
        GuardSettings(ratio=ratio)
