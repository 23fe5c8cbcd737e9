"""How fast `local:` is: many talks at once, one at a time, and one bare batched `model.generate`; `choose` against eight scorings.

    python -m benchmarks.local                      # about 10M parameters on this machine's processor: about three minutes
    python -m benchmarks.local --quick              # smaller, to see that it runs
    python -m benchmarks.local --shape 7b --talks 1 32 256   # random weights on a GPU, bf16; needs 16 GB of disk

All figures are of one run on one machine; only their ratios mean anything elsewhere.  Weights are random, so what is written is nonsense
and nearly every text is as long as it may be.  The benchmark makes its model and goes nowhere for it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from agents.chat.loading import LocalOptions, load
from agents.chat.local import LocalChat
from agents.chat.port import Message, Request, Role, Sampling
from agents.chat.rolling import padded
from agents.words import STRATEGIES
from tests.models import LINES, tiny_model

SHAPES: dict[str, dict[str, Any]] = {
    "10m": {"hidden": 256, "layers": 10, "intermediate_size": 704, "num_attention_heads": 8, "num_key_value_heads": 4},
    "7b": {"hidden": 4096, "layers": 32, "intermediate_size": 14_336, "num_attention_heads": 32, "num_key_value_heads": 8},
}
VOCABULARY = {"10m": 8192, "7b": 128_256}
LABELS = [strategy.value for strategy in STRATEGIES]
CHOICE_TURNS = 19
"""Turns of a talk in which a strategy is chosen: about the tokens that a real tokenizer makes of the planner's prompt and a short talk."""
TRIES = 3
"""Each figure is the best of so many: whatever else the machine does only makes it worse."""
BANDWIDTH_GB = 4800
"""Of an H200, for the limit that memory sets: every step reads all weights."""


def requests(count: int, turns: int) -> list[Request]:
    """Talks of different lengths: `turns` turns, half of them one less or more."""
    made = []
    for seed in range(count):
        lines = [LINES[(seed + place) % 3] for place in range(turns - 1 + 2 * (seed % 2))]
        messages = [Message(role=("user", "assistant")[place % 2], content=line) for place, line in enumerate(lines)]
        system = Message(role="system", content="You are a supporter. Answer in a sentence or two.")
        made.append(Request(Role.RESPONDER, "responder", (system, *messages), "f", seed))
    return made


def timed(work: Callable[[], int]) -> float:
    """Tokens a second of a piece of work that returns how many it wrote."""
    found = []
    for _ in range(TRIES):
        start = time.perf_counter()
        found.append(work() / (time.perf_counter() - start))
    return max(found)


def at_once(chat: LocalChat, asked: Sequence[Request]) -> int:
    """Tokens written for all requests, asked together."""

    async def ask() -> int:
        return sum(answer.usage.completion_tokens for answer in await asyncio.gather(*map(chat.complete, asked)))

    return asyncio.run(ask())


def bare(chat: LocalChat, spec: str, asked: Sequence[Request], sampling: Sampling) -> int:
    """Tokens of one `model.generate` over the same prompts."""
    loaded = load(spec, LocalOptions())
    model = loaded.engine.model
    ids, mask = padded([loaded.template.ids(loaded.template.prompt(one.messages)) for one in asked], model.device)
    how = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0, "max_new_tokens": sampling.max_tokens}
    with torch.inference_mode():
        written = model.generate(ids, attention_mask=mask, do_sample=True, eos_token_id=sorted(loaded.ends), pad_token_id=0, **how)
    return int((written[:, ids.shape[1] :] != 0).sum())


def choices(chat: LocalChat, asked: Sequence[Request]) -> int:
    """Choices made, asked together."""

    async def ask() -> int:
        return len(await asyncio.gather(*(chat.choose(one, LABELS) for one in asked)))

    return asyncio.run(ask())


