"""A cache of answers, so that a killed talk does not pay twice: SQLite for the file, JSON for what is in it.

An answer is found by what was asked: model, messages, sampling, schema, options and seed; not by role or task, and not by the variables
of a request, so a backend that reads those (rehearsal) is never wrapped.  Many processes may share one file.  Writes go through a
thread, a transaction for all that has gathered, so that the event loop never waits for a lock; a process that is killed loses the last
hundredth of a second at most, and the file stays sound.  A cache that stops working in mid-run stops caching, not the run.  Failures
are never cached, and nothing is ever evicted.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.chat.calls import Call, CallLog
from agents.chat.port import Chat, Choice, Completion, Request, Role, Sampling, Usage
from agents.chat.sizes import schema_text
from agents.errors import StorageError
from agents.words import Word

Json = dict[str, Any]

VERSION = 1
"""Of the keys and of what stands in a row; a file of another version is refused."""
BUSY_SECONDS = 10.0
GATHER_SECONDS = 0.01


class Cache:
    """Answers in a file.  Use as a context manager: leaving it writes what is still on its way.

    Args:
        path: the file; made when missing.

    Raises:
        StorageError: the file can't be opened, is no database, or is of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        """Why the cache has stopped working, one sentence; empty while it works."""
        self._reader = _opened(path)
        self._reading = threading.Lock()
        self._pending: dict[bytes, str] = {}
        """What is not in the file yet."""
        self._queue: SimpleQueue[tuple[bytes, str] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="holdspace-cache", daemon=True)
        self._thread.start()

    def get(self, key: bytes) -> Json | None:
        """The answer under a key; None when there is none, or none that can be read."""
        text = self._pending.get(key)
        try:
            if text is None:
                with self._reading:
                    row = self._reader.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
                text = row[0] if row else None
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        try:
            found = json.loads(text) if text else None
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: bytes, answer: Json) -> None:
        """Keep an answer; the first one under a key stays."""
        if self.trouble:
            return
        text = json.dumps(answer)  # ASCII: NUL bytes and lone surrogates survive as escapes
        self._pending[key] = text
        self._queue.put((key, text))

    def close(self) -> None:
        """Write what is still on its way and close the file; may be called twice."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._reader.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _write(self) -> None:
        """The writer thread, with a connection of its own."""
        connection: sqlite3.Connection | None = None
        try:
            connection = _connect(self.path)
            open_ = True
            while open_:
                rows, open_ = self._gathered()
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", rows)
                connection.execute("COMMIT")
                for key, _ in rows:
                    self._pending.pop(key, None)
        except sqlite3.Error as error:
            self._give_up(error)
        finally:
            if connection is not None:
                connection.close()

    def _gathered(self) -> tuple[list[tuple[bytes, str]], bool]:
        """The rows that have come in, at least one unless the cache is closing, and whether more may come."""
        rows: list[tuple[bytes, str]] = []
        item = self._queue.get()
        if item is not None:
            time.sleep(GATHER_SECONDS)
        while item is not None:
            rows.append(item)
            if self._queue.empty():
                return rows, True
            item = self._queue.get()
        return rows, False

    def _give_up(self, error: Exception) -> None:
        self.trouble = self.trouble or f"{self.path} stopped caching: {error}."
        self._pending.clear()


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _opened(path: Path) -> sqlite3.Connection:
    """A connection to a file with our table; waits while another process makes it."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = _connect(path)
            try:
                version = _prepare(connection)
            except BaseException:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            # Two processes that turn one new file to WAL at once: SQLite refuses one of them without waiting.
            if "locked" in str(error) and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            what = error.strerror if isinstance(error, OSError) else error
            raise StorageError(f"{path} can't be used as a cache: {what}.", hint="Move it away, or run with --no-cache.") from error
        if version != VERSION:
            connection.close()
            raise StorageError(f"{path} is a cache of another holdspace, or none.", hint="Move it away, or run with --no-cache.")
        return connection


