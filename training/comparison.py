"""The comparison of DecoupledESC (2505.16995): one model that plans and speaks in one string against a planner and a responder apart.

    sft x 3 -> infer on train -> pairs -> dpo x 3 -> say on the held-out corpus -> score

Four systems: Vanilla-SFT and Vanilla-DPO answer `[Strategy] reply`, Decoupled-SFT and Decoupled-DPO are a planner and a responder.  All
models learn from the same base and the same turns.  Each stage has a manifest (`training/stages.py`), so a killed
comparison goes on.  Asking is in `compare_asking.py`, pairs in `compare_pairs.py`, figures in `compare_scoring.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.chat.port import derive_seed
from agents.errors import InputError
from graphs.recipe import difference
from training.basing import base_identity
from training.compare_asking import Answer, Asking, cases, read_answers, some, write_answers
from training.compare_pairs import pairs_made
from training.compare_recipe import CompareRecipe
from training.compare_scoring import System, claims, human, reply_figures, strategy_figures, system, trivial
from training.configs import DpoConfig, Learner, LoraSettings, Row, SftConfig, Trained
from training.dpo import train_dpo
from training.evolve_recipe import DpoSettings, SftSettings
from training.ipm import Case
from training.linear import train_linear
from training.pair import PairKind
from training.pairstore import PAIRS, read_pairs
from training.rows import preference_row, sft_rows
from training.scratch import is_scratch, scratch_size
from training.sft import train_sft
from training.stages import Stages, digest, locked, write_json
from training.talking import Listening

RUN_FILE = "compare.json"
METRICS = "metrics.json"
MODELS, INFERRED, SAID = "models", "inferred", "said"
KIND = {Learner.JOINT: PairKind.JOINT, Learner.PLANNER: PairKind.STRATEGY, Learner.RESPONDER: PairKind.RESPONSE}
SYSTEMS = {
    "Vanilla-SFT": ("sft", True),
    "Vanilla-DPO": ("dpo", True),
    "Decoupled-SFT": ("sft", False),
    "Decoupled-DPO": ("dpo", False),
}
"""Training, and whether one model does both."""


def compare(recipe: CompareRecipe, train: Path, valid: Path, out: Path, listening: Listening | None = None) -> dict[str, Any]:
    """Make the comparison, or what is left of it; returns the content of metrics.json.

    Args:
        recipe: the settings.
        train: a corpus of dialogues with strategies to learn from.
        valid: another one to measure on.
        out: the folder; made when missing.
        listening: who is told how it goes.

    Raises:
        InputError: the folder belongs to another comparison or is in use, or a corpus can't be used.
        HoldspaceError: a stage failed; what was done before stays.
    """
    corpora = {"train": _file_digest(train, "--train"), "valid": _file_digest(valid, "--valid")}
    if is_scratch(recipe.base):
        scratch_size(recipe.base)
    base_identity(recipe.base)
    with locked(out):
        _own(out, {"recipe": recipe.identity(), "corpora": corpora})
        return Comparison(recipe, train, valid, corpora, out, listening or Listening()).run()


def _own(out: Path, content: dict[str, Any]) -> None:
    path = out / RUN_FILE
    if not path.exists():
        write_json(path, content)
        return
    try:
        old = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} can't be read as a comparison's.", hint="Choose another --out.") from error
    if (what := difference(old, content)) is not None:
        raise InputError(f"{out} belongs to another comparison: {what}.", hint="Choose another --out, or the old settings.")


def _file_digest(path: Path, flag: str) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{flag} {path} can't be read: {error.strerror}.", hint="Give a file of dialogues with strategies.") from error


@dataclass(frozen=True, slots=True)
class _Held:
    """The held-out turns: all that strategies are measured on, and those at which replies are written."""

    asked: list[Case]
    spoken: list[Case]


class Comparison:
    """One comparison.

    Args:
        recipe: the settings.
        train: corpus to learn from.
        valid: corpus to measure on.
        corpora: digests of both.
        out: the folder.
        listening: who is told how it goes.
    """

    def __init__(self, recipe: CompareRecipe, train: Path, valid: Path, corpora: dict[str, str], out: Path, listening: Listening) -> None:
        self.recipe, self.train, self.out, self.corpora, self.listening = recipe, train, out, corpora, listening
        self.stages = Stages(out, listening.on_stage)
        self.taught = cases(train, crisis=False)
        held = some(cases(valid, crisis=True), recipe.scored.strategies, recipe.seed)
        self.held = _Held(held, some(held, recipe.scored.replies, recipe.seed))

    def run(self) -> dict[str, Any]:
        """All stages in order."""
        models = {"sft": {learner: self._sft(learner) for learner in KIND}}
        self._infer(models["sft"])
        pairs = self._pairs(models["sft"])
        models["dpo"] = {learner: self._dpo(learner, models["sft"][learner], pairs) for learner in KIND}
        systems = {name: self._answered(name, models[how], joint) for name, (how, joint) in SYSTEMS.items()}
        content = self._metrics(systems, self._linear(), pairs)
        write_json(self.out / METRICS, content)
        return content

    def _sft(self, learner: Learner) -> str:
        recipe, name = self.recipe, f"sft-{learner.value}"
        settings: SftSettings = getattr(recipe, f"sft_{learner.value}")
        made_from = {"base": recipe.identity()["base"], "settings": settings.model_dump(mode="json"), **self._common()}

        def work() -> dict[str, Any]:
            config = SftConfig(
                rows=self._rows(learner),
                base=recipe.base,
                vocabulary=settings.vocabulary or recipe.vocabulary,
                context=settings.context or recipe.context,
                prompt_loss=settings.prompt_loss,
                **self._training(learner, name, settings),
            )
            return _made(train_sft(config), self.out)

        return str(self.out / self.stages.do(name, made_from, work)["folder"])

    def _dpo(self, learner: Learner, base: str, pairs: dict[str, Any]) -> str:
        """DPO from a model's own SFT; the model stays as it is where no pair was left."""
        recipe, name = self.recipe, f"dpo-{learner.value}"
        settings: DpoSettings = getattr(recipe, f"dpo_{learner.value}")
        if not pairs[KIND[learner].value]["kept"]:
            return base
        made_from = {"base": base_identity(base)[1], "pairs": pairs, "settings": settings.model_dump(mode="json"), **self._common()}

        def work() -> dict[str, Any]:
            planner = learner is Learner.PLANNER
            config = DpoConfig(
                pairs=[preference_row(pair) for pair in read_pairs(self.out / PAIRS, [KIND[learner]])],
                base=base,
                replay=self._replay(learner, settings.replay),
                beta=settings.beta,
                sft_weight=settings.sft_weight,
                length_normalised=settings.length_normalised,
                balanced=settings.balanced and planner,
                prior_aware=settings.prior_aware if planner else 0.0,
                stop_fall=settings.stop_fall,
                **self._training(learner, name, settings),
            )
            return _made(train_dpo(config), self.out)

        return str(self.out / self.stages.do(name, made_from, work)["folder"])

    def _training(self, learner: Learner, name: str, settings: SftSettings | DpoSettings) -> dict[str, Any]:
        """What SFT and DPO share."""
        recipe, listener = self.recipe, self.listening.on_steps
        return {
            "learner": learner,
            "out": self.out / MODELS / name,
            "epochs": settings.epochs,
            "lr": settings.lr,
            "batch": settings.batch,
            "micro_batch": settings.micro_batch,
            "answer_room": recipe.sampling.max_tokens,
            "precision": recipe.precision,
            "lora": LoraSettings(recipe.lora.rank, recipe.lora.alpha, recipe.lora.dropout) if recipe.lora else None,
            "seed": derive_seed(recipe.seed, name) % 2**31,
            "device": recipe.device,
            "lineage": {"comparison": recipe.name, "data": self.train.name, "split": "train"},
            "on_progress": (lambda progress: listener(name, progress)) if listener else None,
        }

    def _common(self) -> dict[str, Any]:
        recipe = self.recipe
        kept = ("seed", "prompts", "language", "lora", "context", "vocabulary", "sampling")
        return {"train": self.corpora["train"], **{name: recipe.model_dump(mode="json")[name] for name in kept}}

    def _rows(self, learner: Learner) -> list[Row]:
        """SFT rows of the training corpus, crisis talks left out."""
        talks = {case.dialogue.id: case.dialogue for case in self.taught}
        recipe = self.recipe
        made = (sft_rows(talk.turns, learner, prompting=recipe.prompts, language=recipe.language) for talk in talks.values())
        return [row for rows in made for _, row in rows]

    def _replay(self, learner: Learner, count: int) -> list[Row]:
        rows = self._rows(learner) if count else []
        order = sorted(range(len(rows)), key=lambda place: derive_seed(self.recipe.seed, "replay", place))
        return [rows[place] for place in sorted(order[:count])]

    def _infer(self, models: dict[Learner, str]) -> None:
        """What the SFT models answer on the training corpus, with gold history."""
        mined = self.recipe.mined
        planned = some(self.taught, mined.strategies, self.recipe.seed)
        answered = some(planned, mined.replies, self.recipe.seed)
        gold = [case.gold for case in answered]
        joint, planner, responder = (models[learner] for learner in (Learner.JOINT, Learner.PLANNER, Learner.RESPONDER))
        self._ask(INFERRED, "planner", planner, planned, lambda asking: asking.plans(planner, planned))
        self._ask(INFERRED, "responder", responder, answered, lambda asking: asking.replies(responder, answered, gold))
        self._ask(INFERRED, "joint", joint, answered, lambda asking: asking.both(joint, answered))

    def _ask(
        self, folder: str, name: str, model: str, asked: Sequence[Case], ask: Callable[[Asking], list[Answer]], **more: Any
    ) -> list[Answer]:
        """A stage that asks a model and keeps its answers."""
        stage, path = f"{folder}-{name}", self.out / folder / f"{name}.jsonl"
        weights = base_identity(model)[1] if not model.startswith("linear:") else "linear"
        turns = [[case.dialogue.id, case.index] for case in asked]
        made_from = {"model": weights, "turns": digest(turns), **self._common(), **more}

        def work() -> dict[str, Any]:
            listener = self.listening.on_talks
            answers = ask(Asking(self.recipe, (lambda done, of: listener(stage, done, of)) if listener else None))
            write_answers(path, answers)
            return {"turns": len(answers), "without_strategy": sum(not (answer.best or answer.drawn) for answer in answers)}

        self.stages.do(stage, made_from, work)
        return read_answers(path)

    def _pairs(self, models: dict[Learner, str]) -> dict[str, Any]:
        """The three kinds of pairs, made of the answers."""
        made_from = {
            "models": [base_identity(model)[1] for model in models.values()],
            "mined": self.recipe.mined.model_dump(mode="json"),
            **self._common(),
        }

        def work() -> dict[str, Any]:
            answers = {kind: read_answers(self.out / INFERRED / f"{learner.value}.jsonl") for learner, kind in KIND.items()}
            return pairs_made(self.recipe, self.taught, answers, self.out / PAIRS, source=self.train.name)

        return self.stages.do("pairs", made_from, work)

    def _answered(self, name: str, models: dict[Learner, str], joint: bool) -> System:
        """What a system answers on the held-out turns."""
        asked, spoken, short = self.held.asked, self.held.spoken, name.lower()
        if joint:
            model = models[Learner.JOINT]
            greedy = self._ask(SAID, f"{short}-labels", model, asked, lambda asking: asking.labels(model, asked))
            return system(asked, greedy, spoken, self._ask(SAID, short, model, spoken, lambda asking: asking.both(model, spoken)))
        planner, responder = models[Learner.PLANNER], models[Learner.RESPONDER]
        plans = self._ask(SAID, f"{short}-labels", planner, asked, lambda asking: asking.plans(planner, asked))
        drawn = {(plan.dialogue, plan.turn): plan.drawn for plan in plans}
        given = [drawn[case.dialogue.id, case.index] for case in spoken]
        said = self._ask(
            SAID, short, responder, spoken, lambda asking: asking.replies(responder, spoken, given), planner=base_identity(planner)[1]
        )
        return system(asked, plans, spoken, said)

    def _linear(self) -> list[Answer]:
        """The linear planner, trained on the same corpus."""
        folder = self.out / MODELS / "linear"

        def work() -> dict[str, Any]:
            made = train_linear([self.train], folder, seed=self.recipe.seed)
            return {"rows": made.rows, "prior": made.prior}

        self.stages.do("linear", {"train": self.corpora["train"], "seed": self.recipe.seed}, work)
        return self._ask(
            SAID, "linear", f"linear:{folder}", self.held.asked, lambda asking: asking.plans(f"linear:{folder}", self.held.asked)
        )

    def _metrics(self, systems: dict[str, System], linear: list[Answer], pairs: dict[str, Any]) -> dict[str, Any]:
        done = sorted(self.stages.all().items())
        return {
            "name": self.recipe.name,
            "recipe": self.recipe.identity(),
            "corpora": self.corpora,
            "turns": len(self.held.asked),
            "trained": {name: {**one["made"], "seconds": one["seconds"]} for name, one in done if name.startswith(("sft-", "dpo-"))},
            "pairs": pairs,
            "strategies": {name: strategy_figures(one.choices) for name, one in systems.items()},
            "drawn": {name: strategy_figures(one.drawn) for name, one in systems.items()},
            "replies": {name: reply_figures(one) for name, one in {**systems, "human": human(self.held.spoken)}.items()},
            "linear": strategy_figures(system(self.held.asked, linear, (), ()).choices),
            "baselines": trivial(next(iter(systems.values())).choices),
            "claims": claims(systems),
        }


def _made(trained: Trained, out: Path) -> dict[str, Any]:
    """A training as its manifest tells it."""
    return {
        "folder": str(trained.folder.relative_to(out)),
        "identity": trained.identity,
        "steps": trained.steps,
        "metrics": dict(trained.metrics),
        "stopped": trained.stopped,
        "rows": trained.data.kept,
        "dropped": trained.data.dropped,
        "tokens": trained.data.tokens,
    }
