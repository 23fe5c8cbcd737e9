"""How large a request is, in tokens, without a tokenizer: a fair guess for estimates, a bound for budgets.

A byte-level tokenizer never makes more tokens than there are bytes of UTF-8, and on prose makes about one for four.  Nothing here
knows any model's real tokenizer; what a call really took stands in its `Usage`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache

from pydantic import BaseModel

from agents.chat.port import Message, Request

BYTES_A_TOKEN = 4.0
"""Of prose, across scripts: a Chinese character is three bytes and rarely more than one token."""
MESSAGE_TOKENS = 8
"""What a chat template puts around one message, at most."""


@cache
def schema_text(schema: type[BaseModel]) -> str:
    """The JSON schema of a model, in one spelling."""
    return json.dumps(schema.model_json_schema(), sort_keys=True)


def size(text: str) -> int:
    """Bytes of UTF-8; a lone surrogate counts as the three bytes it would take."""
    return len(text.encode("utf-8", "surrogatepass"))


def guess_tokens(text: str) -> int:
    """About how many tokens a text takes."""
    return round(size(text) / BYTES_A_TOKEN)


def guess_prompt(messages: Iterable[Message], schema: type[BaseModel] | None = None) -> int:
    """About how many tokens a prompt takes, its schema included."""
    count = sum(guess_tokens(message.content) + MESSAGE_TOKENS // 2 for message in messages)
    return count + (guess_tokens(schema_text(schema)) if schema else 0)


def most_prompt(request: Request, options: Iterable[str] = ()) -> int:
    """More tokens than the prompt can take, its schema or options included."""
    texts = [*(message.content for message in request.messages), *options]
    if request.schema:
        texts.append(schema_text(request.schema))
    return sum(size(text) + MESSAGE_TOKENS for text in texts)
