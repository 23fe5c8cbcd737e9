"""What the systems of a comparison are worth on the same held-out turns, and how far apart two of them are.

Strategies by Q, weighted F1 and B; replies by Dist, unigram F1 and the errors that the rehearsal critic's rules find.  Intervals of
strategies and errors are over dialogues, those of the text figures over replies.  Where a strategy could not be read, Q counts an error,
and so does the error rate.  The rules are no clinicians; what they say of the human replies stands beside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.rehearsal.criticism import find_errors
from agents.rehearsal.replies import moment
from agents.words import PsychError, Strategy
from evaluation.bootstrap import interval, paired_interval, percentiles
from evaluation.strategies import Choice, baselines, report, resample, tabulate
from evaluation.text import text_report
from training.compare_asking import Answer
from training.ipm import Case

SAMPLES = 1000
UNREADABLE = "unreadable"
"""An answer without a strategy, or without a reply."""
POINTS = ("macro_f1", "preference_bias", "preference_bias_smoothed")
"""Q, B and the B that is always defined."""
CLAIMS = (
    ("Vanilla-SFT", "Decoupled-SFT", "decoupling helps SFT"),
    ("Vanilla-SFT", "Vanilla-DPO", "DPO helps the joint model"),
    ("Decoupled-SFT", "Decoupled-DPO", "DPO helps the decoupled models"),
    ("Vanilla-DPO", "Decoupled-DPO", "decoupling helps DPO"),
)
"""What each system is held against; each claim is that Q rises, and B and errors fall."""
_TEXT = ("dist_1", "dist_2", "corpus_dist_1", "corpus_dist_2", "unigram_f1", "length")


@dataclass(frozen=True, slots=True)
class System:
    """What a system answered."""

    choices: list[Choice]
    """Greedy ones, at all turns."""
    drawn: list[Choice]
    """At the turns at which replies were written, of the strategies they were written under."""
    replies: list[str]
    human: list[str]
    errors: list[tuple[str, ...]]
    """Of each reply."""
    dialogues: list[str]
    """Of each reply."""


def system(asked: Sequence[Case], greedy: Sequence[Answer], spoken: Sequence[Case], said: Sequence[Answer]) -> System:
    """A system's answers beside what the humans did; the cases are those that were asked, in the order of the answers."""
    return System(
        choices=[_choice(case, answer.best) for case, answer in zip(asked, greedy, strict=True)],
        drawn=[_choice(case, answer.drawn) for case, answer in zip(spoken, said, strict=True)],
        replies=[answer.reply for answer in said],
        human=[case.text for case in spoken],
        errors=[errors_of(case, answer.reply, answer.drawn) for case, answer in zip(spoken, said, strict=True)],
        dialogues=[case.dialogue.id for case in spoken],
    )


def human(spoken: Sequence[Case]) -> System:
    """The human supporters, judged as the systems are."""
    said = [Answer(dialogue=case.dialogue.id, turn=case.index, drawn=case.gold, reply=case.text) for case in spoken]
    return system((), (), spoken, said)


def _choice(case: Case, strategy: Strategy | None) -> Choice:
    assert case.gold is not None
    return Choice(gold=case.gold, pred=strategy, dialogue=case.dialogue.id)


def errors_of(case: Case, reply: str, strategy: Strategy | None) -> tuple[str, ...]:
    """Names of the errors of a reply, by the rehearsal critic's rules."""
    if strategy is None or not reply:
        return (UNREADABLE,)
    return tuple(finding.error.value for finding in find_errors(moment(case.talk), reply, strategy))


def strategy_figures(choices: Sequence[Choice]) -> dict[str, Any]:
    """Q, weighted F1 and B with intervals, for JSON."""
    return {name: value for name, value in report(choices, samples=SAMPLES).items() if name != "baselines"}


def trivial(choices: Sequence[Choice]) -> dict[str, Any]:
    """Label prior, uniform and majority on the same gold labels, for JSON."""
    return baselines(tabulate(choices).sum(1), samples=SAMPLES)


def reply_figures(one: System) -> dict[str, Any]:
    """Text figures and errors a turn, for JSON."""
    text = text_report(one.replies, one.human, samples=SAMPLES)
    counts = _counts(one)
    kinds = Counter(name for names in one.errors for name in names)
    span = interval(counts, clusters=one.dialogues, samples=SAMPLES)
    return {
        "n": len(one.replies),
        **{name: text[name] for name in _TEXT},
        "intervals": {name: text["intervals"][name] for name in _TEXT if name in text["intervals"]},
        "errors": sum(counts) / len(counts),
        "errors_interval": [span.low, span.high],
        "errors_by_kind": {name: kinds[name] / len(counts) for name in (*(error.value for error in PsychError), UNREADABLE)},
    }


def _counts(one: System) -> list[float]:
    return [float(len(names)) for names in one.errors]


def claims(systems: Mapping[str, System]) -> list[dict[str, Any]]:
    """The claims with their differences, and what these say of each."""
    found = []
    for first, second, what in CLAIMS:
        differences = apart(systems[first], systems[second])
        says = {name: verdict(one, up=name == "macro_f1") for name, one in differences.items()}
        found.append({"claim": what, "from": first, "to": second, "differences": differences, "verdicts": says})
    return found


def apart(first: System, second: System) -> dict[str, Any]:
    """Second minus first on the same turns and the same resamples of dialogues: POINTS and errors a turn, each with a 95% interval.

    None where a figure is undefined for one of them, as B is for a planner that never chooses two of the strategies.
    """
    before, after = (resample(one.choices, samples=SAMPLES, seed=0) for one in (first, second))
    told = strategy_points(first), strategy_points(second)
    found: dict[str, Any] = {}
    for name in POINTS:
        both = after[name] - before[name]
        defined = both[np.isfinite(both)]
        known = None not in (told[0][name], told[1][name]) and len(defined) >= 0.9 * len(both)
        found[name] = {"difference": told[1][name] - told[0][name], "interval": list(percentiles(defined, 0.95))} if known else None
    left, right = _counts(second), _counts(first)
    span = paired_interval(left, right, clusters=first.dialogues, samples=SAMPLES)
    found["errors"] = {"difference": (sum(left) - sum(right)) / len(left), "interval": [span.low, span.high]}
    return found


def strategy_points(one: System) -> dict[str, Any]:
    """POINTS without intervals."""
    found = report(one.choices, samples=1)
    return {name: found[name] for name in POINTS}


def verdict(found: dict[str, Any] | None, *, up: bool) -> str:
    """Whether a difference supports a claim that the figure goes up (or down): `supported`, `contradicted`, `within noise`, `undefined`."""
    if found is None:
        return "undefined"
    low, high = found["interval"]
    if low <= 0 <= high:
        return "within noise"
    return "supported" if (low > 0) is up else "contradicted"
