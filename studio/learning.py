"""`holdspace sft` and `holdspace dpo`: rows from runs and corpora, pairs from files, a training with a progress bar, a closing summary."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.errors import InputError
from agents.joint import joint_prompt
from agents.planner import planner_prompt
from agents.prompting import Prompting
from agents.responder import responder_prompt
from simulator.dialogue import Dialogue, to_dialogue
from simulator.episode import StopReason
from simulator.splits import Split, split_of_dialogue, split_of_scenario
from simulator.store import EPISODES, read_lines
from training.configs import DpoConfig, Learner, LoraSettings, Precision, Row, SftConfig, Trained
from training.configs import Progress as Step
from training.folder import first_process, manifest
from training.pairstore import read_pairs
from training.rows import LEARNER_OF, preference_row, sft_rows

LINEAR = "linear"
DEV_ROWS = 300
"""Held-out rows at most: their loss is told at the end."""
RATES = {"scratch": 2e-3, "lora": 2e-4, "full": 2e-5}
"""Learning rates of SFT where none is given; DPO takes a twentieth of them."""
DPO_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """What both commands ask for."""

    learner: Learner
    base: str
    out: Path
    common: Mapping[str, Any]
    """Fields of TrainConfig by name; None where the flag was not given."""
    rank: int | None
    limit: int | None
    """Rows or pairs at most, drawn evenly."""
    json: bool


@dataclass(slots=True)
class _Rows:
    """Rows of dialogues by split, and what was left out."""

    train: list[Row] = field(default_factory=list)
    dev: list[Row] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def run_sft(asked: Asked, data: Sequence[Path], prompting: Prompting, more: Mapping[str, Any]) -> int:
    """Train on the supporter turns of runs and corpora; the exit code."""
    rows = _read_rows(data, asked.learner, prompting)
    prompt = {Learner.PLANNER: planner_prompt, Learner.RESPONDER: responder_prompt, Learner.JOINT: joint_prompt}[asked.learner](prompting)
    lineage = {"sources": ", ".join(path.name for path in data), "prompt": prompt.name, "prompt_fingerprint": prompt.fingerprint}
    given = _given(asked) | {name: value for name, value in more.items() if value is not None}
    given.setdefault("lr", RATES["lora" if asked.rank else "scratch" if asked.base.lower().startswith("scratch:") else "full"])
    config = SftConfig(
        learner=asked.learner,
        base=asked.base,
        out=asked.out,
        rows=_spread(rows.train, asked.limit),
        dev=_spread(rows.dev, DEV_ROWS),
        lineage=lineage | {f"left out: {why}": count for why, count in rows.left_out.items()},
        **given,
    )
    return _train(config, asked, rows.left_out)


def run_dpo(asked: Asked, pairs: Path, replay: Sequence[Path], prompting: Prompting, more: Mapping[str, Any]) -> int:
    """Train on the pairs of a run or a file; the exit code."""
    kinds = [kind for kind, learner in LEARNER_OF.items() if learner is asked.learner]
    content = manifest(Path(asked.base)) if Path(asked.base).is_dir() else None
    trained_on = content["lineage"].get("prompt") if content else None
    train: list[Row] = []
    dev: list[Row] = []
    left_out: Counter[str] = Counter()
    for pair in read_pairs(pairs, kinds):
        if trained_on and pair.prompts and trained_on not in pair.prompts:
            asked_with = " and ".join(sorted(pair.prompts))
            raise InputError(
                f"{pairs}: pair {pair.id} was asked with {asked_with}, but {asked.base} was trained on {trained_on}.",
                hint="Make the pairs again with the other --prompts.",
            )
        if pair.split.value == Split.TEST.value:
            left_out["held out for tests"] += 1
            continue
        (dev if pair.split.value == Split.DEV.value else train).append(preference_row(pair))
    given = _given(asked) | {name: value for name, value in more.items() if value is not None}
    given.setdefault("lr", DPO_SHARE * RATES["scratch" if _scratch(content) else "lora" if asked.rank else "full"])
    config = DpoConfig(
        learner=asked.learner,
        base=asked.base,
        out=asked.out,
        pairs=_spread(train, asked.limit),
        dev=_spread(dev, DEV_ROWS),
        replay=_read_rows(replay, asked.learner, prompting).train if replay else [],
        lineage={
            "sources": pairs.name,
            "parent": content["identity"] if content else asked.base,
            **({"prompt": trained_on} if trained_on else {}),
        },
        **given,
    )
    return _train(config, asked, left_out)


def run_linear(asked: Asked, data: Sequence[Path]) -> int:
    """Train the linear planner on runs and corpora; the exit code."""
    from training.linear import train_linear

    if asked.learner is not Learner.PLANNER:
        raise InputError("--base linear plans and does not speak.", hint="Train a planner, or take another --base.")
    with _bar() as bar:
        task = bar.add_task("Training", total=None)
        report = train_linear(
            data, asked.out, seed=asked.common["seed"], on_progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    if asked.json:
        sys.stdout.write(
            json.dumps({"folder": str(asked.out), "rows": report.rows, "dialogues": report.dialogues, "prior": report.prior}) + "\n"
        )
    else:
        console = Console(highlight=False)
        console.print(f"Linear planner of {report.rows:,} decisions in {report.dialogues:,} talks, prior {report.prior:g}.", soft_wrap=True)
        console.print(f"Take it: holdspace simulate --planner linear:{asked.out}", soft_wrap=True)
    return 0


def _given(asked: Asked) -> dict[str, Any]:
    """Fields of the config that a flag named."""
    given = {name: value for name, value in asked.common.items() if value is not None}
    for name in ("epochs", "lr", "batch", "micro_batch", "max_steps"):
        if name in given and given[name] <= 0:
            raise InputError(f"--{name.replace('_', '-')} {given[name]}: must be above 0.")
    if "precision" in given:
        given["precision"] = _member("--precision", given["precision"], Precision)
    if asked.rank is not None:
        given["lora"] = LoraSettings(rank=asked.rank, alpha=2 * asked.rank)
    return given


def _member(flag: str, value: str, kind: type[StrEnum]) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise InputError(f"{flag} {value}: unknown.", hint=f"Known are {', '.join(kind)}.") from error


def learner_named(name: str) -> Learner:
    """A learner by its name; InputError for another."""
    learner: Learner = _member("Learner", name, Learner)
    return learner


def prompting_named(name: str) -> Prompting:
    """A prompting by its name; InputError for another."""
    prompting: Prompting = _member("--prompts", name, Prompting)
    return prompting


def _read_rows(data: Sequence[Path], learner: Learner, prompting: Prompting) -> _Rows:
    """Rows of all talks that may be learned from, by split; crisis talks, failed ones and test stories are left out and counted."""
    rows = _Rows()
    for path in data:
        file = path / EPISODES if path.is_dir() else path
        for number, value in read_lines(file):
            dialogue = to_dialogue(value, f"{file}:{number}")
            split = _split(value, dialogue)
            if (why := _unfit(dialogue, split)) is not None:
                rows.left_out[why] += 1
                continue
            (rows.dev if split is Split.DEV else rows.train).extend(
                row for _, row in sft_rows(dialogue.turns, learner, prompting=prompting)
            )
    return rows


def _split(value: Mapping[str, Any], dialogue: Dialogue) -> Split:
    """Of a simulated talk its story's; of a human one the corpus's own, or by its id."""
    scenario = value.get("scenario")
    if isinstance(scenario, dict) and "name" in scenario:
        return split_of_scenario(str(scenario["name"]))
    own = {"train": Split.TRAIN, "valid": Split.DEV, "validation": Split.DEV, "dev": Split.DEV, "test": Split.TEST}
    return own.get(dialogue.split) or split_of_dialogue(dialogue.id)


def _unfit(dialogue: Dialogue, split: Split) -> str | None:
    if dialogue.crisis:
        return "crisis"
    if dialogue.stop == StopReason.FAILED:
        return "failed"
    return "held out for tests" if split is Split.TEST else None


def _spread(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """At most `limit` of the rows, evenly over all of them."""
    if limit is None or len(rows) <= limit:
        return list(rows)
    return [rows[number * len(rows) // limit] for number in range(limit)]


def _scratch(content: Mapping[str, Any] | None) -> bool:
    return content is not None and str(content["settings"].get("base", "")).startswith("scratch:")


def _train(config: SftConfig | DpoConfig, asked: Asked, left_out: Mapping[str, int]) -> int:
    """Train with a bar; the exit code: 0, or 130 when interrupted."""
    from training.dpo import train_dpo
    from training.sft import train_sft

    console = Console(stderr=True, highlight=False)
    try:
        with _bar() as bar:
            task = bar.add_task("Reading", total=None)

            def show(step: Step) -> None:
                told = f"loss {step.metrics['loss']:.3f}" if "loss" in step.metrics else "Training"
                bar.update(task, completed=step.step, total=step.steps, description=told)

            config = replace(config, on_progress=show)
            trained = train_sft(config) if isinstance(config, SftConfig) else train_dpo(config)
    except KeyboardInterrupt:
        again = shlex.join(["holdspace", *sys.argv[1:]])
        console.print(f"Interrupted. Go on from the last checkpoint with: {again}", markup=False, soft_wrap=True)
        return 130
    if first_process():
        _tell(trained, asked, left_out)
    return 0


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar


def _tell(trained: Trained, asked: Asked, left_out: Mapping[str, int]) -> None:
    """What came of it."""
    if asked.json:
        content = asdict(trained) | {"folder": str(trained.folder), "left_out": dict(left_out)}
        sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n")
        return
    console, data = Console(highlight=False), trained.data
    say = [f"{trained.folder} was complete already; nothing was trained."] if trained.found else []
    if left_out:
        say.append("Talks or pairs left out: " + ", ".join(f"{why} {count}" for why, count in sorted(left_out.items())) + ".")
    say.append(
        f"Rows: {data.kept:,} of {data.given:,} kept, {data.shortened:,} with a shortened prompt, {data.dropped:,} dropped as too long; "
        f"the longest has {data.max_length} tokens, {data.answer_tokens:,} of {data.tokens:,} tokens carry loss."
    )
    say.append(f"{trained.steps} steps in {trained.seconds:.0f} s" + (f"; ended early: {trained.stopped}." if trained.stopped else "."))
    shown = {name: value for name, value in trained.metrics.items() if name in _SHOWN}
    say.append(", ".join(f"{name} {value:.4g}" for name, value in shown.items()))
    if asked.learner is not Learner.JOINT:
        say.append(f"Take it: holdspace simulate --{asked.learner.value} local:{trained.folder}, in a recipe with the prompts it learned.")
    for line in say:
        console.print(line, markup=False, soft_wrap=True)


_SHOWN = ("loss", "dev_loss", "rewards/accuracies", "rewards/margins", "logps/chosen", "fall", "dev_rewards/accuracies")
