"""Files of corpora: JSON Lines, a JSON array or object, or CSV, gzipped or not; by content, never by name.

JSON Lines and CSV stream.  A line that is no JSON is handed on as such, so that the rest of the file can be used; a file that can't be
read at all is an error.  What the rows mean is the readers' business.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from agents.errors import InputError

LARGEST = 1_000_000_000
"""Bytes of a JSON array, which is read at once."""
_GZIP = b"\x1f\x8b"
_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Row(NamedTuple):
    """One row of a file."""

    where: str
    """`file:12` (a line) or `file#3` (the third of an array)."""
    value: Any
    broken: str = ""
    """Why the row could not be read; its value is None then."""


def misnamed(path: Path) -> str:
    """A sentence when the file is gzip and does not say so, or says so and is not; else nothing."""
    packed = _head(path).startswith(_GZIP)
    if packed == (path.suffix == ".gz"):
        return ""
    return f"{path.name} is {'gzip' if packed else 'not gzip'}, whatever its name says; it was read as what it is."


@contextmanager
def rows_of(path: Path) -> Iterator[Iterator[Row]]:
    """The rows of a file, one at a time.

    Raises:
        InputError: missing, a folder, empty, binary, not UTF-8, half a gzip file, or neither JSON, JSON Lines nor CSV.  While the rows are
            read, too.
    """
    packed = _head(path).startswith(_GZIP)
    try:
        file: IO[bytes] = gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[assignment]  # noqa: SIM115
    except OSError as error:
        raise _unreadable(path, error) from error
    with file:
        yield _guarded(path, file)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(2)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} can't be read: {error.strerror}.", hint="Check the path.")


def _guarded(path: Path, file: IO[bytes]) -> Iterator[Row]:
    """A file may turn out to be torn after a thousand good rows."""
    try:
        yield from _rows(path, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is not a whole gzip file ({error}).", hint="Fetch or pack it again.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _rows(path: Path, file: IO[bytes]) -> Iterator[Row]:
    lines = _lines(path, file)
    number, first = next(((number, line) for number, line in lines if line.strip()), (0, ""))
    if not number:
        raise InputError(f"{path} is empty.", hint="Give a file of dialogues.")
    everything = chain([(number, first)], lines)
    if first.lstrip().startswith("["):
        return _array(path, everything)
    if first.lstrip().startswith("{"):
        return _json_lines(path, everything) if _parsed(first) is not None else _array(path, everything)
    if "conv_id" in first and "," in first:
        return _table(path, everything)
    raise InputError(f"{path}:{number}: neither JSON, JSON Lines nor a CSV with a conv_id.", hint="Is it a file of dialogues?")


def _lines(path: Path, file: IO[bytes]) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(file, start=1):
        if number == 1 and raw.startswith(_MARKS):
            raise InputError(f"{path} is UTF-16, not UTF-8.", hint="Save it as UTF-8.")
        try:
            yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}:{number}: not UTF-8 (byte 0x{raw[error.start]:02x}).", hint="Is it the right file?") from error


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _json_lines(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    for number, line in lines:
        if not line.strip():
            continue
        value = _parsed(line)
        where = f"{path.name}:{number}"
        yield Row(where, value) if isinstance(value, dict) else Row(where, None, "a line that is no JSON object")


def _array(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    pieces, size = [], 0
    for _, line in lines:
        pieces.append(line)
        size += len(line)
        if size > LARGEST:
            raise InputError(f"{path} is a JSON array of over {LARGEST // 1_000_000} MB.", hint="Put one dialogue on a line.")
    try:
        content = json.loads("".join(pieces))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON ({error.msg}).", hint="Mend it, or give one JSON object a line.") from error
    except RecursionError as error:
        raise InputError(f"{path}: nested too deeply to be dialogues.", hint="Is it the right file?") from error
    items = content if isinstance(content, list) else [content]
    return (Row(f"{path.name}#{number}", item) for number, item in enumerate(items, start=1))


def _table(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    """Rows of one `conv_id` together: the value is `{"rows": [...]}`."""
    reader = csv.DictReader((line for _, line in lines), strict=False)
    group: list[dict[str, Any]] = []
    where = ""
    try:
        for row in reader:
            if group and row.get("conv_id") != group[0].get("conv_id"):
                yield Row(where, {"rows": group})
                group = []
            if not group:
                where = f"{path.name}:{reader.line_num}"
            group.append(row)
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not CSV ({error}).", hint="Mend it there.") from error
    if group:
        yield Row(where, {"rows": group})
