"""What a session puts between a seat and its backend: a recorder of calls, a person's answer, another prompt.

The agents themselves do not know of it.  A person on a seat goes the way that every answer goes: through the node, the ledger and the gate.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.chat.port import Chat, Choice, Completion, Ledger, Request, Role, Usage, derive_seed
from agents.errors import ChatError, InputError, PromptError
from agents.prompting import Prompt, parse_prompt
from agents.words import Strategy, Talk
from graphs.recipe import Recipe
from graphs.seats import Backends, Seated, take_seats
from graphs.session_words import Call
from simulator.cast import Cast
from simulator.episode import SeekerTurn
from simulator.intent import Intent, Move
from simulator.mind import Appraisal, Mind, first_mind, live
from simulator.seeker import Seeker, disclosed

HUMAN = "human"
"""The model's name of answers that a person gave."""

Note = Callable[[Call], None]

_PROMPTS = {
    "planner": ("planner", "prompt"),
    "planner_brief": ("planner", "prompt"),
    "responder": ("responder", "prompt"),
    "responder_brief": ("responder", "prompt"),
    "appraise": ("seeker", "appraise_prompt"),
    "speak": ("seeker", "speak_prompt"),
    "reflect": ("critic", "reflect_prompt"),
    "critique": ("critic", "critique_prompt"),
    "refine": ("critic", "refine_prompt"),
}
"""Seat and attribute of each prompt."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says on a seat."""

    role: Role
    text: str = ""
    strategy: Strategy | None = None
    move: Move | None = None
    reason: str = ""


class RecordingChat:
    """A backend whose calls are noted whole: prompt, answer, parsed object, tokens, time."""

    def __init__(self, chat: Chat, note: Note) -> None:
        self.chat = chat
        self._note = note

    @property
    def spec(self) -> str:
        return self.chat.spec

    async def complete(self, request: Request) -> Completion:
        start = time.monotonic()
        try:
            answer = await self.chat.complete(request)
        except ChatError as error:
            self._failed(request, start, error)
            raise
        parsed = answer.parsed.model_dump(mode="json") if answer.parsed is not None else None
        self._note(_call(request, answer.usage, start).model_copy(update={"answer": answer.text, "parsed": parsed}))
        return answer

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        start = time.monotonic()
        try:
            choice = await self.chat.choose(request, options)
        except ChatError as error:
            self._failed(request, start, error)
            raise
        update = {"answer": choice.rationale, "parsed": dict(choice.probabilities)}
        self._note(_call(request, choice.usage, start).model_copy(update=update))
        return choice

    def _failed(self, request: Request, start: float, error: ChatError) -> None:
        usage = error.usage if isinstance(error.usage, Usage) else Usage(model=self.spec)
        self._note(_call(request, usage, start).model_copy(update={"error": error.message}))


def _call(request: Request, usage: Usage, start: float) -> Call:
    return Call(
        role=request.role,
        task=request.task,
        fingerprint=request.fingerprint,
        seed=request.seed,
        messages=request.messages,
        seconds=round(time.monotonic() - start, 6),
        **usage.model_dump(),
    )


class HandChat:
    """A person's answer as a backend: a text, or one strategy with all the probability."""

    spec = HUMAN

    def __init__(self, said: Said) -> None:
        self._said = said

    async def complete(self, request: Request) -> Completion:  # noqa: ARG002
        return Completion(text=self._said.text, usage=Usage(model=HUMAN))

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:  # noqa: ARG002
        chosen = {option: float(option == self._said.strategy) for option in options}
        return Choice(probabilities=chosen, usage=Usage(model=HUMAN), rationale=self._said.reason)


class HandSeeker(Seeker):
    """A person on the seeker's seat: the words are theirs; how the last reply landed is still the recipe's seeker's to judge."""

    def __init__(self, seeker: Seeker, said: Said, note: Note) -> None:
        self.__dict__.update(seeker.__dict__)
        self._said = said
        self._speaking = copy.copy(seeker)
        self._speaking.chat = RecordingChat(HandChat(said), note)

    async def turn(
        self,
        cast: Cast,
        talk: Talk,
        past: tuple[Intent, ...],  # noqa: ARG002
        mind: Mind | None,
        *,
        seed: int,
        ledger: Ledger,
    ) -> SeekerTurn:
        """The person's turn, with the mind that code lives from it."""
        step, appraisal = sum(turn.speaker == "seeker" for turn in talk), None
        if mind is None:
            mind = first_mind(cast.persona, cast.scenario.intensity)
        elif talk:
            appraisal = await self.appraise(cast, talk, mind, seed=derive_seed(seed, "appraise", step), ledger=ledger)
            mind = live(mind, appraisal or Appraisal(), cast.persona)
        intent = Intent(move=self._said.move or (Move.TELL if step else Move.OPEN))
        text = await self._speaking.speak(cast, talk, mind, intent, seed=seed, ledger=ledger)
        return SeekerTurn(text=text, appraisal=appraisal, mind=disclosed(mind, cast, intent, text, step), intent=intent)


def sit(recipe: Recipe, backends: Backends, prompts: Mapping[str, str], note: Note) -> Seated:
    """The agents of a recipe, their calls noted, with these prompts in place of their files'.

    Raises:
        InputError: a spec that no backend knows, or a prompt that does not fit.
    """
    seats = take_seats(recipe, backends)
    for agent in (seats.seeker, seats.planner, seats.responder, seats.critic):
        agent.chat = RecordingChat(agent.chat, note)
    for name, text in prompts.items():
        role, attribute = _PROMPTS[name]
        agent = getattr(seats, role)
        setattr(agent, attribute, fitted(name, text, getattr(agent, attribute)))
    return seats


def with_hand(seats: Seated, said: Said, note: Note) -> Seated:
    """The agents, with what a person says on one of the seats."""
    if said.role is Role.SEEKER:
        return replace(seats, seeker=HandSeeker(seats.seeker, said, note))
    agent = copy.copy(getattr(seats, said.role.value))
    agent.chat = RecordingChat(HandChat(said), note)
    return replace(seats, **{said.role.value: agent})


def prompts_of(seats: Seated) -> dict[str, Prompt]:
    """The prompts in use, by name."""
    found = {name: getattr(getattr(seats, role), attribute) for name, (role, attribute) in _PROMPTS.items()}
    return {name: prompt for name, prompt in found.items() if prompt.name == name}


def prompt_text(prompt: Prompt) -> str:
    """A prompt as the text of its file."""
    return f"# system\n{prompt.system}\n" + (f"\n# user\n{prompt.user}\n" if prompt.user else "")


def fitted(name: str, text: str, file: Prompt) -> Prompt:
    """A prompt of this text in place of the file's; it may leave variables out, and know no others.

    Raises:
        InputError: no `# system` part, or a variable that the file does not have.
    """
    try:
        prompt = parse_prompt(name, text)
    except (PromptError, ValueError) as error:
        raise InputError(f"Prompt {name}: no '# system' part, or one too many.", hint="Begin it with a line '# system'.") from error
    if unknown := sorted(prompt.variables - file.variables):
        raise InputError(f"Prompt {name}: unknown variable {{{{{unknown[0]}}}}}.", hint=f"It may use {', '.join(sorted(file.variables))}.")
    return replace(prompt, variables=file.variables)
