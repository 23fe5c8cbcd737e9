"""`holdspace score outcome | reflection | seeker | judge | attackers`: what simulated talks are worth."""

from __future__ import annotations

import typer

from studio.outcome import add_outcome
from studio.scoring_sim import add_simulation_scores


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
    add_outcome(score)
    add_simulation_scores(score)
