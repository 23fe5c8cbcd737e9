"""ESC-Eval role cards (arXiv 2406.14952): `base` holds age, gender, occupation and problem, in English or in Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.casting import ages
from simulator.casting.card import Card, grown_up, text_of, unsaid

_LABELS = {"age": "age|年龄", "gender": "gender|性别", "occupation": "occupation|职业", "problem": "problem|问题"}
_SPLIT = re.compile(r"^\s*(age|gender|occupation|problem|年龄|性别|职业|问题)\s*[:：][ \t]*", re.IGNORECASE | re.MULTILINE)
_NO_OCCUPATION = re.compile(
    r"friend of|roommate$|tenant$|resident of|property owner|lives with|has been offered|saving for|requires |autocross|implied|"
    r"消费者|用户|父母希望|\d{3}.*月入|面临|对.*感兴趣|可能|需要|无收入|同一家",
    re.IGNORECASE,
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def fits(row: Mapping[str, Any]) -> bool:
    return "base" in row


def read(where: str, row: Mapping[str, Any]) -> Card:
    """One card; raises ValueError or KeyError when a field is missing or can't be read."""
    base = text_of(row, "base")
    fields = _fields(base)
    problem = fields["problem"]
    if unsaid(problem):
        raise ValueError("problem: empty")
    chinese = bool(_CHINESE.search(problem))
    given = {
        "age": ages.age(fields["age"]),
        "gender": ages.gender(fields["gender"]),
        "occupation": occupation(fields["occupation"]),
    }
    return Card(
        where=where,
        source="esc-eval",
        given=grown_up({key: value for key, value in given.items() if value}, problem),
        background=base,
        situation=problem,
        telling="" if chinese else problem,
        language="Chinese" if chinese else "English",
        topic=str(row.get("res", "")),
    )


def _fields(base: str) -> dict[str, str]:
    parts = _SPLIT.split(base)
    found = {label.lower(): text.strip() for label, text in zip(parts[1::2], parts[2::2], strict=True)}
    fields = {}
    for name, labels in _LABELS.items():
        text = next((found[label] for label in labels.split("|") if label in found), None)
        if text is None:
            raise ValueError(f"base: the line {name!r} is missing")
        fields[name] = text
    return fields


def occupation(text: str) -> str | None:
    """The occupation in the card's words, without remarks in brackets; None where it says none."""
    words = re.sub(r"\s*[(（].*?[)）]", "", text).strip(" ,.，。")
    words = re.split(r",\s*(?:specific|facing|seeking|experiencing|working from|selling|considering|interested|currently)", words)[0]
    if unsaid(text) or unsaid(words) or _NO_OCCUPATION.search(words):
        return None
    first = words.split()[0]
    return words if first.isupper() or first == "PhD" else words[0].lower() + words[1:]
