"""The responder: a reply under a strategy that somebody else chose.  It sees the talk and the strategy and nothing else."""

from __future__ import annotations

from pathlib import Path

from agents.chat.port import Chat, Ledger, Request, Role
from agents.prompting import load_prompt
from agents.words import DEFINITIONS, Draft, Strategy, Talk

PROMPT = Path(__file__).parent / "prompts" / "responder.md"


class Responder:
    """A seat for a response generator.

    Args:
        chat: the backend.
        language: the language that an LLM backend shall write in.
    """

    def __init__(self, chat: Chat, *, language: str = "English") -> None:
        self.chat = chat
        self.language = language
        self.prompt = load_prompt(PROMPT)

    async def respond(self, talk: Talk, strategy: Strategy, *, seed: int, ledger: Ledger) -> Draft:
        """The plain reply; raises AnswerError when the backend gives no text."""
        values = {"strategy": strategy.value, "definition": DEFINITIONS[strategy], "language": self.language}
        request = Request(
            role=Role.RESPONDER,
            task=self.prompt.name,
            messages=self.prompt.render(values, talk),
            fingerprint=self.prompt.fingerprint,
            seed=seed,
            variables={"talk": tuple(talk), "strategy": strategy},
        )
        return Draft(text=await ledger.say(self.chat, request), strategy=strategy)
