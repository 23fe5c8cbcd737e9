"""Lookahead: which forks, what a rollout is worth, which gaps are more than noise, and a command that resumes."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.errors import AnswerError, InputError
from agents.planner import planner_messages, planner_prompt
from agents.rehearsal.backend import RehearsalSupporter
from agents.words import STRATEGIES, Strategy
from graphs.recipe import make_recipe
from graphs.run import read_run
from simulator.episode import Episode, StopReason, SupporterTurn
from simulator.mind import Disclosure, Mind
from simulator.scenario import Wording
from simulator.store import EPISODES, read_episodes
from studio.cli import app
from training import weighing
from training.forks import ROLLOUTS, Rollout, value
from training.guards import Tally
from training.lookahead import Looking, Unsure, chosen_forks, look_ahead, lookahead_pairs
from training.pair import Pair, PairKind
from training.weighing import verdict

SMALL = ("--forks", "4", "-k", "3", "-n", "1", "--rollouts", "2", "--json")


@pytest.fixture
def run(run_folder: Path, tmp_path: Path) -> Path:
    """A run of twelve talks, to write in."""
    out = tmp_path / "run"
    out.mkdir()
    shutil.copy(run_folder / "run.yaml", out)
    lines = (run_folder / EPISODES).read_bytes().splitlines(keepends=True)[:12]
    (out / EPISODES).write_bytes(b"".join(lines))
    return out


def looked(run: Path, *flags: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["lookahead", str(run), *(flags or SMALL)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def stored(run: Path) -> list[Rollout]:
    return [Rollout.model_validate_json(line) for line in (run / ROLLOUTS).read_text(encoding="utf-8").splitlines()]


def test_the_command_stores_rollouts_apart_and_makes_pairs_of_the_best_and_the_worst(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighing, "_studentized", lambda k, freedom: 0.0)
    before = (run / EPISODES).read_bytes()
    content = looked(run)
    assert content["rollouts"] == {"asked": 24, "found": 0, "done": 24, "failed": 0}
    assert (run / EPISODES).read_bytes() == before
    rollouts = stored(run)
    assert {len(item.turns) for item in rollouts} <= {1, 2}
    episodes = {episode.id: episode for episode in read_episodes(run)}
    pairs = [Pair.model_validate_json(line) for line in (run / "pairs" / "lookahead.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(pairs) == content["kept"] > 0
    for pair in pairs:
        worth = {
            strategy: mean(
                item.value or 0.0 for item in rollouts if (item.episode, item.turn, item.strategy) == (pair.dialogue, pair.turn, strategy)
            )
            for strategy in STRATEGIES
            if any((item.episode, item.turn, item.strategy) == (pair.dialogue, pair.turn, strategy) for item in rollouts)
        }
        assert len(worth) == 3
        assert worth[Strategy(pair.chosen)] == pytest.approx(max(worth.values()))
        assert worth[Strategy(pair.rejected)] == pytest.approx(min(worth.values()))
        assert pair.kept.value_gap == pytest.approx(max(worth.values()) - min(worth.values()), abs=1e-6)
        assert pair.kept.rollouts == 6
        assert pair.prompt == planner_messages(planner_prompt(), episodes[pair.dialogue].talk()[: pair.turn])


def test_a_stopped_run_goes_on_where_it_was(run: Path) -> None:
    looked(run)
    whole = {item.id: item for item in stored(run)}
    raw = (run / ROLLOUTS).read_bytes()
    (run / ROLLOUTS).write_bytes(raw[: len(raw) * 2 // 3])
    left = raw[: len(raw) * 2 // 3].count(b"\n")
    content = looked(run)
    assert content["rollouts"] == {"asked": 24, "found": left, "done": 24 - left, "failed": 0}
    assert {item.id: item for item in stored(run)} == whole
    assert looked(run)["rollouts"] == {"asked": 24, "found": 24, "done": 0, "failed": 0}


def test_more_forks_take_what_was_stored(run: Path) -> None:
    looked(run)
    more = looked(run, "--forks", "6", *SMALL[2:])
    assert more["rollouts"] == {"asked": 36, "found": 24, "done": 12, "failed": 0}


def test_forks_are_a_seeded_choice_of_replies_that_matter(episodes: list[Episode]) -> None:
    forks = chosen_forks(episodes, Looking(forks=40))
    assert forks == chosen_forks(episodes, Looking(forks=40))
    assert forks != chosen_forks(episodes, Looking(forks=40, seed=2))
    by_id = {episode.id: episode for episode in episodes}
    for fork in forks:
        episode = by_id[fork.episode]
        turn = episode.turns[fork.turn]
        assert isinstance(turn, SupporterTurn)
        assert turn.plan
        assert not episode.crisis
        assert any(isinstance(later, SupporterTurn) for later in episode.turns[fork.turn + 1 :])
        shares = turn.plan.distribution
        assert all(shares[tried] >= shares[other] for tried in fork.candidates for other in set(STRATEGIES) - set(fork.candidates))
    failed = [episode.model_copy(update={"stop": episode.stop.model_copy(update={"reason": StopReason.FAILED})}) for episode in episodes]
    assert chosen_forks(failed, Looking()) == []
    assert chosen_forks([episode.model_copy(update={"crisis": True}) for episode in episodes], Looking()) == []


def test_a_gap_must_be_more_than_chance_among_equals() -> None:
    draw = random.Random(1).gauss
    equal = [verdict({option: [draw(0, 1) for _ in range(6)] for option in STRATEGIES[:4]}).sure for _ in range(1500)]
    assert 0.03 < mean(equal) < 0.07
    apart = [
        verdict({option: [draw(2.5 * (option is Strategy.QUESTION), 1) for _ in range(6)] for option in STRATEGIES[:4]}) for _ in range(200)
    ]
    assert mean(item.sure for item in apart) > 0.8
    assert all(item.best is Strategy.QUESTION for item in apart if item.sure)


def test_what_rollouts_of_one_seed_share_is_no_noise() -> None:
    luck = [0.0, 5.0, -3.0, 1.0]
    found = verdict({Strategy.QUESTION: [1 + item for item in luck], Strategy.OTHERS: luck})
    assert found.noise == pytest.approx(0)
    assert found.sure
    assert found.gap == pytest.approx(1)


def test_noise_is_the_standard_error_of_the_paired_difference() -> None:
    left, right = [0.1, 0.5, 0.2, 0.8], [0.0, 0.1, 0.3, 0.2]
    gaps = [one - other for one, other in zip(left, right, strict=True)]
    centre = mean(gaps)
    expected = (sum((gap - centre) ** 2 for gap in gaps) / 3 / 4) ** 0.5
    assert verdict({Strategy.QUESTION: left, Strategy.OTHERS: right}).noise == pytest.approx(expected)


def test_a_mind_at_ease_is_worth_more() -> None:
    mind = Mind(intensity=4, trust=0.4, openness=0.4, patience=0.5)
    now = value(mind, 4, gave_up=False)
    told = (Disclosure(key="a", wording=Wording.OPEN, turn=1), Disclosure(key="a", wording=Wording.PLAIN, turn=0))
    assert value(mind.model_copy(update={"intensity": 3.0}), 4, gave_up=False) == pytest.approx(now + 1)
    assert value(mind.model_copy(update={"trust": 0.6}), 4, gave_up=False) == pytest.approx(now + 0.2)
    assert value(mind.model_copy(update={"disclosed": told}), 4, gave_up=False) == pytest.approx(now + 0.125)
    assert value(mind, 4, gave_up=True) == pytest.approx(now - 1)


def test_a_fork_with_failed_rollouts_makes_no_pair_and_is_tried_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, looking = make_recipe(read_run(run)["recipe"]), Looking(forks=3, k=2, n=1, rollouts=2)

    async def broken(self: RehearsalSupporter, request: object) -> None:
        raise AnswerError("No answer today.")

    with monkeypatch.context() as patched:
        patched.setattr(RehearsalSupporter, "complete", broken)
        forks, progress = asyncio.run(look_ahead(run, recipe, looking))
    assert progress.failed == progress.done == 12
    assert {item.error.message for item in stored(run) if item.error} == {"No answer today."}
    tally = Tally()
    assert list(lookahead_pairs(run, forks, recipe, looking, tally, source="run")) == []
    assert tally.dropped == {(PairKind.LOOKAHEAD, Unsure.FAILED): 3}
    _, again = asyncio.run(look_ahead(run, recipe, looking))
    assert (again.found, again.done, again.failed) == (0, 12, 0)
    tally = Tally()
    list(lookahead_pairs(run, forks, recipe, looking, tally, source="run"))
    assert not tally.dropped[PairKind.LOOKAHEAD, Unsure.FAILED]


@pytest.mark.parametrize(
    ("flags", "words"), [(("-k", "1"), "k is 1"), (("-k", "9"), "from 2 to 8"), (("--rollouts", "1"), "rollouts is 1")]
)
def test_what_can_not_be_looked_at_is_refused(run: Path, flags: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        CliRunner().invoke(app, ["lookahead", str(run), *flags], catch_exceptions=False)
    assert not (run / ROLLOUTS).exists()


def test_a_folder_without_a_run_and_an_edited_rollout_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no run"):
        CliRunner().invoke(app, ["lookahead", str(tmp_path)], catch_exceptions=False)
    looked(run)
    lines = (run / ROLLOUTS).read_text(encoding="utf-8").splitlines(keepends=True)
    lines[2] = lines[2].replace('"number":', '"nummer":')
    (run / ROLLOUTS).write_text("".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=r"rollouts\.jsonl:3: "):
        CliRunner().invoke(app, ["lookahead", str(run), *SMALL], catch_exceptions=False)
