"""Running many talks: bounded concurrency, seeded, resumable; each finished talk is appended and fsynced at once.

Memory stays flat: an episode is written and forgotten.  Wall-clock figures go to `log.jsonl`, never into an episode.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from agents.chat.port import derive_seed
from agents.errors import HoldspaceError, InputError, RunStop, StorageError
from graphs.casting import Casting
from graphs.recipe import Recipe, difference
from graphs.record import make_episode
from graphs.seats import Backends, seats_taken
from graphs.state import State
from graphs.support import support_graph
from simulator.cast import Cast
from simulator.episode import Episode, StopReason, episode_id
from simulator.store import EPISODES, EpisodeStore, stored_ids

RUN_FILE = "run.yaml"
LOG_FILE = "log.jsonl"
STEPS_A_TURN = 12
"""More graph steps than one exchange can take, for LangGraph's recursion limit."""

GRACE = 5.0
"""Seconds that talks in flight get after an interrupt."""

OnEpisode = Callable[[Episode], None]


@dataclass(slots=True)
class Tally:
    """What a run has come to."""

    asked: int
    """Talks that were asked for."""
    found: int = 0
    """Talks that were stored before this run began."""
    done: int = 0
    """Talks that this run added."""
    stops: Counter[StopReason] = field(default_factory=Counter)
    """Of the talks that this run added."""
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Talks of this run that failed (stored as records, too)."""
        return self.stops[StopReason.FAILED]


async def run_talk(recipe: Recipe, cast: Cast, index: int) -> Episode:
    """One talk from first word to record; whatever fails in it becomes a failed record.

    Args:
        recipe: with its source filled in.
        cast: who talks about what.
        index: which talk of the recipe this is.
    """
    seed = derive_seed(recipe.seed, "episode", index)
    state: State = {"seed": seed, "cast": cast.model_dump(mode="json")}
    config = {"recursion_limit": (recipe.turns + 2) * STEPS_A_TURN}
    try:
        async for values in support_graph().astream(state, context=recipe, config=config, stream_mode="values"):
            state = values
    except RunStop:
        raise
    except Exception as error:  # noqa: BLE001  the one place that turns a failed talk into a record
        return make_episode(recipe, cast, index, seed, state, error)
    return make_episode(recipe, cast, index, seed, state)


async def run_many(
    recipe: Recipe,
    out: Path,
    *,
    episodes: int,
    concurrency: int = 8,
    backends: Backends | None = None,
    on_episode: OnEpisode | None = None,
    on_found: Callable[[int], None] | None = None,
) -> Tally:
    """Run the talks 0 to `episodes` - 1 of a recipe that `out` does not hold yet.

    An interrupt (SIGINT) lets the talks in flight go on for a few seconds, a second one cuts them off; what is stored stays whole.

    Args:
        recipe: with its source filled in (`graphs.casting.with_source`).
        out: the run folder; made when missing.
        episodes: how many talks the folder shall hold in the end, at least 1.
        concurrency: talks at once, at least 1.
        backends: what the seats share; plain ones when None.  Closed at the end.
        on_episode: called after each talk is on the disk.
        on_found: called once, with the number of talks that were stored before.

    Raises:
        InputError: the folder belongs to another recipe, or is in use by another process; or a seat can't be had.
        StorageError: the folder can't be written; what was stored before stays valid.
        RunStop: a server is down for everybody, or the budget is reached; the same command goes on later.
        KeyboardInterrupt: interrupted; the same command goes on.
    """
    backends = backends or Backends(concurrency=max(concurrency, 64))
    casting = Casting(recipe)
    try:
        with seats_taken(recipe, backends), opened(out, recipe) as store:
            stored = stored_ids(store.path)
            todo = [index for index in range(episodes) if episode_id(recipe.fingerprint, recipe.seed, index) not in stored]
            batch = _Batch(recipe, casting, store, Tally(asked=episodes, found=episodes - len(todo)), on_episode)
            if on_found:
                on_found(batch.tally.found)
            try:
                await batch.run(todo, concurrency)
            finally:
                _log_run(out, batch.tally, backends)
            return batch.tally
    finally:
        await backends.aclose()


class _Batch:
    """The talks of one `run_many`."""

    def __init__(self, recipe: Recipe, casting: Casting, store: EpisodeStore, tally: Tally, on_episode: OnEpisode | None) -> None:
        self.recipe = recipe
        self.casting = casting
        self.store = store
        self.tally = tally
        self.on_episode = on_episode
        self.stopped: RunStop | None = None
        self.interrupts = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, todo: list[int], concurrency: int) -> None:
        """All of them, `concurrency` at once; raises what ended it early."""
        start, indices = time.monotonic(), iter(todo)
        with _calm_collector():
            try:
                async with asyncio.TaskGroup() as group:
                    self._tasks = [group.create_task(self._work(indices)) for _ in range(min(concurrency, len(todo)))]
                    with self._listening():
                        await asyncio.gather(*self._tasks, return_exceptions=True)
            except* HoldspaceError as errors:
                first = errors.exceptions[0]
                raise first from first.__cause__
            finally:
                self.tally.seconds = time.monotonic() - start
        if self.interrupts:
            raise KeyboardInterrupt
        if self.stopped is not None:
            raise self.stopped

    async def _work(self, indices: Iterator[int]) -> None:
        """One worker: a talk after another, until there is none or the run stops."""
        for index in indices:
            if self.stopped is not None or self.interrupts:
                return
            try:
                episode = await run_talk(self.recipe, self.casting.cast(index), index)
            except RunStop as stop:
                if self.stopped is None:
                    asyncio.get_running_loop().call_later(GRACE, self._cut_off)
                self.stopped = self.stopped or stop
                return
            self.store.append(episode)
            self.tally.done += 1
            self.tally.stops[episode.stop.reason] += 1
            if self.on_episode:
                self.on_episode(episode)

    def _cut_off(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _interrupt(self) -> None:
        self.interrupts += 1
        if self.interrupts > 1:
            self._cut_off()
        else:
            asyncio.get_running_loop().call_later(GRACE, self._cut_off)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """While it lasts, an interrupt is taken as `run_many` says; outside the main thread nothing is listened for."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGINT, self._interrupt)
        except (ValueError, RuntimeError):
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)


