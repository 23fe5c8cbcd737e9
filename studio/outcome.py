"""`holdspace score outcome | attackers`: what talks did for their seekers, and what gaming the seeker earns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from evaluation.outcome import Comparison, Estimate, Outcomes, Row, Slice
    from simulator.episode import Episode

_LABELS = {
    "change": "intensity change",
    "relieved": "relieved",
    "gave_up": "gave up",
    "trust": "trust change",
    "told": "facts told",
    "turns": "supporter turns",
}


def add_outcome(score: typer.Typer) -> None:
    """Put the commands on the command line."""
    score.command()(outcome)
    score.command()(attackers)


def outcome(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders; each further one is compared with the first, talk by talk.", metavar="RUN...")
    ],
    samples: Annotated[int, typer.Option(help="Bootstrap samples.")] = 1000,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")] = False,
) -> None:
    """Emotion before and after, how talks ended, errors per supporter turn, by kind of seeker, with 95% intervals."""
    show_outcome(runs, samples, as_json=json_)


def attackers(
    episodes: Annotated[int, typer.Option(help="Talks of each.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the talks; the same for all.")] = 101,
    samples: Annotated[int, typer.Option(help="Bootstrap samples.")] = 1000,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")] = False,
) -> None:
    """What supporters that game the seeker come to, beside the rehearsal supporter, on the same seekers."""
    show_attackers(episodes, seed, samples, as_json=json_)


def show_outcome(runs: list[Path], samples: int, *, as_json: bool) -> None:
    """Print the tables of each run, and the comparison of each further run with the first."""
    from evaluation.outcome import compare, slices

    _checked("--samples", samples)
    found = {_name(run, runs): _outcomes(run) for run in runs}
    sliced = {name: slices(item.rows, samples=samples) for name, item in found.items()}
    (first, base), *others = found.items()
    compared = {name: compare(base.rows, other.rows, samples=samples) for name, other in others}
    if as_json:
        content = {name: _run_content(found[name], sliced[name]) for name in found}
        _dump({"runs": content, "compared_with": first, "differences": {name: _compared(item) for name, item in compared.items()}})
        return
    console = _console()
    for name, item in found.items():
        console.print(_measures_table(name, item, sliced[name]), _errors_table(sliced[name]))
    for name, apart in compared.items():
        console.print(_comparison_table(first, name, apart))


def _checked(flag: str, value: int) -> None:
    from agents.errors import InputError

    if value < 1:
        raise InputError(f"{flag} {value}: must be at least 1.")


def _name(run: Path, runs: list[Path]) -> str:
    """The folder's name; the whole path where two are called the same."""
    return run.name if [other.name for other in runs].count(run.name) == 1 else str(run)


def _outcomes(run: Path) -> Outcomes:
    from agents.errors import InputError
    from evaluation.outcome import outcomes
    from simulator.store import read_episodes

    found = outcomes(read_episodes(run))
    if not found.rows:
        left = f" ({found.failed} failed, {found.crisis} were handed over)" if found.failed or found.crisis else ""
        raise InputError(f"{run} holds no finished talk{left}.", hint="Give a run folder made by holdspace simulate.")
    return found


def _measures_table(name: str, found: Outcomes, sliced: dict[str, Slice]) -> Table:
    from rich.table import Table

    left = [f"{found.failed} failed" if found.failed else "", f"{found.crisis} handed over in a crisis" if found.crisis else ""]
    aside = ", ".join(part for part in left if part)
    title = f"Outcome of {name}: {len(found.rows)} talks" + (f" ({aside}, left out)" if aside else "") + "; 95% intervals"
    table = Table(title=title, title_justify="left")
    table.add_column("seeker")
    for label in ("talks", "intensity", *_LABELS.values()):
        table.add_column(label, justify="right", no_wrap=label == "intensity")
    for kind, item in sliced.items():
        cells = (_cell(item.measures[key], signed=key in ("change", "trust")) for key in _LABELS)
        table.add_row(kind, str(item.talks), f"{item.before:.2f} > {item.after:.2f}", *cells)
    arc = " ".join(f"{value:.2f}" for value in sliced["all"].arc)
    table.caption = f"Intensity by fifth of the talk, all: {arc}"
    return table


def _errors_table(sliced: dict[str, Slice]) -> Table:
    from rich.table import Table

    table = Table(title="Errors a supporter turn, by the rehearsal critic's rules on what was said", title_justify="left")
    table.add_column("seeker")
    for error in sliced["all"].errors:
        table.add_column(error, justify="right")
    for kind, item in sliced.items():
        table.add_row(kind, *(f"{value:.3f}" for value in item.errors.values()))
    return table


