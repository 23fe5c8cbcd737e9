"""`holdspace simulate`: flags laid over a recipe, a run with a progress bar, a closing summary."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.chat.abilities import Structure
from agents.chat.budget import read_budget
from agents.chat.cache import Cache
from agents.chat.calls import CallLog
from agents.chat.prices import load_prices
from agents.chat.steady import Patience
from agents.errors import InputError, RunStop, StorageError
from graphs.casting import Casting, with_source
from graphs.recipe import Recipe, load_recipe, make_recipe
from graphs.run import Tally, run_many
from graphs.seats import REHEARSAL, Backends, take_seats
from simulator.episode import Episode, StopReason

CACHE = "cache.sqlite"
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
    budget: str | None = None
    prices: Path | None = None
    cache: bool = True
    timeout: float = 120.0
    structured: str = "auto"
    device: str = "auto"
    trust_remote_code: bool = False
    chat_template: str | None = None


def run_simulation(asked: Asked) -> int:
    """Run it; the exit code: 0, 1 when the run had to stop, or 130 when interrupted."""
    recipe = _checked(asked)
    console = Console(stderr=True)
    for note in _skipped(recipe):
        console.print(note, style="yellow", highlight=False, markup=False, soft_wrap=True)
    with _backends(asked, recipe) as backends:
        try:
            tally = asyncio.run(_with_bar(recipe, asked, backends, console))
        except KeyboardInterrupt:
            console.print(
                f"Interrupted. What was finished is stored; go on with: {_again()}", highlight=False, markup=False, soft_wrap=True
            )
            return 130
        except RunStop as stop:
            console.print(f"holdspace: {stop}", highlight=False, markup=False, soft_wrap=True)
            console.print(f"What was finished is stored; go on with: {_again()}", highlight=False, markup=False, soft_wrap=True)
            return 1
        finally:
            _calls(backends, console)
    _summary(tally, asked, console)
    return 0


def estimate_simulation(asked: Asked) -> int:
    """Print the prompts of one turn and what the run will take."""
    from studio.estimating import show_estimate

    recipe = _checked(asked)
    prices = load_prices(asked.prices) if asked.prices else None
    show_estimate(recipe, asked.episodes, prices, as_json=asked.json)
    return 0


def _checked(asked: Asked) -> Recipe:
    recipe = with_source(resolve(asked))
    _at_least_one("--episodes", asked.episodes)
    _at_least_one("--concurrency", asked.concurrency)
    return recipe


@contextmanager
def _backends(asked: Asked, recipe: Recipe) -> Iterator[Backends]:
    """What the seats share: a cache in the run folder and a budget where a seat is not rehearsal's."""
    prices = load_prices(asked.prices) if asked.prices else None
    budget = read_budget(asked.budget, prices) if asked.budget else None
    calls = CallLog(prices)
    common: dict[str, Any] = {
        "budget": budget,
        "calls": calls,
        "device": asked.device,
        "trust_remote_code": asked.trust_remote_code,
        "chat_template": asked.chat_template,
    }
    common |= {"concurrency": max(asked.concurrency, 64), "patience": _patience(asked.timeout), "structure": _structure(asked.structured)}
    if not asked.cache or set(recipe.seats.model_dump().values()) == {REHEARSAL}:
        yield Backends(**common)
        return
    take_seats(recipe, Backends(**common))  # a wrong spec is told before a folder is made
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{asked.out} can't be written: {error.strerror}.", hint="Choose another --out.") from error
    with Cache(asked.out / CACHE) as cache:
        yield Backends(**common, cache=cache)
        if cache.trouble:
            Console(stderr=True).print(cache.trouble, style="yellow", highlight=False, markup=False, soft_wrap=True)


def _patience(timeout: float) -> Patience:
    if timeout <= 0:
        raise InputError(f"--timeout {timeout}: must be above 0.")
    return Patience(timeout=timeout)


def _structure(name: str) -> Structure | None:
    known = [structure.value for structure in Structure]
    if name not in ("auto", *known):
        raise InputError(f"--structured {name}: unknown.", hint=f"Known are auto, {', '.join(known)}.")
    return None if name == "auto" else Structure(name)


def _calls(backends: Backends, console: Console) -> None:
    """A line for each role on each model that was asked."""
    for line in backends.calls.lines():
        wait = f", p50 {line.p50:.2f} s, p95 {line.p95:.2f} s" if line.p50 is not None and line.p95 is not None else ""
        cost = f", cost {line.cost:.4f}" if line.cost is not None else ""
        failed = f", failed {dict(line.failed)}" if line.failed else ""
        console.print(
            f"{line.role.value if line.role else 'all'} on {line.model}: {line.calls} calls, "
            f"{line.cached} cached, {line.attempts} attempts, "
            f"{line.prompt_tokens} + {line.completion_tokens} tokens{wait}{cost}{failed}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


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


async def _with_bar(recipe: Recipe, asked: Asked, backends: Backends, console: Console) -> Tally:
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
            recipe,
            asked.out,
            episodes=asked.episodes,
            concurrency=asked.concurrency,
            backends=backends,
            on_episode=on_episode,
            on_found=on_found,
        )
    for note in sorted(note for note, times in notes.items() if times >= max(2, tally.done / 2)):
        console.print(note, style="yellow", highlight=False, markup=False, soft_wrap=True)
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
    console.print(f"{tally.done} talks in {tally.seconds:.1f} s, {rate:.1f} a second{before}: {ends}.", highlight=False, soft_wrap=True)
    console.print(f"Read one: holdspace show {shlex.quote(str(asked.out))} 0", highlight=False, markup=False, soft_wrap=True)


def _again() -> str:
    return shlex.join(["holdspace", *sys.argv[1:]])
