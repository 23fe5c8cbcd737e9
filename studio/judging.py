"""`holdspace score judge`: who may judge what, the judging with a progress bar, and its table."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from agents.chat.address import clean_spec
from agents.chat.budget import read_budget
from agents.chat.cache import Cache
from agents.chat.calls import CallLog
from agents.chat.port import Chat, Role
from agents.chat.prices import load_prices
from agents.chat.steady import Patience
from agents.errors import ChatError, InputError, StorageError
from evaluation.judge import SAMPLING, Judge, Judged, same_model
from evaluation.judge_figures import comparison_figures, rating_figures
from evaluation.judge_items import Found, Match, drawn, matches, replies, talk_matches, whole_talks
from evaluation.judging import Done, Verdict, compare_all, rate_all
from evaluation.rehearsal_judge import SPEC, RehearsalJudge
from graphs.seats import Backends
from studio.scoring_seeker import interval_text, number, wide_console
from studio.simulating import CACHE

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judging:
    """What the command line asked for."""

    source: Path
    judge: str
    against: Path | None = None
    pairwise: bool = False
    whole: bool = False
    reference: bool = True
    rated: bool = False
    self_judge: bool = False
    author: str | None = None
    sample: int = 200
    repeats: int = 1
    seed: int = 1
    language: str = "English"
    concurrency: int = 8
    timeout: float = 120.0
    budget: str | None = None
    prices: Path | None = None
    cache: Path | None = None
    out: Path | None = None
    json: bool = False

    @property
    def compares(self) -> bool:
        """Whether two are compared."""
        return self.pairwise or self.against is not None


def run_judging(asked: Judging) -> None:
    """Judge and print.

    Raises:
        InputError: a flag or a file is wrong, nothing is left to judge, or a model would judge itself.
        ChatError: not one answer could be had.
        RunStop: the judge's backend can't go on.
    """
    _check(asked)
    found = Found()
    rated, compared = _items(asked, found)
    if not rated and not compared:
        told = "; ".join(f"{count} {reason}" for reason, count in found.skipped.items())
        raise InputError(f"{asked.source} holds nothing to judge{': ' + told if told else ''}.", hint="Look at what was asked for.")
    own = _own_work(asked, rated, compared)
    with _cached(asked) as backends:
        verdicts = asyncio.run(_judged(asked, backends, rated, compared))
    _refuse_silence(verdicts)
    figures = comparison_figures(verdicts, compared, found.names) if compared else rating_figures(verdicts, rated)
    used = bool(rated) and asked.reference and any(item.reference for item in rated)
    head = {"judge": clean_spec(asked.judge), "self_judged": own, "source": asked.source.name, "of": found.total, "repeats": asked.repeats}
    figures = {**head, "with_reference": used, "skipped": dict(found.skipped), **figures}
    if asked.out is not None:
        _write(asked.out, verdicts)
    if asked.json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
    else:
        _print(figures, wide_console())


def _check(asked: Judging) -> None:
    for flag, value in (("--sample", asked.sample), ("--repeats", asked.repeats), ("--concurrency", asked.concurrency)):
        if value < 1:
            raise InputError(f"{flag} {value}: must be at least 1.")
    if asked.timeout <= 0:
        raise InputError(f"--timeout {asked.timeout}: must be above 0.")
    if asked.whole and asked.pairwise:
        raise InputError("--whole and --pairwise: give one of them.", hint="To compare whole talks, give a second run with --against.")
    if asked.rated and (asked.whole or asked.compares):
        raise InputError("--rated: stars are for single replies.", hint="Leave out --whole, --pairwise and --against.")


def _items(asked: Judging, found: Found) -> tuple[list[Judged], list[Match]]:
    if asked.against is not None:
        return [], drawn(talk_matches(asked.source, asked.against, found), asked.sample, asked.seed, found)
    if asked.pairwise:
        return [], drawn(matches(asked.source, found), asked.sample, asked.seed, found)
    source = whole_talks(asked.source, found) if asked.whole else replies(asked.source, found, rated_only=asked.rated)
    return drawn(source, asked.sample, asked.seed, found), []


def _own_work(asked: Judging, rated: Iterable[Judged], compared: Iterable[Match]) -> bool | None:
    """Whether the judge wrote some of what it judges; None where the authors are not known."""
    items = [*rated, *(side for match in compared for side in (match.left, match.right))]
    authors = {author for item in items for author in item.authors} | ({asked.author} if asked.author else set())
    own = sorted(author for author in authors if same_model(author, asked.judge))
    if own and not asked.self_judge:
        raise InputError(
            f"--judge {asked.judge}: it would judge its own work ({own[0]} wrote some of it).",
            hint="Take another model, or say --self-judge; the result is marked then.",
        )
    return bool(own) if authors else None


@contextmanager
def _cached(asked: Judging) -> Iterator[Backends | None]:
    """What the judge's backend needs, with a cache in the run's folder or where --cache says; None for the rehearsal judge."""
    if asked.judge == SPEC:
        yield None
        return
    file = asked.cache or (asked.source / CACHE if asked.source.is_dir() else None)
    common: dict[str, Any] = {"concurrency": asked.concurrency, "patience": Patience(timeout=asked.timeout)}
    prices = load_prices(asked.prices) if asked.prices else None
    common |= {"budget": read_budget(asked.budget, prices) if asked.budget else None, "calls": CallLog(prices)}
    Backends(**common).backend(asked.judge, Role.JUDGE, SAMPLING)  # a wrong spec is told before a file is made
    if file is None:
        yield Backends(**common)
        return
    with Cache(file) as cache:
        yield Backends(**common, cache=cache)


async def _judged(asked: Judging, backends: Backends | None, rated: Sequence[Judged], compared: Sequence[Match]) -> list[Verdict]:
    total = (2 * len(compared) if compared else len(rated)) * asked.repeats
    common: dict[str, Any] = {"repeats": asked.repeats, "seed": asked.seed, "concurrency": asked.concurrency}
    chat: Chat = backends.backend(asked.judge, Role.JUDGE, SAMPLING) if backends else RehearsalJudge()
    judge = Judge(chat, language=asked.language)
    try:
        with _bar(total, hidden=asked.json) as done:
            if compared:
                return await compare_all(judge, compared, **common, done=done)
            return await rate_all(judge, rated, **common, use_reference=asked.reference, done=done)
    finally:
        if backends:
            await backends.aclose()


@contextmanager
def _bar(total: int, *, hidden: bool) -> Iterator[Done]:
    console, failed = Console(stderr=True), 0
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failures]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as bar:
        task = bar.add_task("judging", total=total, failures="")

        def done(answered: bool) -> None:
            nonlocal failed
            failed += not answered
            bar.update(task, advance=1, failures=f"{failed} failed" if failed else "")

        yield done


def _refuse_silence(verdicts: Sequence[Verdict]) -> None:
    """ChatError when not one answer could be had."""
    errors = [verdict.error for verdict in verdicts if verdict.error is not None]
    if errors and len(errors) == len(verdicts):
        raise ChatError(f"The judge gave none of the {len(verdicts)} answers. The first: {errors[0].message}", hint="Try another model.")


def _write(out: Path, verdicts: Sequence[Verdict]) -> None:
    """Every verdict, one a line, whole or not at all."""
    part = out.with_name(f"{out.name}.part")
    try:
        part.write_text("".join(verdict.model_dump_json() + "\n" for verdict in verdicts), encoding="utf-8")
        os.replace(part, out)
    except OSError as error:
        raise StorageError(f"{out} can't be written: {error.strerror}.", hint="Choose another --out.") from error


def _print(figures: Figures, console: Console) -> None:
    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    if figures["self_judged"]:
        say("Self-judged: the judge wrote some of what it judges.")
    elif figures["self_judged"] is None:
        say("The authors are not known; say --author SPEC to have self-judging noticed.")
    if figures["judge"] == SPEC:
        say("A rehearsal judge: surface features by rules, for trying the judging out; not evidence of quality.")
    console.print(_comparison_table(figures) if "win_rate" in figures else _rating_table(figures))
    if figures["failures"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in figures["failures_by_kind"].items())
        say(f"{figures['failures']} of {figures['answers']} answers failed: {kinds}.")
    if figures["skipped"]:
        say("Left out: " + ", ".join(f"{reason} ({count})" for reason, count in figures["skipped"].items()) + ".")
    if people := figures.get("people"):
        parts = ", ".join(f"{name} {interval_text(part)}" for name, part in people["spearman"].items())
        say(f"Rank correlation with the seekers' own stars ({people['n']} replies): {parts}.")
        say(f"Of the reply's length alone with the stars: {interval_text(people['words_spearman'])}.")


def _times(repeats: int) -> str:
    return "once" if repeats == 1 else f"{repeats} times"


def _rating_table(figures: Mapping[str, Any]) -> Table:
    reference = "with the human reply" if figures["with_reference"] else "without a reference"
    title = (
        f"{figures['judge']} on {figures['source']}: {figures['rated']} of {figures['of']}, {_times(figures['repeats'])} each, {reference}"
    )
    table = Table(title=title, title_justify="left", caption="0 to 5; 95% intervals over dialogues", caption_justify="left")
    for column in ("dimension", "mean", "spread", "spread of repeats", "correlation with length"):
        table.add_column(column, justify="left" if column == "dimension" else "right")
    for name, part in figures["dimensions"].items():
        cells = (
            interval_text(part["mean"]),
            number(part["spread"]),
            number(part["repeat_spread"]),
            interval_text(part["length_correlation"]),
        )
        table.add_row(name, *cells)
    return table


def _comparison_table(figures: Mapping[str, Any]) -> Table:
    sides = f"{figures['left']} against {figures['right']}"
    title = f"{figures['judge']} on {figures['source']}: {sides}, both orders, {_times(figures['repeats'])}"
    table = Table(title=title, title_justify="left", caption="95% intervals over dialogues", caption_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    rows = (
        (
            f"{figures['left']} better / same / {figures['right']} better",
            f"{figures['left_wins']} / {figures['ties']} / {figures['right_wins']}",
        ),
        (f"win rate of {figures['left']}", interval_text(figures["win_rate"])),
        ("win rate at equal length", interval_text(figures["win_rate_at_equal_length"])),
        (f"words more than {figures['right']}", number(figures["words_apart"])),
        ("preference and length, correlation", interval_text(figures["length_correlation"])),
        ("verdicts that flip with the order", number(figures["order_flips"])),
        ("wins of the one shown first", number(figures["first_shown_wins"])),
    )
    for row in rows:
        table.add_row(*row)
    return table
