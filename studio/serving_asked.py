"""What a client asks of `holdspace serve`: the body of a chat completion request, read into a talk.

Who speaks is said by the `role` fields and by nothing in a text.  System and developer messages are checked like the others and then left
out, since the supporter's prompts are ours.  Sampling settings (`temperature`, `max_tokens`, `stop`, ...) are not followed: the recipe has
them.  What would make the answer anything but one text (tools, several choices, an object, audio) is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from agents.errors import InputError
from agents.words import STRATEGIES, Speaker, Strategy, Talk, Utterance

MODEL = "holdspace"
EXTRA = "holdspace"
"""Our own field, beside what OpenAI's objects have."""

_SIDES: Mapping[str, Speaker | None] = {
    "system": None,
    "developer": None,
    "user": Speaker.SEEKER,
    "assistant": Speaker.SUPPORTER,
}
_PLAIN: Mapping[str, tuple[object, ...]] = {
    "n": (None, 1),
    "modalities": (None, ["text"]),
    "response_format": (None, {"type": "text"}),
    "tools": (None, []),
    "functions": (None, []),
    "audio": (None,),
}
"""Fields that would change what an answer is, with the values that do not."""
_NOT_TEXT = ("tool_calls", "function_call", "audio")
"""Fields of a message that say something without words."""
_NAMED = 40
"""Characters of a client's own value that an error quotes."""


class Refused(InputError):
    """A request that can't be answered as it is; one sentence, for the client.

    Args:
        message: what is wrong.
        param: the field of the request that is wrong, such as `messages[2].content`.
        code: OpenAI's name for the error, where it has one.
        status: of the response.
    """

    boundary = "request"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that can be answered."""

    talk: Talk
    seed: int | None
    """The request's own; None leaves it to the messages."""
    stream: bool
    usage: bool
    """Whether a stream ends with what the answer cost."""


def read_asked(raw: bytes) -> Asked:
    """The request in a body; raises Refused."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused("The body is not valid JSON (in UTF-8).") from error
    if not isinstance(body, dict):
        raise Refused("The body is not a JSON object.")
    if (model := body.get("model", MODEL)) != MODEL:
        message = f"The model {_quoted(model)} does not exist here; the only one is {MODEL!r}."
        raise Refused(message, param="model", code="model_not_found", status=404)
    for key, allowed in _PLAIN.items():
        if body.get(key) not in allowed:
            raise Refused(f"{key} is not supported: an answer is one text.", param=key, code="unsupported_parameter")
    options = _typed(body, "stream_options", dict) or {}
    return Asked(
        talk=read_talk(body.get("messages")),
        seed=_typed(body, "seed", int),
        stream=bool(_typed(body, "stream", bool)),
        usage=bool(options.get("include_usage")),
    )


def read_talk(messages: object) -> Talk:
    """The talk in a list of chat messages, oldest first; the last one is the seeker's."""
    if not isinstance(messages, list) or not messages:
        raise Refused("messages must be a list of at least one message.", param="messages")
    turns = [_turn(message, f"messages[{place}]") for place, message in enumerate(messages)]
    if turns[-1] is None or turns[-1].speaker is not Speaker.SEEKER:
        raise Refused("The last message is not from the user, so there is nothing to answer.", param="messages")
    return tuple(turn for turn in turns if turn is not None)


def _turn(message: object, where: str) -> Utterance | None:
    """A message as a turn; None for a system message."""
    if not isinstance(message, dict):
        raise Refused(f"{where} is not an object.", param=where)
    role = message.get("role")
    if not isinstance(role, str) or role not in _SIDES:
        raise Refused(f"{where}.role is {_quoted(role)}; known here: {', '.join(_SIDES)}.", param=f"{where}.role")
    if wordless := next((key for key in _NOT_TEXT if message.get(key)), None):
        raise Refused(f"{where}.{wordless} is not text; only text is understood here.", param=f"{where}.{wordless}")
    text, speaker = _text(message.get("content"), f"{where}.content"), _SIDES[role]
    if speaker is None:
        return None
    return Utterance(speaker=speaker, text=text, strategy=_strategy(message, where) if speaker is Speaker.SUPPORTER else None)


def _text(content: object, where: str) -> str:
    """The words of a message: its content, or the text parts of it, each from a line of its own."""
    if isinstance(content, list):
        content = "\n".join(_part(part, f"{where}[{place}]") for place, part in enumerate(content))
    if not isinstance(content, str):
        raise Refused(f"{where} is not text; only text is understood here.", param=where)
    if not content.strip():
        raise Refused(f"{where} is empty.", param=where)
    return content


def _part(part: object, where: str) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
    if not isinstance(text, str):
        raise Refused(f"{where} is not a text part; only text is understood here.", param=where)
    return text


def _strategy(message: Mapping[str, Any], where: str) -> Strategy | None:
    """The strategy of an earlier reply, where the client gives our own field back."""
    where = f"{where}.{EXTRA}"
    if (extra := message.get(EXTRA)) is None:
        return None
    if not isinstance(extra, dict):
        raise Refused(f"{where} is not an object.", param=where)
    if (name := extra.get("strategy")) is None:
        return None
    if name not in list(STRATEGIES):
        raise Refused(f"{where}.strategy is {_quoted(name)}, which is none of the eight.", param=f"{where}.strategy")
    return Strategy(name)


def _typed(body: Mapping[str, Any], key: str, kind: type) -> Any:
    """A field of the body, or None; Refused when it is of another type (a bool is no number)."""
    value = body.get(key)
    if value is not None and type(value) is not kind:
        names = {int: "an integer of 64 bits", bool: "true or false", dict: "an object"}
        raise Refused(f"{key} must be {names[kind]}.", param=key)
    return value


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _NAMED else f"{text[:_NAMED]}..."
