"""Weights from a folder or the hub: base models once a process, LoRA adapters onto the base they share, each mistake told in one sentence.

A `local:` spec names a model, or an adapter, whose base stands in its adapter_config.json or after an `@`.  Nothing is downloaded that a
folder holds, and no code of a model's repository runs unless it is asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from agents.chat.batching import Engine, out_of_memory
from agents.chat.templating import Template
from agents.errors import InputError

_ROWS = {"cpu": 64, "cuda": 256, "mps": 64}
"""Texts under way at once, at most."""
_BLOCKS, _BLOCK = 16, 4096
"""How many blocks of a weights file, of how many bytes, are hashed: training changes every one of them."""


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """How local models are loaded."""

    device: str = "auto"
    """`auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`, `mps`."""
    trust_remote_code: bool = False
    """Whether code that comes with a model may run."""
    chat_template: str | None = None
    """A file with a Jinja chat template, for models that have none."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to be asked."""

    engine: Engine
    adapter: str | None
    template: Template
    ends: frozenset[int]
    spec: str
    """For records: a path is cut to its last part."""
    identity: str
    """The spec and a hash of the weights: the same on every machine, another after training."""


def load(spec: str, options: LocalOptions) -> Loaded:
    """The model of a `local:` spec.  Two specs on one base share its weights.

    Raises:
        InputError: torch is not installed, or the spec names nothing that can be loaded; says what to do.
    """
    _need_torch(spec)
    name, _, base = spec.partition(":")[2].partition("@")
    if Path(f"{name}@{base}").is_dir():
        name, base = f"{name}@{base}", ""
    name = _found(name, spec)
    config = _adapter_config(name, spec)
    if config is None and base:
        raise InputError(f"{spec}: {name} is no adapter (no adapter_config.json).", hint="Give local:ADAPTER@BASE, or leave the @BASE out.")
    base = _found(base or str(config["base_model_name_or_path"]), spec) if config is not None else name
    stamps = weights_stamp(name), weights_stamp(base)
    with _told(spec, base), quiet_transformers():
        engine = _engine(base, stamps[1], options)
    adapter = _adapter(engine, name, stamps[0], base, spec) if config is not None else None
    template = _template(name if any(Path(name).glob("tokenizer*")) else base, spec, _short(name), _limit(engine.model), options, stamps)
    own = engine.model.generation_config.eos_token_id
    ends = template.ends() | frozenset([own] if isinstance(own, int) else own or [])
    stamp = hashlib.sha256(f"{stamps}{template.fingerprint}".encode()).hexdigest()[:12]
    return Loaded(engine, adapter, template, ends, _short(name), f"{_short(name)}#{stamp}")


def _short(name: str) -> str:
    """The spec as records have it."""
    return f"local:{Path(name).resolve().name if Path(name).is_dir() else name}"


_ENGINES: WeakValueDictionary[tuple[str, str, LocalOptions], Engine] = WeakValueDictionary()
"""Those that some chat still uses: weights that nobody sits on any more are freed."""


def _engine(base: str, stamp: str, options: LocalOptions) -> Engine:
    """The base's weights and their thread, made once; the stamp stands for the folder's content."""
    import torch  # noqa: PLC0415
    from transformers import AutoModelForCausalLM  # noqa: PLC0415

    if (known := _ENGINES.get((base, stamp, options))) is not None:
        return known
    device = options.device if options.device != "auto" else _best_device()
    kind = device.partition(":")[0]
    dtype = torch.float32 if kind == "cpu" else torch.bfloat16
    model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, trust_remote_code=options.trust_remote_code)
    model.to(device).eval()
    engine = _ENGINES[base, stamp, options] = Engine(model, most_rows=_ROWS.get(kind, 64))
    return engine


def _adapter(engine: Engine, name: str, stamp: str, base: str, spec: str) -> str:
    """Load an adapter onto its base, once; returns the name it has there."""
    from safetensors import SafetensorError  # noqa: PLC0415  comes with transformers

    if (known := engine.adapters.get(f"{name} {stamp}")) is not None:
        return known
    made = f"seat{len(engine.adapters)}"
    other = InputError(
        f"{spec}: the adapter was not made for {Path(base).name}.", hint="Give the base it was trained on: local:ADAPTER@BASE."
    )
    with engine.lock, quiet_transformers():
        try:
            told = engine.model.load_adapter(name, adapter_name=made)
        except ImportError as error:
            raise InputError(f"{spec}: adapters need peft.", hint="pip install 'holdspace[train]'.") from error
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            if out_of_memory(error):
                raise _too_large(spec) from error
            _unload(engine.model, made)
            if isinstance(error, OSError | SafetensorError):
                raise InputError(f"{spec}: the adapter's weights can't be read.", hint="Give a folder that peft has saved.") from error
            raise other from error
        finally:
            engine.unsettle()
        missing = [key for key in told.missing_keys if f".{made}." in key]  # it lists the other adapters' weights, too
        if missing or told.unexpected_keys:
            _unload(engine.model, made)
            raise other
        engine.model.eval()
    engine.adapters[f"{name} {stamp}"] = made
    return made


