"""The folder of a model in training: claimed by one process, gone on with after a kill, complete when its manifest stands there.

    OUT/  config.json, model.safetensors (or adapter_*), tokenizer.json, chat_template.jinja   the model, as `local:OUT` loads it
          training.json    the manifest, written last: what made this model
          README.md        the card, for people
          metrics.jsonl    figures by step
          work/            scratch base and checkpoints; gone when the model is complete

Nothing here knows how training works.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.errors import HoldspaceError, InputError, StorageError

MANIFEST = "training.json"
METRICS = "metrics.jsonl"
WORK = "work"
CLAIM = "claim.json"
WHOLE = "whole"
LOCK = ".lock"


class TrainingError(HoldspaceError, RuntimeError):
    """Training itself failed: a loss that is no number, out of memory.  Checkpoints that were whole stay whole."""

    boundary = "training"


@contextmanager
def claimed(out: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold a folder for one training.

    Args:
        out: made when missing.
        settings: what makes this training; another one's folder is refused, with the key that differs.

    Raises:
        InputError: in use by another process, or of another training, or full of something else.
        StorageError: it can't be written.
    """
    if not first_process():  # the first one of a launch has the claim for all
        yield
        return
    with _locked(out):
        claim = out / WORK / CLAIM
        known = manifest(out) or _read(claim)
        if known is not None:
            if (what := _difference(known["settings"], settings)) is not None:
                raise InputError(f"{out} holds another training: {what}.", hint="Choose another --out, or the old settings.")
        elif any(out.glob("*.safetensors")):
            raise InputError(f"{out} holds a model that holdspace did not train.", hint="Choose another --out.")
        else:
            (out / WORK).mkdir(exist_ok=True)
            write_json(claim, {"settings": dict(settings)})
        yield


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{out} can't be written: {error.strerror}.", hint="Choose another --out.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{out} is in use by another holdspace.", hint="Wait for it, or choose another --out.") from error
        yield
    finally:
        os.close(lock)


def first_process() -> bool:
    """Whether this process is the first of those that `accelerate launch` has started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def manifest(out: Path) -> dict[str, Any] | None:
    """The manifest of a complete model; None when there is none."""
    return _read(out / MANIFEST)


def last_checkpoint(out: Path) -> Path | None:
    """The newest whole checkpoint; torn ones are deleted, for nothing could be made of them."""
    whole = []
    for folder in (out / WORK).glob("checkpoint-*"):
        if (folder / WHOLE).exists():
            whole.append(folder)
        elif first_process():
            shutil.rmtree(folder, ignore_errors=True)
    return max(whole, key=lambda folder: int(folder.name.partition("-")[2]), default=None)


def complete(out: Path, save: Callable[[Path], None], texts: Mapping[str, str], content: Mapping[str, Any]) -> None:
    """Put the model into its folder, all or nothing: into a folder beside first, then file by file, the manifest last.

    Raises:
        StorageError: a full disk; checkpoints stay, and the same command goes on from them.
    """
    ready = out / WORK / "ready"
    try:
        shutil.rmtree(ready, ignore_errors=True)
        ready.mkdir(parents=True)
        save(ready)
        for name, text in texts.items():
            (ready / name).write_text(text, encoding="utf-8")
        for path in sorted(ready.iterdir()):
            os.replace(path, out / path.name)
        write_json(out / MANIFEST, content)
    except OSError as error:
        raise disk_error(out, error) from error
    shutil.rmtree(out / WORK, ignore_errors=True)


def disk_error(out: Path, error: BaseException) -> StorageError:
    """A failed write in a sentence."""
    told = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return StorageError(f"{out} can't be written: {told}.", hint="Free some space and run the same command again; it goes on.")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read.", hint="Choose another --out.") from error
    if not isinstance(content, dict) or not isinstance(content.get("settings"), dict):
        raise InputError(f"{path} is not a training's.", hint="Choose another --out.")
    return content


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """The first key that differs, as `key was x, is y`."""
    for key in sorted({*old, *new}):
        if old.get(key) != json.loads(json.dumps(new.get(key))):
            return f"{key} was {old.get(key)!r}, is {new.get(key)!r}"
    return None
