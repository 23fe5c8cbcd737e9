"""What tests share: small runs of the rehearsal backend, made once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from graphs.casting import with_source
from graphs.recipe import Recipe
from graphs.run import run_many
from simulator.episode import Episode
from simulator.store import read_episodes

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of public corpora beside the repository; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the public corpora (../shared/data) are not here")
    return SHARED


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 60 rehearsal talks with prompts kept."""
    out = tmp_path_factory.mktemp("run") / "sixty"
    recipe = with_source(Recipe(seed=7, keep_prompts=True))
    asyncio.run(run_many(recipe, out, episodes=60, concurrency=4))
    return out


@pytest.fixture(scope="session")
def episodes(run_folder: Path) -> list[Episode]:
    """The episodes of that run."""
    return list(read_episodes(run_folder))
