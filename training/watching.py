"""What watches a training: figures to `metrics.jsonl`, progress to whoever listens, and the two reasons to end early.

A loss that is no number ends it as an error, before anything of it is saved.  Chosen answers that lose likelihood while margins rise end it
in good order (REFERENCE.md, section 7): the model then learns to dislike the rejected, not to say the chosen.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from training.configs import Progress
from training.folder import WHOLE, TrainingError, disk_error

PATIENCE = 3
"""Logs in a row that must say the same before it ends."""


class Watcher(TrainerCallback):  # type: ignore[misc]  # transformers may be absent where this is checked
    """Writes each log as a line and keeps the last figures.

    Args:
        path: of the lines; those after the resumed step, written by a life that was killed, are dropped.
        stop_fall: as in DpoConfig.
        on_progress: told of each log.
    """

    def __init__(self, path: Path, *, stop_fall: float = 0.0, on_progress: Callable[[Progress], None] | None = None) -> None:
        self.path, self.stop_fall, self.on_progress = path, stop_fall, on_progress
        self.last: dict[str, float] = {}
        self.first: dict[str, float] = {}
        self.stopped = ""
        self._falls = 0
        self._margin = -math.inf
        self._began = time.monotonic()

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        self._began = time.monotonic()
        if state.is_world_process_zero:
            _keep_until(self.path, state.global_step)

    def on_log(self, _args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **_: Any) -> None:
        figures = {name: float(value) for name, value in (logs or {}).items() if isinstance(value, int | float)}
        for name in ("loss", "grad_norm"):
            if not math.isfinite(figures.get(name, 0.0)):
                raise TrainingError(
                    f"{name} is {figures[name]} at step {state.global_step}; nothing of it was saved.",
                    hint="Lower --lr, or raise --warmup; the same command with other settings needs another --out.",
                )
        self.last |= figures
        for name, value in figures.items():
            self.first.setdefault(name, value)
        if state.is_world_process_zero:
            self._write({"step": state.global_step, **figures})
            if self.on_progress is not None:
                self.on_progress(Progress(state.global_step, state.max_steps, time.monotonic() - self._began, dict(self.last)))
        self._watch_fall(figures, control)

    def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Mark a checkpoint as whole: one without the mark was torn by a kill or a full disk."""
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / WHOLE).touch()

    def _watch_fall(self, figures: Mapping[str, float], control: Any) -> None:
        if not self.stop_fall or "fall" not in figures:
            return
        rising = figures["rewards/margins"] > self._margin
        self._margin = max(self._margin, figures["rewards/margins"])
        self._falls = self._falls + 1 if figures["fall"] > self.stop_fall and (rising or self._falls) else 0
        if self._falls >= PATIENCE:
            self.stopped = f"chosen answers lost {figures['fall']:.2f} nats a token while margins rose"
            control.should_training_stop = True

    def _write(self, entry: Mapping[str, float]) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise disk_error(self.path, error) from error


def _keep_until(path: Path, step: int) -> None:
    """Drop lines of later steps: they are trained, and told, again."""
    if not path.exists():
        return
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                lines.append(line)
        except (ValueError, KeyError):
            continue
    partial = path.with_suffix(".partial")
    partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.replace(partial, path)
