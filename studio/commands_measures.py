"""`holdspace score strategies | text | planner`: what a planner and replies are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
Samples = Annotated[int, typer.Option(help="Resamples of the bootstrap.")]
Seed = Annotated[int, typer.Option(help="Seed of all draws.")]


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
    score.command()(strategies)
    score.command()(planner)
    score.command()(text)


def strategies(
    file: Annotated[Path, typer.Argument(help="Lines of gold and pred, or a result file of Kang et al. or DecoupledESC.", metavar="FILE")],
    gold: Annotated[Path | None, typer.Option(help="Where the gold labels are, when the file has none: a corpus or messages file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the confusion matrix as an SVG.")] = None,
    samples: Samples = 1000,
    seed: Seed = 0,
    json_: Json = False,
) -> None:
    """Strategy predictions: Q, preference bias B, F1 by strategy, with intervals, beside planners that look at nothing."""
    from studio.measuring import show_strategies

    show_strategies(file, gold, samples=samples, seed=seed, plot=plot, as_json=json_)


def planner(
    spec: Annotated[str, typer.Argument(help="Model spec: rehearsal, linear:PATH, local:PATH, openai:MODEL[@URL].", metavar="SPEC")],
    on: Annotated[Path, typer.Option("--on", help="A corpus with strategies, or a run.")],
    beside: Annotated[list[str] | None, typer.Option(help="Another planner to compare with; may be given again.")] = None,
    pick: Annotated[str, typer.Option(help="best: the likeliest strategy; sample: one drawn by seed.")] = "best",
    prompts: Annotated[str, typer.Option(help="full, or brief for a model that was trained on the brief prompts.")] = "full",
    limit: Annotated[int | None, typer.Option(help="Only the first so many dialogues.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Keep the answers of served and local models there, to pay for none twice.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the predictions (JSON lines that `score strategies` reads).")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the confusion matrix as an SVG.")] = None,
    samples: Samples = 1000,
    seed: Seed = 0,
    concurrency: Annotated[int, typer.Option(help="Calls at once.")] = 16,
    timeout: Annotated[float, typer.Option(help="Seconds that a served model may take for one answer.")] = 120.0,
    device: Annotated[str, typer.Option(help="For local models: auto, cpu, cuda ...")] = "auto",
    chat_template: Annotated[str | None, typer.Option(help="A file with a Jinja chat template, for local models that have none.")] = None,
    json_: Json = False,
) -> None:
    """Run a planner over human dialogues, always on the human history, and score what it chooses."""
    from studio.planning import Asked, score_planner

    asked = Asked(
        spec=spec,
        on=on,
        beside=beside or [],
        pick=pick,
        prompts=prompts,
        limit=limit,
        seed=seed,
        samples=samples,
        concurrency=concurrency,
        timeout=timeout,
        device=device,
        chat_template=chat_template,
        cache=cache,
        out=out,
        plot=plot,
        json=json_,
    )
    score_planner(asked)


def text(
    source: Annotated[Path, typer.Argument(help="Lines of reply and reference, a result file, a run or a corpus.", metavar="FILE")],
    samples: Samples = 1000,
    seed: Seed = 0,
    json_: Json = False,
) -> None:
    """Replies: BLEU, ROUGE-L, METEOR, Dist, unigram F1 and length, each under the name of its variant."""
    from studio.measuring import show_text

    show_text(source, samples=samples, seed=seed, as_json=json_)
