"""A session on the disk: `session.json` (who, with what, which branches), `steps.jsonl` (checkpoints and calls), `checkpoints.sqlite`.

`session.json` is replaced whole, `steps.jsonl` only grows, a line a checkpoint, fsynced; LangGraph's saver keeps the states.  One process
at a time has a session open.  Nothing here knows what a step is.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from pathlib import Path
from typing import IO, Any

from pydantic import Field, ValidationError

from agents.chat.address import clean_spec
from agents.errors import InputError, StorageError
from agents.words import Word
from graphs.recipe import Recipe
from graphs.session_words import Branch, Break, Call, Checkpoint, Info
from simulator.cast import Cast
from simulator.store import drop_torn_line, read_lines

VERSION = 1
"""Of this layout; a session of another version is refused."""
SESSION, STEPS, CHECKPOINTS, EPISODE = "session.json", "steps.jsonl", "checkpoints.sqlite", "episode.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Header(Word):
    """What `session.json` holds."""

    version: int = VERSION
    recipe: Recipe
    """Without secrets of a URL."""
    cast: Cast
    seed: int
    """Of the talk."""
    index: int = 0
    """Which talk of the recipe it is."""
    episode: str | None = None
    """Id of the episode that it was loaded from."""
    branches: tuple[Branch, ...] = ()
    current: str = "main"
    threads: int = 0
    """Threads made so far."""
    breaks: tuple[Break, ...] = ()


class Row(Word):
    """A line of `steps.jsonl`."""

    at: Checkpoint
    calls: tuple[Call, ...] = Field(default=())


def checked_name(name: str) -> str:
    """The name, if it can be a session's; InputError for one with a dot, a slash or the like."""
    if not NAME.fullmatch(name):
        raise InputError(f"{name[:80]!r} can't be a session's name.", hint="Use letters, digits, - and _, at most 64.")
    return name


class Folder:
    """The folder of one session, open for writing and locked; `close` it.

    Raises:
        InputError: not a session, one of another version, or one that is open elsewhere.
        StorageError: it can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header = read_header(path)
        try:
            self._steps: IO[bytes] = (path / STEPS).open("ab+")
        except OSError as error:
            raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
        try:
            fcntl.flock(self._steps, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._steps.close()
            raise InputError(f"Session {path.name} is open in another holdspace.", hint="Close it there first.") from error
        drop_torn_line(self._steps)
        try:
            self.rows = [Row.model_validate(value) for _, value in read_lines(path / STEPS)]
        except (ValidationError, InputError) as error:
            self.close()
            raise InputError(f"{path / STEPS} is damaged.", hint="Delete the session and begin a new one.") from error

    @property
    def name(self) -> str:
        return self.path.name

    def append(self, row: Row) -> None:
        """Add a checkpoint and wait until it is on the disk."""
        start = self._steps.seek(0, os.SEEK_END)
        try:
            self._steps.write(row.model_dump_json(exclude_defaults=True).encode() + b"\n")
            self._steps.flush()
            os.fsync(self._steps.fileno())
        except OSError as error:
            os.truncate(self.path / STEPS, start)
            raise StorageError(f"{self.path / STEPS} can't be written: {error.strerror}.", hint="Free some space.") from error
        self.rows.append(row)

    def save(self, **changes: Any) -> None:
        """Change the header and write it."""
        header = self.header.model_copy(update=changes)
        write_header(self.path, header)
        self.header = header

    def close(self) -> None:
        """Let other processes have it."""
        self._steps.close()


def make_folder(path: Path, header: Header, episode: str | None = None) -> None:
    """Make the folder of a new session.

    Args:
        path: where.
        header: its `session.json`.
        episode: JSON of the episode that it is loaded from.

    Raises:
        InputError: there is one of that name.
        StorageError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()
        if episode is not None:
            (path / EPISODE).write_text(episode, encoding="utf-8")
    except FileExistsError as error:
        raise InputError(f"There is a session {path.name} already.", hint="Open it, or choose another name.") from error
    except OSError as error:
        raise StorageError(f"{path} can't be made: {error.strerror}.", hint="Check the folder and the disk.") from error
    write_header(path, header)


def write_header(path: Path, header: Header) -> None:
    """Replace `session.json` in one go."""
    seats = {role: clean_spec(spec) for role, spec in header.recipe.seats.model_dump().items()}
    content = header.model_dump(mode="json", exclude_defaults=True) | {"version": VERSION}
    content["recipe"] = header.recipe.model_dump(mode="json") | {"seats": seats}
    try:
        with (path / f"{SESSION}.partial").open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, path / SESSION)
    except OSError as error:
        raise StorageError(f"{path / SESSION} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error


def read_header(path: Path) -> Header:
    """The header of a session; InputError in a sentence when it is none, or of another version."""
    try:
        content = json.loads((path / SESSION).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} is no session that can be read.", hint="Is the name right?") from error
    version = content.get("version") if isinstance(content, dict) else None
    if version != VERSION:
        raise InputError(
            f"Session {path.name} was written by another version of holdspace (layout {version}; this one reads {VERSION}).",
            hint="Open it with that version, or begin a new session.",
        )
    try:
        return Header.model_validate(content)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(
            f"{path / SESSION}: {where}: {error.errors()[0]['msg']}.", hint="Delete the session and begin a new one."
        ) from error


def info_of(path: Path) -> Info:
    """A session as a line of a list; one that can't be opened says why."""
    try:
        header = read_header(path)
    except InputError as error:
        return Info(name=path.name, trouble=error.message)
    changed = max(file.stat().st_mtime for file in path.iterdir())
    return Info(name=path.name, scenario=header.cast.scenario.name, episode=header.episode, branches=len(header.branches), changed=changed)
