"""The episodes of a run as a list for the debugger page: read once in a thread, kept as byte offsets and short summaries.

5,000 episodes are some 300 MB on the disk and 3 MB here.  An episode itself is read when it is opened, by its offset.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from agents.errors import InputError
from agents.words import PsychError, Strategy
from simulator.episode import Episode, StopReason
from simulator.persona import Resistance
from simulator.store import EPISODES
from studio.debugger_html import Html, button, el, join, select
from studio.debugger_html import field as labelled

PAGE = 12


@dataclass(frozen=True, slots=True)
class Row:
    """An episode in the list."""

    index: int
    id: str
    offset: int
    problem: str
    emotion: str
    scenario: str
    persona: str
    """Resistance, age, gender, occupation."""
    before: int
    after: int
    turns: int
    strategies: frozenset[str]
    errors: frozenset[str]
    stop: str
    crisis: bool


@dataclass(slots=True)
class RunIndex:
    """The list; `start` begins to read, and it grows while that goes on.

    Args:
        file: an episodes.jsonl; may be missing.
    """

    file: Path
    rows: list[Row] = field(default_factory=list)
    share: float = 0.0
    """How much of the file is read, 0 to 1."""
    trouble: str = ""
    _stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def exists(self) -> bool:
        """There are episodes to list."""
        return self.file.is_file()

    def start(self) -> None:
        """Read the file in a thread."""
        if not self.exists:
            self.share = 1.0
            return
        threading.Thread(target=self._read, daemon=True, name="episodes").start()

    def stop(self) -> None:
        """Read no further."""
        self._stopped.set()

    def _read(self) -> None:
        try:
            whole = max(1, self.file.stat().st_size)
            with self.file.open("rb") as opened:
                offset = 0
                for line in opened:
                    if self._stopped.is_set() or not line.endswith(b"\n"):
                        break
                    self.rows.append(_row(orjson.loads(line), offset))
                    offset += len(line)
                    self.share = offset / whole
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            self.trouble = f"{self.file.name} can't be read after episode {len(self.rows)}: {type(error).__name__}."
        self.share = 1.0

    def chosen(self, wanted: Mapping[str, str]) -> list[Row]:
        """The rows that fit: `strategy`, `error`, `outcome`, `persona` (a resistance), and `words` found in what the row says."""
        return [row for row in tuple(self.rows) if _fits(row, wanted)]

    def episode(self, index: int) -> Episode:
        """The episode with this index; InputError when there is none."""
        row = next((row for row in tuple(self.rows) if row.index == index), None)
        if row is None:
            raise InputError(f"There is no episode {index}.")
        with self.file.open("rb") as opened:
            opened.seek(row.offset)
            line = opened.readline()
        try:
            return Episode.model_validate_json(line)
        except ValidationError as error:
            raise InputError(
                f"Episode {index} can't be read: {error.errors()[0]['msg']}.", hint="Was the run changed meanwhile?"
            ) from error


def _row(value: Mapping[str, Any], offset: int) -> Row:
    replies = [turn for turn in value["turns"] if turn["speaker"] == "supporter"]
    findings = (item["error"] for turn in replies for critique in turn["critiques"] for item in critique["findings"])
    persona, survey = value["persona"], value["survey"]["seeker"]
    return Row(
        index=value["index"],
        id=value["id"],
        offset=offset,
        problem=value["problem_type"],
        emotion=value["emotion_type"],
        scenario=value["scenario"]["name"],
        persona=f"{persona['resistance']}, {persona['age']}, {persona['gender']}, {persona['occupation']}",
        before=survey["initial_emotion_intensity"],
        after=survey["final_emotion_intensity"],
        turns=len(replies),
        strategies=frozenset(turn["strategy"] for turn in replies),
        errors=frozenset(findings),
        stop=value["stop"]["reason"],
        crisis=value.get("crisis", False),
    )


def _fits(row: Row, wanted: Mapping[str, str]) -> bool:
    words = wanted.get("words", "").lower().split()
    said = f"{row.index} {row.id} {row.problem} {row.emotion} {row.scenario} {row.persona}".lower()
    return (
        (not wanted.get("strategy") or wanted["strategy"] in row.strategies)
        and (not wanted.get("error") or wanted["error"] in row.errors)
        and (not wanted.get("outcome") or wanted["outcome"] == row.stop)
        and (not wanted.get("persona") or row.persona.startswith(wanted["persona"]))
        and all(word in said for word in words)
    )


def filters(wanted: Mapping[str, str]) -> Html:
    """What the list can be narrowed by."""
    lists: dict[str, Sequence[StrEnum]] = {
        "strategy": list(Strategy),
        "error": list(PsychError),
        "outcome": list(StopReason),
        "persona": list(Resistance),
    }
    fields = [labelled(name.capitalize(), select(name, _options(items), wanted.get(name, ""))) for name, items in lists.items()]
    search = labelled("Find", el("input", name="words", type="search", value=wanted.get("words", "")))
    return el("form", *fields, search, cls="filters", data_act="filter", data_live=True)


def _options(items: Sequence[StrEnum]) -> list[tuple[str, str]]:
    return [("", "all"), *((item.value, item.value.replace("_", " ")) for item in items)]


def listed(index: RunIndex, wanted: Mapping[str, str], page: int) -> Html:
    """A page of the list, with how many fit and how far the file is read."""
    rows = index.chosen(wanted)
    pages = max(1, -(-len(rows) // PAGE))
    page = max(0, min(page, pages - 1))
    items = [_item(row) for row in rows[page * PAGE : (page + 1) * PAGE]]
    reading = f" · read {index.share:.0%}" if index.share < 1 else ""
    turning = el(
        "div",
        button("←", "page", page=page - 1, off=page == 0, aria_label="Page before"),
        el("span", f"{page + 1} of {pages}"),
        button("→", "page", page=page + 1, off=page >= pages - 1, aria_label="Next page"),
        cls="turning",
    )
    trouble = el("p", index.trouble, cls="trouble") if index.trouble else None
    count = el("p", f"{len(rows)} of {len(index.rows)} episodes{reading}", cls="hint")
    return join([count, trouble, el("ul", *items, cls="list"), turning])


def _item(row: Row) -> Html:
    errors = el("small", ", ".join(sorted(row.errors)), cls="finding") if row.errors else None
    flag = el("small", "crisis", cls="alarm") if row.crisis else None
    about = f"{row.stop.replace('_', ' ')} · {row.turns} turns · {row.persona}"
    name = f"{row.index} {row.problem}, {row.emotion} {row.before}→{row.after}"
    return el("li", button(name, "episode", cls="limb", index=row.index), el("small", about), flag, errors)


def run_index(run: Path) -> RunIndex:
    """The list of a run folder, which may have none."""
    return RunIndex(run / EPISODES)
