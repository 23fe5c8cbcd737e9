"""`holdspace score strategies | text | planner`: what a planner and replies are worth."""

from __future__ import annotations

import typer


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
