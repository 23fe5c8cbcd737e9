"""What `holdspace serve` answers: a reply as OpenAI's objects, whole or in chunks, with our own field beside the message.

The message itself carries its strategy too, so that a client which sends the message object back (`messages.append(choice.message)`) tells
the planner what was used before.  A chunk is a piece of a finished reply: the gate and the critic judge whole replies, so nothing is said
while it is still being made.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

from agents.errors import HoldspaceError
from studio.serving_asked import EXTRA, MODEL, Refused
from studio.serving_reply import Reply

Json = dict[str, Any]
_PIECE = re.compile(r"\s*\S+\s*")


def completion(reply: Reply, fingerprint: str) -> Json:
    """A `chat.completion`.

    Args:
        reply: what was said.
        fingerprint: of the recipe, for `system_fingerprint`.
    """
    message = {"role": "assistant", "content": reply.text, "refusal": None, EXTRA: {"strategy": reply.strategy.value}}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", EXTRA: _extra(reply)}
    return {**_head("chat.completion", fingerprint), "choices": [choice], "usage": _usage(reply)}


def chunks(reply: Reply, fingerprint: str, *, usage: bool) -> Iterator[Json]:
    """The `chat.completion.chunk`s of a reply; our own field comes with the first of them.

    Args:
        reply: what was said.
        fingerprint: of the recipe.
        usage: whether a last chunk says what it cost.
    """
    head = _head("chat.completion.chunk", fingerprint)

    def chunk(delta: Json, **more: Any) -> Json:
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **more}]}

    yield chunk({"role": "assistant", "content": "", EXTRA: {"strategy": reply.strategy.value}}, **{EXTRA: _extra(reply)})
    for piece in _PIECE.findall(reply.text):
        yield chunk({"content": piece})
    yield chunk({}, finish_reason="stop")
    if usage:
        yield {**head, "choices": [], "usage": _usage(reply)}


def models() -> Json:
    """The list of models: one."""
    return {"object": "list", "data": [model()]}


def model() -> Json:
    """The one model."""
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}


def problem(error: HoldspaceError) -> Json:
    """An error as OpenAI words it."""
    if isinstance(error, Refused):
        return {"error": {"message": str(error), "type": "invalid_request_error", "param": error.param, "code": error.code}}
    return {"error": {"message": str(error), "type": "server_error", "param": None, "code": error.boundary}}


def _head(kind: str, fingerprint: str) -> Json:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
        "system_fingerprint": f"{MODEL}-{fingerprint}",
    }


def _extra(reply: Reply) -> Json:
    return {
        "strategy": reply.strategy.value,
        "distribution": {strategy.value: weight for strategy, weight in (reply.distribution or {}).items()} or None,
        "crisis": reply.crisis.model_dump(mode="json") if reply.crisis else None,
    }


def _usage(reply: Reply) -> Json:
    used = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
    return {**used, "total_tokens": sum(used.values())}
