"""The one vocabulary of what can go wrong.

Each error says where it happened (its boundary), whether trying again can help, and what to do next.  Each also inherits the
standard exception it stands for, so that plain Python code catches it too.  This module raises nothing and logs nothing.
"""

from __future__ import annotations

from typing import Any, ClassVar


class HoldspaceError(Exception):
    """Base of all our errors: one sentence, a boundary, whether a retry can help, and what to do next.

    Args:
        message: what is wrong and where, one sentence.
        hint: what to do next, one sentence; shown after the message.
    """

    boundary: ClassVar[str] = "holdspace"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(HoldspaceError, ValueError):
    """The user's own mistake: a bad file, key, flag or folder.  Printed without traceback, exit code 2."""

    boundary = "input"


class StorageError(HoldspaceError, OSError):
    """The run folder can't be read or written (full disk, no permission).  What was stored before stays valid."""

    boundary = "storage"


class ChatError(HoldspaceError, RuntimeError):
    """A backend failed to answer; the talk that asked becomes a failed record."""

    boundary = "chat"
    usage: Any = None
    """What the call cost before it failed (`agents.chat.port.Usage`), where the backend counted."""
    entries: tuple[Any, ...] = ()
    """Ledger entries of the step that failed, its failed call last: set by the ledger, kept in the failed record."""


class AnswerError(ChatError):
    """A backend answered, but not with what was asked for (no text, no valid object, an unknown option)."""

    boundary = "answer"


class PromptError(HoldspaceError, KeyError):
    """A prompt file and its variables do not fit each other."""

    boundary = "prompt"

    def __str__(self) -> str:  # KeyError would print the repr
        return HoldspaceError.__str__(self)


class RunStop(HoldspaceError, RuntimeError):
    """The whole run must stop now and can be resumed later: a server that is down for everybody, a budget that is reached."""

    boundary = "run"
    retryable = True
