"""`holdspace studio`: the stepping debugger, as a page or in the terminal."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from agents.errors import InputError


def studio(
    run: Annotated[Path | None, typer.Argument(help="A run folder or a recipe (YAML); the defaults without one.", metavar="[RUN]")] = None,
    episode: Annotated[
        str | None, typer.Argument(help="An episode of the run to live again: its index, id, or the start of one.", metavar="[EPISODE]")
    ] = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="Step in this terminal instead of a page.")] = False,
    turn: Annotated[int | None, typer.Option(help="Turn from which the episode is lived again.")] = None,
    session: Annotated[str | None, typer.Option(help="A session to open again, or the name of a new one.")] = None,
    scenario: Annotated[str | None, typer.Option(help="Name of the scenario of a new talk.")] = None,
    index: Annotated[int, typer.Option(help="Which talk of the recipe a new one is, as in a run.")] = 0,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the recipe, as in holdspace simulate; not for a run, which has its own.")
    ] = None,
    annotator: Annotated[str | None, typer.Option(help="In whose name pairs are marked; your login without it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where sessions go that belong to no run; runs/studio without it.")] = None,
    host: Annotated[str, typer.Option(help="Address of the page; one that other machines reach needs a --token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 8787,
    token: Annotated[str | None, typer.Option(envvar="HOLDSPACE_TOKEN", help="Token that the page asks for.")] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Step through a talk, go back, change one thing, and live it again; as a page, or in the terminal."""
    from studio.opening import Target

    if index < 0:
        raise InputError(f"--index {index}: must be at least 0.")
    target = Target(target=run, episode=episode, turn=turn, session=session, scenario=scenario, index=index, seed=seed, out=out)
    name = annotator or getpass.getuser()
    if terminal:
        from studio.terminal import run_terminal

        raise typer.Exit(run_terminal(target, name))
    try:
        from studio.debugger import serve_page
    except ImportError as error:
        raise InputError("The page needs NiceGUI.", hint="pip install 'holdspace[studio]', or use --terminal.") from error
    raise typer.Exit(serve_page(target, annotator=name, host=host, port=port, token=token, browser=browser))


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command()(studio)
