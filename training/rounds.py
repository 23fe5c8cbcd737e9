"""Rounds: M0 by SFT, then talk, pair, DPO, measure, promote, again: the self-evolution of 2505.16610 with the two seats of 2505.16995.

    teach -> sft -> measure M0 -> [ talk(M_t) -> pairs -> dpo -> measure M_t+1 -> promote or stop ] ... -> final

Seeker and critic stay what they are in all rounds; planner and responder are trained apart, each from its own M_t, which is also the
reference.  Every stage has a manifest (`training/stages.py`), so a killed run goes on and nothing is trained twice.  This module decides
the order; what a model is worth is measured in `training/measuring.py`, whether it is promoted in `training/promotion.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.chat.port import derive_seed
from agents.errors import HoldspaceError, InputError
from graphs.casting import with_source
from graphs.recipe import CriticSettings, Part, Recipe, Seats, difference
from graphs.run import run_many
from graphs.seats import REHEARSAL, Backends
from simulator.dialogue import read_dialogues
from simulator.episode import Episode, StopReason
from simulator.store import EPISODES, read_episodes
from training.basing import base_identity
from training.configs import DpoConfig, Learner, LoraSettings, Progress, Row, SftConfig, Trained
from training.dpo import train_dpo
from training.evolve_recipe import DpoSettings, EvolveRecipe, SftSettings
from training.guards import GuardSettings, Tally
from training.measuring import Subject, final, measure
from training.pair import PairKind
from training.pairing import Making, Talks, pairs_of
from training.pairstore import PAIRS, read_pairs, write_pairs
from training.promotion import Promotion, judge
from training.rows import preference_row, sft_rows
from training.sft import train_sft
from training.stages import OnStage, Stages, digest, locked, write_json

RUN_FILE = "evolve.json"
METRICS = "metrics.json"
TEACHER = "teacher"
MODELS = "models"
ROUNDS = "rounds"

OnTalks = Callable[[str, int, int], None]
"""Told a stage's name, talks done, talks asked for."""
OnSteps = Callable[[str, Progress], None]
"""Told a stage's name and how far its training is."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Who is told what while a run goes on."""

    on_stage: OnStage | None = None
    on_talks: OnTalks | None = None
    on_steps: OnSteps | None = None


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
        self.recipe, self.out, self.listening = recipe, out, listening
        self.stages = Stages(out, listening.on_stage)

    def run(self) -> dict[str, Any]:
        """All stages in order."""
        models, promotions = [self.first()], []
        measured = [self.measured(0, models[0])]
        for number in range(self.recipe.rounds):
            pairs = self.round_pairs(number, models[-1])
            after = self.trained(number, models[-1], pairs)
            figures = self.measured(number + 1, after)
            promotion = judge(self.recipe.promote, measured[-1], figures, figures["against_before"])
            promotions.append(
                {"round": number, "from": f"m{number}", "to": f"m{number + 1}", **promotion.model_dump(), "why": promotion.why}
            )
            models.append(after)
            measured.append(figures)
            if not promotion.promoted:
                break
        return self.finish(models, measured, promotions)

    def first(self) -> dict[str, Any]:
        """M0: both seats fine-tuned; their specs by seat."""
        source = self._taught()
        return {seat.value: self._sft(seat, source) for seat in (Learner.PLANNER, Learner.RESPONDER)}

    def _taught(self) -> dict[str, Any]:
        """What M0 learns from: a corpus, or rehearsed talks without a critic."""
        first = self.recipe.first
        if first.corpus:
            return {"path": first.corpus, "digest": _file_digest(Path(first.corpus))}
        made = self.talked("teach", self.out / TEACHER, self.talk_recipe("teacher", Part.TRAIN, None, share=0.0), first.episodes)
        return {"path": str(self.out / TEACHER), "digest": digest(made)}

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
                context=recipe.context,
                **self._training(seat, folder, settings, name, {"model": "m0", "data": Path(source["path"]).name, "rows": len(rows)}),
            )
            return _made(train_sft(config), self.out)

        return str(self.out / self.stages.do(name, made_from, work)["folder"])

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
        listener = self.listening.on_steps
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

    def talk_recipe(self, what: str, part: Part, models: Mapping[str, Any] | None, *, share: float, seed: int | None = None) -> Recipe:
        """The recipe of a stage's talks.

        Args:
            what: names the stage; part of the recipe's identity.
            part: which casts.
            models: folders by seat; the rehearsal supporter when None.
            share: of the turns that the critic sees.
            seed: of the casts and talks; by `what` when None.
        """
        recipe = self.recipe
        seats = {seat: f"local:{models[seat]}" if models else REHEARSAL for seat in ("planner", "responder")}
        critic = seats["responder"] if recipe.talk.critic == "self" else recipe.talk.critic
        return with_source(
            Recipe(
                name=f"{recipe.name} {what}",
                seed=derive_seed(recipe.seed, what) % 2**31 if seed is None else seed,
                turns=recipe.talk.turns,
                language=recipe.language,
                prompts=recipe.prompts,
                part=part,
                seats=Seats(seeker=recipe.talk.seeker, critic=critic if share else REHEARSAL, **seats),
                sampling=recipe.talk.sampling,
                critic=CriticSettings(share=share, refinements=recipe.talk.refinements),
                slips=recipe.talk.slips,
                scenarios=recipe.scenarios,
            )
        )

    def talked(self, name: str, folder: Path, recipe: Recipe, episodes: int) -> dict[str, Any]:
        """A stage of talks: what they came to."""
        made_from = {
            "recipe": recipe.fingerprint,
            "episodes": episodes,
            "models": {seat: self.weights(spec) for seat, spec in recipe.seats},
        }
        return self.stages.do(name, made_from, lambda: self._talk(name, folder, recipe, episodes))

    def weights(self, spec: str) -> str:
        """What tells one model on a seat from another of the same name."""
        return _identity(Path(spec.partition(":")[2])) if spec.startswith("local:") else spec

    def _talk(self, name: str, folder: Path, recipe: Recipe, episodes: int) -> dict[str, Any]:
        done, tell = 0, self.listening.on_talks

        def told(count: int) -> None:
            nonlocal done
            done += count
            if tell:
                tell(name, done, episodes)

        backends = Backends(concurrency=max(64, self.recipe.talk.concurrency), device=self.recipe.device)
        concurrency = self.recipe.talk.concurrency
        asyncio.run(
            run_many(
                recipe,
                folder,
                episodes=episodes,
                concurrency=concurrency,
                backends=backends,
                on_episode=lambda _: told(1),
                on_found=told,
            )
        )
        stops = sorted(episode.stop.reason.value for episode in read_episodes(folder))
        failed = stops.count(StopReason.FAILED.value)
        if failed == len(stops):
            raise HoldspaceError(f"Stage {name}: all {failed} talks failed.", hint=f"Look at one: holdspace show {folder} 0")
        return {
            "talks": len(stops),
            "failed": failed,
            "crisis": stops.count(StopReason.CRISIS_HANDOVER.value),
            "digest": _talks_digest(folder),
        }

    def round_pairs(self, number: int, models: Mapping[str, Any]) -> dict[str, Any]:
        """The round's talks of M_t with the critic on, and their pairs."""
        recipe, folder = self.recipe, self.out / ROUNDS / str(number)
        talks = self.talked(
            f"talk-{number}", folder, self.talk_recipe(f"round {number} m{number}", Part.TRAIN, models, share=1.0), recipe.round.episodes
        )
        kinds = tuple(dict.fromkeys((*recipe.round.planner_pairs, *recipe.round.responder_pairs)))
        made_from = {
            "talks": talks["digest"],
            "kinds": [kind.value for kind in kinds],
            "balance": recipe.round.balance,
            "prompts": recipe.prompts,
        }

        def work() -> dict[str, Any]:
            tally, seen = Tally(), Talks()
            making = Making(source=f"{recipe.name} round {number}", kinds=kinds, language=recipe.language, round=number)
            guards = GuardSettings() if recipe.round.balance else GuardSettings(balance=None)
            write_pairs(pairs_of(read_episodes(folder), making, tally, seen), folder / PAIRS, kinds, settings=guards, tally=tally)
            dropped = {f"{kind.value}: {reason}": count for (kind, reason), count in sorted(tally.dropped.items())}
            kept = {kind.value: tally.kept[kind] for kind in kinds}
            return {"kept": kept, "dropped": dropped, "supporter_turns": seen.supporter_turns, "digest": _pairs_digest(folder, kinds)}

        return self.stages.do(f"pairs-{number}", made_from, work)

    def trained(self, number: int, models: Mapping[str, Any], pairs: Mapping[str, Any]) -> dict[str, Any]:
        """M_t+1: each seat by DPO from M_t; a seat without a pair stays as it is."""
        return {seat.value: self._dpo(number, seat, models[seat.value], pairs) for seat in (Learner.PLANNER, Learner.RESPONDER)}

    def _dpo(self, number: int, seat: Learner, base: str, pairs: Mapping[str, Any]) -> str:
        recipe = self.recipe
        settings: DpoSettings = getattr(recipe.round, seat.value)
        kinds: tuple[PairKind, ...] = getattr(recipe.round, f"{seat.value}_pairs")
        if not sum(pairs["kept"].get(kind.value, 0) for kind in kinds):
            return base
        name, folder = f"dpo-{seat.value}-{number}", self.out / MODELS / f"m{number + 1}" / seat.value
        made_from = {
            "base": _identity(Path(base)),
            "pairs": pairs["digest"],
            "kinds": [kind.value for kind in kinds],
            "settings": settings.model_dump(mode="json"),
            **self._common(),
        }

        def work() -> dict[str, Any]:
            rows = [preference_row(pair) for pair in read_pairs(self.out / ROUNDS / str(number), kinds)]
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
        source = Path(self.recipe.first.corpus) if self.recipe.first.corpus else self.out / TEACHER
        rows = self._rows(source, seat)
        order = sorted(range(len(rows)), key=lambda place: derive_seed(self.recipe.seed, "replay", place))
        return [rows[place] for place in sorted(order[:count])]

    def measured(self, number: int, models: Mapping[str, Any]) -> dict[str, Any]:
        """The dev figures of a model: what decides about its promotion."""
        subject = Subject(self, number, models)
        return measure(subject)

    def finish(self, models: list[dict[str, Any]], measured: list[dict[str, Any]], promotions: list[dict[str, Any]]) -> dict[str, Any]:
        """The final measurement of all models on casts that no decision has seen, and metrics.json."""
        kept = len(models) - 1 if all(item["promoted"] for item in promotions) else len(models) - 2
        subjects = [Subject(self, number, model) for number, model in enumerate(models)]
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


def _identity(folder: Path) -> str:
    """A fingerprint of a model folder's weights."""
    return base_identity(str(folder))[1]


def _talks_digest(folder: Path) -> str:
    return digest(sorted(_talk_key(episode) for episode in read_episodes(folder / EPISODES)))


def _talk_key(episode: Episode) -> list[str]:
    return [episode.id, digest([turn.text for turn in episode.turns])]


def _pairs_digest(folder: Path, kinds: tuple[PairKind, ...]) -> str:
    if not (folder / PAIRS).is_dir() or not any((folder / PAIRS).glob("*.jsonl")):
        return digest([])
    return digest([pair.id for pair in read_pairs(folder, kinds)])


def _file_digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", hint="Check the path in the recipe.") from error


__all__ = ["METRICS", "Evolution", "Listening", "Promotion", "evolve"]
