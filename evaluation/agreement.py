"""How far the rehearsal critic agrees with judged replies (DecoupledESC's Statistic files), per error, beside chance.

The judge of those files flags four replies of five and is biased itself (REFERENCE, section 1): agreement with it is a figure to report,
not a target.  Its rows carry one seeker message and no history, so each is judged as if in the middle of a talk.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sklearn.metrics import cohen_kappa_score

from agents.critic import TOLERATED
from agents.errors import InputError
from agents.rehearsal.criticism import find_errors
from agents.rehearsal.replies import moment
from agents.words import PsychError, Speaker, Strategy, Utterance

_LABELS: dict[str, PsychError] = {
    "mismatched strategy": PsychError.STRATEGY_MISMATCH,
    "strategy mismatch": PsychError.STRATEGY_MISMATCH,
    "repetitive or template-like response": PsychError.TEMPLATE_RESPONSE,
    "template response": PsychError.TEMPLATE_RESPONSE,
    "lack of empathetic content": PsychError.LACK_EMPATHY,
    "lack empathy": PsychError.LACK_EMPATHY,
    "emotional misunderstanding": PsychError.EMOTION_MISREAD,
    "emotion misread": PsychError.EMOTION_MISREAD,
    "premature emotional transition": PsychError.EARLY_EMOTION_SHIFT,
    "early emotion shift": PsychError.EARLY_EMOTION_SHIFT,
}
_PREFIX = re.compile(r"^\s*\[[^\]]*\]\s*")
_MIDDLE = (Strategy.QUESTION, Strategy.REFLECTION, Strategy.QUESTION, Strategy.AFFIRMATION)


@dataclass(frozen=True, slots=True)
class Judged:
    """One reply with the judge's verdict."""

    last: str
    reply: str
    strategy: Strategy
    error: PsychError | None
    """The judge's error; None where it found none, or named none of the five."""
    flagged: bool
    """Whether the judge found any error."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One error (or any of them) over all rows."""

    name: str
    judged: int
    found: int
    both: int
    observed: float
    """Share of rows on which critic and judge say the same."""
    chance: float
    """What two raters with these rates would agree on by chance."""
    kappa: float
    """Cohen's kappa; 0 is chance, 1 is perfect."""
    precision: float | None
    recall: float | None


def read_judged(path: Path) -> tuple[list[Judged], int]:
    """The judged replies of a file, and how many rows were passed over (no seeker message, no reply, or an unknown strategy).

    Raises:
        InputError: not a JSON array of judged replies.
    """
    try:
        raw = path.read_bytes()
        rows = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path} can't be read as JSON.", hint="Give a Statistic file of DecoupledESC.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path} is no JSON array of objects.", hint="Give a Statistic file of DecoupledESC.")
    judged = list(_rows(rows))
    if not judged:
        raise InputError(f"{path} holds no judged reply.", hint="Expected the keys user_input, strategy, response, Error Type.")
    return judged, len(rows) - len(judged)


def _rows(rows: Sequence[dict[str, Any]]) -> Iterator[Judged]:
    known = {strategy.value.lower(): strategy for strategy in Strategy}
    for row in rows:
        last, reply = str(row.get("user_input", "")).strip(), _PREFIX.sub("", str(row.get("response", ""))).strip()
        strategy = known.get(str(row.get("strategy", "")).strip().lower())
        if not last or not reply or strategy is None:
            continue
        verdict = str(row.get("Contains Empathy Error", "")).strip().lower()
        error = _LABELS.get(str(row.get("Error Type", "")).strip().lower()) or _LABELS.get(verdict)
        flagged = verdict == "yes" or verdict in _LABELS
        yield Judged(last=last, reply=reply, strategy=strategy, error=error if flagged else None, flagged=flagged)


def critic_finds(row: Judged) -> frozenset[PsychError]:
    """The errors that the rehearsal critic would not accept."""
    now = moment((Utterance(speaker=Speaker.SEEKER, text=row.last),))
    found = find_errors(replace(now, strategies=_MIDDLE, turns=len(_MIDDLE)), row.reply, row.strategy)
    return frozenset(item.error for item in found if item.severity > TOLERATED)


def agreement(rows: Sequence[Judged]) -> list[Agreement]:
    """Agreement per error, the last line for any error at all."""
    found = [critic_finds(row) for row in rows]
    lines = [_compare(error.value, [row.error is error for row in rows], [error in kinds for kinds in found]) for error in PsychError]
    return [*lines, _compare("any error", [row.flagged for row in rows], [bool(kinds) for kinds in found])]


def _compare(name: str, judge: Sequence[bool], critic: Sequence[bool]) -> Agreement:
    count = len(judge)
    both = sum(left and right for left, right in zip(judge, critic, strict=True))
    rate_judge, rate_critic = sum(judge) / count, sum(critic) / count
    constant = len(set(judge)) == 1 and len(set(critic)) == 1
    return Agreement(
        name=name,
        judged=sum(judge),
        found=sum(critic),
        both=both,
        observed=sum(left is right for left, right in zip(judge, critic, strict=True)) / count,
        chance=rate_judge * rate_critic + (1 - rate_judge) * (1 - rate_critic),
        kappa=0.0 if constant else float(cohen_kappa_score(judge, critic)),
        precision=both / sum(critic) if sum(critic) else None,
        recall=both / sum(judge) if sum(judge) else None,
    )
