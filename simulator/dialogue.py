"""Dialogue: the words and labels of a talk, human or simulated; what measures read.

`read_dialogues` opens a run folder, an `episodes.jsonl`, or a corpus in the dialogue record of ESConv's normalised files (`.gz` too).
An Episode is a superset of that record, so one reader serves both.  Other formats, and files with faults, are the business of
`simulator/corpora/`.  A seeker's rating stands beside the turns, never on an Utterance: supporters get to see those.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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
    experience_type: str = ""
    empathy: int | None = Field(default=None, ge=1, le=5)
    """How well the seeker felt understood, 1 to 5."""
    relevance: int | None = Field(default=None, ge=1, le=5)
    """How much the supporter stayed on topic, says the seeker, 1 to 5."""
    supporter_score: int | None = Field(default=None, ge=0, le=5)
    """The supporter's own score after the talk, 0 to 5 (ESConv calls it the supporter's `relevance`)."""
    comments: dict[str, str | None] = Field(default_factory=dict)
    """Free-text answers after the talk, by question."""
    feedback: tuple[int | None, ...] = ()
    """The seeker's stars (1 to 5) by turn; a rating stands at a seeker turn and judges the supporter turns since the rating before.
    Empty where no turn was rated."""
    labels: dict[int, str] = Field(default_factory=dict)
    """Strategy labels by turn as the corpus spells them, where that is not how the eight are spelt."""
    split: str = ""
    """As the corpus itself says."""
    source_index: int | None = None
    """Place in the original corpus, from 0."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """What its format says beyond this record, so that it can be written out again."""

    @model_validator(mode="after")
    def _one_rating_a_turn(self) -> Dialogue:
        if self.feedback and len(self.feedback) != len(self.turns):
            raise ValueError(f"feedback: {len(self.feedback)} ratings for {len(self.turns)} turns")
        return self


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
        return from_record(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: {key}: {first['msg']}.", hint="Is it a dialogue record?") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{where}: not a dialogue record ({error}).", hint="See the fields of a run's episodes.jsonl.") from error


def from_record(value: dict[str, Any]) -> Dialogue:
    """One record as a Dialogue; raises KeyError, TypeError, AttributeError or ValueError (pydantic's, too) when it is none."""
    survey = value.get("survey", {})
    seeker, supporter = survey.get("seeker", {}), survey.get("supporter", {})
    feedback = tuple(turn.get("feedback") for turn in value["turns"])
    return Dialogue(
        id=value["id"],
        situation=value.get("situation", ""),
        emotion_type=value.get("emotion_type", ""),
        problem_type=value.get("problem_type", ""),
        initial=seeker.get("initial_emotion_intensity"),
        final=seeker.get("final_emotion_intensity"),
        stop=value.get("stop", {}).get("reason", ""),
        crisis=bool(value.get("crisis", False)),
        turns=tuple(_utterance(turn) for turn in value["turns"]),
        experience_type=value.get("experience_type", ""),
        empathy=seeker.get("empathy"),
        relevance=seeker.get("relevance"),
        supporter_score=supporter.get("relevance"),
        comments=value.get("comments", {}),
        feedback=feedback if any(stars is not None for stars in feedback) else (),
        labels=value.get("labels", {}),
        split=value.get("split", ""),
        source_index=value.get("source_index"),
        extra=value.get("extra", {}),
    )


def to_record(dialogue: Dialogue) -> dict[str, Any]:
    """The dialogue as the record that `read_dialogues` reads: all that a Dialogue holds, in the keys of ESConv's normalised files."""
    ratings = dialogue.feedback or (None,) * len(dialogue.turns)
    record: dict[str, Any] = {
        "id": dialogue.id,
        "split": dialogue.split,
        "source_index": dialogue.source_index,
        "situation": dialogue.situation,
        "emotion_type": dialogue.emotion_type,
        "problem_type": dialogue.problem_type,
        "experience_type": dialogue.experience_type,
        "survey": {
            "seeker": {
                "initial_emotion_intensity": dialogue.initial,
                "empathy": dialogue.empathy,
                "relevance": dialogue.relevance,
                "final_emotion_intensity": dialogue.final,
            },
            "supporter": {"relevance": dialogue.supporter_score},
        },
        "comments": dialogue.comments,
        "turns": [
            {"speaker": turn.speaker.value, "text": turn.text, "strategy": turn.strategy and turn.strategy.value, "feedback": stars}
            for turn, stars in zip(dialogue.turns, ratings, strict=True)
        ],
    }
    rare: dict[str, Any] = {"stop": {"reason": dialogue.stop} if dialogue.stop else None, "crisis": dialogue.crisis}
    rare |= {"labels": dialogue.labels, "extra": dialogue.extra}
    return record | {key: value for key, value in rare.items() if value}


def _utterance(turn: dict[str, Any]) -> Utterance:
    strategy = turn.get("strategy")
    return Utterance(speaker=Speaker(turn["speaker"]), text=turn["text"], strategy=Strategy(strategy) if strategy else None)