def _log_run(out: Path, tally: Tally, backends: Backends) -> None:
    _log(out, {"event": "run", "asked": tally.asked, "found": tally.found, "done": tally.done, "seconds": round(tally.seconds, 3)})
    for line in backends.calls.lines():
        _log(out, {"event": "calls", **line.model_dump(mode="json")})


@contextmanager
def opened(out: Path, recipe: Recipe) -> Iterator[EpisodeStore]:
    """The store of a run folder, locked against other processes, with its run.yaml checked or written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out / EPISODES, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{out} can't be written: {error.strerror}.", hint="Choose another --out.") from error
    try:
        _lock(lock, out)
        _claim(out, recipe)
        with EpisodeStore(out / EPISODES) as store:
            yield store
    finally:
        os.close(lock)


def _lock(descriptor: int, out: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise InputError(f"{out} is in use by another holdspace.", hint="Wait for it, or choose another --out.") from error


def _claim(out: Path, recipe: Recipe) -> None:
    """Write run.yaml, or check that the one that is there is this recipe's."""
    path = out / RUN_FILE
    if path.exists():
        stored = read_run(out)
        if (what := difference(stored["recipe"], recipe.identity())) is not None:
            raise InputError(f"{out} holds a run of another recipe: {what}.", hint="Choose another --out, or the old settings.")
        return
    if (out / EPISODES).stat().st_size:
        raise InputError(f"{out} holds episodes but no {RUN_FILE}.", hint="Choose another --out.")
    content = {"fingerprint": recipe.fingerprint, "recipe": recipe.identity(), "versions": versions()}
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error


def read_run(out: Path) -> dict[str, Any]:
    """The run.yaml of a folder; InputError when it is missing or no run.yaml."""
    path = out / RUN_FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} can't be read as a run.", hint="Give a folder made by holdspace simulate.") from error
    if not isinstance(content, dict) or not isinstance(content.get("recipe"), dict):
        raise InputError(f"{path} is no run file.", hint="Give a folder made by holdspace simulate.")
    return content


def versions() -> dict[str, str]:
    """Versions of what shapes an episode."""
    found = {}
    for name in ("holdspace", "langgraph", "pydantic", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _log(out: Path, entry: dict[str, Any]) -> None:
    with (out / LOG_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **entry}) + "\n")


@contextmanager
def _calm_collector() -> Iterator[None]:
    """Collect garbage less often: thousands of small frozen records make Python's default thresholds expensive."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
