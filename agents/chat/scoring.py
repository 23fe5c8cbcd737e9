"""How likely a model is to say each of some options: their log-likelihoods after one prompt, in one padded batch.

The prompt is read once; its keys and values are shared by the options, which are padded on the right.  A model whose memory can't be
repeated reads the prompt once an option, still in one batch.  The sums are of natural logarithms, not normalised by length: they say how
likely the model is to begin its answer with exactly this option.  The caller has turned gradients off.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from agents.chat.rolling import Runner, padded


def score(runner: Runner, prompts: Sequence[Sequence[int]], options: Sequence[Sequence[Sequence[int]]]) -> list[list[float]]:
    """Log-likelihood of each option after its prompt.

    Args:
        runner: of the model.
        prompts: token ids, at least one a prompt.
        options: for each prompt its options' token ids, at least one an option.
    """
    counts = [len(some) for some in options]
    repeated = torch.tensor(counts, device=runner.device)
    ids, mask = padded(prompts, runner.device)
    cache = runner.cache()
    tails, tail_mask = padded([option for some in options for option in some], runner.device, left=False)
    if not runner.plain:
        ids, mask = ids.repeat_interleave(repeated, dim=0), mask.repeat_interleave(repeated, dim=0)
    first = runner(ids, mask, cache, last=True)
    if runner.plain:
        first, mask = first.repeat_interleave(repeated, dim=0), mask.repeat_interleave(repeated, dim=0)
    logits = first
    if tails.shape[1] > 1:
        if runner.plain:
            for layer in cache.layers:
                layer.take(layer.keys.repeat_interleave(repeated, dim=0), layer.values.repeat_interleave(repeated, dim=0))
        rest = runner(tails[:, :-1], torch.cat([mask, tail_mask[:, :-1]], dim=1), cache, last=False)
        logits = torch.cat([first, rest], dim=1)
    sums = _sums(logits, tails, tail_mask).tolist()
    return [[sums.pop(0) for _ in range(count)] for count in counts]


def _sums(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """Sum of the log-probabilities of the tokens under the mask; logits (rows, tokens, vocabulary), the others (rows, tokens)."""
    chosen = logits.gather(2, tokens[:, :, None]).squeeze(2)
    return ((chosen - logits.logsumexp(dim=-1)) * mask).cpu().double().sum(dim=1)
