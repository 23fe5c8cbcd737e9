"""What human support talks look like: figures of ESConv's valid split, for charts and tables where the corpus itself is not at hand.

Aggregates only, made by `holdspace score realism esconv/valid.jsonl.gz --json`; no line of the corpus stands here.
"""

from __future__ import annotations

from agents.words import STRATEGIES, Strategy

_SHARES = (
    (0.457, 0.108, 0.060, 0.049, 0.116, 0.044, 0.021, 0.144),
    (0.184, 0.058, 0.110, 0.151, 0.168, 0.173, 0.084, 0.073),
    (0.135, 0.033, 0.086, 0.118, 0.157, 0.250, 0.109, 0.113),
    (0.119, 0.015, 0.065, 0.119, 0.151, 0.259, 0.091, 0.181),
    (0.051, 0.028, 0.068, 0.049, 0.154, 0.132, 0.058, 0.461),
)

STRATEGIES_BY_FIFTH: tuple[dict[Strategy, float], ...] = tuple(dict(zip(STRATEGIES, row, strict=True)) for row in _SHARES)
"""Share of each strategy in each fifth of the dialogue."""
