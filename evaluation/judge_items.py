"""What a judge is given: replies in their place, whole talks, or two of them; read from runs, corpora, result files and pair files.

A sample is drawn by a hash of seed and id, so that the same command judges the same items however the file grows elsewhere.  Failed talks
and crisis talks are left out and counted.  No model is called here.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from agents.chat.port import derive_seed
from agents.errors import InputError
from agents.words import Speaker, Strategy, Utterance
from evaluation.judge import Judged
from evaluation.rows import REFERENCE, REPLY, Row, key_of, read_rows, strategy_of
from simulator.dialogue import to_dialogue
from simulator.store import EPISODES, read_lines

Json = Mapping[str, Any]
_WRITERS = ("planner", "responder", "critic")
_KANG = re.compile(r"^(seeker|supporter)\n(?:- Strategy: [^\n]*\n)?- Utterance: ([^\n]*)", re.MULTILINE)
_HINT = "Give a run, a corpus, a pair file, or lines with context and reply."


@dataclass(frozen=True, slots=True)
class Match:
    """Two answers to the same, to be compared."""

    id: str
    dialogue: str
    left: Judged
    right: Judged


Item = TypeVar("Item", Judged, Match)


@dataclass(slots=True)
class Found:
    """How many there were, and what was passed over by reason."""

    total: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    names: tuple[str, str] = ("left", "right")
    """Of the two sides of a match."""


def drawn(items: Iterable[Item], sample: int, seed: int, found: Found) -> list[Item]:
    """At most `sample` of the items, by hash; all are counted."""

    def counted() -> Iterator[Item]:
        for item in items:
            found.total += 1
            yield item

    return heapq.nsmallest(sample, counted(), key=lambda item: (derive_seed(seed, "sample", item.id), item.id))


def replies(path: Path, found: Found, *, rated_only: bool = False) -> Iterator[Judged]:
    """Every supporter reply of a run or corpus, or every row of a result file; `rated_only` keeps those with a human's stars.

    Raises:
        InputError: not readable, or nothing of the kind; with file and line.
    """
    if not _has_talks(path):
        yield from (item for item in _rows(path, found) if item.stars is not None or not rated_only)
        return
    for where, value in _talks(path, found):
        dialogue = to_dialogue(value, where)
        stars = _stars(value["turns"])
        for place, turn in enumerate(dialogue.turns):
            if turn.speaker is Speaker.SUPPORTER and (place in stars or not rated_only):
                yield Judged(
                    id=f"{dialogue.id}/{place}",
                    dialogue=dialogue.id,
                    talk=dialogue.turns[:place],
                    reply=turn.text,
                    strategy=turn.strategy,
                    authors=_authors(value),
                    stars=stars.get(place),
                )


def whole_talks(path: Path, found: Found) -> Iterator[Judged]:
    """Every talk of a run or corpus as one item."""
    if not _has_talks(path):
        raise InputError(f"{path} holds no whole talks.", hint="Give a run or a corpus, or judge its replies.")
    for where, value in _talks(path, found):
        dialogue = to_dialogue(value, where)
        yield Judged(id=dialogue.id, dialogue=dialogue.id, talk=dialogue.turns, authors=_authors(value))


def matches(path: Path, found: Found) -> Iterator[Match]:
    """Two replies to the same: kept against draft in a run, chosen against rejected of pairs, reply against reference of a result file."""
    if _has_talks(path):
        found.names = ("refined", "draft")
        for where, value in _talks(path, found):
            yield from _refined(value, where)
        return
    rows = read_rows(path)
    if "chosen" in rows[0].values:
        found.names = ("chosen", "rejected")
        yield from (_pair(row) for row in rows)
        return
    found.names = ("reply", "reference")
    for item in _rows(path, found):
        if not item.reference:
            found.skipped["no reference"] += 1
            continue
        other = Judged(id=item.id, dialogue=item.dialogue, talk=item.talk, reply=item.reference)
        mine = Judged(item.id, item.dialogue, item.talk, item.reply, item.strategy, authors=item.authors)
        yield Match(id=item.id, dialogue=item.dialogue, left=mine, right=other)


def talk_matches(left: Path, right: Path, found: Found) -> Iterator[Match]:
    """The talks of two runs with the same seeker: the same recipe seed, index and scenario.

    Raises:
        InputError: the runs have no talk in common.
    """
    found.names = (left.name, right.name if right.name != left.name else f"{right.name} (second)")
    others = {_key(value): _whole(value, where) for where, value in _talks(right, Found())}
    common = 0
    for where, value in _talks(left, found):
        if (other := others.get(_key(value))) is None:
            found.skipped["no talk with the same seeker in the other run"] += 1
            continue
        common += 1
        mine = _whole(value, where)
        yield Match(id=mine.id, dialogue=mine.id, left=mine, right=other)
    if not common:
        raise InputError(f"{left} and {right} have no talk with the same seeker.", hint="Simulate both with the same --seed and cards.")


def _whole(value: Json, where: str) -> Judged:
    dialogue = to_dialogue(dict(value), where)
    return Judged(id=dialogue.id, dialogue=dialogue.id, talk=dialogue.turns, authors=_authors(value))


def _key(value: Json) -> tuple[Any, ...]:
    if "seeds" not in value or "scenario" not in value:
        raise InputError(f"{value.get('id')}: not an episode of a run.", hint="Only runs can be compared talk by talk.")
    return value["seeds"]["recipe"], value["index"], value["scenario"]["name"]


def _has_talks(path: Path) -> bool:
    """Whether a path holds dialogue records, one a line; what is no JSON lines at all is left to the reader of result files."""
    if path.is_dir():
        return True
    if not path.is_file():
        raise InputError(f"{path} can't be read: there is no such file.", hint="Check the path.")
    try:
        _, first = next(read_lines(path), (0, {}))
    except InputError:
        return False
    return "turns" in first


def _talks(path: Path, found: Found) -> Iterator[tuple[str, dict[str, Any]]]:
    """Finished talks with the place they stand at."""
    file = path / EPISODES if path.is_dir() else path
    for number, value in read_lines(file):
        where = f"{file}:{number}"
        if not isinstance(value.get("turns"), list):
            raise InputError(f"{where}: not a dialogue record (no turns).", hint=_HINT)
        reason = (value.get("stop") or {}).get("reason", "")
        if reason == "failed":
            found.skipped["failed talk"] += 1
        elif value.get("crisis"):
            found.skipped["crisis talk"] += 1
        else:
            yield where, value


def _authors(value: Json) -> tuple[str, ...]:
    models = value.get("models") or {}
    return tuple(dict.fromkeys(str(models[role]) for role in _WRITERS if role in models))


def _stars(turns: Any) -> dict[int, float]:
    """Stars by supporter turn: a rating on a seeker turn judges the supporter turns since the rating before."""
    found: dict[int, float] = {}
    since: list[int] = []
    for place, turn in enumerate(turns):
        if turn.get("speaker") == Speaker.SUPPORTER.value:
            since.append(place)
        elif isinstance(turn.get("feedback"), int | float):
            found |= dict.fromkeys(since, float(turn["feedback"]))
            since = []
    return found


def _refined(value: Json, where: str) -> Iterator[Match]:
    dialogue = to_dialogue(dict(value), where)
    for place, turn in enumerate(value["turns"]):
        draft = turn.get("draft") if turn.get("kept") else None
        if not draft or draft["text"] == turn["text"]:
            continue
        name, talk, authors = f"{dialogue.id}/{place}", dialogue.turns[:place], _authors(value)
        said = Judged(name, dialogue.id, talk, turn["text"], Strategy(turn["strategy"]), authors=authors)
        plain = Judged(name, dialogue.id, talk, draft["text"], Strategy(draft["strategy"]), authors=authors)
        yield Match(id=name, dialogue=dialogue.id, left=said, right=plain)


def _pair(row: Row) -> Match:
    values = row.values
    try:
        talk = _context([item for item in values["prompt"] if item["role"] != "system"], row.where)
        sides = [_content(values[side]) for side in ("chosen", "rejected")]
    except (KeyError, TypeError) as error:
        raise InputError(f"{row.where}: not a preference pair ({error}).", hint="Expected prompt, chosen and rejected.") from error
    name, dialogue = str(values.get("id") or row.where), str(values.get("dialogue") or row.where)
    authors = tuple(dict.fromkeys(str(spec) for spec in (values.get("models") or {}).values()))
    left, right = (Judged(name, dialogue, talk, text, authors=authors) for text in sides)
    return Match(id=name, dialogue=dialogue, left=left, right=right)


def _content(side: Any) -> str:
    return str(side if isinstance(side, str) else side[0]["content"])


def _rows(path: Path, found: Found) -> Iterator[Judged]:
    for row in read_rows(path):
        values = row.values
        key, human = key_of(values, REPLY), key_of(values, REFERENCE)
        if key is None or "context" not in values:
            raise InputError(f"{row.where}: no context and reply to judge.", hint=_HINT)
        reply = str(values[key] or "").strip()
        if not reply:
            found.skipped["empty reply"] += 1
            continue
        name = str(values.get("id") or values.get("sample_id") or row.where)
        label = strategy_of(values.get("strategy") or values.get("pred") or values.get("strg_pred"))
        reference = str(values[human] or "").strip() if human else ""
        authors = (str(values["model"]),) if values.get("model") else ()
        yield Judged(name, str(values.get("dialogue") or name), _context(values["context"], row.where), reply, label, reference, authors)


def _context(context: Any, where: str) -> tuple[Utterance, ...]:
    """A talk from Kang et al.'s text, from messages (`role`, `content`), or from turns (`speaker`, `text`)."""
    if isinstance(context, str):
        found = [(speaker, text) for speaker, text in _KANG.findall(context)]
    elif isinstance(context, list) and all(isinstance(turn, dict) for turn in context):
        names = {"user": "seeker", "assistant": "supporter"}
        found = [
            (str(t.get("speaker") or names.get(str(t.get("role")), "")), str(t.get("text") or t.get("content") or "")) for t in context
        ]
    else:
        found = []
    if context and not found:
        raise InputError(f"{where}: context: no turns can be read from it.", hint="Give a list of {speaker, text}.")
    if strange := next((speaker for speaker, _ in found if speaker not in ("seeker", "supporter")), None):
        raise InputError(f"{where}: context: unknown speaker {strange!r}.", hint="Known are seeker and supporter.")
    return tuple(Utterance(speaker=Speaker(speaker), text=text.strip()) for speaker, text in found if text.strip())
