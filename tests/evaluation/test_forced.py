from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from agents.chat.port import Choice, Completion, Request, Usage
from agents.errors import AnswerError, ChatError
from agents.planner import Pick, Planner
from agents.words import STRATEGIES, Speaker, Strategy, Utterance
from evaluation.forced import decisions, plan_all
from simulator.dialogue import Dialogue


def said(speaker: Speaker, text: str, strategy: Strategy | None = None) -> Utterance:
    return Utterance(speaker=speaker, text=text, strategy=strategy)


TALK = Dialogue(
    id="d",
    turns=(
        said(Speaker.SUPPORTER, "hello", Strategy.OTHERS),
        said(Speaker.SEEKER, "hi"),
        said(Speaker.SUPPORTER, "why", Strategy.QUESTION),
        said(Speaker.SUPPORTER, "unlabelled"),
    ),
)


class Scripted:
    """Chooses by the number of turns it is shown; None fails to answer."""

    spec = "scripted"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.seeds: list[int] = []
        self.now = self.most = 0

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        self.seeds.append(request.seed)
        shown = len(request.variables["talk"])
        if self.error and shown == 2:
            raise self.error
        return Choice({option: float(option == STRATEGIES[shown].value) for option in options}, Usage(model="scripted"))

    async def complete(self, request: Request) -> Completion:
        raise NotImplementedError


def test_every_supporter_turn_is_asked_on_the_history_before_it_and_no_more() -> None:
    found = list(decisions(TALK))
    assert [(one.turn, one.context, one.gold) for one in found] == [
        (0, (), Strategy.OTHERS),
        (2, TALK.turns[:2], Strategy.QUESTION),
        (3, TALK.turns[:3], None),
    ]


def test_answers_come_in_order_however_many_are_asked_at_once() -> None:
    asked = [one for number in range(20) for one in decisions(TALK.model_copy(update={"id": str(number)}))]
    chats = [Scripted(), Scripted()]
    few, many = (
        asyncio.run(plan_all(Planner(chat, pick=Pick.BEST), asked, concurrency=size)) for chat, size in zip(chats, (1, 8), strict=True)
    )
    assert [(one.decision.dialogue, one.decision.turn, one.strategy) for one in few] == [
        (one.decision.dialogue, one.decision.turn, one.strategy) for one in many
    ]
    assert [one.strategy for one in many[:3]] == [STRATEGIES[0], STRATEGIES[2], STRATEGIES[3]]
    assert (chats[0].most, chats[1].most) == (1, 8)
    assert len(set(chats[0].seeds)) == len(asked)
    assert sorted(chats[0].seeds) == sorted(chats[1].seeds)


def test_an_answer_that_cannot_be_parsed_is_kept_as_a_failure() -> None:
    found = asyncio.run(plan_all(Planner(Scripted(AnswerError("no label")), pick=Pick.BEST), decisions(TALK)))
    assert [one.strategy for one in found] == [STRATEGIES[0], None, STRATEGIES[3]]


def test_a_backend_that_fails_ends_it_with_its_own_error() -> None:
    with pytest.raises(ChatError, match="server is gone"):
        asyncio.run(plan_all(Planner(Scripted(ChatError("The server is gone.")), pick=Pick.BEST), decisions(TALK)))
