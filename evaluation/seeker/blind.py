"""Blind reading: how well somebody who sees only the words could tell the hidden mind, and how well by chance.

A ridge regression learns from the visible words of some scenarios and reads those of others: the seeker's last turn, the one before, and
the supporter's last.  The mind moves with the turns, so what the turn number alone tells is taken off first: the figure is what the words
tell beyond it.  Near zero, the seeker's words show nothing of its state (flat); near one, they are a readout of it.  Chance is the same
reader taught with the minds of other talks, whole courses shuffled.  It knows nothing of persona or scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from agents.text import words
from agents.words import Speaker
from evaluation.bytalk import correlation_of
from simulator.episode import Episode, SeekerTurn

Floats = NDArray[np.float64]
Figures = dict[str, Any]

TARGETS = ("intensity", "trust")
FOLDS = 5
SHUFFLES = 40
DIMENSIONS = 60
MOST = 400
"""Talks that are read at most, the first of the run."""
FEWEST = 10
"""Scenarios below which there is nothing to hold out."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a blind reader sees of one moment, and what was so."""

    talk: str
    scenario: str
    last: str
    before: str
    reply: str
    place: int
    """Seeker turns so far."""
    mind: tuple[float, ...]
    """The targets' true values."""


def glimpses(episodes: Iterable[Episode]) -> list[Glimpse]:
    """The moments of a run."""
    found = []
    for episode in episodes:
        last, reply, place = "", "", 0
        for turn in episode.turns:
            if turn.speaker is Speaker.SUPPORTER:
                reply = turn.text
            elif isinstance(turn, SeekerTurn):
                mind = tuple(float(getattr(turn.mind, name)) for name in TARGETS)
                found.append(Glimpse(episode.id, episode.scenario.name, turn.text, last, reply, place, mind))
                last, place = turn.text, place + 1
    return found


def blind_figures(seen: Sequence[Glimpse], *, seed: int = 0) -> Figures:
    """How well each target is read on scenarios that were not learned from; figures are None where there are too few scenarios."""
    kept = set(list(dict.fromkeys(item.talk for item in seen))[:MOST])
    rows = [item for item in seen if item.talk in kept]
    scenarios = sorted({item.scenario for item in rows})
    if len(scenarios) < FEWEST:
        return {"targets": None, "reason": f"{len(scenarios)} scenarios; {FEWEST} are needed to learn from some and test on others"}
    rng = np.random.default_rng(seed)
    fold_of = dict(zip(scenarios, rng.permutation(len(scenarios)) % FOLDS, strict=True))
    folds = np.array([fold_of[item.scenario] for item in rows])
    true = np.array([item.mind for item in rows])
    shuffled = [_shuffled(rows, true, rng) for _ in range(SHUFFLES)]
    stack = np.concatenate([true, *shuffled], axis=1)
    places = _places(rows)
    by_place = _read(places, folds, stack)
    left = stack - by_place
    guessed = _read(np.column_stack([_surface(rows), _words(rows)]), folds, left)
    talks = [item.talk for item in rows]
    targets = {}
    for number, name in enumerate(TARGETS):
        mine = slice(number, None, len(TARGETS))
        targets[name] = {
            **_figures(left[:, mine], guessed[:, mine], talks),
            "place_alone": correlation_of(true[:, number], by_place[:, number], talks).plain(),
            "error": round(float(np.abs(left - guessed)[:, number].mean()), 4),
            "place_error": round(float(np.abs(left[:, number]).mean()), 4),
            "constant_error": round(float(np.abs(true[:, number] - np.median(true[:, number])).mean()), 4),
        }
    return {"talks": len(kept), "turns": len(rows), "scenarios": len(scenarios), "shuffles": SHUFFLES, "targets": targets}


def _figures(truths: Floats, guesses: Floats, talks: Sequence[str]) -> Figures:
    """What the words tell beyond the turn number; columns: the truth first, then the shuffles."""
    chance = np.array([_r(truths[:, i], guesses[:, i]) for i in range(1, truths.shape[1])])
    true, guess = truths[:, 0], guesses[:, 0]
    return {
        "correlation": correlation_of(true, guess, talks).plain(),
        "correlation_within_talks": correlation_of(true, guess, talks, within=True).plain(),
        "chance_mean": round(float(chance.mean()), 4),
        "chance_95": round(float(np.quantile(chance, 0.95)), 4),
        "p": round(float((1 + (chance >= _r(true, guess)).sum()) / (1 + len(chance))), 4),
    }


def _r(left: Floats, right: Floats) -> float:
    if left.std() < 1e-9 or right.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])


def _shuffled(rows: Sequence[Glimpse], true: Floats, rng: np.random.Generator) -> Floats:
    """Each talk gets the course of another talk's mind, turn by turn; a longer talk keeps the other's last value."""
    starts: dict[str, list[int]] = {}
    for index, item in enumerate(rows):
        starts.setdefault(item.talk, []).append(index)
    own = list(starts.values())
    found = np.empty_like(true)
    for mine, theirs in zip(own, rng.permutation(len(own)), strict=True):
        other = own[theirs]
        for step, index in enumerate(mine):
            found[index] = true[other[min(step, len(other) - 1)]]
    return found


def _read(features: Floats, folds: NDArray[np.int64], targets: Floats) -> Floats:
    """Out-of-fold guesses of every target."""
    guesses = np.empty_like(targets)
    for fold in range(FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(test):
            middle, spread = features[train].mean(axis=0), features[train].std(axis=0) + 1e-9
            model = Ridge(alpha=30.0).fit((features[train] - middle) / spread, targets[train])
            guesses[test] = model.predict((features[test] - middle) / spread)
    return guesses


def _places(rows: Sequence[Glimpse]) -> Floats:
    return np.array([[item.place, item.place == 0, item.place == 1] for item in rows], dtype=float)


def _words(rows: Sequence[Glimpse]) -> Floats:
    """The words as a few directions (latent semantic analysis); found without the minds, so over all rows at once."""
    blocks = []
    for part in ("last", "before", "reply"):
        try:
            blocks.append(
                TfidfVectorizer(analyzer=words, sublinear_tf=True, min_df=3).fit_transform([getattr(item, part) for item in rows])
            )
        except ValueError:  # no word occurs thrice
            continue
    whole = hstack(blocks).tocsr() if blocks else np.zeros((len(rows), 1))
    size = min(DIMENSIONS, min(whole.shape) - 1)
    if size < 1:
        return np.zeros((len(rows), 0))
    return np.asarray(TruncatedSVD(n_components=size, n_iter=2, random_state=0).fit_transform(whole))


def _surface(rows: Sequence[Glimpse]) -> Floats:
    """Length and marks of what was said."""
    return np.array(
        [[len(item.last.split()), len(item.before.split()), "?" in item.last, "!" in item.last, "..." in item.last] for item in rows],
        dtype=float,
    )
