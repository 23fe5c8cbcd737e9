"""What the models of a run are worth: talks on casts that they did not learn from, and their planner against gold strategies.

In measured talks no critic runs: at test time it has been internalised (2505.16610, phase 2d).  The seeker's hidden mind gives the
outcome, the rehearsal critic's rules count errors in what was said, and Q and B come from teacher-forced choices on held-out talks: of
humans, or of the rehearsal supporter.  Comparisons are talk by talk on the same casts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from agents.chat.port import Ledger, Role, derive_seed
from agents.errors import ChatError
from agents.planner import Pick, Planner
from agents.words import Speaker, Strategy, Talk
from evaluation.outcome import Outcomes, Row, compare, estimate, outcomes, slices
from evaluation.strategies import Choice, report
from graphs.recipe import Part
from graphs.seats import Backends
from simulator.dialogue import read_dialogues
from simulator.episode import StopReason, SupporterTurn
from simulator.store import read_episodes
from training.evolve_recipe import EvolveRecipe
from training.promotion import collapse_warnings, entropy, shares
from training.stages import Stages, digest
from training.talking import Talking, weights

SCORES = "scores"
GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Subject:
    """A model of a run."""

    recipe: EvolveRecipe
    stages: Stages
    talking: Talking
    number: int
    """t of M_t."""
    models: Mapping[str, Any]
    """Folders by seat."""

    @property
    def name(self) -> str:
        return f"m{self.number}"


def measure(subject: Subject) -> dict[str, Any]:
    """The dev figures of a model: outcome, errors, strategy mix with warnings, Q and B; against the model before, talk by talk."""
    recipe = subject.recipe
    folder = _talks(subject, Part.DEV, recipe.measured.dev, 0)
    before = replace(subject, number=subject.number - 1) if subject.number else None
    rows = _outcomes(folder)
    mix = _mix(folder)
    mix_before = _mix(_folder(before, Part.DEV, 0)) if before else None
    figures = {
        **_summary(rows),
        "strategies": {strategy.value: round(share, 4) for strategy, share in mix.items()},
        "entropy": round(entropy(mix), 4),
        "warnings": collapse_warnings(recipe.collapse, mix, mix_before),
        "planner": planner_report(subject),
    }
    if before is not None:
        figures["against_before"] = _against(_outcomes(_folder(before, Part.DEV, 0)).rows, rows.rows)
    return figures


def final(subjects: Sequence[Subject]) -> dict[str, Any]:
    """All models on casts that no decision has seen: held-out people, and held-out scenarios apart, over all seeds."""
    settings = subjects[0].recipe.measured
    found: dict[str, Any] = {}
    for part, count in ((Part.PEOPLE, settings.people), (Part.STORIES, settings.stories)):
        folders = [[_talks(subject, part, count, seed) for seed in range(settings.seeds)] for subject in subjects]
        everyone = [_outcomes(*some) for some in folders]
        found[part.value] = {subject.name: _summary(rows) for subject, rows in zip(subjects, everyone, strict=True)}
        found[part.value]["last_against_first"] = _against(everyone[0].rows, everyone[-1].rows)
        found[part.value]["by_seed"] = [
            {subject.name: _short(_outcomes(folders[place][seed])) for place, subject in enumerate(subjects)}
            for seed in range(settings.seeds)
        ]
    return found


def _outcomes(*folders: Path) -> Outcomes:
    """Of the talks in folders, in the order of their keys: a bootstrap heeds the order, and that in a file is chance."""
    found = outcomes(episode for folder in folders for episode in read_episodes(folder))
    found.rows.sort(key=lambda row: row.key)
    return found


def _folder(subject: Subject, part: Part, seed: int) -> Path:
    return subject.stages.folder / SCORES / subject.name / f"{part.value}-{seed}"


def _talks(subject: Subject, part: Part, count: int, seed: int) -> Path:
    """Talks of a model without a critic, on casts that are the same for all models."""
    talking, folder = subject.talking, _folder(subject, part, seed)
    casts = derive_seed(subject.recipe.seed, "measured", part.value, seed) % 2**31
    recipe = talking.recipe_of(f"{subject.name} {part.value} {seed}", part, subject.models, share=0.0, seed=casts)
    talking.talked(f"score-{subject.name}-{part.value}-{seed}", folder, recipe, count)
    return folder


def _summary(found: Outcomes) -> dict[str, Any]:
    """Outcomes of a set of talks, with intervals."""
    cut = slices(found.rows)
    return {"failed": found.failed, "crisis": found.crisis, **_short(found), "slices": {name: asdict(one) for name, one in cut.items()}}


def _short(found: Outcomes) -> dict[str, Any]:
    every = slices(found.rows)["all"]
    return {
        "talks": every.talks,
        "change": asdict(every.measures["change"]),
        "relieved": asdict(every.measures["relieved"]),
        "gave_up": asdict(every.measures["gave_up"]),
        "errors": round(errors_a_turn(found.rows), 4),
    }


def errors_a_turn(rows: Sequence[Row]) -> float:
    """Findings of the five kinds a supporter turn, over all talks."""
    return sum(sum(row.errors.values()) for row in rows) / max(1, sum(row.turns for row in rows))


def _against(first: Sequence[Row], second: Sequence[Row]) -> dict[str, Any]:
    """Second minus first on the same casts: outcome, and errors a supporter turn."""
    apart = compare(first, second)
    rates = {row.key: sum(row.errors.values()) / max(1, row.turns) for row in first}
    errors = [sum(row.errors.values()) / max(1, row.turns) - rates[row.key] for row in second if row.key in rates]
    return {
        "talks": apart.talks,
        **{name: asdict(one) for name, one in apart.differences.items()},
        "errors": asdict(estimate(errors, 1000, 0)),
    }


def _mix(folder: Path) -> dict[Strategy, float]:
    said = [
        turn.strategy
        for episode in read_episodes(folder)
        if episode.stop.reason is not StopReason.FAILED
        for turn in episode.turns
        if isinstance(turn, SupporterTurn) and turn.plan is not None
    ]
    return shares(said)


def planner_report(subject: Subject) -> dict[str, Any]:
    """Q, B and their company for a model's planner on held-out gold strategies; a stage of its own."""
    settings = subject.recipe.measured
    if settings.corpus:
        source, stamp = Path(settings.corpus), digest(Path(settings.corpus).name)
    else:
        source = subject.stages.folder / GOLD
        stamp = subject.talking.talked("gold", source, subject.talking.recipe_of(GOLD, Part.DEV, None, share=0.0), settings.gold)["digest"]
    spec = f"local:{subject.models['planner']}"
    made_from = {"planner": weights(spec), "gold": stamp, "prompts": subject.recipe.prompts.value}
    return subject.stages.do(f"planner-{subject.name}", made_from, lambda: _planned(subject, spec, source))


