from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.mind import LIMITS, TIRED, Appraisal, Evidence, Mind, Sign, first_mind, live
from simulator.persona import BigFive, Coping, Help, Hurt, Persona, Resistance, Style, Verbosity


def someone(resistance: Resistance = Resistance.OPEN, *, neuroticism: float = 0.5, hurts: tuple[Hurt, ...] = (Hurt.PRESSURE,)) -> Persona:
    return Persona(
        age=40,
        gender="female",
        occupation="baker",
        big_five=BigFive(openness=0.5, conscientiousness=0.5, extraversion=0.5, agreeableness=0.5, neuroticism=neuroticism),
        verbosity=Verbosity.MEDIUM,
        style=Style.PLAIN,
        coping=Coping.TALKING,
        helps=(Help.BEING_HEARD,),
        hurts=hurts,
        resistance=resistance,
    )


def landed(*signs: Sign) -> Appraisal:
    return Appraisal(evidence=tuple(Evidence(sign=sign) for sign in signs))


minds = st.builds(
    Mind,
    intensity=st.floats(1, 5),
    trust=st.floats(0, 1),
    openness=st.floats(0, 1),
    patience=st.floats(0, 1),
    grip=st.floats(0, 1),
    lived=st.dictionaries(st.sampled_from(Sign), st.integers(0, 6), max_size=4),
)


@given(minds, st.sets(st.sampled_from(Sign)), st.sampled_from(Resistance), st.floats(0, 1))
def test_every_move_is_bounded_and_clipped(mind: Mind, signs: set[Sign], resistance: Resistance, neuroticism: float) -> None:
    after = live(mind, landed(*signs), someone(resistance, neuroticism=neuroticism))
    assert abs(after.trust - mind.trust) <= LIMITS.trust + 1e-9
    assert abs(after.intensity - mind.intensity) <= LIMITS.intensity * 1.25 + 1e-9
    assert abs(after.patience - mind.patience) <= LIMITS.patience + TIRED + 1e-9
    assert 1 <= after.intensity <= 5
    assert 0 <= after.trust <= 1
    assert 0 <= after.patience <= 1


def test_being_heard_earns_trust_and_pressure_costs_it() -> None:
    start = first_mind(someone(), 4)
    assert live(start, landed(Sign.HEARD), someone()).trust > start.trust
    assert live(start, landed(Sign.PRESSURE), someone()).trust < start.trust


@pytest.mark.parametrize("sign", [Sign.TEMPLATE, Sign.MISREAD, Sign.EARLY_ADVICE, Sign.MINIMISED, Sign.NOT_HEARD])
def test_what_goes_wrong_costs_trust_and_patience(sign: Sign) -> None:
    start = first_mind(someone(), 4)
    after = live(start, landed(sign), someone())
    assert after.trust < start.trust
    assert after.patience < start.patience - TIRED


def test_the_same_kind_word_is_worth_less_each_time() -> None:
    mind, gains = first_mind(someone(), 4), []
    for _ in range(4):
        after = live(mind, landed(Sign.HEARD), someone())
        gains.append(after.trust - mind.trust)
        mind = after
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] < gains[0] / 2


def test_nobody_is_cured_by_one_sentence() -> None:
    start = first_mind(someone(), 5)
    best = live(start, landed(*Sign), someone())
    assert start.intensity - best.intensity < 0.5


def test_a_guarded_person_trusts_more_slowly_than_an_open_one() -> None:
    gains = {}
    for resistance in (Resistance.OPEN, Resistance.GUARDED):
        start = first_mind(someone(resistance), 4)
        gains[resistance] = live(start, landed(Sign.HEARD), someone(resistance)).trust - start.trust
    assert gains[Resistance.GUARDED] < gains[Resistance.OPEN]


def test_what_hurts_this_person_hurts_more() -> None:
    start = first_mind(someone(), 4)
    sore = live(start, landed(Sign.TEMPLATE), someone(hurts=(Hurt.CLICHES,)))
    other = live(start, landed(Sign.TEMPLATE), someone(hurts=(Hurt.PITY,)))
    assert sore.trust < other.trust


@pytest.mark.parametrize(("intensity", "reported"), [(1.0, 1), (1.49, 1), (2.5, 3), (4.6, 5), (5.0, 5)])
def test_the_reported_intensity_is_on_the_questionnaire_scale(intensity: float, reported: int) -> None:
    assert Mind(intensity=intensity, trust=0, openness=0, patience=1).reported == reported
