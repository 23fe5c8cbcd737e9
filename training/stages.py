"""Stages: a long run as steps that are done once, each with a manifest that says from what it was made and what it made.

A stage whose manifest is there and was made from the same things is passed over; one that was killed is done again, and the work inside it
(talks, checkpoints) goes on where it stood, because those resume by themselves.  One process at a time may work on a folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.errors import InputError, StorageError

MANIFESTS = "stages"
LOCK = ".lock"

Work = Callable[[], Mapping[str, Any]]
OnStage = Callable[[str, str], None]
"""Told the name of a stage and `begun`, `done` or `found`."""


class Stages:
    """The stages of one run folder.

    Args:
        folder: of the run.
        on_stage: told what happens; nobody when None.
    """

    def __init__(self, folder: Path, on_stage: OnStage | None = None) -> None:
        self.folder = folder
        self._tell = on_stage or _nobody

    def do(self, name: str, made_from: Mapping[str, Any], work: Work) -> dict[str, Any]:
        """Do a stage, or find it done.

        Args:
            name: of the stage; its manifest's name.
            made_from: all that its result depends on, as JSON values.
            work: does it; returns what it made, as JSON values.

        Returns:
            What it made.

        Raises:
            InputError: the stage was done from other things.
        """
        path, print_ = self.folder / MANIFESTS / f"{name}.json", digest(made_from)
        if (found := _read(path)) is not None:
            if found["from"] != print_:
                raise InputError(
                    f"{path}: stage {name} was made from other settings or data than now.", hint="Choose another --out, or delete this one."
                )
            self._tell(name, "found")
            return dict(found["made"])
        self._tell(name, "begun")
        start = time.monotonic()
        made = dict(work())
        content = {"stage": name, "from": print_, "made_from": made_from, "made": made, "seconds": round(time.monotonic() - start, 1)}
        write_json(path, content)
        self._tell(name, "done")
        return made

    def all(self) -> dict[str, dict[str, Any]]:
        """The manifests of all stages that are done, in the order in which they were."""
        folder = self.folder / MANIFESTS
        found = [(path.stat().st_mtime_ns, path.stem, _read(path)) for path in folder.glob("*.json")] if folder.is_dir() else []
        return {name: content for _, name, content in sorted(found, key=lambda item: item[:2]) if content is not None}


def _nobody(name: str, what: str) -> None:
    """Nobody is told."""


def digest(value: Any) -> str:
    """First 16 hex digits of the SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file whole or not at all; StorageError when it can't be written."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["from"], content["made"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a stage's manifest.", hint="Delete it, and the stage is done again.") from error
    return dict(content)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While it lasts, no other process works on this folder.

    Raises:
        InputError: another one does.
        StorageError: the folder can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{folder} can't be written: {error.strerror}.", hint="Choose another --out.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{folder} is in use by another holdspace process.", hint="Wait for it, or choose another --out.") from error
        yield
    finally:
        os.close(lock)
