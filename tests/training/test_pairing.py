"""Pairs of simulated episodes: what makes one, what does not, and that its prompt is what the seat was asked."""

from __future__ import annotations

import pytest

from agents.chat.port import Message, Role
from agents.joint import joint_answer, parse_joint
from agents.planner import planner_prompt
from agents.prompting import Prompting
from agents.responder import responder_prompt
from agents.words import Critique, Draft, Finding, Plan, PsychError, Refinement, Strategy
from simulator.episode import Episode, Failure, Stop, StopReason, SupporterTurn
from simulator.splits import Split, split_of_scenario
from training.guards import Tally
from training.pair import Pair, PairKind
from training.pairing import IMPLEMENTATION, KINDS, Making, Talks, Unfit, pairs_of

MAKING = Making(source="run")
QUESTION, SUGGESTION, REFLECTION = Strategy.QUESTION, Strategy.SUGGESTION, Strategy.REFLECTION
MISMATCH, TEMPLATE, COLD, MISREAD = (
    PsychError.STRATEGY_MISMATCH,
    PsychError.TEMPLATE_RESPONSE,
    PsychError.LACK_EMPATHY,
    PsychError.EMOTION_MISREAD,
)


def made(episodes: list[Episode], making: Making = MAKING) -> tuple[list[Pair], Tally, Talks]:
    tally, talks = Tally(), Talks()
    return list(pairs_of(episodes, making, tally, talks)), tally, talks


def turn_of(pair: Pair, episodes: list[Episode]) -> SupporterTurn:
    episode = next(episode for episode in episodes if episode.id == pair.dialogue)
    turn = episode.turns[pair.turn]
    assert isinstance(turn, SupporterTurn)
    return turn


def critique_of(turn: SupporterTurn, text: str) -> Critique:
    versions = [turn.draft.text if turn.draft else "", *(version.text for version in turn.refinements)]
    return turn.critiques[versions.index(text)]


def asked(episode: Episode, role: Role, turn: int) -> tuple[Message, ...] | None:
    """What the seat was asked before the turn with this index, by the ledger."""
    number = sum(isinstance(earlier, SupporterTurn) for earlier in episode.turns[:turn])
    return [entry for entry in episode.ledger if entry.role is role][number].messages


def test_every_prompt_is_word_for_word_what_the_seat_was_asked(episodes: list[Episode]) -> None:
    pairs, _, _ = made(episodes)
    by_id = {episode.id: episode for episode in episodes}
    roles = {PairKind.STRATEGY: Role.PLANNER, PairKind.REFINE: Role.RESPONDER, PairKind.RESPONSE: Role.RESPONDER}
    seen = dict.fromkeys(roles, 0)
    for pair in pairs:
        if pair.kind in roles and turn_of(pair, episodes).strategy in (pair.rejected_strategy, pair.chosen_strategy):
            seen[pair.kind] += 1
            assert pair.prompt == asked(by_id[pair.dialogue], roles[pair.kind], pair.turn)
    assert min(seen.values()) >= 10


def test_refine_pairs_are_the_reply_that_was_said_against_the_draft(episodes: list[Episode]) -> None:
    pairs = [pair for pair in made(episodes)[0] if pair.kind is PairKind.REFINE]
    assert len(pairs) > 50
    for pair in pairs:
        turn = turn_of(pair, episodes)
        assert turn.draft is not None
        assert (pair.chosen, pair.rejected) == (turn.text, turn.draft.text)
        assert turn.kept > 0
        assert turn.critiques[turn.kept].accepted
        assert not turn.critiques[0].accepted
        assert pair.chosen_strategy is pair.rejected_strategy is turn.draft.strategy


