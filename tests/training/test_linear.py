"""The linear planner: trained, stored, loaded, seated."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.chat.features import state, terms
from agents.chat.linear import SETTINGS, LinearPlanner, load, save
from agents.chat.port import Ledger, Role
from agents.errors import AnswerError, InputError
from agents.planner import Pick, Planner
from agents.words import STRATEGIES, Speaker, Strategy, Utterance
from evaluation.forced import decisions, plan_all
from evaluation.strategies import Choice, report
from graphs.recipe import Recipe, recorded
from graphs.run import run_many
from graphs.seats import Backends
from simulator.dialogue import read_dialogues
from simulator.store import read_episodes
from training.linear import Setting, best_prior, prior_offsets, train_linear

SEEKER_SAYS = {Strategy.QUESTION: "hello there", Strategy.SUGGESTION: "what should i do about it?", Strategy.REFLECTION: "i feel sad"}


def corpus(folder: Path, *, talks: int = 24, crisis: int = 0) -> Path:
    """Talks in which the seeker's last words decide the strategy, in an order of their own."""
    rng, path = np.random.default_rng(1), folder / "corpus.jsonl"
    lines = []
    for number in range(talks):
        turns: list[dict[str, Any]] = []
        for strategy in rng.choice(np.array(list(SEEKER_SAYS), dtype=object), 6, p=[0.6, 0.25, 0.15]):
            turns += [{"speaker": "seeker", "text": f"{SEEKER_SAYS[strategy]} {rng.integers(9)}"}]
            turns += [{"speaker": "supporter", "text": "mhm", "strategy": strategy.value}]
        turns.append({"speaker": "supporter", "text": "no label here"})
        lines.append(json.dumps({"id": f"talk-{number}", "turns": turns, "crisis": number < crisis}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linear")
    train_linear([corpus(folder)], folder / "planner")
    return folder / "planner"


def talk(*texts: str) -> tuple[Utterance, ...]:
    """Seeker and supporter in turn, the seeker first; the supporter asks."""
    return tuple(
        Utterance(speaker=Speaker.SUPPORTER, text=text, strategy=Strategy.QUESTION)
        if place % 2
        else Utterance(speaker=Speaker.SEEKER, text=text)
        for place, text in enumerate(texts)
    )


def plan(spec: str, context: tuple[Utterance, ...]) -> Any:
    return asyncio.run(Planner(LinearPlanner(spec), pick=Pick.BEST).plan(context, seed=1, ledger=Ledger()))


def test_it_learns_what_decides_and_says_what_it_was_made_of(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = train_linear([corpus(tmp_path, crisis=2)], tmp_path / "out", on_progress=lambda done, total: seen.append((done, total)))
    assert (found.rows, found.dialogues) == (22 * 6, 22)
    assert found.skipped == {"crisis talk": 2, "supporter turn without a strategy": 22}
    assert found.curve[0].accuracy > 0.9
    assert seen[-1][0] == seen[-1][1] > 1
    for strategy, words in SEEKER_SAYS.items():
        assert plan(f"linear:{tmp_path / 'out'}", talk(words)).strategy is strategy
    about = json.loads((tmp_path / "out" / SETTINGS).read_text())
    assert about["trained_on"][0]["name"] == "corpus.jsonl"
    assert about["rows"] == found.rows
    assert str(tmp_path) not in json.dumps(about)


def test_two_trainings_give_the_same_model(tmp_path: Path, trained: Path) -> None:
    train_linear([corpus(tmp_path)], tmp_path / "again")
    first, second = load(trained), load(tmp_path / "again")
    assert np.array_equal(first.weights, second.weights)
    assert first.vocabulary == second.vocabulary


def test_a_training_that_is_cut_off_leaves_the_old_model_whole(tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "planner"
    shutil.copytree(trained, folder)
    before, replaced = load(folder), os.replace
    new = replace(before, weights=before.weights + 1)

    def cut_off(source: Path, target: Path) -> None:
        if target.name == SETTINGS:
            raise KeyboardInterrupt
        replaced(source, target)

    monkeypatch.setattr(os, "replace", cut_off)
    with pytest.raises(KeyboardInterrupt):
        save(new, folder, {})
    assert np.array_equal(load(folder).weights, before.weights)
    monkeypatch.undo()
    save(new, folder, {})
    assert np.array_equal(load(folder).weights, new.weights)
    assert len(list(folder.glob("*.npz"))) == 1


def test_weights_that_were_changed_are_refused(tmp_path: Path, trained: Path) -> None:
    folder = tmp_path / "planner"
    shutil.copytree(trained, folder)
    weights = next(folder.glob("*.npz"))
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"is not the file that linear\.json was written with"):
        load(folder)


def test_the_distribution_sums_to_one_and_covers_the_eight(trained: Path) -> None:
    found = plan(f"linear:{trained}", ()).distribution
    assert set(found) == set(STRATEGIES)
    assert sum(found.values()) == pytest.approx(1)
    assert found[Strategy.INFORMATION] < 1e-3  # never seen in training


def test_the_prior_in_the_spec_overrides_the_stored_one(trained: Path) -> None:
    context = talk("hm", "why?", "unknown words")
    plain, full = (plan(f"linear:{trained}@{prior}", context).distribution for prior in (0, 1))
    model = load(trained)
    ratio = np.log([full[strategy] / plain[strategy] for strategy in STRATEGIES]) - model.offsets
    assert ratio == pytest.approx(ratio[0], abs=1e-5)
    with pytest.raises(InputError, match=r"prior correction is 1\.5"):
        LinearPlanner(f"linear:{trained}@1.5")


def test_offsets_make_each_strategy_as_frequent_as_it_is_gold() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(8, 4000, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05])
    scores = rng.normal(0, 1, (4000, 8)) + np.log([0.5, 0.2, 0.1, 0.1, 0.04, 0.02, 0.02, 0.02])
    scores[np.arange(4000), labels] += 1
    offsets = prior_offsets(scores, labels)
    before, after = (np.bincount((scores + shift).argmax(1), minlength=8) for shift in (0, offsets))
    gold = np.bincount(labels, minlength=8)
    assert np.abs(before - gold).max() > 500
    assert np.abs(after - gold).max() < 40


def test_the_prior_is_the_best_q_of_low_bias() -> None:
    point = Setting(prior=0.0, macro_f1=0.3, weighted_f1=0.3, accuracy=0.3, preference_bias=0.6)
    curve = (
        point,
        replace(point, prior=0.5, macro_f1=0.29, preference_bias=0.2),
        replace(point, prior=1.0, macro_f1=0.28, preference_bias=0.1),
    )
    assert best_prior(curve) == 0.5
    assert best_prior(curve[:1]) == 0.0
    assert best_prior([replace(point, prior=1.0, preference_bias=None)]) == 1.0


def test_features_know_the_past_and_nothing_else() -> None:
    shown = talk("I feel sad. thank you", "Why?", "what should I do?")
    features = state(shown)
    assert features["last QUESTION"] == features["mine 0"] == features["heard asks True True"] == features["thanks 1"] == 1
    assert "mine 1" in state(shown[:2])
    assert terms(shown)["<"]["< should i"] == 1
    assert terms(shown)[">"] == {"> why": 1, "> ?": 1, "> why ?": 1}
    assert state(())
    assert not terms(())["<"]


def test_it_plans_and_does_not_speak(trained: Path) -> None:
    chat = LinearPlanner(f"linear:{trained}")
    with pytest.raises(AnswerError, match="eight strategies"):
        asyncio.run(chat.choose(None, ["yes", "no"]))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="writes no words"):
        Backends().backend(f"linear:{trained}", Role.RESPONDER, {})


def test_it_takes_a_seat_in_the_graph_and_no_path_stands_in_the_record(trained: Path, tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"seed": 5, "seats": {"planner": f"linear:{trained}@0.5"}})
    asyncio.run(run_many(recipe, tmp_path / "run", episodes=2))
    episodes = list(read_episodes(tmp_path / "run"))
    assert [episode.stop.error for episode in episodes] == [None, None]
    assert {episode.models.planner for episode in episodes} == {"linear:planner@0.5"}
    assert str(trained.parent) not in (tmp_path / "run" / "episodes.jsonl").read_text()
    assert recorded(f"linear:{trained}") == "linear:planner"


