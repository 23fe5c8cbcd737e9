"""Rows of a predictions file: its objects, each with the line it stands at, and the strategy that a label names.

Found by content and not by name: JSON lines, a JSON array, or one object with lists; gzip by its first bytes.  What the keys mean is
told in `evaluation/predictions.py`.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import InputError
from agents.words import Strategy
from simulator.corpora.turns import strategy_of as spelt

GOLD = ("gold", "strg_gold", "GT_strategy")
PRED = ("pred", "strg_pred", "predict_strategy")
REFERENCE = ("reference", "res_gold", "GT_content")
REPLY = ("reply", "res_pred", "predict_content", "response")

KNOWN = 'Expected {"gold", "pred"} (for texts {"reply", "reference"}) a line, or a result file of Kang et al. or DecoupledESC.'
_OF_MODELS: dict[str, Strategy] = {
    "self disclosure": Strategy.SELF_DISCLOSURE,
    "providing suggestion": Strategy.SUGGESTION,
    "suggestions": Strategy.SUGGESTION,
    "restatement and paraphrasing": Strategy.RESTATEMENT,
}
"""Spellings that models use beside those of the corpora."""
BRACKET = re.compile(r"^\s*\[([^\]]*)\]\s*")
_EDGES = " \t\r\n\"'`*.:<>[]()"


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a file, with the place it stands at."""

    where: str
    values: dict[str, Any]


def strategy_of(label: object) -> Strategy | None:
    """The strategy that a label names, in any usual spelling (`[Question] Hello?` names Question); None where it names none."""
    if not isinstance(label, str):
        return None
    found = BRACKET.match(label)
    plain = (found.group(1) if found else label).strip(_EDGES).lower().replace("&", " and ").replace("/", " or ").replace("-", " ")
    plain = " ".join(plain.replace("_", " ").split())
    return _OF_MODELS.get(plain) or spelt(plain)


def read_rows(path: Path) -> list[Row]:
    """The objects of a JSON-lines file, of a JSON array, or of one object with lists of one length; at least one.

    Raises:
        InputError: unreadable, not JSON, no object, lists of different lengths, or empty.
    """
    text = read_text(path)
    start = text.lstrip()[:1]
    if start == "[":
        rows = list(_array(path, text))
    elif start == "{" and (columns := _columns(text)):
        rows = _transposed(path, columns)
    else:
        rows = list(_lines(path, text))
    if not rows:
        raise InputError(f"{path} is empty.", hint=KNOWN)
    return rows


def read_text(path: Path) -> str:
    """A file's text, unzipped where its first bytes say gzip; InputError where it is none."""
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}.", hint="Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text.", hint=KNOWN) from error


def _lines(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                value = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}: not JSON.", hint=KNOWN) from error
            yield _row(path, number, value)


def _array(path: Path, text: str) -> Iterator[Row]:
    """Item by item, so that each is known by its line."""
    decoder, position, number = json.JSONDecoder(), text.index("[") + 1, 1 + text.count("\n", 0, text.index("["))
    while True:
        begin = _skip(text, position, " \t\r\n,")
        number += text.count("\n", position, begin)
        if text[begin : begin + 1] == "]":
            return
        try:
            value, position = decoder.raw_decode(text, begin)
        except ValueError as error:
            raise InputError(f"{path}:{number}: not JSON.", hint=KNOWN) from error
        yield _row(path, number, value)
        number += text.count("\n", begin, position)


def _skip(text: str, position: int, marks: str) -> int:
    while position < len(text) and text[position] in marks:
        position += 1
    return position


def _columns(text: str) -> dict[str, list[Any]] | None:
    """The lists of a file that is one object of lists; None where it is not."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    lists = {key: column for key, column in value.items() if isinstance(column, list)}
    return lists if key_of(lists, (*GOLD, *PRED, *REPLY)) and "turns" not in lists else None


def _transposed(path: Path, columns: dict[str, list[Any]]) -> list[Row]:
    used = {key: column for key, column in columns.items() if key in (*GOLD, *PRED, *REFERENCE, *REPLY, "dialogue")}
    lengths = {key: len(column) for key, column in used.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise InputError(f"{path}:1: lists of different lengths ({told}).", hint="Each gold label needs its prediction.")
    length = next(iter(lengths.values()))
    return [Row(f"{path}:1 (item {index + 1})", {key: column[index] for key, column in used.items()}) for index in range(length)]


def _row(path: Path, number: int, value: Any) -> Row:
    if not isinstance(value, dict):
        raise InputError(f"{path}:{number}: expected an object, found {type(value).__name__}.", hint=KNOWN)
    return Row(f"{path}:{number}", value)


def key_of(values: dict[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in values), None)


def required(row: Row, names: Sequence[str]) -> str:
    if (key := key_of(row.values, names)) is None:
        raise InputError(f"{row.where}: none of the keys {', '.join(names)}.", hint=KNOWN)
    return key


def shown(label: object) -> str:
    text = repr(label)
    return text if len(text) <= 60 else text[:57] + "..."
