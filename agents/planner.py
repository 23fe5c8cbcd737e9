"""The planner: which of the eight strategies comes next.  It sees the talk and nothing else, and it writes no reply."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from agents.chat.port import Chat, Ledger, Request, Role
from agents.prompting import load_prompt
from agents.words import DEFINITIONS, STRATEGIES, Plan, Speaker, Strategy, Talk

PROMPT = Path(__file__).parent / "prompts" / "planner.md"


class Pick(StrEnum):
    """How a strategy is taken from the distribution."""

    SAMPLE = "sample"
    BEST = "best"


class Planner:
    """A seat for a strategy planner.

    Args:
        chat: the backend.
        pick: sample from its distribution by seed, or take the most probable strategy.
    """

    def __init__(self, chat: Chat, *, pick: Pick = Pick.SAMPLE) -> None:
        self.chat = chat
        self.pick = pick
        self.prompt = load_prompt(PROMPT)

    async def plan(self, talk: Talk, *, seed: int, ledger: Ledger) -> Plan:
        """The plan for the next supporter turn; raises ChatError when the backend fails."""
        request = Request(
            role=Role.PLANNER,
            task=self.prompt.name,
            messages=self.prompt.render({"strategies": strategy_list(), "used": used(talk)}, talk),
            fingerprint=self.prompt.fingerprint,
            seed=seed,
            variables={"talk": tuple(talk)},
        )
        choice = await ledger.choose(self.chat, request, [strategy.value for strategy in STRATEGIES])
        distribution = {strategy: choice.probabilities[strategy.value] for strategy in STRATEGIES}
        return Plan(strategy=pick(distribution, self.pick, seed), distribution=distribution, rationale=choice.rationale)


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
