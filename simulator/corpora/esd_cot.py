"""ESD-CoT (ESCoT, Zhang et al. 2024): a talk, one reply under one of 13 strategies, and the chain of thought that leads to it.

A sample becomes a dialogue whose last turn is the reply; the chain is kept beside it.  A dialogue with many replies is written as one
sample, of its last reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.words import Speaker
from simulator.corpora.notes import Notes
from simulator.corpora.turns import Turns, table_at, tables_at
from simulator.dialogue import Dialogue

NAME = "esd-cot"
_ID = "sample_id"


def fits(row: Mapping[str, Any]) -> bool:
    return "original_data" in row


def read(row: Mapping[str, Any], name: str, turns: Turns) -> Dialogue:
    """One sample; raises ValueError with what is wrong."""
    sample = table_at(row, "original_data")
    for turn in tables_at(sample, "dialog"):
        turns.add(turn.get("speaker"), turn.get("content"), labelled=False)
    turns.add("supporter", sample.get("response"), sample.get("strategy"))
    extra = {"cot_data": dict(table_at(row, "cot_data"))} | ({_ID: row["id"]} if "id" in row else {})
    return Dialogue(id=name, extra=extra, **turns.fields())


def write(dialogue: Dialogue, lost: Notes) -> dict[str, Any] | None:
    """The last reply and all before it; None for a dialogue without a reply."""
    last = max((index for index, turn in enumerate(dialogue.turns) if turn.speaker is Speaker.SUPPORTER), default=None)
    if last is None:
        lost.add("dialogues without a reply", dialogue.id)
        return None
    before, reply = dialogue.turns[:last], dialogue.turns[last]
    lost.add("strategies of earlier replies", dialogue.id, times=sum(turn.strategy is not None for turn in before))
    lost.add("turns after the last reply", dialogue.id, times=len(dialogue.turns) - last - 1)
    lost.add("situations", dialogue.id, times=bool(dialogue.situation))
    lost.add("ratings", dialogue.id, times=sum(stars is not None for stars in dialogue.feedback))
    lost.add("final emotion intensities", dialogue.id, times=dialogue.final is not None)
    label = dialogue.labels.get(last) or (reply.strategy.value if reply.strategy else "")
    return {
        "id": dialogue.extra.get(_ID, dialogue.id),
        "original_data": {
            "dialog": [{"speaker": turn.speaker.value, "content": turn.text} for turn in before],
            "strategy": label,
            "response": reply.text,
        },
        "cot_data": dialogue.extra.get("cot_data", {}),
    }
