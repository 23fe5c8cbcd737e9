"""How fast training is: ours against bare trl scripts on the same token ids, and the shared prompt against trl's DPOTrainer.

    python -m benchmarks.training                      # a 5M scratch model on this machine's processor: about ten minutes
    python -m benchmarks.training --quick              # smaller, to see that it runs
    python -m benchmarks.training --run runs/NAME      # talks of your own instead of 300 rehearsed ones

Both sides get the same rows, batch, steps, number format and optimizer, take turns, and run three times; the best counts.  The bare
scripts are trl's trainers as one would write them, but for gradient checkpointing, which trl turns on and which costs it a third: it is
off for both.  For DPO the reference is computed ahead on both sides; once without and once with its time.  `cpu` is the processor's time,
which a busy machine leaves alone; `wall` is the clock.  Equality is of the loss and of all gradients of one batch, away from the reference.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from datasets import Dataset
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from agents.prompting import Prompting
from graphs.casting import with_source
from graphs.recipe import Recipe
from graphs.run import run_many
from simulator.store import read_episodes
from training import configs, dpo, sft
from training.configs import Learner, Precision, Row
from training.folder import WORK
from training.guards import Tally
from training.pair import PairKind
from training.pairing import Making, Talks, pairs_of
from training.rows import preference_row, sft_rows
from training.running import quiet_training

TRIES = 3


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one piece of work."""

    wall: float
    cpu: float

    def best(self, other: Took) -> Took:
        return Took(min(self.wall, other.wall), min(self.cpu, other.cpu))


def trained(trainer: Any) -> Took:
    """How long its steps take."""
    trainer.remove_callback(PrinterCallback)
    return timed(trainer.train)


def timed(work: Callable[[], object]) -> Took:
    """How long it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


class BareSft(SFTTrainer):  # type: ignore[misc]
    """trl's, without its telemetry."""

    def _send_telemetry(self) -> None: ...


class BareDpo(DPOTrainer):  # type: ignore[misc]
    """trl's, without its telemetry, given token ids; it would make the same from the messages."""

    def _send_telemetry(self) -> None: ...

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


def rows_of(run: Path) -> tuple[Sequence[Row], Sequence[Row], Sequence[Row]]:
    """Responder rows, planner rows and the planner's pairs of a run."""
    episodes = [episode for episode in read_episodes(run) if not episode.crisis]
    replies = [row for one in episodes for _, row in sft_rows(one.talk(), Learner.RESPONDER, prompting=Prompting.BRIEF)]
    plans = [row for one in episodes for _, row in sft_rows(one.talk(), Learner.PLANNER, prompting=Prompting.BRIEF)]
    making = Making(run.name, (PairKind.STRATEGY,), Prompting.BRIEF)
    return replies, plans, [preference_row(pair) for pair in pairs_of(episodes, making, Tally(), Talks())]


def model_of(base: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)


def plain(settings: argparse.Namespace, out: Path, **more: Any) -> dict[str, Any]:
    """Arguments of the bare scripts."""
    common = {"per_device_train_batch_size": settings.batch, "max_steps": settings.steps, "bf16": settings.bf16, "use_cpu": settings.cpu}
    quiet = {"report_to": [], "disable_tqdm": True, "save_strategy": "no", "logging_steps": 10}
    return {"output_dir": str(out), "gradient_checkpointing": False, "max_length": None, **common, **quiet, **more}


def ours(settings: argparse.Namespace, folder: Path, **more: Any) -> dict[str, Any]:
    """Settings of our trainings, which are never saved here."""
    precision = Precision.BF16 if settings.bf16 else Precision.FLOAT32
    common = {"batch": settings.batch, "max_steps": settings.steps, "save_steps": 10**6, "device": "cpu" if settings.cpu else "cuda"}
    return {"out": folder, "precision": precision, "answer_room": 60, "lr": 1e-4, **common, **more}