def _prepare(connection: sqlite3.Connection) -> int:
    """The version of the file, which becomes ours when it is new."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    version, tables = connection.execute("SELECT (SELECT user_version FROM pragma_user_version), count(*) FROM sqlite_master").fetchone()
    if not version and not tables:
        connection.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, answer TEXT NOT NULL)")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        version = VERSION
    connection.execute("COMMIT")
    return int(version)


class CachedChat:
    """A backend whose answers are kept; one that is known is not asked for again.

    Args:
        chat: the backend; it answers from messages, sampling, schema and seed alone.
        cache: where answers are kept.
        sampling: what the backend was made with, since it shapes the answers.
        identity: what tells this model from every other, where the spec does not: a local folder's weights can change under one path,
            and a server can be named by the environment.
        calls: notes the calls that the cache answered; the backend notes its own.
    """

    def __init__(
        self, chat: Chat, cache: Cache, sampling: Mapping[Role, Sampling], *, identity: str = "", calls: CallLog | None = None
    ) -> None:
        self.chat = chat
        self.cache = cache
        self._identity = identity or chat.spec
        self._calls = calls
        self._sampling = {role: sampling.get(role, Sampling()).model_dump() for role in Role}

    @property
    def spec(self) -> str:
        return self.chat.spec

    async def complete(self, request: Request) -> Completion:
        """The kept answer, or the backend's, which is then kept; a blank one, or one without the object asked for, is not."""
        start, key = time.monotonic(), self._key(request, ())
        if (found := self.cache.get(key)) and (known := _completion(found, request.schema)):
            self._note(request, known.usage, start)
            return known
        fresh = await self.chat.complete(request)
        if fresh.text.strip() and (request.schema is None or isinstance(fresh.parsed, request.schema)):
            parsed = fresh.parsed.model_dump(mode="json") if fresh.parsed is not None else None
            self.cache.put(key, _Kept(text=fresh.text, parsed=parsed, usage=fresh.usage).model_dump())
        return fresh

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        """The kept distribution, or the backend's, which is then kept when it is over these options."""
        start, key = time.monotonic(), self._key(request, options)
        if (found := self.cache.get(key)) and (known := _choice(found)):
            self._note(request, known.usage, start)
            return known
        fresh = await self.chat.choose(request, options)
        if set(fresh.probabilities) == set(options):
            kept = _KeptChoice(probabilities=dict(fresh.probabilities), rationale=fresh.rationale, usage=fresh.usage)
            self.cache.put(key, kept.model_dump())
        return fresh

    def _key(self, request: Request, options: Sequence[str]) -> bytes:
        asked = [
            VERSION,
            self._identity,
            [[message.role, message.content] for message in request.messages],
            self._sampling[request.role],
            schema_text(request.schema) if request.schema else None,
            request.seed,
            list(options),
        ]
        return hashlib.blake2b(json.dumps(asked).encode(), digest_size=20).digest()

    def _note(self, request: Request, usage: Usage, start: float) -> None:
        if self._calls is not None:
            self._calls.note(
                Call(
                    role=request.role,
                    task=request.task,
                    model=usage.model,
                    seconds=time.monotonic() - start,
                    attempts=0,
                    cached=True,
                    prompt_tokens=usage.prompt_tokens,
                    completion_tokens=usage.completion_tokens,
                )
            )


class _Kept(Word):
    """What stands in a row for an answer to `complete`."""

    text: str
    parsed: Any
    usage: Usage


class _KeptChoice(Word):
    """What stands in a row for an answer to `choose`."""

    probabilities: dict[str, float]
    rationale: str
    usage: Usage


def _completion(found: Json, schema: type[BaseModel] | None) -> Completion | None:
    """A kept answer as it was first given; None where it is none, or no longer fits the schema."""
    try:
        kept = _Kept.model_validate(found)
        parsed = schema.model_validate(kept.parsed) if schema else None
    except ValidationError:
        return None
    return Completion(text=kept.text, parsed=parsed, usage=_again(kept.usage))


def _choice(found: Json) -> Choice | None:
    try:
        kept = _KeptChoice.model_validate(found)
    except ValidationError:
        return None
    return Choice(probabilities=kept.probabilities, rationale=kept.rationale, usage=_again(kept.usage))


def _again(usage: Usage) -> Usage:
    """What the answer took when it was first given: a resumed talk then differs from an unbroken one only in `cached`."""
    return usage.model_copy(update={"cached": True})
