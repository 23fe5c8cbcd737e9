"""What a run will take, for --dry-run: calls, tokens and cost, measured on a few talks of the rehearsal backend.

The rehearsed talks go through the same graph with the same prompts, so the number of calls, the lengths of the prompts and how they grow
with the talk are counted, not guessed.  What is guessed: tokens from bytes, and that a model's answers are longer than rehearsal's.
`most` takes the longest of these talks for all and lets every answer fill its `max_tokens`; it is no bound.  A budget is one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from agents.chat.calls import whole_cost
from agents.chat.port import LedgerEntry, Role, Sampling
from agents.chat.prices import Prices
from agents.chat.sizes import guess_prompt, guess_tokens
from agents.errors import InputError
from agents.words import Word

LONGER = 1.5
"""How much longer a model's answers are taken to be than rehearsal's."""
SHORTEST = 16
"""Tokens of the shortest answer: a chosen strategy as a JSON object."""


class Amount(Word):
    """What some calls take."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    """None without a price for the model."""


class EstimateLine(Word):
    """One role on its model, over all episodes."""

    role: Role | None
    """None in a total."""
    model: str
    likely: Amount
    most: Amount


class Estimate(Word):
    """What a run will take."""

    episodes: int
    measured: int
    """Rehearsed talks that it stands on."""
    lines: tuple[EstimateLine, ...]
    total: EstimateLine
    currency: str
    """Empty without a price table."""


Size = tuple[int, int, int, int]
"""Calls, prompt tokens, answer tokens, and answer tokens when every answer fills its limit."""


def estimate(
    talks: Sequence[Sequence[LedgerEntry]],
    *,
    episodes: int,
    models: Mapping[Role, str],
    sampling: Mapping[Role, Sampling],
    schemas: Mapping[str, type[BaseModel]],
    prices: Prices | None = None,
) -> Estimate:
    """An estimate from the ledgers of rehearsed talks.

    Args:
        talks: the ledger of each, with its prompts kept.
        episodes: talks of the run that is to come.
        models: the spec on each seat that will be paid for; a role that is not in it (rehearsal) takes nothing.
        sampling: of each role.
        schemas: by task, since a schema is part of what is sent.
        prices: the price table.

    Raises:
        InputError: there are no talks, or they were made without `keep_prompts`.
    """
    if not any(talks):
        raise InputError("There is no talk to estimate from.", hint="Rehearse at least one.")
    sizes = [_by_role(talk, sampling, schemas) for talk in talks]
    lines = [_line(role, model, [size.get(role, (0, 0, 0, 0)) for size in sizes], episodes, prices) for role, model in models.items()]
    return Estimate(
        episodes=episodes,
        measured=len(talks),
        lines=tuple(lines),
        total=EstimateLine(
            role=None,
            model=", ".join(dict.fromkeys(models.values())),
            likely=_sum([line.likely for line in lines]),
            most=_sum([line.most for line in lines]),
        ),
        currency=prices.currency if prices else "",
    )


def _by_role(talk: Sequence[LedgerEntry], sampling: Mapping[Role, Sampling], schemas: Mapping[str, type[BaseModel]]) -> dict[Role, Size]:
    """What each role took in one talk."""
    sizes: dict[Role, Size] = defaultdict(lambda: (0, 0, 0, 0))
    for entry in talk:
        if entry.messages is None or entry.answer is None:
            raise InputError("The rehearsed talks were made without their prompts.", hint="Make them with keep_prompts.")
        limit = sampling.get(entry.role, Sampling()).max_tokens
        answer = min(limit, max(SHORTEST, round(LONGER * guess_tokens(entry.answer))))
        calls, prompt, answers, limits = sizes[entry.role]
        sizes[entry.role] = (calls + 1, prompt + guess_prompt(entry.messages, schemas.get(entry.task)), answers + answer, limits + limit)
    return sizes


def _line(role: Role, model: str, sizes: Sequence[Size], episodes: int, prices: Prices | None) -> EstimateLine:
    count, longest = len(sizes), max(sizes, key=lambda size: size[1])
    calls, prompt, answers = (round(episodes * sum(size[part] for size in sizes) / count) for part in range(3))
    return EstimateLine(
        role=role,
        model=model,
        likely=_amount(model, calls, prompt, answers, prices),
        most=_amount(model, episodes * longest[0], episodes * longest[1], episodes * longest[3], prices),
    )


def _amount(model: str, calls: int, prompt: int, answers: int, prices: Prices | None) -> Amount:
    cost = prices.cost(model, prompt, answers) if prices else None
    return Amount(calls=calls, prompt_tokens=prompt, completion_tokens=answers, cost=cost)


def _sum(amounts: Sequence[Amount]) -> Amount:
    return Amount(
        calls=sum(amount.calls for amount in amounts),
        prompt_tokens=sum(amount.prompt_tokens for amount in amounts),
        completion_tokens=sum(amount.completion_tokens for amount in amounts),
        cost=whole_cost(amount.cost for amount in amounts) if amounts else None,
    )
