"""What a server can do for a model, as its first answers show: structured output, log-probabilities, which parameters it takes.

Held for each model of a server and shared by all calls, so one refusal teaches all of them.  What the user has fixed is not unlearned.
This module reads no response; it is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum


class Structure(StrEnum):
    """How an object is asked for, the surest first."""

    SCHEMA = "schema"
    """`response_format` json_schema: the server holds the model to it."""
    OBJECT = "object"
    """`response_format` json_object, and the schema in words."""
    WORDS = "words"
    """The schema in words alone."""


_ORDER = tuple(Structure)
_OPTIONAL = ("logprobs", "top_logprobs", "temperature", "top_p", "seed")
_FORMAT = re.compile(r"response_format|json_schema|json_object|json schema|grammar|guided|structured", re.IGNORECASE)
_MISSES = 2
"""Lettered questions without a letter in the answer, with none before, after which log-probabilities are no longer asked for."""


@dataclass(slots=True)
class Abilities:
    """What is known of one model on one server."""

    structure: Structure = Structure.SCHEMA
    fixed: bool = False
    """The user said which structure to use."""
    confirmed: bool = False
    """An object came back under the present structure."""
    refused: set[Structure] = field(default_factory=set)
    logprobs: bool = True
    limit: str = "max_tokens"
    """What the parameter is called that bounds an answer."""
    barred: set[str] = field(default_factory=set)
    """Optional parameters that the server refused."""
    lettered: bool = False
    """Letters were among the likely tokens once."""
    misses: int = 0

    def held(self, used: Structure) -> None:
        """A valid object came back: the structure works, and none below it is needed."""
        if not self.fixed and used not in self.refused and _ORDER.index(used) <= _ORDER.index(self.structure):
            self.structure, self.confirmed = used, True

    def strayed(self, used: Structure) -> None:
        """No object came back.  Before the first one ever, the server seems to ignore the structure; later, the model slipped."""
        if not self.fixed and not self.confirmed and used is self.structure:
            self.structure = _below(used) or used

    def chose(self, *, hit: bool) -> None:
        """A lettered question was answered, with letters among the likely tokens or without."""
        self.lettered = self.lettered or hit
        self.misses += not hit
        self.logprobs = self.logprobs and (self.lettered or self.misses < _MISSES)

    def learn(self, message: str, param: str, sent: set[str], used: Structure | None) -> bool:
        """Take a lesson from a refusal (400, 422): leave out or rename what it complains of.

        Args:
            message: of the server.
            param: that the server names, or nothing.
            sent: the parameters of the refused request.
            used: the structure of the refused request; None where no object was asked for.

        Returns:
            Whether another request would now differ.
        """
        blamed = param or message
        if "max_completion_tokens" in message and "max_tokens" in sent:
            self.limit = "max_completion_tokens"
            return True
        for name in _OPTIONAL:
            if name in sent and re.search(rf"\b{name}\b", blamed):
                self.bar(name)
                return True
        unexplained = not param and not self.confirmed
        if used is not None and "response_format" in sent and (_FORMAT.search(blamed) or unexplained):
            return self.step_down(used)
        return False

    def bar(self, name: str) -> None:
        """Send a parameter no more."""
        if "logprobs" in name:
            self.logprobs = False
        else:
            self.barred.add(name)

    def step_down(self, used: Structure) -> bool:
        """Another structure than the refused one; False when the user fixed it."""
        if self.fixed:
            return False
        self.refused.add(used)
        if used is self.structure:
            self.structure, self.confirmed = _below(used) or used, False
        return self.structure is not used


def _below(structure: Structure) -> Structure | None:
    place = _ORDER.index(structure) + 1
    return _ORDER[place] if place < len(_ORDER) else None
