"""`holdspace pairs`: pairs of a run, into its folder, and as rows for a trainer; a table of what was kept, and what was dropped and why.

Pairs that other commands made (`lookahead`, `mine`) are exported from where they are, never made anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.errors import InputError
from agents.prompting import Prompting
from agents.yamlfile import nearest
from graphs.recipe import Recipe
from graphs.run import RUN_FILE, read_run
from graphs.seats import REHEARSAL
from simulator.episode import Episode
from simulator.store import EPISODES, read_episodes
from studio.paired import json_of, show
from training.configs import Learner
from training.datacard import APACHE, DataCard
from training.exporting import Exporter, Format, export_lessons, export_pairs
from training.guards import GuardSettings, Tally
from training.pair import Pair, PairKind
from training.pairing import KINDS, Making, Talks, pairs_of
from training.pairstore import PAIRS, pair_file, read_pairs, write_pairs

E = TypeVar("E", bound=StrEnum)
_MADE_BY = {PairKind.LOOKAHEAD: "holdspace lookahead", PairKind.RATED: "holdspace mine"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for."""

    run: Path
    kinds: str | None
    prompts: str | None
    format: str | None
    sft: str | None
    ratio: str
    near: float
    balance: bool
    crisis: bool
    round: int
    out: Path | None
    json: bool


@dataclass(frozen=True, slots=True)
class _Job:
    """The same, checked."""

    run: Path
    episodes: Path
    """The file."""
    making: Making
    """Its kinds are those that are made; none where there are no episodes."""
    stored: tuple[PairKind, ...]
    """Kinds that are exported as they are, from `home`."""
    home: Path
    """The folder of the pairs that are there already."""
    settings: GuardSettings
    format: Format | None
    learners: tuple[Learner, ...]
    out: Path
    recipe: dict[str, Any]
    """Of the run; empty where there is no run.yaml."""


def make_pairs(asked: Asked) -> None:
    """Make, write, export, and print what became of the candidates.

    Raises:
        InputError: a flag, the run, or nothing to make a pair of.
        StorageError: the folder can't be written.
    """
    job = _checked(asked)
    tally, talks = Tally(), Talks()
    if job.making.kinds:
        with _counting(job, talks, tally, Console(stderr=True), quiet=asked.json) as episodes:
            pairs = pairs_of(episodes, job.making, tally, talks)
            write_pairs(_demanded(pairs, job, talks), job.out, job.making.kinds, settings=job.settings, tally=tally)
        if not tally.total and not job.stored:
            raise InputError(_nothing(job, tally), hint="Look at the bounds and caps, or simulate more talks.")
    exporter = _export(job, tally) if job.format else None
    if asked.json:
        sys.stdout.write(json_of(job.making.kinds, tally, talks, job.out, exporter))
    else:
        show(job.making.kinds, tally, talks, job.out, exporter)


def _checked(asked: Asked) -> _Job:
    folder = asked.run if asked.run.is_dir() else asked.run.parent
    episodes = asked.run / EPISODES if asked.run.is_dir() else asked.run
    home = folder / PAIRS if (folder / PAIRS).is_dir() or episodes.exists() else folder
    recipe: dict[str, Any] = read_run(folder)["recipe"] if episodes.exists() and (folder / RUN_FILE).exists() else {}
    form = _one("--format", asked.format, Format) if asked.format else None
    made, stored = _kinds(asked, episodes, home, form)
    if asked.sft and not form:
        raise InputError("--sft needs a --format.", hint="Add --format trl or --format llamafactory.")
    if asked.round < 0:
        raise InputError(f"--round {asked.round}: must be 0 or more.")
    making = Making(
        source=folder.resolve().name,
        kinds=made,
        prompting=_one("--prompts", asked.prompts, Prompting) if asked.prompts else None,
        language=str(recipe.get("language", Recipe().language)),
        round=asked.round,
    )
    learners = _several("--sft", asked.sft, Learner) if asked.sft and made else ()
    return _Job(asked.run, episodes, making, stored, home, _settings(asked), form, learners, asked.out or home, recipe)


def _kinds(asked: Asked, episodes: Path, home: Path, form: Format | None) -> tuple[tuple[PairKind, ...], tuple[PairKind, ...]]:
    """The kinds to make, and those to take as they are."""
    there = tuple(kind for kind in PairKind if pair_file(home, kind).exists())
    if not episodes.exists() and not (asked.run.is_dir() and there):
        raise InputError(f"{asked.run} is no run: there is no {episodes.name}.", hint="Make one with holdspace simulate.")
    can_make = KINDS if episodes.exists() else ()
    wanted = _several("--kinds", asked.kinds, PairKind) if asked.kinds is not None else can_make or there
    stored = tuple(kind for kind in wanted if kind not in can_make)
    for kind in stored:
        if kind not in there:
            hint = f"{_MADE_BY[kind]} makes them." if kind in _MADE_BY else "They are made of episodes, and there are none."
            raise InputError(f"--kinds {kind.value}: {home} holds no such pairs.", hint=hint)
        if form is None:
            raise InputError(f"The {kind.value} pairs of {home} were made by another command.", hint="Add --format to export them.")
    return tuple(kind for kind in wanted if kind in can_make), stored


