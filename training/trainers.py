"""trl's trainers with our own forward pass: the logits of the answers alone, and for pairs the prompt once.

From trl and transformers come the loop, the optimizer, accumulation, checkpoints, resuming, distributed training, LoRA and the reference.
Ours are the batches (`training/collating.py`), the losses (`training/losses.py`) and silence: no telemetry, no card of trl's.
Rows come tokenised and checked (`training/encoding.py`); trl's own preparation, which only warns, is passed by.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor
from trl import DPOTrainer, SFTTrainer
from trl.trainer.utils import use_adapter

from training.branches import answer_sums, token_log_probs
from training.collating import GroupedSampler
from training.losses import Sides, dpo_losses, figures, nll


class _Quiet:
    """No telemetry, no draft of a model card (ours is written beside the finished model), and our own order of the rows."""

    order: GroupedSampler

    def _send_telemetry(self) -> None: ...

    def create_model_card(self, *_: Any, **__: Any) -> None: ...

    def _get_train_sampler(self, *_: Any) -> GroupedSampler:
        return self.order


class SftTrainer(_Quiet, SFTTrainer):  # type: ignore[misc]  # trl may be absent where this is checked
    """Next-token loss on the answers, a mean over the tokens of the whole optimizer step.

    Args:
        order: in which the rows come.
        prompt_loss: weight of the prompts' tokens, where the collator makes targets of them.
        rest: as trl's.
    """

    loss_is_scaled_for_ga = True

    def __init__(self, *, order: GroupedSampler, prompt_loss: float = 0.0, **rest: Any) -> None:
        self.order, self.prompt_loss = order, prompt_loss
        super().__init__(**rest)

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Tensor:  # noqa: ARG002  trl's signature
        logps = token_log_probs(model, inputs)
        own = inputs["owner"] >= 0
        count = own.sum() if num_items_in_batch is None else num_items_in_batch
        total = logps[own].sum()
        mode = self._metrics["train" if self.model.training else "eval"]
        mode["answer_nll"].append(float(-total.detach() / own.sum()))
        if self.prompt_loss:
            total = total + self.prompt_loss * logps[~own].sum()
        loss = -total / count
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes
        return loss


class PairTrainer(_Quiet, DPOTrainer):  # type: ignore[misc]  # as above
    """DPO with weights, a shift of the margin, an SFT term and replay; prompt shared or not, as the collator lays it out.

    Args:
        order: in which the pairs come.
        sft_weight, length_normalised, replay_weight: as in DpoConfig.
        rest: as trl's.
    """

    def __init__(self, *, order: GroupedSampler, sft_weight: float, length_normalised: bool, replay_weight: float, **rest: Any) -> None:
        self.order = order
        self.sft_weight, self.length_normalised, self.replay_weight = sft_weight, length_normalised, replay_weight
        super().__init__(**rest)

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

    def _sums(self, model: Any, inputs: Any) -> tuple[Tensor, Tensor]:
        """Summed log-probabilities of chosen and rejected answers, (pairs,) each."""
        sums = answer_sums(token_log_probs(model, inputs), inputs["owner"], len(inputs["answer_tokens"]))
        return sums[0::2], sums[1::2]

    def compute_ref_log_probs(self, model: Any, inputs: Any) -> tuple[Tensor, Tensor]:
        """As trl's, through our forward pass: of the reference adapter, or of the model before its first step."""
        peft = hasattr(self.accelerator.unwrap_model(self.model), "peft_config")
        adapter: Any = contextlib.nullcontext()
        if self.ref_model is None and peft:
            bare = self.accelerator.unwrap_model(self.model)
            adapter = use_adapter(bare, adapter_name="ref" if "ref" in bare.peft_config else None)
        was = model.training
        model.eval()
        try:
            with torch.no_grad(), adapter, self.accelerator.autocast():
                return self._sums(model, inputs)
        finally:
            model.train(was)

    def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool) -> Tensor:  # noqa: ARG002  trl's signature
        chosen, rejected = self._sums(model, inputs)
        tokens = inputs["answer_tokens"]
        sides = Sides(chosen, rejected, inputs["ref_chosen_logps"], inputs["ref_rejected_logps"], tokens[0::2], tokens[1::2])
        losses = inputs["weight"] * dpo_losses(sides, beta=self.beta, length_normalised=self.length_normalised, shift=inputs["shift"])
        noted = self._metrics["train" if self.model.training else "eval"]
        noted["loss/dpo"].append(float(losses.detach().mean()))
        if self.sft_weight:
            losses = losses + self.sft_weight * inputs["weight"] * nll(sides)
        loss = losses.mean()
        if "replay" in inputs:
            replay = inputs["replay"]
            logps = token_log_probs(model, replay)
            counts = torch.bincount(replay["owner"], minlength=len(chosen))
            lost = -(answer_sums(logps, replay["owner"], len(chosen)) / counts).mean()
            noted["loss/replay"].append(float(lost.detach()))
            loss = loss + self.replay_weight * lost
        for name, value in figures(sides, self.beta).items():
            noted[name].append(value)
        return loss
