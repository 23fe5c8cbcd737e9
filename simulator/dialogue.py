"""Dialogue: the words and labels of a talk, human or simulated; what measures read.

`read_dialogues` opens a run folder, an `episodes.jsonl`, or a corpus in the dialogue record of ESConv's normalised files (`.gz` too).
An Episode is a superset of that record, so one reader serves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.errors import InputError
from agents.words import Speaker, Strategy, Utterance
from simulator.store import EPISODES, read_lines


class Dialogue(BaseModel):
    """One talk as measures see it."""

    model_config = ConfigDict(frozen=True)

    id: str
    situation: str = ""
    emotion_type: str = ""
    problem_type: str = ""
    initial: int | None = Field(default=None, ge=1, le=5)
    """Reported emotion intensity before, 1 to 5."""
    final: int | None = Field(default=None, ge=1, le=5)
    """Reported emotion intensity after, 1 to 5."""
    stop: str = ""
    """How it ended; empty for a human talk."""
    crisis: bool = False
    turns: tuple[Utterance, ...]


def read_dialogues(path: Path) -> Iterator[Dialogue]:
    """Dialogues of a run folder or a file, one at a time.

    Raises:
        InputError: missing, or a line that is no dialogue; file, line and key are named.
    """
    file = path / EPISODES if path.is_dir() else path
    for number, value in read_lines(file):
        yield to_dialogue(value, f"{file}:{number}")


def to_dialogue(value: dict[str, Any], where: str) -> Dialogue:
    """One record as a Dialogue; `where` is named when it is not one."""
    try:
        survey = value.get("survey", {}).get("seeker", {})
        return Dialogue(
            id=value["id"],
            situation=value.get("situation", ""),
            emotion_type=value.get("emotion_type", ""),
            problem_type=value.get("problem_type", ""),
            initial=survey.get("initial_emotion_intensity"),
            final=survey.get("final_emotion_intensity"),
            stop=value.get("stop", {}).get("reason", ""),
            crisis=bool(value.get("crisis", False)),
            turns=tuple(_utterance(turn) for turn in value["turns"]),
        )
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: {key}: {first['msg']}.", hint="Is it a dialogue record?") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{where}: not a dialogue record ({error}).", hint="See the fields of a run's episodes.jsonl.") from error


def _utterance(turn: dict[str, Any]) -> Utterance:
    strategy = turn.get("strategy")
    return Utterance(speaker=Speaker(turn["speaker"]), text=turn["text"], strategy=Strategy(strategy) if strategy else None)
