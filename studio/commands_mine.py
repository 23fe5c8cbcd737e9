"""`holdspace mine | convert`: pairs of human corpora, and corpora from one format into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CorpusArgument = Annotated[
    Path,
    typer.Argument(help="ESConv, DecoupledESC, ESD-CoT, EmpatheticDialogues, or dialogue records; found by content.", metavar="CORPUS"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def add_mine(app: typer.Typer) -> None:
    """Put `mine` on the command line."""
    app.command()(mine)


def add_convert(app: typer.Typer) -> None:
    """Put `convert` on the command line."""
    app.command()(convert)


def mine(
    corpus: CorpusArgument,
    kinds: Annotated[str, typer.Option(help="Which kinds, of: strategy, response, joint, rated.")] = "strategy,response,joint,rated",
    model: Annotated[str | None, typer.Option(help="Model spec for all seats: rehearsal, openai:MODEL[@URL], local:PATH.")] = None,
    planner: Annotated[str | None, typer.Option(help="Model spec of the planner.")] = None,
    responder: Annotated[str | None, typer.Option(help="Model spec of the responder.")] = None,
    judge: Annotated[str | None, typer.Option(help="Model spec of the judge, which filters pairs and rewrites for rated ones.")] = None,
    pick: Annotated[str, typer.Option(help="How the planner's strategy is taken: sample or best.")] = "sample",
    prompts: Annotated[str, typer.Option(help="full or brief prompts for planner and responder.")] = "full",
    language: Annotated[str, typer.Option(help="Language that LLM backends shall write in.")] = "English",
    seed: Annotated[int, typer.Option(help="Seed of the mining.")] = 1,
    limit: Annotated[int | None, typer.Option(help="Only the first so many dialogues.")] = None,
    concurrency: Annotated[int, typer.Option(help="Turns at once.")] = 8,
    ratio: Annotated[str, typer.Option(help="Bounds of words of the chosen over words of the rejected side.")] = "0.5,2",
    near: Annotated[float, typer.Option(help="Jaccard similarity from which two pairs are near duplicates; 1 keeps near ones.")] = 0.8,
    balance: Annotated[bool, typer.Option(help="Cap the commonest (chosen, rejected) cells of strategies.")] = True,
    crisis: Annotated[bool, typer.Option("--crisis", help="Mine dialogues that the crisis gate flags, too.")] = False,
    budget: Annotated[str | None, typer.Option(help="Stop before more is spent: 5.00 (with --prices), or 500k tokens.")] = None,
    prices: Annotated[Path | None, typer.Option(help="A price table (YAML), for money budgets.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds that a served model may take for one answer.")] = 120.0,
    device: Annotated[str, typer.Option(help="For local models: auto, cpu, cuda ...")] = "auto",
    chat_template: Annotated[str | None, typer.Option(help="A file with a Jinja chat template, for local models that have none.")] = None,
    format_: Annotated[str | None, typer.Option("--format", help="Also export rows for a trainer: trl or llamafactory.")] = None,
    out: Annotated[Path, typer.Option(help="The folder of attempts and pairs.")] = Path("runs/mined"),
    json_: Json = False,
) -> None:
    """Mine preference pairs from human dialogues; run the same command again to resume."""
    from studio.mining import Asked, run_mining

    asked = Asked(
        corpus=corpus,
        seats={"planner": planner, "responder": responder, "judge": judge},
        model=model,
        kinds=kinds,
        pick=pick,
        prompts=prompts,
        language=language,
        seed=seed,
        limit=limit,
        concurrency=concurrency,
        ratio=ratio,
        near=near,
        balance=balance,
        crisis=crisis,
        budget=budget,
        prices=prices,
        timeout=timeout,
        device=device,
        chat_template=chat_template,
        out=out,
        json=json_,
        format=format_,
    )
    raise typer.Exit(run_mining(asked))


def convert(
    corpus: CorpusArgument,
    out: Annotated[Path, typer.Argument(help="The new file; packed when its name ends in .gz.", metavar="OUT")],
    to: Annotated[str, typer.Option(help="record (ours), esconv, decoupledesc, esd-cot or empathetic.")] = "record",
    json_: Json = False,
) -> None:
    """Write a corpus, or a run, in another format; what that can't hold is counted."""
    from studio.converting import convert_corpus

    convert_corpus(corpus, out, to, as_json=json_)
