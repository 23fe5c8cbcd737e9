"""Direct preference optimization: `train_dpo(config)` goes on from a base, which is also the reference.

An adapter goes on learning with a frozen copy of itself as the reference; a plain model is its own before the first step.  The reference's
log-probabilities are computed once, ahead.  A planner's pair is one long prompt and two short labels: its prompt is read once for both.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from agents.errors import InputError
from training.basing import Base, base_identity, load_base, lora_config, need_training
from training.configs import DpoConfig, Learner, Trained
from training.encoding import Encoded, Encoder, check_pairs
from training.folder import METRICS, WORK, claimed
from training.running import Built, arguments, found, run, settings_of
from training.sft import encoder_for, pad_id


def train_dpo(config: DpoConfig) -> Trained:
    """Train, or find the finished model, or go on where a killed process was; raises as `train_sft`."""
    need_training()
    check_pairs(config.pairs)
    if config.learner is not Learner.PLANNER and (config.balanced or config.prior_aware):
        raise InputError("balanced and prior_aware weigh labels, and only a planner answers with labels.", hint="Leave them out.")
    data = {"pairs": config.pairs, "dev": config.dev, "replay": config.replay}
    settings = settings_of(config, "dpo", base_identity(config.base), data)
    with claimed(config.out, settings):
        return found(config) or run(config, settings, lambda: build(config))


def build(config: DpoConfig) -> Built:
    """The trainer of a config, its base loaded, its pairs tokenised, its reference computed."""
    from datasets import Dataset  # noqa: PLC0415
    from trl import DPOConfig as Arguments  # noqa: PLC0415

    from training.collating import GroupedSampler, PairCollator, pair_examples  # noqa: PLC0415
    from training.trainers import PairTrainer  # noqa: PLC0415
    from training.watching import Watcher  # noqa: PLC0415

    base = load_base(config, config.out / WORK / "base")
    encoder = encoder_for(base, config)
    dev = pair_examples(encoder.pairs(config.dev, "dev pair")[0]) if config.dev else []
    pairs, summary = encoder.pairs(config.pairs)
    weights, shifts = _by_label(config, pairs)
    examples = pair_examples(pairs, weights, shifts, _replayed(config, encoder, len(pairs)))
    watcher = Watcher(config.out / METRICS, stop_fall=config.stop_fall, on_progress=config.on_progress)
    args = Arguments(**arguments(config, len(pairs), beta=config.beta, precompute_ref_log_probs=True))
    trainer = PairTrainer(
        order=GroupedSampler([example["length"] for example in examples], config.batch, config.seed),
        sft_weight=config.sft_weight,
        length_normalised=config.length_normalised,
        replay_weight=config.replay_weight,
        model=base.model,
        args=args,
        data_collator=PairCollator(pad_id(base.tokenizer), share=_share(config, base)),
        train_dataset=Dataset.from_list(examples),
        eval_dataset=Dataset.from_list(dev) if dev else None,
        processing_class=base.tokenizer,
        peft_config=lora_config(config.lora) if config.lora and not base.adapted else None,
        callbacks=[watcher],
    )
    return Built(trainer, watcher, base, summary)


def _share(config: DpoConfig, base: Base) -> bool:
    """Whether answers share their prompt; raises InputError where that is asked for and the model's attention does not take it."""
    from training.branches import shares  # noqa: PLC0415

    can = shares(base.model)
    if config.share_prompt and not can:
        raise InputError(f"--base {config.base}: its attention does not let answers share a prompt.", hint="Leave share_prompt out.")
    return can and (config.share_prompt if config.share_prompt is not None else config.learner is Learner.PLANNER)


def _by_label(config: DpoConfig, pairs: Sequence[Encoded]) -> tuple[list[float], list[float]]:
    """Weights and shifts of the pairs by their labels, where the settings ask for them."""
    from training.losses import balanced_weights, log_odds  # noqa: PLC0415

    labels = [(pair.texts[0], pair.texts[1]) for pair in pairs]
    weights = balanced_weights(labels) if config.balanced else []
    shifts = [config.prior_aware * odds for odds in log_odds(labels)] if config.prior_aware else []
    return weights, shifts


def _replayed(config: DpoConfig, encoder: Encoder, count: int) -> list[Encoded]:
    """An SFT row beside each pair, drawn by seed, each as often as the others."""
    if not config.replay:
        return []
    rows: list[Any] = encoder.sft(config.replay, "replay row")[0]
    draw = random.Random(f"{config.seed} replay")
    drawn: list[Any] = []
    while len(drawn) < count:
        drawn += draw.sample(rows, len(rows))
    return drawn[:count]
