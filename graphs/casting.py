"""Who talks in the n-th talk of a recipe: a pure function of recipe, seed and index, whatever the number of talks.

Library and user scenarios are gone through in seeded order, each once before any comes again; cards in the order of their file.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from agents.chat.port import derive_seed
from agents.errors import InputError
from agents.yamlfile import nearest
from graphs.recipe import Part, Recipe, Source
from simulator.cast import Cast
from simulator.casting.cards import Deck, read_deck
from simulator.casting.cast import cast_card, cast_scenario
from simulator.scenario import Scenario, library, load_folder, themes
from simulator.splits import Split, split_of_persona, split_of_scenario

STRIDE = 1_000_003
"""From one person to the next one who is tried for a part: far beyond any run's indices."""
TRIES = 500
"""A part of a tenth of all people is missed this often once in 10^22."""

_PERSONAS = {Part.TRAIN: Split.TRAIN, Part.DEV: Split.DEV, Part.PEOPLE: Split.TEST, Part.STORIES: Split.TEST}


def _belongs(scenario: Scenario, part: Part) -> bool:
    """Whether a part has this scenario."""
    split = split_of_scenario(scenario.name)
    return part is Part.ALL or split is (Split.TEST if part is Part.STORIES else Split.TRAIN)


class Casting:
    """The casts of a recipe.

    Raises:
        InputError: cards or scenarios can't be read, or both are given.
    """

    def __init__(self, recipe: Recipe) -> None:
        if recipe.cards and recipe.scenarios:
            raise InputError("The recipe has both cards and scenarios.", hint="Give one of the two.")
        self.seed = recipe.seed
        self.deck: Deck | None = _deck(Path(recipe.cards)) if recipe.cards else None
        if recipe.cards and (recipe.part is not Part.ALL or recipe.stories):
            raise InputError("part and stories go with scenarios, not with cards.", hint="Leave out one of the two.")
        self.part = recipe.part
        every = _folder(Path(recipe.scenarios)) if recipe.scenarios else library()
        self.scenarios: Sequence[Scenario] = [one for one in every if _belongs(one, recipe.part)]
        if recipe.stories:
            self.scenarios = sorted(self.scenarios, key=lambda one: derive_seed("stories", one.name))[: recipe.stories]
        if not self.scenarios:
            raise InputError(f"part: {recipe.part.value}: none of the {len(every)} scenarios is in it.", hint="Add scenarios.")

    @property
    def size(self) -> int:
        """Number of different cards or scenarios."""
        return len(self.deck.cards) if self.deck else len(self.scenarios)

    def cast(self, index: int) -> Cast:
        """The cast of the talk with this index."""
        if self.deck:
            return cast_card(self.deck.cards[index % self.size], self.seed, index, themes())
        scenario = self.scenarios[self._order(index // self.size)[index % self.size]]
        persons = (cast_scenario(scenario, self.seed, index + again * STRIDE) for again in range(TRIES))
        return next(cast for cast in persons if self.part is Part.ALL or split_of_persona(cast.persona) is _PERSONAS[self.part])

    def by_name(self, name: str | None, seed: int) -> Cast:
        """The cast of a named scenario (of the first one, without a name)."""
        names = [scenario.name for scenario in self.scenarios]
        if name and name not in names:
            raise InputError(f"There is no scenario {name!r}{nearest(name, names)}.")
        return cast_scenario(self.scenarios[names.index(name) if name else 0], seed, 0)

    def _order(self, block: int) -> list[int]:
        order = list(range(self.size))
        random.Random(derive_seed(self.seed, "order", block)).shuffle(order)
        return order


def with_source(recipe: Recipe) -> Recipe:
    """The recipe with the fingerprint of what it casts from, so that a changed file is a changed recipe."""
    if recipe.cards:
        path = Path(recipe.cards)
        _deck(path)
        source = Source(kind="cards", name=path.name, sha256=_digest([path]))
    elif recipe.scenarios:
        folder = Path(recipe.scenarios)
        _folder(folder)
        source = Source(kind="scenarios", name=folder.resolve().name, sha256=_digest(sorted(folder.glob("*.yaml"))))
    else:
        source = Source(kind="library", name=f"{len(library())} scenarios", sha256=_library_digest())
    return recipe.model_copy(update={"source": source})


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _library_digest() -> str:
    return hashlib.sha256("".join(scenario.model_dump_json() for scenario in library()).encode()).hexdigest()


@lru_cache(maxsize=2)
def _deck(path: Path) -> Deck:
    return read_deck(path)


@lru_cache(maxsize=2)
def _folder(path: Path) -> tuple[Scenario, ...]:
    return load_folder(path)
