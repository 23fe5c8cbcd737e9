"""From what a model wrote to what was asked for: reasoning taken off, JSON found and repaired, validated, and the words to ask again.

Used by every backend with a real model behind it.  Repair is json-repair's work and validity is pydantic's; this module invents no
value: an answer that lacks one is an AnswerError, and the caller decides whether to ask again.  It makes no call.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.chat.markers import own_side
from agents.chat.port import Message
from agents.errors import AnswerError

REPAIRABLE = 20_000
"""Characters that are repaired: more cost seconds, in which no other talk goes on, and hold no answer that was asked for."""
QUOTED = 2_000
"""Characters of a bad answer that are shown to the model when it is asked again."""

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>(.*?)(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT_END = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
_OPENING = re.compile(r"""\{\s*["']""")
"""What an object begins with, unlike a brace in prose."""
_BRACES = 100
"""Places of an answer that are tried as the beginning of an object."""
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems", "uniqueItems")


def split_reasoning(text: str) -> tuple[str, str]:
    """The answer and the reasoning that a model wrote around it; an unclosed block reaches to the end.

    A closing tag without its opening one ends a block that the chat template began.
    """
    if "<" not in text:
        return text, ""
    thoughts: list[str] = []

    def keep(match: re.Match[str]) -> str:
        thoughts.append(match.group(2).strip())
        return ""

    answer = _THOUGHT.sub(keep, text)
    *before, answer = _THOUGHT_END.split(answer)
    thoughts[:0] = [part.strip() for part in before]
    return answer.strip() if thoughts else text, "\n\n".join(part for part in thoughts if part)


def spoken(text: str) -> str:
    """A model's text as its own side may say it: no reasoning, no control characters, no chat-template tokens."""
    return own_side(split_reasoning(text)[0])


def parse_answer(text: str, schema: type[BaseModel]) -> BaseModel:
    """The object of `schema` in a model's text: clean, fenced, within prose, with slips of syntax, or cut off.

    Raises:
        AnswerError: there is none; the message says what is wrong with it, in words for a model to mend it by.
    """
    answer = _after_reasoning(text)
    found, problem = _checked(lambda: schema.model_validate_json(answer))
    if found is not None:
        return found
    for candidate in _candidates(answer):
        found, problem = _checked(partial(schema.model_validate, candidate))
        if found is not None:
            return found
    raise AnswerError(f"Not a valid {schema.__name__}: {problem}.")


def _after_reasoning(text: str) -> str:
    """The text without the reasoning before its object; a tag within the object is somebody's words."""
    while block := _THOUGHT.match(text := text.strip()):
        text = text[block.end() :]
    if not text.startswith("{") and (end := _THOUGHT_END.search(text)):
        rest = text[end.end() :].strip()
        if rest.startswith(("{", "```")) or "{" not in text[: end.start()]:
            return rest
    return text


def _checked(make: Callable[[], BaseModel]) -> tuple[BaseModel | None, str]:
    """The object, or what is wrong with it.

    One that holds no key of its schema is wrong: a stray `{}` must not stand for a verdict made of defaults.
    """
    try:
        made = make()
    except ValidationError as error:
        return None, _problem(error)
    keys = type(made).model_fields
    return (made, "") if made.model_fields_set or not keys else (None, f"it has none of the keys {', '.join(keys)}")


def _candidates(answer: str) -> list[dict[str, Any]]:
    """Objects that stand in an answer, the likeliest first: whole ones, then what repair makes of the rest."""
    whole = sorted(_whole(answer), key=len, reverse=True)
    starts = (match.start() for match in islice(_OPENING.finditer(answer), 1))
    return [*whole, *(item for start in (*starts, 0) for item in _repaired(answer[start : start + REPAIRABLE]))]


def _whole(answer: str) -> Iterator[dict[str, Any]]:
    """JSON objects without a fault, wherever they stand."""
    decoder, place = json.JSONDecoder(), 0
    for _ in range(_BRACES):
        if (place := answer.find("{", place)) < 0:
            return
        try:
            found, place = decoder.raw_decode(answer, place)
        except (ValueError, RecursionError):
            place += 1
        else:
            yield found


def _repaired(answer: str) -> list[dict[str, Any]]:
    """Objects that json-repair finds."""
    import json_repair  # noqa: PLC0415  only where there is something to repair

    if "{" not in answer:
        return []
    try:
        found = json_repair.loads(answer)
        if isinstance(found, str) and "{" in found:
            found = json_repair.loads(found)
    except (ValueError, RecursionError):
        return []
    return [item for item in (reversed(found) if isinstance(found, list) else [found]) if isinstance(item, dict)]


def _problem(error: ValidationError) -> str:
    """The first two faults of an object, without the values (they may be long, and they are a stranger's words)."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return "it is not one JSON object"
    shown = (f"{'.'.join(map(str, fault['loc'])) or 'the object'}: {fault['msg'][:160]}" for fault in faults[:2])
    return "; ".join(shown)


@cache
def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model as strict structured output wants it: every key required, no other key, no defaults or lengths."""
    strict = _strict(copy.deepcopy(schema.model_json_schema()))
    assert isinstance(strict, dict)
    return strict


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    properties = node.get("properties")
    ours = {"description"} if "properties" in node or "enum" in node else set()  # a class's docstring speaks to programmers
    unwanted = {"default", "title", "properties", *_LENGTHS} | ours
    kept = {key: _strict(value) for key, value in node.items() if key not in unwanted}
    if isinstance(properties, dict):
        kept["properties"] = {name: _strict(value) for name, value in properties.items()}
        kept |= {"required": list(properties), "additionalProperties": False}
    return kept


@cache
def schema_instruction(schema: type[BaseModel]) -> str:
    """What to tell a model that no server holds to a schema: to be put at the end of the last user message."""
    wanted = json.dumps(strict_schema(schema), ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON object and nothing else: no fence, no words around it. It follows this JSON schema:\n{wanted}"


def ask_again(messages: Sequence[Message], answer: str, problem: str, schema: type[BaseModel]) -> tuple[Message, ...]:
    """The conversation with the bad answer, what was wrong with it, and the schema in words."""
    bad = split_reasoning(answer)[0][:QUOTED].strip() or "(nothing)"
    words = f"{problem} {schema_instruction(schema)}"
    return (*messages, Message(role="assistant", content=bad), Message(role="user", content=words))


def with_instruction(messages: Sequence[Message], schema: type[BaseModel]) -> tuple[Message, ...]:
    """The messages with the schema in words at the end of the last user message, or as a message of its own."""
    words = schema_instruction(schema)
    *before, last = messages
    if last.role != "user":
        return (*messages, Message(role="user", content=words))
    return (*before, Message(role="user", content=f"{last.content}\n\n{words}"))