def test_response_pairs_differ_in_text_only_and_in_an_error_of_the_reply(episodes: list[Episode]) -> None:
    pairs = [pair for pair in made(episodes)[0] if pair.kind is PairKind.RESPONSE]
    assert len(pairs) > 50
    for pair in pairs:
        turn = turn_of(pair, episodes)
        assert pair.chosen_strategy is pair.rejected_strategy
        assert not critique_of(turn, pair.chosen).findings
        finding = next(item for item in critique_of(turn, pair.rejected).findings if item.error is pair.kept.error)
        assert finding.error in IMPLEMENTATION
        assert (pair.kept.span, pair.kept.why, pair.kept.judge) == (finding.span, finding.why, "rehearsal")
        assert pair.kept.span.lower() in pair.rejected.lower()


def test_strategy_pairs_are_the_critics_strategy_against_the_mismatched_plan(episodes: list[Episode]) -> None:
    pairs = [pair for pair in made(episodes)[0] if pair.kind is PairKind.STRATEGY]
    assert len(pairs) > 5
    for pair in pairs:
        turn = turn_of(pair, episodes)
        assert turn.plan is not None
        assert pair.rejected == turn.plan.strategy.value
        assert pair.chosen == (turn.critiques[0].instead or turn.plan.strategy).value
        assert pair.kept.error is MISMATCH


def test_joint_pairs_carry_the_strategy_on_both_sides(episodes: list[Episode]) -> None:
    pairs = [pair for pair in made(episodes)[0] if pair.kind is PairKind.JOINT]
    assert any(pair.chosen_strategy is not pair.rejected_strategy for pair in pairs)
    for pair in pairs:
        turn = turn_of(pair, episodes)
        assert turn.draft is not None
        assert parse_joint(pair.chosen) == (turn.strategy, turn.text)
        assert parse_joint(pair.rejected) == (turn.draft.strategy, turn.draft.text)


def test_a_pair_says_where_it_comes_from(episodes: list[Episode]) -> None:
    by_id = {episode.id: episode for episode in episodes}
    for pair in made(episodes, Making(source="run", round=2))[0]:
        episode = by_id[pair.dialogue]
        assert (pair.source, pair.round, pair.seed) == ("run", 2, episode.seeds.episode)
        assert pair.scenario == episode.scenario.name
        assert pair.split is split_of_scenario(episode.scenario.name)
        assert pair.prompts["critique"] == episode.prompts["critique"]
        if pair.kind in (PairKind.REFINE, PairKind.RESPONSE):
            assert pair.prompts["responder"] == episode.prompts["responder"]
            assert pair.models == {"responder": "rehearsal", "critic": "rehearsal"}


def test_nothing_is_said_of_the_critic_in_any_prompt(episodes: list[Episode]) -> None:
    for pair in made(episodes)[0]:
        turn = turn_of(pair, episodes)
        assert turn.reflection is not None
        text = "\n".join(message.content for message in pair.prompt)
        assert turn.reflection.need not in text
        assert pair.kept.why not in text


def test_prompts_can_be_brief_and_in_another_language(episodes: list[Episode]) -> None:
    full, brief = planner_prompt().fingerprint, planner_prompt(Prompting.BRIEF).fingerprint
    for pair in made(episodes[:20], Making(source="run", prompting=Prompting.BRIEF))[0]:
        assert brief in pair.prompts.values() or pair.kind is not PairKind.STRATEGY
        assert full not in pair.prompts.values()
        assert len(pair.prompt[0].content) < 600
    german = made(episodes[:20], Making(source="run", kinds=(PairKind.REFINE,), language="German"))[0]
    assert all("in German" in pair.prompt[0].content for pair in german)


def test_prompts_are_those_of_the_run_when_nothing_is_said(episodes: list[Episode]) -> None:
    brief = {responder_prompt(Prompting.BRIEF).name: "x", planner_prompt(Prompting.BRIEF).name: "y"}
    changed = [episode.model_copy(update={"prompts": brief}) for episode in episodes[:20]]
    assert all(len(pair.prompt[0].content) < 600 for pair in made(changed)[0])


def finding(error: PsychError, severity: int = 2) -> Finding:
    return Finding(error=error, span="text", why="It does.", severity=severity)