def sft_figures(settings: argparse.Namespace, base: Path, rows: Sequence[Row], folder: Path) -> tuple[Took, Took]:
    """Training steps of SFT: trl's, ours."""
    best: list[Took] = []
    for attempt in range(TRIES):
        config = configs.SftConfig(learner=Learner.RESPONDER, base=str(base), rows=rows, **ours(settings, folder / f"sft{attempt}"))
        (config.out / WORK).mkdir(parents=True)
        built = sft.build(config)
        examples = [built.trainer.train_dataset[place] for place in built.trainer.order][: settings.steps * settings.batch]
        columns = [_labelled(example) for example in examples]
        args = SFTConfig(**plain(settings, folder / "trl", dataset_kwargs={"skip_prepare_dataset": True}))
        bare = BareSft(
            model=model_of(base), args=args, train_dataset=Dataset.from_list(columns), processing_class=AutoTokenizer.from_pretrained(base)
        )
        both = trained(bare), trained(built.trainer)
        best = [now.best(before) for now, before in zip(both, best or both, strict=True)]
    return best[0], best[1]


def _labelled(example: dict[str, Any]) -> dict[str, list[int]]:
    prompt, answer = example["prompt_ids"], example["answer_ids"]
    return {"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer}


def dpo_figures(settings: argparse.Namespace, base: Path, pairs: Sequence[Row], folder: Path, learner: Learner) -> list[tuple[Took, Took]]:
    """DPO with trl's trainer and with ours: training steps, then the reference's log-probabilities as well."""
    best: list[tuple[Took, Took]] = []
    for attempt in range(TRIES):
        config = configs.DpoConfig(learner=learner, base=str(base), pairs=pairs, **ours(settings, folder / f"dpo{learner}{attempt}"))
        (config.out / WORK).mkdir(parents=True)
        made: dict[str, Any] = {}
        our_build = timed(lambda made=made, config=config: made.update(ours=dpo.build(config)))  # type: ignore[misc]
        examples = made["ours"].trainer.train_dataset.select_columns(["prompt_ids", "chosen_ids", "rejected_ids"])
        args = DPOConfig(**plain(settings, folder / "trl", beta=config.beta, precompute_ref_log_probs=True))
        their_build = timed(lambda made=made, args=args, examples=examples: made.update(bare=_bare(base, args, examples)))  # type: ignore[misc]
        train = trained(made["bare"]), trained(made["ours"].trainer)
        builds = their_build, our_build
        whole = [Took(a.wall + b.wall, a.cpu + b.cpu) for a, b in zip(train, builds, strict=True)]
        now = [train, (whole[0], whole[1])]
        best = [(a.best(c), b.best(d)) for (a, b), (c, d) in zip(now, best or now, strict=True)]
    return best


def _bare(base: Path, args: DPOConfig, examples: Any) -> Any:
    return BareDpo(model=model_of(base), args=args, train_dataset=examples, processing_class=AutoTokenizer.from_pretrained(base))


def equality(settings: argparse.Namespace, base: Path, pairs: Sequence[Row], folder: Path, dtype: Any) -> tuple[float, float, float]:
    """Largest difference of loss and of gradients on batches of real pairs, and the largest gradient."""
    exact = argparse.Namespace(**{**vars(settings), "bf16": False})
    config = configs.DpoConfig(
        learner=Learner.PLANNER, base=str(base), pairs=pairs[: 4 * settings.batch], **ours(exact, folder / f"equal{dtype}")
    )
    (config.out / WORK).mkdir(parents=True)
    built = dpo.build(config)
    args = DPOConfig(**plain(exact, folder / "trl", beta=config.beta, precompute_ref_log_probs=True))
    names = ["prompt_ids", "chosen_ids", "rejected_ids"]
    bare = _bare(base, args, built.trainer.train_dataset.select_columns(names))
    for trainer in (built.trainer, bare):
        trainer.model.to(dtype)
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for weight in trainer.model.parameters():
                weight.add_((0.02 * torch.randn(weight.shape, generator=generator)).to(weight.device))
    lost = differ = largest = 0.0
    for start in range(0, len(built.trainer.train_dataset), settings.batch):
        found = [_one(trainer, start, settings.batch) for trainer in (built.trainer, bare)]
        lost = max(lost, abs(found[0][0] - found[1][0]))
        differ = max(differ, *(float((a - b).abs().max()) for a, b in zip(found[0][1], found[1][1], strict=True)))
        largest = max(largest, *(float(b.abs().max()) for b in found[1][1]))
    return lost, differ, largest


def _one(trainer: Any, start: int, batch: int) -> tuple[float, list[Any]]:
    some = [trainer.train_dataset[place] for place in range(start, min(start + batch, len(trainer.train_dataset)))]
    inputs = {name: _moved(value, trainer.model.device) for name, value in trainer.data_collator(some).items()}
    trainer.model.zero_grad()
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, inputs)
    loss.backward()
    return float(loss.detach()), [weight.grad.clone() for weight in trainer.model.parameters() if weight.grad is not None]


