"""EvolveRecipe: the settings of a self-evolution run, for people: M0 by SFT, M1 and M2 by DPO, what is simulated and what is measured.

YAML in, frozen model out, unknown keys refused with the nearest right one, as for a run's recipe.  The defaults are ours: neither paper
gives learning rates, beta, epochs or LoRA ranks.  Turning these settings into trainings is `training/rounds.py`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from agents.errors import InputError
from agents.prompting import Prompting
from agents.rehearsal.slips import SlipRates
from agents.words import Word
from agents.yamlfile import read_yaml, sentence_of
from graphs.recipe import CriticSettings, RoleSampling, recorded
from training.configs import Precision
from training.pair import PairKind

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Lora(Word):
    """A low-rank adapter instead of all weights."""

    rank: Count = 16
    alpha: Count = 32
    dropout: Share = 0.0


class SftSettings(Word):
    """How one seat is fine-tuned."""

    epochs: Annotated[float, Field(gt=0)] = 2.0
    lr: Annotated[float, Field(gt=0)] = 1e-3
    batch: Count = 16
    micro_batch: Count | None = None
    prompt_loss: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the prompt's tokens: above 0 a scratch model learns its language from the talk, too."""
    context: Annotated[int, Field(ge=64)] | None = None
    """Tokens that a scratch model's context holds on this seat; the recipe's without it.  A planner needs less of the talk."""
    vocabulary: Annotated[int, Field(ge=300)] | None = None
    """Tokens of a scratch model's tokenizer; by its size without it."""


class DpoSettings(Word):
    """How one seat is trained on pairs."""

    epochs: Annotated[float, Field(gt=0)] = 1.0
    lr: Annotated[float, Field(gt=0)] = 5e-5
    batch: Count = 16
    micro_batch: Count | None = None
    beta: Annotated[float, Field(gt=0)] = 0.1
    sft_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the chosen answers' likelihood beside the DPO loss."""
    length_normalised: bool = False
    balanced: bool = False
    """Planner: weigh pairs so that each label is chosen as much as it is rejected."""
    prior_aware: Share = 0.0
    """Planner: how much of the labels' log-odds of being chosen is taken out of the margin."""
    replay: Annotated[int, Field(ge=0)] = 0
    """SFT rows of M0's data beside the pairs, against forgetting (2505.16610)."""
    stop_fall: Annotated[float, Field(ge=0)] = 0.0
    """Stop when the chosen answers lost so many nats a token while margins rise; 0 never stops."""


class TalkSettings(Word):
    """Every simulated talk of the run: the seeker and the critic are frozen, the seats between them evolve."""

    turns: Annotated[int, Field(ge=1, le=200)] = 14
    seeker: str = "rehearsal"
    critic: str = "rehearsal"
    """Who reflects and refines in the rounds: a spec, or `self`: the responder's own model (2505.16610)."""
    refinements: Annotated[int, Field(ge=1, le=5)] = 2
    slips: SlipRates = SlipRates()
    """Of the rehearsal supporter that M0 learns from: an imperfect teacher, as human data is."""
    sampling: RoleSampling = RoleSampling()
    concurrency: Count = 16

    def critic_settings(self, share: float) -> CriticSettings:
        """The critic's part in a stage."""
        return CriticSettings(share=share, refinements=self.refinements)


class First(Word):
    """M0: what it learns from, and how."""

    episodes: Count = 400
    """Rehearsed talks, unless `corpus` is given."""
    corpus: str | None = None
    """A file of human dialogues with strategies, such as ESConv's train split."""
    planner: SftSettings = SftSettings()
    responder: SftSettings = SftSettings()


class RoundSettings(Word):
    """One round: talks of M_t, pairs, M_t+1."""

    episodes: Count = 150
    planner_pairs: tuple[PairKind, ...] = (PairKind.STRATEGY,)
    responder_pairs: tuple[PairKind, ...] = (PairKind.REFINE, PairKind.RESPONSE)
    balance: bool = True
    """Cap the cells of (chosen, rejected) strategies, so that no label is only ever rejected."""
    planner: DpoSettings = DpoSettings(sft_weight=0.5, balanced=True)
    responder: DpoSettings = DpoSettings(sft_weight=0.2)


