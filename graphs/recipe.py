"""Recipe: the settings of a run, for people.  YAML in, frozen model out, unknown keys refused.

Two runs of one recipe and one seed give the same episodes; `fingerprint` names that identity.  How many talks, how many at once and
where they go are not part of it (they are arguments of `holdspace simulate`), so a run can be made longer by running it again.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from agents.chat.address import clean_spec
from agents.chat.port import Role, Sampling
from agents.errors import InputError
from agents.planner import Pick
from agents.prompting import Prompting
from agents.rehearsal.slips import SlipRates
from agents.words import Word
from agents.yamlfile import nearest, read_yaml, sentence_of


class Seats(Word):
    """The backend of each role, as a spec string: `rehearsal`, `openai:MODEL[@BASE_URL]`, `local:PATH_OR_HUB_ID`."""

    seeker: str = "rehearsal"
    planner: str = "rehearsal"
    responder: str = "rehearsal"
    critic: str = "rehearsal"


class RoleSampling(Word):
    """How served and local models sample, by role; rehearsal does not heed it."""

    seeker: Sampling = Sampling(temperature=0.9, max_tokens=300)
    planner: Sampling = Sampling(max_tokens=200)
    responder: Sampling = Sampling(max_tokens=200)
    critic: Sampling = Sampling(temperature=0.3, max_tokens=500)

    def by_role(self) -> dict[Role, Sampling]:
        """As backends take it."""
        return {Role.SEEKER: self.seeker, Role.PLANNER: self.planner, Role.RESPONDER: self.responder, Role.CRITIC: self.critic}


class CriticSettings(Word):
    """How the critic is used."""

    share: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """Share of the supporter turns that the critic sees; 0 turns it off."""
    refinements: Annotated[int, Field(ge=0, le=5)] = 2
    """How often a reply is refined at most."""


class Part(StrEnum):
    """Which casts of the scenarios talk (`simulator/splits.py`): what one part learns from, another measures."""

    ALL = "all"
    TRAIN = "train"
    """Training scenarios, training personas: what a round may learn from."""
    DEV = "dev"
    """Training scenarios, held-out personas: what decides whether a model is promoted."""
    PEOPLE = "people"
    """Training scenarios, other held-out personas, which no decision has seen."""
    STORIES = "stories"
    """Held-out scenarios, held-out personas."""


class Source(Word):
    """Where the casts come from: the library, a folder of scenarios, or role cards; files are named without their folder."""

    kind: str = "library"
    name: str = ""
    sha256: str = ""
    """Of the content, so that another file of the same name is another recipe."""


class Recipe(Word):
    """The settings of a run."""

    name: str = "default"
    seed: Annotated[int, Field(ge=0)] = 1
    turns: Annotated[int, Field(ge=1, le=200)] = 18
    """Supporter turns after which a talk is stopped."""
    language: str = "English"
    """The language that LLM backends shall write in; the rehearsal backend writes English."""
    pick: Pick = Pick.SAMPLE
    """Whether the planner's strategy is drawn from its distribution or is the most probable one."""
    prompts: Prompting = Prompting.FULL
    """What planner and responder are asked: full prompts, or the brief ones that a trained pair of small models knows."""
    seats: Seats = Seats()
    sampling: RoleSampling = RoleSampling()
    critic: CriticSettings = CriticSettings()
    slips: SlipRates = SlipRates()
    """Rehearsal backend only: how often each of the five errors is made."""
    keep_prompts: bool = False
    """Keep rendered prompts and raw answers in the ledger: large, for debugging."""
    cards: str | None = None
    """A file of role cards or dialogues to cast from; None casts from the scenario library."""
    scenarios: str | None = None
    """A folder of your own scenario files to cast from, instead of the library."""
    part: Part = Part.ALL
    """Which of the scenarios' casts talk; cards are not parted."""
    stories: Annotated[int, Field(ge=1)] | None = None
    """Only so many of the part's scenarios, always the same ones: a small model can learn a few of them well."""
    source: Source = Source()
    """Filled in when the run starts."""

    def identity(self) -> dict[str, Any]:
        """What makes two runs the same: everything but the paths, for which the source's content stands, and secrets in a URL."""
        content = self.model_dump(mode="json", exclude={"cards", "scenarios"})
        for key, usual in (("prompts", Prompting.FULL), ("part", Part.ALL), ("stories", None)):
            if content[key] == usual:  # younger than the first runs, which keep their identity
                del content[key]
        return content | {"seats": {role: recorded(spec) for role, spec in content["seats"].items()}}

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the identity."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:16]

    def spec(self, role: Role) -> str:
        """The spec on a seat."""
        return str(getattr(self.seats, role.value))


def recorded(spec: str) -> str:
    """A spec as records keep it: no secret of a URL, and of a folder only its name."""
    if not spec.lower().startswith(("local:", "linear:")):
        return clean_spec(spec)
    kind, _, rest = spec.partition(":")
    names = rest.split("@")
    return f"{kind.lower()}:" + "@".join(Path(name).resolve().name if Path(name).is_dir() else name for name in names)


def load_recipe(path: Path) -> dict[str, Any]:
    """The keys of a recipe file, checked; flags of the command line are laid over them before the Recipe is made.

    Raises:
        InputError: not readable or not valid; file, line, and the nearest right key for an unknown one.
    """
    content = read_yaml(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{path}:1: a recipe is `key: value` lines.", hint="See recipes/rehearsal.yaml.")
    try:
        Recipe.model_validate(content)
    except ValidationError as error:
        raise InputError(sentence_of(path, Recipe, error), hint="Mend the recipe.") from error
    return content


def make_recipe(content: dict[str, Any]) -> Recipe:
    """A Recipe from checked keys and flags; InputError in one sentence when a flag is out of range."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        hint = "unknown key" + nearest(key, list(Recipe.model_fields)) if first["type"] == "extra_forbidden" else first["msg"]
        raise InputError(f"{key}: {hint}.", hint=f"It is {first['input']!r} now.") from error


def difference(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> str | None:
    """The first key in which two identities differ, as `key was x, is y`; None when they are the same."""
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            if (inner := difference(before, after, f"{prefix}{key}.")) is not None:
                return inner
        elif before != after:
            return f"{prefix}{key} was {before!r}, is {after!r}"
    return None
