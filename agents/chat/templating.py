"""From messages to the token ids of one model: its chat template, its limits, and its own turn markers kept out of people's words.

Templates differ in what they put up with.  Messages go in as they are; a template that refuses them gets them again with runs of one side
joined and the system message at the head of the first user message.  The markers that a template writes around turns are read off the
template itself, so that a seeker who writes them changes nobody's role, whatever the model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from typing import Any

from agents.chat.fitting import shortened
from agents.chat.markers import defused
from agents.chat.port import Message
from agents.errors import ChatError, InputError

_PROBES = ("\ue000one\ue000", "\ue000two\ue000", "\ue000three\ue000")
"""Words that no template holds."""
_OPENER = "(The conversation begins.)"
"""Said by the user where a template wants the user first and the other side has begun."""


class Template:
    """A tokenizer with its chat template.

    Args:
        tokenizer: of transformers.
        spec: as it was given, for errors while it is made.
        name: for errors later, which go into records.
        limit: tokens that the model's context holds; None when it does not say.

    Raises:
        InputError: the tokenizer has no chat template, or one that fails on a plain conversation.
    """

    def __init__(self, tokenizer: Any, spec: str, name: str, limit: int | None) -> None:
        if not tokenizer.chat_template:
            raise InputError(
                f"{spec}: the tokenizer has no chat template.",
                hint="Pass --chat-template FILE (a Jinja file), or put it into the model's folder as chat_template.jinja.",
            )
        self._tokenizer, self._spec, self._name, self._limit = tokenizer, spec, name, limit
        self.fingerprint = hashlib.sha256(str(tokenizer.chat_template).encode()).hexdigest()[:12]
        self._special = frozenset(tokenizer.all_special_ids)
        parts = self._frame()
        self._markers = _either([*_marks([*parts, *self._system_frame()]), *tokenizer.all_special_tokens])
        self.end = _until(parts[2], parts[0]).strip() or parts[2].rstrip()
        """What the template writes after the assistant's turn, up to the user's next one."""

    def prompt(self, messages: Sequence[Message]) -> str:
        """The text that the model is to go on with."""
        plain = [{"role": message.role, "content": self._harmless(message.content)} for message in messages]
        return self._render(plain)

    def answered(self, messages: Sequence[Message], answer: str) -> str:
        """The text of the messages and the assistant's answer to them, with what ends its turn: what a model learns to write."""
        plain = [{"role": message.role, "content": self._harmless(message.content)} for message in messages]
        return self._render([*plain, {"role": "assistant", "content": self._harmless(answer)}], prompt=False)

    def ids(self, text: str) -> list[int]:
        """Token ids of a rendered text; the template has put the beginning token where it belongs."""
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def fitting(self, messages: Sequence[Message], room: int) -> tuple[str, list[int], int]:
        """Text and token ids of the messages, shortened until `room` tokens are left for the answer, and how many messages that cost.

        Raises:
            ChatError: they do not fit, however short.
        """
        _, text, ids, dropped = self.fitted(messages, room)
        return text, ids, dropped

    def fitted(self, messages: Sequence[Message], room: int) -> tuple[Sequence[Message], str, list[int], int]:
        """As `fitting`, with the messages that are left before the rest."""
        dropped = 0
        while True:
            text = self.prompt(messages)
            ids = self.ids(text)
            if self._limit is None or len(ids) + room <= self._limit:
                return messages, text, ids, dropped
            messages, more = shortened(messages)
            dropped += more
            if not more:
                need = f"{len(ids)} tokens and {room} for the answer do not fit into its context of {self._limit}"
                raise ChatError(f"{self._name}: {need}.", hint="Lower max_tokens, or take a model with a longer context.")

    def options(self, text: str, ids: Sequence[int], options: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """A prompt and its options as token ids, split where all of them still agree: a tokenizer may join the seam."""
        whole = [self.ids(text + option) for option in options]
        shared = min(_common(ids, other) for other in whole)
        shared = min(shared, *(len(other) - 1 for other in whole))
        return list(ids[:shared]), [other[shared:] for other in whole]

    def decoded(self, ids: Sequence[int]) -> str:
        """The text of what the model wrote, up to where it would begin somebody else's turn."""
        own = list(dropwhile(self._special.__contains__, ids))
        own = list(takewhile(lambda token: token not in self._special, own))
        text: str = self._tokenizer.decode(own)
        return text.partition(self.end)[0] if self.end else text

    def ends(self) -> frozenset[int]:
        """Tokens after which the assistant's turn is over: the tokenizer's own, and the template's where it is one token."""
        end = self.ids(self.end) if self.end else []
        own = {self._tokenizer.eos_token_id} - {None}
        return frozenset(own | set(end)) if len(end) == 1 else frozenset(own)

    def _render(self, messages: list[dict[str, str]], *, prompt: bool = True) -> str:
        from jinja2 import TemplateError  # noqa: PLC0415  comes with transformers

        tries: tuple[list[dict[str, str]], ...] = (messages, _alternating(messages), _alternating(_folded(messages)))
        for attempt in tries:
            try:
                how = {"tokenize": False, "add_generation_prompt": prompt, "enable_thinking": False}
                return str(self._tokenizer.apply_chat_template(attempt, **how))
            except (TemplateError, TypeError, ValueError) as error:
                refusal: Exception = error
        raise ChatError(f"{self._name}: its chat template refuses the conversation: {refusal}.") from refusal

    def _frame(self) -> list[str]:
        """What the template writes before, between and after a user's, an assistant's and a user's turn."""
        sides = ("user", "assistant", "user")
        try:
            text = self._render([{"role": role, "content": probe} for role, probe in zip(sides, _PROBES, strict=True)])
        except ChatError as error:
            raise InputError(
                f"{self._spec}: its chat template refuses a plain conversation.", hint="Pass another --chat-template."
            ) from error
        parts = re.split("|".join(_PROBES), text)
        if len(parts) != 4:
            raise InputError(f"{self._spec}: its chat template does not write out the messages.", hint="Pass another --chat-template.")
        return parts

    def _system_frame(self) -> list[str]:
        """What it writes around a system message."""
        sides = ("system", "user")
        text = self._render([{"role": role, "content": probe} for role, probe in zip(sides, _PROBES, strict=False)])
        return re.split("|".join(_PROBES), text)

    def _harmless(self, text: str) -> str:
        return self._markers.sub(lambda match: f"{match[0]} ", defused(text))


def _until(between: str, opening: str) -> str:
    """What stands between two turns without the next one's opening line."""
    for size in range(len(opening), 0, -1):
        if between.endswith(opening[-size:]):
            return between[:-size]
    return between


def _marks(parts: Sequence[str]) -> set[str]:
    """The lines of what a template writes around turns that could pass for its own."""
    pieces = {piece.strip() for part in parts for piece in part.splitlines()}
    return {piece for piece in pieces if len(piece) > 1 and not piece.replace(" ", "").isalnum()}


def _either(marks: Sequence[str]) -> re.Pattern[str]:
    """Matches the first character of every place where one of the marks stands."""
    longest_first = sorted({re.escape(mark) for mark in marks if mark}, key=len, reverse=True)
    return re.compile(rf"(?=(?:{'|'.join(longest_first)})).", re.DOTALL) if longest_first else re.compile(r"(?!)")


def _alternating(messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """User and assistant in turn, the user first."""
    joined: list[dict[str, str]] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1] = {**message, "content": f"{joined[-1]['content']}\n\n{message['content']}"}
        else:
            if message["role"] == "assistant" and (not joined or joined[-1]["role"] == "system"):
                joined.append({"role": "user", "content": _OPENER})
            joined.append(message)
    return joined


def _folded(messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Without a system side: its words are the user's first."""
    return [{**message, "role": "user"} if message["role"] == "system" else message for message in messages]


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    size = min(len(one), len(other))
    return next((place for place in range(size) if one[place] != other[place]), size)
