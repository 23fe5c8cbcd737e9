"""Gathering: requests of many talks, generated together by one thread per set of weights.

A request that comes while others are under way joins them at their next step, so nobody waits for a batch to end.  Rows share a batch when
they use the same adapter and are of about the same length; batches take turns, a step each.  Scorings are done between two steps.  A batch
that is too large for the memory is begun again in halves; since each row has a generator of its own, its text stays the same.
The thread holds no event loop: whoever asks waits on a `concurrent.futures.Future`, and cancelling that frees the row.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.errors import ChatError

if TYPE_CHECKING:
    from agents.chat.rolling import RollingBatch, Row

_UNKNOWN = "?"
GATHER = 0.003
"""Seconds that an idle thread waits for more requests before it begins."""
_IDLE = 5.0
"""Seconds without work after which the thread ends; the next request starts another."""
_OPTIONS = 8
"""A scoring takes about as much memory as so many texts under way."""
_BUCKETS = (256, 1024, 4096, 16_384)
"""Tokens of a prompt up to which rows share a batch."""


@dataclass(frozen=True, slots=True)
class Write:
    """A text to write."""

    ids: Sequence[int]
    adapter: str | None
    most: int
    temperature: float
    top_p: float
    seed: int
    ends: frozenset[int]
    """Tokens that end the text; they are not part of it."""
    future: Future[Written] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Written:
    """A text that was written."""

    ids: tuple[int, ...]
    ended: bool
    """By an end token; False when it was cut at its limit."""


@dataclass(frozen=True, slots=True)
class Score:
    """Options to score after one prompt."""

    ids: Sequence[int]
    adapter: str | None
    options: Sequence[Sequence[int]]
    future: Future[list[float]] = field(default_factory=Future)


class Engine:
    """One set of weights with its adapters, and the thread that uses them.

    Args:
        model: of transformers, on its device.
        most_rows: texts under way at once, at least 1.
    """

    def __init__(self, model: Any, *, most_rows: int) -> None:
        from agents.chat.rolling import Runner  # noqa: PLC0415  needs torch

        self.model, self.most_rows = model, most_rows
        self.lock = threading.Lock()
        """Held while the weights are in use; whoever changes them (loads an adapter) takes it."""
        self.adapters: dict[str, str] = {}
        """Names under which the model holds its adapters, by their folders."""
        self._runner = Runner(model)
        self._adapter: str | None = None
        self._waiting: deque[Write | Score] = deque()
        self._taken: list[Write | Score] = []
        self._batches: dict[tuple[str | None, int], RollingBatch] = {}
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Write | Score) -> None:
        """Have a job done; its future is set from the engine's thread."""
        with self._wake:
            if self._closed:
                raise ChatError("The local model is closed.")
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="holdspace-local", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            self._wake.notify()

    def close(self) -> None:
        """End the thread after its present step; jobs that are not done fail."""
        with self._wake:
            self._closed = True
            thread = self._thread
            self._wake.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=10)

    def _run(self) -> None:
        import torch  # noqa: PLC0415

        with torch.inference_mode():
            while self._awake():
                try:
                    with self.lock:
                        self._turn()
                except Exception as error:  # noqa: BLE001  a thread without a caller: everyone who waits must hear of it
                    self._fail_all(error)
        if self._closed:
            self._fail_all(ChatError("The local model was closed before it answered."))

    def _awake(self) -> bool:
        """Wait for work; False when there shall be no more of this thread."""
        if any(batch.rows for batch in self._batches.values()):
            return not self._closed
        with self._wake:
            self._batches.clear()
            if not self._waiting and not self._closed:
                self._wake.wait(timeout=_IDLE)
            if self._closed or not self._waiting:
                self._thread = None
                atexit.unregister(self.close)
                return False
        time.sleep(GATHER)
        return True

    def _turn(self) -> None:
        """Scorings and newcomers, then one step of every batch."""
        writes, scores = self._newcomers()
        for some in _by(sorted(scores, key=lambda job: len(job.ids)), lambda job: job.adapter, max(1, self.most_rows // _OPTIONS)):
            self._score(some)
        for some in _by(writes, self._place, self.most_rows):
            self._join(some)
        for place, batch in list(self._batches.items()):
            if gone := [row for row in batch.rows if not row.done and row.tag.future.cancelled()]:
                batch.drop(gone)
            if batch.rows:
                self._guarded(batch, place, batch.step)

    def _newcomers(self) -> tuple[list[Write], list[Score]]:
        """All scorings that wait, and as many texts as there is place for."""
        writes: list[Write] = []
        scores: list[Score] = []
        left: list[Write] = []
        free = self.most_rows - sum(len(batch.rows) for batch in self._batches.values())
        with self._wake:
            self._taken = list(self._waiting)
            self._waiting.clear()
        for job in self._taken:
            if job.future.cancelled():
                continue
            if isinstance(job, Score):
                scores.append(job)
            elif len(writes) < free and self._open(job):
                writes.append(job)
            else:
                left.append(job)
        with self._wake:
            self._waiting.extendleft(reversed(left))
        self._taken = [*writes, *scores]
        return writes, scores

    def _place(self, job: Write) -> tuple[str | None, int]:
        return job.adapter, sum(len(job.ids) > bound for bound in _BUCKETS)

    def _open(self, job: Write) -> bool:
        batch = self._batches.get(self._place(job))
        return batch is None or batch.open

    def _join(self, jobs: Sequence[Write]) -> None:
        from agents.chat.drawing import Draw  # noqa: PLC0415  needs torch
        from agents.chat.rolling import RollingBatch, Row  # noqa: PLC0415  needs torch

        place = self._place(jobs[0])
        batch = self._batches.setdefault(place, RollingBatch(self._runner))
        rows = [Row(job.ids, job.most, job.ends, Draw(job.temperature, job.top_p, job.seed), tag=job) for job in jobs]
        self._guarded(batch, place, lambda: batch.join(rows), rows)

    def _guarded(self, batch: RollingBatch, place: tuple[str | None, int], work: Callable[[], list[Row]], rows: Sequence[Row] = ()) -> None:
        """Do a batch's work and hand out what is done; when the memory does not suffice, put its rows back and allow half as many."""
        everyone = list({id(row): row for row in [*batch.rows, *rows]}.values())
        try:
            self._use(place[0])
            done = work()
        except Exception as error:  # noqa: BLE001  whatever the weights' code raises, those who wait must hear of it
            del self._batches[place]
            jobs = [row.tag for row in everyone if not row.tag.future.done()]
            if out_of_memory(error):
                self._halve(jobs, error)
            else:
                self._fail(jobs, error)
            return
        for row in done:
            _tell(row.tag.future, Written(ids=tuple(row.written), ended=row.ended))

    def _halve(self, jobs: Sequence[Write], error: BaseException) -> None:
        self._free()
        if len(jobs) <= 1:
            self._fail(jobs, error)
            return
        self.most_rows = max(1, len(jobs) // 2)
        with self._wake:
            self._waiting.extendleft(reversed(jobs))

    def _score(self, jobs: Sequence[Score]) -> None:
        from agents.chat.scoring import score  # noqa: PLC0415  needs torch

        try:
            self._use(jobs[0].adapter)
            found = score(self._runner, [job.ids for job in jobs], [job.options for job in jobs])
        except Exception as error:  # noqa: BLE001  as above
            if len(jobs) > 1 and out_of_memory(error):
                self._free()
                middle = len(jobs) // 2
                self._score(jobs[:middle])
                self._score(jobs[middle:])
            else:
                self._fail(jobs, error)
            return
        for job, sums in zip(jobs, found, strict=True):
            _tell(job.future, sums)

    def _use(self, adapter: str | None) -> None:
        """Switch to an adapter, or to the bare base."""
        if adapter == self._adapter:
            return
        if adapter is None:
            if self.adapters:
                self.model.disable_adapters()
        else:
            self.model.enable_adapters()
            self.model.set_adapter(adapter)
        self._adapter = adapter

    def unsettle(self) -> None:
        """Adapters were loaded or taken out (under the lock): which one is active is not known any more."""
        self._adapter = _UNKNOWN

    def _free(self) -> None:
        import torch  # noqa: PLC0415

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _fail(self, jobs: Sequence[Write | Score], error: BaseException) -> None:
        for job in jobs:
            _tell(job.future, error=_typed(error, len(job.ids)))

    def _fail_all(self, error: BaseException) -> None:
        with self._wake:
            jobs = [*self._waiting, *self._taken]
            self._waiting.clear()
        jobs += [row.tag for batch in self._batches.values() for row in batch.rows]
        self._batches.clear()
        self._fail(jobs, error)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that memory, of the GPU or of the machine, did not suffice."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in text
        or "not enough memory" in text
    )


def _typed(error: BaseException, tokens: int) -> ChatError:
    if isinstance(error, ChatError):
        return error
    if out_of_memory(error):
        made = ChatError(
            f"The local model is out of memory with a prompt of {tokens} tokens.", hint="Lower max_tokens, or take a smaller model."
        )
    else:
        first = str(error).strip().partition("\n")[0][:200]
        made = ChatError(f"The local model failed: {type(error).__name__}: {first}.")
    made.__cause__ = error
    return made


def _tell(future: Future[Any], result: Any = None, *, error: BaseException | None = None) -> None:
    """Set a future unless whoever waited has gone."""
    try:
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
    except InvalidStateError:
        pass


def _by(jobs: Sequence[Any], key: Callable[[Any], Any], most: int) -> list[list[Any]]:
    """The jobs in groups of one key, at most `most` together, in the order of their first."""
    groups: dict[Any, list[Any]] = {}
    for job in jobs:
        groups.setdefault(key(job), []).append(job)
    return [group[start : start + most] for group in groups.values() for start in range(0, len(group), most)]
