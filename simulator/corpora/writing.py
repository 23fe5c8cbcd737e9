"""Writing a corpus in one of the known formats; what the format can't hold is counted, never dropped in silence."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from agents.errors import InputError, StorageError
from simulator.corpora import empathetic, record
from simulator.corpora.notes import Notes
from simulator.corpora.reading import FORMATS
from simulator.dialogue import Dialogue


@dataclass(slots=True)
class Written:
    """What was written."""

    dialogues: int = 0
    lost: Notes = field(default_factory=Notes)
    """What the format can't hold."""


def write_corpus(dialogues: Iterable[Dialogue], path: Path, to: str) -> Written:
    """Write dialogues, atomically; a name that ends in `.gz` is packed.

    Args:
        to: `record` and `empathetic` write lines, `esconv`, `decoupledesc` and `esd-cot` a JSON array.

    Raises:
        InputError: no such format.
        StorageError: the file can't be written; what was there before stays.
    """
    if to not in FORMATS:
        raise InputError(f"--to {to}: unknown format.", hint=f"Known are {', '.join(FORMATS)}.")
    written = Written()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as raw:
            _fill(raw, _text(dialogues, to, written), packed=path.suffix == ".gz")
            raw.flush()
            os.fsync(raw.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
    finally:
        partial.unlink(missing_ok=True)
    return written


def _fill(raw: Any, pieces: Iterator[str], *, packed: bool) -> None:
    if not packed:
        for piece in pieces:
            raw.write(piece.encode())
        return
    with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:  # no name, no time: the same dialogues, the same bytes
        for piece in pieces:
            file.write(piece.encode())


def _text(dialogues: Iterable[Dialogue], to: str, written: Written) -> Iterator[str]:
    if to == empathetic.NAME:
        return _table(dialogues, written)
    values = _values(dialogues, to, written)
    if to == record.NAME:
        return (json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    return _array(values)


def _values(dialogues: Iterable[Dialogue], to: str, written: Written) -> Iterator[Any]:
    for dialogue in dialogues:
        value = FORMATS[to].write(dialogue, written.lost)
        if value is not None:
            written.dialogues += 1
            yield value


def _array(values: Iterator[Any]) -> Iterator[str]:
    before = "[\n"
    for value in values:
        yield before + json.dumps(value, ensure_ascii=False, indent=1)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _table(dialogues: Iterable[Dialogue], written: Written) -> Iterator[str]:
    """Without the column `label` where the first dialogue comes from a file without one."""
    iterator = iter(dialogues)
    first = next(iterator, None)
    plain = first is not None and first.extra.get("labelled") is False
    header = empathetic.HEADER[:-1] if plain else empathetic.HEADER
    yield _csv([header])
    for dialogue in chain([first] if first else [], iterator):
        written.dialogues += 1
        yield _csv([row[: len(header)] for row in empathetic.write(dialogue, written.lost)])


def _csv(rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
