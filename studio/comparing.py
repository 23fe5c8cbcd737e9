"""`holdspace compare`: the four systems with a line a stage, a bar for what takes long, and the closing tables."""

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

from training.compare_recipe import CompareRecipe, load_compare_recipe
from training.comparison import METRICS, compare
from training.configs import Progress as Steps
from training.talking import Listening

_FIGURES = {"macro_f1": "Q", "weighted_f1": "weighted F1", "preference_bias": "B", "preference_bias_smoothed": "B smoothed"}
_CLAIMED = {"macro_f1": "Q", "preference_bias": "B", "preference_bias_smoothed": "B smoothed", "errors": "errors a turn"}
_BASELINES = {"label_prior": "label prior", "uniform": "uniform", "majority": "majority"}


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
        told = {"begun": f"{name} ...", "done": f"{name} done in {time.monotonic() - self.begun:.0f} s"}.get(
            what, f"{name} was done before"
        )
        self.console.print(told, highlight=False, markup=False)

    def at(self, name: str, done: int, of: int, note: str = "turns") -> None:
        if self.task is None:
            self.task = self.bar.add_task(name, total=of, note="")
        self.bar.update(self.task, completed=done, total=of, note=note)

    def steps(self, name: str, progress: Steps) -> None:
        loss = progress.metrics.get("loss")
        self.at(name, progress.step, progress.steps, f"loss {loss:.3f}" if loss is not None else "steps")


def run_comparison(recipe: Path, train: Path, valid: Path, out: Path, *, seed: int | None, as_json: bool) -> int:
    """Make the comparison, or what is left of it; the exit code: 0, or 130 when interrupted."""
    made = load_compare_recipe(recipe)
    if seed is not None:
        made = CompareRecipe.model_validate({**made.model_dump(), "seed": seed})
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
            metrics = compare(made, train, valid, out, Listening(on_stage=bars.stage, on_talks=bars.at, on_steps=bars.steps))
    except KeyboardInterrupt:
        again = shlex.join(["holdspace", *sys.argv[1:]])
        console.print(f"Interrupted. What was finished is stored; go on with: {again}", highlight=False, markup=False, soft_wrap=True)
        return 130
    if as_json:
        sys.stdout.write(json.dumps(metrics, ensure_ascii=False, indent=1) + "\n")
        return 0
    show_comparison(metrics, out / METRICS)
    return 0


def show_comparison(metrics: Mapping[str, Any], file: Path) -> None:
    """The closing tables."""
    console = Console() if Console().is_terminal else Console(width=170)
    console.print(_strategies(metrics))
    console.print(_replies(metrics))
    for name, found in metrics["strategies"].items():
        if found["preference_bias_reason"]:
            console.print(f"{name}: B is undefined. {found['preference_bias_reason']}", highlight=False, markup=False, soft_wrap=True)
    for kind, found in metrics["pairs"].items():
        console.print(
            f"{kind} pairs: {found['answers']:,} answers, {found['candidates']:,} differ from the human's, {found['filtered']:,} after the "
            f"judge, {found['kept']:,} kept.",
            highlight=False,
            soft_wrap=True,
        )
    console.print(_claims(metrics["claims"]))
    console.print(f"All figures: {file}", highlight=False, markup=False, soft_wrap=True)


def _strategies(metrics: Mapping[str, Any]) -> Table:
    title = f"Strategies, greedy, {metrics['turns']:,} turns; 95% intervals over dialogues"
    table = _table(title, (*_FIGURES.values(), "not parsed", "Q drawn", "B drawn"))
    for name, found in metrics["strategies"].items():
        drawn = metrics["drawn"][name]
        table.add_row(
            name,
            *(_span(found[key], found["intervals"][key]) for key in _FIGURES),
            str(found["parse_failures"]),
            *(_span(drawn[key], None) for key in ("macro_f1", "preference_bias")),
        )
    linear = metrics["linear"]
    table.add_section()
    table.add_row("linear planner", *(_span(linear[key], linear["intervals"][key]) for key in _FIGURES), "0", "", "")
    for key, label in _BASELINES.items():
        table.add_row(label, *(_span(metrics["baselines"][key][name], None) for name in _FIGURES), "", "", "")
    return table


def _replies(metrics: Mapping[str, Any]) -> Table:
    counted = next(iter(metrics["replies"].values()))["n"]
    title = f"Replies, drawn, {counted:,} turns; errors by the rehearsal critic's rules, intervals over dialogues"
    table = _table(title, ("Dist-1", "Dist-2", "corpus Dist-1", "corpus Dist-2", "unigram F1", "tokens", "errors a turn"))
    for name, found in metrics["replies"].items():
        figures = [f"{found[key]:.1f}" for key in ("dist_1", "dist_2", "corpus_dist_1", "corpus_dist_2", "unigram_f1", "length")]
        table.add_row(name, *figures, _span(found["errors"], found["errors_interval"]))
    return table


def _claims(claims: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("The paper's claims: Q up, B and errors down; differences on the same turns", tuple(_CLAIMED.values()))
    for item in claims:
        cells = []
        for name in _CLAIMED:
            found = item["differences"][name]
            told = "-" if found is None else f"{found['difference']:+.3f} [{found['interval'][0]:+.3f}, {found['interval'][1]:+.3f}]"
            cells.append(f"{told}\n{item['verdicts'][name]}")
        table.add_row(f"{item['claim']}\n({item['from']} to {item['to']})", *cells)
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _span(value: float | None, ends: Sequence[float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else f"{value:.3f}"
