"""The command line.  Each command checks its flags, calls one room, and prints; heavy imports stay inside the functions.

Exit codes: 0 done, 1 failed, 2 bad input or usage (one sentence), 130 interrupted (with the command that resumes).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.errors import HoldspaceError, InputError, StorageError
from studio import commands_data, commands_debug, commands_learn, commands_measures, commands_rounds, commands_sim

app = typer.Typer(
    help="Rehearse, criticise and train emotional-support agents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
score = typer.Typer(help="Measure runs and corpora.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(score, name="score")

RunArgument = Annotated[Path, typer.Argument(help="A run folder, or an episodes.jsonl.", metavar="RUN")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


@app.command()
def simulate(
    recipe: Annotated[Path | None, typer.Argument(help="A recipe (YAML); the defaults without one.", metavar="[RECIPE]")] = None,
    episodes: Annotated[int, typer.Option(help="How many talks the run shall hold.")] = 20,
    cards: Annotated[Path | None, typer.Option(help="Role cards or dialogues to cast from; the format is found by itself.")] = None,
    scenarios: Annotated[Path | None, typer.Option(help="A folder of your own scenario files to cast from.")] = None,
    turns: Annotated[int | None, typer.Option(help="Supporter turns after which a talk is stopped.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.")] = None,
    concurrency: Annotated[int, typer.Option(help="Talks at once.")] = 8,
    model: Annotated[str | None, typer.Option(help="Model spec for all seats: rehearsal, openai:MODEL[@URL], local:PATH.")] = None,
    seeker: Annotated[str | None, typer.Option(help="Model spec of the seeker.")] = None,
    planner: Annotated[str | None, typer.Option(help="Model spec of the planner.")] = None,
    responder: Annotated[str | None, typer.Option(help="Model spec of the responder.")] = None,
    critic: Annotated[str | None, typer.Option(help="Model spec of the critic.")] = None,
    language: Annotated[str | None, typer.Option(help="Language that LLM backends shall write in.")] = None,
    budget: Annotated[str | None, typer.Option(help="Stop before more is spent: 5.00 (with --prices), or 500k tokens.")] = None,
    prices: Annotated[Path | None, typer.Option(help="A price table (YAML), for costs and money budgets.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep the answers of served and local models, so that nothing is paid for twice.")] = True,
    timeout: Annotated[float, typer.Option(help="Seconds that a served model may take for one answer.")] = 120.0,
    structured: Annotated[str, typer.Option(help="How servers are asked for objects: auto, schema, object or words.")] = "auto",
    device: Annotated[str, typer.Option(help="For local models: auto, cpu, cuda ...")] = "auto",
    trust_remote_code: Annotated[bool, typer.Option(help="Let a local model bring code of its own.")] = False,
    chat_template: Annotated[str | None, typer.Option(help="A file with a Jinja chat template, for local models that have none.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print one turn's prompts and an estimate of calls, tokens and cost.")] = False,
    keep_prompts: Annotated[bool, typer.Option(help="Keep prompts and raw answers in the ledger (large).")] = False,
    out: Annotated[Path, typer.Option(help="The run folder.")] = Path("runs/rehearsal"),
    json_: Json = False,
) -> None:
    """Generate dialogues; run the same command again to resume."""
    from studio.simulating import Asked, estimate_simulation, run_simulation

    seats = {"seeker": seeker, "planner": planner, "responder": responder, "critic": critic}
    flags: dict[str, Any] = {"cards": str(cards) if cards else None, "scenarios": str(scenarios) if scenarios else None}
    flags |= {"turns": turns, "seed": seed, "language": language, "keep_prompts": keep_prompts or None}
    asked = Asked(
        recipe=recipe,
        flags=flags,
        model=model,
        seats=seats,
        episodes=episodes,
        concurrency=concurrency,
        out=out,
        json=json_,
        budget=budget,
        prices=prices,
        cache=cache,
        timeout=timeout,
        structured=structured,
        device=device,
        trust_remote_code=trust_remote_code,
        chat_template=chat_template,
    )
    raise typer.Exit(estimate_simulation(asked) if dry_run else run_simulation(asked))


@app.command()
def show(
    run: RunArgument,
    episode: Annotated[str | None, typer.Argument(help="An episode's id, the start of one, or its index; a list without it.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the run as one self-contained page.")] = None,
    inspect_log: Annotated[Path | None, typer.Option(help="Write the run as a log (.eval) that `inspect view` opens.")] = None,
    pick: Annotated[bool, typer.Option(help="Show one talk that has a refinement.")] = False,
    beside: Annotated[Path | None, typer.Option(help="Another run of the same casts: show a talk of both, side by side.")] = None,
    limit: Annotated[int, typer.Option(help="How many talks the list shows.")] = 40,
    json_: Json = False,
) -> None:
    """Read a dialogue in the terminal, or write the run as a page."""
    from studio.showing import show_run

    show_run(run, episode, html=html, inspect_log=inspect_log, pick=pick, limit=limit, as_json=json_, beside=beside)


@app.command()
def serve(
    run: Annotated[Path | None, typer.Argument(help="A run folder or a recipe (YAML); the defaults without one.", metavar="[RUN]")] = None,
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on; one that other machines reach needs a --token.")] = "127.0.0.1",
    token: Annotated[str | None, typer.Option(envvar="HOLDSPACE_TOKEN", help="Bearer token that every request must send.")] = None,
    planner: Annotated[str | None, typer.Option(help="Model spec of the planner.")] = None,
    responder: Annotated[str | None, typer.Option(help="Model spec of the responder.")] = None,
    refine: Annotated[bool, typer.Option("--refine", help="Let the recipe's critic refine the replies.")] = False,
) -> None:
    """Serve planner and responder behind an OpenAI-compatible server, until Ctrl-C."""
    from studio.serving import serve as serve_run

    raise typer.Exit(serve_run(run, host=host, port=port, token=token, planner=planner, responder=responder, refine=refine))


@score.command()
def realism(
    run: RunArgument,
    reference: Annotated[Path | None, typer.Option(help="A run or corpus to compare with.")] = None,
    json_: Json = False,
) -> None:
    """What the dialogues look like: lengths, strategy mix by fifth, thanks, repetition, emotion; beside a reference."""
    from studio.scoring import show_realism

    show_realism(run, reference, as_json=json_)


@score.command()
def crisis(
    files: Annotated[list[Path], typer.Argument(help="Labelled sets (YAML of text, crisis, kind) or dialogue corpora.", metavar="FILE...")],
    json_: Json = False,
) -> None:
    """What the crisis gate says: recall and false alarms on a labelled set, or each flagged turn of a corpus."""
    from studio.scoring import show_crisis

    show_crisis(files, as_json=json_)


@score.command()
def critic(
    files: Annotated[list[Path], typer.Argument(help="Judged replies (DecoupledESC's Statistic files).", metavar="FILE...")],
    json_: Json = False,
) -> None:
    """How far the rehearsal critic agrees with judged replies, per error, with what chance would give."""
    from studio.scoring import show_critic

    show_critic(files, as_json=json_)


for commands in (commands_data, commands_measures, commands_sim, commands_learn, commands_rounds, commands_debug):
    commands.add(app, score)


def main() -> None:
    """The entry point: our errors become one sentence and an exit code, never a traceback."""
    try:
        app()
    except (InputError, StorageError) as error:
        _complain(error)
        sys.exit(2)
    except HoldspaceError as error:
        _complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; run the same command again to resume.\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _complain(error: HoldspaceError) -> None:
    sys.stderr.write(f"holdspace: {error}\n")


if __name__ == "__main__":
    main()
