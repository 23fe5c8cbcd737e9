"""EmpatheticDialogues (Rashkin et al. 2019): CSV, a row an utterance; odd `utterance_idx` tell, even ones listen.

There are no strategies.  The `label` (0 to 31) or the original `context` becomes the emotion type.  Written with the index's parity
telling who speaks, so two turns of one speaker in a row skip a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agents.words import Speaker
from simulator.corpora.notes import Notes
from simulator.corpora.turns import Turns, tables_at
from simulator.dialogue import Dialogue

NAME = "empathetic"
HEADER = ("conv_id", "utterance_idx", "prompt", "utterance", "label")
EMOTIONS = (
    "sad trusting terrified caring disappointed faithful joyful jealous disgusted surprised ashamed afraid impressed sentimental "
    "devastated excited anticipating annoyed anxious furious content lonely angry confident apprehensive guilty "
    "embarrassed grateful hopeful proud prepared nostalgic"
).split()
"""By label."""
_COMMA = "_comma_"


def fits(row: Mapping[str, Any]) -> bool:
    return "rows" in row


def read(row: Mapping[str, Any], name: str, turns: Turns) -> Dialogue:
    """One conversation; raises ValueError or KeyError with what is wrong."""
    rows = tables_at(row, "rows")
    for utterance in rows:
        number = str(utterance["utterance_idx"] or "")
        if not number.isdigit():
            raise ValueError(f"an utterance_idx that is no number ({number[:20]!r})")
        turns.add("seeker" if int(number) % 2 else "supporter", _text(utterance["utterance"]), labelled=False)
    first = rows[0]
    unlabelled = {} if first.get("label") or first.get("context") else {"labelled": False}
    return Dialogue(
        id=str(first["conv_id"]),
        situation=_text(first.get("prompt") or ""),
        emotion_type=_emotion(first),
        extra=unlabelled,
        **turns.fields(),
    )


def _text(raw: object) -> str:
    return str(raw or "").replace(_COMMA, ",")


def _emotion(row: Mapping[str, Any]) -> str:
    label = str(row.get("label") or "")
    if not label:
        return str(row.get("context") or "")
    if not (label.isdigit() and int(label) < len(EMOTIONS)):
        raise ValueError(f"a label that is not 0 to {len(EMOTIONS) - 1} ({label[:20]!r})")
    return EMOTIONS[int(label)]


def write(dialogue: Dialogue, lost: Notes) -> Iterator[tuple[str, ...]]:
    """One conversation as rows of HEADER."""
    lost.add("strategies", dialogue.id, times=sum(turn.strategy is not None for turn in dialogue.turns))
    lost.add("ratings", dialogue.id, times=sum(stars is not None for stars in dialogue.feedback))
    known = dialogue.emotion_type in EMOTIONS
    lost.add("emotion types that are none of the 32", dialogue.id, times=bool(dialogue.emotion_type) and not known)
    lost.add("problem types", dialogue.id, times=bool(dialogue.problem_type))
    lost.add("final emotion intensities", dialogue.id, times=dialogue.final is not None)
    label = str(EMOTIONS.index(dialogue.emotion_type)) if known else ""
    number = 0
    for turn in dialogue.turns:
        number += 1
        number += (number % 2 == 1) != (turn.speaker is Speaker.SEEKER)
        yield dialogue.id, str(number), dialogue.situation.replace(",", _COMMA), turn.text.replace(",", _COMMA), label
