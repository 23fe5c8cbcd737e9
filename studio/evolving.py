"""`holdspace evolve`: the rounds with a line a stage, a bar for what takes long, and a closing table."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from training.configs import Progress as Steps
from training.evolve_recipe import EvolveRecipe, load_evolve_recipe
from training.rounds import evolve
from training.talking import Listening


class _Bars:
    """What is going on, a line a stage; a bar under it where the terminal can show one."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self.console, self.bar = console, bar
        self.task: TaskID | None = None
        self.begun = 0.0

    def stage(self, name: str, what: str) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
            self.task = None
        if what == "begun":
            self.begun = time.monotonic()
            self.console.print(f"{name} ...", highlight=False, markup=False)
        elif what == "done":
            self.console.print(f"{name} done in {time.monotonic() - self.begun:.0f} s", highlight=False, markup=False)
        else:
            self.console.print(f"{name} was done before", style="dim", highlight=False, markup=False)

    def _at(self, name: str, done: int, of: int, note: str = "") -> None:
        if self.task is None:
            self.task = self.bar.add_task(name, total=of, note="")
        self.bar.update(self.task, completed=done, total=of, note=note)

    def talks(self, name: str, done: int, of: int) -> None:
        self._at(name, done, of, "talks")

    def steps(self, name: str, progress: Steps) -> None:
        loss = progress.metrics.get("loss")
        self._at(name, progress.step, progress.steps, f"loss {loss:.3f}" if loss is not None else "steps")


def run_evolution(recipe: Path, out: Path, *, seed: int | None, rounds: int | None, as_json: bool) -> int:
    """Run all rounds, or what is left; the exit code: 0, or 130 when interrupted."""
    made = load_evolve_recipe(recipe)
    changes = {key: value for key, value in (("seed", seed), ("rounds", rounds)) if value is not None}
    made = EvolveRecipe.model_validate({**made.model_dump(), **changes})
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
            bars = _Bars(console, bar)
            metrics = evolve(made, out, Listening(on_stage=bars.stage, on_talks=bars.talks, on_steps=bars.steps))
    except KeyboardInterrupt:
        again = shlex.join(["holdspace", *sys.argv[1:]])
        console.print(f"Interrupted. What was finished is stored; go on with: {again}", highlight=False, markup=False, soft_wrap=True)
        return 130
    if as_json:
        sys.stdout.write(json.dumps(metrics, ensure_ascii=False, indent=1) + "\n")
        return 0
    show_metrics(metrics, out)
    return 0


def show_metrics(metrics: Mapping[str, Any], out: Path) -> None:
    """The closing tables."""
    console = Console() if Console().is_terminal else Console(width=118)
    for part, title in (("people", "Held-out people in known scenarios"), ("stories", "Held-out scenarios")):
        console.print(_table(title, metrics["final"][part], [model["name"] for model in metrics["models"]], metrics["dev"]))
        last = metrics["final"][part]["last_against_first"]
        console.print(
            f"{metrics['models'][-1]['name']} against m0 on the same {last['talks']} casts: emotion change {_span(last['change'])}, "
            f"errors a turn {_span(last['errors'])}, relieved {_span(last['relieved'])}",
            highlight=False,
        )
    for item in metrics["promotions"]:
        verdict = "promoted" if item["promoted"] else f"not promoted; {item['from']} stays"
        console.print(f"Round {item['round']}: {item['to']} {verdict}. {item['why']}", highlight=False, markup=False, soft_wrap=True)
    for name, figures in metrics["dev"].items():
        for warning in figures["warnings"]:
            console.print(f"{name}: {warning}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"Best: {metrics['best']}. Report: holdspace report {shlex.quote(str(out))}", highlight=False, markup=False, soft_wrap=True
    )


def _table(title: str, part: Mapping[str, Any], names: Sequence[str], dev: Mapping[str, Any]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("model", "talks", "emotion change", "relieved", "gave up", "errors a turn", "Q", "B"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for name in names:
        found, planner = part[name], dev[name]["planner"]
        bias = planner["preference_bias"]
        table.add_row(
            name,
            str(found["talks"]),
            _span(found["change"]),
            f"{found['relieved']['mean']:.2f}",
            f"{found['gave_up']['mean']:.2f}",
            f"{found['errors']:.3f}",
            f"{planner['macro_f1']:.3f}",
            "-" if bias is None else f"{bias:.3f}",
        )
    return table


def _span(figures: Mapping[str, float]) -> str:
    return f"{figures['mean']:+.2f} [{figures['low']:+.2f}, {figures['high']:+.2f}]"
