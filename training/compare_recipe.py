"""CompareRecipe: the settings of the comparison of DecoupledESC (2505.16995), for people: one model that plans and speaks against two.

The paper's learning rates, beta and epochs are not to be had, so the defaults are ours.  Corpora are no part of a recipe: the command line
names them.  What is done with these settings is `training/comparison.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from agents.chat.port import Sampling
from agents.errors import InputError
from agents.planner import Pick
from agents.prompting import Prompting
from agents.words import Word
from agents.yamlfile import read_yaml, sentence_of
from graphs.recipe import recorded
from training.configs import Precision
from training.evolve_recipe import Count, DpoSettings, Lora, SftSettings


class Mined(Word):
    """Inference over the training split with gold history, and the pairs made of it."""

    strategies: Count = 4000
    """Supporter turns of the training corpus at which the planner is asked."""
    replies: Count = 1500
    """Of these, turns at which the responder and the joint model are asked, too."""
    filter: bool = True
    """Keep a pair of replies only where the rehearsal judge finds nothing in the human one and a clear error in the model's."""
    rejected: Pick = Pick.SAMPLE
    """Of strategy pairs: a draw of the planner's, as in the paper, or its likeliest strategy (`best`), which is what B leans on."""
    balance: Annotated[float, Field(ge=1.0)] | None = None
    """Strategy pairs: cap of a (chosen, rejected) cell, in medians of the cells that occur."""


class Scored(Word):
    """What is measured on the held-out corpus."""

    strategies: Count | None = None
    """Supporter turns for Q, weighted F1 and B; all when None."""
    replies: Count = 600
    """Of these, turns at which replies are written."""


class CompareRecipe(Word):
    """The settings of a comparison."""

    name: str = "decoupled-vs-joint"
    seed: Annotated[int, Field(ge=0)] = 1
    base: str = "scratch:1500k"
    """Of all three models: a scratch model, a folder, or a name of the hub."""
    vocabulary: Count | None = None
    """Tokens of a scratch model's tokenizer."""
    context: Annotated[int, Field(ge=64)] = 192
    """Tokens that a scratch model's context holds."""
    prompts: Prompting = Prompting.BRIEF
    language: str = "English"
    lora: Lora | None = None
    precision: Precision = Precision.AUTO
    device: str = "auto"
    sampling: Sampling = Sampling(temperature=0.7, top_p=0.95, max_tokens=40)
    """How strategies and replies are drawn, as the paper does."""
    sft_joint: SftSettings = SftSettings()
    sft_planner: SftSettings = SftSettings()
    sft_responder: SftSettings = SftSettings()
    mined: Mined = Mined()
    dpo_joint: DpoSettings = DpoSettings(sft_weight=0.2)
    dpo_planner: DpoSettings = DpoSettings(sft_weight=0.5)
    dpo_responder: DpoSettings = DpoSettings(sft_weight=0.2)
    scored: Scored = Scored()

    def identity(self) -> dict[str, Any]:
        """What makes two comparisons the same: all of it, a folder by its name alone."""
        return self.model_dump(mode="json") | {"base": recorded(f"local:{self.base}").removeprefix("local:")}


def load_compare_recipe(path: Path) -> CompareRecipe:
    """Read a recipe file.

    Raises:
        InputError: not readable or not valid; file, line, and the nearest right key for an unknown one.
    """
    content = read_yaml(path)
    if not isinstance(content, dict | None):
        raise InputError(f"{path}:1: a recipe is `key: value` lines.", hint="See recipes/decoupled-vs-joint.yaml.")
    try:
        return CompareRecipe.model_validate(content or {})
    except ValidationError as error:
        raise InputError(sentence_of(path, CompareRecipe, error), hint="Mend the recipe.") from error
