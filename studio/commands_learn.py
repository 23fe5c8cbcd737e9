"""`holdspace sft | dpo`: training."""

from __future__ import annotations

import typer


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
