"""The store of a run: `episodes.jsonl`, append-only, one line an episode, flushed and fsynced.

A torn last line (the process was killed while writing) is dropped when the store is opened for writing; a broken line elsewhere is an
error that names the line.  Reading streams: memory does not grow with the run.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from agents.errors import InputError, StorageError
from simulator.episode import Episode

EPISODES = "episodes.jsonl"


class EpisodeStore:
    """Appends episodes to one file; use as a context manager.

    Raises:
        StorageError: the file can't be opened, repaired or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> EpisodeStore:
        try:
            self._file = self.path.open("ab+")
            drop_torn_line(self._file)
        except OSError as error:
            raise StorageError(f"{self.path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, episode: Episode) -> None:
        """Write one line and wait until it is on the disk; a failed write leaves the lines before it whole."""
        if self._file is None:
            raise StorageError(f"{self.path} is not open.")
        line = episode.model_dump_json().encode() + b"\n"
        start = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._undo(start)
            raise StorageError(
                f"{self.path} can't be written: {error.strerror}.", hint="Free some space and run the same command again."
            ) from error

    def _undo(self, start: int) -> None:
        """Take back what a failed write left; the torn line is dropped on resume if even that fails."""
        path, self._file = self.path, None
        try:
            os.truncate(path, start)
        except OSError:
            return


def drop_torn_line(file: IO[bytes]) -> int:
    """Cut a last line that has no newline; returns the number of bytes dropped."""
    end = file.seek(0, os.SEEK_END)
    position = end
    while position > 0:
        step = min(65536, position)
        file.seek(position - step)
        block = file.read(step)
        if (newline := block.rfind(b"\n")) >= 0:
            position = position - step + newline + 1
            break
        position -= step
    if position < end:
        file.truncate(position)
    file.seek(0, os.SEEK_END)
    return end - position


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """JSON objects of a JSONL file (`.gz` too) with their line numbers; blank lines and a torn last line are passed over.

    Raises:
        InputError: not readable, not UTF-8, or a line that is not a JSON object.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if not raw.strip():
                    continue
                if not raw.endswith(b"\n") and not _is_json(raw):
                    return
                yield number, _object(path, number, raw)
    except (OSError, EOFError) as error:
        raise InputError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}.", hint="Check the path.") from error


def _object(path: Path, number: int, raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}:{number}: not JSON ({error.__class__.__name__}).", hint="One JSON object a line.") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}:{number}: expected a JSON object, found {type(value).__name__}.", hint="One JSON object a line.")
    return value


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except ValueError:
        return False
    return True


def read_episodes(path: Path) -> Iterator[Episode]:
    """Episodes of a file, in the order they were written, one at a time.

    Args:
        path: an `episodes.jsonl`, or a run folder.

    Raises:
        InputError: missing, or a line that is no episode; the sentence names file and line.
    """
    file = path / EPISODES if path.is_dir() else path
    for number, value in read_lines(file):
        try:
            yield Episode.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "episode"
            raise InputError(f"{file}:{number}: {where}: {first['msg']}.", hint="Is this a holdspace run?") from error


def stored_ids(path: Path) -> set[str]:
    """Ids of all whole lines; an empty set when there is no file yet."""
    if not path.exists():
        return set()
    return {str(value["id"]) for _, value in read_lines(path) if "id" in value}
