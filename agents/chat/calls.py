"""The call log: what the calls of a run came to, by role and model, while no single call is kept.

Wall-clock figures live here and in the run's log, never in an episode.  Latencies go into a histogram of fixed buckets, 4% wide, so a
million calls take as much memory as one.  Latency is of calls that a backend answered: the cache's hits and failures are counted apart.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.chat.port import Role
from agents.chat.prices import Prices
from agents.words import Word

FASTEST = 1e-4
"""Seconds; whatever is faster counts as this."""
STEP = math.log(1.04)
BUCKETS = 1 + math.ceil(math.log(1e4 / FASTEST) / STEP)
"""Up to 10,000 seconds; whatever is slower counts as that."""
KINDS = 32
"""Kinds of failure that are told apart in one line; more are counted as `other`."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as the backend or the cache saw it."""

    role: Role
    task: str
    model: str
    seconds: float
    """From asking to the answer, its retries included."""
    attempts: int
    """Requests that were sent; 0 for the cache's answers."""
    cached: bool
    prompt_tokens: int
    completion_tokens: int
    error: str | None = None
    """Kind of failure, in a word or two, without anything secret; None when it was answered."""


class CallLine(Word):
    """What a group of calls came to."""

    role: Role | None
    """None in a total."""
    model: str
    calls: int
    """All that were asked for: answered, failed, and from the cache."""
    cached: int
    failed: dict[str, int]
    """By kind."""
    attempts: int
    prompt_tokens: int
    """Of answers that were paid for: the cache's are not in it."""
    completion_tokens: int
    saved_tokens: int
    """Of the cache's answers, in and out."""
    p50: float | None
    """Seconds, to 2%; None when a backend answered nothing."""
    p95: float | None
    p99: float | None
    cost: float | None
    """None without a price for the model."""


@dataclass(slots=True)
class _Group:
    """The running sums of one role on one model."""

    calls: int = 0
    cached: int = 0
    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    saved_tokens: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, call: Call) -> None:
        self.calls += 1
        if call.cached:
            self.cached += 1
            self.saved_tokens += call.prompt_tokens + call.completion_tokens
            return
        self.attempts += call.attempts
        self.prompt_tokens += call.prompt_tokens
        self.completion_tokens += call.completion_tokens
        if call.error is None:
            self.buckets[bucket_of(call.seconds)] += 1
        else:
            self.failed[call.error if call.error in self.failed or len(self.failed) < KINDS else "other"] += 1

    def merge(self, other: _Group) -> None:
        for name in ("calls", "cached", "attempts", "prompt_tokens", "completion_tokens", "saved_tokens"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failed.update(other.failed)
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]

    def line(self, role: Role | None, model: str, cost: float | None) -> CallLine:
        return CallLine(
            role=role,
            model=model,
            calls=self.calls,
            cached=self.cached,
            failed=dict(self.failed),
            attempts=self.attempts,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            saved_tokens=self.saved_tokens,
            p50=quantile(self.buckets, 0.50),
            p95=quantile(self.buckets, 0.95),
            p99=quantile(self.buckets, 0.99),
            cost=cost,
        )


class CallLog:
    """Notes calls; may be written from any thread.

    Args:
        prices: for the cost; without it every cost is None.
    """

    def __init__(self, prices: Prices | None = None) -> None:
        self.prices = prices
        self._groups: dict[tuple[Role, str], _Group] = {}
        self._lock = threading.Lock()

    def note(self, call: Call) -> None:
        """Count one call."""
        with self._lock:
            group = self._groups.get((call.role, call.model))
            if group is None:
                group = self._groups[call.role, call.model] = _Group()
            group.add(call)

    def lines(self) -> list[CallLine]:
        """A line for each role on each model, in the roles' order."""
        order = list(Role)
        with self._lock:
            groups = sorted(self._groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
            return [group.line(role, model, self._cost(model, group)) for (role, model), group in groups]

    def total(self) -> CallLine:
        """All calls in one line.  Its cost is None as soon as one model that was paid for has no price."""
        whole, costs = _Group(), []
        with self._lock:
            for (_, model), group in self._groups.items():
                whole.merge(group)
                if group.prompt_tokens or group.completion_tokens:
                    costs.append(self._cost(model, group))
            models = {model for _, model in self._groups}
        return whole.line(None, ", ".join(sorted(models)), whole_cost(costs) if self.prices else None)

    def _cost(self, model: str, group: _Group) -> float | None:
        return self.prices.cost(model, group.prompt_tokens, group.completion_tokens) if self.prices else None


def whole_cost(costs: Iterable[float | None]) -> float | None:
    """The sum; None when one of them is unknown."""
    known = list(costs)
    return None if None in known else math.fsum(cost for cost in known if cost is not None)


def bucket_of(seconds: float) -> int:
    """The bucket of a latency: bucket 0 ends at FASTEST, each further one 4% later."""
    if not seconds > FASTEST:
        return 0
    return min(math.ceil(math.log(seconds / FASTEST) / STEP), BUCKETS - 1)


def quantile(buckets: list[int], share: float) -> float | None:
    """The latency that `share` of the calls did not pass: the middle of its bucket; None when there are no calls."""
    count = sum(buckets)
    if not count:
        return None
    rank, seen = max(1, math.ceil(share * count)), 0
    index = -1
    while seen < rank:
        index += 1
        seen += buckets[index]
    return FASTEST * math.exp(STEP * (index - 0.5 if index else 0))
