"""A price table: what a million tokens of a model cost.  The user gives it; holdspace ships none, since prices change.

    currency: USD
    prices:
      gpt-5-nano*: {input: 0.05, output: 0.40}
      "local:*": {input: 0, output: 0}

A pattern (`*` and `?`) is matched against the bare model name and against the whole spec; the first that fits, in the file's order, counts.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agents.words import Word
from agents.yamlfile import read_model

Amount = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Price(Word):
    """Of one model, for a million tokens."""

    input: Amount
    output: Amount

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1_000_000


class Prices(Word):
    """The table."""

    currency: str = "USD"
    prices: dict[str, Price]
    """By model pattern."""

    def of(self, model: str) -> Price | None:
        """The price of a model, given by name or by spec; None when no pattern fits."""
        names = (model, bare_name(model))
        return next((price for pattern, price in self.prices.items() if any(fnmatchcase(name, pattern) for name in names)), None)

    def cost(self, model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
        """What a call of this model costs; None when the table does not know it."""
        price = self.of(model)
        return price.cost(prompt_tokens, completion_tokens) if price else None


def bare_name(spec: str) -> str:
    """The model's name within a spec: `openai:MODEL@URL` gives MODEL, a plain name itself."""
    backend, colon, rest = spec.partition(":")
    if not colon or backend not in ("openai", "local"):
        return spec
    return rest.partition("@http")[0] if backend == "openai" else rest


def load_prices(path: Path) -> Prices:
    """The price table in a YAML file; InputError with file and line when it is none."""
    return read_model(path, Prices)