def _unload(model: Any, adapter: str) -> None:
    """Take what a failed loading has put into the shared base out again."""
    if adapter in getattr(model, "peft_config", {}):
        model.delete_adapter(adapter)


@lru_cache(maxsize=8)
def _template(where: str, spec: str, short: str, limit: int | None, options: LocalOptions, stamps: tuple[str, str]) -> Template:
    """The tokenizer of a folder or a hub's model, with the chat template of the options; the stamps stand for the folders' content."""
    from transformers import AutoTokenizer  # noqa: PLC0415

    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(where, trust_remote_code=options.trust_remote_code)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"{spec}: {where} has no tokenizer that can be loaded.", hint="Save it beside the weights (tokenizer.json)."
        ) from error
    if options.chat_template is not None:
        try:
            tokenizer.chat_template = Path(options.chat_template).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--chat-template {options.chat_template} can't be read.", hint="Give a Jinja file.") from error
    return Template(tokenizer, spec, short, limit)


def _found(name: str, spec: str) -> str:
    """The name, if it is a folder or may be one of the hub."""
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    looks = name.startswith((".", "/", "~")) or name.count("/") != 1 or path.parent.is_dir()
    if not name or looks:
        raise InputError(f"{spec}: there is no folder {name or '(none)'}.", hint="Give a folder of a model, or OWNER/NAME of the hub.")
    return name


def _adapter_config(name: str, spec: str) -> dict[str, Any] | None:
    """The adapter_config.json of a folder, or None when it is no adapter's; one on the hub must be downloaded first."""
    path = Path(name) / "adapter_config.json"
    if not path.is_file():
        return None
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        config["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{spec}: its adapter_config.json names no base.", hint="Give local:ADAPTER@BASE.") from error
    return config


def _limit(model: Any) -> int | None:
    """Tokens of the context, where the model says."""
    found = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    return int(found) if found else None


def weights_stamp(name: str) -> str:
    """Of a folder's configuration and of blocks of its weights; of the name for a model of the hub."""
    folder, digest = Path(name), hashlib.sha256()
    if not folder.is_dir():
        return name
    for path in sorted(
        [
            *folder.glob("*.safetensors"),
            *folder.glob("*.bin"),
            *folder.glob("config.json"),
            *folder.glob("tokenizer*"),
            *folder.glob("chat_template*"),
        ]
    ):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            for block in range(_BLOCKS):
                file.seek(size * block // _BLOCKS)
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()


def _best_device() -> str:
    import torch  # noqa: PLC0415

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def calm_threads() -> None:
    """Let torch's threads sleep while they wait: on processors that others use, too, spinning ones make it 20 times slower (measured).
    Has no effect once torch is imported; an OMP_WAIT_POLICY of the environment's own stands."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _need_torch(spec: str) -> None:
    calm_threads()
    try:
        import torch  # noqa: F401, PLC0415
        import transformers  # noqa: F401, PLC0415
    except ImportError as error:
        raise InputError(f"{spec}: local models need torch and transformers.", hint="pip install 'holdspace[train]'.") from error


@contextmanager
def _told(spec: str, base: str) -> Iterator[None]:
    """What goes wrong while a base is loaded, in a sentence."""
    from safetensors import SafetensorError  # noqa: PLC0415  comes with transformers

    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, MemoryError, SafetensorError) as error:
        if out_of_memory(error):
            raise _too_large(spec) from error
        if "trust_remote_code" in str(error):
            raise InputError(f"{spec}: this model brings code of its own.", hint="Pass --trust-remote-code if you have read it.") from error
        first = str(error).strip().partition("\n")[0][:160].rstrip(".")
        raise InputError(f"{spec}: {base} can't be loaded: {first}.", hint="Give a folder with config.json and weights.") from error


def _too_large(spec: str) -> InputError:
    return InputError(f"{spec}: out of memory while loading.", hint="Take a smaller model, or another --device.")


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without transformers' bars and reports: what matters of them is told as an error."""
    from transformers.utils import logging  # noqa: PLC0415

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
