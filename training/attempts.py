"""Attempts: what the models made of each supporter turn of a corpus; the work file of `holdspace mine`.

`attempts.jsonl` is append-only: a line a turn, handed to the system at once (so `kill -9` loses only what was in flight) and fsynced
about once a second.  A turn that is attempted again, for another kind of pair, gets a new line; the last one counts.  Pairs are made from
attempts afterwards, without a model.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Annotated, Any

import yaml
from pydantic import Field, ValidationError

from agents.errors import InputError, StorageError
from agents.planner import Pick
from agents.prompting import Prompting
from agents.words import Critique, Strategy, Word
from graphs.recipe import difference
from graphs.run import versions
from simulator.store import drop_torn_line

ATTEMPTS = "attempts.jsonl"
MINE_FILE = "mine.yaml"
EVERY = 1.0
"""Seconds after which what was written is fsynced."""


class Version(Word):
    """A model's reply to a turn, with the judge's critique of it."""

    text: Annotated[str, Field(min_length=1)]
    strategy: Strategy
    critique: Critique
    refined: Annotated[int, Field(ge=0)] = 0
    """How often the judge's seat has rewritten it."""


class Attempt(Word):
    """What the models made of one supporter turn; None where nobody has been asked yet."""

    dialogue: str
    turn: Annotated[int, Field(ge=0)]
    crisis: bool
    """Whether the gate flagged the dialogue."""
    planned: Strategy | None = None
    gold: Critique | None = None
    """Of the human reply under the human's strategy."""
    reply: Version | None = None
    """The responder's under the human's strategy."""
    joint: Version | None = None
    """The responder's under the planned strategy."""
    better: Version | None = None
    """Only where a seeker rated the turn low: what the judge accepts instead, or the last try."""
    failed: str = ""
    """Why the rest is missing: a backend failed.  Such a turn is attempted again on the next run."""


class MineSettings(Word):
    """What makes two minings the same; kinds, concurrency and guards are not part of it."""

    corpus: str
    """The file's name."""
    sha256: str
    """Of its content."""
    seed: Annotated[int, Field(ge=0)] = 1
    pick: Pick = Pick.SAMPLE
    prompts: Prompting = Prompting.FULL
    language: str = "English"
    models: dict[str, str]
    """Spec of planner, responder and judge, without secrets."""
    weights: dict[str, str] = Field(default_factory=dict)
    """Of those that are folders on this machine, what tells their content: another training under one name is another model."""
    fingerprints: dict[str, str]
    """Of the prompt files in use, by name, and of the crisis gate."""


class AttemptStore:
    """The work file of a folder, locked against other processes; use as a context manager.

    Raises:
        InputError: the folder belongs to a mining of other settings, is in use, or holds a line that is no attempt.
        StorageError: it can't be read or written.
    """

    def __init__(self, folder: Path, settings: MineSettings) -> None:
        self.folder, self.settings = folder, settings
        self._places: dict[tuple[str, int], tuple[int, int]] = {}
        self._end = 0
        self._synced = time.monotonic()
        self._file: IO[bytes]

    @property
    def path(self) -> Path:
        return self.folder / ATTEMPTS

    def __enter__(self) -> AttemptStore:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab+", buffering=0)
        except OSError as error:
            raise StorageError(f"{self.folder} can't be written: {error.strerror}.", hint="Choose another --out.") from error
        try:
            self._lock()
            self._claim()
            drop_torn_line(self._file)
            self._index()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.fsync(self._file.fileno())
        self._file.close()

    def __len__(self) -> int:
        """Turns that were attempted."""
        return len(self._places)

    def get(self, dialogue: str, turn: int) -> Attempt | None:
        """The last attempt at a turn; None when there is none."""
        place = self._places.get((dialogue, turn))
        if place is None:
            return None
        return Attempt.model_validate_json(os.pread(self._file.fileno(), place[1], place[0]))

    def add(self, attempt: Attempt) -> None:
        """Append one; whole or not at all."""
        line = attempt.model_dump_json(exclude_defaults=True).encode() + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(0, "only a part was written")
            if time.monotonic() - self._synced > EVERY:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            os.ftruncate(self._file.fileno(), self._end)
            raise StorageError(f"{self.path} can't be written: {error.strerror}.", hint="Free some space and run it again.") from error
        self._places[attempt.dialogue, attempt.turn] = (self._end, len(line))
        self._end += len(line)

    def flags(self) -> dict[str, bool]:
        """Dialogues with an attempt, and whether the gate flagged them."""
        return {attempt.dialogue: attempt.crisis for key in self._firsts() if (attempt := self.get(*key)) is not None}

    def _firsts(self) -> list[tuple[str, int]]:
        return list({dialogue: (dialogue, turn) for dialogue, turn in self._places}.values())

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{self.folder} is in use by another holdspace.", hint="Wait for it, or choose another --out.") from error

    def _claim(self) -> None:
        """Write mine.yaml, or check that the one that is there has these settings."""
        path, mine = self.folder / MINE_FILE, self.settings.model_dump(mode="json")
        if path.exists():
            if (what := difference(_stored(path), mine)) is not None:
                raise InputError(f"{self.folder} holds another mining: {what}.", hint="Choose another --out, or the old settings.")
            return
        if self.path.stat().st_size:
            raise InputError(f"{self.folder} holds attempts but no {MINE_FILE}.", hint="Choose another --out.")
        partial = path.with_suffix(".partial")
        content = {"mine": mine, "versions": versions()}
        try:
            partial.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error

    def _index(self) -> None:
        self._file.seek(0)
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    attempt = Attempt.model_validate_json(line)
                except ValidationError as error:
                    where = f"{self.path}:{number}"
                    raise InputError(f"{where}: not an attempt ({error.errors()[0]['msg']}).", hint="Delete that line.") from error
                self._places[attempt.dialogue, attempt.turn] = (self._end, len(line))
                self._end += len(line)


def _stored(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))["mine"]
        return dict(json.loads(json.dumps(content)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} can't be read as settings of a mining.", hint="Choose another --out.") from error
