"""Our own dialogue record, which ESConv's normalised files and the episodes of a run share.  It holds all that a Dialogue holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.corpora.notes import Notes
from simulator.corpora.turns import Turns, table_at, tables_at
from simulator.dialogue import Dialogue, from_record, to_record

NAME = "record"


def fits(row: Mapping[str, Any]) -> bool:
    return "turns" in row


def read(row: Mapping[str, Any], name: str, turns: Turns) -> Dialogue:
    """One record; raises ValueError, KeyError or TypeError with what is wrong."""
    labels = table_at(row, "labels")
    for index, turn in enumerate(tables_at(row, "turns")):
        label = labels.get(str(index)) or turn.get("strategy")
        turns.add(turn.get("speaker"), turn.get("text"), label, turn.get("feedback"))
    plain = {**row, "turns": [], "labels": {}, "id": str(row.get("id") or name)}
    return from_record(plain).model_copy(update=turns.fields())


def write(dialogue: Dialogue, lost: Notes) -> dict[str, Any]:
    """Nothing is lost."""
    return to_record(dialogue)
