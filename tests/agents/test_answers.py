"""From what models write to what was asked for: answers, markers, what is left out to fit, what a server's refusals teach."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from agents.chat.abilities import Abilities, Structure
from agents.chat.answers import parse_answer, schema_instruction, split_reasoning, spoken, strict_schema
from agents.chat.fitting import shortened
from agents.chat.markers import defused
from agents.chat.openai_chat import letter_weights
from agents.chat.port import Message
from agents.chat.steady import retry_after
from agents.critic import Findings
from agents.errors import AnswerError
from agents.words import Reflection
from simulator.mind import Appraisal

OBJECT = Reflection(profile="a {brace}", emotion='he said "no"', intensity=3, need="</think> and <think>")
GOOD = OBJECT.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"<think>Is it {{this}}?</think>\n{GOOD}",
        f"it is this</think>{GOOD}",
        f"Here it is {{as asked}}:\n\n{GOOD}\n\nAnything {{else}}?",
        f"{GOOD[:-1]},}}",
        GOOD[:-1],
        f"[{GOOD}]",
        json.dumps(GOOD),
    ],
)
def test_an_object_is_found_in_any_dress(text: str) -> None:
    found = parse_answer(text, Reflection)
    assert isinstance(found, Reflection)
    assert (found.profile, found.intensity, found.emotion) == (OBJECT.profile, 3, OBJECT.emotion)


@pytest.mark.parametrize(
    "text", ["", "{}", "no object", "I think {x}.", '{"foo": 1}', "null", "[]", "3", "<think>{} never closed", GOOD[:30]]
)
@pytest.mark.parametrize("schema", [Reflection, Findings, Appraisal])
def test_what_is_no_answer_is_not_made_one(text: str, schema: Any) -> None:
    with pytest.raises(AnswerError, match=f"Not a valid {schema.__name__}"):
        parse_answer(text, schema)


@pytest.mark.parametrize("text", ["{" * 200_000, '{"a": "' * 50_000, "[" * 200_000, '{"a",' * 50_000, "`" * 200_000, "<think>" * 50_000])
def test_rubbish_is_given_up_soon(text: str) -> None:
    start = time.process_time()
    with pytest.raises(AnswerError):
        parse_answer(text, Reflection)
    spoken(text)
    assert time.process_time() - start < 3


def test_the_strict_schema_leaves_nothing_open() -> None:
    schema = strict_schema(Findings)
    finding = schema["$defs"]["Finding"]
    for node in (schema, finding):
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
    assert finding["properties"]["severity"] == {"maximum": 3, "minimum": 1, "type": "integer"}
    assert "default" not in json.dumps(schema)
    assert json.dumps(schema["$defs"]["Strategy"]["enum"][0]) in schema_instruction(Findings)


@pytest.mark.parametrize(
    ("text", "said", "thought"),
    [
        ("Hi", "Hi", ""),
        ("<think>a</think>Hi", "Hi", "a"),
        ("a</think>\nHi", "Hi", "a"),
        ("<think>a", "", "a"),
        ("<think>a</think>b<think>c</think>Hi", "bHi", "a\n\nc"),
        ("I <3 you", "I <3 you", ""),
    ],
)
def test_reasoning_is_kept_apart(text: str, said: str, thought: str) -> None:
    assert split_reasoning(text) == (said, thought)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\nThanks!", "Hi."),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nHi.<|eot_id|>", "Hi."),
        ("<s>[INST] Hi. [/INST] more", "Hi."),
        ("</s> Model trains are fun.", "Model trains are fun."),
        ("User: not a marker of ours", "User: not a marker of ours"),
        ("a\x00b\x1b[31mc\td\ne", "ab[31mc\td\ne"),
        ("مرحبا \u200fשלום 👩‍👩‍👧", "مرحبا \u200fשלום 👩‍👩‍👧"),
    ],
)
def test_nobody_speaks_for_another_side(text: str, said: str) -> None:
    assert spoken(text) == said


@pytest.mark.parametrize(
    "token", ["<|im_start|>", "<|END_OF_TURN_TOKEN|>", "<｜User｜>", "</s>", "<bos>", "<start_of_turn>", "[INST]", "<</SYS>>", "<think>"]
)
def test_template_tokens_do_not_go_out(token: str) -> None:
    out = defused(f"a {token}\x00 {{b}}")
    assert token not in out
    assert out.replace(" ", "") == f"a{token}{{b}}"


def test_what_is_no_token_goes_out_as_it_is() -> None:
    text = 'a < b [1] <b>{x}</b> "q" <|not a token|> \t\n🙂 שלום'
    assert defused(text) == text


def test_letters_are_summed_over_tokens_and_the_unlisted_get_less_than_all_listed() -> None:
    weights = letter_weights([("A", -0.5), (" A", -2.0), ("(B", -3.0), ("The", -4.0)], ["x", "y", "z"])
    assert weights == pytest.approx({"x": 0.6065 + 0.1353, "y": 0.0498, "z": 0.0092}, abs=1e-4)
    assert letter_weights([("The", -0.1), ("A", -3.0)], ["x", "y"]) is None
    assert letter_weights([], ["x", "y"]) is None


def test_shortening_ends_and_keeps_the_system_message_and_the_last_words() -> None:
    messages: tuple[Message, ...] = (
        Message(role="system", content="persona"),
        *(Message(role="assistant" if place % 2 else "user", content=f"{place} " + "word " * 50) for place in range(9)),
        Message(role="user", content="x" * 5000 + " the end"),
    )
    sizes = []
    while True:
        messages, dropped = shortened(messages)
        sizes.append(sum(len(message.content) for message in messages))
        assert messages[0].content == "persona"
        assert messages[-1].content.endswith(" the end")
        if not dropped:
            break
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 500
    assert len(sizes) < 12


def test_an_early_slip_does_not_unlearn_what_a_late_answer_shows() -> None:
    able = Abilities()
    able.strayed(Structure.SCHEMA)
    assert able.structure is Structure.OBJECT
    able.held(Structure.SCHEMA)
    assert able.structure is Structure.SCHEMA
    able.strayed(Structure.SCHEMA)
    assert able.structure is Structure.SCHEMA


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({}, None),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
