"""One training from claim to manifest: arguments for trl's loop, resuming, saving, and every mishap told in a sentence.

What is trained on which loss is `training/sft.py`'s and `training/dpo.py`'s.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agents.chat.loading import quiet_transformers
from agents.chat.port import derive_seed
from agents.errors import InputError
from training.basing import Base, device_of, wants_bf16
from training.card import model_card
from training.configs import DataSummary, Row, TrainConfig, Trained
from training.folder import WORK, TrainingError, complete, disk_error, last_checkpoint, manifest

NOT_SETTINGS = frozenset(
    {"out", "resume", "on_progress", "lineage", "rows", "pairs", "dev", "replay", "base", "log_steps", "save_steps", "report"}
)
"""Fields of a config that do not change what is learned, or that stand in the settings as a hash."""
CHECKPOINTS = 10
"""A training saves about so many."""
TRACKERS = ("trackio", "wandb")
_CLOCK = ("_runtime", "_per_second", "total_flos", "epoch", "learning_rate")
"""Endings of figures that say nothing of what was learned."""


@dataclass(frozen=True, slots=True)
class Built:
    """A trainer that is ready, and what was found on the way."""

    trainer: Any
    watcher: Any
    base: Base
    data: DataSummary


def settings_of(config: TrainConfig, method: str, base: tuple[str, str], data: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """What makes a training the same: its settings, its base's weights, its rows."""
    kept = {field.name: getattr(config, field.name) for field in fields(config) if field.name not in NOT_SETTINGS}
    plain: dict[str, Any] = json.loads(json.dumps(kept, default=_plain))
    hashes = {name: rows_hash(rows) for name, rows in data.items()}
    return plain | {"method": method, "base": base[0], "base_stamp": base[1], **{f"{name}_sha256": value for name, value in hashes.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return hashlib.sha256(value.read_bytes()).hexdigest()[:16] if value.is_file() else value.name
    return asdict(value)


def rows_hash(rows: Sequence[Row]) -> str:
    """First 16 hex digits of the SHA-256 of rows, in their order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, default=dict).encode())
    return digest.hexdigest()[:16]


def arguments(config: TrainConfig, rows: int, **more: Any) -> dict[str, Any]:
    """Arguments that SFT and DPO share, as trl names them.

    Args:
        config: the settings.
        rows: of training data.
        more: of the one trainer.
    """
    device = device_of(config)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    micro = config.micro_batch or max(1, config.batch // processes)
    accumulation, rest = divmod(config.batch, micro * processes)
    if rest or not accumulation:
        raise InputError(
            f"batch {config.batch} is no multiple of micro_batch {micro} times {processes} processes.",
            hint="Change --batch or --micro-batch.",
        )
    _check_trackers(config.report)
    steps = config.max_steps or max(1, math.ceil(rows / config.batch) * math.ceil(config.epochs))
    return {
        "output_dir": str(config.out / WORK),
        "per_device_train_batch_size": micro,
        "per_device_eval_batch_size": max(micro, 8),
        "gradient_accumulation_steps": accumulation,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "learning_rate": config.lr,
        "warmup_steps": config.warmup,
        "lr_scheduler_type": config.schedule,
        "weight_decay": config.weight_decay,
        "bf16": wants_bf16(config, device),
        "use_cpu": device == "cpu",
        "gradient_checkpointing": config.gradient_checkpointing,
        "max_length": None,
        "seed": derive_seed(config.seed, "training") % 2**31,
        "logging_steps": config.log_steps,
        "logging_nan_inf_filter": False,
        "logging_first_step": True,
        "save_steps": config.save_steps or max(1, steps // CHECKPOINTS),
        "save_total_limit": 2,
        "report_to": list(config.report),
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": device == "cuda",
        "ddp_find_unused_parameters": False,
        "log_level": "error",
        **more,
    }


def _check_trackers(report: Sequence[str]) -> None:
    for name in report:
        if name not in TRACKERS:
            raise InputError(f"--report {name}: unknown tracker.", hint=f"Known are {', '.join(TRACKERS)}.")
        if find_spec(name) is None:
            raise InputError(f"--report {name}: it is not installed.", hint=f"pip install {name}.")


def found(config: TrainConfig) -> Trained | None:
    """The model of a folder that is complete already."""
    content = manifest(config.out)
    return _trained(config, content, found=True) if content is not None else None


def run(config: TrainConfig, settings: Mapping[str, Any], build: Callable[[], Built]) -> Trained:
    """Train, or go on, and complete the folder, which the caller has claimed.

    Raises:
        TrainingError: the loss is no number, or the memory does not suffice.
        StorageError: the disk is full; the same command goes on from the last whole checkpoint.
    """
    from transformers import PrinterCallback  # noqa: PLC0415

    began = time.monotonic()
    checkpoint = last_checkpoint(config.out) if config.resume else None
    with _told(config), quiet_training():
        built = build()
        built.trainer.remove_callback(PrinterCallback)
        built.trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        figures = dict(built.watcher.last)
        if built.trainer.eval_dataset is not None:
            figures |= {name.replace("eval_", "dev_"): value for name, value in built.trainer.evaluate().items()}
    seconds = time.monotonic() - began
    state = built.trainer.state
    content = {
        "schema": "holdspace.training/1",
        "settings": dict(settings),
        "identity": hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16],
        "base": {"name": built.base.name, "stamp": built.base.stamp},
        "lineage": dict(config.lineage),
        "data": asdict(built.data),
        "steps": state.global_step,
        "metrics": {name: value for name, value in figures.items() if not name.endswith(_CLOCK)},
        "first_metrics": built.watcher.first,
        "stopped": built.watcher.stopped,
        "seconds": round(seconds, 1),
        "versions": {name: version(name) for name in ("torch", "transformers", "trl", "peft", "datasets")},
    }
    weights = built.trainer.accelerator.get_state_dict(built.trainer.model_wrapped)  # gathered by all processes together
    if state.is_world_process_zero:
        with quiet_training():
            complete(config.out, lambda folder: _save(built, folder, weights), {"README.md": model_card(content)}, content)
    return _trained(config, content)


def _save(built: Built, folder: Path, weights: Mapping[str, Any]) -> None:
    """The model as `local:` loads it: of adapters the one that learned, not the reference."""
    model = built.trainer.accelerator.unwrap_model(built.trainer.model)
    more = {"selected_adapters": ["default"]} if hasattr(model, "peft_config") else {}
    model.save_pretrained(folder, state_dict=weights, **more)
    built.base.tokenizer.save_pretrained(folder)


def _trained(config: TrainConfig, content: Mapping[str, Any], *, found: bool = False) -> Trained:
    return Trained(
        folder=config.out,
        learner=config.learner,
        identity=content["identity"],
        steps=content["steps"],
        metrics=content["metrics"],
        data=DataSummary(**content["data"]),
        seconds=content["seconds"],
        stopped=content["stopped"],
        found=found,
    )


@contextmanager
def _told(config: TrainConfig) -> Iterator[None]:
    """What goes wrong while training, in a sentence."""
    from safetensors import SafetensorError  # noqa: PLC0415

    from agents.chat.batching import out_of_memory  # noqa: PLC0415

    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, TrainingError):
            raise
        if out_of_memory(error):
            raise TrainingError("Out of memory.", hint="Lower --micro-batch, or take --lora or --gradient-checkpointing.") from error
        if "write" in str(error) or "No space" in str(error):
            raise disk_error(config.out, error) from error
        raise
    except SafetensorError as error:
        raise disk_error(config.out, error) from error


@contextmanager
def quiet_training() -> Iterator[None]:
    """Without bars, reports and advice of the libraries: what matters of them is an error or a figure of ours."""
    import datasets  # noqa: PLC0415

    level = logging.getLogger("trl").level
    logging.getLogger("trl").setLevel(logging.ERROR)
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    bars = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        with quiet_transformers(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("trl").setLevel(level)
        if bars:
            datasets.enable_progress_bars()
        if before is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = before
