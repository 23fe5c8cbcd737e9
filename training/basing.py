"""The model that a training begins with: made from scratch, a folder, an adapter on its base, or a name of the hub.

Each mistake is told in one sentence.  Nothing is downloaded that a folder holds, and no code of a model's repository runs.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.chat.loading import calm_threads, quiet_transformers, weights_stamp
from agents.errors import InputError
from training.configs import LoraSettings, Precision, SftConfig, TrainConfig
from training.scratch import is_scratch, make_scratch

NEED = "pip install 'holdspace[train]'"


@dataclass(frozen=True, slots=True)
class Base:
    """What is trained."""

    model: Any
    tokenizer: Any
    name: str
    """For records: of a folder only its name."""
    stamp: str
    """Hash of the weights, or of what a scratch model is made from."""
    adapted: bool
    """It is an adapter on a base already."""


def need_training() -> None:
    """Raise InputError where the extra `train` is not installed."""
    calm_threads()
    try:
        import datasets  # noqa: F401, PLC0415
        import peft  # noqa: F401, PLC0415
        import torch  # noqa: F401, PLC0415
        import trl  # noqa: F401, PLC0415
    except ImportError as error:
        raise InputError(f"Training needs {error.name}.", hint=f"{NEED}.") from error


def base_identity(base: str) -> tuple[str, str]:
    """Name for records and stamp of a base's weights, without loading it; raises InputError when there is no such folder."""
    if is_scratch(base):
        return base.lower(), ""
    name, _, under = base.partition("@") if not Path(base).is_dir() else (base, "", "")
    parts = [part for part in (name, under) if part]
    for part in parts:
        path = Path(part).expanduser()
        if not path.is_dir() and (part.startswith((".", "/", "~")) or part.count("/") != 1 or path.parent.is_dir()):
            raise InputError(
                f"--base {base}: there is no folder {part}.", hint="Give a model's folder, OWNER/NAME of the hub, or scratch:10m."
            )
    names = [Path(part).expanduser().resolve().name if Path(part).expanduser().is_dir() else part for part in parts]
    return "@".join(names), "/".join(weights_stamp(str(Path(part).expanduser())) for part in parts)


def load_base(config: TrainConfig, made: Path) -> Base:
    """Load or make the base.

    Args:
        config: names it.
        made: folder in which a scratch model is kept while it is trained, so that a resumed training has the same.

    Raises:
        InputError: it can't be loaded, has no chat template, or is an adapter of another base.
    """
    need_training()
    name, stamp = base_identity(config.base)
    if is_scratch(config.base):
        if not isinstance(config, SftConfig):
            raise InputError(
                f"--base {config.base}: preferences need a model that speaks.", hint="Give the folder that holdspace sft made."
            )
        if config.lora is not None:
            raise InputError(f"--base {config.base}: an adapter needs a base that stays.", hint="Leave --lora out: all weights learn.")
        if os.environ.get("WORLD_SIZE", "1") != "1":
            hint = "Make it with --steps 1 in one process, and give that folder as the base."
            raise InputError(f"--base {config.base}: several processes can't make one model.", hint=hint)
        if not (made / "tokenizer.json").exists():
            _make(config, config.rows, made)
        return Base(*_loaded(str(made), config), name, stamp, False)
    source, _, under = config.base.partition("@") if not Path(config.base).is_dir() else (config.base, "", "")
    folder = Path(source).expanduser()
    if (folder / "adapter_config.json").is_file():
        return Base(*_adapter(folder, under, config), name, stamp, True)
    model, tokenizer = _loaded(str(folder) if folder.is_dir() else source, config, frozen=config.lora is not None)
    return Base(model, _templated(tokenizer, config), name, stamp, False)


def _make(config: SftConfig, rows: Any, made: Path) -> None:
    """Make a scratch model and keep it; the tokenizer is written last and says that it is whole."""
    model, tokenizer = make_scratch(config.base, rows, vocabulary=config.vocabulary, context=config.context, seed=config.seed)
    made.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(made)
    tokenizer.save_pretrained(made)


