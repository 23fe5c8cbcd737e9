"""Rows: prompts are the seats' own, answers are one message, and LLaMA-Factory's sides take turns."""

from __future__ import annotations

import pytest

from agents.planner import planner_messages, planner_prompt
from agents.prompting import Prompting
from agents.responder import responder_messages, responder_prompt
from agents.words import Speaker, Strategy, Utterance
from training.configs import Learner
from training.rows import Row, llamafactory_row, sft_rows


def seeker(text: str) -> Utterance:
    return Utterance(speaker=Speaker.SEEKER, text=text)


def supporter(text: str, strategy: Strategy | None = Strategy.QUESTION) -> Utterance:
    return Utterance(speaker=Speaker.SUPPORTER, text=text, strategy=strategy)


TALK = (
    supporter("Hello!", Strategy.OTHERS),
    seeker("I lost my job."),
    supporter("When was that?"),
    supporter("And how?"),
    seeker("On Monday."),
    seeker("By mail."),
    supporter("No label.", None),
    seeker("So."),
    supporter("That hurts.", Strategy.REFLECTION),
)


def plain(messages: object) -> list[Row]:
    return [{"role": message.role, "content": message.content} for message in messages]  # type: ignore[attr-defined]


@pytest.mark.parametrize("prompting", Prompting)
def test_each_labelled_turn_after_the_seekers_first_is_a_row(prompting: Prompting) -> None:
    planned = dict(sft_rows(TALK, Learner.PLANNER, prompting=prompting))
    said = dict(sft_rows(TALK, Learner.RESPONDER, prompting=prompting, language="Dutch"))
    assert list(planned) == list(said) == [2, 3, 8]
    for index, row in planned.items():
        before, turn = TALK[:index], TALK[index]
        assert turn.strategy is not None
        assert row == {
            "prompt": plain(planner_messages(planner_prompt(prompting), before)),
            "completion": [{"role": "assistant", "content": turn.strategy.value}],
        }
        assert said[index] == {
            "prompt": plain(responder_messages(responder_prompt(prompting), before, turn.strategy, "Dutch")),
            "completion": [{"role": "assistant", "content": turn.text}],
        }


def test_joint_rows_answer_with_strategy_and_reply() -> None:
    rows = dict(sft_rows(TALK, Learner.JOINT))
    assert rows[8]["completion"] == [{"role": "assistant", "content": "[Reflection of feelings] That hurts."}]
    assert "Others, Question, Question" in rows[8]["prompt"][0]["content"]
    assert [message["role"] for message in rows[8]["prompt"]] == ["system", "assistant", "user", "assistant", "user", "assistant", "user"]


def message(role: str, content: str) -> Row:
    return {"role": role, "content": content}


ANSWER = {"chosen": [message("assistant", "yes")], "rejected": [message("assistant", "no")]}


def test_llama_factory_rows_join_what_one_side_says_in_a_row() -> None:
    prompt = [
        message("system", "Be kind."),
        message("user", "a"),
        message("assistant", "b"),
        message("user", "c"),
        message("user", "Which?"),
    ]
    assert llamafactory_row({"prompt": prompt, **ANSWER}) == {
        "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c\nWhich?"}],
        "chosen": {"from": "gpt", "value": "yes"},
        "rejected": {"from": "gpt", "value": "no"},
        "system": "Be kind.",
    }
    lesson = llamafactory_row({"prompt": prompt, "completion": [message("assistant", "yes")]})
    assert lesson is not None
    assert [turn["from"] for turn in lesson["conversations"]] == ["human", "gpt", "human", "gpt"]


@pytest.mark.parametrize("roles", [("assistant", "user"), ("user", "assistant"), ()])
def test_llama_factory_has_no_place_for_a_talk_that_the_supporter_begins_or_ends(roles: tuple[str, ...]) -> None:
    assert llamafactory_row({"prompt": [message("system", "x"), *(message(role, "y") for role in roles)], **ANSWER}) is None
