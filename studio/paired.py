"""What became of the candidates for pairs: tables for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.words import STRATEGIES
from simulator.splits import Split
from training.exporting import Exporter, Format
from training.guards import Tally
from training.pair import LABELS, PairKind
from training.pairing import Talks

_LEANING = 0.4
"""Share of the chosen sides from which one strategy is worth a word of caution."""


def json_of(kinds: Sequence[PairKind], tally: Tally, talks: Talks, out: Path, exporter: Exporter | None) -> str:
    """The same for a machine."""
    rows = {} if exporter is None else dict(exporter.card.rows)
    content = {
        "talks": {"read": talks.read, "failed": talks.failed, "crisis": talks.crisis, "reworded": talks.reworded},
        "supporter_turns": talks.supporter_turns,
        "criticised": talks.criticised,
        "kept": {kind.value: tally.kept[kind] for kind in kinds},
        "splits": {kind.value: {split.value: tally.splits[kind, split] for split in Split} for kind in kinds},
        "dropped": {kind.value: {reason: count for (of, reason), count in tally.dropped.items() if of is kind} for kind in kinds},
        "length_ratio_mean": {kind.value: tally.mean_ratio(kind) for kind in kinds},
        "strategies": {
            kind.value: {
                "chosen": {strategy.value: tally.chosen[kind, strategy] for strategy in STRATEGIES},
                "rejected": {strategy.value: tally.rejected[kind, strategy] for strategy in STRATEGIES},
            }
            for kind in kinds
        },
        "out": str(out),
        "export": str(exporter.folder) if exporter else None,
        "rows": {config: sum(count for (of, _), count in rows.items() if of == config) for config, _ in rows},
        "parquet": exporter.parquet if exporter else None,
        "unfit_for_format": exporter.unfit if exporter else None,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def show(kinds: Sequence[PairKind], tally: Tally, talks: Talks, out: Path, exporter: Exporter | None) -> None:
    """Print tables of the candidates and of the strategies, and where things are."""
    console = Console()
    console = console if console.is_terminal else Console(width=118)
    if kinds:
        console.print(_candidates(kinds, tally))
        console.print(_strategies(kinds, tally))
    left = [f"{talks.failed} failed" if talks.failed else "", f"{talks.crisis} flagged by the crisis gate" if talks.crisis else ""]
    aside = ", ".join(part for part in left if part)
    talked = f"{talks.read} talks ({aside})" if aside else f"{talks.read} talks"
    lines = []
    if kinds:
        lines.append(f"{talked}; the critic saw {talks.criticised} of {talks.supporter_turns} supporter turns.")
        if talks.reworded:
            lines.append(f"{talks.reworded} talks were asked with other prompts than their pairs now ask with.")
        lines += [_leaning(kind, tally) for kind in kinds if kind in LABELS and tally.kept[kind]]
        lines.append(f"Pairs: {out}")
    if exporter:
        lines.append(f"Rows for {exporter.format.value}: {exporter.folder} (read its README.md)")
        if exporter.format is Format.TRL and not exporter.parquet:
            lines.append('No Parquet: pyarrow is not installed. It comes with: pip install "holdspace[train]"')
        if exporter.unfit:
            lines.append(f"{exporter.unfit} rows that begin or end with the supporter have no place in this format.")
    for line in filter(None, lines):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _leaning(kind: PairKind, tally: Tally) -> str:
    """A word of caution where one strategy is what most pairs choose: a planner trained on them may say little else."""
    strategy = max(STRATEGIES, key=lambda one: tally.chosen[kind, one])
    share = tally.chosen[kind, strategy] / tally.kept[kind]
    if share <= _LEANING:
        return ""
    return f"{strategy.value} is chosen in {share:.0%} of the {kind.value} pairs: after training, look at Q and B and at what is predicted."


def _candidates(kinds: Sequence[PairKind], tally: Tally) -> Table:
    table = Table(title="Candidates", title_justify="left")
    table.add_column("")
    for kind in kinds:
        table.add_column(kind.value, justify="right")
    reasons = sorted({reason for kind, reason in tally.dropped if kind in kinds})
    for split in Split:
        table.add_row(f"kept, {split.value}", *(str(tally.splits[kind, split]) for kind in kinds), end_section=split is Split.TEST)
    for reason in reasons:
        table.add_row(reason, *(str(tally.dropped[kind, reason] or "") for kind in kinds), end_section=reason == reasons[-1])
    ratios = (tally.mean_ratio(kind) for kind in kinds)
    table.add_row("length ratio, mean", *("-" if ratio is None else f"{ratio:.2f}" for ratio in ratios))
    return table


def _strategies(kinds: Sequence[PairKind], tally: Tally) -> Table:
    table = Table(title="Strategies: chosen / rejected", title_justify="left")
    table.add_column("")
    for kind in kinds:
        table.add_column(kind.value, justify="right")
    for strategy in STRATEGIES:
        table.add_row(strategy.value, *(f"{tally.chosen[kind, strategy]} / {tally.rejected[kind, strategy]}" for kind in kinds))
    return table
