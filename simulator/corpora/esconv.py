"""ESConv as published (Liu et al. 2021): `ESConv.json`, `FailedESConv.json`, the hub's split (`usr`, `sys`) and FADO's with ratings.

Written in the form of `ESConv.json`: speakers `seeker` and `supporter`, survey answers as digits in strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.corpora.notes import Notes
from simulator.corpora.turns import Turns, score, table_at, tables_at, text_at
from simulator.dialogue import Dialogue

NAME = "esconv"
_COMMENTS = ("seeker_question1", "seeker_question2", "supporter_question1", "supporter_question2")


def fits(row: Mapping[str, Any]) -> bool:
    return "dialog" in row


def read(row: Mapping[str, Any], name: str, turns: Turns) -> Dialogue:
    """One dialogue; raises ValueError with what is wrong."""
    for turn in tables_at(row, "dialog"):
        marks = table_at(turn, "annotation")
        text = turn.get("content", turn.get("text"))
        turns.add(turn.get("speaker"), text, marks.get("strategy", turn.get("strategy")), marks.get("feedback", turn.get("rating")))
    fields: dict[str, Any] = {key: text_at(row, key) for key in ("situation", "emotion_type", "problem_type", "experience_type")}
    comments = {key: text_at(row, key) or None for key in _COMMENTS if key in row}
    return Dialogue(id=name, **fields, **_survey(row), comments=comments, **turns.fields())


def _survey(row: Mapping[str, Any]) -> dict[str, int | None]:
    """FADO's files fill a missing final intensity with the first one; then empathy and relevance are -1 both."""
    if "init_intensity" in row:
        answered = score(row.get("empathy")) is not None or score(row.get("relevance")) is not None
        final = score(row.get("final_intensity")) if answered else None
        return {
            "initial": score(row["init_intensity"]),
            "final": final,
            "empathy": score(row.get("empathy")),
            "relevance": score(row.get("relevance")),
        }
    survey = table_at(row, "survey_score")
    seeker, supporter = table_at(survey, "seeker"), table_at(survey, "supporter")
    return {
        "initial": score(seeker.get("initial_emotion_intensity")),
        "final": score(seeker.get("final_emotion_intensity")),
        "empathy": score(seeker.get("empathy")),
        "relevance": score(seeker.get("relevance")),
        "supporter_score": score(supporter.get("relevance"), low=0),
    }


def write(dialogue: Dialogue, lost: Notes) -> dict[str, Any]:
    """One dialogue of `ESConv.json`; ids are places in the file there."""
    for reason, there in (
        ("ends (stop reasons)", dialogue.stop),
        ("crisis flags", dialogue.crisis),
        ("fields of other formats", dialogue.extra),
    ):
        lost.add(reason, dialogue.id, times=bool(there))
    seeker = {
        "initial_emotion_intensity": dialogue.initial,
        "empathy": dialogue.empathy,
        "relevance": dialogue.relevance,
        "final_emotion_intensity": dialogue.final,
    }
    return {
        "experience_type": dialogue.experience_type,
        "emotion_type": dialogue.emotion_type,
        "problem_type": dialogue.problem_type,
        "situation": dialogue.situation,
        "survey_score": {"seeker": _given(seeker), "supporter": _given({"relevance": dialogue.supporter_score})},
        "dialog": [_turn(dialogue, index) for index in range(len(dialogue.turns))],
        **dialogue.comments,
    }


def _given(answers: Mapping[str, int | None]) -> dict[str, str]:
    return {key: str(value) for key, value in answers.items() if value is not None}


def _turn(dialogue: Dialogue, index: int) -> dict[str, Any]:
    turn = dialogue.turns[index]
    stars = dialogue.feedback[index] if dialogue.feedback else None
    label = dialogue.labels.get(index) or (turn.strategy.value if turn.strategy else None)
    marks = {"strategy": label, "feedback": str(stars) if stars is not None else None}
    return {"speaker": turn.speaker.value, "annotation": {key: value for key, value in marks.items() if value}, "content": turn.text}
