"""`holdspace score ...`: tables for people, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.errors import InputError
from agents.words import STRATEGIES
from evaluation.agreement import Agreement, agreement, read_judged
from evaluation.crisis import gate_figures, mentions, read_labelled, seeker_turns
from evaluation.realism import FIFTHS, Figures, Realism, count, distances, figures
from simulator.dialogue import read_dialogues

_SIMPLE: tuple[tuple[str, str], ...] = (
    ("dialogues", "dialogues"),
    ("failed", "failed talks, left out"),
    ("supporter_turns_mean", "supporter turns, mean"),
    ("supporter_turns_p10", "supporter turns, 10th percentile"),
    ("supporter_turns_p90", "supporter turns, 90th percentile"),
    ("seeker_words_mean", "seeker words a turn, mean"),
    ("seeker_words_median", "seeker words a turn, median"),
    ("seeker_words_p10", "seeker words, 10th percentile"),
    ("seeker_words_p90", "seeker words, 90th percentile"),
    ("seeker_at_most_5_words", "seeker turns of at most 5 words"),
    ("seeker_questions", "seeker turns with a question"),
    ("supporter_words_mean", "supporter words a turn, mean"),
    ("supporter_words_median", "supporter words a turn, median"),
    ("same_strategy_again", "same strategy twice in a row"),
    ("intensity_falls", "intensity falls"),
    ("intensity_rises", "intensity rises"),
    ("intensity_change_mean", "intensity change, mean"),
    ("most_shared_sentence_talks", "talks sharing the commonest sentence of 6+ words"),
    ("talks_repeating_a_sentence", "talks that say a sentence twice"),
    ("talks_with_an_opening_thrice", "talks with 3 supporter turns opening alike"),
)


def show_realism(run: Path, reference: Path | None, *, as_json: bool) -> None:
    """Print the realism table of a run or corpus, beside a reference."""
    mine = _counted(run)
    theirs = _counted(reference) if reference else None
    if as_json:
        content: dict[str, Any] = {"run": figures(mine)}
        if theirs is not None:
            content |= {"reference": figures(theirs), "strategy_distance_by_fifth": distances(mine, theirs)}
        sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
        return
    console = _console()
    left, right = figures(mine), figures(theirs) if theirs is not None else None
    names = [run.name, *([reference.name] if reference else [])]
    console.print(_simple_table(names, left, right))
    console.print(_fifths_table(names, left, right, distances(mine, theirs) if theirs is not None else None))
    console.print(_line("Ends", left["stops"]), highlight=False)
    console.print(f'Commonest sentence: "{left["most_shared_sentence"]}"', highlight=False, markup=False)


def _console() -> Console:
    """As wide as the terminal; wide enough for the tables where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=118)


def _counted(path: Path) -> Realism:
    found = count(read_dialogues(path))
    if not found.dialogues:
        raise InputError(f"{path} holds no finished dialogue.", hint="Give a run folder or a dialogue corpus.")
    return found


def _simple_table(names: Sequence[str], left: Figures, right: Figures | None) -> Table:
    table = Table(title="Realism (turns of one speaker in a row joined)", title_justify="left")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for key, label in _SIMPLE:
        table.add_row(label, *(_cell(side[key]) for side in (left, right) if side is not None))
    return table


def _fifths_table(names: Sequence[str], left: Figures, right: Figures | None, apart: Sequence[float] | None) -> Table:
    table = Table(title="By fifth of the dialogue: first name / second name", title_justify="left")
    table.add_column("")
    for number in range(FIFTHS):
        table.add_column(str(number + 1), justify="right")
    sides = [side for side in (left, right) if side is not None]
    for key, label in (("thanks_by_fifth", '"thank" in seeker turns'), ("seeker_words_median_by_fifth", "seeker words, median")):
        table.add_row(label, *(" / ".join(_cell(_at(side[key], fifth)) for side in sides) for fifth in range(FIFTHS)))
    for strategy in STRATEGIES:
        cells = (" / ".join(_cell(_at(side["strategies_by_fifth"], fifth)[strategy.value]) for side in sides) for fifth in range(FIFTHS))
        table.add_row(strategy.value, *cells)
    if apart is not None:
        table.add_row("total variation distance", *(_cell(value) for value in apart))
    table.caption = " / ".join(names)
    return table


def _at(values: Any, index: int) -> Any:
    return values[index]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _line(label: str, counts: object) -> str:
    pairs = counts.items() if isinstance(counts, dict) else ()
    return f"{label}: " + (", ".join(f"{name} {number}" for name, number in pairs) or "-")


def show_crisis(files: Sequence[Path], *, as_json: bool) -> None:
    """Print the gate's figures on labelled sets, and the flagged turns of corpora."""
    content: dict[str, Any] = {}
    console = _console()
    for path in files:
        if path.suffix in (".yaml", ".yml"):
            content[path.name] = _gate_table(path, None if as_json else console)
        else:
            content[path.name] = _mention_table(path, None if as_json else console)
    if as_json:
        sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _gate_table(path: Path, console: Console | None) -> dict[str, Any]:
    found = gate_figures(read_labelled(path))
    if console:
        table = Table(title=f"Crisis gate on {path.name}", title_justify="left")
        for name in ("kind", "flagged", "of"):
            table.add_column(name, justify="left" if name == "kind" else "right")
        for kind, (flagged, seen) in found.by_kind.items():
            table.add_row(kind, str(flagged), str(seen))
        console.print(table)
        console.print(
            f"recall {found.recall:.3f} ({found.caught} of {found.crises}), "
            f"false alarms {found.false_alarm_rate:.3f} ({found.false_alarms} of {found.harmless})",
            highlight=False,
        )
    return {
        "recall": found.recall,
        "false_alarms": found.false_alarm_rate,
        "crises": found.crises,
        "harmless": found.harmless,
        "by_kind": found.by_kind,
    }


def _mention_table(path: Path, console: Console | None) -> list[dict[str, Any]]:
    rows = list(mentions(path))
    if console:
        table = Table(title=f"{path.name}: {len(rows)} of {seeker_turns(path)} seeker turns", title_justify="left", show_lines=False)
        for name in ("dialogue", "turn", "gate", "text"):
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(row.dialogue, str(row.turn), row.category or "-", Text(row.text))
        console.print(table)
    return [{"dialogue": row.dialogue, "turn": row.turn, "gate": row.category or None, "text": row.text} for row in rows]


def show_critic(files: Sequence[Path], *, as_json: bool) -> None:
    """Print the agreement of the rehearsal critic with judged replies."""
    content: dict[str, Any] = {}
    for path in files:
        rows, skipped = read_judged(path)
        lines = agreement(rows)
        content[path.name] = {"rows": len(rows), "skipped": skipped, "errors": [asdict(line) for line in lines]}
        if not as_json:
            _console().print(_agreement_table(path, len(rows), skipped, lines))
    if as_json:
        sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _agreement_table(path: Path, count: int, skipped: int, lines: Sequence[Agreement]) -> Table:
    table = Table(title=f"{path.name}: {count} judged replies, {skipped} passed over", title_justify="left")
    table.add_column("error")
    for name in ("judge", "critic", "both", "agree", "by chance", "kappa", "precision", "recall"):
        table.add_column(name, justify="right")
    for line in lines:
        figures_ = (line.observed, line.chance, line.kappa, line.precision, line.recall)
        cells = (_cell(round(value, 3)) if value is not None else "-" for value in figures_)
        table.add_row(line.name, str(line.judged), str(line.found), str(line.both), *cells)
    return table
