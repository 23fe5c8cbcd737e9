"""`holdspace evolve | report`: rounds of self-evolution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command()(evolve)
    app.command()(report)


def evolve(
    recipe: Annotated[Path, typer.Argument(help="A recipe of rounds (YAML), such as recipes/demo.yaml.")],
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/NAME of the recipe without it.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run, in place of the recipe's.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Number of rounds, in place of the recipe's.")] = None,
    json_: Json = False,
) -> None:
    """Self-evolution: M0 by SFT, then talk, pair, DPO, measure, promote; run the same command again to go on."""
    from studio.evolving import run_evolution

    raise typer.Exit(run_evolution(recipe, out or Path("runs") / recipe.stem, seed=seed, rounds=rounds, as_json=json_))


def report(
    run: Annotated[Path, typer.Argument(help="A folder of holdspace evolve.")],
    html: Annotated[Path | None, typer.Option(help="The page; report.html in the run's folder without it.")] = None,
) -> None:
    """Write a self-evolution run as one self-contained page."""
    from studio.report import write_report

    typer.echo(f"{write_report(run, html)}")
