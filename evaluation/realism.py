"""Realism: what dialogues look like, counted the same way for simulated runs and human corpora.

Turns of one speaker in a row are joined; strategies are counted one by one before joining.  Every figure has the name under which
REFERENCE-style tables print it.  This module reads dialogues and counts; it judges nothing and knows no thresholds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import mean, median, quantiles

from agents.text import normal, opening, sentences, words
from agents.words import STRATEGIES, Speaker, Strategy, Utterance
from simulator.dialogue import Dialogue

FIFTHS = 5
SHARED_LENGTH = 6
"""Words from which a sentence counts when talks are searched for shared sentences."""


@dataclass(slots=True)
class Realism:
    """Counts over a set of dialogues, filled by `count`."""

    dialogues: int = 0
    failed: int = 0
    seeker_words: list[int] = field(default_factory=list)
    supporter_words: list[int] = field(default_factory=list)
    supporter_turns: list[int] = field(default_factory=list)
    questions: int = 0
    """Seeker turns with a question mark."""
    seeker_by_fifth: list[list[int]] = field(default_factory=lambda: [[] for _ in range(FIFTHS)])
    thanks_by_fifth: list[list[bool]] = field(default_factory=lambda: [[] for _ in range(FIFTHS)])
    strategies_by_fifth: list[Counter[Strategy]] = field(default_factory=lambda: [Counter() for _ in range(FIFTHS)])
    same_again: list[bool] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    """Final minus initial reported intensity, where both are known."""
    stops: Counter[str] = field(default_factory=Counter)
    talks_with: Counter[str] = field(default_factory=Counter)
    """In how many talks a sentence of six words or more occurs."""
    repeating_talks: int = 0
    """Talks in which a sentence of more than three words occurs twice."""
    opening_talks: int = 0
    """Talks in which more than two supporter turns open with the same three words."""


def count(dialogues: Iterable[Dialogue]) -> Realism:
    """The counts over dialogues, one pass; talks that failed are counted as such and left out of everything else."""
    found = Realism()
    for dialogue in dialogues:
        if dialogue.stop == "failed":
            found.failed += 1
        else:
            _add(found, dialogue)
    return found


def _add(found: Realism, dialogue: Dialogue) -> None:
    found.dialogues += 1
    joined = join_turns(dialogue.turns)
    seeker = [text for speaker, text in joined if speaker is Speaker.SEEKER]
    supporter = [text for speaker, text in joined if speaker is Speaker.SUPPORTER]
    found.seeker_words += [len(text.split()) for text in seeker]
    found.supporter_words += [len(text.split()) for text in supporter]
    found.supporter_turns.append(len(supporter))
    for place, text in enumerate(seeker):
        fifth = place * FIFTHS // len(seeker)
        found.seeker_by_fifth[fifth].append(len(text.split()))
        found.thanks_by_fifth[fifth].append("thank" in text.lower())
        found.questions += "?" in text
    labels = [turn.strategy for turn in dialogue.turns if turn.speaker is Speaker.SUPPORTER and turn.strategy]
    for place, label in enumerate(labels):
        found.strategies_by_fifth[place * FIFTHS // len(labels)][label] += 1
    found.same_again += [left is right for left, right in pairwise(labels)]
    if dialogue.initial is not None and dialogue.final is not None:
        found.changes.append(dialogue.final - dialogue.initial)
    if dialogue.stop:
        found.stops[dialogue.stop] += 1
    _add_sentences(found, dialogue.turns, supporter)


def _add_sentences(found: Realism, turns: Sequence[Utterance], supporter: Sequence[str]) -> None:
    said = [normal(sentence) for turn in turns for sentence in sentences(turn.text)]
    found.talks_with.update({text for text in said if len(text.split()) >= SHARED_LENGTH})
    found.repeating_talks += any(times > 1 and len(text.split()) > 3 for text, times in Counter(said).items())
    openings = Counter(opening(text) for text in supporter if len(words(text)) >= 3)
    found.opening_talks += any(times > 2 for times in openings.values())


def join_turns(turns: Sequence[Utterance]) -> list[tuple[Speaker, str]]:
    """Turns of one speaker in a row as one, texts joined by a space."""
    joined: list[tuple[Speaker, str]] = []
    for turn in turns:
        if joined and joined[-1][0] is turn.speaker:
            joined[-1] = (turn.speaker, f"{joined[-1][1]} {turn.text}")
        else:
            joined.append((turn.speaker, turn.text))
    return joined


def shares(counts: Counter[Strategy]) -> dict[Strategy, float]:
    """Strategy shares; all zero when nothing was counted."""
    total = sum(counts.values())
    return {strategy: counts[strategy] / total if total else 0.0 for strategy in STRATEGIES}


def distance(left: Counter[Strategy], right: Counter[Strategy]) -> float:
    """Total variation distance of two strategy mixes, 0 to 1."""
    first, second = shares(left), shares(right)
    return sum(abs(first[strategy] - second[strategy]) for strategy in STRATEGIES) / 2


Figures = dict[str, object]


def figures(found: Realism) -> Figures:
    """The table of a set of dialogues as plain values, for people and for machines.  Shares are between 0 and 1."""
    most, times = max(found.talks_with.items(), key=lambda item: item[1], default=("", 0))
    size = max(found.dialogues, 1)
    return {
        "dialogues": found.dialogues,
        "failed": found.failed,
        "seeker_words_mean": _rounded(mean, found.seeker_words),
        "seeker_words_median": _rounded(median, found.seeker_words),
        "seeker_words_p10": _part(found.seeker_words, 10),
        "seeker_words_p90": _part(found.seeker_words, 90),
        "seeker_at_most_5_words": _share([count <= 5 for count in found.seeker_words]),
        "seeker_questions": round(found.questions / max(len(found.seeker_words), 1), 3),
        "seeker_words_median_by_fifth": [_rounded(median, values) for values in found.seeker_by_fifth],
        "supporter_words_mean": _rounded(mean, found.supporter_words),
        "supporter_words_median": _rounded(median, found.supporter_words),
        "supporter_turns_mean": _rounded(mean, found.supporter_turns),
        "supporter_turns_p10": _part(found.supporter_turns, 10),
        "supporter_turns_p90": _part(found.supporter_turns, 90),
        "thanks_by_fifth": [_share(values) for values in found.thanks_by_fifth],
        "same_strategy_again": _share(found.same_again),
        "strategies_by_fifth": [{s.value: round(v, 3) for s, v in shares(counts).items()} for counts in found.strategies_by_fifth],
        "intensity_falls": _share([change < 0 for change in found.changes]),
        "intensity_rises": _share([change > 0 for change in found.changes]),
        "intensity_change_mean": _rounded(mean, found.changes),
        "stops": dict(sorted(found.stops.items())),
        "most_shared_sentence": most,
        "most_shared_sentence_talks": round(times / size, 4),
        "talks_repeating_a_sentence": round(found.repeating_talks / size, 4),
        "talks_with_an_opening_thrice": round(found.opening_talks / size, 4),
    }


def distances(found: Realism, reference: Realism) -> list[float]:
    """Total variation distance of the strategy mix, fifth by fifth."""
    return [round(distance(mine, theirs), 3) for mine, theirs in zip(found.strategies_by_fifth, reference.strategies_by_fifth, strict=True)]


def _rounded(how: object, values: Sequence[int]) -> float | None:
    return round(float(how(values)), 2) if values and callable(how) else None


def _part(values: Sequence[int], percent: int) -> float | None:
    return round(quantiles(values, n=100, method="inclusive")[percent - 1], 1) if len(values) > 1 else None


def _share(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None
