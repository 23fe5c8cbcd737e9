"""`holdspace simulate --dry-run`: the prompts of one turn, and what the run will take, measured on rehearsed talks."""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console
from rich.table import Table

from agents.chat.estimate import Amount, Estimate, EstimateLine, estimate
from agents.chat.port import LedgerEntry, Role
from agents.chat.prices import Prices
from agents.critic import Findings
from agents.words import Reflection
from graphs.casting import Casting
from graphs.recipe import Recipe, Seats
from graphs.run import run_talk
from graphs.seats import REHEARSAL, Backends, take_seats
from simulator.mind import Appraisal

MEASURED = 8
"""Talks that are rehearsed for it."""
_FIRST_TURN = ("speak", "appraise", "planner", "responder", "reflect", "critique", "refine")


def show_estimate(recipe: Recipe, episodes: int, prices: Prices | None, *, as_json: bool) -> None:
    """Print both; calls no model but rehearsal."""
    specs = take_seats(recipe, Backends()).specs()
    talks = asyncio.run(_rehearsed(recipe, min(episodes, MEASURED)))
    paid = {Role(role): spec for role, spec in specs.items() if spec != REHEARSAL}
    found = estimate(
        talks,
        episodes=episodes,
        models=paid,
        sampling=recipe.sampling.by_role(),
        schemas={"appraise": Appraisal, "reflect": Reflection, "critique": Findings},
        prices=prices,
    )
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=1) + "\n")
        return
    console = Console()
    _print_prompts(talks[0], console)
    console.print(_table(found) if paid else "All seats are rehearsal's: nothing is sent anywhere and nothing is paid.", highlight=False)


async def _rehearsed(recipe: Recipe, count: int) -> list[list[LedgerEntry]]:
    rehearsal = recipe.model_copy(update={"seats": Seats(), "keep_prompts": True})
    casting = Casting(recipe)
    return [list((await run_talk(rehearsal, casting.cast(index), index)).ledger) for index in range(count)]


def _print_prompts(ledger: list[LedgerEntry], console: Console) -> None:
    """The last prompt of each kind that a talk's first turns hold."""
    shown: dict[str, LedgerEntry] = {}
    for entry in ledger:
        shown.setdefault(entry.task, entry)
    for task in _FIRST_TURN:
        if (found := shown.get(task)) is None or found.messages is None:
            continue
        console.rule(f"{found.role.value}: {task} ({found.fingerprint})", align="left")
        for message in found.messages:
            console.print(f"[{message.role}]", style="bold", markup=False, highlight=False)
            console.print(message.content, markup=False, highlight=False)


def _table(found: Estimate) -> Table:
    table = Table(title=f"{found.episodes} talks, measured on {found.measured} rehearsed ones", title_justify="left")
    for name in ("role", "model", "calls", "tokens in", "tokens out", f"cost {found.currency}".strip(), "at most, tokens"):
        table.add_column(name, justify="left" if name in ("role", "model") else "right")
    for line in (*found.lines, found.total):
        table.add_row(*_row(line))
    return table


def _row(line: EstimateLine) -> tuple[str, ...]:
    likely, most = line.likely, line.most
    return (
        line.role.value if line.role else "all",
        line.model,
        f"{likely.calls:,}",
        f"{likely.prompt_tokens:,}",
        f"{likely.completion_tokens:,}",
        _money(likely),
        f"{most.prompt_tokens + most.completion_tokens:,}",
    )


def _money(amount: Amount) -> str:
    return "-" if amount.cost is None else f"{amount.cost:.2f}"
