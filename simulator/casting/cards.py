"""Decks of role cards: one `read_deck` for five sources, which finds the format in the content and not in the name.

A card keeps what its source says and invents nothing.  One broken card is skipped, named and counted; a deck in which all are broken
is an error.  Turning a card into a persona and a scenario is `cast.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from agents.errors import InputError
from agents.words import Word
from simulator.casting import esc_eval, esc_judge, esconv, own, sage
from simulator.casting.card import Card
from simulator.casting.rows import Row, read_rows

Format = Literal["esc-eval", "esc-judge", "sage", "esconv", "own"]


class Skip(Word):
    """A card that could not be read."""

    where: str
    reason: str


class Deck(Word):
    """What a file of cards holds."""

    format: Format
    cards: tuple[Card, ...]
    skipped: tuple[Skip, ...] = Field(default=())


_READERS: dict[Format, tuple[Callable[[Mapping[str, Any]], bool], Callable[[str, Mapping[str, Any]], Card]]] = {
    "esc-eval": (esc_eval.fits, esc_eval.read),
    "sage": (sage.fits, sage.read),
    "esc-judge": (esc_judge.fits, esc_judge.read),
    "esconv": (esconv.fits, esconv.read),
    "own": (own.fits, own.read),
}
_EXPECTED = "ESC-Eval (base), ESC-Judge (role), SAGE (player), ESConv (situation, turns) or holdspace (situation)"


def read_deck(path: Path) -> Deck:
    """All cards of a file (JSON, JSON Lines or YAML; gzipped too).

    Raises:
        InputError: missing, not readable, empty, too large, not UTF-8, no JSON or YAML, of no known format, or no card in it is whole.
    """
    rows, broken = read_rows(path)
    kind = _format(path, rows)
    cards: list[Card] = []
    skipped = [Skip(where=where, reason=reason) for where, reason in broken]
    for row in rows:
        where = f"{path.name}{row.mark}"
        try:
            cards.append(_card(kind, where, row.value))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            skipped.append(Skip(where=where, reason=_reason(error)))
    if not cards:
        first = skipped[0]
        raise InputError(
            f"{path}: none of the {len(skipped)} cards can be read; the first, {first.where}: {first.reason}.",
            hint="Mend the cards or give another file.",
        )
    return Deck(format=kind, cards=tuple(cards), skipped=tuple(skipped))


def _card(kind: Format, where: str, value: Any) -> Card:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected an object, found {_called(value)}")
    fits, read = _READERS[kind]
    if not fits(value):
        raise ValueError(f"not a card of the format {kind}: its keys are {_keys(value)}")
    return read(where, value)


def _format(path: Path, rows: list[Row]) -> Format:
    """The format that fits most rows."""
    objects = [row.value for row in rows if isinstance(row.value, Mapping)]
    if not objects:
        found = (
            f"a list of {len(rows)} that begins with {_called(rows[0].value)}" if len(rows) > 1 else _called(rows[0].value if rows else [])
        )
        raise InputError(f"{path}: expected role cards, found {found}.", hint=f"Formats that can be read: {_EXPECTED}.")
    known = (next((kind for kind, (fits, _) in _READERS.items() if fits(value)), None) for value in objects)
    counts = Counter(kind for kind in known if kind)
    if not counts:
        raise InputError(
            f"{path}: no known kind of role card; the keys are {_keys(objects[0])}.", hint=f"Formats that can be read: {_EXPECTED}."
        )
    return counts.most_common(1)[0][0]


def _keys(value: Mapping[str, Any]) -> str:
    keys = ", ".join(str(key)[:40] for key in list(value)[:6])
    return (keys + (", ..." if len(value) > 6 else "")) or "missing"


def _called(value: Any) -> str:
    """What stands where an object should, in words."""
    if isinstance(value, bool | int | float):
        return "a number" if not isinstance(value, bool) else "true or false"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return {"str": "a text", "NoneType": "nothing"}.get(type(value).__name__, f"a {type(value).__name__}")


def _reason(error: Exception) -> str:
    """One line of what is wrong."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "card"
        return f"{place}: {first['msg'].removeprefix('Value error, ')}"
    if isinstance(error, KeyError):
        return f"the key {error.args[0]!r} is missing"
    return str(error).split("\n", 1)[0][:300] or error.__class__.__name__
