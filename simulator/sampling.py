"""Personas by seed: the space of `space.yaml`, covered evenly, with what a card or a scenario says taken as it is.

The first N personas of a seed spread over the space for every N, and persona `index` is the same whatever N is.  What contradicts
is never drawn: each field is chosen among the values that fit those chosen before it, so nothing is thrown away and drawn again.
This module does not read cards (`simulator/casting/`) and invents no story.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, model_validator

from agents.words import Word
from agents.yamlfile import read_model
from simulator.persona import BigFive, Coping, Help, Hurt, Persona, Resistance, Style, Verbosity
from simulator.radical import coordinate
from simulator.scenario import Speakable

SPACE = Path(__file__).parent / "space.yaml"

Trait = Literal["openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"]
Kind = Literal["work", "seeking", "study", "home", "retired"]
Range = tuple[float, float]
Ages = tuple[Annotated[int, Field(ge=13, le=100)], Annotated[int, Field(ge=13, le=100)]]
K = TypeVar("K")

TRAITS: tuple[Trait, ...] = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
GIVEN = frozenset(Persona.model_fields) - {"sampled"}
_WIDEST: Range = (0.05, 0.95)
_AXES = ("gender", "verbosity", "resistance", "age", "occupation", *TRAITS, "coping", "style", "helps", "hurts", "more")


class Band(Word):
    youngest: Annotated[int, Field(ge=13)]
    oldest: Annotated[int, Field(le=100)]
    share: Annotated[float, Field(gt=0)]


class Occupation(Word):
    name: str
    ages: Ages
    kind: Kind


class WordAges(Word):
    words: tuple[str, ...]
    ages: Ages


class Manner(Word):
    """A value of one field and what fits it."""

    traits: dict[Trait, Range] = Field(default_factory=dict)
    not_with: tuple[Resistance, ...] = ()
    ages: Ages = (13, 100)


class Meeting(Word):
    """One kind of resistance: how much such a person says, and which traits go with it."""

    verbosity: dict[Verbosity, float]
    traits: dict[Trait, Range] = Field(default_factory=dict)


class Space(Word):
    """`space.yaml`, checked."""

    ages: tuple[Band, ...]
    genders: dict[str, float]
    resistance: dict[Resistance, Meeting]
    verbosity: dict[Verbosity, dict[Trait, Range]]
    coping: dict[Coping, Manner]
    style: dict[Style, Manner]
    conflicts: dict[Help, tuple[Hurt, ...]]
    ages_of_words: tuple[WordAges, ...]
    occupations: tuple[Occupation, ...]

    @model_validator(mode="after")
    def _traits_meet(self) -> Space:
        for resistance, meeting in self.resistance.items():
            for verbosity in meeting.verbosity:
                for trait in TRAITS:
                    low, high = _narrowed(_WIDEST, (meeting.traits.get(trait), self.verbosity[verbosity].get(trait)))
                    if low > high:
                        raise ValueError(f"{trait} has no value for {resistance} and {verbosity}")
        return self


@cache
def space() -> Space:
    """The space as described in `space.yaml`."""
    return read_model(SPACE, Space)


def occupations_of(*kinds: Kind) -> tuple[str, ...]:
    """Names of the space's occupations of these kinds."""
    return tuple(job.name for job in space().occupations if job.kind in kinds)


def ages_of(occupation: str) -> tuple[int, int]:
    """The ages at which somebody can have this occupation; from its words when the space does not list it."""
    lowered = occupation.lower()
    for job in space().occupations:
        if job.name == lowered:
            return job.ages
    return next(entry.ages for entry in space().ages_of_words if any(word in lowered for word in entry.words))


def sample_persona(
    seed: int,
    index: int,
    *,
    speaker: Speakable | None = None,
    helps: Iterable[Help] = (),
    hurts: Iterable[Hurt] = (),
    given: Mapping[str, Any] | None = None,
) -> Persona:
    """Persona number `index` (from 0) of a seed.

    Args:
        speaker: who can be this person; narrows age, gender and occupation, and wins over the space.
        helps: what helps according to the scenario; taken, and filled up to two or three.
        hurts: likewise.
        given: what a card says, by field of Persona; taken as it is.  `age` may be a range (youngest, oldest), and `big_five` a
            mapping from traits to numbers or ranges: the value inside a range is sampled, and named so.

    Raises:
        ValueError: `given` has a key that is no field of a persona, or a value that no persona can have.
    """
    return _Draw(seed, index, speaker, dict(given or {})).persona(tuple(helps), tuple(hurts))


