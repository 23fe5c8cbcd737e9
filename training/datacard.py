"""The card of a dataset of pairs: its README.md, with the counts taken while it was written.

It says what a reader needs to judge the pairs by: how many and of what, what was left out and why, which strategies are taught on which
side, how lengths differ, who made them, under which licence, and how crisis talks were treated.  It promises nothing about their quality.
The card of a model is `training/card.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.words import STRATEGIES
from simulator.splits import Split
from training.guards import GuardSettings, Tally
from training.pair import LABELS, Pair, PairKind

CARD = "README.md"

BINS: tuple[float, ...] = (0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0)
"""Borders of the histogram of length ratios."""

APACHE = "apache-2.0"

CORPORA = {"esconv-": "CC BY-NC 4.0 (ESConv, Liu et al. 2021)", "failed-": "CC BY-NC 4.0 (FailedESConv, Liu et al. 2021)"}
"""Licences of corpora that are known by how their dialogues' ids begin."""


@dataclass(slots=True)
class DataCard:
    """What the card says; `add` takes the counts."""

    name: str
    """Of the dataset."""
    licences: dict[str, str] = field(default_factory=dict)
    """By source, in words; that of a known corpus is added when its first pair is."""
    licence: str = "other"
    """As the hub spells it, for the whole."""
    settings: GuardSettings = field(default_factory=GuardSettings)
    tally: Tally = field(default_factory=Tally)
    """With the dropped candidates by reason."""
    command: str = ""
    """That makes the dataset again."""
    language: str = "English"
    rows: Counter[tuple[str, Split]] = field(default_factory=Counter)
    """Rows by config and split."""
    chosen: Counter[tuple[PairKind, str]] = field(default_factory=Counter)
    """Strategies of the chosen side."""
    rejected: Counter[tuple[PairKind, str]] = field(default_factory=Counter)
    errors: Counter[tuple[PairKind, str]] = field(default_factory=Counter)
    """Of the rejected side."""
    ratios: Counter[int] = field(default_factory=Counter)
    """Pairs of replies by bin of the length ratio: bin n lies below `BINS[n]`, the last one above all."""
    sources: Counter[str] = field(default_factory=Counter)
    models: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Pairs by role and spec."""
    crisis: int = 0
    """Pairs of talks that the gate flagged."""

    def add(self, pair: Pair) -> None:
        """Count a pair."""
        self.rows[pair.kind.value, pair.split] += 1
        if pair.chosen_strategy and pair.rejected_strategy:
            self.chosen[pair.kind, pair.chosen_strategy.value] += 1
            self.rejected[pair.kind, pair.rejected_strategy.value] += 1
        if pair.kept.error:
            self.errors[pair.kind, pair.kept.error.value] += 1
        if pair.kind not in LABELS:
            self.ratios[next((place for place, border in enumerate(BINS) if pair.length_ratio < border), len(BINS))] += 1
        self.sources[pair.source] += 1
        if pair.source not in self.licences:
            known = (words for start, words in CORPORA.items() if pair.dialogue.startswith(start))
            self.licences[pair.source] = next(known, "not known: ask the source")
        for role, spec in pair.models.items():
            self.models[role, spec] += 1
        self.crisis += pair.crisis


def card_text(card: DataCard, configs: Mapping[str, Sequence[Split]], suffix: str | None) -> str:
    """The README.md.

    Args:
        card: with its counts.
        configs: the splits of each config.
        suffix: of the files that `datasets` shall open; None where it is not meant to.
    """
    parts = [
        _front(card, configs, suffix),
        f"# {card.name}\n\n"
        "Preference pairs for emotional-support agents, made by holdspace: what a critic, a simulated seeker or a human corpus says is "
        "better or worse in the same context. For research. A model trained on them is no substitute for care, and must not be the one "
        "that answers somebody in a crisis: findahelpline.com lists help lines; in the US call or text 988.",
        _counts(card),
        _dropped(card),
        _mix(card),
        _errors(card),
        _histogram(card),
        _origin(card),
        _crisis(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(card: DataCard, configs: Mapping[str, Sequence[Split]], suffix: str | None) -> str:
    """The YAML that the hub and `datasets` read."""
    lines = ["---", f"license: {card.licence}"]
    if card.language == "English":
        lines += ["language:", "- en"]
    lines += ["tags:", "- emotional-support", "- dpo"]
    if suffix:
        lines.append("configs:")
        for config, splits in configs.items():
            lines += [f"- config_name: {config}", "  data_files:"]
            for split in splits:
                lines += [f"  - split: {split.value}", f"    path: {config}/{split.value}.{suffix}"]
    return "\n".join([*lines, "---"])


def _counts(card: DataCard) -> str:
    counts = {config: [card.rows[config, split] for split in Split] for config, _ in card.rows}
    rows = [[config, *found, sum(found)] for config, found in counts.items()]
    text = _table(["kind", *(split.value for split in Split), "all"], rows)
    return f"## Rows\n\nSplits go by scenario with its personas (or by dialogue), never by row.\n\n{text}"


def _dropped(card: DataCard) -> str:
    if not card.tally.dropped:
        return ""
    rows = [[kind.value, reason, count] for (kind, reason), count in sorted(card.tally.dropped.items())]
    low, high = card.settings.ratio
    rule = f"Words of the chosen over words of the rejected side lie between {low:g} and {high:g}. "
    rule += f"Near duplicates: Jaccard similarity of {card.settings.near:g} or more. "
    balance = f"at most {card.settings.balance:g} medians" if card.settings.balance else "not capped"
    rule += f"(chosen, rejected) cells of strategies: {balance}."
    return f"## Left out\n\n{rule}\n\n" + _table(["kind", "why", "candidates"], rows)


def _mix(card: DataCard) -> str:
    kinds = [kind for kind in PairKind if any(key[0] is kind for key in card.chosen)]
    if not kinds:
        return ""
    rows: list[list[object]] = []
    for strategy in STRATEGIES:
        cells = [f"{card.chosen[kind, strategy.value]} / {card.rejected[kind, strategy.value]}" for kind in kinds]
        rows.append([strategy.value, *cells])
    return "## Strategies\n\nchosen / rejected, in pairs.\n\n" + _table(["strategy", *(kind.value for kind in kinds)], rows)


def _errors(card: DataCard) -> str:
    if not card.errors:
        return ""
    rows = [[kind.value, error, count] for (kind, error), count in sorted(card.errors.items())]
    return "## Worst error of the rejected side\n\n" + _table(["kind", "error", "pairs"], rows)


def _histogram(card: DataCard) -> str:
    if not card.ratios:
        return ""
    names = [f"{low:g} to {high:g}" for low, high in zip((0.0, *BINS), BINS, strict=False)] + [f"{BINS[-1]:g} and more"]
    rows = [[name, card.ratios[place]] for place, name in enumerate(names)]
    what = "Words of the chosen over words of the rejected reply; labels are not measured."
    return f"## Length\n\n{what}\n\n" + _table(["ratio", "pairs"], rows)


def _origin(card: DataCard) -> str:
    sources = [[source, count, card.licences[source]] for source, count in sorted(card.sources.items())]
    models = [[role, spec, count] for (role, spec), count in sorted(card.models.items())]
    text = "## Sources\n\n" + _table(["source", "pairs", "licence"], sources)
    if models:
        text += "\n\n" + _table(["role", "model", "pairs"], models)
    if card.command:
        text += f"\n\nMade by `{card.command}`."
    return text


def _crisis(card: DataCard) -> str:
    policy = f"kept, as asked: {card.crisis} pairs" if card.settings.crisis else "left out"
    return (
        "## Crisis\n\nEvery seeker turn is screened for talk of suicide and self-harm. In a simulation such a talk ends with care and a "
        f"referral, never with a technique. Pairs of flagged talks: {policy}."
    )


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)