def _planned(subject: Subject, spec: str, source: Path) -> dict[str, Any]:
    recipe = subject.recipe
    contexts = [
        (dialogue.id, dialogue.turns[:index], turn.strategy)
        for dialogue in sorted(read_dialogues(source), key=lambda dialogue: dialogue.id)
        if not dialogue.crisis and dialogue.stop != StopReason.FAILED
        for index, turn in enumerate(dialogue.turns)
        if turn.speaker is Speaker.SUPPORTER and turn.strategy and any(said.speaker is Speaker.SEEKER for said in dialogue.turns[:index])
    ]
    backends = Backends(device=recipe.device)
    planner = Planner(backends.backend(spec, Role.PLANNER, recipe.talk.sampling.by_role()), pick=Pick.BEST, prompting=recipe.prompts)
    chosen = asyncio.run(_choose(planner, [talk for _, talk, _ in contexts], 64))
    return report([Choice(gold=gold, pred=pred, dialogue=name) for (name, _, gold), pred in zip(contexts, chosen, strict=True)])


async def _choose(planner: Planner, talks: Sequence[Talk], concurrency: int) -> list[Strategy | None]:
    """The planner's most probable strategy for each talk; None where it failed."""
    found: list[Strategy | None] = [None] * len(talks)
    places = iter(range(len(talks)))

    async def work() -> None:
        for place in places:
            try:
                found[place] = (await planner.plan(talks[place], seed=place, ledger=Ledger())).strategy
            except ChatError:
                found[place] = None

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return found


__all__ = ["GOLD", "SCORES", "Subject", "errors_a_turn", "final", "measure", "planner_report"]
