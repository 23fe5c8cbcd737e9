"""Lookahead: preference pairs that only a simulator can give.  Talks are forked, strategies tried, and the seeker's mind decides.

At a seeded choice of supporter turns each of the planner's `k` likeliest strategies is replied to, several times, and the frozen seeker
lives `n` turns on (`training/forks.py`).  The best strategy by mean value is chosen over the worst, where the gap is larger than best and
worst of `k` equal strategies would show by chance (`training/weighing.py`).  Rollouts are stored as they are finished, so a run that was
stopped goes on where it was; pairs are made of all of them at the end.  Nobody judges here: no critic, no label, no reference.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from agents.chat.port import derive_seed
from agents.errors import InputError
from agents.planner import planner_messages, planner_prompt
from agents.words import STRATEGIES, Strategy
from graphs.forking import state_at
from graphs.recipe import Recipe, recorded
from graphs.seats import Backends, seats_taken
from simulator.episode import Episode, StopReason, SupporterTurn
from simulator.splits import persona_key, split_of_scenario
from simulator.store import read_episodes, read_lines
from training.forks import ROLLOUTS, Rollout, RolloutStore, rollout, rollout_id
from training.guards import Tally
from training.pair import Kept, Pair, PairKind, length_ratio, pair_id
from training.weighing import Verdict, verdict


class Unsure(StrEnum):
    """Why a fork made no pair."""

    NOISE = "gap within its noise"
    FAILED = "rollouts failed"
    UNFINISHED = "rollouts missing"


@dataclass(frozen=True, slots=True)
class Looking:
    """How a run is looked ahead in."""

    forks: int = 100
    k: int = 4
    """Strategies tried at each fork: the planner's likeliest."""
    n: int = 3
    """Answers of the seeker that each rollout lives on."""
    rollouts: int = 8
    """Of each strategy; at least 2, since noise is measured from them."""
    seed: int = 1
    """Chooses the forks."""

    def __post_init__(self) -> None:
        for name, least, most in (("forks", 1, None), ("k", 2, len(STRATEGIES)), ("n", 1, None), ("rollouts", 2, None)):
            value = getattr(self, name)
            if value < least or (most is not None and value > most):
                bounds = f"from {least} to {most}" if most else f"at least {least}"
                raise InputError(f"{name} is {value}; it must be {bounds}.")


@dataclass(frozen=True, slots=True)
class Fork:
    """A supporter turn of a stored talk, and the strategies to try there."""

    episode: str
    turn: int
    """Index in the episode's turns."""
    candidates: tuple[Strategy, ...]
    """Likeliest first."""


def chosen_forks(episodes: Iterable[Episode], looking: Looking) -> list[Fork]:
    """A seeded choice of forks over all talks, in the order of episodes and turns; fewer where there are fewer turns to choose from.

    Left out: talks that failed or were flagged by the crisis gate, turns without a plan, and the last supporter turn of a talk.
    """
    heap: list[tuple[int, int, Fork]] = []
    for place, fork in enumerate(_possible(episodes, looking.k)):
        rank = -derive_seed(looking.seed, "lookahead", fork.episode, fork.turn)
        if len(heap) < looking.forks:
            heapq.heappush(heap, (rank, place, fork))
        else:
            heapq.heappushpop(heap, (rank, place, fork))
    return [fork for _, _, fork in sorted(heap, key=lambda item: item[1])]


def _possible(episodes: Iterable[Episode], k: int) -> Iterator[Fork]:
    for episode in episodes:
        if episode.crisis or episode.stop.reason is StopReason.FAILED:
            continue
        mine = [place for place, turn in enumerate(episode.turns) if isinstance(turn, SupporterTurn)]
        for place in mine[:-1]:
            turn = episode.turns[place]
            if isinstance(turn, SupporterTurn) and turn.plan is not None:
                shares = turn.plan.distribution
                ranked = sorted((option for option in STRATEGIES if shares[option] > 0), key=lambda option: -shares[option])
                if len(ranked) >= 2:
                    yield Fork(episode.id, place, tuple(ranked[:k]))


@dataclass(slots=True)
class Progress:
    """What a lookahead has come to."""

    asked: int = 0
    """Rollouts in all."""
    found: int = 0
    """Of these, stored before."""
    done: int = 0
    failed: int = 0


async def look_ahead(
    run: Path,
    recipe: Recipe,
    looking: Looking,
    *,
    concurrency: int = 8,
    backends: Backends | None = None,
    on_rollout: Callable[[Progress], None] | None = None,
) -> tuple[list[Fork], Progress]:
    """Run the rollouts that `run` does not hold yet, `concurrency` at once; each is stored when it is finished.

    Args:
        run: a run folder.
        recipe: the run's; its planner, responder, critic and seeker live on.
        looking: which forks, and how far.
        backends: what the seats share; plain ones when None.  Closed at the end.
        on_rollout: called after each rollout.

    Raises:
        InputError: no turn to fork at, the rollouts are in use by another process, or a seat can't be had.
        StorageError: they can't be written; what was stored before stays valid.
        RunStop: a server is down for everybody, or the budget is reached; the same command goes on later.
    """
    backends = backends or Backends(concurrency=max(concurrency, 64))
    try:
        forks = chosen_forks(read_episodes(run), looking)
        if not forks:
            raise InputError(
                f"{run} holds no turn to fork at.", hint="Failed talks, crisis talks and last turns are left out; simulate more."
            )
        with seats_taken(recipe, backends), RolloutStore(run / ROLLOUTS) as store:
            stored = store.ids()
            progress = Progress(asked=sum(len(fork.candidates) for fork in forks) * looking.rollouts)
            jobs = _jobs(run, forks, recipe, looking, stored, progress)
            await _work_through(jobs, recipe, looking, store, progress, concurrency, on_rollout)
        return forks, progress
    finally:
        await backends.aclose()


