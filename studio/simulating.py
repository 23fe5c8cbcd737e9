"""`holdspace simulate`: flags laid over a recipe, a run with a progress bar, a closing summary."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.errors import InputError
from graphs.casting import Casting, with_source
from graphs.recipe import Recipe, load_recipe, make_recipe
from graphs.run import Tally, run_many
from simulator.episode import Episode, StopReason

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for."""

    recipe: Path | None
    flags: Mapping[str, Any]
    """Recipe keys by flag; None where the flag was not given."""
    model: str | None
    seats: Mapping[str, str | None]
    episodes: int
    concurrency: int
    out: Path
    json: bool


def run_simulation(asked: Asked) -> int:
    """Run it; the exit code: 0, or 130 when interrupted."""
    recipe = with_source(resolve(asked))
    _at_least_one("--episodes", asked.episodes)
    _at_least_one("--concurrency", asked.concurrency)
    console = Console(stderr=True)
    for note in _skipped(recipe):
        console.print(note, style="yellow", highlight=False, markup=False)
    try:
        tally = asyncio.run(_with_bar(recipe, asked, console))
    except KeyboardInterrupt:
        console.print(f"Interrupted. What was finished is stored; go on with: {_again()}", highlight=False, markup=False)
        return 130
    _summary(tally, asked, console)
    return 0


def resolve(asked: Asked) -> Recipe:
    """The recipe with the flags laid over it; a flag that is out of range is an InputError."""
    content = load_recipe(asked.recipe) if asked.recipe else {}
    content |= {key: value for key, value in asked.flags.items() if value is not None}
    if asked.flags.get("cards"):
        content.pop("scenarios", None)
    seats = dict.fromkeys(asked.seats, asked.model) if asked.model else dict(content.get("seats") or {})
    seats |= {seat: spec for seat, spec in asked.seats.items() if spec}
    return make_recipe({**content, "seats": seats})


def _at_least_one(flag: str, value: int) -> None:
    if value < 1:
        raise InputError(f"{flag} {value}: must be at least 1.")


def _skipped(recipe: Recipe) -> list[str]:
    """One line for what the deck's reader passed over, naming the first few."""
    deck = Casting(recipe).deck
    if deck is None or not deck.skipped:
        return []
    named = "; ".join(f"{skip.where}: {skip.reason}" for skip in deck.skipped[:_MOST_NAMED])
    more = f"; and {len(deck.skipped) - _MOST_NAMED} more" if len(deck.skipped) > _MOST_NAMED else ""
    return [f"Skipped {len(deck.skipped)} of {len(deck.skipped) + len(deck.cards)} cards: {named}{more}."]


async def _with_bar(recipe: Recipe, asked: Asked, console: Console) -> Tally:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[failures]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    notes: Counter[str] = Counter()
    with Progress(*columns, console=console, disable=asked.json or not console.is_terminal) as bar:
        task = bar.add_task("talks", total=asked.episodes, rate="", failures="")
        failed = 0

        def on_found(found: int) -> None:
            bar.update(task, completed=found)

        def on_episode(episode: Episode) -> None:
            nonlocal failed
            failed += episode.stop.reason is StopReason.FAILED
            notes.update(episode.notes)
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, advance=1, rate=f"{speed:.1f}/s" if speed else "", failures=f"{failed} failed" if failed else "")

        tally = await run_many(
            recipe, asked.out, episodes=asked.episodes, concurrency=asked.concurrency, on_episode=on_episode, on_found=on_found
        )
    for note in sorted(note for note, times in notes.items() if times >= max(2, tally.done / 2)):
        console.print(note, style="yellow", highlight=False, markup=False)
    return tally


def _summary(tally: Tally, asked: Asked, console: Console) -> None:
    stops = {reason.value: count for reason, count in sorted(tally.stops.items())}
    if asked.json:
        content = {"asked": tally.asked, "found": tally.found, "done": tally.done, "stops": stops, "seconds": round(tally.seconds, 2)}
        sys.stdout.write(json.dumps(content) + "\n")
        return
    if not tally.done:
        console.print(f"{asked.out} already holds all {tally.asked} talks.", highlight=False)
        return
    rate = tally.done / tally.seconds if tally.seconds else 0.0
    ends = ", ".join(f"{count} {reason}" for reason, count in stops.items())
    before = f" ({tally.found} were there)" if tally.found else ""
    console.print(f"{tally.done} talks in {tally.seconds:.1f} s, {rate:.1f} a second{before}: {ends}.", highlight=False)
    console.print(f"Read one: holdspace show {shlex.quote(str(asked.out))} 0", highlight=False, markup=False)


def _again() -> str:
    return shlex.join(["holdspace", *sys.argv[1:]])
