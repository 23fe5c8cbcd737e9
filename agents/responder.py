"""The responder: a reply under a strategy that somebody else chose.  It sees the talk and the strategy and nothing else."""

from __future__ import annotations

from pathlib import Path

from agents.chat.port import Chat, Ledger, Message, Request, Role
from agents.prompting import Prompt, Prompting, load_prompt
from agents.words import DEFINITIONS, Draft, Strategy, Talk

PROMPTS = Path(__file__).parent / "prompts"
TASK = "responder"
_FILES = {Prompting.FULL: "responder.md", Prompting.BRIEF: "responder_brief.md"}


class Responder:
    """A seat for a response generator.

    Args:
        chat: the backend.
        language: the language that an LLM backend shall write in.
        prompting: full, or the brief prompt that a responder was trained on.
    """

    def __init__(self, chat: Chat, *, language: str = "English", prompting: Prompting = Prompting.FULL) -> None:
        self.chat = chat
        self.language = language
        self.prompt = responder_prompt(prompting)

    async def respond(self, talk: Talk, strategy: Strategy, *, seed: int, ledger: Ledger) -> Draft:
        """The plain reply; raises AnswerError when the backend gives no text."""
        request = Request(
            role=Role.RESPONDER,
            task=TASK,
            messages=responder_messages(self.prompt, talk, strategy, self.language),
            fingerprint=self.prompt.fingerprint,
            seed=seed,
            variables={"talk": tuple(talk), "strategy": strategy},
        )
        return Draft(text=await ledger.say(self.chat, request), strategy=strategy)


def responder_prompt(prompting: Prompting = Prompting.FULL) -> Prompt:
    """The responder's prompt file."""
    return load_prompt(PROMPTS / _FILES[prompting])


def responder_messages(prompt: Prompt, talk: Talk, strategy: Strategy, language: str = "English") -> tuple[Message, ...]:
    """What a responder is asked, word for word: the seat asks it, and training rows are made of it.  The answer is the reply."""
    values = {"strategy": strategy.value, "definition": DEFINITIONS[strategy], "language": language}
    return prompt.render({name: values[name] for name in prompt.variables}, talk)
