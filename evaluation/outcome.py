"""Outcome: what talks did for their seekers, from stored episodes, without a model call.

Emotion before and after with its arc, how talks ended, how long they took, and how often the supporter made each of the five errors, for
all talks and for each kind of persona, with bootstrap 95% intervals; and two runs compared talk by talk on the same seeds.  The errors
are counted by the rehearsal critic's rules on what was said, so that runs with another critic, or none, are counted alike: they are
rules, not clinicians.  Failed talks are counted and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import mean

from agents.errors import InputError
from agents.rehearsal.criticism import find_errors
from agents.rehearsal.replies import moment
from agents.words import PsychError, Speaker
from evaluation.bootstrap import interval
from simulator.episode import Episode, SeekerTurn, StopReason
from simulator.mind import first_mind
from simulator.persona import Persona, Resistance

FIFTHS = 5
ALL = "all"
MEASURES: tuple[str, ...] = ("change", "relieved", "gave_up", "trust", "told", "turns")
"""What intervals and comparisons are made of: fields of a Row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One talk's outcome."""

    key: tuple[int, int, str]
    """Recipe seed, index and scenario: the same talk of two runs has the same key."""
    persona: Persona
    before: float
    """Emotion intensity before the first word, 1 to 5."""
    after: float
    """And at the end."""
    arc: tuple[float, ...]
    """Mean intensity in each fifth of the seeker's turns."""
    relieved: bool
    gave_up: bool
    trust: float
    """Change of trust, -1 to 1."""
    told: float
    """Share of the scenario's facts that were told."""
    turns: int
    """Supporter turns."""
    errors: Mapping[PsychError, int]
    """Supporter turns that show each error."""

    @property
    def change(self) -> float:
        """Intensity after minus before; negative is relief."""
        return self.after - self.before


def row(episode: Episode) -> Row:
    """The outcome of one finished talk."""
    minds = [turn.mind for turn in episode.turns if isinstance(turn, SeekerTurn)]
    before = first_mind(episode.persona, episode.scenario.intensity).intensity
    return Row(
        key=(episode.seeds.recipe, episode.index, episode.scenario.name),
        persona=episode.persona,
        before=before,
        after=before + episode.outcome.intensity_change,
        arc=_arc([mind.intensity for mind in minds]),
        relieved=episode.stop.reason is StopReason.RELIEVED,
        gave_up=episode.stop.reason is StopReason.GAVE_UP,
        trust=episode.outcome.trust_change,
        told=episode.outcome.disclosed / max(1, episode.outcome.facts),
        turns=episode.outcome.supporter_turns,
        errors=_errors(episode),
    )


def _arc(values: Sequence[float]) -> tuple[float, ...]:
    """Means by fifth; a talk of fewer than five turns repeats its nearest one."""
    if not values:
        return ()
    bounds = [place * len(values) / FIFTHS for place in range(FIFTHS + 1)]
    return tuple(mean(values[int(low) : max(int(low) + 1, int(high))]) for low, high in pairwise(bounds))


def _errors(episode: Episode) -> Counter[PsychError]:
    """Supporter turns with each error, by the rehearsal critic's rules; a crisis handover is no supporter's choice."""
    talk, found = episode.talk(), Counter[PsychError]()
    for place, turn in enumerate(talk):
        if turn.speaker is Speaker.SUPPORTER and turn.strategy and not (episode.crisis and place == len(talk) - 1):
            found.update(item.error for item in find_errors(moment(talk[:place]), turn.text, turn.strategy))
    return found


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its bootstrap 95% interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Slice:
    """The outcomes of a set of talks."""

    talks: int
    measures: dict[str, Estimate]
    before: float
    after: float
    arc: tuple[float, ...]
    errors: dict[str, float]
    """Supporter turns with each error, a supporter turn."""


@dataclass(slots=True)
class Outcomes:
    """The outcomes of a run."""

    failed: int = 0
    crisis: int = 0
    """Talks handed over; left out of the slices, because no supporter took part in how they ended."""
    rows: list[Row] = field(default_factory=list)


def outcomes(episodes: Iterable[Episode]) -> Outcomes:
    """The outcomes of episodes, in one pass; memory grows by a small row a talk."""
    found = Outcomes()
    for episode in episodes:
        if episode.stop.reason is StopReason.FAILED:
            found.failed += 1
        elif episode.crisis:
            found.crisis += 1
        else:
            found.rows.append(row(episode))
    return found


def slices(rows: Sequence[Row], *, samples: int = 1000, seed: int = 0) -> dict[str, Slice]:
    """All talks, then those of each resistance that occurs; InputError when there are none."""
    if not rows:
        raise InputError("There is no finished talk to score.", hint="Give a run folder made by holdspace simulate.")
    kinds: dict[str, list[Row]] = {ALL: list(rows)}
    for resistance in Resistance:
        if some := [item for item in rows if item.persona.resistance is resistance]:
            kinds[resistance.value] = some
    return {name: _slice(some, samples, seed) for name, some in kinds.items()}


def _slice(rows: Sequence[Row], samples: int, seed: int) -> Slice:
    turns = max(1, sum(item.turns for item in rows))
    return Slice(
        talks=len(rows),
        measures={name: estimate([float(getattr(item, name)) for item in rows], samples, seed) for name in MEASURES},
        before=mean(item.before for item in rows),
        after=mean(item.after for item in rows),
        arc=tuple(mean(values) for values in zip(*(item.arc for item in rows if item.arc), strict=True)),
        errors={error.value: sum(item.errors.get(error, 0) for item in rows) / turns for error in PsychError},
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, talk by talk: second minus first."""

    talks: int
    only_first: int
    only_second: int
    differences: dict[str, Estimate]


def compare(first: Sequence[Row], second: Sequence[Row], *, samples: int = 1000, seed: int = 0) -> Comparison:
    """The paired differences of two runs over the talks that both hold: the same seed, index, scenario and persona.

    Raises:
        InputError: they have no talk in common, or a talk of one key has another persona.
    """
    left, right = ({item.key: item for item in rows} for rows in (first, second))
    shared = sorted(left.keys() & right.keys())
    if not shared:
        raise InputError("The two runs have no talk in common.", hint="Simulate both with the same --seed and the same scenarios or cards.")
    for key in shared:
        if left[key].persona != right[key].persona:
            raise InputError(f"Talk {key[1]} has another persona in the second run.", hint="Simulate both from the same recipe and casts.")
    pairs = [(left[key], right[key]) for key in shared]
    return Comparison(
        talks=len(shared),
        only_first=len(left) - len(shared),
        only_second=len(right) - len(shared),
        differences={
            name: estimate([float(getattr(after, name)) - float(getattr(before, name)) for before, after in pairs], samples, seed)
            for name in MEASURES
        },
    )


def estimate(values: Sequence[float], samples: int, seed: int) -> Estimate:
    """The mean of values, a talk each, with its bootstrap interval."""
    found = interval(values, samples=samples, seed=seed)
    return Estimate(mean(values), found.low, found.high)
