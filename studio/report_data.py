"""What the report of a self-evolution run shows, read from its folder: metrics, manifests, curves, and talks to set side by side.

Reads and reckons; makes no HTML.  Nothing of it is kept: the report can be made again from the folder at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import InputError
from agents.words import STRATEGIES
from evaluation.realism import count, figures
from simulator.dialogue import read_dialogues
from simulator.episode import Episode, StopReason, SupporterTurn
from simulator.store import read_episodes, read_lines
from training.learning import SEATS
from training.measuring import SCORES
from training.rounds import METRICS, ROUNDS, RUN_FILE
from training.stages import Stages

SHOWN = 5
"""Talks that are set side by side."""


@dataclass(frozen=True, slots=True)
class Refined:
    """A draft of a round, what the critic found in it, and what was said instead."""

    round: int
    seeker: str
    """The seeker's words before it."""
    draft: str
    said: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunData:
    """All that the report shows."""

    name: str
    metrics: Mapping[str, Any]
    recipe: Mapping[str, Any]
    stages: Mapping[str, Mapping[str, Any]]
    curves: Mapping[str, Sequence[Mapping[str, Any]]]
    """Lines of each training's metrics.jsonl, by stage."""
    mixes: Mapping[str, Sequence[Sequence[float]]]
    """Strategy shares by fifth of the dialogue, by model."""
    beside: Sequence[tuple[Episode, Episode]]
    """Talks of M0 and of the last model on the same cast and seed."""
    refined: Sequence[Refined]


def read_run_data(run: Path) -> RunData:
    """Everything the report needs.

    Raises:
        InputError: no finished self-evolution run is there; says what is missing.
    """
    metrics = _json(run / METRICS, "The run is not finished; run holdspace evolve again to go on.")
    recipe = _json(run / RUN_FILE, "Is it a folder of holdspace evolve?")["recipe"]
    names = [model["name"] for model in metrics["models"]]
    first, last = (run / SCORES / name / "people-0" for name in (names[0], names[-1]))
    return RunData(
        name=run.resolve().name,
        metrics=metrics,
        recipe=recipe,
        stages=Stages(run).all(),
        curves=dict(_curves(run, names)),
        mixes={name: _mix(run / SCORES / name / "people-0") for name in names},
        beside=_beside(first, last),
        refined=[found for number in range(len(names) - 1) for found in _refined(run / ROUNDS / str(number), number)],
    )


def _json(path: Path, hint: str) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read.", hint=hint) from error


def _curves(run: Path, names: Sequence[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name in names:
        for seat in SEATS:
            path = run / "models" / name / seat.value / "metrics.jsonl"
            if path.exists():
                yield f"{name} {seat.value}", [line for _, line in read_lines(path)]


def _mix(folder: Path) -> list[list[float]]:
    found: Any = figures(count(read_dialogues(folder)))["strategies_by_fifth"]
    return [[float(fifth[strategy.value]) for strategy in STRATEGIES] for fifth in found]


def _beside(first: Path, last: Path) -> list[tuple[Episode, Episode]]:
    """The first few casts on which both talks ended by themselves, in the order of their index."""
    before = {episode.index: episode for episode in read_episodes(first)}
    pairs = [
        (before[episode.index], episode)
        for episode in read_episodes(last)
        if episode.index in before
        and not {StopReason.FAILED, StopReason.CRISIS_HANDOVER} & {episode.stop.reason, before[episode.index].stop.reason}
    ]
    return sorted(pairs, key=lambda pair: pair[0].index)[:SHOWN]


def _refined(folder: Path, number: int) -> list[Refined]:
    """The first refinements of a round that were said, one a talk."""
    found: list[Refined] = []
    for episode in sorted(read_episodes(folder), key=lambda one: one.index):
        for place, turn in enumerate(episode.turns):
            if isinstance(turn, SupporterTurn) and turn.kept and turn.draft and place:
                found.append(
                    Refined(
                        round=number,
                        seeker=episode.turns[place - 1].text,
                        draft=turn.draft.text,
                        said=turn.text,
                        findings=tuple(f"{item.error.value}: {item.why}" for item in turn.critiques[0].findings),
                    )
                )
                break
        if len(found) == SHOWN:
            break
    return found
