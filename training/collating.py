"""Examples become batches: one answer a prompt for SFT, two for DPO, side by side or sharing the prompt; replayed rows beside them.

In which order rows come depends on seed and epoch alone, so that a resumed training meets the same ones.  An example is a dict of token
ids and a few numbers, as `datasets` holds it.  Layout and masks are `training/branches.py`'s.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from training.branches import Branching, lay_out
from training.encoding import Encoded

Example = dict[str, Any]
MULTIPLE = 16
"""Of which lengths of batches are one: 14% faster on a processor in bf16, and a third less memory (measured); no loss on a GPU."""
IGNORED = -100
"""A target that is not counted, in transformers' way."""


def sft_examples(rows: Sequence[Encoded]) -> list[Example]:
    """`prompt_ids`, `answer_ids`, and `length` to group rows by, shortest first."""
    made = [{"prompt_ids": row.prompt, "answer_ids": row.answers[0], "length": row.longest} for row in rows]
    return sorted(made, key=lambda example: int(example["length"]))


def pair_examples(
    rows: Sequence[Encoded], weights: Sequence[float] = (), shifts: Sequence[float] = (), replay: Sequence[Encoded] = ()
) -> list[Example]:
    """As trl names them: `prompt_ids`, `chosen_ids`, `rejected_ids`; and `weight`, `shift`, `replay_prompt_ids`, `replay_answer_ids`.

    Args:
        rows: chosen and rejected answer each.
        weights: of the pairs in the loss; 1 each when empty.
        shifts: counted towards their margins; none when empty.
        replay: an SFT row for each pair; none when empty.
    """
    made = []
    for number, row in enumerate(rows):
        example: Example = {"prompt_ids": row.prompt, "chosen_ids": row.answers[0], "rejected_ids": row.answers[1], "length": row.longest}
        example |= {"weight": weights[number] if weights else 1.0, "shift": shifts[number] if shifts else 0.0}
        if replay:
            example |= {"replay_prompt_ids": replay[number].prompt, "replay_answer_ids": replay[number].answers[0]}
        made.append(example)
    return sorted(made, key=lambda example: int(example["length"]))


class SftCollator:
    """Batches of SFT examples.

    Args:
        pad_id: token that fills.
        prompt_too: the prompt's tokens are targets as well.
    """

    def __init__(self, pad_id: int, *, prompt_too: bool = False) -> None:
        self.pad_id, self.prompt_too = pad_id, prompt_too

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        rows = [Branching(example["prompt_ids"], [example["answer_ids"]]) for example in examples]
        batch = lay_out(rows, self.pad_id, prompt_too=self.prompt_too, multiple=MULTIPLE)
        answers = batch["token"].masked_fill(batch["owner"] < 0, IGNORED)
        return batch | {"labels": answers, "shift_labels": answers}  # what transformers counts to scale a loss over several batches


class PairCollator:
    """Batches of pairs; the answers of row i are 2i (chosen) and 2i + 1 (rejected), shared prompt or not.

    Args:
        pad_id: token that fills.
        share: both answers behind one prompt; else each behind its own copy.
    """

    def __init__(self, pad_id: int, *, share: bool) -> None:
        self.pad_id, self.share = pad_id, share

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        answers = [(example["chosen_ids"], example["rejected_ids"]) for example in examples]
        prompts = [example["prompt_ids"] for example in examples]
        if self.share:
            rows = [Branching(prompt, both) for prompt, both in zip(prompts, answers, strict=True)]
        else:
            rows = [Branching(prompt, [one]) for prompt, both in zip(prompts, answers, strict=True) for one in both]
        batch = lay_out(rows, self.pad_id, multiple=MULTIPLE)
        batch["answer_tokens"] = torch.tensor([len(one) for both in answers for one in both])
        for name in ("weight", "shift", "ref_chosen_logps", "ref_rejected_logps"):
            if name in examples[0]:
                batch[name] = torch.tensor([float(example[name]) for example in examples])
        if "replay_prompt_ids" in examples[0]:
            replayed = [Branching(example["replay_prompt_ids"], [example["replay_answer_ids"]]) for example in examples]
            batch["replay"] = lay_out(replayed, self.pad_id, multiple=MULTIPLE)
        return batch


class GroupedSampler(torch.utils.data.Sampler[int]):  # type: ignore[misc]  # torch may be absent where this is checked
    """Rows in random order, those of one batch of about one length, for little padding; the same in every process.

    Args:
        lengths: of the rows.
        batch: rows of an optimizer step.
        seed: of the order; each epoch has its own.
    """

    NEAR = 32
    """Batches that are sorted together: their rows are a random part of all."""

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths, self.batch, self.seed, self.epoch = list(lengths), batch, seed, 0

    def __len__(self) -> int:
        return len(self.lengths)

    def set_epoch(self, epoch: int) -> None:
        """Called by the loop before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        draw = random.Random(f"{self.seed} {self.epoch}")
        order = draw.sample(range(len(self.lengths)), len(self.lengths))
        near = self.NEAR * self.batch
        order = [row for start in range(0, len(order), near) for row in sorted(order[start : start + near], key=self.lengths.__getitem__)]
        whole = len(order) - len(order) % self.batch
        batches = [order[start : start + self.batch] for start in range(0, whole, self.batch)]
        draw.shuffle(batches)
        return iter([*(row for batch in batches for row in batch), *order[whole:]])