def eight_scorings(spec: str, asked: Sequence[Request]) -> int:
    """Choices made by eight forward passes of prompt and label, one after another, as one would write it first."""
    loaded = load(spec, LocalOptions())
    model, template = loaded.engine.model, loaded.template
    for one in asked:
        prompt = template.prompt(one.messages)
        for label in LABELS:
            ids = torch.tensor([template.ids(prompt + label)], device=model.device)
            with torch.inference_mode():
                tail = len(template.ids(label))
                logs = model(ids, logits_to_keep=tail + 1).logits[0, :-1].float().log_softmax(-1)
                float(logs.gather(1, ids[0, -tail:, None]).sum())
    return len(asked)


def main() -> None:
    """Make the model, measure, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shape", choices=sorted(SHAPES), default="10m")
    parser.add_argument("--talks", type=int, nargs="+", default=[32])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--quick", action="store_true")
    settings = parser.parse_args()
    if settings.quick:
        settings.talks, settings.tokens = [8], 16
    with tempfile.TemporaryDirectory() as folder:
        shape: dict[str, Any] = SHAPES[settings.shape] | {"initializer_range": 0.02, "vocab_size": VOCABULARY[settings.shape]}
        tiny_model(Path(folder) / "model", **shape)
        measure(f"local:{folder}/model", settings)


def measure(spec: str, settings: argparse.Namespace) -> None:
    """All figures of one model."""
    sampling = Sampling(max_tokens=settings.tokens)
    chat = LocalChat(spec, dict.fromkeys(Role, sampling))
    model = load(spec, LocalOptions()).engine.model
    at_once(chat, requests(2, settings.turns))
    size = sum(weight.numel() for weight in model.parameters())
    prompt = chat_tokens(spec, requests(8, settings.turns))
    table = Table(title=f"{size / 1e6:.1f}M parameters on {model.device}, prompts of {prompt} tokens, {settings.tokens} written")
    for column in ("what", "figure", "ratio", "goal"):
        table.add_column(column)
    alone = timed(lambda: sum(at_once(chat, [one]) for one in requests(min(4, settings.talks[0]), settings.turns)))
    table.add_row("one at a time", f"{alone:,.0f} tokens/s", "1.0", "")
    for talks in settings.talks:
        asked = requests(talks, settings.turns)
        ours, plain = timed(lambda asked=asked: at_once(chat, asked)), timed(lambda asked=asked: bare(chat, spec, asked, sampling))  # type: ignore[misc]
        table.add_row(f"{talks} at once", f"{ours:,.0f} tokens/s", f"{ours / alone:.1f} x one at a time", "6 (of 32)")
        table.add_row(f"bare generate of {talks}", f"{plain:,.0f} tokens/s", f"ours is {ours / plain:.2f} of it", "0.8")
        if model.device.type == "cuda":
            limit = talks * BANDWIDTH_GB * 1e9 / (2 * size)
            table.add_row(f"memory limit of {talks}", f"{limit:,.0f} tokens/s", f"ours is {ours / limit:.2f} of it", "")
    asked = requests(8, CHOICE_TURNS)
    eight = timed(lambda: eight_scorings(spec, asked))
    single, many = timed(lambda: sum(choices(chat, [one]) for one in asked)), timed(lambda: choices(chat, asked))
    table.add_row(f"eight scorings, {chat_tokens(spec, asked)} tokens", f"{1e3 / eight:.1f} ms a choice", "1.0", "")
    table.add_row("choose, one at a time", f"{1e3 / single:.1f} ms", f"{single / eight:.1f} times as fast", "5")
    table.add_row("choose, 8 at once", f"{1e3 / many:.1f} ms", f"{many / eight:.1f} times as fast", "5")
    Console().print(table)


def chat_tokens(spec: str, asked: Sequence[Request]) -> int:
    """Tokens of a prompt on average."""
    template = load(spec, LocalOptions()).template
    return sum(len(template.ids(template.prompt(one.messages))) for one in asked) // len(asked)


if __name__ == "__main__":
    main()
