"""What would earn relief cheaply earns none: the seeker's ear and mind under replies that only look like support."""

from __future__ import annotations

import pytest

from agents.words import Speaker, Strategy, Utterance
from simulator.appraising import GENERAL_RUN, TAKEN_UP, appraise, scene
from simulator.attention import weight
from simulator.mind import GOOD, SPOILED, Appraisal, Evidence, Mind, Sign, first_mind, live
from simulator.persona import BigFive, Coping, Help, Hurt, Persona, Resistance, Style, Verbosity
from simulator.scenario import library

SCENARIO = next(scenario for scenario in library() if scenario.name == "liver-values-oulu")
PERSONA = Persona(
    age=52,
    gender="male",
    occupation="school caretaker",
    big_five=BigFive(openness=0.5, conscientiousness=0.5, extraversion=0.5, agreeableness=0.5, neuroticism=0.5),
    verbosity=Verbosity.MEDIUM,
    style=Style.PLAIN,
    coping=Coping.WITHDRAWAL,
    helps=(Help.BEING_HEARD,),
    hurts=(Hurt.PRESSURE,),
    resistance=Resistance.OPEN,
)
FOREIGN = (
    "You keep up nights at a store while carrying a broken heart, and most people would have dropped one of the two.",
    "A father who didn't care would be sleeping soundly on it. You came and wrote it down.",
    "You want to ask someone in, and nothing has managed to kill that off.",
)
OWN = "Getting to the school before anybody sees your hands shaking takes planning and nerve."


def landed(*replies: str, strategy: Strategy = Strategy.AFFIRMATION) -> frozenset[Sign]:
    """The signs of the last of these replies, each of which the seeker answers."""
    seeker = "I'm a caretaker at a school. The liver number is bad, my hands shake in the mornings and I get there before anybody sees."
    talk = [Utterance(speaker=Speaker.SEEKER, text=seeker)]
    for text in replies:
        talk.append(Utterance(speaker=Speaker.SUPPORTER, text=text, strategy=strategy))
        talk.append(Utterance(speaker=Speaker.SEEKER, text="I lie awake with it and can't say a word to anyone about that."))
    return appraise(scene(talk[:-1], first_mind(PERSONA, 4), PERSONA, SCENARIO)).signs


def mind() -> Mind:
    return first_mind(PERSONA, 4)


def signs(*found: Sign) -> Appraisal:
    return Appraisal(evidence=tuple(Evidence(sign=sign) for sign in found))


def test_a_fine_line_about_somebody_else_affirms_nothing() -> None:
    assert Sign.VALUED in landed(OWN)
    for text in FOREIGN:
        assert not landed(text) & GOOD, text


def test_one_general_line_may_pass_and_a_run_of_them_is_not_listening() -> None:
    for count in range(1, GENERAL_RUN):
        assert Sign.NOT_HEARD not in landed(*FOREIGN[:count])
    assert Sign.NOT_HEARD in landed(*FOREIGN[:GENERAL_RUN])
    assert Sign.NOT_HEARD not in landed(*FOREIGN[: GENERAL_RUN - 1], OWN)


def test_being_met_in_the_same_way_for_the_third_time_is_a_repetition() -> None:
    other = "With that number in your pocket you still kept the school running."
    third = "It takes something to keep a school going on mornings like these."
    assert Sign.REPEATED not in landed(OWN, other)
    assert Sign.REPEATED in landed(OWN, other, third)
    assert Sign.REPEATED not in landed(OWN, other, third, strategy=Strategy.OTHERS)


def test_a_short_message_handed_back_is_parroted_too() -> None:
    assert Sign.PARROTED in landed("So you can't say a word about that, awake and lying with it.", "You lie awake with a word.")


def test_advice_is_useful_where_it_takes_up_what_was_told() -> None:
    told = "You said you'd like ideas: maybe ask the nurse what the liver number means for your hands in the mornings."
    anybody = "You said you'd like ideas: maybe have a small evening routine, with candles, and see how that goes."
    ready = first_mind(PERSONA, 4)
    asked = (Utterance(speaker=Speaker.SEEKER, text="My hands shake and the liver number is bad. What would you do?"),)
    found = []
    for text in (told, anybody):
        talk = (*asked, Utterance(speaker=Speaker.SUPPORTER, text=text, strategy=Strategy.SUGGESTION))
        found.append(appraise(scene(talk, ready, PERSONA, SCENARIO)).signs & {Sign.USEFUL, Sign.STEP_OFFERED})
    assert found[0]
    assert not found[1]


def test_a_word_of_one_story_weighs_more_than_a_word_of_all() -> None:
    assert weight(["caretak"]) > TAKEN_UP > weight(["night"])
    assert weight(["zzyzx"]) == max(weight([root]) for root in ("zzyzx", "liver", "night"))
    assert weight(["liver", "night"]) == pytest.approx(weight(["liver"]) + weight(["night"]))


@pytest.mark.parametrize("spoiler", list(SPOILED))
def test_a_good_word_beside_what_spoils_it_is_hardly_heard(spoiler: Sign) -> None:
    clean, spoiled, alone = (live(mind(), signs(*found), PERSONA) for found in ((Sign.VALUED,), (Sign.VALUED, spoiler), (spoiler,)))
    gain = clean.trust - mind().trust
    assert gain > 0
    assert spoiled.trust - alone.trust == pytest.approx(SPOILED[spoiler] * gain)
    assert spoiled.trust < mind().trust


def test_a_parrot_earns_nothing_whatever_it_hits() -> None:
    everything = live(mind(), signs(*GOOD, Sign.PARROTED), PERSONA)
    assert everything.intensity > mind().intensity
    assert everything.trust < mind().trust
