"""From a reply's bytes to an answer, a trouble that another attempt may end, or a refusal that it will not.

The one place that knows the shape of `/v1/chat/completions` responses and errors.  What a server says in an error is shortened, freed of
the key, and never raised as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from agents.chat.address import Address
from agents.chat.answers import split_reasoning
from agents.chat.steady import Kind, Trouble, retry_after
from agents.chat.transport import Reply
from agents.errors import AnswerError

SHOWN = 200
"""Characters of a server's own words that an error shows."""
_TOO_LONG = (
    "context_length",
    "context length",
    "maximum context",
    "context window",
    "context size",
    "too many tokens",
    "prompt is too long",
    "input is too long",
    "input length",
    "max_model_len",
    "string_above_max_length",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said."""

    text: str
    """As it came; reasoning that the server sent apart is left out."""
    finish: str
    """Why it ended: `stop`, `length`, ..."""
    prompt_tokens: int
    completion_tokens: int
    first: tuple[tuple[str, float], ...] | None = None
    """The likeliest first tokens with their log-probabilities; None where the server gives none."""


class Refusal(Exception):
    """The server will not answer this request however often it is sent.

    Args:
        status: HTTP status.
        message: in the server's words, shortened, without the key.
        code: of the server.
        param: the parameter that the server complains of, or nothing.
    """

    def __init__(self, status: int, message: str, code: str, param: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param

    @property
    def too_long(self) -> bool:
        """The conversation does not fit into the model's context."""
        said = f"{self.code} {self.message}".lower()
        return self.status in {400, 413, 422} and (self.status == 413 or any(words in said for words in _TOO_LONG))


def read_answer(reply: Reply, address: Address, *, one_token: bool = False) -> Answer:
    """The answer in a reply; its text is empty only where one token was asked for.

    Args:
        reply: of the server.
        address: whose key must not show.
        one_token: no more was asked for, and a model that reasons first spends it on that.

    Raises:
        Trouble: another attempt may succeed.
        Refusal: it will not.
        AnswerError: the model declined, or the server's content filter refused the prompt.
    """
    if reply.status != 200:
        raise _failure(reply, address)
    try:
        data = orjson.loads(reply.body)
        choice = data["choices"][0]
        message = choice["message"]
        content, finish = _content(message.get("content")), choice.get("finish_reason") or ""
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Trouble(Kind.GARBLED, reply.headers.get("content-type", "").split(";")[0][:40]) from error
    if finish == "content_filter":
        raise Trouble(Kind.FILTERED)
    if message.get("refusal"):
        raise AnswerError(f"{address.spec}: the model declined to answer.")
    first = _first(choice)
    nothing = not content.strip() or not (content.lstrip().startswith("{") or split_reasoning(content)[0].strip())
    if nothing and first is None and not (one_token and finish == "length"):
        raise Trouble(Kind.EMPTY, f"finish {finish}" if finish else "")
    return Answer(content, finish, *_tokens(data), first=first)


def _content(content: Any) -> str:
    """A message's content: text, nothing, or a list of parts of which the texts count."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    if content is None:
        return ""
    if not isinstance(content, str):
        raise TypeError("content is no text")
    return content


def _failure(reply: Reply, address: Address) -> Trouble | Refusal | AnswerError:
    message, code, param = _said(reply.body, address)
    status = reply.status
    if code == "insufficient_quota":
        return Refusal(402, message, code, param)
    if status == 429:
        return Trouble(Kind.RATE, "429", retry_after(reply.headers))
    if status in {408, 409} or status >= 500:
        if status in {500, 501} and param:  # some servers answer 5xx to a parameter that they do not know
            return Refusal(400, message, code, param)
        return Trouble(Kind.SERVER, f"{status}: {message[:80]}" if message else str(status), retry_after(reply.headers))
    if "content_filter" in code or "content management policy" in message:
        return AnswerError(f"{address.spec}: the content filter of the server refused the prompt.")
    return Refusal(status, message, code, param)


def _said(body: bytes, address: Address) -> tuple[str, str, str]:
    """Message, code and parameter of an error body, in whatever shape; empty where there is none."""
    try:
        content = orjson.loads(body)
    except ValueError:
        return "", "", ""
    error = content.get("error", content) if isinstance(content, Mapping) else content
    if not isinstance(error, Mapping):
        return _shown(error, address), "", ""
    message = error.get("message") or error.get("detail") or ""
    return _shown(message, address), str(error.get("code") or error.get("type") or ""), str(error.get("param") or "")


def _shown(message: object, address: Address) -> str:
    """A server's words for a sentence of ours."""
    secret = address.authorization.get_secret_value().split(" ", 1)[-1]
    text = " ".join(str(message).split()) if message else ""
    return (text.replace(secret, "(key)") if len(secret) > 4 else text)[:SHOWN]


def _tokens(data: Mapping[str, Any]) -> tuple[int, int]:
    usage = data.get("usage")
    counts = [usage.get(name) if isinstance(usage, dict) else 0 for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (max(count, 0) if isinstance(count, int) else 0 for count in counts)
    return prompt, completion


def _first(choice: Mapping[str, Any]) -> tuple[tuple[str, float], ...] | None:
    try:
        likely = choice["logprobs"]["content"][0]["top_logprobs"]
        return tuple((str(one["token"]), float(one["logprob"])) for one in likely) or None
    except (LookupError, TypeError, ValueError):
        return None
