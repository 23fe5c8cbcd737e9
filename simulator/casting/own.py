"""holdspace's own cards: whole scenarios, or short cards (`situation`, and if known `problem_type`, `emotion_type`, `intensity`,
`persona`), in YAML, JSON or JSON Lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agents.yamlfile import nearest
from simulator.casting.card import Card, grown_up
from simulator.casting.esconv import known
from simulator.persona import Coping, Help, Hurt, Resistance, Style, Verbosity
from simulator.scenario import EMOTION_TYPES, PROBLEM_TYPES, Scenario

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Trait = Annotated[float, Field(ge=0, le=1)]
_ME = re.compile(r"\b(I|I'm|I've|my|me)\b")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Traits(_Strict):
    openness: _Trait | None = None
    conscientiousness: _Trait | None = None
    extraversion: _Trait | None = None
    agreeableness: _Trait | None = None
    neuroticism: _Trait | None = None


class _Person(_Strict):
    """What a short card may say of the person; each field may be missing."""

    age: Annotated[int, Field(ge=13, le=100)] | None = None
    gender: Text | None = None
    occupation: Text | None = None
    big_five: _Traits | None = None
    verbosity: Verbosity | None = None
    style: Style | None = None
    coping: Coping | None = None
    helps: tuple[Help, ...] = ()
    hurts: tuple[Hurt, ...] = ()
    resistance: Resistance | None = None
    background: str = ""
    language: Text = "English"


class _Short(_Strict):
    """A short card."""

    id: str | int | None = None
    situation: Text
    problem_type: Text | None = None
    emotion_type: Text | None = None
    intensity: Annotated[int, Field(ge=1, le=5)] | None = None
    persona: _Person = _Person()


def fits(row: Mapping[str, Any]) -> bool:
    return "situation" in row


def read(where: str, row: Mapping[str, Any]) -> Card:
    """One card; raises ValueError that names the key, with the nearest right one for an unknown one."""
    if "facts" in row:
        scenario = Scenario.model_validate({"source": "user", **row})
        return Card(where=where, source="own", situation=scenario.situation, voice="first", scenario=scenario)
    try:
        short = _Short.model_validate(row)
    except ValidationError as error:
        raise ValueError(_sentence(error)) from error
    person = short.persona
    given = {
        key: value
        for key, value in person.model_dump(exclude={"background", "language"}, exclude_none=True).items()
        if value not in ((), {}, None)
    }
    chinese = bool(re.search(r"[\u4e00-\u9fff]", short.situation))
    return Card(
        where=where,
        source="own",
        given=grown_up(given, short.situation),
        background=person.background,
        situation=short.situation,
        voice="first" if _ME.search(short.situation) else "third",
        telling="" if chinese else short.situation,
        emotion_type=_label(short.emotion_type, EMOTION_TYPES, "emotion_type"),
        problem_type=_label(short.problem_type, PROBLEM_TYPES, "problem_type"),
        intensity=short.intensity,
        language="Chinese" if chinese else person.language,
    )


def _label(label: str | None, labels: tuple[str, ...], key: str) -> str | None:
    if label is not None and known(label, labels) is None:
        raise ValueError(f"{key}: unknown {label!r}{nearest(label.lower(), labels)}")
    return known(label, labels) if label else None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"persona": _Person, "persona.big_five": _Traits}
        model = models.get(".".join(map(str, first["loc"][:-1])), _Short)
        return f"{place}: unknown key{nearest(str(first['loc'][-1]), list(model.model_fields))}"
    return f"{place}: {'missing' if first['type'] == 'missing' else first['msg']}"
