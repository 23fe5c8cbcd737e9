"""The joint baseline's answer, written and read."""

from __future__ import annotations

import pytest

from agents.joint import joint_answer, joint_messages, joint_prompt, parse_joint
from agents.prompting import Prompting
from agents.words import STRATEGIES, Speaker, Strategy, Utterance


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_answer_is_read_as_it_was_written(strategy: Strategy) -> None:
    for reply in ("What happened?", "[sigh] It [really] hurts.", "One.\nTwo."):
        assert parse_joint(joint_answer(strategy, reply)) == (strategy, reply)


@pytest.mark.parametrize("answer", ["What happened?", "[Hug] There.", "Question] What?", "[Question What?", "", "What [Question] is it?"])
def test_an_answer_without_a_known_strategy_is_a_reply_alone(answer: str) -> None:
    assert parse_joint(answer) == (None, answer)


def test_case_and_spaces_of_the_strategy_do_not_matter() -> None:
    assert parse_joint(" [ reflection of FEELINGS ]  It hurts. ") == (Strategy.REFLECTION, "It hurts.")


@pytest.mark.parametrize("prompting", Prompting)
def test_the_prompt_names_the_strategies_used_so_far(prompting: Prompting) -> None:
    talk = (
        Utterance(speaker=Speaker.SEEKER, text="I lost my job."),
        Utterance(speaker=Speaker.SUPPORTER, text="When?", strategy=Strategy.QUESTION),
        Utterance(speaker=Speaker.SEEKER, text="On Monday."),
    )
    messages = joint_messages(joint_prompt(prompting), talk)
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert "Question" in messages[0].content
    assert messages[-1].content == "On Monday."