Job = tuple[Episode, Fork, Strategy, int]


def _jobs(run: Path, forks: Sequence[Fork], recipe: Recipe, looking: Looking, stored: set[str], progress: Progress) -> Iterator[Job]:
    """The rollouts that are missing; talks are read as they are needed."""
    wanted = defaultdict(list)
    for fork in forks:
        wanted[fork.episode].append(fork)
    for episode in read_episodes(run):
        for fork in wanted.get(episode.id, ()):
            for number in range(looking.rollouts):
                for strategy in fork.candidates:
                    if rollout_id(recipe.fingerprint, episode.id, fork.turn, strategy, number, looking.n) in stored:
                        progress.found += 1
                    else:
                        yield episode, fork, strategy, number


async def _work_through(
    jobs: Iterator[Job],
    recipe: Recipe,
    looking: Looking,
    store: RolloutStore,
    progress: Progress,
    concurrency: int,
    on_rollout: Callable[[Progress], None] | None,
) -> None:
    async def worker() -> None:
        for episode, fork, strategy, number in jobs:
            state = state_at(episode, fork.turn)
            done = await rollout(state, episode.id, strategy, recipe, number=number, horizon=looking.n)
            store.append(done)
            progress.done += 1
            progress.failed += done.value is None
            if on_rollout:
                on_rollout(progress)

    tasks = [asyncio.create_task(worker()) for _ in range(concurrency)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def lookahead_pairs(
    run: Path, forks: Sequence[Fork], recipe: Recipe, looking: Looking, tally: Tally, *, source: str, round_: int = 0
) -> Iterator[Pair]:
    """The pairs that the stored rollouts of these forks make, in the order of the talks; forks that make none are counted in `tally`."""
    values = _values(run / ROLLOUTS, {(fork.episode, fork.turn) for fork in forks}, recipe, looking)
    wanted = defaultdict(list)
    for fork in forks:
        wanted[fork.episode].append(fork)
    for episode in read_episodes(run):
        for fork in wanted.get(episode.id, ()):
            found = values.get((fork.episode, fork.turn), {})
            table = {option: [found.get((option, number)) for number in range(looking.rollouts)] for option in fork.candidates}
            if (reason := _unsure(table, found)) is not None:
                tally.drop(PairKind.LOOKAHEAD, reason)
                continue
            weighed = verdict({option: [item for item in row if item is not None] for option, row in table.items()})
            if weighed.sure:
                yield _pair(episode, fork, weighed, recipe, looking, source, round_)
            else:
                tally.drop(PairKind.LOOKAHEAD, Unsure.NOISE)


Values = dict[tuple[str, int], dict[tuple[Strategy, int], float | None]]


def _values(path: Path, forks: set[tuple[str, int]], recipe: Recipe, looking: Looking) -> Values:
    """Value of each stored rollout by fork, strategy and number; None for one that failed."""
    found: Values = defaultdict(dict)
    for number, raw in read_lines(path):
        try:
            item = Rollout.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "rollout"
            raise InputError(f"{path}:{number}: {where}: {first['msg']}.", hint="Don't edit it; delete it to begin anew.") from error
        place = (item.episode, item.turn)
        ours = rollout_id(recipe.fingerprint, item.episode, item.turn, item.strategy, item.number, looking.n)
        if place in forks and item.id == ours:
            found[place][item.strategy, item.number] = item.value
    return found


def _unsure(table: Mapping[Strategy, Sequence[float | None]], found: Mapping[tuple[Strategy, int], float | None]) -> Unsure | None:
    if any((option, number) not in found for option, row in table.items() for number in range(len(row))):
        return Unsure.UNFINISHED
    return Unsure.FAILED if any(item is None for row in table.values() for item in row) else None


def _pair(episode: Episode, fork: Fork, weighed: Verdict, recipe: Recipe, looking: Looking, source: str, round_: int) -> Pair:
    prompt = planner_prompt(recipe.prompts)
    best, worst = weighed.best, weighed.worst
    return Pair(
        id=pair_id(PairKind.LOOKAHEAD, episode.id, fork.turn, best.value, worst.value),
        kind=PairKind.LOOKAHEAD,
        prompt=planner_messages(prompt, episode.talk()[: fork.turn]),
        chosen=best.value,
        rejected=worst.value,
        chosen_strategy=best,
        rejected_strategy=worst,
        kept=Kept(
            why=f"worth {weighed.values[worst]:.3f} after {looking.n} answers; a gap of {weighed.least:.3f} would be chance",
            why_chosen=f"worth {weighed.values[best]:.3f}, best of {len(weighed.values)}",
            judge="lookahead",
            value_gap=round(weighed.gap, 6),
            noise=round(weighed.noise, 6),
            rollouts=len(weighed.values) * looking.rollouts,
        ),
        source=source,
        dialogue=episode.id,
        turn=fork.turn,
        round=round_,
        persona=persona_key(episode.persona),
        scenario=episode.scenario.name,
        split=split_of_scenario(episode.scenario.name),
        crisis=episode.crisis,
        models={role: recorded(spec) for role, spec in recipe.seats.model_dump().items()},
        prompts={prompt.name: prompt.fingerprint},
        seed=looking.seed,
        length_ratio=length_ratio(best.value, worst.value),
    )