def with_turn(
    episodes: list[Episode], *versions: tuple[str, Strategy, list[Finding]], instead: Strategy | None = None, kept: int | None = None
) -> Episode:
    """The first episode with one exchange, its reply in these versions; the last one was said unless `kept` says another."""
    critiques = tuple(
        Critique(accepted=all(item.severity <= 1 for item in found), findings=tuple(found), instead=instead if not place else None)
        for place, (_, _, found) in enumerate(versions)
    )
    said = versions[len(versions) - 1 if kept is None else kept]
    flat = dict.fromkeys(Strategy, 0.125)
    turn = SupporterTurn(
        text=said[0],
        strategy=said[1],
        plan=Plan(strategy=versions[0][1], distribution=flat),
        draft=Draft(text=versions[0][0], strategy=versions[0][1]),
        critiques=critiques,
        refinements=tuple(Refinement(text=text, strategy=strategy) for text, strategy, _ in versions[1:]),
        kept=len(versions) - 1 if kept is None else kept,
    )
    return episodes[0].model_copy(update={"turns": (episodes[0].turns[0], turn), "crisis": False})


def outcome(episode: Episode) -> dict[PairKind, object]:
    """What each kind made of it: the sides, why not, or nothing."""
    pairs, tally, _ = made([episode])
    found: dict[PairKind, object] = {pair.kind: (pair.chosen, pair.rejected) for pair in pairs}
    return found | dict(list(tally.dropped))


def test_a_refinement_under_another_strategy_is_a_strategy_pair_and_no_refine_pair(episodes: list[Episode]) -> None:
    moved = with_turn(episodes, ("Try this.", SUGGESTION, [finding(MISMATCH)]), ("It hurts.", REFLECTION, []), instead=REFLECTION)
    assert outcome(moved) == {
        PairKind.STRATEGY: (REFLECTION.value, SUGGESTION.value),
        PairKind.REFINE: Unfit.MOVED,
        PairKind.JOINT: (joint_answer(REFLECTION, "It hurts."), joint_answer(SUGGESTION, "Try this.")),
    }


def test_an_accepted_draft_makes_nothing_but_a_slight_error_counts_against_it(episodes: list[Episode]) -> None:
    assert outcome(with_turn(episodes, ("What is it?", QUESTION, []))) == {}
    slight = with_turn(episodes, ("What is it?", QUESTION, [finding(TEMPLATE, 1)]))
    assert outcome(slight) == {PairKind.RESPONSE: Unfit.NO_CLEAN}


def test_a_misread_emotion_makes_a_refine_pair_and_no_response_pair(episodes: list[Episode]) -> None:
    misread = with_turn(episodes, ("Don't be sad.", QUESTION, [finding(MISREAD)]), ("You are angry?", QUESTION, []))
    assert outcome(misread).keys() == {PairKind.REFINE, PairKind.JOINT}


def test_a_refinement_that_was_not_accepted_is_not_chosen(episodes: list[Episode]) -> None:
    bad = with_turn(episodes, ("Hm.", QUESTION, [finding(COLD, 3)]), ("Well.", QUESTION, [finding(COLD)]))
    draft_said = with_turn(episodes, ("Hm.", QUESTION, [finding(COLD)]), ("Well.", QUESTION, [finding(COLD, 3)]), kept=0)
    for episode in (bad, draft_said):
        assert outcome(episode) == {
            PairKind.RESPONSE: Unfit.NO_CLEAN,
            PairKind.REFINE: Unfit.NOT_ACCEPTED,
            PairKind.JOINT: Unfit.NOT_ACCEPTED,
        }


def test_a_chosen_side_with_a_slight_finding_is_refined_but_not_clean(episodes: list[Episode]) -> None:
    slight = with_turn(episodes, ("Hm.", QUESTION, [finding(COLD)]), ("What happened?", QUESTION, [finding(MISREAD, 1)]))
    assert outcome(slight) | {PairKind.JOINT: None} == {
        PairKind.RESPONSE: Unfit.NO_CLEAN,
        PairKind.REFINE: ("What happened?", "Hm."),
        PairKind.JOINT: None,
    }


