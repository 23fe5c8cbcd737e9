"""Prompt files: Markdown with `{{variables}}`, one file a prompt, filled strictly and fingerprinted.

A file has a `# system` part and, if it likes, a `# user` part.  Values are put in by one pass of plain replacement, so braces in a
user's text stay what they are.  Roles come from the code, never from the text: a seeker that writes `# system` changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

from agents.chat.port import Message
from agents.errors import PromptError
from agents.words import Speaker, Talk

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
SILENCE = "(No answer yet; you go on.)"
"""Said by the user where the supporter speaks again: no empty turn, and no template or trainer takes the answer for the old message's."""
_PART = re.compile(r"^# (system|user)\s*$", re.MULTILINE)


class Prompting(StrEnum):
    """How much the prompts of planner and responder say."""

    FULL = "full"
    """All that a general model needs to know."""
    BRIEF = "brief"
    """For a model that was trained on these very prompts: a line, so that a small context is left for the talk."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file, read once."""

    name: str
    system: str
    user: str
    variables: frozenset[str]
    fingerprint: str
    """First 12 hex digits of the file's SHA-256."""

    def render(self, values: Mapping[str, str], talk: Talk = ()) -> tuple[Message, ...]:
        """System message, the talk as alternating chat messages, then the user part, or SILENCE where nothing ends with a user.

        Raises:
            PromptError: a variable of the file is missing in `values`, or `values` has one that the file does not know.
        """
        if values.keys() != self.variables:
            missing, unknown = self.variables - values.keys(), values.keys() - self.variables
            raise PromptError(f"Prompt {self.name}: missing {sorted(missing)}, unknown {sorted(unknown)}.")
        messages = [Message(role="system", content=_fill(self.system, values)), *talk_messages(talk)]
        if self.user:
            messages.append(Message(role="user", content=_fill(self.user, values)))
        elif talk and talk[-1].speaker is Speaker.SUPPORTER:
            messages.append(Message(role="user", content=SILENCE))
        return tuple(messages)


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values[match.group(1)], template)


def talk_messages(talk: Talk, *, me: Speaker = Speaker.SUPPORTER) -> list[Message]:
    """The talk as chat messages; `me` is the assistant.  Turns in a row of one speaker are joined by a newline."""
    messages: list[Message] = []
    for turn in talk:
        role: Literal["user", "assistant"] = "assistant" if turn.speaker is me else "user"
        if messages and messages[-1].role == role:
            messages[-1] = _message(role, f"{messages[-1].content}\n{turn.text}")
        else:
            messages.append(_message(role, turn.text))
    return messages


def _message(role: Literal["user", "assistant"], content: str) -> Message:
    """A message of values that are known to be right: a talk has hundreds, and checking each again takes a tenth of a rehearsal."""
    return Message.model_construct(_fields_set=None, role=role, content=content)


def transcript(talk: Talk) -> str:
    """The talk as lines for a reader that is not part of it; newlines inside a turn become spaces, so a line is a turn."""
    return "\n".join(f"{turn.speaker.value}: {' '.join(turn.text.split())}" for turn in talk)


@cache
def load_prompt(path: Path) -> Prompt:
    """Read a prompt file.

    Raises:
        PromptError: the file is missing or has no `# system` part.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PromptError(f"Prompt file {path.name} can't be read: {error.strerror}.") from error
    return parse_prompt(path.stem, text)


def parse_prompt(name: str, text: str) -> Prompt:
    """A prompt from the text of its file; PromptError when it has no `# system` part."""
    parts = _PART.split(text)
    sections = dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
    if "system" not in sections:
        raise PromptError(f"Prompt file {name}.md has no '# system' part.", hint="Begin it with a line '# system'.")
    return Prompt(
        name=name,
        system=sections["system"],
        user=sections.get("user", ""),
        variables=frozenset(_VARIABLE.findall("".join(sections.values()))),
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:12],
    )
