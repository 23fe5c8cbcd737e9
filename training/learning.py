"""Learning: the trainings of a self-evolution run, each a stage: M0's two seats by SFT, M_t+1's by DPO from M_t.

It turns the recipe's settings into those of `train_sft` and `train_dpo`; rows and pairs are made elsewhere.  What a manifest keeps of a
training is what another run of the same would keep, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.chat.port import derive_seed
from agents.errors import InputError
from simulator.dialogue import read_dialogues
from simulator.episode import StopReason
from training.basing import base_identity
from training.configs import DpoConfig, Learner, LoraSettings, Row, SftConfig, Trained
from training.dpo import train_dpo
from training.evolve_recipe import DpoSettings, EvolveRecipe, SftSettings
from training.pair import PairKind
from training.pairstore import read_pairs
from training.rows import preference_row, sft_rows
from training.sft import train_sft
from training.stages import Stages
from training.talking import OnSteps

MODELS = "models"
TEACHER = "teacher"
SEATS = (Learner.PLANNER, Learner.RESPONDER)


class Learning:
    """The trainings of a run.

    Args:
        recipe: of the run.
        stages: of its folder.
        tell: told how far a training is.
    """

    def __init__(self, recipe: EvolveRecipe, stages: Stages, tell: OnSteps | None) -> None:
        self.recipe, self.stages, self.out, self._tell = recipe, stages, stages.folder, tell

    def first(self, source: Mapping[str, Any]) -> dict[str, str]:
        """M0: both seats fine-tuned on the talks at `source["path"]`; their folders by seat."""
        return {seat.value: self._sft(seat, source) for seat in SEATS}

    def after(self, number: int, models: Mapping[str, str], talks: Path, pairs: Mapping[str, Any]) -> dict[str, str]:
        """M_t+1: each seat by DPO from M_t on the pairs in `talks`; a seat without a pair stays as it is."""
        return {seat.value: self._dpo(number, seat, models[seat.value], talks, pairs) for seat in SEATS}

    def _sft(self, seat: Learner, source: Mapping[str, Any]) -> str:
        recipe = self.recipe
        settings: SftSettings = getattr(recipe.first, seat.value)
        name, folder = f"sft-{seat.value}", self.out / MODELS / "m0" / seat.value
        made_from = {
            "base": recipe.identity()["base"],
            "data": source["digest"],
            "settings": settings.model_dump(mode="json"),
            **self._common(),
        }

        def work() -> dict[str, Any]:
            rows = self._rows(Path(source["path"]), seat)
            if not rows:
                raise InputError(
                    f"{source['path']} holds nothing that a {seat.value} could learn from.", hint="Give dialogues with strategies."
                )
            config = SftConfig(
                rows=rows,
                base=recipe.base,
                prompt_loss=settings.prompt_loss,
                context=settings.context or recipe.context,
                vocabulary=settings.vocabulary,
                **self._training(seat, folder, settings, name, {"model": "m0", "data": Path(source["path"]).name, "rows": len(rows)}),
            )
            return _made(train_sft(config), self.out)

        return str(self.out / self.stages.do(name, made_from, work)["folder"])

    def _dpo(self, number: int, seat: Learner, base: str, talks: Path, pairs: Mapping[str, Any]) -> str:
        recipe = self.recipe
        settings: DpoSettings = getattr(recipe.round, seat.value)
        kinds: tuple[PairKind, ...] = getattr(recipe.round, f"{seat.value}_pairs")
        if not sum(pairs["kept"].get(kind.value, 0) for kind in kinds):
            return base
        name, folder = f"dpo-{seat.value}-{number}", self.out / MODELS / f"m{number + 1}" / seat.value
        made_from = {
            "base": base_identity(base)[1],
            "pairs": pairs["digest"],
            "kinds": [kind.value for kind in kinds],
            "settings": settings.model_dump(mode="json"),
            **self._common(),
        }

        def work() -> dict[str, Any]:
            rows = [preference_row(pair) for pair in read_pairs(talks, kinds)]
            config = DpoConfig(
                pairs=rows,
                base=base,
                replay=self._replay(seat, settings.replay),
                beta=settings.beta,
                sft_weight=settings.sft_weight,
                length_normalised=settings.length_normalised,
                balanced=settings.balanced and seat is Learner.PLANNER,
                prior_aware=settings.prior_aware if seat is Learner.PLANNER else 0.0,
                stop_fall=settings.stop_fall,
                **self._training(
                    seat, folder, settings, name, {"model": f"m{number + 1}", "parent": f"m{number}", "round": number, "pairs": len(rows)}
                ),
            )
            return _made(train_dpo(config), self.out)

        return str(self.out / self.stages.do(name, made_from, work)["folder"])

    def _replay(self, seat: Learner, count: int) -> list[Row]:
        if not count:
            return []
        rows = self._rows(teacher(self.recipe, self.out), seat)
        order = sorted(range(len(rows)), key=lambda place: derive_seed(self.recipe.seed, "replay", place))
        return [rows[place] for place in sorted(order[:count])]

    def _rows(self, path: Path, seat: Learner) -> list[Row]:
        """SFT rows of the talks in a file or folder, crisis talks and failed ones left out."""
        talks = (dialogue.turns for dialogue in read_dialogues(path) if not dialogue.crisis and dialogue.stop != StopReason.FAILED)
        prompting, language = self.recipe.prompts, self.recipe.language
        return [row for talk in talks for _, row in sft_rows(talk, seat, prompting=prompting, language=language)]

    def _common(self) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "seed": recipe.seed,
            "prompts": recipe.prompts.value,
            "language": recipe.language,
            "lora": recipe.lora.model_dump() if recipe.lora else None,
            "context": recipe.context,
            "answer_room": recipe.answer_room,
        }

    def _training(
        self, seat: Learner, folder: Path, settings: SftSettings | DpoSettings, stage: str, lineage: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What SFT and DPO share."""
        recipe = self.recipe
        listener = self._tell
        return {
            "learner": seat,
            "out": folder,
            "epochs": settings.epochs,
            "lr": settings.lr,
            "batch": settings.batch,
            "micro_batch": settings.micro_batch,
            "answer_room": recipe.answer_room,
            "precision": recipe.precision,
            "lora": LoraSettings(recipe.lora.rank, recipe.lora.alpha, recipe.lora.dropout) if recipe.lora else None,
            "seed": derive_seed(recipe.seed, stage) % 2**31,
            "device": recipe.device,
            "lineage": {"run": recipe.name, "seed": recipe.seed, "split": "train", **lineage},
            "on_progress": (lambda progress: listener(stage, progress)) if listener else None,
        }


def teacher(recipe: EvolveRecipe, out: Path) -> Path:
    """Where the talks are that M0 learns from."""
    return Path(recipe.first.corpus) if recipe.first.corpus else out / TEACHER


def _made(trained: Trained, out: Path) -> dict[str, Any]:
    """A training as its manifest tells it: nothing that another run of the same would tell otherwise, but the seconds."""
    return {
        "folder": str(trained.folder.relative_to(out)),
        "identity": trained.identity,
        "steps": trained.steps,
        "metrics": dict(trained.metrics),
        "stopped": trained.stopped,
        "rows": trained.data.kept,
        "dropped": trained.data.dropped,
    }
