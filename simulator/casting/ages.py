"""Ages and genders as cards write them, English and Chinese: a number, a range, or a word that stands for a range."""

from __future__ import annotations

import re

from simulator.casting.card import unsaid

YOUNGEST, OLDEST = 13, 100
_WORDS: tuple[tuple[str, tuple[int, int]], ...] = (
    (r"teen\w* or young|青少年", (14, 24)),
    (r"teen|adolescen|少年", (13, 19)),
    (r"middle|中年", (40, 59)),
    (r"elder|senior|\bold\b|late adult|老年|老人", (62, 82)),
    (r"established adult", (30, 45)),
    (r"young|青年|年轻", (18, 30)),
    (r"infan|toddler|\bchild|儿童|小学", (3, 12)),
    (r"adult|成年|成人", (25, 60)),
)
_CHINESE_TEEN = (13, 17)
_TENS = {"twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80}


def age(text: str) -> int | tuple[int, int] | None:
    """An age, a range of ages, or None where the card does not say.

    Raises:
        ValueError: an age that no persona can have, or words that are no age.
    """
    if unsaid(text):
        return None
    lowered = text.lower()
    for word, tens in _TENS.items():
        lowered = lowered.replace(word, f"{tens}s")
    if match := re.search(r"(\d{1,3})\s*(?:-|–|~|to|至|到)\s*(\d{1,3})", lowered):
        return _range(int(match[1]), int(match[2]), text)
    if match := re.search(r"(early|mid|late)?[\s-]*(\d)0'?s\b", lowered):
        low = int(match[2]) * 10
        return _range(
            low + {"early": 0, "mid": 4, "late": 7}.get(match[1] or "", 0), low + {"early": 3, "mid": 6}.get(match[1] or "", 9), text
        )
    if match := re.search(r"\d{1,3}", lowered):
        return _checked(int(match[0]), text)
    if lowered.strip() in ("少年",):
        return _CHINESE_TEEN
    for pattern, (low, high) in _WORDS:
        if re.search(pattern, lowered):
            return _range(low, high, text)
    raise ValueError(f"age: can't tell an age from {text.strip()[:40]!r}")


def gender(text: str) -> str | None:
    """`female`, `male`, `nonbinary`, the card's own word, or None where it does not say."""
    if unsaid(text):
        return None
    lowered = text.strip().lower()
    if re.match(r"(f\b|female|woman|girl|女)", lowered):
        return "female"
    if re.match(r"(m\b|male|man\b|boy|男)", lowered):
        return "male"
    return "nonbinary" if re.match(r"non-?\s?binary|非二元", lowered) else text.strip()


def _checked(years: int, text: str) -> int:
    if years < YOUNGEST or years > OLDEST:
        raise ValueError(f"age: {text.strip()[:40]!r} is outside {YOUNGEST} to {OLDEST}, the ages of a persona")
    return years


def _range(low: int, high: int, text: str) -> tuple[int, int]:
    if low > high or high < YOUNGEST or low > OLDEST:
        _checked(min(low, high), text)
        raise ValueError(f"age: {text.strip()[:40]!r} is no range of ages")
    return max(low, YOUNGEST), min(high, OLDEST)
