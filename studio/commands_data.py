"""`holdspace pairs | lookahead | mine | convert`: preference pairs and corpora."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from studio.commands_mine import add_convert, add_mine
from studio.looking import add_lookahead


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command()(pairs)
    add_mine(app)
    add_convert(app)
    add_lookahead(app)


def pairs(
    run: Annotated[Path, typer.Argument(help="A run folder or an episodes.jsonl; to export, also a mined folder.", metavar="RUN")],
    kinds: Annotated[str | None, typer.Option(help="Which kinds: strategy,response,refine,joint without it.")] = None,
    prompts: Annotated[str | None, typer.Option(help="full or brief prompts; those of the run without it.")] = None,
    format_: Annotated[str | None, typer.Option("--format", help="Also export rows for a trainer: trl or llamafactory.")] = None,
    sft: Annotated[str | None, typer.Option(help="With --format: also SFT rows, for planner, responder, joint.")] = None,
    ratio: Annotated[str, typer.Option(help="Bounds of words of the chosen over words of the rejected side.")] = "0.5,2",
    near: Annotated[float, typer.Option(help="Jaccard similarity from which two pairs are near duplicates; 1 keeps near ones.")] = 0.8,
    balance: Annotated[bool, typer.Option(help="Cap the commonest (chosen, rejected) cells of strategies.")] = True,
    crisis: Annotated[bool, typer.Option("--crisis", help="Keep pairs of talks that the crisis gate flagged.")] = False,
    round_: Annotated[int, typer.Option("--round", help="Which round of self-evolution the run belongs to.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the pairs go; RUN/pairs without it.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")] = False,
) -> None:
    """Make preference pairs of what the critic found and mended in a run."""
    from studio.pairing import Asked, make_pairs

    asked = Asked(
        run=run,
        kinds=kinds,
        prompts=prompts,
        format=format_,
        sft=sft,
        ratio=ratio,
        near=near,
        balance=balance,
        crisis=crisis,
        round=round_,
        out=out,
        json=json_,
    )
    make_pairs(asked)
