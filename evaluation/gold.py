"""Gold labels from another file, for predictions that carry none: a corpus, DecoupledESC's `messages` file, or rows with `gold`.

DecoupledESC's judged files hold the user's message and the model's strategy, in the order in which an asynchronous judge came back.  They
are joined by that message; where several turns share one ("", "Hi"), the n-th row takes the n-th turn, which can swap close neighbours.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import InputError
from agents.words import Strategy
from evaluation.rows import GOLD, Row, read_rows, strategy_of

_BESIDE = ("ESC_sft_test.json", "ESC_sft_test.json.gz")


@dataclass(frozen=True, slots=True)
class Turn:
    """A gold label and the user message that it answers."""

    where: str
    user: str
    strategy: Strategy


def beside(path: Path) -> Path | None:
    """The messages file that lies beside a judged file in DecoupledESC's repository (`Statistic/` and `Vanilla/`)."""
    places = (path.resolve().parent.parent / "Vanilla" / name for name in _BESIDE)
    return next((place for place in places if place.is_file()), None)


def join(path: Path, rows: Sequence[Row], gold: Path) -> list[Strategy]:
    """The gold label of each row: by its user message where it has one, else in order.

    Raises:
        InputError: a row answers a message that the gold file does not have (so often), or the lengths differ.
    """
    turns = list(_turns(gold))
    if len(rows) != len(turns):
        raise InputError(
            f"{path} has {len(rows)} predictions and {gold} has {len(turns)} gold labels.",
            hint="Give the gold labels of these very turns with --gold.",
        )
    if "user_input" not in rows[0].values:
        return [turn.strategy for turn in turns]
    waiting: dict[str, deque[Strategy]] = defaultdict(deque)
    for turn in turns:
        waiting[turn.user].append(turn.strategy)
    return [_next(row, waiting, gold) for row in rows]


def _next(row: Row, waiting: dict[str, deque[Strategy]], gold: Path) -> Strategy:
    message = _plain(str(row.values.get("user_input", "")))
    if not waiting[message]:
        shown = message if len(message) <= 60 else message[:57] + "..."
        raise InputError(
            f"{row.where}: {gold} has no (other) turn that answers {shown!r}.", hint="Give the gold labels of these very turns with --gold."
        )
    return waiting[message].popleft()


def _turns(path: Path) -> Iterator[Turn]:
    for row in read_rows(path):
        if isinstance(row.values.get("messages"), list):
            yield from _of_messages(row, row.values["messages"], "user", "assistant", "content")
        elif isinstance(row.values.get("turns"), list):
            yield from _of_messages(row, row.values["turns"], "seeker", "supporter", "strategy")
        else:
            label = next((row.values[name] for name in GOLD if name in row.values), None)
            yield _turn(row, str(row.values.get("user_input", "")), label)


def _of_messages(row: Row, messages: Sequence[Any], asks: str, answers: str, key: str) -> Iterator[Turn]:
    user = ""
    for message in messages:
        if not isinstance(message, dict):
            raise InputError(f"{row.where}: a message is no object.", hint="Is it a file with gold labels?")
        speaker = message.get("role", message.get("speaker"))
        if speaker == asks:
            user = str(message.get("content", message.get("text", "")))
        elif speaker == answers:
            yield _turn(row, user, message.get(key))


def _turn(row: Row, user: str, label: object) -> Turn:
    if (strategy := strategy_of(label)) is None:
        raise InputError(f"{row.where}: the gold label {str(label)[:60]!r} is none of the eight strategies.", hint="Give another --gold.")
    return Turn(row.where, _plain(user), strategy)


def _plain(text: str) -> str:
    return " ".join(text.split())
