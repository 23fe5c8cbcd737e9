"""Rounds: M0 by SFT, then talk, pair, DPO, measure, promote, again: the self-evolution of 2505.16610 with the two seats of 2505.16995.

    teach -> sft -> measure M0 -> [ talk(M_t) -> pairs -> dpo -> measure M_t+1 -> promote or stop ] ... -> final

Seeker and critic stay what they are in all rounds; planner and responder are trained apart, each from its own M_t, which is also the
reference.  Every stage has a manifest (`training/stages.py`), so a killed run goes on and nothing is trained twice.  This module decides
the order; talks are in `talking.py`, trainings in `learning.py`, what a model is worth in `measuring.py`, whether it is promoted in
`promotion.py`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from agents.errors import InputError
from graphs.recipe import Part, difference
from simulator.store import read_episodes
from training.evolve_recipe import EvolveRecipe
from training.guards import GuardSettings, Tally
from training.learning import Learning, teacher
from training.measuring import Subject, final, measure
from training.pair import PairKind
from training.pairing import Making, Talks, pairs_of
from training.pairstore import PAIRS, read_pairs, write_pairs
from training.promotion import judge
from training.stages import Stages, digest, locked, write_json
from training.talking import Listening, Talking

RUN_FILE = "evolve.json"
METRICS = "metrics.json"
ROUNDS = "rounds"


def evolve(recipe: EvolveRecipe, out: Path, listening: Listening | None = None) -> dict[str, Any]:
    """Run all rounds, or what is left of them; returns the content of metrics.json.

    Args:
        recipe: the settings.
        out: the run folder; made when missing.
        listening: who is told how it goes.

    Raises:
        InputError: the folder belongs to another recipe or is in use, or there is nothing to learn from.
        StorageError: the folder can't be written.
        HoldspaceError: a stage failed; what was done before stays.
    """
    with locked(out):
        _own(out, recipe)
        return Evolution(recipe, out, listening or Listening()).run()


def _own(out: Path, recipe: EvolveRecipe) -> None:
    path = out / RUN_FILE
    if not path.exists():
        write_json(path, {"fingerprint": recipe.fingerprint, "recipe": recipe.model_dump(mode="json")})
        return
    try:
        old = EvolveRecipe.model_validate(json.loads(path.read_text(encoding="utf-8"))["recipe"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} can't be read as a recipe.", hint="Choose another --out.") from error
    if (apart := difference(old.identity(), recipe.identity())) is not None:
        raise InputError(f"{out} belongs to another recipe: {apart}.", hint="Choose another --out, or the recipe it was made with.")


class Evolution:
    """One self-evolution run.

    Args:
        recipe: the settings.
        out: the run folder.
        listening: who is told how it goes.
    """

    def __init__(self, recipe: EvolveRecipe, out: Path, listening: Listening) -> None:
        self.recipe, self.out = recipe, out
        self.stages = Stages(out, listening.on_stage)
        self.talking = Talking(recipe, self.stages, listening.on_talks)
        self.learning = Learning(recipe, self.stages, listening.on_steps)

    def run(self) -> dict[str, Any]:
        """All stages in order."""
        models = [self.learning.first(self._taught())]
        measured, promotions = [measure(self._subject(0, models[0]))], list[dict[str, Any]]()
        for number in range(self.recipe.rounds):
            talks = self.out / ROUNDS / str(number)
            models.append(self.learning.after(number, models[-1], talks, self._pairs(number, models[-1], talks)))
            measured.append(measure(self._subject(number + 1, models[-1])))
            promotion = judge(self.recipe.promote, measured[-2], measured[-1], measured[-1]["against_before"])
            step = {"round": number, "from": f"m{number}", "to": f"m{number + 1}"}
            promotions.append({**step, **promotion.model_dump(), "why": promotion.why})
            if not promotion.promoted:
                break
        return self._finish(models, measured, promotions)

    def _subject(self, number: int, models: dict[str, str]) -> Subject:
        return Subject(self.recipe, self.stages, self.talking, number, models)

    def _taught(self) -> dict[str, Any]:
        """What M0 learns from: a corpus, or rehearsed talks without a critic."""
        path, first = teacher(self.recipe, self.out), self.recipe.first
        if first.corpus:
            return {"path": str(path), "digest": _file_digest(path)}
        made = self.talking.talked("teach", path, self.talking.recipe_of("teacher", Part.TRAIN, None, share=0.0), first.episodes)
        return {"path": str(path), "digest": digest(made)}

    def _pairs(self, number: int, models: dict[str, str], folder: Path) -> dict[str, Any]:
        """The round's talks of M_t with the critic on, and their pairs."""
        settings = self.recipe.round
        asked = self.talking.recipe_of(f"round {number} m{number}", Part.TRAIN, models, share=1.0)
        talks = self.talking.talked(f"talk-{number}", folder, asked, settings.episodes)
        kinds = tuple(dict.fromkeys((*settings.planner_pairs, *settings.responder_pairs)))
        made_from = {
            "talks": talks["digest"],
            "kinds": [kind.value for kind in kinds],
            "balance": settings.balance,
            "prompts": self.recipe.prompts.value,
        }
        return self.stages.do(f"pairs-{number}", made_from, lambda: self._paired(number, folder, kinds))

    def _paired(self, number: int, folder: Path, kinds: tuple[PairKind, ...]) -> dict[str, Any]:
        tally, seen = Tally(), Talks()
        making = Making(source=f"{self.recipe.name} round {number}", kinds=kinds, language=self.recipe.language, round=number)
        guards = GuardSettings() if self.recipe.round.balance else GuardSettings(balance=None)
        write_pairs(pairs_of(read_episodes(folder), making, tally, seen), folder / PAIRS, kinds, settings=guards, tally=tally)
        return {
            "kept": {kind.value: tally.kept[kind] for kind in kinds},
            "dropped": {f"{kind.value}: {reason}": count for (kind, reason), count in sorted(tally.dropped.items())},
            "supporter_turns": seen.supporter_turns,
            "digest": _pairs_digest(folder, kinds),
        }

    def _finish(self, models: list[dict[str, str]], measured: list[dict[str, Any]], promotions: list[dict[str, Any]]) -> dict[str, Any]:
        """The final measurement of all models on casts that no decision has seen, and metrics.json."""
        kept = len(models) - 1 if all(item["promoted"] for item in promotions) else len(models) - 2
        subjects = [self._subject(number, model) for number, model in enumerate(models)]
        content = {
            "recipe": self.recipe.fingerprint,
            "name": self.recipe.name,
            "best": f"m{kept}",
            "models": [
                {"name": f"m{number}", **{seat: str(Path(folder).relative_to(self.out)) for seat, folder in model.items()}}
                for number, model in enumerate(models)
            ],
            "dev": {f"m{number}": figures for number, figures in enumerate(measured)},
            "promotions": promotions,
            "final": final(subjects),
        }
        write_json(self.out / METRICS, content)
        return content


def _pairs_digest(folder: Path, kinds: tuple[PairKind, ...]) -> str:
    if not (folder / PAIRS).is_dir() or not any((folder / PAIRS).glob("*.jsonl")):
        return digest([])
    return digest([pair.id for pair in read_pairs(folder, kinds)])


def _file_digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", hint="Check the path in the recipe.") from error
