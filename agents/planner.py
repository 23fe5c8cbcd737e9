"""The planner: which of the eight strategies comes next.  It sees the talk and nothing else, and it writes no reply."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from agents.chat.port import Chat, Ledger, Message, Request, Role
from agents.prompting import Prompt, Prompting, load_prompt
from agents.words import DEFINITIONS, STRATEGIES, Plan, Speaker, Strategy, Talk

PROMPTS = Path(__file__).parent / "prompts"
TASK = "planner"
_FILES = {Prompting.FULL: "planner.md", Prompting.BRIEF: "planner_brief.md"}


class Pick(StrEnum):
    """How a strategy is taken from the distribution."""

    SAMPLE = "sample"
    BEST = "best"


class Planner:
    """A seat for a strategy planner.

    Args:
        chat: the backend.
        pick: sample from its distribution by seed, or take the most probable strategy.
        prompting: full, or the brief prompt that a planner was trained on.
    """

    def __init__(self, chat: Chat, *, pick: Pick = Pick.SAMPLE, prompting: Prompting = Prompting.FULL) -> None:
        self.chat = chat
        self.pick = pick
        self.prompt = planner_prompt(prompting)

    async def plan(self, talk: Talk, *, seed: int, ledger: Ledger) -> Plan:
        """The plan for the next supporter turn; raises ChatError when the backend fails."""
        request = Request(
            role=Role.PLANNER,
            task=TASK,
            messages=planner_messages(self.prompt, talk),
            fingerprint=self.prompt.fingerprint,
            seed=seed,
            variables={"talk": tuple(talk)},
        )
        choice = await ledger.choose(self.chat, request, [strategy.value for strategy in STRATEGIES])
        distribution = {strategy: choice.probabilities[strategy.value] for strategy in STRATEGIES}
        return Plan(strategy=pick(distribution, self.pick, seed), distribution=distribution, rationale=choice.rationale)


def planner_prompt(prompting: Prompting = Prompting.FULL) -> Prompt:
    """The planner's prompt file."""
    return load_prompt(PROMPTS / _FILES[prompting])


def planner_messages(prompt: Prompt, talk: Talk) -> tuple[Message, ...]:
    """What a planner is asked, word for word: the seat asks it, and training rows are made of it.  The answer is the strategy's name."""
    values = {"strategies": strategy_list(), "used": used(talk)}
    return prompt.render({name: values[name] for name in prompt.variables}, talk)


def pick(distribution: Mapping[Strategy, float], how: Pick, seed: int) -> Strategy:
    """One strategy of a distribution: the most probable (the first of equals), or a draw by `seed`."""
    if how is Pick.BEST:
        return max(STRATEGIES, key=lambda strategy: distribution[strategy])
    weights = [distribution[strategy] for strategy in STRATEGIES]
    return random.Random(seed).choices(STRATEGIES, weights)[0]


def strategy_list() -> str:
    """The eight strategies with their definitions, a line each, for a prompt."""
    return "\n".join(f"- {strategy.value}: {DEFINITIONS[strategy]}" for strategy in STRATEGIES)


def used(talk: Talk) -> str:
    """The strategies of the supporter turns so far, for a prompt."""
    names = [turn.strategy.value for turn in talk if turn.speaker is Speaker.SUPPORTER and turn.strategy]
    return ", ".join(names) or "none yet"
