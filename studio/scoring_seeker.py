"""`holdspace score reflection` and `score seeker`: tables for people, JSON for machines; no model is called."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.errors import InputError
from evaluation.looks import gather
from evaluation.reflection import reflection_figures
from evaluation.seeker.blind import blind_figures, glimpses
from evaluation.seeker.check import Checked, check_dialogue, check_episode, seeker_figures, with_roles, worst_first
from evaluation.seeker.tags import SEVERITIES, Flag
from simulator.dialogue import to_dialogue
from simulator.episode import Episode, StopReason
from simulator.store import EPISODES, read_episodes, read_lines

Figures = Mapping[str, Any]
WIDTH = 118
QUOTED = 110


def show_reflection(run: Path, *, as_json: bool) -> None:
    """Print how near the critic's inferences come to what was so.

    Raises:
        InputError: no run, or no reflection in it.
    """
    _episodes_or_refuse(run)
    figures = reflection_figures(gather(read_episodes(run)))
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
        return
    console = wide_console()
    critics = ", ".join(figures["critics"])
    title = f"Reflection by {critics}: {figures['reflections']} in {figures['talks']} talks (95% intervals over talks)"
    table = Table(title=title, title_justify="left")
    for name in ("", "figure", "chance", "rival", "by fifth", "last - first fifth"):
        table.add_column(name, justify="left" if not name else "right")
    for row in _reflection_rows(figures):
        table.add_row(*row)
    console.print(table)
    same = figures["need"].get("same_for_all")
    if same is not None:
        console.print(f"Inferred needs that are as near to every truth as to their own: {same:.0%}.", highlight=False)
    console.print(
        "Chance: the same inferences against other talks' truths. Rival: the best constant for intensity, the commonest emotion, "
        "and the seeker's own words so far as the query.",
        highlight=False,
    )


def _reflection_rows(figures: Figures) -> list[tuple[str, ...]]:
    intensity, emotion = figures["intensity"], figures["emotion"]
    rows = [
        _row("intensity error, points", intensity, "error", "chance_error", intensity["constant_error"]),
        ("intensity bias", interval_text(intensity["bias"]), "", "", "", ""),
        ("intensity correlation", interval_text(intensity["correlation"]), "0", "", "", ""),
        ("... within talks", interval_text(intensity["correlation_within_talks"]), "0", "", "", ""),
        _row("emotion right or near", emotion, "near", "chance_near", emotion["always_near"]),
        ("emotion right", interval_text(emotion["exact"]), number(emotion["chance_exact"]), number(emotion["always_exact"]), "", ""),
        ("emotion named at all", interval_text(emotion["named"]), "", "", "", ""),
    ]
    labels = {"need": "need (AUC)", "situation": "profile: situation (AUC)", "persona": "profile: person (AUC)"}
    for part, label in labels.items():
        told = figures[part].get("told_auc")
        rows.append(_row(label, figures[part], "auc", "chance_auc", told["value"] if told else None))
    return rows


def _row(label: str, part: Figures, key: str, chance: str, rival: float | None) -> tuple[str, ...]:
    fifths = " ".join("-" if value is None else f"{value:.2f}".removeprefix("0") for value in part.get("by_fifth", []))
    change = interval_text(part["last_minus_first"]) if "last_minus_first" in part else ""
    return label, interval_text(part[key]), number(part.get(chance)), number(rival), fifths, change


def show_seeker(run: Path, *, examples: int, blind: bool, as_json: bool) -> None:
    """Print what is wrong with the seekers of a run, or with a human corpus as a control.

    Raises:
        InputError: not readable, or no finished talk.
    """
    if examples < 0:
        raise InputError(f"--examples {examples}: must be at least 0.")
    talks, seen, failed = _checked(run, blind=blind)
    talks, reading = with_roles(talks)
    figures: dict[str, Any] = seeker_figures(talks, failed=failed)
    figures["role_reader"] = {"auc": round(reading.auc, 4), "known": round(reading.known, 4)} if reading else None
    if blind and figures["hidden_side"]:
        figures["blind"] = blind_figures(seen)
    if as_json:
        flagged = [{"id": talk.id, "flags": [flag.plain() for flag in talk.flags]} for talk in talks if talk.flags]
        sys.stdout.write(json.dumps({**figures, "flagged": flagged}, ensure_ascii=False, indent=1) + "\n")
        return
    console = wide_console()
    console.print(_tag_table(run.name, figures))
    if reading:
        known = f"knows {reading.known:.0%} of the supporter's turns surely"
        console.print(f"The role reader tells the sides apart with AUC {number(reading.auc)} and {known}.", highlight=False)
    else:
        console.print("Too few talks for the role reader: role flips are found by phrases alone.", highlight=False)
    if figures["skipped"]:
        console.print(f"Skipped, for they need a hidden side: {', '.join(figures['skipped'])}.", highlight=False)
    if "blind" in figures:
        _print_blind(figures["blind"], console)
    _print_examples(worst_first(talks, examples), console)


def _checked(run: Path, *, blind: bool) -> tuple[list[Checked], list[Any], int]:
    """The checked talks, what a blind reader sees of them, and how many failed."""
    talks: list[Checked] = []
    seen: list[Any] = []
    failed = 0
    if not _is_run(run):
        for number_, value in read_lines(_file(run)):
            dialogue = to_dialogue(value, f"{_file(run)}:{number_}")
            talks.append(check_dialogue(dialogue))
        return talks, seen, failed
    for episode in read_episodes(run):
        if episode.stop.reason is StopReason.FAILED:
            failed += 1
            continue
        talks.append(check_episode(episode))
        if blind:
            seen += glimpses([episode])
    return talks, seen, failed


def _file(run: Path) -> Path:
    return run / EPISODES if run.is_dir() else run


def _is_run(run: Path) -> bool:
    """Whether the first record says that it is an episode; an empty file is taken for a run."""
    first = next(iter(read_lines(_file(run))), None)
    return first is None or "schema_version" in first[1] or "scenario" in first[1]


def _episodes_or_refuse(run: Path) -> None:
    if not _is_run(run):
        keys = ", ".join(sorted(Episode.model_fields)[:4])
        raise InputError(f"{_file(run)}:1: not an episode of a run (no {keys} ...).", hint="Only simulated talks have a hidden side.")


def _tag_table(name: str, figures: Figures) -> Table:
    clean = interval_text(figures["clean"])
    title = f"Seekers of {name}: {figures['talks']} talks, {figures['seeker_turns']} turns, {figures['failed']} failed; clean {clean}"
    table = Table(
        title=title, title_justify="left", caption="clean: no clear or grave fault; 95% intervals over talks", caption_justify="left"
    )
    for column in ("tag", "share of talks", "in 100 turns", *SEVERITIES.values()):
        table.add_column(column, justify="left" if column == "tag" else "right")
    for tag, part in figures["tags"].items():
        counts = (str(part["severity"][severity]) for severity in SEVERITIES.values())
        table.add_row(tag, interval_text(part["talks"]), f"{part['per_100_turns']:.2f}", *counts)
    return table


def _print_blind(part: Figures, console: Console) -> None:
    if part["targets"] is None:
        console.print(f"Blind reader: {part['reason']}.", highlight=False)
        return
    title = f"Blind reader: {part['turns']} turns, tested on scenarios it has not seen; beyond what the turn number tells"
    table = Table(title=title, title_justify="left", caption="chance: taught with other talks' minds", caption_justify="left")
    for column in ("hidden", "correlation", "by chance", "p", "within talks", "turn number alone", "error", "constant"):
        table.add_column(column, justify="left" if column == "hidden" else "right")
    for name, found in part["targets"].items():
        table.add_row(
            name,
            interval_text(found["correlation"]),
            number(found["chance_mean"]),
            f"{found['p']:.3f}".removeprefix("0"),
            interval_text(found["correlation_within_talks"]),
            interval_text(found["place_alone"]),
            number(found["error"]),
            number(found["constant_error"]),
        )
    console.print(table)


def _print_examples(picked: Sequence[tuple[str, Flag]], console: Console) -> None:
    if not picked:
        return
    table = Table(title="Flagged turns, the gravest of each tag first", title_justify="left")
    for column in ("talk", "turn", "tag", "words", "why"):
        table.add_column(column, overflow="fold")
    for name, flag in picked:
        words = flag.words if len(flag.words) <= QUOTED else flag.words[: QUOTED - 3] + "..."
        tag = f"{flag.tag.value} ({SEVERITIES[flag.severity]})"
        table.add_row(name, str(flag.turn), tag, Text(words), Text(flag.why))
    console.print(table)


def interval_text(part: Figures | None) -> str:
    """A figure with its interval, for a cell."""
    if part is None or part["value"] is None:
        return "-"
    return f"{number(part['value'])} [{number(part['low'])}, {number(part['high'])}]"


def number(value: float | None) -> str:
    """A figure for a cell."""
    if value is None:
        return "-"
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 and text.lstrip("-") not in ("0.000", "1.000") else text.removesuffix(".000")


def wide_console() -> Console:
    """As wide as the terminal; wide enough for the tables where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