class _Draw:
    """One persona in the making: fields are settled one after another, each among what fits those before."""

    def __init__(self, seed: int, index: int, speaker: Speakable | None, given: dict[str, Any]) -> None:
        if unknown := sorted(set(given) - GIVEN):
            raise ValueError(f"{unknown[0]!r} is no field of a persona")
        self.space, self.speaker, self.given = space(), speaker, given
        self._at = (seed, index)
        self._traits = _trait_ranges(given.get("big_five") or {})

    def persona(self, helps: tuple[Help, ...], hurts: tuple[Hurt, ...]) -> Persona:
        resistance, verbosity = self._meeting()
        big_five = self._big_five(resistance, verbosity)
        age = self._age()
        self.given = {**self.given, "helps": tuple(self.given.get("helps") or helps), "hurts": tuple(self.given.get("hurts") or hurts)}
        helps, hurts = self._helps_hurts(self.given["helps"], self.given["hurts"])
        fields: dict[str, Any] = {
            "age": age,
            "gender": self._gender(),
            "occupation": self.given.get("occupation") or self._occupation(age),
            "big_five": big_five,
            "verbosity": verbosity,
            "style": self._manner("style", self.space.style, resistance, big_five, age),
            "coping": self._manner("coping", self.space.coping, resistance, big_five, age),
            "helps": helps,
            "hurts": hurts,
            "resistance": resistance,
        }
        rest = {key: self.given[key] for key in ("background", "language") if self.given.get(key)}
        return Persona(**fields, **rest, sampled=self._sampled(fields))

    def _u(self, axis: str) -> float:
        return coordinate(*self._at, _AXES.index(axis))

    def _sampled(self, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """Fields that were not simply taken from what was given."""
        return tuple(sorted(name for name, value in fields.items() if not _same(self.given.get(name), value)))

    def _gender(self) -> str:
        if self.given.get("gender"):
            return str(self.given["gender"])
        shares = self.space.genders
        if self.speaker:
            shares = {gender: shares.get(gender, min(shares.values())) for gender in self.speaker.genders}
        return _weighted(shares, self._u("gender"))

    def _meeting(self) -> tuple[Resistance, Verbosity]:
        """Resistance and verbosity together; what is given narrows the other."""
        table = self.space.resistance
        if verbosity := self.given.get("verbosity"):
            table = {kind: meeting for kind, meeting in table.items() if verbosity in meeting.verbosity} or table
        fitting = {kind: meeting for kind, meeting in table.items() if _meets(meeting.traits, self._traits)} or table
        weights = {kind: meeting.verbosity.get(verbosity, 0.0) if verbosity else 1.0 for kind, meeting in fitting.items()}
        resistance = Resistance(self.given.get("resistance") or _weighted(weights, self._u("resistance")))
        shares = self.space.resistance[resistance].verbosity
        fit = {kind: share for kind, share in shares.items() if _meets(self.space.verbosity[kind], self._traits)} or shares
        return resistance, Verbosity(verbosity or _weighted(fit, self._u("verbosity")))

    def _big_five(self, resistance: Resistance, verbosity: Verbosity) -> BigFive:
        fits = (self.space.resistance[resistance].traits, self.space.verbosity[verbosity])
        values = {}
        for trait in TRAITS:
            low, high = self._traits.get(trait, _WIDEST)
            if low < high:
                narrow = _narrowed((low, high), [fit.get(trait) for fit in fits])
                low, high = narrow if narrow[0] <= narrow[1] else (low, high)
            values[trait] = low if low == high else round(low + self._u(trait) * (high - low), 2)
        return BigFive(**values)

    def _jobs(self) -> tuple[Occupation, ...]:
        """Occupations that may be drawn; those of the speaker where he has some."""
        if not (self.speaker and self.speaker.occupations):
            return self.space.occupations
        known = {job.name: job for job in self.space.occupations}
        return tuple(known.get(name.lower()) or Occupation(name=name, ages=ages_of(name), kind="work") for name in self.speaker.occupations)

    def _age(self) -> int:
        given = self.given.get("age")
        if isinstance(given, int):
            return given
        low, high = self.speaker.ages if self.speaker else (13, 100)
        low, high = _overlap(given, (low, high)) if given else (low, high)
        if occupation := self.given.get("occupation"):
            low, high = _overlap((low, high), ages_of(occupation))
            fitting = list(range(low, high + 1))
        else:
            jobs = self._jobs()
            fitting = [age for age in range(low, high + 1) if any(job.ages[0] <= age <= job.ages[1] for job in jobs)]
        weights = {age: self._share(age) for age in fitting or range(low, high + 1)}
        return _weighted(weights if any(weights.values()) else dict.fromkeys(weights, 1.0), self._u("age"))

    def _share(self, age: int) -> float:
        for band in self.space.ages:
            if band.youngest <= age <= band.oldest:
                return band.share / (band.oldest - band.youngest + 1)
        return 0.0

    def _occupation(self, age: int) -> str:
        jobs = self._jobs()
        fitting = [job.name for job in jobs if job.ages[0] <= age <= job.ages[1]]
        if not fitting and self.speaker and self.speaker.ages[0] <= age <= self.speaker.ages[1]:
            fitting = [job.name for job in jobs]  # the scenario knows its people better than our table of ages
        if not fitting:
            fitting = [job.name for job in self.space.occupations if job.ages[0] <= age <= job.ages[1]]
        return _pick(fitting, self._u("occupation"))

    def _manner(self, name: str, table: Mapping[K, Manner], resistance: Resistance, big_five: BigFive, age: int) -> K:
        if self.given.get(name):
            return next(kind for kind in table if kind == self.given[name])
        fixed = _trait_ranges(big_five)
        fitting = [
            kind
            for kind, manner in table.items()
            if resistance not in manner.not_with and _meets(manner.traits, fixed) and manner.ages[0] <= age <= manner.ages[1]
        ]
        return _pick(fitting or list(table), self._u(name))

    def _helps_hurts(self, helps: tuple[Help, ...], hurts: tuple[Hurt, ...]) -> tuple[tuple[Help, ...], tuple[Hurt, ...]]:
        """Two or three of each, none of them in conflict; what is given comes first and whole."""
        conflicts = self.space.conflicts
        more = int(self._u("more") * 4)
        tolerable = [kind for kind in Help if not set(conflicts.get(kind, ())) & set(hurts)]
        helps = _filled(helps, tolerable, 2 + more // 2, self._u("helps"))
        welcome = {hurt for kind in helps for hurt in conflicts.get(kind, ())}
        return helps, _filled(hurts, [kind for kind in Hurt if kind not in welcome], 2 + more % 2, self._u("hurts"))


def _weighted(shares: Mapping[K, float], u: float) -> K:
    """The value at `u` in [0, 1) of a distribution given by shares that need not sum to one."""
    kinds, total, so_far = list(shares), sum(shares.values()), 0.0
    for kind in kinds:
        so_far += shares[kind] / total
        if u < so_far:
            return kind
    return kinds[-1]


def _pick(options: Sequence[K], u: float) -> K:
    return options[min(int(u * len(options)), len(options) - 1)]


def _filled(have: tuple[K, ...], options: Sequence[K], count: int, u: float) -> tuple[K, ...]:
    """`have`, and as many others as are missing to `count`."""
    left = [option for option in options if option not in have]
    while len(have) < count and left:
        place = min(int(u * len(left)), len(left) - 1)
        u = u * len(left) - place  # the rest of the number serves for the next choice
        have = (*have, left.pop(place))
    return have


def _overlap(first: Sequence[int], second: Sequence[int]) -> tuple[int, int]:
    """Where two ranges overlap; the first where they do not."""
    low, high = max(first[0], second[0]), min(first[1], second[1])
    return (low, high) if low <= high else (first[0], first[1])


def _narrowed(widest: Range, ranges: Iterable[Range | None]) -> Range:
    low, high = widest
    for bounds in ranges:
        if bounds:
            low, high = max(low, bounds[0]), min(high, bounds[1])
    return low, high


def _meets(bounds: Mapping[Trait, Range], traits: Mapping[Trait, Range]) -> bool:
    """Whether the known traits leave room within the bounds."""
    return all(max(low, traits[trait][0]) <= min(high, traits[trait][1]) for trait, (low, high) in bounds.items() if trait in traits)


def _trait_ranges(given: BigFive | Mapping[str, Any]) -> dict[Trait, Range]:
    values = given.model_dump() if isinstance(given, BigFive) else dict(given)
    if unknown := sorted(set(values) - set(TRAITS)):
        raise ValueError(f"{unknown[0]!r} is no trait")
    known: dict[Trait, Range] = {}
    for trait in TRAITS:
        if (value := values.get(trait)) is not None:
            low, high = value if isinstance(value, Sequence) else (value, value)
            known[trait] = (float(low), float(high))
    return known


def _same(given: Any, value: Any) -> bool:
    """Whether a field was simply taken over."""
    if isinstance(value, BigFive):
        return bool(given == value or given == value.model_dump())
    return bool(given == value)
