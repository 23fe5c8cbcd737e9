"""`holdspace evolve | report | compare`: rounds of self-evolution, and the comparison of decoupled with joint models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command()(evolve)
    app.command()(report)
    app.command()(compare)


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


def compare(
    recipe: Annotated[Path, typer.Argument(help="A recipe of a comparison (YAML), such as recipes/decoupled-vs-joint.yaml.")],
    train: Annotated[Path, typer.Option(help="Dialogues with strategies to learn from, such as ESConv's train split.")],
    valid: Annotated[Path, typer.Option(help="Dialogues with strategies to measure on.")],
    out: Annotated[Path | None, typer.Option(help="The folder; runs/NAME of the recipe without it.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the comparison, in place of the recipe's.")] = None,
    json_: Json = False,
) -> None:
    """Vanilla-SFT, Vanilla-DPO, Decoupled-SFT and Decoupled-DPO in one table; run the same command again to go on."""
    from studio.comparing import run_comparison

    raise typer.Exit(run_comparison(recipe, train, valid, out or Path("runs") / recipe.stem, seed=seed, as_json=json_))
