"""The seeker under a scripted supporter: answers or dodges, corrects, objects, opens up, gives up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from agents.chat.port import Ledger
from agents.words import Speaker, Strategy, Utterance
from simulator.cast import Cast
from simulator.episode import SeekerTurn
from simulator.intent import Move
from simulator.mind import Sign
from simulator.persona import BigFive, Coping, Persona, Resistance, Style, Verbosity
from simulator.rehearsal import RehearsalSeeker
from simulator.scenario import Depth, Scenario, library
from simulator.seeker import Seeker

SCENARIO = next(scenario for scenario in library() if scenario.name == "liver-values-oulu")

WARM = (
    ("Hello, good that you wrote. What's going on?", Strategy.QUESTION),
    ("A number in a blood test, and nobody to tell it to. That's a frightening thing to walk around with.", Strategy.REFLECTION),
    ("What did the nurse say when she rang?", Strategy.QUESTION),
    ("You heard a careful voice and a bad liver number, and you had to stand there with it.", Strategy.RESTATEMENT),
    ("You sound scared, and tired of being scared by yourself.", Strategy.REFLECTION),
    ("How are your hands in the mornings, at work?", Strategy.QUESTION),
    ("Getting to the school before anybody sees the shaking takes planning and nerve.", Strategy.AFFIRMATION),
    ("My own hands shook for a year, so I know what a key and a lock can be.", Strategy.SELF_DISCLOSURE),
    ("Is there anybody at home who knows about the blood test?", Strategy.QUESTION),
    ("It's lonely, and you're afraid of what the ultrasound will say.", Strategy.REFLECTION),
)
COLD = tuple(
    (text, Strategy.SUGGESTION)
    for text in (
        "You should just stop drinking. Try yoga.",
        "Everything happens for a reason. Stay positive!",
        "You must be so happy that they found it.",
        "At least it's not cancer. Others have it worse.",
        "You need to pull yourself together and join a gym.",
        "Just forget about it and move on.",
        "You should keep a gratitude journal.",
        "Look on the bright side, you have a job.",
        "You have to think positive, no excuses.",
        "Just go to bed early, you'll be fine.",
    )
)


@dataclass
class Lived:
    turns: list[SeekerTurn]
    talk: list[Utterance]


def someone(resistance: Resistance, verbosity: Verbosity = Verbosity.MEDIUM) -> Persona:
    return Persona(
        age=52,
        gender="male",
        occupation="school caretaker",
        big_five=BigFive(openness=0.5, conscientiousness=0.5, extraversion=0.5, agreeableness=0.5, neuroticism=0.5),
        verbosity=verbosity,
        style=Style.PLAIN,
        coping=Coping.WITHDRAWAL,
        helps=SCENARIO.helps,
        hurts=SCENARIO.hurts,
        resistance=resistance,
    )


def live_through(script: tuple[tuple[str, Strategy], ...], persona: Persona, *, seed: int = 1, scenario: Scenario = SCENARIO) -> Lived:
    async def go() -> Lived:
        seeker, ledger = Seeker(RehearsalSeeker()), Ledger()
        cast = Cast(persona=persona, scenario=scenario)
        lived = Lived([], [])
        for reply in (None, *script):
            if reply:
                lived.talk.append(Utterance(speaker=Speaker.SUPPORTER, text=reply[0], strategy=reply[1]))
            mind = lived.turns[-1].mind if lived.turns else None
            past = tuple(turn.intent for turn in lived.turns)
            turn = await seeker.turn(cast, tuple(lived.talk), past, mind, seed=seed, ledger=ledger)
            lived.turns.append(turn)
            lived.talk.append(Utterance(speaker=Speaker.SEEKER, text=turn.text))
            if turn.intent.move in (Move.LEAVE, Move.CLOSE):
                break
        return lived

    return asyncio.run(go())


def told(lived: Lived) -> int:
    return len({item.key for item in lived.turns[-1].mind.disclosed})


def test_good_support_eases_and_bad_support_does_not() -> None:
    for seed in range(5):
        warm = live_through(WARM, someone(Resistance.OPEN), seed=seed).turns[-1].mind
        cold = live_through(COLD, someone(Resistance.OPEN), seed=seed).turns[-1].mind
        assert warm.intensity < SCENARIO.intensity - 0.5
        assert cold.intensity >= SCENARIO.intensity - 0.05
        assert warm.trust > cold.trust + 0.3


def test_a_guarded_and_an_open_person_give_visibly_different_talks() -> None:
    words: dict[Resistance, int] = {}
    facts: dict[Resistance, int] = {}
    for resistance in (Resistance.OPEN, Resistance.GUARDED):
        lived = [live_through(WARM, someone(resistance), seed=seed) for seed in range(6)]
        words[resistance] = sum(len(turn.text.split()) for one in lived for turn in one.turns)
        facts[resistance] = sum(told(one) for one in lived)
    assert words[Resistance.OPEN] > 1.3 * words[Resistance.GUARDED]
    assert facts[Resistance.OPEN] > facts[Resistance.GUARDED]


def test_a_terse_person_says_less_than_a_talkative_one() -> None:
    def length(verbosity: Verbosity) -> int:
        return sum(
            len(turn.text.split()) for seed in range(4) for turn in live_through(WARM, someone(Resistance.OPEN, verbosity), seed=seed).turns
        )

    assert length(Verbosity.TALKATIVE) > 1.5 * length(Verbosity.TERSE)


def test_the_question_that_asks_for_a_fact_gets_that_fact() -> None:
    script = (WARM[0], ("What did the blood test show?", Strategy.QUESTION))
    answers = [live_through(script, someone(Resistance.OPEN), seed=seed).turns[-1] for seed in range(12)]
    answers = [turn for turn in answers if turn.intent.move is not Move.OPEN]
    assert answers
    for turn in answers:
        assert turn.intent.move in (Move.ANSWER, Move.DODGE)
        if turn.intent.move is Move.ANSWER:
            assert "blood-result" in [offer.key for offer in turn.intent.facts]
            assert "liver" in turn.text.lower()


def test_every_question_is_answered_or_dodged_never_passed_over() -> None:
    for resistance in Resistance:
        lived = live_through(WARM, someone(resistance), seed=3)
        for before, turn in zip([None, *WARM], lived.turns, strict=False):
            if before and before[1] is Strategy.QUESTION and turn.intent.move not in (Move.OPEN, Move.GREET):
                assert turn.intent.move in (
                    Move.ANSWER,
                    Move.DEEPEN,
                    Move.DODGE,
                    Move.CORRECT,
                    Move.BRISTLE,
                    Move.LEAVE,
                    Move.WIND_UP,
                    Move.CLOSE,
                )


def test_what_only_trust_opens_is_not_told_to_a_stranger() -> None:
    deep = next(fact for fact in SCENARIO.facts if fact.depth is Depth.TRUSTED)
    script = (WARM[0], WARM[1], (f"{deep.asked[0]}?", Strategy.QUESTION))
    for seed in range(8):
        lived = live_through(script, someone(Resistance.GUARDED), seed=seed)
        assert all(deep.key not in [offer.key for offer in turn.intent.facts] for turn in lived.turns)


def test_a_wrong_emotion_is_put_right() -> None:
    script = (*WARM[:3], ("You sound thrilled about it all.", Strategy.REFLECTION))
    turn = live_through(script, someone(Resistance.OPEN)).turns[-1]
    assert turn.appraisal is not None
    assert Sign.MISREAD in turn.appraisal.signs
    assert turn.intent.move is Move.CORRECT
    assert "scared" in turn.text


@pytest.mark.parametrize(
    ("reply", "strategy", "sign"),
    [
        ("Everything happens for a reason.", Strategy.AFFIRMATION, Sign.TEMPLATE),
        ("You should just stop drinking tonight.", Strategy.SUGGESTION, Sign.PRESSURE),
        ("At least you still have your job.", Strategy.AFFIRMATION, Sign.MINIMISED),
        ("Have you tried a new hobby?", Strategy.SUGGESTION, Sign.EARLY_ADVICE),
        (" ".join(["The liver is an organ and I will tell you all about it now."] * 12), Strategy.INFORMATION, Sign.OVERLONG),
        ("You're an amazing, wonderful, incredible superstar.", Strategy.AFFIRMATION, Sign.FLATTERED),
    ],
)
def test_what_goes_wrong_is_noticed_with_its_words(reply: str, strategy: Strategy, sign: Sign) -> None:
    turn = live_through((*WARM[:2], (reply, strategy)), someone(Resistance.OPEN)).turns[-1]
    assert turn.appraisal is not None
    found = {item.sign: item.quote for item in turn.appraisal.evidence}
    assert sign in found
    assert found[sign].lower()[:20] in reply.lower()


def test_handing_back_the_seekers_own_words_is_no_hearing() -> None:
    first = live_through(WARM[:1], someone(Resistance.OPEN)).turns[-1].text
    turn = live_through((WARM[0], (first, Strategy.RESTATEMENT)), someone(Resistance.OPEN)).turns[-1]
    assert turn.appraisal is not None
    assert Sign.PARROTED in turn.appraisal.signs
    assert Sign.HEARD not in turn.appraisal.signs


def test_patience_ends_the_talk() -> None:
    lived = live_through(COLD * 2, someone(Resistance.ARGUMENTATIVE))
    assert lived.turns[-1].intent.move is Move.LEAVE


def test_nobody_says_a_sentence_twice() -> None:
    from agents.text import normal, sentences

    for resistance in Resistance:
        said = [normal(sentence) for turn in live_through(WARM, someone(resistance)).turns for sentence in sentences(turn.text)]
        assert len(said) == len(set(said))
