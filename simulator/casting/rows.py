"""Rows of a file of cards: JSON, JSON Lines or YAML, gzipped or not, by content; and the sentences for everything that can be wrong.

What the rows mean is the readers' business.  A file over 64 MB or a line over 8 MB is refused before it is parsed.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from agents.errors import InputError

LARGEST = 64_000_000
LONGEST_LINE = 8_000_000
_LARGEST_YAML = 5_000_000
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Row(NamedTuple):
    """One card as it stands in the file."""

    mark: str
    """Its place, to be put after the file's name: `#id`, `#2` (the second of a list) or `:12` (a line)."""
    value: Any


Broken = list[tuple[str, str]]


def read_rows(path: Path) -> tuple[list[Row], Broken]:
    """The rows of a file, and lines that are no JSON with the reason.

    Raises:
        InputError: missing, not readable, empty, too large, not UTF-8, or neither JSON, JSON Lines nor YAML.
    """
    text = _text(path, _bytes(path))
    if not text.strip():
        raise InputError(f"{path} is empty.", hint="Give a file with role cards.")
    if text.lstrip()[0] not in "[{":
        return _listed(_yaml(path, text)), []
    try:
        return _listed(json.loads(text)), []
    except RecursionError as error:
        raise InputError(f"{path}: nested too deeply to be role cards.", hint="Is it the right file?") from error
    except json.JSONDecodeError as error:
        if (lines := _lines(path, text)) is not None:
            return lines
        raise InputError(
            f"{path}:{error.lineno}: not JSON ({error.msg}).", hint="Mend it there, or give one JSON object a line."
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}).", hint="Is it the right file?") from error


def _bytes(path: Path) -> bytes:
    """The file's content, unpacked; never more than LARGEST is read."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            content = gzip.GzipFile(fileobj=file).read(LARGEST + 1) if packed else file.read(LARGEST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is not a whole gzip file ({error}).", hint="Fetch or pack it again.") from error
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", hint="Check the path.") from error
    if len(content) > LARGEST:
        raise InputError(f"{path} is larger than {LARGEST // 1_000_000} MB.", hint="Is it a file of role cards? Split it.")
    start = 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        if len(line) > LONGEST_LINE:
            raise InputError(f"{path}:{number}: a line of {len(line):,} bytes.", hint="Is it a file of role cards? Put one card on a line.")
        start += len(line) + 1
    return content


def _text(path: Path, content: bytes) -> str:
    if content[:2] in _MARKS:
        raise InputError(f"{path} is {_MARKS[content[:2]]}, not UTF-8 (byte 0).", hint="Save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise InputError(f"{path}:{line}: not UTF-8 (byte {error.start} is 0x{byte:02x}).", hint="Save it as UTF-8.") from error


def _listed(value: Any) -> list[Row]:
    """A list's items, or the one thing there is."""
    if not isinstance(value, list):
        return [Row("", value)]
    return [Row(f"#{_name(item, number)}", item) for number, item in enumerate(value, start=1)]


def _name(item: Any, number: int) -> str:
    for key in ("id", "pid"):
        if isinstance(item, dict) and isinstance(item.get(key), str | int):
            return str(item[key])[:60]
    return str(number)


def _lines(path: Path, text: str) -> tuple[list[Row], Broken] | None:
    """JSON Lines; None when not one line is JSON by itself."""
    rows: list[Row] = []
    broken: Broken = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("//"):
            continue
        try:
            rows.append(Row(f":{number}", json.loads(line)))
        except (ValueError, RecursionError) as error:
            broken.append((f"{path.name}:{number}", f"not JSON ({getattr(error, 'msg', 'nested too deeply')})"))
    objects = sum(isinstance(row.value, dict) for row in rows)
    return (rows, broken) if objects else None


def _yaml(path: Path, text: str) -> Any:
    if len(text) > _LARGEST_YAML:
        raise InputError(f"{path} is neither JSON nor YAML of at most {_LARGEST_YAML // 1_000_000} MB.", hint="Is it a file of role cards?")
    try:
        documents = [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise InputError(
            f"{where}: neither JSON nor YAML ({getattr(error, 'problem', None) or 'unreadable'}).", hint="Mend it there."
        ) from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{path}: neither JSON nor YAML of role cards.", hint="Is it the right file?") from error
    if not documents or isinstance(documents[0], str):
        raise InputError(f"{path}:1: plain text, neither JSON nor YAML of role cards.", hint="Is it the right file?")
    return documents[0] if len(documents) == 1 else documents
