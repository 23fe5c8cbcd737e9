"""`holdspace score strategies | planner | text`: figures of `evaluation/` as tables for people and JSON for machines.

Nothing is computed here.  Q and B always stand together, beside planners that look at nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.errors import InputError, StorageError
from agents.words import STRATEGIES, Speaker
from evaluation.plots import confusion_svg
from evaluation.predictions import Predictions, Replies, read_predictions, read_replies
from evaluation.strategies import report
from evaluation.text import text_report
from simulator.corpora.files import rows_of
from simulator.corpora.reading import FORMATS, read_corpus

_COLUMNS = (
    ("macro_f1", "Q (macro-F1)"),
    ("preference_bias", "B"),
    ("weighted_f1", "weighted F1"),
    ("accuracy", "accuracy"),
    ("preference_bias_smoothed", "B, smoothed"),
)
_BASELINES = {"label_prior": "label prior", "uniform": "uniform", "majority": "majority"}
_TEXT = (
    *((f"sacrebleu_{order}", f"BLEU-{order}, sacrebleu") for order in range(1, 5)),
    *((f"nltk_bleu_{order}", f"BLEU-{order}, NLTK method3, mean of replies") for order in range(1, 5)),
    ("rouge_l", "ROUGE-L, beta 1.2"),
    ("meteor_no_synonyms", "METEOR without synonyms"),
    ("unigram_f1", "unigram F1"),
    *((f"dist_{order}", f"Dist-{order} in a reply") for order in range(1, 4)),
    *((f"corpus_dist_{order}", f"Dist-{order} over all replies") for order in range(1, 4)),
    ("length", "tokens a reply"),
)


def show_strategies(file: Path, gold: Path | None, *, samples: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """Score a predictions file; InputError when it is none."""
    found = read_predictions(file, gold)
    content = report(found.choices, samples=_checked(samples), seed=seed)
    if found.gold_from:
        content["gold_from"] = Path(found.gold_from).name
    _draw(plot, content, file.name)
    if as_json:
        print_json(content)
        return
    print_figures(file.name, {file.name: content})
    _tell_unparsed(found)


def show_text(source: Path, *, samples: int, seed: int, as_json: bool) -> None:
    """Score the replies of a result file, or of a run or corpus (which has nothing to compare with); InputError when it is neither."""
    found = _replies(source)
    content = text_report(found.replies, found.references, samples=_checked(samples), seed=seed)
    if as_json:
        print_json(content)
        return
    table = Table(title=f"{source.name}: {content['n']:,} replies", title_justify="left")
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("95% interval", justify="right")
    for key, label in _TEXT:
        table.add_row(label, "-" if content[key] is None else f"{content[key]:.2f}", _range(content["intervals"].get(key), 2))
    _console().print(table)
    for reason in (content["reference_reason"], content["meteor_reason"], content["sacrebleu_signature"]):
        if reason:
            _console().print(reason, highlight=False, markup=False)


def _replies(source: Path) -> Replies:
    if not source.is_dir() and not _is_corpus(source):
        return read_replies(source)
    turns = [turn for dialogue in read_corpus(source) for turn in dialogue.turns if turn.speaker is Speaker.SUPPORTER]
    if not turns:
        raise InputError(f"{source} holds no supporter turn.", hint="Give a run, a corpus, or a file of replies.")
    return Replies([turn.text for turn in turns], None, [turn.strategy for turn in turns])


def _is_corpus(source: Path) -> bool:
    """Whether the first row is a dialogue; a file that is neither is told by the reader of replies."""
    with rows_of(source) as rows:
        first = next(rows, None)
    value = first.value if first else None
    return isinstance(value, Mapping) and any(known.fits(value) for known in FORMATS.values())


def print_figures(title: str, planners: Mapping[str, Mapping[str, Any]]) -> None:
    """The table of planners beside the baselines, then the first one's strategies, and what has to be said about them.

    Args:
        title: of the table.
        planners: reports of `evaluation.strategies.report`, of the same gold labels, by name; the first is looked at more closely.
    """
    first = next(iter(planners.values()))
    console = _console()
    table = Table(title=f"{title}: {first['n']:,} turns; 95% intervals over {first['resampled']}", title_justify="left")
    table.add_column("")
    for _, label in _COLUMNS:
        table.add_column(label, justify="right")
    for name, content in planners.items():
        table.add_row(name, *(_figure(content, key) for key, _ in _COLUMNS), end_section=name == list(planners)[-1])
    for key, label in _BASELINES.items():
        table.add_row(label, *(_figure(first["baselines"][key], column) for column, _ in _COLUMNS))
    console.print(table)
    console.print(_strategy_table(first))
    for name, content in planners.items():
        if content["preference_bias_reason"]:
            console.print(f"{name}: B is undefined. {content['preference_bias_reason']}", highlight=False, markup=False)
    if first.get("gold_from"):
        console.print(f"Gold labels from {first['gold_from']}.", highlight=False, markup=False)


def _strategy_table(content: Mapping[str, Any]) -> Table:
    table = Table(title="By strategy", title_justify="left")
    table.add_column("")
    for label in ("gold", "predicted", "precision", "recall", "F1", "preference"):
        table.add_column(label, justify="right")
    for strategy in STRATEGIES:
        line = content["per_strategy"][strategy.value]
        shares = (f"{line[key]:.3f}" for key in ("precision", "recall", "f1"))
        preference = "-" if line["preference"] is None else f"{line['preference']:.3f}"
        table.add_row(strategy.value, str(line["gold"]), str(line["predicted"]), *shares, preference)
    if content["parse_failures"]:
        table.add_row("not parsed", "", str(content["parse_failures"]), *[""] * 4)
    return table


def _tell_unparsed(found: Predictions) -> None:
    if not found.unparsed:
        return
    first = found.unparsed[0]
    _console().print(
        f"{len(found.unparsed)} of {len(found.choices)} predictions name none of the eight strategies and count as errors; "
        f"the first is {first.label} ({first.where}).",
        highlight=False,
        markup=False,
    )


def _figure(content: Mapping[str, Any], key: str) -> str:
    value = content[key]
    if value is None:
        return "undefined"
    ends = _range((content.get("intervals") or {}).get(key), 3)
    return f"{value:.3f} {ends}".strip()


def _range(ends: Sequence[float] | None, digits: int) -> str:
    return f"[{ends[0]:.{digits}f}, {ends[1]:.{digits}f}]" if ends else ""


def _draw(plot: Path | None, content: Mapping[str, Any], name: str) -> None:
    if plot is not None:
        write_file(plot, confusion_svg(content["confusion"], name))


def write_file(path: Path, text: str) -> None:
    """Write a file as a whole or not at all; StorageError when it can't be."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder.") from error


def print_json(content: Mapping[str, Any]) -> None:
    """For a machine."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _checked(samples: int) -> int:
    if samples < 1:
        raise InputError(f"--samples {samples}: must be at least 1.", hint="1000 is usual.")
    return samples


def _console() -> Console:
    """As wide as the terminal; wide enough for the tables where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=140)
