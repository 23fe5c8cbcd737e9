"""`scratch:10m`: a small Llama-shaped model of random weights with a tokenizer made from the training text, so that nothing is downloaded.

The tokenizer is a byte-level BPE in which each strategy's name is one token, so that a label is one decision.  The chat template spends
two tokens a turn.  It is no pretrained model: it knows what its few hundred thousand tokens of talk say, and nothing of the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.errors import InputError
from agents.words import STRATEGIES
from training.configs import Row

PREFIX = "scratch:"
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>"
    "{% if message.role == 'assistant' %}{% generation %}{{ message.content }}<|end|>{% endgeneration %}"
    "{% else %}{{ message.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""The stop token is inside `generation`: it carries loss, too."""
SPECIAL = ("<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>")
HEAD = 32
"""Size of an attention head."""
SMALLEST, LARGEST = 50_000, 500_000_000
_SPEC = re.compile(r"scratch:(\d+(?:\.\d+)?)([km])$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's shape; `parameters` counts the embedding once, since head and embedding are tied."""

    hidden: int
    layers: int
    vocabulary: int

    @property
    def inner(self) -> int:
        """Width of the feed-forward layers: 8/3 of the hidden size, as Llama has it, in steps of 32."""
        return max(32, round(8 * self.hidden / 3 / 32) * 32)

    @property
    def parameters(self) -> int:
        layer = 4 * self.hidden * self.hidden + 3 * self.hidden * self.inner + 2 * self.hidden
        return self.vocabulary * self.hidden + self.layers * layer + self.hidden


def is_scratch(base: str) -> bool:
    """Whether a base names a model to be made."""
    return base.lower().startswith(PREFIX)


def scratch_size(base: str) -> int:
    """Parameters that `scratch:10m` or `scratch:500k` asks for; raises InputError for another spelling or an odd size."""
    found = _SPEC.match(base)
    size = int(float(found[1]) * (1e6 if found[2].lower() == "m" else 1e3)) if found else 0
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"{base!r} is no scratch model.", hint="Write scratch:10m; sizes from 50k to 500m parameters.")
    return size


def default_vocabulary(size: int) -> int:
    """Tokens of the tokenizer: about a quarter of a small model's weights are its embedding."""
    return 1024 if size < 1_000_000 else 4096 if size < 8_000_000 else 8192


def shape_for(size: int, vocabulary: int) -> Shape:
    """The shape of about `size` parameters, about a layer for each 48 of its width."""
    shapes = []
    for hidden in range(HEAD, 2049, HEAD):
        layers = max(1, round(hidden / 48))
        shapes += [Shape(hidden, depth, vocabulary) for depth in range(max(1, layers - 2), layers + 3)]
    return min(shapes, key=lambda shape: (abs(shape.parameters - size), abs(shape.layers - shape.hidden / 48)))


def make_scratch(base: str, rows: Sequence[Row], *, vocabulary: int | None, context: int, seed: int) -> tuple[Any, Any]:
    """A model of random weights and its tokenizer.

    Args:
        base: `scratch:SIZE`.
        rows: whose messages' words the tokenizer is made from.
        vocabulary: tokens at most; by size when None.
        context: positions.
        seed: of the weights.
    """
    import torch  # noqa: PLC0415
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415

    size = scratch_size(base)
    tokenizer = make_tokenizer(_texts(rows), vocabulary or default_vocabulary(size))
    shape = shape_for(size, len(tokenizer))
    end = tokenizer.eos_token_id
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.hidden // HEAD,
        num_key_value_heads=shape.hidden // HEAD,
        max_position_embeddings=context,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config), tokenizer


def make_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A byte-level BPE tokenizer of at most `vocabulary` tokens, with TEMPLATE; it can write any text."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(STRATEGIES),
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    raw.add_tokens([AddedToken(strategy.value, normalized=False) for strategy in STRATEGIES])
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token=SPECIAL[0],
        pad_token=SPECIAL[1],
        additional_special_tokens=list(SPECIAL[2:]),
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = TEMPLATE
    return made


def _texts(rows: Sequence[Row]) -> list[str]:
    """Each message's words once, in order: a talk's turns come back in every row made of it."""
    found: dict[str, None] = {}
    for row in rows:
        for side in ("prompt", "completion", "chosen", "rejected"):
            found.update(dict.fromkeys(str(message["content"]) for message in row.get(side, ())))
    return list(found)
