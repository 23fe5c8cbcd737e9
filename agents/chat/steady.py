"""What keeps a run steady on an unsteady server: when to try again, how long to wait, when to give up, and for whom.

Three bounds, from small to large.  A call is tried `attempts` times.  All calls on a server share a budget of retries, which grows with
what succeeds, so that a server that fails most of the time can't keep a run busy for ever.  And when nobody has had an answer for a while
the breaker opens: every call raises RunStop, nothing becomes a failed record, and the same command resumes.  No I/O but sleeping.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Annotated, NoReturn

from pydantic import Field

from agents.errors import AnswerError, ChatError, RunStop
from agents.words import Word

HALF_OPEN = 2.0
"""Seconds after which a stopped server may be tried again by the same process, as a debugger does."""


class Kind(StrEnum):
    """How an attempt failed, where another may succeed."""

    REFUSED = "connection refused"
    BROKEN = "connection broken"
    TIMEOUT = "no answer in time"
    RATE = "rate limit"
    SERVER = "server error"
    GARBLED = "not an OpenAI-compatible answer"
    EMPTY = "an empty answer"
    FILTERED = "the server's content filter"


_DOWN = frozenset({Kind.REFUSED, Kind.BROKEN, Kind.TIMEOUT, Kind.SERVER, Kind.GARBLED})
"""What a server that is down for everybody looks like."""
SAYING_NOTHING = frozenset({Kind.EMPTY, Kind.FILTERED})
"""Answers that another seed may better."""
_SILENCES = 3
"""So many of them end a call."""


class Trouble(Exception):
    """One attempt failed.

    Args:
        kind: how.
        detail: a few words more, such as the status; nothing secret.
        after: seconds that the server asks to wait; None where it says nothing.
    """

    def __init__(self, kind: Kind, detail: str = "", after: float | None = None) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
        self.after = after
        self.at = time.monotonic()

    @property
    def words(self) -> str:
        """For a sentence."""
        return f"{self.kind} ({self.detail})" if self.detail else self.kind.value


class Patience(Word):
    """How long a backend waits and how often it tries.  Nothing here changes an answer."""

    timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds for one attempt, from asking to the last byte."""
    connect: Annotated[float, Field(gt=0)] = 10.0
    """Seconds for a connection."""
    attempts: Annotated[int, Field(ge=1)] = 8
    """Of one call, those against a rate limit apart; 1 never tries again."""
    limited: Annotated[float, Field(ge=0)] = 300.0
    """Seconds for which a call goes on against a rate limit."""
    first_wait: Annotated[float, Field(ge=0)] = 0.5
    """Seconds before the second attempt; doubled for each further one."""
    longest_wait: Annotated[float, Field(ge=0)] = 8.0
    """Seconds between two attempts at most, where the server asks for no other; four times that against a rate limit."""
    longest_asked: Annotated[float, Field(ge=0)] = 120.0
    """Seconds that a Retry-After is followed; a server that asks for more stops the run."""
    spare: Annotated[int, Field(ge=0)] = 8
    """Retries that a run has from the start, for each call that may be under way."""
    share: Annotated[float, Field(ge=0)] = 1.0
    """Retries that each answered call adds."""
    grace: Annotated[float, Field(ge=0)] = 20.0
    """Seconds in which nobody gets an answer before the server counts as down; less than all attempts of a call take."""
    streak: Annotated[int, Field(ge=1)] = 5
    """Failures in a row, besides, before the server counts as down."""


