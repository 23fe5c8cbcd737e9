"""The critic: reflect, criticise, refine (2505.16610, phases 2b and 2c; the five errors of 2505.16995).

It sees the talk and a reply, never the seeker's hidden side.  Code, not the backend, decides whether a reply is accepted, and a finding
without evidence in the reply does not count.  How often it refines, and which version is kept, is the graph's business.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from agents.chat.port import Chat, Ledger, Request, Role
from agents.planner import strategy_list
from agents.prompting import Prompt, load_prompt, transcript
from agents.words import DEFINITIONS, Critique, Draft, Finding, PsychError, Refinement, Reflection, Strategy, Talk

PROMPTS = Path(__file__).parent / "prompts"

TOLERATED = 1
"""A reply whose findings are all at most this severe is accepted."""


class Findings(BaseModel):
    """What a backend answers to the critique prompt."""

    findings: tuple[Finding, ...] = ()
    instead: Strategy | None = None


class Critic:
    """A seat for a reflect-and-refine critic.

    Args:
        chat: the backend.
        language: the language that an LLM backend shall write in.
    """

    def __init__(self, chat: Chat, *, language: str = "English") -> None:
        self.chat = chat
        self.language = language
        self.reflect_prompt, self.critique_prompt, self.refine_prompt = (
            load_prompt(PROMPTS / f"{name}.md") for name in ("reflect", "critique", "refine")
        )

    async def reflect(self, talk: Talk, *, seed: int, ledger: Ledger) -> Reflection:
        """The inferred profile u_n, emotional state s_n, and need."""
        values = {"talk": transcript(talk), "language": self.language}
        request = self._request(self.reflect_prompt, values, seed, {"talk": tuple(talk)}, Reflection)
        return await ledger.complete(self.chat, request, Reflection)

    async def critique(self, talk: Talk, reply: Draft | Refinement, reflection: Reflection, *, seed: int, ledger: Ledger) -> Critique:
        """The errors of one version of a reply, each with its evidence."""
        values = {
            "talk": transcript(talk),
            "reflection": _between_the_lines(reflection),
            "strategy": reply.strategy.value,
            "strategies": strategy_list(),
            "reply": reply.text,
        }
        variables = {"talk": tuple(talk), "reply": reply.text, "strategy": reply.strategy, "reflection": reflection}
        request = self._request(self.critique_prompt, values, seed, variables, Findings)
        return judged(await ledger.complete(self.chat, request, Findings), reply.text)

    async def refine(
        self, talk: Talk, reply: Draft | Refinement, critique: Critique, reflection: Reflection, *, seed: int, ledger: Ledger
    ) -> Refinement:
        """A better reply; under `critique.instead` where the strategy itself was wrong."""
        strategy = critique.instead or reply.strategy
        values = {
            "talk": transcript(talk),
            "reflection": _between_the_lines(reflection),
            "strategy": strategy.value,
            "definition": DEFINITIONS[strategy],
            "language": self.language,
            "reply": reply.text,
            "findings": "\n".join(f"- {item.error.value}: '{item.span}': {item.why}" for item in critique.findings),
        }
        variables = {"talk": tuple(talk), "reply": reply.text, "strategy": strategy, "reflection": reflection, "critique": critique}
        request = self._request(self.refine_prompt, values, seed, variables, None)
        return Refinement(text=await ledger.say(self.chat, request), strategy=strategy)

    def _request(
        self, prompt: Prompt, values: dict[str, str], seed: int, variables: dict[str, object], schema: type[BaseModel] | None
    ) -> Request:
        return Request(
            role=Role.CRITIC,
            task=prompt.name,
            messages=prompt.render(values),
            fingerprint=prompt.fingerprint,
            seed=seed,
            variables=variables,
            schema=schema,
        )


def judged(answer: Findings, reply: str) -> Critique:
    """The critique that a backend's findings amount to: findings without evidence in the reply are dropped, code decides."""
    findings = tuple(
        item for item in answer.findings if item.error is PsychError.STRATEGY_MISMATCH or (item.span and item.span.lower() in reply.lower())
    )
    mismatched = any(item.error is PsychError.STRATEGY_MISMATCH for item in findings)
    return Critique(
        accepted=all(item.severity <= TOLERATED for item in findings),
        findings=findings,
        instead=answer.instead if mismatched else None,
    )


def _between_the_lines(reflection: Reflection) -> str:
    return f"{reflection.profile} Feels {reflection.emotion} ({reflection.intensity} of 5). {reflection.need}"
