"""`holdspace score planner`: planners run over a human corpus, teacher-forced, and scored on the same turns beside the baselines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.chat.cache import Cache
from agents.chat.port import Role
from agents.chat.steady import Patience
from agents.errors import InputError
from agents.planner import Pick, Planner
from agents.prompting import Prompting
from evaluation.bootstrap import percentiles
from evaluation.forced import Decision, Planned, decisions, plan_all
from evaluation.plots import confusion_svg
from evaluation.strategies import Choice, report, resample
from graphs.recipe import RoleSampling, recorded
from graphs.seats import Backends
from simulator.corpora.reading import read_corpus
from studio.measuring import print_figures, print_json, write_file

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for."""

    spec: str
    on: Path
    beside: Sequence[str]
    """Other planners, for comparison."""
    pick: str
    prompts: str
    limit: int | None
    """Number of dialogues."""
    seed: int
    samples: int
    concurrency: int
    timeout: float
    device: str
    chat_template: str | None
    cache: Path | None
    out: Path | None
    plot: Path | None
    json: bool


def score_planner(asked: Asked) -> None:
    """Run the planners, print the figures.

    Raises:
        InputError: a flag, a spec, or a corpus without labelled supporter turns.
        ChatError: a planner's backend failed.
    """
    for name, value in (("limit", asked.limit), ("samples", asked.samples), ("concurrency", asked.concurrency)):
        if value is not None and value < 1:
            raise InputError(f"--{name} {value}: must be at least 1.")
    pick, prompting = _member(Pick, "--pick", asked.pick), _member(Prompting, "--prompts", asked.prompts)
    corpus = read_corpus(asked.on)
    found = [decision for dialogue in islice(corpus, asked.limit) for decision in decisions(dialogue)]
    labelled = [decision for decision in found if decision.gold is not None]
    if not labelled:
        raise InputError(f"{asked.on} has no supporter turn with a strategy.", hint="Give a corpus with strategies, such as ESConv.")
    names = list(dict.fromkeys([asked.spec, *asked.beside]))
    planned = asyncio.run(_all(asked, names, labelled, pick, prompting))
    reports = {recorded(spec): _report(planned[spec], asked) for spec in names}
    first = reports[recorded(asked.spec)]
    first |= {"planner": recorded(asked.spec), "on": asked.on.name, "pick": pick.value, "seed": asked.seed}
    first |= {"unlabelled_turns": len(found) - len(labelled), "skipped_dialogues": dict(corpus.skipped.counts)}
    if len(names) > 1:
        others = {recorded(spec): planned[spec] for spec in names[1:]}
        first["beside"] = {
            name: {**reports[name], "difference": _difference(planned[asked.spec], other, asked)} for name, other in others.items()
        }
    if asked.out is not None:
        write_file(asked.out, "".join(_line(answer) for answer in planned[asked.spec]))
    if asked.plot is not None:
        write_file(asked.plot, confusion_svg(first["confusion"], f"{recorded(asked.spec)} on {asked.on.name}"))
    if asked.json:
        print_json(first)
        return
    _print(asked, reports, first, corpus.notes())


async def _all(asked: Asked, specs: Sequence[str], found: Sequence[Decision], pick: Pick, prompting: Prompting) -> dict[str, list[Planned]]:
    sampling = RoleSampling().by_role()
    with Cache(asked.cache) if asked.cache else nullcontext() as cache:
        backends = Backends(
            concurrency=asked.concurrency,
            cache=cache,
            patience=Patience(timeout=asked.timeout),
            device=asked.device,
            chat_template=asked.chat_template,
        )
        try:
            planners = {spec: Planner(backends.backend(spec, Role.PLANNER, sampling), pick=pick, prompting=prompting) for spec in specs}
            with _bar(len(found) * len(specs), hidden=asked.json) as tick:
                common: dict[str, Any] = {"seed": asked.seed, "concurrency": asked.concurrency, "on_planned": tick}
                return {spec: await plan_all(planner, found, **common) for spec, planner in planners.items()}
        finally:
            await backends.aclose()


def _report(planned: Iterable[Planned], asked: Asked) -> dict[str, Any]:
    return report(_choices(planned), samples=asked.samples, seed=asked.seed)


def _choices(planned: Iterable[Planned]) -> list[Choice]:
    return [
        Choice(gold=answer.decision.gold, pred=answer.strategy, dialogue=answer.decision.dialogue)
        for answer in planned
        if answer.decision.gold is not None
    ]


def _difference(first: Iterable[Planned], other: Iterable[Planned], asked: Asked) -> dict[str, list[float] | None]:
    """Intervals of first minus other: the same seed draws the same dialogues for both, so the resamples are pairs."""
    left, right = (resample(_choices(planned), samples=asked.samples, seed=asked.seed) for planned in (first, other))
    found: dict[str, list[float] | None] = {}
    for name, values in left.items():
        apart = values - right[name]
        defined = apart[np.isfinite(apart)]
        found[name] = list(percentiles(defined, 0.95)) if len(defined) >= 0.9 * len(apart) else None
    return found


def _print(asked: Asked, reports: Mapping[str, Mapping[str, Any]], first: Mapping[str, Any], notes: Sequence[str]) -> None:
    print_figures(f"{asked.on.name}, {'likeliest strategy' if first['pick'] == Pick.BEST else 'one drawn'}", reports)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for name, other in first.get("beside", {}).items():
        if ends := other["difference"]["macro_f1"]:
            console.print(f"Q of {first['planner']} minus Q of {name}: 95% interval [{ends[0]:+.3f}, {ends[1]:+.3f}].")
    if first["unlabelled_turns"]:
        console.print(f"{first['unlabelled_turns']} supporter turns without a strategy are left out.")
    for line in notes:
        console.print(line)


def _line(answer: Planned) -> str:
    decision = answer.decision
    row = {
        "dialogue": decision.dialogue,
        "turn": decision.turn,
        "gold": decision.gold,
        "pred": answer.strategy,
        "distribution": {strategy.value: round(share, 6) for strategy, share in answer.distribution.items()},
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _member(kind: type[E], flag: str, value: str) -> E:
    known = [member.value for member in kind]
    if value not in known:
        raise InputError(f"{flag} {value}: unknown.", hint=f"Give one of {', '.join(known)}.")
    return kind(value)


@contextmanager
def _bar(total: int, *, hidden: bool) -> Iterator[Callable[[], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("planning"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal) as bar:
        task = bar.add_task("planning", total=total)
        yield lambda: bar.advance(task)
