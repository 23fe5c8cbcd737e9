"""What a training is asked for, and what it comes to: plain frozen settings of `train_sft` and `train_dpo`.

These are the objects for code; the command line and recipes are for people and are turned into these in `studio/learning.py`.  Nothing
is loaded or checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
"""A conversational row as trl has it: `prompt` (messages), and `completion`, or `chosen` and `rejected`: one assistant message each."""


class Learner(StrEnum):
    """What is trained: a seat of the graph, or the entangled baseline that answers `[Strategy] reply`."""

    PLANNER = "planner"
    RESPONDER = "responder"
    JOINT = "joint"


class Precision(StrEnum):
    """Number format of the forward and backward pass; weights and optimizer stay in float32."""

    AUTO = "auto"
    """bf16 on a GPU that has it, else float32."""
    FLOAT32 = "float32"
    BF16 = "bf16"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands; told after each step that is logged."""

    step: int
    steps: int
    seconds: float
    """Since this process began to train."""
    metrics: Mapping[str, float]
    """The newest figures: loss, learning_rate, ..."""


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """A low-rank adapter instead of all weights."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: tuple[str, ...] = ()
    """Names of the layers that get one; all linear layers but the head when empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """What SFT and DPO share."""

    learner: Learner
    base: str
    """A folder, a name of the hub, `ADAPTER@BASE`, or (SFT only) `scratch:SIZE`."""
    out: Path
    """The model's folder; a finished one of the same settings is found again, an unfinished one is gone on with."""
    epochs: float = 1.0
    max_steps: int | None = None
    """Optimizer steps at most; None trains `epochs`."""
    lr: float
    batch: int = 16
    """Rows of an optimizer step, on all processes together."""
    micro_batch: int | None = None
    """Rows of one forward pass on one process; all of the batch when None."""
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises."""
    schedule: str = "cosine"
    weight_decay: float = 0.01
    max_length: int | None = None
    """Tokens of prompt and answer; as many as the longest row needs and the context holds when None."""
    answer_room: int = 80
    """Tokens that a seat leaves for the answer (its `max_tokens`): a prompt is shortened as much here as it is there."""
    precision: Precision = Precision.AUTO
    lora: LoraSettings | None = None
    gradient_checkpointing: bool = False
    seed: int = 1
    device: str = "auto"
    chat_template: Path | None = None
    """A Jinja file, for a base without one."""
    resume: bool = True
    save_steps: int | None = None
    """Steps between checkpoints; about ten a training when None."""
    log_steps: int = 10
    report: tuple[str, ...] = ()
    """Trackers besides metrics.jsonl: `trackio`, `wandb`."""
    lineage: Mapping[str, Any] = field(default_factory=dict)
    """What the manifest and the card shall tell about the data: sources, round, split."""
    on_progress: Callable[[Progress], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SftConfig(TrainConfig):
    """Supervised fine-tuning on the answers."""

    rows: Sequence[Row]
    dev: Sequence[Row] = ()
    """Held-out rows; their loss is told at each checkpoint and at the end."""
    lr: float = 5e-4
    vocabulary: int | None = None
    """Tokens of a scratch model's tokenizer; by its size when None."""
    context: int = 512
    """Tokens that a scratch model's context holds."""
    prompt_loss: float = 0.0
    """Weight of the prompt's tokens beside the answer's: above 0, a scratch model learns its language from the talk, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoConfig(TrainConfig):
    """Direct preference optimization from a base, which is also the reference (Rafailov et al. 2023)."""

    pairs: Sequence[Row]
    dev: Sequence[Row] = ()
    lr: float = 5e-5
    beta: float = 0.1
    sft_weight: float = 0.0
    """Weight of the chosen answers' mean negative log-likelihood a token, beside the DPO loss."""
    length_normalised: bool = False
    """Compare log-ratios a token instead of summed ones (trl's `sigmoid_norm`)."""
    balanced: bool = False
    """Planner only: weigh the pairs so that each label is chosen as much as it is rejected; labels alone then teach nothing."""
    prior_aware: float = 0.0
    """Planner only: how much of the labels' log-odds of being chosen is taken out of the margin; 0 none, 1 all."""
    replay: Sequence[Row] = ()
    """SFT rows to rehearse against forgetting (2505.16610): one of them beside each pair."""
    replay_weight: float = 1.0
    """Weight of their mean negative log-likelihood."""
    share_prompt: bool | None = None
    """Read a pair's prompt once for both answers; None does so for the planner."""
    stop_fall: float = 0.0
    """Stop when the chosen answers have lost so many nats a token against the reference while margins rise; 0 never stops."""


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What became of the rows."""

    given: int
    kept: int
    shortened: int
    """Of the kept: prompts that lost their oldest turns, as they do in the seat."""
    dropped: int
    """Rows whose answer does not fit, however short the prompt."""
    max_length: int
    """Tokens of the longest kept row, prompt and answer."""
    tokens: int
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class Trained:
    """A model folder that is complete."""

    folder: Path
    learner: Learner
    identity: str
    """Fingerprint of settings, data and base: the same training has the same."""
    steps: int
    metrics: Mapping[str, float]
    """Last figures of the training, and `dev_*` where there are dev rows."""
    data: DataSummary
    seconds: float
    """Of training, all its processes' lives together."""
    stopped: str = ""
    """Why it ended early; empty for a full training."""
    found: bool = False
    """The folder was complete already; nothing was trained."""
