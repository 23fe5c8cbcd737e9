"""Supervised fine-tuning: `train_sft(config)` makes a model folder that `local:` loads.

Only the answers carry loss, the stop token among them.  Rows come from `training/rows.py`.
"""

from __future__ import annotations

from typing import Any

from agents.chat.templating import Template
from training.basing import Base, base_identity, load_base, lora_config, need_training
from training.configs import DataSummary, SftConfig, Trained
from training.encoding import Encoded, Encoder, answer_room, check_sft
from training.folder import METRICS, WORK, claimed
from training.running import Built, arguments, found, run, settings_of
from training.scratch import is_scratch

BETA_2 = 0.98
"""Adam's memory of squared gradients where a model begins from nothing and has only about a thousand steps."""


def train_sft(config: SftConfig) -> Trained:
    """Train, or find the finished model, or go on where a killed process was.

    Raises:
        InputError: rows, base or folder are not as they must be.
        TrainingError: the loss is no number, or the memory does not suffice.
        StorageError: the disk is full.
    """
    need_training()
    check_sft(config.rows)
    data = {"rows": config.rows, "dev": config.dev}
    settings = settings_of(config, "sft", base_identity(config.base), data)
    with claimed(config.out, settings):
        return found(config) or run(config, settings, lambda: build(config))


def encoder_for(base: Base, config: Any) -> Encoder:
    """Turns rows into tokens for this base: within its context and the settings' `max_length`."""
    context = getattr(base.model.config.get_text_config(), "max_position_embeddings", None)
    limit = min(number for number in (context, config.max_length, 1 << 30) if number)
    template = Template(base.tokenizer, f"--base {config.base}", base.name, limit)
    return Encoder(template, limit, answer_room(template, config.learner, config.answer_room))


def build(config: SftConfig) -> Built:
    """The trainer of a config, its base loaded and its rows tokenised."""
    from datasets import Dataset  # noqa: PLC0415
    from trl import SFTConfig as Arguments  # noqa: PLC0415

    from training.collating import GroupedSampler, SftCollator, sft_examples  # noqa: PLC0415
    from training.trainers import SftTrainer  # noqa: PLC0415
    from training.watching import Watcher  # noqa: PLC0415

    base = load_base(config, config.out / WORK / "base")
    rows, dev, summary = _encoded(config, base)
    examples = sft_examples(rows)
    watcher = Watcher(config.out / METRICS, on_progress=config.on_progress)
    memory = BETA_2 if is_scratch(config.base) else 0.999
    args = Arguments(**arguments(config, len(rows), adam_beta2=memory, dataset_kwargs={"skip_prepare_dataset": True}))
    trainer = SftTrainer(
        order=GroupedSampler([example["length"] for example in examples], config.batch, config.seed),
        prompt_loss=config.prompt_loss,
        model=base.model,
        args=args,
        data_collator=SftCollator(pad_id(base.tokenizer), prompt_too=config.prompt_loss > 0),
        train_dataset=Dataset.from_list(examples),
        eval_dataset=Dataset.from_list(sft_examples(dev)) if dev else None,
        processing_class=base.tokenizer,
        peft_config=lora_config(config.lora) if config.lora and not base.adapted else None,
        callbacks=[watcher],
    )
    return Built(trainer, watcher, base, summary)


def _encoded(config: SftConfig, base: Base) -> tuple[list[Encoded], list[Encoded], DataSummary]:
    encoder = encoder_for(base, config)
    dev = encoder.sft(config.dev, "dev row")[0] if config.dev else []
    rows, summary = encoder.sft(config.rows)
    return rows, dev, summary


def pad_id(tokenizer: Any) -> int:
    """The token that fills; masks keep it from being seen."""
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id)
