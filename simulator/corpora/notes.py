"""Notes: what was passed over, mended or lost, counted by reason, with the first place of each."""

from __future__ import annotations

from collections import Counter


class Notes:
    """Counts by reason; memory does not grow with the corpus."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        """Where each reason came up first."""

    def add(self, reason: str, where: str, times: int = 1) -> None:
        """Count one thing at a place."""
        if times:
            self.counts[reason] += times
            self.first.setdefault(reason, where)

    @property
    def total(self) -> int:
        return self.counts.total()

    def lines(self) -> list[str]:
        """One line a reason, the commonest first."""
        return [f"{count:,} {reason} (first: {self.first[reason]})" for reason, count in self.counts.most_common()]
