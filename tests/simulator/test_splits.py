"""Splits: about 80/10/10, of names alone, the same everywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from simulator.sampling import sample_persona
from simulator.scenario import library
from simulator.splits import Split, persona_key, split_of_cast, split_of_dialogue, split_of_persona, split_of_scenario


@pytest.mark.parametrize("split_of", [split_of_scenario, split_of_persona, split_of_dialogue])
def test_about_eight_tenths_one_and_one(split_of: Callable[[str], Split]) -> None:
    counts = Counter(split_of(f"name-{number}") for number in range(10_000))
    assert 7_850 < counts[Split.TRAIN] < 8_150
    assert 900 < counts[Split.DEV] < 1_100
    assert 900 < counts[Split.TEST] < 1_100


def test_the_librarys_scenarios_fall_into_all_three() -> None:
    counts = Counter(split_of_scenario(scenario.name) for scenario in library())
    total = len(library())
    assert abs(counts[Split.TRAIN] / total - 0.8) < 0.05
    assert abs(counts[Split.DEV] / total - 0.1) < 0.05
    assert abs(counts[Split.TEST] / total - 0.1) < 0.05


def test_a_split_never_moves() -> None:
    """Literal: when one of these changes, what was held out in older runs has been trained on."""
    held_out = {
        "dev": "baltimore-chapter-three dundee-brown-envelopes nakuru-called-off redundancy-pool-preston rutland-eleven-letters "
        "setubal-bus-stop",
        "test": "cavan-milking-parlour halifax-residence-room izmir-hearing-aid kumasi-ward-practical locked-workshop-kassel",
    }
    for split, names in held_out.items():
        assert [split_of_scenario(name).value for name in names.split()] == [split] * len(names.split())
    assert [split_of_scenario(name).value for name in ("kaga-half-smile", "curtains-shut-kuopio")] == ["train", "train"]
    assert [number for number in range(40) if split_of_persona(f"pe-{number}") is not Split.TRAIN] == [5, 16, 18, 23, 32, 38, 39]


def test_scenario_persona_and_dialogue_of_one_name_are_split_apart() -> None:
    names = [f"name-{number}" for number in range(300)]
    assert [split_of_scenario(name) for name in names] != [split_of_dialogue(name) for name in names]
    assert [split_of_scenario(name) for name in names] != [split_of_persona(name) for name in names]


def test_a_persona_has_one_key_whatever_was_sampled() -> None:
    persona = sample_persona(1, 0)
    assert persona_key(persona) == persona_key(persona.model_copy(update={"sampled": ()}))
    assert persona_key(persona) != persona_key(persona.model_copy(update={"age": persona.age + 1}))
    assert len({persona_key(sample_persona(1, index)) for index in range(200)}) == 200
    assert split_of_persona(persona) is split_of_persona(persona_key(persona))


def test_a_cast_has_a_split_only_where_story_and_person_agree() -> None:
    found = Counter(split_of_cast(f"story-{number}", f"pe-{number}") for number in range(5_000))
    assert 0.60 < found[Split.TRAIN] / 5_000 < 0.68
    assert found[Split.TEST] > 0
    for number in range(200):
        story, person = f"story-{number}", f"pe-{number}"
        both = {split_of_scenario(story), split_of_persona(person)}
        assert split_of_cast(story, person) is (both.pop() if len(both) == 1 else None)
