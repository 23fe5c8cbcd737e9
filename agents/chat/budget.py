"""A budget in money or in tokens, which a run stops short of and never passes.

Before a call is sent, the most that it can cost is held back; when it has ended, what it did cost is booked and the rest is free again.
A call that does not fit beside those in flight waits for them; one that can't fit any more stops the run (RunStop), so near its end a run
makes fewer calls at once and comes close to the budget.  A call that failed or was cut off is booked at its most, since the server may
bill it.  What a server bills for attempts whose answer never arrived, and one that ignores `max_tokens`, nobody here can hold back.
One event loop; the sums are of this process.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agents.chat.port import Chat, Choice, Completion, Request, Role, Sampling, Usage
from agents.chat.prices import Prices
from agents.chat.sizes import most_prompt
from agents.errors import InputError, RunStop

ASKS = 3
"""How often a backend asks at most for an object or a choice: by letters, as an object, and once more with what was wrong; and how many
times `max_tokens` the answers take together, since one that was cut off is asked for again with twice the room."""
SLACK = 1_000
"""Tokens that a backend puts around a prompt: instructions, a ballot's schema, the validation error."""

_WRITTEN = re.compile(r"\s*[$€£]?\s*(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<scale>[kM]?)\s*(?P<unit>tok(?:ens?)?)?\s*")


@dataclass(slots=True, eq=False)
class Hold:
    """What one call holds back."""

    most: float
    booked: float | None = None


class Budget:
    """What may be spent.

    Args:
        limit: in the money of `prices`, or in tokens (in and out) without them.
        prices: the price table.
        spent: what has been spent before.
    """

    def __init__(self, limit: float, prices: Prices | None = None, *, spent: float = 0.0) -> None:
        self.limit = limit
        self.prices = prices
        self.spent = spent
        self._flying: set[Hold] = set()
        self._held = 0.0
        self._waiting: deque[tuple[Hold, asyncio.Future[None]]] = deque()
        self._stopped = ""
        """Why no call is let in any more, once that is so."""

    def worth(self, model: str, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens count for; InputError when the table has no price for the model."""
        if self.prices is None:
            return float(prompt_tokens + completion_tokens)
        cost = self.prices.cost(model, prompt_tokens, completion_tokens)
        if cost is None:
            raise InputError(f"The price table has no price for {model}.", hint="Add it, or give --budget in tokens, as in 500k tokens.")
        return cost

    @asynccontextmanager
    async def hold(self, model: str, prompt_tokens: int, completion_tokens: int) -> AsyncIterator[Hold]:
        """Hold back the most that a call can take while it runs.  `book` on the hold what it did take; without that, the most is booked.

        Raises:
            RunStop: the call can't fit any more.
        """
        hold = Hold(self.worth(model, prompt_tokens, completion_tokens))
        await self._enter(hold)
        try:
            yield hold
        finally:
            self._leave(hold, hold.most if hold.booked is None else hold.booked)

    def book(self, hold: Hold, model: str, usage: Usage) -> None:
        """Say what the call of a hold did take."""
        hold.booked = self.worth(model, usage.prompt_tokens, usage.completion_tokens)

    async def _enter(self, hold: Hold) -> None:
        """Wait, in turn, until the hold fits beside those in flight."""
        if self._stopped:
            raise self._stop_of()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((hold, place))
        self._admit()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave(hold, 0.0)  # let in and cancelled in the same instant: nothing was sent
            else:
                self._waiting = deque(entry for entry in self._waiting if entry[0] is not hold)
                self._admit()
            raise

    def _leave(self, hold: Hold, cost: float) -> None:
        self._flying.discard(hold)
        self._held = self._held - hold.most if self._flying else 0.0  # no rounding error is carried on
        self.spent += cost
        self._admit()

    def _admit(self) -> None:
        """Let in whoever is next and fits; stop the run when the next can't fit even alone."""
        while self._waiting and not self._stopped:
            hold, place = self._waiting[0]
            if place.done():
                self._waiting.popleft()
            elif self.spent + self._held + hold.most <= self.limit:
                self._waiting.popleft()
                self._flying.add(hold)
                self._held += hold.most
                place.set_result(None)
            elif self.spent + hold.most > self.limit:
                self._stop(hold)
            else:
                return

    def _stop(self, hold: Hold) -> None:
        self._stopped = (
            f"The budget of {self.written(self.limit)} is reached: {self.written(self.spent)} spent, "
            f"and the next call could take {self.written(hold.most)}."
        )
        waiting, self._waiting = self._waiting, deque()
        for _, place in waiting:
            if not place.done():
                place.set_exception(self._stop_of())

    def _stop_of(self) -> RunStop:
        return RunStop(self._stopped, hint="Run the same command with a larger --budget to go on.")

    def written(self, amount: float) -> str:
        """An amount with its unit, for people."""
        return f"{amount:.4f} {self.prices.currency}" if self.prices else f"{amount:,.0f} tokens"


def read_budget(text: str, prices: Prices | None) -> Budget:
    """The budget that a flag names: `5.00` (money; needs a price table), `200000 tokens`, `200k tokens`, `2M tokens`.

    Raises:
        InputError: neither of these, nothing, or money without a price table.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None or not (number := float(match["number"])) or (match["scale"] and not match["unit"]):
        raise InputError(f"--budget {text}: no budget.", hint="Give money, as in 5.00, or tokens, as in 500k tokens.")
    if match["unit"]:
        return Budget(number * {"": 1, "k": 1_000, "M": 1_000_000}[match["scale"]])
    if prices is None:
        raise InputError(f"--budget {text}: money needs a price table.", hint="Give --prices FILE, or tokens, as in 500k tokens.")
    return Budget(number, prices)


class BudgetedChat:
    """A backend that asks its budget before each call.

    Args:
        chat: the backend.
        budget: shared by all seats of a run.
        sampling: what the backend was made with: `max_tokens` bounds an answer.

    Raises:
        InputError: the budget is in money and the table has no price for this backend's model.
    """

    def __init__(self, chat: Chat, budget: Budget, sampling: Mapping[Role, Sampling]) -> None:
        budget.worth(chat.spec, 0, 0)
        self.chat = chat
        self._budget = budget
        self._sampling = sampling

    @property
    def spec(self) -> str:
        return self.chat.spec

    async def complete(self, request: Request) -> Completion:
        async with self._budget.hold(self.spec, *self._most(request, ())) as hold:
            completion = await self.chat.complete(request)
            self._budget.book(hold, self.spec, completion.usage)
        return completion

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        async with self._budget.hold(self.spec, *self._most(request, options)) as hold:
            choice = await self.chat.choose(request, options)
            self._budget.book(hold, self.spec, choice.usage)
        return choice

    def _most(self, request: Request, options: Sequence[str]) -> tuple[int, int]:
        """The most tokens in and out that a call can take; asking again has the first answer in its prompt."""
        answer = self._sampling.get(request.role, Sampling()).max_tokens
        prompt = most_prompt(request, options) + SLACK
        if request.schema is None and not options:
            return prompt, answer
        return ASKS * prompt + answer, ASKS * answer + 1