def test_a_response_pair_can_stand_under_the_strategy_that_the_critic_moved_to(episodes: list[Episode]) -> None:
    twice = with_turn(
        episodes,
        ("Try this.", SUGGESTION, [finding(MISMATCH)]),
        ("Right.", REFLECTION, [finding(COLD)]),
        ("It hurts.", REFLECTION, []),
        instead=REFLECTION,
    )
    assert outcome(twice)[PairKind.RESPONSE] == ("It hurts.", "Right.")
    pair = next(pair for pair in made([twice])[0] if pair.kind is PairKind.RESPONSE)
    assert REFLECTION.value in pair.prompt[0].content


def test_a_mismatch_without_another_strategy_makes_no_strategy_pair(episodes: list[Episode]) -> None:
    for instead in (None, SUGGESTION):
        unnamed = with_turn(episodes, ("Try.", SUGGESTION, [finding(MISMATCH)]), ("Try it.", SUGGESTION, []), instead=instead)
        assert outcome(unnamed)[PairKind.STRATEGY] == Unfit.UNNAMED


def test_a_refinement_that_says_the_same_makes_nothing(episodes: list[Episode]) -> None:
    same = with_turn(episodes, ("Hm.", QUESTION, [finding(COLD)]), ("Hm.", QUESTION, []))
    assert outcome(same) == {PairKind.RESPONSE: Unfit.SAME, PairKind.REFINE: Unfit.SAME, PairKind.JOINT: Unfit.SAME}


def test_failed_talks_are_left_out_and_crisis_talks_are_marked(episodes: list[Episode]) -> None:
    episode = with_turn(episodes, ("Hm.", QUESTION, [finding(COLD)]), ("What happened?", QUESTION, []))
    failure = Failure(kind="ChatError", boundary="chat", message="down", retryable=True)
    failed = episode.model_copy(update={"stop": Stop(reason=StopReason.FAILED, error=failure)})
    pairs, _, talks = made([failed, episode.model_copy(update={"crisis": True})])
    assert (talks.read, talks.failed, talks.crisis) == (2, 1, 1)
    assert len(pairs) == len(KINDS) - 1
    assert all(pair.crisis for pair in pairs)


def test_a_persona_that_comes_again_in_another_split_makes_no_pair(episodes: list[Episode]) -> None:
    episode = with_turn(episodes, ("Hm.", QUESTION, [finding(COLD)]), ("What happened?", QUESTION, []))
    mine = split_of_scenario(episode.scenario.name)
    other = next(name for name in map(str, range(100)) if split_of_scenario(name) is not mine)
    again = episode.model_copy(update={"id": "ep-again", "scenario": episode.scenario.model_copy(update={"name": other})})
    pairs, tally, _ = made([episode, again])
    assert {pair.dialogue for pair in pairs} == {episode.id}
    assert set(tally.dropped) == {(kind, Unfit.PERSONA) for kind in KINDS if kind is not PairKind.STRATEGY}


def test_all_splits_occur_and_no_scenario_is_in_two(episodes: list[Episode]) -> None:
    pairs = made(episodes)[0]
    assert {pair.split for pair in pairs} == set(Split)
    for what in ("scenario", "persona"):
        found = {(getattr(pair, what), pair.split) for pair in pairs}
        assert len(found) == len({name for name, _ in found})


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_kinds_that_are_asked_for_are_made(episodes: list[Episode], kind: PairKind) -> None:
    pairs, tally, _ = made(episodes, Making(source="run", kinds=(kind,)))
    assert {pair.kind for pair in pairs} == {kind}
    assert {dropped for dropped, _ in tally.dropped} <= {kind}
    assert [pair for pair in made(episodes)[0] if pair.kind is kind] == pairs