def _loaded(name: str, config: TrainConfig, *, frozen: bool = False) -> tuple[Any, Any]:
    """Model and tokenizer.  Weights that learn are float32; those that an adapter only reads are bf16 where a GPU computes in it."""
    import torch  # noqa: PLC0415
    from safetensors import SafetensorError  # noqa: PLC0415
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    device = device_of(config)
    dtype = torch.bfloat16 if frozen and device == "cuda" and wants_bf16(config, device) else torch.float32
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(name)
            return AutoModelForCausalLM.from_pretrained(name, dtype=dtype), tokenizer
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        first = str(error).strip().partition("\n")[0][:160].rstrip(".")
        raise InputError(
            f"--base {config.base} can't be loaded: {first}.", hint="Give a folder with config.json, weights and a tokenizer."
        ) from error


def _adapter(folder: Path, under: str, config: TrainConfig) -> tuple[Any, Any]:
    """An adapter that goes on learning, on the base it was made for."""
    from peft import PeftModel  # noqa: PLC0415
    from safetensors import SafetensorError  # noqa: PLC0415

    if config.lora is not None:
        raise InputError(f"--base {config.base} is an adapter already.", hint="Leave --lora out: the adapter itself goes on learning.")
    try:
        below = under or json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"--base {config.base}: its adapter_config.json names no base.", hint="Give ADAPTER@BASE.") from error
    model, tokenizer = _loaded(str(below), config, frozen=True)
    other = InputError(
        f"--base {config.base}: the adapter was not made for {Path(below).name}.", hint="Give the base it was trained on: ADAPTER@BASE."
    )
    try:
        with quiet_transformers():
            adapted = PeftModel.from_pretrained(model, str(folder), is_trainable=True)
            told = adapted.load_adapter(str(folder), adapter_name="default", is_trainable=True)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise other from error
    if told.unexpected_keys or any(".default." in key for key in told.missing_keys):
        raise other
    if any(folder.glob("tokenizer*")):
        tokenizer = _tokenizer(folder, config)
    return adapted, _templated(tokenizer, config)


def _tokenizer(folder: Path, config: TrainConfig) -> Any:
    from transformers import AutoTokenizer  # noqa: PLC0415

    try:
        with quiet_transformers():
            return AutoTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"--base {config.base}: {folder} has no tokenizer that can be loaded.", hint="Save one beside the weights."
        ) from error


def _templated(tokenizer: Any, config: TrainConfig) -> Any:
    """With the chat template of the settings, where they name one."""
    if config.chat_template is not None:
        try:
            tokenizer.chat_template = config.chat_template.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--chat-template {config.chat_template} can't be read.", hint="Give a Jinja file.") from error
    return tokenizer


def lora_config(settings: LoraSettings) -> Any:
    """As peft has it."""
    from peft import LoraConfig  # noqa: PLC0415

    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets) or "all-linear",
        task_type="CAUSAL_LM",
    )


def device_of(config: TrainConfig) -> str:
    """`cuda`, `mps` or `cpu`; raises InputError for a device that this machine has not."""
    import torch  # noqa: PLC0415

    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if config.device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if has[name])
    kind = config.device.partition(":")[0]
    if not has.get(kind, False):
        raise InputError(f"--device {config.device}: this machine has none.", hint="Leave it out, or give --device cpu.")
    return kind


def wants_bf16(config: TrainConfig, device: str) -> bool:
    """Whether to compute in bf16; raises InputError where it is asked for and the machine would only imitate it."""
    import torch  # noqa: PLC0415

    if device == "cuda":
        can = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        can = device == "cpu" and torch.cpu._is_avx512_bf16_supported()
    if config.precision is Precision.BF16 and not can:
        raise InputError("precision bf16: this machine does not have it.", hint="Leave --precision out, or give float32.")
    return can and config.precision is not Precision.FLOAT32
