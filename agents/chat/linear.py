"""The `linear:PATH` backend: a planner that is one matrix, for a machine without a GPU and as the baseline of every trained planner.

TF-IDF of the last turns, the strategies used so far and the position in the talk, times weights that `training/linear.py` has learnt; a
choice takes a fraction of a millisecond.  It plans and does nothing else: it writes no reply.  `linear:PATH@PRIOR` sets the prior
correction, from 0 (the likeliest strategy as it stands) to 1 (each strategy is best as often as humans choose it).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.chat.features import state, terms
from agents.chat.port import Choice, Completion, Request, Usage
from agents.errors import AnswerError, InputError
from agents.words import STRATEGIES, Strategy, Talk

SPEC = "linear:"
SETTINGS = "linear.json"
WEIGHTS = "linear-*.npz"
SCHEMA = "holdspace.linear/1"

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A linear planner's figures."""

    vocabulary: dict[str, int]
    """Feature name to row."""
    idf: Floats
    """Inverse document frequency of each row [F]; 1 for features that are no words."""
    weights: Floats
    """[F, 8], columns in the order of STRATEGIES."""
    intercept: Floats
    """[8]."""
    offsets: Floats
    """Prior correction at its full strength [8]: added to the log-probabilities, times `prior`."""
    prior: float
    """Strength of the prior correction, 0 to 1."""

    def log_probabilities(self, talk: Talk, *, prior: float | None = None) -> NDArray[np.float64]:
        """Of the eight strategies for the next supporter turn [8]; `prior` instead of the model's own, when given."""
        rows, values = vector(talk, self.vocabulary, self.idf)
        scores = (self.intercept + values @ self.weights[rows]).astype(np.float64)
        return normalised(normalised(scores) + (self.prior if prior is None else prior) * self.offsets)


def vector(talk: Talk, vocabulary: dict[str, int], idf: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The features of a talk as rows and values; words are TF-IDF of length 1 in each field, (1 + log tf) * idf."""
    pairs = [(vocabulary[name], value) for name, value in state(talk).items() if name in vocabulary]
    for counts in terms(talk).values():
        field = [(row, (1 + math.log(count)) * float(idf[row])) for row, count in _known(counts, vocabulary)]
        length = math.sqrt(sum(value * value for _, value in field)) or 1.0
        pairs += [(row, value / length) for row, value in field]
    return np.array([row for row, _ in pairs], dtype=np.intp), np.array([value for _, value in pairs], dtype=np.float32)


def _known(counts: dict[str, int], vocabulary: dict[str, int]) -> Iterator[tuple[int, int]]:
    for term, count in counts.items():
        if (row := vocabulary.get(term)) is not None:
            yield row, count


def normalised(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Log-probabilities from scores, along the last axis."""
    shifted = scores - scores.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)), dtype=np.float64)


def save(model: LinearModel, folder: Path, about: dict[str, Any]) -> None:
    """Write a model into a folder: the weights, then the settings that name them, then the old weights are deleted; whenever it is
    interrupted, the folder holds a whole model, the old one or the new.

    Args:
        model: what was learnt.
        folder: made when missing.
        about: what else to keep beside the settings, for people: sources, counts, figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"idf": model.idf, "weights": model.weights, "intercept": model.intercept, "offsets": model.offsets}
    partial = folder / f".{os.getpid()}.npz"
    np.savez(partial, allow_pickle=False, **arrays)
    digest = _digest(partial)
    weights = WEIGHTS.replace("*", digest[:12])
    os.replace(partial, folder / weights)
    names = sorted(model.vocabulary, key=lambda name: model.vocabulary[name])
    content = {
        "schema_version": SCHEMA,
        "strategies": [strategy.value for strategy in STRATEGIES],
        "prior": model.prior,
        "weights": weights,
        "weights_sha256": digest,
        **about,
        "vocabulary": names,
    }
    written = folder / f".{os.getpid()}.json"
    written.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(written, folder / SETTINGS)
    for old in folder.glob(WEIGHTS):
        if old.name != weights:
            old.unlink()


def load(folder: Path) -> LinearModel:
    """The model of a folder.

    Raises:
        InputError: no linear planner there, or settings and weights do not belong together.
    """
    try:
        content = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if content.get("schema_version") != SCHEMA or content["strategies"] != [strategy.value for strategy in STRATEGIES]:
            raise ValueError("written by another version")
        weights = folder / Path(content["weights"]).name
        if _digest(weights) != content["weights_sha256"]:
            raise ValueError(f"{weights.name} is not the file that {SETTINGS} was written with")
        with np.load(weights, allow_pickle=False) as arrays:
            return LinearModel(
                vocabulary={name: row for row, name in enumerate(content["vocabulary"])},
                idf=arrays["idf"],
                weights=arrays["weights"],
                intercept=arrays["intercept"],
                offsets=arrays["offsets"],
                prior=float(content["prior"]),
            )
    except OSError as error:
        raise InputError(f"{folder} holds no linear planner ({error.strerror or error}).", hint=_MAKE) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}: {SETTINGS} is not a linear planner's ({error}).", hint=_MAKE) from error


_MAKE = "Make one: holdspace sft planner --base linear --data CORPUS --out FOLDER."


def split_spec(spec: str) -> tuple[Path, float | None]:
    """Folder and prior correction of `linear:PATH[@PRIOR]`; InputError where the prior is not between 0 and 1."""
    rest = spec[len(SPEC) :]
    path, at, strength = rest.rpartition("@")
    if not at or Path(rest).is_dir():
        return Path(rest), None
    try:
        prior = float(strength)
    except ValueError:
        return Path(rest), None
    if not 0 <= prior <= 1:
        raise InputError(f"{spec}: the prior correction is {strength}.", hint="Give a number from 0 to 1 after the @.")
    return Path(path), prior


class LinearPlanner:
    """A linear planner on the chat port; heeds neither prompt nor sampling.

    Args:
        spec: `linear:PATH[@PRIOR]`.

    Raises:
        InputError: no linear planner at that path.
    """

    def __init__(self, spec: str) -> None:
        folder, prior = split_spec(spec)
        model = load(folder)
        self.model = model if prior is None else replace(model, prior=prior)
        self.spec = f"{SPEC}{folder.resolve().name}@{self.model.prior:g}"

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        """The distribution over the eight strategies; AnswerError for other options."""
        if set(options) != set(Strategy):
            raise AnswerError("A linear planner can only choose among the eight strategies.")
        probabilities = np.exp(self.model.log_probabilities(request.variables["talk"]))
        shares = {strategy.value: float(share) for strategy, share in zip(STRATEGIES, probabilities, strict=True)}
        return Choice(probabilities=shares, usage=Usage(model=self.spec))

    async def complete(self, request: Request) -> Completion:
        """Always an AnswerError: there are no words in it."""
        raise AnswerError(f"{self.spec} only plans; it has no answer to {request.task!r}.", hint="Seat another model there.")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
