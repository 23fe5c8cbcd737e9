"""`holdspace lookahead`: a run's talks forked, strategies tried, pairs made of what the seeker's mind came to."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphs.recipe import Recipe
    from training.guards import Tally
    from training.lookahead import Fork, Looking, Progress
    from training.pair import Pair


def add_lookahead(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command()(lookahead)


def lookahead(
    run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")],
    forks: Annotated[int, typer.Option(help="Supporter turns at which talks are forked.")] = 100,
    k: Annotated[int, typer.Option("-k", help="Strategies tried at each fork: the planner's likeliest.")] = 4,
    n: Annotated[int, typer.Option("-n", help="Answers of the seeker that each rollout lives on.")] = 3,
    rollouts: Annotated[int, typer.Option(help="Rollouts of each strategy; noise is measured from them.")] = 8,
    seed: Annotated[int, typer.Option(help="Chooses the forks.")] = 1,
    concurrency: Annotated[int, typer.Option(help="Rollouts at once.")] = 8,
    seeker: Annotated[str | None, typer.Option(help="Model spec of the seeker; the run's without it, as for the others.")] = None,
    planner: Annotated[str | None, typer.Option(help="Model spec of the planner.")] = None,
    responder: Annotated[str | None, typer.Option(help="Model spec of the responder.")] = None,
    critic: Annotated[str | None, typer.Option(help="Model spec of the critic.")] = None,
    round_: Annotated[int, typer.Option("--round", help="Which round of self-evolution the run belongs to.")] = 0,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")] = False,
) -> None:
    """Fork talks, try strategies, and make pairs of how the frozen seeker fares; the same command resumes."""
    from training.lookahead import Looking

    seats = {"seeker": seeker, "planner": planner, "responder": responder, "critic": critic}
    looking = Looking(forks=forks, k=k, n=n, rollouts=rollouts, seed=seed)
    look(Asked(run, looking, seats, concurrency, round_, json_))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for."""

    run: Path
    looking: Looking
    seats: dict[str, str | None]
    concurrency: int
    round: int
    json: bool


def look(asked: Asked) -> None:
    """Run what is missing, make the pairs, and print what became of the forks.

    Raises:
        InputError: no run, a flag out of range, or nothing to fork at.
        StorageError: the run folder can't be written.
    """
    from agents.errors import InputError
    from training.guards import GuardSettings, Tally
    from training.lookahead import lookahead_pairs
    from training.pair import PairKind
    from training.pairstore import PAIRS, write_pairs

    if asked.concurrency < 1:
        raise InputError(f"--concurrency {asked.concurrency}: must be at least 1.")
    recipe = _recipe(asked)
    forks, progress = _with_bar(asked, recipe)
    tally, gaps = Tally(), _Gaps()
    pairs = lookahead_pairs(asked.run, forks, recipe, asked.looking, tally, source=asked.run.resolve().name, round_=asked.round)
    write_pairs(gaps.noting(pairs), asked.run / PAIRS, [PairKind.LOOKAHEAD], settings=GuardSettings(), tally=tally)
    content = _content(asked, forks, progress, tally, gaps)
    if asked.json:
        sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    else:
        _show(asked, content)


class _Gaps:
    """Value gaps and noise of the pairs that pass by."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.noise: list[float] = []

    def noting(self, pairs: Iterable[Pair]) -> Iterable[Pair]:
        for pair in pairs:
            self.gaps.append(pair.kept.value_gap or 0.0)
            self.noise.append(pair.kept.noise or 0.0)
            yield pair


def _recipe(asked: Asked) -> Recipe:
    """The recipe of the run, with the seats that the flags name."""
    from agents.errors import InputError
    from graphs.recipe import make_recipe
    from graphs.run import read_run
    from simulator.store import EPISODES

    if not (asked.run / EPISODES).exists():
        raise InputError(f"{asked.run} is no run: there is no {EPISODES}.", hint="Make one with holdspace simulate.")
    content: dict[str, Any] = dict(read_run(asked.run)["recipe"])
    content["seats"] = {**content.get("seats", {}), **{role: spec for role, spec in asked.seats.items() if spec}}
    return make_recipe(content)


def _with_bar(asked: Asked, recipe: Recipe) -> tuple[list[Fork], Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from training.lookahead import look_ahead

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, disable=asked.json or not console.is_terminal) as bar:
        task = bar.add_task("rollouts", total=None)

        def on_rollout(now: Progress) -> None:
            bar.update(task, total=now.asked, completed=now.found + now.done)

        return asyncio.run(look_ahead(asked.run, recipe, asked.looking, concurrency=asked.concurrency, on_rollout=on_rollout))


def _content(asked: Asked, forks: Sequence[Fork], progress: Progress, tally: Tally, gaps: _Gaps) -> dict[str, Any]:
    from agents.words import STRATEGIES
    from training.forks import ROLLOUTS
    from training.pair import PairKind
    from training.pairstore import PAIRS, pair_file

    kind = PairKind.LOOKAHEAD
    return {
        "forks": len(forks),
        "asked": asked.looking.forks,
        "rollouts": {"asked": progress.asked, "found": progress.found, "done": progress.done, "failed": progress.failed},
        "kept": tally.kept[kind],
        "splits": {split.value: count for (of, split), count in sorted(tally.splits.items()) if of is kind},
        "dropped": {reason: count for (of, reason), count in sorted(tally.dropped.items()) if of is kind},
        "value_gap_mean": sum(gaps.gaps) / len(gaps.gaps) if gaps.gaps else None,
        "noise_mean": sum(gaps.noise) / len(gaps.noise) if gaps.noise else None,
        "strategies": {s.value: {"chosen": tally.chosen[kind, s], "rejected": tally.rejected[kind, s]} for s in STRATEGIES},
        "pairs": str(pair_file(asked.run / PAIRS, kind)) if tally.kept[kind] else None,
        "rollouts_file": str(asked.run / ROLLOUTS),
    }


def _show(asked: Asked, content: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console = console if console.is_terminal else Console(width=118)
    looking, ran = asked.looking, content["rollouts"]
    title = f"Lookahead: {content['forks']} forks, k = {looking.k}, n = {looking.n}, {looking.rollouts} rollouts of each strategy"
    table = Table(title=title, title_justify="left")
    for name in ("strategy", "chosen", "rejected"):
        table.add_column(name, justify="left" if name == "strategy" else "right")
    for name, counts in content["strategies"].items():
        table.add_row(name, str(counts["chosen"]), str(counts["rejected"]))
    console.print(table)
    lines = [
        f"{ran['done']} rollouts lived on, {ran['found']} found, {ran['failed']} failed: {content['rollouts_file']}",
        f"{content['kept']} pairs kept; dropped: "
        + (", ".join(f"{count} {reason}" for reason, count in content["dropped"].items()) or "none"),
    ]
    if content["kept"]:
        lines.append(f"Value gap {content['value_gap_mean']:.3f} on average, noise {content['noise_mean']:.3f}: {content['pairs']}")
    if ran["failed"]:
        lines.append("The same command tries the failed ones again.")
    if content["forks"] < content["asked"]:
        lines.append(f"There were only {content['forks']} turns to fork at.")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