@pytest.mark.parametrize("content", [None, "{}", "not json", '{"schema_version": "holdspace.linear/1", "strategies": []}', "[]"])
def test_what_is_no_linear_planner_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / SETTINGS).write_text(content)
    with pytest.raises(InputError, match=r"linear planner.*holdspace sft planner --base linear"):
        load(tmp_path)


def test_data_that_teaches_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fewer than 2 dialogues"):
        train_linear([corpus(tmp_path, talks=1)], tmp_path / "out")
    path = corpus(tmp_path, talks=3)
    for strategy in SEEKER_SAYS:
        path.write_text(path.read_text().replace(f'"{strategy.value}"', '"Others"'))
    with pytest.raises(InputError, match="only one strategy"):
        train_linear([path], tmp_path / "out")
    with pytest.raises(InputError, match=r"--prior 2"):
        train_linear([path], tmp_path / "out", prior=2)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_trained_on_esconv_it_reaches_the_goal_on_valid(data: Path, tmp_path: Path) -> None:
    """Q >= .27 and B <= .25 at the prior that cross-validation on train has chosen."""
    found = train_linear([data / "esconv/train.jsonl.gz"], tmp_path / "planner")
    chosen = next(point for point in found.curve if point.prior == found.prior)
    assert chosen.macro_f1 > found.curve[0].macro_f1
    asked = [one for dialogue in read_dialogues(data / "esconv/valid.jsonl.gz") for one in decisions(dialogue)]
    planned = asyncio.run(plan_all(Planner(LinearPlanner(f"linear:{tmp_path / 'planner'}"), pick=Pick.BEST), asked))
    choices = [Choice(one.decision.gold, one.strategy) for one in planned if one.decision.gold]
    figures = report(choices, samples=10)
    assert figures["n"] == 2722
    assert figures["macro_f1"] >= 0.27
    assert figures["preference_bias"] <= 0.25
