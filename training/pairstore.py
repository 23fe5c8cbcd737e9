"""The store of pairs: one `KIND.jsonl` a kind in a folder, each written whole or not at all.

Pairs stream through the guards into a file beside the final one; when all are known, the balance decides, and the files take their places.
Reading streams, too, and believes nothing: a line that was edited, a cut file or a pair in the wrong file is refused with its line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from agents.errors import InputError, StorageError
from simulator.store import read_lines
from training.guards import Balance, Dropped, Guards, GuardSettings, LeakCheck, Tally
from training.pair import Pair, PairKind, pair_id

PAIRS = "pairs"
"""The folder of a run that holds its pairs."""

MARKED = "marked.jsonl"
"""Pairs of any kind that a person marked in the debugger: no command but the debugger writes or replaces it."""

KIND_NAMES = frozenset(kind.value for kind in PairKind)
AGAIN = "Don't edit pair files; make them again with the command that made them."


def write_pairs(
    pairs: Iterable[Pair], folder: Path, kinds: Iterable[PairKind], *, settings: GuardSettings | None = None, tally: Tally | None = None
) -> Tally:
    """Guard pairs and write them; the files of these kinds are replaced, those of other kinds stay as they are.

    Args:
        pairs: candidates, of these kinds only; they are taken one at a time.
        folder: made when missing.
        kinds: those that this call is about: a kind without a pair has no file afterwards.
        settings: of the guards; the defaults when None.
        tally: counts go into it, and it is returned; a new one when None.

    Raises:
        InputError: a scenario, persona or dialogue is in two splits.
        StorageError: the folder can't be written.  In both cases the folder is as it was.
    """
    settings, tally = settings or GuardSettings(), tally or Tally()
    guards, leaks = Guards(settings), LeakCheck()
    try:
        with _Spool(folder, kinds, settings.balance) as spool:
            for pair in pairs:
                if (reason := guards.admit(pair)) is not None:
                    tally.drop(pair.kind, reason)
                    continue
                leaks.check(pair)
                spool.add(pair)
            spool.commit(tally)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{folder} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
    return tally


class _Spool:
    """The files in the making."""

    def __init__(self, folder: Path, kinds: Iterable[PairKind], balance: float | None) -> None:
        self.folder = folder
        self.kinds = tuple(dict.fromkeys(kinds))
        self._balances = {kind: Balance(balance) for kind in self.kinds}
        self._files: dict[PairKind, IO[bytes]] = {}
        self._made = not folder.exists()

    def __enter__(self) -> _Spool:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._files = {kind: self._partial(kind).open("wb+") for kind in self.kinds}
        return self

    def __exit__(self, *_: object) -> None:
        for kind, file in self._files.items():
            file.close()
            self._partial(kind).unlink(missing_ok=True)
        if self._made and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _partial(self, kind: PairKind) -> Path:
        return self.folder / f"{kind.value}.jsonl.partial"

    def add(self, pair: Pair) -> None:
        self._balances[pair.kind].note(pair)
        self._files[pair.kind].write(pair.model_dump_json().encode() + b"\n")

    def commit(self, tally: Tally) -> None:
        """Leave out what is over a cap, wait for the disk, and put all files in their places."""
        for kind, file in self._files.items():
            stays = self._balances[kind].kept()
            _keep_lines(file, stays)
            file.flush()
            os.fsync(file.fileno())
            for facts, stay in zip(self._balances[kind].facts, stays, strict=True):
                if stay:
                    tally.keep(kind, facts)
            tally.drop(kind, Dropped.BALANCE, stays.count(False))
        for kind in self.kinds:
            final = pair_file(self.folder, kind)
            if self._partial(kind).stat().st_size:
                self._partial(kind).replace(final)
            else:
                final.unlink(missing_ok=True)


def _keep_lines(file: IO[bytes], stays: list[bool]) -> None:
    """Leave out lines of a file, in place: what is kept moves up."""
    if all(stays):
        return
    file.seek(0)
    end = 0
    for stay in stays:
        line = file.readline()
        if stay:
            here = file.tell()
            file.seek(end)
            file.write(line)
            end += len(line)
            file.seek(here)
    file.truncate(end)


def pair_file(folder: Path, kind: PairKind) -> Path:
    """Where the pairs of a kind are."""
    return folder / f"{kind.value}.jsonl"


def pair_files(path: Path) -> tuple[Path, ...]:
    """The pair files of a run folder, of a folder of pairs, or the one file given, in the order of the kinds.

    Raises:
        InputError: there is none.
    """
    if not path.is_dir():
        return (path,)
    folder = path / PAIRS if (path / PAIRS).is_dir() else path
    found = tuple(file for file in (*(pair_file(folder, kind) for kind in PairKind), folder / MARKED) if file.exists())
    if not found:
        raise InputError(f"{path} holds no pairs.", hint="Make them with holdspace pairs.")
    return found


def read_pairs(path: Path, kinds: Iterable[PairKind] = PairKind) -> Iterator[Pair]:
    """Pairs of a run folder, of a folder of pairs, or of one file, one at a time, with a leak check over all of them.

    Args:
        kinds: leave out the others.

    Raises:
        InputError: missing, edited by hand, cut off, or a scenario, persona or dialogue in two splits; file and line are named.
    """
    wanted, leaks = frozenset(kinds), LeakCheck()
    unwanted = KIND_NAMES - {kind.value for kind in wanted}
    for file in pair_files(path):
        for where, pair in _read_file(file) if file.stem not in unwanted else ():
            if pair.kind in wanted:
                leaks.check(pair, where)
                yield pair


def _read_file(file: Path) -> Iterator[tuple[str, Pair]]:
    expected = file.name.partition(".")[0]
    for number, value in read_lines(file):
        where = f"{file}:{number}"
        try:
            pair = Pair.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "pair"
            raise InputError(f"{where}: {key}: {first['msg']}.", hint=AGAIN) from error
        if pair.id != pair_id(pair.kind, pair.dialogue, pair.turn, pair.chosen, pair.rejected):
            raise InputError(f"{where}: what it says does not belong to its id {pair.id}: edited by hand?", hint=AGAIN)
        if expected in KIND_NAMES and expected != pair.kind.value:
            raise InputError(f"{where}: a {pair.kind.value} pair in a file of {expected} pairs.", hint=AGAIN)
        yield where, pair
    _whole(file)


def _whole(file: Path) -> None:
    """Refuse a file whose last line is cut off (read_lines passes over it, as a run's store must)."""
    if file.suffix == ".gz" or not file.stat().st_size:
        return
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        if opened.read(1) != b"\n":
            raise InputError(f"{file}: the last line is cut off.", hint=AGAIN)
