"""Personas by seed: even, free of contradictions, and the same whatever is drawn beside them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import qmc

from simulator.persona import Coping, Help, Hurt, Persona, Resistance, Verbosity
from simulator.radical import PRIMES, coordinate
from simulator.sampling import TRAITS, ages_of, sample_persona, space
from simulator.scenario import Speakable

MANY = 3000


@pytest.fixture(scope="module")
def crowd() -> list[Persona]:
    return [sample_persona(11, index) for index in range(MANY)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_points_are_more_even_than_chance(seed: int) -> None:
    count, dimensions = 64, 5
    points = np.array([[coordinate(seed, index, axis) for axis in range(dimensions)] for index in range(count)])
    chance = [qmc.discrepancy(np.random.default_rng(trial).random((count, dimensions))) for trial in range(50)]
    assert qmc.discrepancy(points) < np.quantile(chance, 0.02)


def test_each_axis_is_stratified_by_its_base() -> None:
    for axis, base in enumerate(PRIMES):
        strata = {int(coordinate(5, index, axis) * base) for index in range(base)}
        assert strata == set(range(base))


def test_personas_cover_the_space_better_than_chance() -> None:
    personas = [sample_persona(3, index) for index in range(64)]
    ages = sorted(persona.age for persona in personas)
    assert ages[0] <= 18
    assert ages[-1] >= 70
    assert max(np.diff(ages)) <= 8
    pairs = {(persona.resistance, persona.coping) for persona in personas}
    allowed = sum(resistance not in space().coping[coping].not_with for resistance in Resistance for coping in Coping)
    assert len(pairs) >= 0.8 * allowed
    for extreme in TRAITS:
        values = [getattr(persona.big_five, extreme) for persona in personas]
        assert min(values) < 0.15, extreme
        assert max(values) > 0.85, extreme


@pytest.mark.parametrize("count", [10, 25, 64, 200])
def test_resistance_verbosity_and_gender_are_balanced(count: int) -> None:
    personas = [sample_persona(8, index) for index in range(count)]
    resistance = Counter(persona.resistance for persona in personas)
    assert max(resistance.values()) - min(resistance[kind] for kind in Resistance) <= 1
    verbosity = Counter(persona.verbosity for persona in personas)
    assert all(abs(verbosity[kind] / count - 1 / 3) < 0.15 for kind in Verbosity)
    gender = Counter(persona.gender for persona in personas)
    assert abs(gender["female"] - gender["male"]) <= max(2, 0.06 * count)


def test_no_contradictions(crowd: list[Persona]) -> None:
    for persona in crowd:
        youngest, oldest = ages_of(persona.occupation)
        assert youngest <= persona.age <= oldest, persona
        traits = persona.big_five
        if persona.resistance is Resistance.SILENT:
            assert persona.verbosity is Verbosity.TERSE
            assert traits.extraversion <= 0.4
            assert persona.coping is not Coping.TALKING
        if persona.resistance is Resistance.OPEN:
            assert persona.verbosity is not Verbosity.TERSE
            assert persona.coping is not Coping.WITHDRAWAL
        if persona.resistance is Resistance.ARGUMENTATIVE:
            assert traits.agreeableness < 0.5
        if persona.resistance in (Resistance.GUARDED, Resistance.AVOIDANT):
            assert traits.openness <= 0.75
        if persona.verbosity is Verbosity.TALKATIVE:
            assert traits.extraversion > 0.4
        assert 2 <= len(persona.helps) == len(set(persona.helps)) <= 3
        assert 2 <= len(persona.hurts) == len(set(persona.hurts)) <= 3
        assert not {hurt for kind in persona.helps for hurt in space().conflicts.get(kind, ())} & set(persona.hurts)


def test_no_young_surgeon_and_no_old_pupil(crowd: list[Persona]) -> None:
    assert all(persona.age >= 34 for persona in crowd if persona.occupation == "surgeon")
    assert all(persona.age <= 18 for persona in crowd if persona.occupation == "secondary school student")
    assert all(persona.age >= 60 for persona in crowd if persona.occupation.startswith("retired"))
    assert {persona.occupation for persona in crowd} == {job.name for job in space().occupations}


def test_every_age_has_an_occupation() -> None:
    for age in range(13, 101):
        persona = sample_persona(1, 0, given={"age": age})
        youngest, oldest = ages_of(persona.occupation)
        assert youngest <= age <= oldest


def test_index_does_not_depend_on_how_many_are_drawn() -> None:
    assert sample_persona(4, 17) == [sample_persona(4, index) for index in range(40)][17]
    assert sample_persona(4, 17) != sample_persona(5, 17)


def test_speaker_wins() -> None:
    speaker = Speakable(ages=(40, 44), genders=("male",), occupations=("nurse", "lighthouse keeper"))
    for index in range(30):
        persona = sample_persona(2, index, speaker=speaker)
        assert 40 <= persona.age <= 44
        assert persona.gender == "male"
        assert persona.occupation in speaker.occupations


def test_speaker_wins_over_the_table_of_ages() -> None:
    persona = sample_persona(2, 0, speaker=Speakable(ages=(15, 16), occupations=("surgeon",)))
    assert persona.occupation == "surgeon"
    assert persona.age in (15, 16)


def test_what_the_scenario_helps_with_is_kept_and_not_contradicted() -> None:
    for index in range(200):
        persona = sample_persona(6, index, helps=[Help.INFORMATION], hurts=[Hurt.COMPARISON])
        assert persona.helps[0] is Help.INFORMATION
        assert persona.hurts[0] is Hurt.COMPARISON
        assert Help.SHARED_EXPERIENCE not in persona.helps
        assert Hurt.EARLY_ADVICE not in persona.hurts


def test_given_fields_are_taken_and_the_rest_is_named() -> None:
    persona = sample_persona(1, 3, given={"age": 29, "gender": "female", "background": "Age: 29", "language": "English"})
    assert (persona.age, persona.gender, persona.background) == (29, "female", "Age: 29")
    assert persona.sampled == tuple(sorted(persona.sampled))
    assert set(persona.sampled) == set(Persona.model_fields) - {"age", "gender", "background", "language", "sampled"}
    whole = {name: getattr(persona, name) for name in Persona.model_fields if name != "sampled"}
    assert sample_persona(9, 9, given=whole).sampled == ()


def test_an_age_range_is_sampled_inside_and_named() -> None:
    ages = {sample_persona(1, index, given={"age": (18, 30)}).age for index in range(40)}
    assert min(ages) >= 18
    assert max(ages) <= 30
    assert len(ages) > 8
    assert "age" in sample_persona(1, 0, given={"age": (18, 30)}).sampled


def test_given_traits_choose_what_fits_them() -> None:
    for index in range(60):
        persona = sample_persona(1, index, given={"big_five": {"extraversion": 0.9}})
        assert persona.big_five.extraversion == 0.9
        assert persona.resistance is not Resistance.SILENT
        assert persona.verbosity is not Verbosity.TERSE
        assert "big_five" in persona.sampled
        assert sample_persona(1, index, given={"verbosity": Verbosity.TALKATIVE}).resistance is not Resistance.SILENT


def test_a_given_occupation_narrows_the_age() -> None:
    assert all(15 <= sample_persona(1, index, given={"occupation": "high school student"}).age <= 18 for index in range(20))
    assert all(sample_persona(1, index, given={"occupation": "retired veteran"}).age >= 60 for index in range(20))


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="'job' is no field"):
        sample_persona(1, 0, given={"job": "nurse"})
    with pytest.raises(ValueError, match="'warmth' is no trait"):
        sample_persona(1, 0, given={"big_five": {"warmth": 0.5}})
