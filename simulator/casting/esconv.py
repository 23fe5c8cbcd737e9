"""ESConv situations (Liu et al. 2021), normalised or as published: what the seeker wrote, the emotion, the problem, how strong it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.casting.card import Card, text_of
from simulator.scenario import EMOTION_TYPES, PROBLEM_TYPES


def fits(row: Mapping[str, Any]) -> bool:
    return "situation" in row and "problem_type" in row and bool({"turns", "dialog", "survey", "survey_score"} & set(row))


def read(where: str, row: Mapping[str, Any]) -> Card:
    """One dialogue's situation; raises ValueError or KeyError when a field is missing or can't be read."""
    situation = text_of(row, "situation")
    if not situation.strip():
        raise ValueError("situation: empty")
    return Card(
        where=where,
        source="esconv",
        situation=situation,
        voice="first",
        telling=situation,
        emotion_type=known(text_of(row, "emotion_type"), EMOTION_TYPES),
        problem_type=known(text_of(row, "problem_type"), PROBLEM_TYPES),
        intensity=_intensity(row),
        topic=text_of(row, "problem_type"),
    )


def known(label: str, labels: tuple[str, ...]) -> str | None:
    """The label as our list spells it; None when the list has no such label."""
    folded = " ".join(label.lower().split())
    return folded if folded in labels else None


def _intensity(row: Mapping[str, Any]) -> int | None:
    survey = row.get("survey") or row.get("survey_score") or {}
    seeker = survey.get("seeker") if isinstance(survey, Mapping) else None
    value = seeker.get("initial_emotion_intensity") if isinstance(seeker, Mapping) else None
    return int(value) if value not in (None, "") else None
