"""Tiny models for tests: Llama-shaped with random weights, a byte-level tokenizer trained on a few lines, LoRA adapters.  No network.

Tests that use them skip where torch, transformers or peft are not installed (the extra `train`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STRICT = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant.') }}{% endif %}"
    "{% if message.role == 'user' %}[INST] {{ message.content }} [/INST]{% else %} {{ message.content }}</s>{% endif %}{% endfor %}"
)
"""Llama 2's manners: no system side, the user first, in turn."""
LINES = (
    "I lost my job and I feel so alone.", "That sounds really hard; what has been the worst part of it?", "Question", "Others",
    "Restatement or Paraphrasing", "Reflection of feelings", "Self-disclosure", "Affirmation and Reassurance", "Providing Suggestions",
    "Information", "I hear you. You choose the one strategy for the supporter's next reply.",
)  # fmt: skip


def need_torch() -> None:
    """Skip the module where the extra `train` is not installed; one thread, since threads only cost time in models this small."""
    for name in ("transformers", "peft"):
        pytest.importorskip(name)
    pytest.importorskip("torch").set_num_threads(1)


def tiny_model(
    folder: Path, *, template: str | None = CHATML, hidden: int = 64, layers: int = 2, context: int = 4096, seed: int = 0, **config: object
) -> Path:
    """A Llama-shaped model of random weights in `folder`, with a byte-level BPE tokenizer; its turn ends with `<|im_end|>`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer(template)
    torch.manual_seed(seed)
    settings: dict[str, object] = {
        "vocab_size": len(tokenizer),
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 2 * hidden,
        "initializer_range": 0.2,
    } | config
    shape = LlamaConfig(
        hidden_size=hidden,
        num_hidden_layers=layers,
        max_position_embeddings=context,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        **settings,
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer(template: str | None = CHATML):  # type: ignore[no-untyped-def]
    """A byte-level BPE tokenizer of about 400 tokens, with ChatML's special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<s>", "<|im_end|>", "<|im_start|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    raw.train_from_iterator(LINES, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="<|im_end|>", additional_special_tokens=["<|im_start|>"]
    )
    made.chat_template = template
    return made


def tiny_adapter(folder: Path, base: Path, *, seed: int = 1, name: str | None = None) -> Path:
    """A LoRA adapter with weights large enough to change what the base says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    lora = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    adapted = get_peft_model(model, lora)
    adapted.peft_config["default"].base_model_name_or_path = name or str(base)
    adapted.save_pretrained(folder)
    return folder