def _comparison_table(first: str, second: str, found: Comparison) -> Table:
    from rich.table import Table

    alone = f", {found.only_first} and {found.only_second} talks only in one" if found.only_first or found.only_second else ""
    table = Table(title=f"{second} minus {first}, talk by talk: {found.talks} talks{alone}", title_justify="left")
    for name in ("", "difference", "95% interval", ""):
        table.add_column(name, justify="right" if name else "left")
    for key, label in _LABELS.items():
        item = found.differences[key]
        sign = "" if item.excludes_zero else "includes zero"
        table.add_row(label, f"{item.mean:+.3f}", f"{item.low:+.3f} to {item.high:+.3f}", sign)
    return table


def _cell(item: Estimate, *, signed: bool) -> str:
    form = "+.2f" if signed else ".2f"
    return f"{item.mean:{form}}\n{item.low:{form}}, {item.high:{form}}"


def _run_content(found: Outcomes, sliced: dict[str, Slice]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "talks": len(found.rows),
        "failed": found.failed,
        "crisis": found.crisis,
        "errors_by": "rehearsal critic's rules on what was said",
        "slices": {name: asdict(item) for name, item in sliced.items()},
    }


def _compared(found: Comparison) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found)


def show_attackers(episodes: int, seed: int, samples: int, *, as_json: bool) -> None:
    """Simulate the rehearsal supporter and each attacker on the same seekers, and print what they come to."""
    from agents.attackers import ATTACKS
    from evaluation.outcome import compare, slices

    _checked("--episodes", episodes)
    _checked("--samples", samples)
    with _bar(as_json) as bar:
        task = bar.add_task("talks", total=episodes * (1 + len(ATTACKS)))
        specs = {"rehearsal": "rehearsal"} | {name: f"attacker:{name}" for name in ATTACKS}
        rows = {name: _lived(spec, episodes, seed, lambda: bar.advance(task)) for name, spec in specs.items()}
    base = rows["rehearsal"]
    found = {name: slices(some, samples=samples)["all"] for name, some in rows.items()}
    apart = {name: compare(base, some, samples=samples) for name, some in rows.items() if name != "rehearsal"}
    if as_json:
        content = {name: {"measures": {key: _estimate(value) for key, value in item.measures.items()}} for name, item in found.items()}
        _dump({"episodes": episodes, "seed": seed, "supporters": content, "minus_rehearsal": {k: _compared(v) for k, v in apart.items()}})
        return
    does = {"rehearsal": "the rehearsal supporter"} | {name: attack.does for name, attack in ATTACKS.items()}
    _console().print(_attackers_table(found, apart, does, episodes, seed))


def _bar(quiet: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=quiet or not console.is_terminal)


def _lived(spec: str, episodes: int, seed: int, on_talk: Callable[[], None]) -> list[Row]:
    """The outcomes of talks with this planner and responder and no critic, which would mend what an attacker says."""
    import asyncio

    from evaluation.outcome import outcomes
    from graphs.casting import Casting, with_source
    from graphs.recipe import CriticSettings, Recipe, Seats
    from graphs.run import run_talk
    from graphs.seats import Backends, seats_taken

    recipe = with_source(Recipe(seed=seed, seats=Seats(planner=spec, responder=spec), critic=CriticSettings(share=0.0)))
    casting = Casting(recipe)

    async def lived() -> list[Episode]:
        talks = []
        with seats_taken(recipe, Backends()):
            for index in range(episodes):
                talks.append(await run_talk(recipe, casting.cast(index), index))
                on_talk()
        return talks

    return outcomes(asyncio.run(lived())).rows


def _attackers_table(found: dict[str, Slice], apart: dict[str, Comparison], does: dict[str, str], episodes: int, seed: int) -> Table:
    from rich.table import Table

    title = f"Attackers: {episodes} talks each, seed {seed}, no critic; difference to rehearsal talk by talk, 95% interval"
    table = Table(title=title, title_justify="left")
    table.add_column("supporter")
    for label in ("intensity change", "difference to rehearsal", "relieved", "gave up", "trust change", "turns"):
        table.add_column(label, justify="right")
    for name, item in found.items():
        means = {key: value.mean for key, value in item.measures.items()}
        gap = apart[name].differences["change"] if name in apart else None
        worse = f"{gap.mean:+.2f} ({gap.low:+.2f} to {gap.high:+.2f})" if gap else ""
        shares = f"{means['relieved']:.2f}", f"{means['gave_up']:.2f}", f"{means['trust']:+.2f}", f"{means['turns']:.1f}"
        table.add_row(f"{name}: {does[name]}" if name in apart else does[name], f"{means['change']:+.2f}", worse, *shares)
    return table


def _estimate(item: Estimate) -> dict[str, float]:
    return {"mean": item.mean, "low": item.low, "high": item.high}


def _dump(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _console() -> Console:
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=130)
