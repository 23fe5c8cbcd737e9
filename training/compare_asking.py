"""Asking the systems of a comparison, teacher-forced: at each supporter turn of human talks, always on the human history.

A system is one joint model, or a planner and a responder.  Greedy choices and draws are both taken: the ones say what a model holds
likeliest, the others what it would say.  A call that fails, or an answer without one of the eight in brackets, has no strategy.  Nothing
is judged.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from agents.chat.port import Chat, Ledger, Request, Role, Sampling, derive_seed
from agents.crisis import screen
from agents.errors import ChatError, InputError, RunStop, StorageError
from agents.joint import joint_messages, joint_prompt, parse_joint
from agents.planner import Pick, Planner
from agents.responder import Responder
from agents.words import STRATEGIES, Speaker, Strategy, Utterance, Word
from graphs.seats import Backends
from simulator.dialogue import read_dialogues
from simulator.episode import StopReason
from simulator.store import read_lines
from training.compare_recipe import CompareRecipe
from training.ipm import Case, cases_of

LABEL = 16
"""Tokens in which a joint model must have named its strategy."""
TOGETHER = 64
"""Turns asked at once: the local backend writes them in one batch."""

OnTurns = Callable[[int, int], None]
"""Told turns done and turns asked for."""


class Answer(Word):
    """What a system answered at one supporter turn."""

    dialogue: str
    turn: Annotated[int, Field(ge=0)]
    best: Strategy | None = None
    """The likeliest strategy; None where it could not be read, or nobody asked."""
    drawn: Strategy | None = None
    """A drawn one."""
    reply: str = ""
    """Drawn, under the drawn strategy or the one that was given; empty where there is none."""


def cases(path: Path, *, crisis: bool) -> list[Case]:
    """The labelled supporter turns of a corpus that answer a seeker, in its order.

    Args:
        path: a corpus or a run.
        crisis: take talks of suicide and self-harm, too: to measure on, never to learn from.

    Raises:
        InputError: it can't be read, or there is no such turn.
    """
    talks = (dialogue for dialogue in read_dialogues(path) if dialogue.stop != StopReason.FAILED)
    said = (dialogue for dialogue in talks if crisis or not (dialogue.crisis or any(map(_alarming, dialogue.turns))))
    found = [case for dialogue in said for case in cases_of(dialogue) if case.gold and not case.opens]
    if not found:
        raise InputError(f"{path} has no supporter turn with a strategy.", hint="Give a corpus with strategies, such as ESConv.")
    return found


def _alarming(turn: Utterance) -> bool:
    return turn.speaker is Speaker.SEEKER and screen(turn.text) is not None


def some(found: Sequence[Case], count: int | None, seed: int) -> list[Case]:
    """At most `count` of the turns, drawn by seed; a smaller count takes a part of what a larger one takes."""
    order = sorted(range(len(found)), key=lambda place: derive_seed(seed, found[place].dialogue.id, found[place].index))
    return [found[place] for place in sorted(order[: count or len(order)])]


class Asking:
    """Asks models of one comparison.

    Args:
        recipe: how they are asked.
        tell: told how many turns are done.
    """

    def __init__(self, recipe: CompareRecipe, tell: OnTurns | None = None) -> None:
        self.recipe, self._tell = recipe, tell
        self._backends = Backends(device=recipe.device)

    def plans(self, folder: str, asked: Sequence[Case]) -> list[Answer]:
        """The planner in a folder: the likeliest strategy and a drawn one.  `linear:PATH` is asked as it is."""
        spec = folder if folder.startswith("linear:") else f"local:{folder}"
        planner = Planner(self._chat(spec, Role.PLANNER, self.recipe.sampling), pick=Pick.BEST, prompting=self.recipe.prompts)

        async def ask(case: Case) -> Answer:
            seed = self._seed(case, "plan")
            plan = await planner.plan(case.talk, seed=seed, ledger=Ledger())
            drawn = draw(plan.distribution, self.recipe.sampling, seed)
            return Answer(dialogue=case.dialogue.id, turn=case.index, best=plan.strategy, drawn=drawn)

        return self._all(ask, asked)

    def replies(self, folder: str, asked: Sequence[Case], strategies: Sequence[Strategy | None]) -> list[Answer]:
        """The responder in a folder, under given strategies; nothing where there is none."""
        responder = Responder(
            self._chat(f"local:{folder}", Role.RESPONDER, self.recipe.sampling),
            language=self.recipe.language,
            prompting=self.recipe.prompts,
        )
        given = {id(case): strategy for case, strategy in zip(asked, strategies, strict=True)}

        async def ask(case: Case) -> Answer:
            strategy, reply = given[id(case)], ""
            if strategy is not None:
                reply = (await responder.respond(case.talk, strategy, seed=self._seed(case, "reply"), ledger=Ledger())).text
            return Answer(dialogue=case.dialogue.id, turn=case.index, drawn=strategy, reply=_tidy(reply))

        return self._all(ask, asked)

    def labels(self, folder: str, asked: Sequence[Case]) -> list[Answer]:
        """The joint model in a folder: the strategy that it names greedily."""
        chat = self._chat(f"local:{folder}", Role.RESPONDER, Sampling(temperature=0.0, top_p=1.0, max_tokens=LABEL))

        async def ask(case: Case) -> Answer:
            strategy, _ = parse_joint(await self._joint(chat, case))
            return Answer(dialogue=case.dialogue.id, turn=case.index, best=strategy)

        return self._all(ask, asked)

    def both(self, folder: str, asked: Sequence[Case]) -> list[Answer]:
        """The joint model in a folder: strategy and reply in one draw."""
        room = self.recipe.sampling.max_tokens + LABEL // 4
        chat = self._chat(f"local:{folder}", Role.RESPONDER, self.recipe.sampling.model_copy(update={"max_tokens": room}))

        async def ask(case: Case) -> Answer:
            strategy, reply = parse_joint(await self._joint(chat, case))
            return Answer(dialogue=case.dialogue.id, turn=case.index, drawn=strategy, reply=_tidy(reply))

        return self._all(ask, asked)

    async def _joint(self, chat: Chat, case: Case) -> str:
        prompt = joint_prompt(self.recipe.prompts)
        messages = joint_messages(prompt, case.talk, self.recipe.language)
        request = Request(Role.RESPONDER, "joint", messages, prompt.fingerprint, self._seed(case, "joint"), {"talk": tuple(case.talk)})
        return await Ledger().say(chat, request)

    def _chat(self, spec: str, role: Role, sampling: Sampling) -> Chat:
        return self._backends.backend(spec, role, {role: sampling})

    def _seed(self, case: Case, what: str) -> int:
        return derive_seed(self.recipe.seed, case.dialogue.id, case.index, what)

    def _all(self, ask: Callable[[Case], Awaitable[Answer]], asked: Sequence[Case]) -> list[Answer]:
        return asyncio.run(_gathered(ask, asked, self._tell))


async def _gathered(ask: Callable[[Case], Awaitable[Answer]], asked: Sequence[Case], tell: OnTurns | None) -> list[Answer]:
    found: dict[int, Answer] = {}
    places = iter(range(len(asked)))

    async def work() -> None:
        for place in places:
            case = asked[place]
            try:
                found[place] = await ask(case)
            except RunStop:
                raise
            except ChatError:
                found[place] = Answer(dialogue=case.dialogue.id, turn=case.index)
            if tell is not None:
                tell(len(found), len(asked))

    await asyncio.gather(*(work() for _ in range(min(TOGETHER, len(asked)))))
    return [found[place] for place in range(len(asked))]


def draw(distribution: Mapping[Strategy, float], sampling: Sampling, seed: int) -> Strategy:
    """One strategy of a planner's distribution, at a temperature, from the smallest set that holds `top_p` (as tokens are drawn)."""
    if sampling.temperature == 0:
        return max(STRATEGIES, key=lambda strategy: distribution[strategy])
    weights = {strategy: distribution[strategy] ** (1 / sampling.temperature) for strategy in STRATEGIES}
    total, held = sum(weights.values()), 0.0
    nucleus: dict[Strategy, float] = {}
    for strategy in sorted(STRATEGIES, key=lambda strategy: -weights[strategy]):
        if held >= sampling.top_p:
            break
        nucleus[strategy] = weights[strategy]
        held += weights[strategy] / total
    return random.Random(seed).choices(list(nucleus), list(nucleus.values()))[0]


def _tidy(text: str) -> str:
    return " ".join(text.split())


def write_answers(path: Path, answers: Iterable[Answer]) -> None:
    """Write answers, a line each, whole or not at all; StorageError when they can't be."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            file.writelines(answer.model_dump_json(exclude_defaults=True) + "\n" for answer in answers)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error


def read_answers(path: Path) -> list[Answer]:
    """Answers of a file; InputError for a line that is none."""
    try:
        return [Answer.model_validate_json(json.dumps(value)) for _, value in read_lines(path)]
    except ValidationError as error:
        raise InputError(f"{path}: not a file of answers ({error.errors()[0]['msg']}).", hint="Choose another --out.") from error