def _moved(value: Any, device: Any) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value


def main() -> None:
    """Make talks and a model, measure, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--size", default="scratch:5m")
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 leaves it to torch")
    parser.add_argument("--quick", action="store_true")
    settings = parser.parse_args()
    if settings.quick:
        settings.size, settings.steps, settings.batch = "scratch:500k", 4, 8
    if settings.threads:
        torch.set_num_threads(settings.threads)
    settings.cpu = not torch.cuda.is_available()
    settings.bf16 = torch.cpu._is_avx512_bf16_supported() if settings.cpu else torch.cuda.is_bf16_supported()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run = settings.run or folder / "run"
        if settings.run is None:
            asyncio.run(run_many(with_source(Recipe(seed=3)), run, episodes=40 if settings.quick else 300))
        with quiet_training():
            measure(settings, run, folder)


def measure(settings: argparse.Namespace, run: Path, folder: Path) -> None:
    """All figures of one run."""
    replies, plans, pairs = rows_of(run)
    some = {**ours(settings, folder / "m0"), "max_steps": 2}
    first = configs.SftConfig(learner=Learner.PLANNER, base=settings.size, rows=plans, context=settings.context, **some)
    base = sft.train_sft(first).folder
    few = pairs[: settings.steps * settings.batch]
    size = sum(weight.numel() for weight in model_of(base).parameters())
    kind = "bf16" if settings.bf16 else "float32"
    table = Table(title=f"{size / 1e6:.1f}M parameters, {kind}, batch {settings.batch}, {settings.steps} steps, {len(few)} pairs")
    for column in ("what", "trl wall s", "ours wall s", "ratio", "trl cpu s", "ours cpu s", "ratio", "goal"):
        table.add_column(column, justify="left" if column == "what" else "right")
    _row(table, "SFT responder, steps", *sft_figures(settings, base, replies, folder), "0.95")
    steps, whole = dpo_figures(settings, base, few, folder, Learner.PLANNER)
    _row(table, "DPO planner, shared prompt, steps", *steps, "1.8")
    _row(table, "... and its reference", *whole, "1.8")
    steps, whole = dpo_figures(settings, base, few, folder, Learner.RESPONDER)
    _row(table, "the same pairs, prompt not shared, steps", *steps, "0.95")
    _row(table, "... and its reference", *whole, "0.95")
    console = Console(width=140)
    console.print(table)
    for dtype in (torch.float32, torch.float64):
        lost, differ, largest = equality(settings, base, few, folder, dtype)
        told = f"loss differs by {lost:.1e}, gradients by {differ:.1e} (the largest is {largest:.1e})"
        console.print(f"Shared prompt against trl, {str(dtype)[6:]}: {told}; goal 1e-4", highlight=False)


def _row(table: Table, what: str, theirs: Took, mine: Took, goal: str) -> None:
    walls = f"{theirs.wall:.1f}", f"{mine.wall:.1f}", f"{theirs.wall / mine.wall:.2f}"
    table.add_row(what, *walls, f"{theirs.cpu:.1f}", f"{mine.cpu:.1f}", f"{theirs.cpu / mine.cpu:.2f}", goal)


if __name__ == "__main__":
    main()