class Steady:
    """The state of one server in one run.

    Args:
        where: the server's base URL, for sentences.
        patience: the bounds.
        concurrency: calls that may be under way.
    """

    def __init__(self, where: str, patience: Patience, concurrency: int) -> None:
        self.where = where
        self.patience = patience
        self._spare = patience.spare * concurrency
        self._rng = random.Random()
        """For jitter: no answer depends on it."""
        self._sleepers: set[asyncio.Future[None]] = set()
        self._term = 0
        """Counts how often the breaker has opened: a call of an earlier term is over."""
        self._stopped: tuple[str, str] | None = None
        self._trial = False
        """The breaker was open and nothing has succeeded since."""
        self._since = 0.0
        """When the breaker opened, or the streak of failures began."""
        self._clear()

    def _clear(self) -> None:
        self.retries = 0
        self.answered = 0
        self._streak = 0

    def begin(self) -> int:
        """A call begins; RunStop while the breaker is open.  After HALF_OPEN seconds the first call is a trial.

        Returns:
            The term of the call, for `check` and `failed`.
        """
        if self._stopped is not None and not self._trial and time.monotonic() >= self._since + HALF_OPEN:
            self._clear()
            self._trial = True
        elif self._stopped is not None:
            raise RunStop(self._stopped[0], hint=self._stopped[1])
        return self._term

    def check(self, term: int) -> None:
        """RunStop for a call in whose time the breaker has opened."""
        if term != self._term and self._stopped is not None:
            raise RunStop(self._stopped[0], hint=self._stopped[1])

    def alive(self) -> None:
        """The server said something that makes sense, be it a refusal."""
        self._streak = 0
        if self._trial:
            self._trial, self._stopped = False, None

    def succeeded(self) -> None:
        """A call was answered."""
        self.alive()
        self.answered += 1

    async def failed(self, trouble: Trouble, spec: str, troubles: list[Trouble], term: int) -> None:
        """Note a failure and wait until the next attempt.

        Args:
            trouble: what happened.
            spec: whose call it was, for sentences.
            troubles: of this call so far, this one included.
            term: of the call.

        Raises:
            RunStop: the server is down for everybody, limits the rate for everybody, or has used up the run's retries.
            ChatError: this call has had all its attempts.
        """
        self.check(term)  # what fails after the breaker opened must not become a failed talk
        self._count(trouble)
        if trouble.after is not None and trouble.after > self.patience.longest_asked:
            words = f"{spec}: the server at {self.where} asks to wait {trouble.after:.0f} seconds."
            self.stop(words, "Run the same command again after that.")
        if sum(one.kind in SAYING_NOTHING for one in troubles) >= _SILENCES:
            hint = "A reasoning model may need more max_tokens." if trouble.kind is Kind.EMPTY else ""
            raise AnswerError(f"{spec} gave no answer {_SILENCES} times, at last because of {trouble.words}.", hint=hint)
        if trouble.kind is Kind.RATE:
            self._limited(trouble, spec, troubles[0].at)
        else:
            self._spend(trouble, spec, sum(one.kind is not Kind.RATE for one in troubles))
        await self._sleep(self.wait(len(troubles), trouble))
        self.check(term)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until the breaker opens."""
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        self._sleepers.add(woken)
        timer = loop.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()
            self._sleepers.discard(woken)

    def _limited(self, trouble: Trouble, spec: str, since: float) -> None:
        """A rate limit is waited for, since others get through; after a while it is everybody's."""
        if trouble.at - since >= self.patience.limited:
            words = f"{spec}: the server at {self.where} lets too little through: {trouble.words} for {trouble.at - since:.0f} seconds."
            self.stop(words, "Lower --concurrency, or wait; the same command resumes.")

    def _spend(self, trouble: Trouble, spec: str, failures: int) -> None:
        """One attempt of the call's and one retry of the run's."""
        if failures >= self.patience.attempts:
            raise ChatError(f"{spec} failed {failures} times, at last with {trouble.words}.")
        if self.retries >= self._spare + self.patience.share * self.answered:
            counts = f"{self.retries} retries for {self.answered} answers, last: {trouble.words}"
            hint = "Look at the server, or lower --concurrency; the same command resumes."
            self.stop(f"{spec}: the server at {self.where} failed too often ({counts}).", hint)
        self.retries += 1

    def wait(self, failures: int, trouble: Trouble) -> float:
        """Seconds before the next attempt: what the server asks for, or doubling; with jitter of a quarter."""
        jitter = 0.25 * self._rng.random()
        if trouble.after:
            return trouble.after * (1 + jitter)
        longest = self.patience.longest_wait * (4 if trouble.kind is Kind.RATE else 1)
        return min(self.patience.first_wait * 2.0 ** min(failures - 1, 30), longest) * (1 - jitter)

    def stop(self, message: str, hint: str) -> NoReturn:
        """Open the breaker; raises RunStop."""
        self._stopped, self._since = (message, hint), time.monotonic()
        self._term += 1
        self._trial = False
        for sleeper in self._sleepers:
            _wake(sleeper)
        raise RunStop(message, hint=hint)

    def _count(self, trouble: Trouble) -> None:
        if trouble.kind not in _DOWN:
            self.alive()
            return
        now = time.monotonic()
        self._since = now if self._streak == 0 else self._since
        self._streak += 1
        if self._trial and self._stopped is not None:
            self.stop(*self._stopped)
        absent = trouble.kind is Kind.REFUSED and self.answered == 0 and self._streak >= 3
        if absent or (self._streak >= self.patience.streak and now - self._since >= self.patience.grace):
            what = "does not answer" if trouble.kind is not Kind.SERVER else "answers nobody"
            self.stop(f"The server at {self.where} {what}: {trouble.words}.", "Start it or check the base URL; the same command resumes.")


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait (`retry-after-ms`, or `retry-after` as seconds or date); None where it asks for nothing."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        if (value := headers.get(name)) is not None:
            try:
                seconds = float(value) * unit
            except ValueError:
                continue
            return seconds if seconds >= 0 and not math.isnan(seconds) else None
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