def _settings(asked: Asked) -> GuardSettings:
    try:
        low, high = (float(part) for part in asked.ratio.split(","))
    except ValueError as error:
        raise InputError(f"--ratio {asked.ratio}: expected two numbers.", hint="Such as --ratio 0.5,2.") from error
    balance = GuardSettings().balance if asked.balance else None
    try:
        return GuardSettings(ratio=(low, high), near=asked.near, balance=balance, crisis=asked.crisis)
    except ValidationError as error:
        first = error.errors()[0]
        flag, value = ("--near", str(asked.near)) if first["loc"] == ("near",) else ("--ratio", asked.ratio)
        raise InputError(f"{flag} {value}: {first['msg'].removeprefix('Value error, ')}.") from error


def _one(flag: str, value: str, kind: type[E]) -> E:
    names = [item.value for item in kind]
    if value.strip() not in names:
        raise InputError(f"{flag} {value}: not known{nearest(value, names)}.", hint=f"Known are {', '.join(names)}.")
    return kind(value.strip())


def _several(flag: str, value: str, kind: type[E]) -> tuple[E, ...]:
    """The items of a list with commas, each once, in the order of `kind`."""
    found = {_one(flag, part, kind) for part in value.split(",") if part.strip()}
    if not found:
        raise InputError(f"{flag}: names nothing.", hint=f"Known are {', '.join(item.value for item in kind)}.")
    return tuple(item for item in kind if item in found)


@contextmanager
def _counting(job: _Job, talks: Talks, tally: Tally, console: Console, *, quiet: bool) -> Iterator[Iterator[Episode]]:
    """The episodes, with a progress bar where somebody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = console.is_terminal and not quiet
    with Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task("talks", total=_lines(job.episodes) if shown else None)

        def counted() -> Iterator[Episode]:
            for episode in read_episodes(job.episodes):
                yield episode
                bar.advance(task)

        yield counted()


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _demanded(pairs: Iterator[Pair], job: _Job, talks: Talks) -> Iterator[Pair]:
    """The pairs; at their end, an error where there was nothing to make any of, so that no file is touched."""
    yield from pairs
    if not talks.read:
        raise InputError(f"{job.episodes} holds no talk.", hint="Run holdspace simulate first.")
    if talks.failed == talks.read:
        raise InputError(f"All {talks.read} talks of {job.run} failed.", hint=f"See why: holdspace show {job.run}")
    if not talks.criticised:
        hint = "Pairs are made of what the critic finds: simulate with critic.share above 0."
        raise InputError(f"The critic saw no turn of {job.run}.", hint=hint)


def _nothing(job: _Job, tally: Tally) -> str:
    reasons = ", ".join(f"{count} {kind.value}: {reason}" for (kind, reason), count in tally.dropped.most_common(3))
    if not reasons:
        return f"The critic found nothing in {job.run} to make {', '.join(kind.value for kind in job.making.kinds)} pairs of."
    return f"None of {tally.dropped.total()} candidates of {job.run} became a pair ({reasons})."


def _export(job: _Job, tally: Tally) -> Exporter:
    assert job.format is not None
    kinds = ",".join(kind.value for kind in (*job.making.kinds, *job.stored))
    licence, words = _licence(job.recipe)
    card = DataCard(
        name=f"Preference pairs of {job.making.source}",
        licences={job.making.source: words} if job.recipe else {},
        licence=licence,
        settings=job.settings,
        tally=tally,
        command=f"holdspace pairs {job.making.source} --kinds {kinds} --format {job.format.value}",
        language=job.making.language if job.recipe else "",
    )
    made = tuple(kind for kind in job.making.kinds if tally.kept[kind])
    with Exporter(job.out / job.format.value, job.format, card) as exporter:
        export_pairs(chain(_read(job.out, made), _read(job.home, job.stored)), exporter)
        if job.learners:
            export_lessons(read_episodes(job.episodes), job.making, job.learners, exporter, crisis=job.settings.crisis)
    return exporter


def _read(folder: Path, kinds: Sequence[PairKind]) -> Iterator[Pair]:
    return read_pairs(folder, kinds) if kinds else iter(())


def _licence(recipe: dict[str, Any]) -> tuple[str, str]:
    """For the hub and in words: what is said comes from scenarios and models, and each may have terms of its own."""
    source, seats = recipe.get("source", {}), recipe.get("seats", {})
    models = sorted({str(spec) for spec in seats.values() if spec != REHEARSAL})
    if source.get("kind") == "library" and not models:
        return APACHE, "Apache-2.0: texts written for holdspace"
    terms = [{"library": "Apache-2.0 for the scenarios"}.get(str(source.get("kind")), f"those of {source.get('name') or 'its source'}")]
    terms += [f"the terms of {model}" for model in models]
    return "other", "; ".join(terms)
