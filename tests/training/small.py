"""Small trainings for tests: rows of invented talks, models of a few thousand weights made on the spot, float32 on one thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.planner import planner_messages, planner_prompt
from agents.prompting import Prompting
from agents.responder import responder_messages, responder_prompt
from agents.words import STRATEGIES, Speaker, Strategy, Utterance
from training.configs import DpoConfig, Learner, Precision, SftConfig

BASE = "scratch:50k"
TOLD = (
    "I lost my job in March and I have not told anyone.",
    "My sister stopped calling after the wedding, and the house is so quiet.",
    "I can't sleep before exams, my heart races all night.",
    "He moved out on Friday and took the dog with him.",
)
SAID = (
    "That sounds lonely.",
    "What was the hardest part of it?",
    "You kept going, and that counts.",
    "Maybe write down one small thing for tomorrow.",
)


def need_trl() -> None:
    """Skip the module where the extra `train` is not installed; one thread, since threads only cost time in models this small."""
    for name in ("trl", "peft", "datasets"):
        pytest.importorskip(name)
    pytest.importorskip("torch").set_num_threads(1)


def talk(number: int) -> tuple[Utterance, ...]:
    """What has been said before a supporter turn; longer for higher numbers."""
    turns = [Utterance(speaker=Speaker.SEEKER, text=TOLD[number % 4])]
    for place in range(number % 3):
        strategy = STRATEGIES[(number + place) % 8]
        turns += [
            Utterance(speaker=Speaker.SUPPORTER, text=SAID[(number + place) % 4], strategy=strategy),
            Utterance(speaker=Speaker.SEEKER, text=TOLD[(number + place + 1) % 4]),
        ]
    return tuple(turns)


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _prompt(learner: Learner, number: int) -> list[dict[str, str]]:
    if learner is Learner.PLANNER:
        messages = planner_messages(planner_prompt(Prompting.BRIEF), talk(number))
    else:
        messages = responder_messages(responder_prompt(Prompting.BRIEF), talk(number), label(number))
    return [{"role": message.role, "content": message.content} for message in messages]


def label(number: int) -> Strategy:
    """The strategy of a row: what its last words call for."""
    return STRATEGIES[2 * ((number + number % 3) % 4)]


def rows(learner: Learner, count: int) -> list[dict[str, Any]]:
    """SFT rows."""
    answers = [label(number).value if learner is Learner.PLANNER else SAID[number % 4] for number in range(count)]
    return [{"prompt": _prompt(learner, number), "completion": _answer(answers[number])} for number in range(count)]


def pairs(learner: Learner, count: int) -> list[dict[str, Any]]:
    """Preference rows."""
    made = []
    for number in range(count):
        good = label(number)
        bad = STRATEGIES[(STRATEGIES.index(good) + 1 + number % 5) % 8]
        sides = (good.value, bad.value) if learner is Learner.PLANNER else (SAID[number % 4], SAID[(number + 1 + number % 3) % 4])
        made.append({"prompt": _prompt(learner, number), "chosen": _answer(sides[0]), "rejected": _answer(sides[1])})
    return made


def sft_config(out: Path, learner: Learner = Learner.PLANNER, **more: Any) -> SftConfig:
    """Settings of a training of a second or two."""
    settings: dict[str, Any] = {"rows": rows(learner, 24), "base": BASE, "batch": 8, "lr": 1e-2, "context": 256, "vocabulary": 400}
    return SftConfig(learner=learner, out=out, precision=Precision.FLOAT32, log_steps=1, **(settings | more))


def dpo_config(out: Path, base: Path | str, learner: Learner = Learner.PLANNER, **more: Any) -> DpoConfig:
    """Settings of a training of a second or two."""
    settings: dict[str, Any] = {"pairs": pairs(learner, 16), "batch": 8, "lr": 1e-3}
    return DpoConfig(learner=learner, base=str(base), out=out, precision=Precision.FLOAT32, log_steps=1, **(settings | more))


def weights(folder: Path) -> dict[str, Any]:
    """The tensors of a model folder by name."""
    from safetensors.torch import load_file

    return dict(load_file(next(folder.glob("*.safetensors"))))


def furthest(one: Path, other: Path) -> float:
    """The largest difference between two folders' weights."""
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)
