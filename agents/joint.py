"""The joint prompt: strategy and reply asked of one model, answered as `[Strategy] reply`.

This is the entangled baseline that 2505.16995 compares with (its vanilla model): training rows and pairs are made of it.  It is no seat:
in the graph, planner and responder are always asked apart.
"""

from __future__ import annotations

from pathlib import Path

from agents.chat.port import Message
from agents.planner import strategy_list, used
from agents.prompting import Prompt, Prompting, load_prompt
from agents.words import STRATEGIES, Strategy, Talk

PROMPTS = Path(__file__).parent / "prompts"
_FILES = {Prompting.FULL: "joint.md", Prompting.BRIEF: "joint_brief.md"}


def joint_prompt(prompting: Prompting = Prompting.FULL) -> Prompt:
    """The joint prompt file."""
    return load_prompt(PROMPTS / _FILES[prompting])


def joint_messages(prompt: Prompt, talk: Talk, language: str = "English") -> tuple[Message, ...]:
    """What a joint model is asked, word for word.  The answer is `joint_answer`."""
    values = {"strategies": strategy_list(), "used": used(talk), "language": language}
    return prompt.render({name: values[name] for name in prompt.variables}, talk)


def joint_answer(strategy: Strategy, reply: str) -> str:
    """`[Strategy] reply`."""
    return f"[{strategy.value}] {reply}"


def parse_joint(answer: str) -> tuple[Strategy | None, str]:
    """Strategy and reply of an answer; None and the whole answer where it does not begin with one of the eight in brackets."""
    label, bracket, reply = answer.strip().removeprefix("[").partition("]")
    found = next((strategy for strategy in STRATEGIES if strategy.value.lower() == label.strip().lower()), None)
    return (found, reply.strip()) if found and bracket and answer.strip().startswith("[") else (None, answer.strip())
