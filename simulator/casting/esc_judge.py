"""ESC-Judge help-seekers (English, lower case): a role prompt in prose or in bullets, from which age, gender, occupation, traits and
the ongoing challenge are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.text import sentences
from simulator.casting import ages
from simulator.casting.card import Card, grown_up, text_of
from simulator.persona import Resistance

_LOW, _HIGH = (0.05, 0.35), (0.65, 0.95)
_TRAITS: tuple[tuple[str, str, tuple[float, float]], ...] = (
    (r"introvert", "extraversion", _LOW),
    (r"extrovert|extravert", "extraversion", _HIGH),
    (r"emotionally reactive|emotionally volatile|mood swings|emotional swings", "neuroticism", _HIGH),
    (r"emotionally stable|laid-back", "neuroticism", _LOW),
    (r"impulsiv", "conscientiousness", _LOW),
    (r"disciplined|perfectionist", "conscientiousness", _HIGH),
    (r"detached|confrontational", "agreeableness", _LOW),
    (r"empathetic", "agreeableness", _HIGH),
    (r"traditional|rigid", "openness", _LOW),
    (r"curious", "openness", _HIGH),
)
_MEETS: tuple[tuple[str, Resistance], ...] = (
    (r"resistant and defensive|confrontational", Resistance.ARGUMENTATIVE),
    (r"avoidant|avoid confronting", Resistance.AVOIDANT),
    (r"detached|introvert|skeptical", Resistance.GUARDED),
    (r"extrovert|empathetic|trust", Resistance.OPEN),
)
_JOBS = (
    r"phd student[^,.\n]{0,40}?(?=,| who|\n|\.|$)",
    r"assistant professor in [a-z ]+?(?=,| who|\n|\.|$)",
    r"retired veteran",
    r"freelance graphic designer",
    r"(?:biology )?educator and textbook author",
    r"paralegal assistant",
    r"urban planner",
    r"work[- ]from[- ]home mom",
)
_CHALLENGE = re.compile(r"ongoing challenges?\W*\n(.*)", re.DOTALL | re.IGNORECASE)
_TROUBLE = re.compile(
    r"\b(challeng|struggl|experiencing|facing|face |frustrat|anxiety|grief|passing of|"
    r"overwhelm|guilt|pressure|inadequa|tension|conflict|uncertain|loneliness|question)",
    re.IGNORECASE,
)
_NOT_TROUBLE = re.compile(
    r"traits include|you wish to explore|be mindful|seeking emotional support|engage with|"
    r"engage in this|eager to discuss|in therapy|therapeutic|therapist|coping|key life events",
    re.IGNORECASE,
)


def fits(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("role"), str) or (isinstance(row.get("persona"), str) and "situation" not in row)


def read(where: str, row: Mapping[str, Any]) -> Card:
    """One role; raises ValueError or KeyError when it has no text or names a child."""
    role = text_of(row, "role" if "role" in row else "persona")
    if len(role.split()) < 3:
        raise ValueError("role: empty")
    lowered = role.lower()
    given = {
        "age": _age(lowered),
        "gender": _gender(lowered),
        "occupation": _job(lowered),
        "big_five": _traits(lowered),
        "resistance": next((kind for pattern, kind in _MEETS if re.search(pattern, lowered)), None),
    }
    telling, voice = _telling(role)
    return Card(
        where=where,
        source="esc-judge",
        given=grown_up({key: value for key, value in given.items() if value}, role),
        background="\n\n".join(part for part in (role, str(row.get("final_persona") or "").strip()) if part),
        situation=telling or role,
        telling=telling,
        voice=voice,
        topic=str(row.get("challenge", "")),
    )


def _age(role: str) -> int | tuple[int, int] | None:
    for pattern in (
        r"(\d{1,3})-year-old (?!daughter|son|child)",
        r"\bage: (\d+)",
        r"\bages (\d+\s*-\s*\d+)",
        r"\((?:ages )(\d+-\d+)\)",
        r"((?:early|mid|late)[- ]\d0s)",
    ):
        if match := re.search(pattern, role[:900]):
            return ages.age(match[1])
    for word in ("young adult", "late adulthood", "established adulthood"):
        if word in role[:900]:
            return ages.age(word)
    return None


def _gender(role: str) -> str | None:
    head = role[:400]
    if match := re.search(
        r"\b(female|woman|mom|mother|male|man)\b", re.sub(r"\b(?:his|her|your) mother|mother (?:bear|and)|single mother's", "", head)
    ):
        return "male" if match[1] in ("male", "man") else "female"
    his, hers = len(re.findall(r"\b(?:he|his|him)\b", role)), len(re.findall(r"\b(?:she|her|hers)\b", role))
    return None if max(his, hers) < 3 or his == hers else ("male" if his > hers else "female")


def _job(role: str) -> str | None:
    if match := re.search(r"(?<!/)(?:occupation|profession):\s*([^\n]+)", role):
        return match[1].strip()
    return next((match[0].strip() for pattern in _JOBS if (match := re.search(pattern, role))), None)


def _traits(role: str) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for pattern, trait, bounds in _TRAITS:
        if trait not in found and re.search(pattern, role):
            found[trait] = bounds
    return found


def _telling(role: str) -> tuple[str, Any]:
    """The part about the ongoing challenge, and in which person it is written."""
    if match := _CHALLENGE.search(role):
        lines = [re.sub(r"^[\s\-*•\u2013\d.]+", "", line).strip() for line in match[1].split("\n")]
        lines = [
            line for line in lines if len(line.split()) > 3 and not line.startswith(("use these", "**")) and not _NOT_TROUBLE.search(line)
        ]
        return " ".join(line[0].upper() + line[1:].rstrip(".;") + "." for line in lines), "third"
    if re.search(r"\byou are\b", role):
        told = [one for one in sentences(role.replace("\n", " ")) if _TROUBLE.search(one) and not _NOT_TROUBLE.search(one)]
        return " ".join(told[-8:]), "second"
    return "", "third"
