"""The sessions of a run folder: `RUN/sessions/NAME/`.  Begin one, open one again after a restart, list them, delete one.

Each is a `graphs.session.Session`; several can be open at once, each with its own files, seats and lock.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from agents.chat.port import derive_seed
from agents.errors import HoldspaceError, InputError, StorageError
from graphs.casting import Casting, with_source
from graphs.recipe import Recipe
from graphs.seats import Backends
from graphs.session import Session
from graphs.session_calls import sit
from graphs.session_replay import THREAD, cast_of, checkpoints
from graphs.session_states import open_states, warm
from graphs.session_store import SESSION, Folder, Header, checked_name, info_of, make_folder
from graphs.session_words import Branch, Info
from simulator.cast import Cast
from simulator.episode import Episode

FOLDER = "sessions"


class Sessions:
    """The sessions of a run folder.

    Args:
        run: the folder; made when the first session is begun.
        backends: what seats are put on; plain ones when None.  `close` closes them.
    """

    def __init__(self, run: Path, backends: Backends | None = None) -> None:
        self.run = run
        self.backends = backends or Backends()
        self._open: dict[str, Session] = {}
        self._lock = asyncio.Lock()

    def list(self) -> list[Info]:
        """All sessions of the folder, the last changed first; one that can't be opened says why."""
        folder = self.run / FOLDER
        found = [info_of(path) for path in folder.iterdir() if (path / SESSION).exists()] if folder.is_dir() else []
        return sorted(found, key=lambda info: -info.changed)

    async def start(
        self,
        recipe: Recipe,
        *,
        index: int = 0,
        scenario: str | None = None,
        cast: Cast | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> Session:
        """Begin a session at the first word of a talk.

        Args:
            recipe: its settings and seats.
            index: which talk of the recipe, as in a run; stepped through, it ends as that run's episode.
            scenario: a scenario's name, instead of the one that the index casts.
            cast: who talks about what, instead of both.
            seed: of the talk; derived as a run does when None.
            name: of the session; made up when None.

        Raises:
            InputError: no such scenario, spec or name.
            StorageError: the folder can't be written.
        """
        recipe = with_source(recipe)
        seed = derive_seed(recipe.seed, "episode", index) if seed is None else seed
        if cast is None:
            casting = Casting(recipe)
            cast = casting.by_name(scenario, seed) if scenario else casting.cast(index)
        branch = Branch(name="main", thread="t1")
        header = Header(recipe=recipe, cast=cast, seed=seed, index=index, branches=(branch,), threads=1)
        return await self._begin(header, recipe, name or self._free(cast.scenario.name))

    async def revive(self, episode: Episode, recipe: Recipe, *, turn: int | None = None, name: str | None = None) -> Session:
        """Begin a session with a finished episode: `main` is what was recorded, whole, to look at and to fork from.

        Args:
            episode: the talk.
            recipe: of the run that it is from.
            turn: live it again from this exchange on, in a branch `turn-N` that begins before its reply is planned.
            name: of the session; made up when None.

        Raises:
            InputError: no such turn or name.
        """
        branch = Branch(name="main", thread=THREAD)
        header = Header(
            recipe=recipe,
            cast=cast_of(episode),
            seed=episode.seeds.episode,
            index=episode.index,
            episode=episode.id,
            branches=(branch,),
        )
        again = again_at(episode, turn) if turn is not None else None
        session = await self._begin(header, recipe, name or self._free(f"episode-{episode.index}"), episode)
        if again is not None:
            await session.fork(again, name=f"turn-{turn}")
        return session

    async def open(self, name: str) -> Session:
        """A session by name, as it was left; the same object as long as it is open.

        Raises:
            InputError: there is none, it is of another version, or it is open in another process.
            StorageError: its files can't be used.
        """
        async with self._lock:
            if name not in self._open:
                self._open[name] = await self._opened(checked_name(name))
            return self._open[name]

    async def delete(self, name: str) -> None:
        """Delete a session from the disk; InputError when there is none, or it is open in another process."""
        async with self._lock:
            path = self.run / FOLDER / checked_name(name)
            if not (path / SESSION).exists():
                raise InputError(f"There is no session {name}.")
            if (session := self._open.pop(name, None)) is not None:
                await session.close()
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise StorageError(f"{path} can't be deleted: {error.strerror}.", hint="Check the folder.") from error

    async def warm(self) -> None:
        """Read what the first step would have to read; takes a few seconds, beside the event loop."""
        await asyncio.to_thread(warm)

    async def close(self) -> None:
        """Close all sessions and connections; they can be opened again."""
        async with self._lock:
            for session in self._open.values():
                await session.close()
            self._open.clear()
            await self.backends.aclose()

    async def _begin(self, header: Header, recipe: Recipe, name: str, episode: Episode | None = None) -> Session:
        sit(recipe, self.backends, {}, lambda _: None)  # a wrong spec is told before a folder is made
        path = self.run / FOLDER / checked_name(name)
        async with self._lock:
            make_folder(path, header, episode.model_dump_json() if episode else None)
            try:
                session = await self._opened(name, recipe)
                if episode is None:
                    await session.begin()
            except HoldspaceError:
                shutil.rmtree(path, ignore_errors=True)
                raise
            self._open[name] = session
            return session

    async def _opened(self, name: str, recipe: Recipe | None = None) -> Session:
        folder = Folder(self.run / FOLDER / name)
        try:
            return Session(await open_states(folder), self.backends, recipe)
        except HoldspaceError:
            folder.close()
            raise

    def _free(self, name: str) -> str:
        """The name, with a number after it when there is such a session."""
        free, number = name, 1
        while (self.run / FOLDER / free).exists():
            number += 1
            free = f"{name}-{number}"
        return free


def again_at(episode: Episode, turn: int) -> int:
    """The number of the recorded checkpoint before an exchange's reply is planned; InputError when the talk has no such exchange."""
    found = [at.number for at, _ in checkpoints(episode) if at.coming == turn and at.node == "screen" and at.next is not None]
    if not found:
        turns = sum(item.speaker == "supporter" for item in episode.turns)
        raise InputError(f"{episode.id} has no turn {turn}.", hint=f"It has turns 1 to {turns}.")
    return found[0]
