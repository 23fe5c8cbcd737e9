"""What `holdspace studio` was asked to open: a run, an episode of it, a recipe, or a session that is there already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.chat.cache import Cache
from agents.errors import InputError, StorageError
from graphs.recipe import Recipe, load_recipe, make_recipe
from graphs.run import read_run
from graphs.seats import REHEARSAL, Backends
from graphs.session import Session
from graphs.sessions import Sessions
from studio.showing import found

CACHE = "cache.sqlite"
DEFAULT = Path("runs/studio")


@dataclass(frozen=True, slots=True)
class Target:
    """What to open."""

    target: Path | None = None
    """A run folder or a recipe; the default recipe when None."""
    episode: str | None = None
    """Index, id, or start of an id, of an episode of the run."""
    turn: int | None = None
    """The exchange from which the episode is lived again."""
    session: str | None = None
    """A session to open again, or the name of a new one."""
    scenario: str | None = None
    index: int = 0
    seed: int | None = None
    """Of the recipe."""
    out: Path | None = None
    """Where sessions go that belong to no run."""

    @property
    def is_run(self) -> bool:
        return self.target is not None and self.target.is_dir()

    @property
    def run(self) -> Path:
        """The folder that holds the sessions."""
        return self.target if self.is_run and self.target is not None else self.out or DEFAULT

    def recipe(self) -> Recipe:
        """The recipe of the run or of the file; the default one without either.

        Raises:
            InputError: neither a run nor a recipe.
        """
        if self.is_run and self.seed is not None:
            raise InputError(f"{self.target} has a seed of its own.", hint="Leave --seed out, or give a recipe instead of the run.")
        content = {} if self.target is None else read_run(self.target)["recipe"] if self.is_run else load_recipe(self.target)
        return make_recipe(content if self.seed is None else {**content, "seed": self.seed})


@contextmanager
def backends_of(target: Target, recipe: Recipe) -> Iterator[Backends]:
    """What the seats share: the run's cache of answers, where a seat is not rehearsal's."""
    if set(recipe.seats.model_dump().values()) == {REHEARSAL}:
        yield Backends()
        return
    try:
        target.run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{target.run} can't be written: {error.strerror}.", hint="Choose another --out.") from error
    with Cache(target.run / CACHE) as cache:
        yield Backends(cache=cache)


async def open_session(sessions: Sessions, target: Target, recipe: Recipe) -> Session:
    """The session that was asked for: one that is there, an episode to live again, or a new talk.

    Raises:
        InputError: there is no such episode, turn, scenario or session.
    """
    names = {info.name for info in sessions.list()}
    if target.session in names and target.session is not None:
        if target.episode is not None:
            raise InputError(f"There is a session {target.session} already.", hint="Leave the episode out to open it.")
        return await sessions.open(target.session)
    if target.episode is not None:
        if not target.is_run:
            raise InputError(f"Episode {target.episode} of what?", hint="Give the run folder, then the episode.")
        return await sessions.revive(found(target.run, target.episode), recipe, turn=target.turn, name=target.session)
    if target.turn is not None:
        raise InputError("--turn needs an episode.", hint="holdspace studio RUN EPISODE --turn N")
    return await sessions.start(recipe, index=target.index, scenario=target.scenario, name=target.session)
