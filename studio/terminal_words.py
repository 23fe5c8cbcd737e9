"""What a person types in the terminal, read: strategies by a part of their name, values, breakpoints.  Nothing is done here."""

from __future__ import annotations

import json
import shlex
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import ValidationError

from agents.chat.port import Role
from agents.errors import InputError
from agents.words import PsychError, Strategy
from agents.yamlfile import nearest
from graphs.session_words import SEATS, Break

S = TypeVar("S", bound=StrEnum)

NODES = ("seeker", "screen", "plan", "respond", "critique", "refine", "deliver", "handover")
BREAK_KEYS = ("node=", "turn=", "strategy=", "error=", "emotion<", "crisis")


def words_of(line: str) -> list[str]:
    """Words of a line; quotes hold words together.  InputError when a quote is not closed."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InputError("A quote is not closed.", hint="Close it, or leave it out.") from error


def strategy_of(text: str) -> Strategy:
    """A strategy by its name or a part of it, such as `question` or `suggest`; InputError when none or several fit."""
    return _one_of(text, list(Strategy), "strategy")


def error_of(text: str) -> PsychError:
    """One of the five errors, by its name or a part of it."""
    return _one_of(text, list(PsychError), "error")


def _one_of(text: str, known: list[S], what: str) -> S:
    wanted = text.lower().replace("-", " ").replace("_", " ").strip()
    names = [item.value.lower().replace("-", " ") for item in known]
    fits = [item for item, name in zip(known, names, strict=True) if name == wanted]
    fits = fits or [item for item, name in zip(known, names, strict=True) if wanted and wanted in name]
    if len(fits) != 1:
        raise InputError(f"{text!r} is {'several' if fits else 'no'} {what}.", hint=f"There are {', '.join(item.value for item in known)}.")
    return fits[0]


def is_strategy(text: str) -> bool:
    """Whether a word names one strategy."""
    try:
        strategy_of(text)
    except InputError:
        return False
    return True


def role_of(text: str) -> Role:
    """A seat by its name."""
    names = [role.value for role in Role if role is not Role.JUDGE]
    if text not in names:
        raise InputError(f"There is no seat {text!r}{nearest(text, names)}.", hint=f"There are {', '.join(names)}.")
    return Role(text)


def value_of(text: str) -> Any:
    """A value of an edit: JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def number_of(text: str, what: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{text!r} is no {what}.", hint="Give a number from 1.")
    return int(text)


def break_of(words: list[str]) -> Break:
    """A breakpoint from `node=respond turn=3 strategy=question error=template emotion<3 crisis`, in any mixture.

    Raises:
        InputError: no condition, an unknown one, or a value that can't be.
    """
    given: dict[str, Any] = {}
    for word in words:
        if word == "crisis":
            given["crisis"] = True
        elif word in NODES:
            given["node"] = word
        elif word.startswith("emotion<"):
            given["emotion_below"] = value_of(word.partition("<")[2])
        else:
            key, mark, value = word.partition("=")
            if not mark or key not in ("node", "turn", "strategy", "error"):
                raise InputError(f"{word!r} is no condition.", hint=f"Conditions are {' '.join(BREAK_KEYS)}, such as: break turn=3 plan")
            given[key] = strategy_of(value) if key == "strategy" else error_of(value) if key == "error" else value
    if not given:
        raise InputError("A breakpoint needs a condition.", hint=f"Conditions are {' '.join(BREAK_KEYS)}.")
    try:
        return Break.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.", hint="See: help break") from error


def plain(text: str) -> str:
    """A text without what could move a terminal's cursor or change its state: escape and other control characters become `\u00b7`."""
    return "".join(char if char in "\n\t" or (ord(char) >= 32 and not 127 <= ord(char) < 160) else "\u00b7" for char in text)


def completions(words: list[str], begun: str, known: dict[str, list[str]]) -> list[str]:
    """What may follow on a line.

    Args:
        words: those before the one that is begun; the first is the command.
        begun: the beginning of that one.
        known: `commands`, `branches`, `prompts`, `paths`: what there is in this session.
    """
    if not words:
        options = known["commands"]
    else:
        seats = [role.value for role in SEATS]
        strategies = [strategy.value.split()[0].lower() for strategy in Strategy]
        options = {
            "help": known["commands"],
            "go": known["branches"],
            "diff": known["branches"],
            "mark": known["branches"],
            "take": seats,
            "give": seats,
            "seat": [*seats, "critic"],
            "prompt": known["prompts"],
            "edit": known["paths"],
            "state": known["paths"],
            "fork": [*strategies, "seeker=", "planner=", "responder=", "critic=", "name="],
            "say": strategies,
            "break": [*BREAK_KEYS, *NODES, "clear"],
            "continue": [*BREAK_KEYS, *NODES],
        }.get(words[0], [])
    return [option for option in options if option.startswith(begun)]
