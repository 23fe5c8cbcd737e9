"""`holdspace sft | dpo`: training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

LearnerArgument = Annotated[str, typer.Argument(help="planner, responder or joint.", metavar="LEARNER")]
Out = Annotated[Path, typer.Option(help="The model's folder; the same command goes on where a killed one was.")]
Prompts = Annotated[str, typer.Option(help="full or brief prompts; brief ones are for small models that learn nothing else.")]
Epochs = Annotated[float | None, typer.Option(help="How often each row is seen.")]
Steps = Annotated[int | None, typer.Option(help="Optimizer steps at most, instead of epochs.")]
Rate = Annotated[float | None, typer.Option(help="Learning rate; by the kind of model when not given.")]
Batch = Annotated[int | None, typer.Option(help="Rows of an optimizer step.")]
Micro = Annotated[int | None, typer.Option(help="Rows of one forward pass; lower it when memory is short.")]
Longest = Annotated[int | None, typer.Option(help="Tokens of prompt and answer; as many as the data needs when not given.")]
Rank = Annotated[int | None, typer.Option("--lora", help="Rank of a LoRA adapter; all weights learn when not given.")]
PrecisionFlag = Annotated[str | None, typer.Option(help="auto, float32 or bf16.")]
Checkpointing = Annotated[bool, typer.Option("--gradient-checkpointing", help="Less memory, more time.")]
Seed = Annotated[int, typer.Option(help="Seed of weights and order.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda ...")]
ChatTemplate = Annotated[Path | None, typer.Option(help="A file with a Jinja chat template, for bases that have none.")]
Report = Annotated[list[str] | None, typer.Option(help="A tracker besides metrics.jsonl: trackio or wandb.")]
Limit = Annotated[int | None, typer.Option(help="Rows at most, evenly over all of them.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def add(app: typer.Typer, score: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command()(sft)
    app.command()(dpo)


def sft(
    learner: LearnerArgument,
    data: Annotated[list[Path], typer.Option(help="A run folder or a corpus; may be given several times.", metavar="RUN_OR_CORPUS")],
    out: Out,
    base: Annotated[str, typer.Option(help="scratch:10m, linear (planner), a folder, ADAPTER@BASE, or a name of the hub.")] = "scratch:5m",
    prompts: Prompts = "full",
    epochs: Epochs = None,
    steps: Steps = None,
    lr: Rate = None,
    batch: Batch = None,
    micro_batch: Micro = None,
    max_length: Longest = None,
    context: Annotated[int | None, typer.Option(help="Tokens that a scratch model's context holds.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Tokens of a scratch model's tokenizer.")] = None,
    prompt_loss: Annotated[float | None, typer.Option(help="Weight of the prompt's tokens in the loss, 0 to 1.")] = None,
    answer_room: Annotated[int | None, typer.Option(help="Tokens that the seat leaves for an answer.")] = None,
    lora: Rank = None,
    precision: PrecisionFlag = None,
    gradient_checkpointing: Checkpointing = False,
    seed: Seed = 1,
    device: Device = None,
    chat_template: ChatTemplate = None,
    report: Report = None,
    limit: Limit = None,
    json_: Json = False,
) -> None:
    """Fine-tune a model on the supporter turns of runs and corpora; only the answers carry loss."""
    from studio.learning import LINEAR, Asked, learner_named, prompting_named, run_linear, run_sft

    flags = {"epochs": epochs, "max_steps": steps, "lr": lr, "batch": batch, "micro_batch": micro_batch, "max_length": max_length}
    common = _common(flags, precision, gradient_checkpointing, seed, device, chat_template, report) | {"answer_room": answer_room}
    asked = Asked(learner_named(learner), base, out, common, lora, limit, json_)
    if base == LINEAR:
        raise typer.Exit(run_linear(asked, data))
    more = {"context": context, "vocabulary": vocabulary, "prompt_loss": prompt_loss}
    raise typer.Exit(run_sft(asked, data, prompting_named(prompts), more))


def dpo(
    learner: LearnerArgument,
    base: Annotated[str, typer.Option(help="The model that goes on learning, which is also the reference: a folder, or ADAPTER@BASE.")],
    pairs: Annotated[Path, typer.Option(help="A run folder with pairs, or a file of pairs.")],
    out: Out,
    beta: Annotated[float | None, typer.Option(help="How strongly the reference holds.")] = None,
    sft_weight: Annotated[float | None, typer.Option(help="Weight of the chosen answers' likelihood beside the preference.")] = None,
    length_normalised: Annotated[bool, typer.Option("--length-normalised", help="Compare a token's mean instead of sums.")] = False,
    balanced: Annotated[bool, typer.Option("--balanced", help="Planner: weigh pairs so that labels alone teach nothing.")] = False,
    prior_aware: Annotated[float | None, typer.Option(help="Planner: share of the labels' popularity taken as known, 0 to 1.")] = None,
    replay: Annotated[list[Path] | None, typer.Option(help="A run or corpus to rehearse against forgetting.")] = None,
    replay_weight: Annotated[float | None, typer.Option(help="Weight of the rehearsed rows.")] = None,
    prompts: Prompts = "full",
    share_prompt: Annotated[
        bool | None, typer.Option("--share-prompt/--no-share-prompt", help="Read a pair's prompt once; planners do unless told.")
    ] = None,
    stop_fall: Annotated[float | None, typer.Option(help="Stop when chosen answers lose so many nats a token.")] = None,
    epochs: Epochs = None,
    steps: Steps = None,
    lr: Rate = None,
    batch: Batch = None,
    micro_batch: Micro = None,
    max_length: Longest = None,
    answer_room: Annotated[int | None, typer.Option(help="Tokens that the seat leaves for an answer.")] = None,
    lora: Rank = None,
    precision: PrecisionFlag = None,
    gradient_checkpointing: Checkpointing = False,
    seed: Seed = 1,
    device: Device = None,
    chat_template: ChatTemplate = None,
    report: Report = None,
    limit: Limit = None,
    json_: Json = False,
) -> None:
    """Train a model on preference pairs, with itself as the reference (direct preference optimization)."""
    from studio.learning import Asked, learner_named, prompting_named, run_dpo

    flags = {"epochs": epochs, "max_steps": steps, "lr": lr, "batch": batch, "micro_batch": micro_batch, "max_length": max_length}
    common = _common(flags, precision, gradient_checkpointing, seed, device, chat_template, report) | {"answer_room": answer_room}
    more: dict[str, Any] = {"beta": beta, "sft_weight": sft_weight, "length_normalised": length_normalised, "balanced": balanced}
    more |= {"prior_aware": prior_aware, "replay_weight": replay_weight, "share_prompt": share_prompt, "stop_fall": stop_fall}
    asked = Asked(learner_named(learner), base, out, common, lora, limit, json_)
    raise typer.Exit(run_dpo(asked, pairs, replay or [], prompting_named(prompts), more))


def _common(
    flags: dict[str, Any],
    precision: str | None,
    gradient_checkpointing: bool,
    seed: int,
    device: str | None,
    chat_template: Path | None,
    report: list[str] | None,
) -> dict[str, Any]:
    """Fields of TrainConfig that both commands name."""
    more = {"precision": precision, "gradient_checkpointing": gradient_checkpointing, "seed": seed, "device": device}
    return flags | more | {"chat_template": chat_template, "report": tuple(report) if report else None}