class Measured(Word):
    """How many talks each model is measured on."""

    dev: Count = 60
    """Training scenarios, held-out people: decides about promotion."""
    people: Count = 80
    """Training scenarios, other held-out people: reported."""
    stories: Count = 40
    """Held-out scenarios: reported apart."""
    seeds: Count = 3
    """Of the final measurement."""
    corpus: str | None = None
    """Human dialogues on which Q and B of the planner are measured; held-out rehearsed talks without it."""
    gold: Count = 60
    """Rehearsed held-out talks for Q and B, where there is no corpus."""


class Promote(Word):
    """When M_t+1 takes the seats; otherwise M_t stays and the run ends there.  Reward accuracy is no part of it."""

    outcome: bool = True
    """The seeker's emotion must not fall clearly less than before, on the same casts."""
    errors: bool = True
    """Errors a supporter turn must not rise clearly.  Of outcome and errors, one must be better."""
    quality: bool = True
    """Q must not be below M_t's interval."""
    bias: bool = True
    """B must not be above M_t's interval, where it is defined."""


class Collapse(Word):
    """When the watch on the planner warns."""

    entropy: Annotated[float, Field(ge=0, le=3)] = 1.5
    """Bits of the strategies said, of 3; below it, a warning."""
    divergence: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Jensen-Shannon divergence, in bits, from the round before; above it, a warning."""


class EvolveRecipe(Word):
    """The settings of a self-evolution run."""

    name: str = "evolve"
    seed: Annotated[int, Field(ge=0)] = 1
    rounds: Annotated[int, Field(ge=1, le=10)] = 2
    base: str = "scratch:5m"
    """A scratch model, a folder, or a name of the hub."""
    prompts: Prompting = Prompting.BRIEF
    language: str = "English"
    lora: Lora | None = None
    precision: Precision = Precision.AUTO
    device: str = "auto"
    context: Annotated[int, Field(ge=64)] = 512
    """Tokens that a scratch model's context holds."""
    answer_room: Annotated[int, Field(ge=8)] = 80
    """Tokens that are left for a reply."""
    stories: Annotated[int, Field(ge=1)] | None = None
    """Only so many of the training scenarios: a small model can learn a few of them well.  Held-out scenarios are not counted."""
    scenarios: str | None = None
    """A folder of your own scenario files, instead of the library."""
    talk: TalkSettings = TalkSettings()
    first: First = First()
    round: RoundSettings = RoundSettings()
    measured: Measured = Measured()
    promote: Promote = Promote()
    collapse: Collapse = Collapse()

    @model_validator(mode="after")
    def _each_seat_learns(self) -> EvolveRecipe:
        if not self.round.planner_pairs and not self.round.responder_pairs:
            raise ValueError("round: no kinds of pairs for either seat, so nothing would be learned")
        return self

    def identity(self) -> dict[str, Any]:
        """What makes two runs the same: all of it, with folders by their name alone."""
        content = self.model_dump(mode="json")
        content["base"] = recorded(f"local:{self.base}").removeprefix("local:")
        for where in ("first", "measured"):
            if content[where]["corpus"]:
                content[where]["corpus"] = Path(content[where]["corpus"]).name
        content["scenarios"] = Path(self.scenarios).resolve().name if self.scenarios else None
        return content

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the identity."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:16]


def load_evolve_recipe(path: Path) -> EvolveRecipe:
    """Read a recipe file.

    Raises:
        InputError: not readable or not valid; file, line, and the nearest right key for an unknown one.
    """
    content = read_yaml(path)
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise InputError(f"{path}:1: a recipe is `key: value` lines.", hint="See recipes/demo.yaml.")
    try:
        return EvolveRecipe.model_validate(content)
    except ValidationError as error:
        raise InputError(sentence_of(path, EvolveRecipe, error), hint="Mend the recipe.") from error
