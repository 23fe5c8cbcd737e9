"""Predictions files: what a planner or a responder said, beside what the human supporter did.

One reader for `{"gold", "pred"}` lines, for the result files of Kang et al. and of DecoupledESC, and for DecoupledESC's judged files, found
by their keys and not by their names (gzip is found by its first bytes).  A prediction that is none of the eight strategies is a parse
failure and stays in as an error; an unknown gold label is a broken file.  No measure is taken here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agents.errors import InputError
from agents.words import Strategy
from evaluation.gold import beside, join
from evaluation.rows import BRACKET, GOLD, KNOWN, PRED, REFERENCE, REPLY, Row, key_of, read_rows, required, shown, strategy_of
from evaluation.strategies import Choice


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A prediction that is none of the eight."""

    where: str
    label: str


@dataclass(frozen=True, slots=True)
class Predictions:
    """The choices of a file."""

    choices: list[Choice]
    unparsed: list[Unparsed]
    gold_from: str = ""
    """The file that the gold labels were taken from, where it is another one."""


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies of a file, and the human replies to the same contexts where the file has them."""

    replies: list[str]
    references: list[str] | None
    strategies: list[Strategy | None]


def read_predictions(path: Path, gold: Path | None = None) -> Predictions:
    """The choices of a predictions file.

    Args:
        path: JSON lines, a JSON array, or one JSON object with the lists `gold` and `pred`; gzip or not.
        gold: where the gold labels are, when the file has none (see `evaluation/gold.py`).

    Raises:
        InputError: not such a file, an unknown gold label, different lengths, or no prediction that names a strategy; with file and line.
    """
    rows = read_rows(path)
    if gold is None and key_of(rows[0].values, GOLD):
        labels, source = [_gold(row) for row in rows], ""
    elif (found := gold or beside(path)) is not None:
        labels, source = join(path, rows, found), str(found)
    else:
        raise InputError(f"{rows[0].where}: no gold label (one of {', '.join(GOLD)}).", hint="Give the file that has them with --gold.")
    choices, unparsed = [], []
    for row, label in zip(rows, labels, strict=True):
        raw = row.values[required(row, (*PRED, "strategy"))]
        choice = Choice(gold=label, pred=strategy_of(raw), dialogue=_dialogue(row))
        choices.append(choice)
        if choice.pred is None:
            unparsed.append(Unparsed(row.where, shown(raw)))
    if len(unparsed) == len(choices):
        first = unparsed[0]
        raise InputError(f"{first.where}: none of the {len(choices)} predictions names a strategy, the first is {first.label}.", hint=KNOWN)
    return Predictions(choices, unparsed, source)


def read_replies(path: Path) -> Replies:
    """The replies of a result file.

    Raises:
        InputError: not such a file, a row without a reply, or references in some rows only.
    """
    rows = read_rows(path)
    replies = [_text(row, required(row, REPLY)) for row in rows]
    references = [_text(row, required(row, REFERENCE)) for row in rows] if key_of(rows[0].values, REFERENCE) else None
    strategies = [strategy_of(row.values.get(key_of(row.values, (*PRED, "strategy")) or "")) for row in rows]
    if not any(replies):
        raise InputError(f"{rows[0].where}: all {len(rows)} replies are empty.", hint="Give a file with replies.")
    return Replies(replies, references, strategies)


def _gold(row: Row) -> Strategy:
    raw = row.values[required(row, GOLD)]
    if (strategy := strategy_of(raw)) is None:
        raise InputError(f"{row.where}: the gold label {shown(raw)} is none of the eight strategies.", hint="Mend the file.")
    return strategy


def _dialogue(row: Row) -> str | None:
    value = row.values.get("dialogue")
    return str(value) if value is not None else None


def _text(row: Row, key: str) -> str:
    value = row.values[key]
    if not isinstance(value, str):
        raise InputError(f"{row.where}: {key} is no text.", hint="A reply is a string.")
    return BRACKET.sub("", value, count=1).strip() if strategy_of(value) else value.strip()
