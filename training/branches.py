"""A prompt and the answers that branch off it: how a batch of them is laid out, and how likely the model finds each answer.

Answers of one prompt lie behind it in one sequence; a mask keeps them from seeing each other and their positions begin anew, so the
prompt is read once whatever the number of answers.  One answer a prompt is the ordinary case and needs no such mask.  Rows are padded on
the left: all answers then end where the batch ends, and only the logits of that end are computed, through the model's public
`logits_to_keep`.  (trl computes them for every position of the prompt where there is no GPU.)  No loss is known here.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

PROMPT, PAD = 0, -1


@dataclass(frozen=True, slots=True)
class Branching:
    """One prompt with its answers, as token ids; each has at least one."""

    prompt: Sequence[int]
    answers: Sequence[Sequence[int]]

    @property
    def length(self) -> int:
        """Tokens that the model reads: no answer's last token, since nothing follows it."""
        return len(self.prompt) + sum(len(answer) - 1 for answer in self.answers)


def lay_out(rows: Sequence[Branching], pad_id: int, *, prompt_too: bool = False, multiple: int = 1) -> dict[str, Any]:
    """A batch of tensors.

    Args:
        rows: with the same number of answers each.
        pad_id: token that fills.
        prompt_too: the prompt's tokens are targets as well (owner PAD).
        multiple: lengths are rounded up to one of it, so that there are few: a processor's kernels are made anew for each.

    Returns:
        input_ids, position_ids: (rows, length).  attention_mask: (rows, length) for one answer a prompt, else (rows, 1, length, length),
        True where a token is seen.  where: for each target its place in the kept logits, counted through the batch.  token: the
        targets.  owner: which answer of the batch (row * answers + answer) a target belongs to.  keep: positions of logits to keep.
    """
    length = _up(max(row.length for row in rows), multiple)
    tail = _up(max(row.length - len(row.prompt) for row in rows) + 1, multiple)
    keep = length if prompt_too else min(tail, length)
    ids = torch.full((len(rows), length), pad_id)
    positions = torch.zeros((len(rows), length), dtype=torch.long)
    branch = torch.full((len(rows), length), PAD)
    targets: list[tuple[int, int, int]] = []
    for number, row in enumerate(rows):
        start = length - row.length
        sequence, place, of = _sequence(row)
        ids[number, start:] = torch.tensor(sequence)
        positions[number, start:] = torch.tensor(place)
        branch[number, start:] = torch.tensor(of)
        offset = number * keep - (length - keep) + start
        if prompt_too:
            targets += [(offset + at, token, PAD) for at, token in enumerate(row.prompt[1:])]
        targets += [(offset + at, token, number * len(row.answers) + answer) for at, token, answer in _targets(row)]
    where, token, owner = (torch.tensor(column) for column in zip(*targets, strict=True))
    many = any(len(row.answers) > 1 for row in rows)
    mask = _seen(branch) if many else (branch != PAD).long()
    return {
        "input_ids": ids,
        "position_ids": positions,
        "attention_mask": mask,
        "where": where,
        "token": token,
        "owner": owner,
        "keep": keep,
    }


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _sequence(row: Branching) -> tuple[list[int], list[int], list[int]]:
    """Tokens, positions and branch numbers (0 for the prompt) of one row."""
    ids, positions, branch = list(row.prompt), list(range(len(row.prompt))), [PROMPT] * len(row.prompt)
    for number, answer in enumerate(row.answers, start=1):
        ids += answer[:-1]
        positions += range(len(row.prompt), len(row.prompt) + len(answer) - 1)
        branch += [number] * (len(answer) - 1)
    return ids, positions, branch


def _targets(row: Branching) -> list[tuple[int, int, int]]:
    """(place in the row's sequence, token that it shall predict, answer): all answers begin after the prompt's last token."""
    found, start = [], len(row.prompt)
    for number, answer in enumerate(row.answers):
        places = [len(row.prompt) - 1, *range(start, start + len(answer) - 1)]
        found += [(place, token, number) for place, token in zip(places, answer, strict=True)]
        start += len(answer) - 1
    return found


def _seen(branch: Tensor) -> Tensor:
    """Which token sees which: those before it, of the prompt or of its own branch; padding sees itself, lest a softmax be empty."""
    length = branch.shape[1]
    before = torch.ones(length, length, dtype=torch.bool).tril()
    query, key = branch[:, :, None], branch[:, None, :]
    seen = before & (key != PAD) & ((key == PROMPT) | (key == query))
    return (seen | torch.eye(length, dtype=torch.bool))[:, None]


def token_log_probs(model: Any, batch: Mapping[str, Any]) -> Tensor:
    """Log-probability of each target of a batch, (targets,), in float32; natural logarithm."""
    keep = int(batch["keep"])
    more = {"logits_to_keep": keep} if keeps_logits(model) else {}
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=_fit(batch["attention_mask"], model),
        position_ids=batch["position_ids"],
        use_cache=False,
        **more,
    ).logits[:, -keep:]
    at = logits.reshape(-1, logits.shape[-1])[batch["where"]].float()
    chosen: Tensor = at.gather(1, batch["token"][:, None]).squeeze(1)
    return chosen - at.logsumexp(dim=-1)


def answer_sums(log_probs: Tensor, owner: Tensor, answers: int) -> Tensor:
    """Sum of the targets' log-probabilities by the answer that owns them, (answers,); the prompt's own are left out."""
    own = owner != PAD
    return log_probs.new_zeros(answers).index_add(0, owner[own], log_probs[own])


def keeps_logits(model: Any) -> bool:
    """Whether the model can compute the logits of the last positions alone."""
    return "logits_to_keep" in inspect.signature(type(_bare(model)).forward).parameters


def shares(model: Any) -> bool:
    """Whether the model takes a mask that lets answers share a prompt: its attention must take one of four dimensions."""
    config = _bare(model).config
    sliding = getattr(config, "layer_types", None) or ()
    return config._attn_implementation in ("sdpa", "eager") and all(kind == "full_attention" for kind in sliding)


def _fit(mask: Tensor, model: Any) -> Tensor:
    """A mask of four dimensions as the model's attention wants it: eager attention adds it to the scores."""
    bare = _bare(model)
    if mask.dim() == 4 and bare.config._attn_implementation == "eager":
        return torch.zeros_like(mask, dtype=bare.dtype).masked_fill(~mask, torch.finfo(bare.dtype).min)
    return mask


def _bare(model: Any) -> Any:
    """The transformers model within wrappers of peft and of distributed training."""
    while hasattr(model, "module"):
        model = model.module
    return model.get_base_model() if hasattr(model, "get_base_model") else model
