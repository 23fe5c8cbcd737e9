"""What `holdspace mine` leaves: tables of candidates and strategies, beside those of the corpus, and rows for a trainer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.chat.calls import CallLog
from agents.words import STRATEGIES
from simulator.corpora import Corpus
from simulator.splits import Split
from training.datacard import DataCard
from training.exporting import Exporter, Format, export_pairs
from training.guards import GuardSettings, Tally
from training.ipm import Miner
from training.mining import Progress
from training.pair import PairKind
from training.pairstore import PAIRS, pair_file, read_pairs


def export(source: str, out: Path, format_: Format, kinds: Sequence[PairKind], settings: GuardSettings, tally: Tally, miner: Miner) -> Path:
    """The pairs of a mining as rows for a trainer, with a card; the folder.

    The card names the licences of corpora that it knows; a corpus that forbids commercial use forbids it for what is made of it.

    Raises:
        StorageError: the folder can't be written.
    """
    seats = " ".join(f"--{seat} {spec}" for seat, spec in miner.models().items())
    made = [kind for kind in kinds if tally.kept[kind]]
    card = DataCard(
        name=f"Preference pairs mined from {source}",
        settings=settings,
        tally=tally,
        command=f"holdspace mine {source} {seats} --kinds {','.join(made)} --seed {miner.seed} --format {format_.value}",
        language=miner.language,
    )
    with Exporter(out / PAIRS / format_.value, format_, card) as exporter:
        export_pairs(read_pairs(out, made), exporter)
    return exporter.folder


def show(kinds: Sequence[PairKind], tally: Tally, mining: Progress, out: Path) -> None:
    """Print the tables."""
    console = Console()
    console = console if console.is_terminal else Console(width=118)
    console.print(_candidates(kinds, tally))
    if tally.total:
        console.print(_strategies(kinds, tally, mining))
    for line in _lines(kinds, tally, mining, out):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def json_of(kinds: Sequence[PairKind], tally: Tally, mining: Progress, corpus: Corpus, out: Path) -> str:
    """The same for a machine, with a newline."""
    content: dict[str, Any] = {
        "dialogues": mining.dialogues,
        "crisis_dialogues": mining.crisis,
        "supporter_turns": mining.turns,
        "low_rated": mining.low_rated,
        "found": mining.found,
        "attempted": mining.done,
        "failed": mining.failed,
        "seconds": round(mining.seconds, 2),
        "skipped": corpus.skipped.counts,
        "mended": corpus.mended.counts,
        "kept": {kind.value: tally.kept[kind] for kind in kinds},
        "splits": {kind.value: {split.value: tally.splits[kind, split] for split in Split} for kind in kinds},
        "dropped": {kind.value: {str(why): count for (of, why), count in tally.dropped.items() if of is kind} for kind in kinds},
        "strategies": {
            kind.value: {
                "chosen": {strategy.value: tally.chosen[kind, strategy] for strategy in STRATEGIES},
                "rejected": {strategy.value: tally.rejected[kind, strategy] for strategy in STRATEGIES},
            }
            for kind in kinds
        },
        "corpus_strategies": {strategy.value: mining.gold[strategy] for strategy in STRATEGIES},
        "out": str(out),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def say_who_judges(miner: Miner, console: Console) -> None:
    """A model that judges its own replies is not told from one that does not, unless it is said."""
    models = miner.models()
    if models["judge"] == models["responder"]:
        told = f"The judge and the responder are the same model ({models['judge']}): it judges its own replies."
        console.print(told, style="yellow", highlight=False, markup=False, soft_wrap=True)


def say_what_it_cost(calls: CallLog, console: Console) -> None:
    """A line for each role on each model that was paid for."""
    for line in calls.lines():
        role = line.role.value if line.role else "all"
        cost = f", cost {line.cost:.4f}" if line.cost is not None else ""
        failed = f", failed {dict(line.failed)}" if line.failed else ""
        told = f"{role} on {line.model}: {line.calls:,} calls, {line.prompt_tokens:,} + {line.completion_tokens:,} tokens{cost}{failed}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)


def _candidates(kinds: Sequence[PairKind], tally: Tally) -> Table:
    table = Table(title="Candidates", title_justify="left")
    table.add_column("")
    for kind in kinds:
        table.add_column(kind.value, justify="right")
    for split in Split:
        table.add_row(f"kept, {split.value}", *(f"{tally.splits[kind, split]:,}" for kind in kinds), end_section=split is Split.TEST)
    reasons = sorted({reason for kind, reason in tally.dropped if kind in kinds})
    for reason in reasons:
        table.add_row(reason, *(f"{tally.dropped[kind, reason]:,}" if tally.dropped[kind, reason] else "" for kind in kinds))
    return table


def _strategies(kinds: Sequence[PairKind], tally: Tally, mining: Progress) -> Table:
    """A judge that flags advice more than comfort moves the mix away from action: shares tell."""
    table = Table(title="Strategies, % of the corpus and of the pairs: chosen / rejected", title_justify="left")
    for name in ("", "corpus", *(kind.value for kind in kinds)):
        table.add_column(name, justify="right" if name else "left")
    turns = mining.gold.total()
    for strategy in STRATEGIES:
        sides = (
            f"{_share(tally.chosen[kind, strategy], tally.kept[kind])} / {_share(tally.rejected[kind, strategy], tally.kept[kind])}"
            for kind in kinds
        )
        table.add_row(strategy.value, _share(mining.gold[strategy], turns), *sides)
    return table


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f}" if of else "-"


def _lines(kinds: Sequence[PairKind], tally: Tally, mining: Progress, out: Path) -> list[str]:
    aside = f" ({mining.crisis} flagged by the crisis gate)" if mining.crisis else ""
    rate = f", {mining.done / mining.seconds:.0f} a second" if mining.done and mining.seconds else ""
    lines = [
        f"{mining.dialogues:,} dialogues{aside}, {mining.turns:,} supporter turns: {mining.done:,} attempted in "
        f"{mining.seconds:.1f} s{rate}; {mining.found:,} were there or are no candidates."
    ]
    if mining.failed:
        told = "; ".join(f"{count:,} x {reason}" for reason, count in mining.failures.most_common(3))
        lines.append(f"{mining.failed:,} turns failed ({told}). Run the same command again to try them once more.")
    files = ", ".join(str(pair_file(out / PAIRS, kind)) for kind in kinds if tally.kept[kind])
    return [*lines, f"Pairs: {files or 'none'}"]
