"""The authored library: every scenario is whole, and everything that may be said in it has been answered by hand."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from agents.rehearsal.listening import ear
from agents.rehearsal.repertoire import stories
from agents.rehearsal.replies import authored, moment
from agents.text import normal, sentences
from agents.words import Speaker, Strategy, Utterance
from simulator.attention import ASKED, attention
from simulator.scenario import EMOTION_TYPES, PROBLEM_TYPES, WORDINGS, Depth, Scenario, Wording, library

CORE = (Strategy.QUESTION, Strategy.RESTATEMENT, Strategy.REFLECTION, Strategy.AFFIRMATION)
SCENARIOS = library()


def test_the_library_is_large_and_covers_the_problem_types_and_emotions() -> None:
    assert len(SCENARIOS) >= 52
    types = Counter(scenario.problem_type for scenario in SCENARIOS)
    types["parents"] = types.pop("conflict with parents") + types.pop("issues with parents")
    assert set(PROBLEM_TYPES) - {"conflict with parents", "issues with parents"} <= set(types)
    assert min(types.values()) >= 4
    assert {scenario.emotion_type for scenario in SCENARIOS} == set(EMOTION_TYPES)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_is_whole(scenario: Scenario) -> None:
    depths = Counter(fact.depth for fact in scenario.facts)
    assert len(scenario.facts) >= 10
    assert all(depths[depth] >= 3 for depth in Depth)
    for fact in scenario.facts:
        assert len({fact.guarded, fact.plain, fact.open}) == 3
        assert len(fact.asked) >= 3
    assert scenario.problem_type in PROBLEM_TYPES
    assert scenario.emotion_type in EMOTION_TYPES
    for lines in (scenario.openings, scenario.loosens, scenario.objections, scenario.relief, scenario.closings, scenario.leavings):
        assert len(lines) >= 3
    assert min(len(scenario.step.offers), len(scenario.step.accept), len(scenario.step.hesitant)) >= 3


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_fact_in_any_wording_finds_the_replies_written_for_it(scenario: Scenario) -> None:
    for fact in scenario.facts:
        for level in WORDINGS:
            talk = (Utterance(speaker=Speaker.SEEKER, text=scenario.openings[0]), Utterance(speaker=Speaker.SUPPORTER, text="Go on."))
            heard = ear().hear((*talk, Utterance(speaker=Speaker.SEEKER, text=fact.wording(level))))
            assert heard.entry is not None, f"{fact.key} {level}: nothing heard"
            assert heard.entry in stories()[scenario.name].entries, f"{fact.key} {level}: heard in another story"
            assert heard.entry.about == fact.key, f"{fact.key} {level}: heard as {heard.entry.about}"
            for strategy in CORE:
                assert len(heard.entry.replies.get(strategy, ())) >= 2, f"{fact.key}: {strategy}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_there_is_something_to_say_that_tells_nothing_untold(scenario: Scenario) -> None:
    opening = min(scenario.openings, key=len)
    for fact in scenario.facts:
        for level, least in ((Wording.GUARDED, 3), (Wording.PLAIN, 4), (Wording.OPEN, 4)):
            talk = tuple(Utterance(speaker=Speaker.SEEKER, text=text) for text in (opening, fact.wording(level)))
            talk = (talk[0], Utterance(speaker=Speaker.SUPPORTER, text="Hello there.", strategy=Strategy.OTHERS), talk[1])
            sayable = [strategy for strategy in CORE if authored(moment(talk), strategy)]
            assert len(sayable) >= least, f"{fact.key} {level}: only {sayable}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_questions_of_the_repertoire_have_answers(scenario: Scenario) -> None:
    asked: Counter[bool] = Counter()
    for entry in stories()[scenario.name].entries:
        for question in entry.replies.get(Strategy.QUESTION, ()):
            asked[attention(scenario).asked_for(question)[1] >= ASKED] += 1
    assert asked[True] / asked.total() >= 0.95


def test_no_sentence_of_six_words_stands_in_two_stories() -> None:
    where: defaultdict[str, set[str]] = defaultdict(set)
    for name, story in stories().items():
        for entry in story.entries:
            for texts in entry.replies.values():
                for text in texts:
                    for sentence in sentences(text):
                        if len(normal(sentence).split()) >= 6:
                            where[normal(sentence)].add(name)
    assert not {sentence: names for sentence, names in where.items() if len(names) > 1}
