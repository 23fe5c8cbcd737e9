"""The comparison through its door: talks written here, models of a few thousand weights.  What they say is nonsense, the bookkeeping is not."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.chat.port import Sampling
from agents.errors import InputError
from agents.planner import Pick
from agents.words import STRATEGIES, Strategy
from simulator.dialogue import Dialogue
from studio.cli import app
from tests.training.small import SAID, TOLD, need_trl
from training.compare_asking import Answer, Asking, cases, draw, some
from training.compare_pairs import pairs_made
from training.compare_recipe import CompareRecipe, Mined, load_compare_recipe
from training.compare_scoring import UNREADABLE, apart, reply_figures, strategy_figures, system, verdict
from training.ipm import Case
from training.pair import PairKind
from training.pairstore import read_pairs

need_trl()

ROOT = Path(__file__).parent.parent.parent
RECIPE = """
name: tiny
base: scratch:50k
vocabulary: 400
context: 128
precision: float32
sampling: {max_tokens: 8}
sft_joint: {epochs: 2, lr: 1.0e-2, prompt_loss: 0.0}
sft_planner: {epochs: 1, lr: 1.0e-2}
sft_responder: {epochs: 1, lr: 1.0e-2}
mined: {strategies: 30, replies: 20, filter: false}
scored: {replies: 12}
"""


def talk(number: int, *, crisis: bool = False) -> dict[str, Any]:
    turns: list[dict[str, Any]] = []
    for place in range(4):
        told = "I want to kill myself tonight." if crisis and place == 2 else TOLD[(number + place) % 4]
        turns.append({"speaker": "seeker", "text": told})
        strategy = STRATEGIES[(number * 3 + place * 5) % 8].value
        turns.append({"speaker": "supporter", "text": SAID[(number + place) % 4], "strategy": strategy})
    return {"id": f"talk-{number}", "turns": turns}


def corpus(path: Path, numbers: range, *, crisis: int | None = None) -> Path:
    path.write_text("".join(json.dumps(talk(number, crisis=number == crisis)) + "\n" for number in numbers), encoding="utf-8")
    return path


def refused(folder: Path, *more: str) -> str:
    """What the user is told; only InputError, which the command line turns into exit code 2, is a refusal."""
    error = run(folder, *more).exception
    assert isinstance(error, InputError), error
    return str(error)


def run(folder: Path, *more: str) -> Any:
    command = ["compare", str(folder / "tiny.yaml"), "--train", str(folder / "train.jsonl"), "--valid", str(folder / "valid.jsonl")]
    return CliRunner().invoke(app, [*command, "--out", str(folder / "out"), *more])


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole comparison."""
    folder = tmp_path_factory.mktemp("compared")
    (folder / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    corpus(folder / "train.jsonl", range(16), crisis=3)
    corpus(folder / "valid.jsonl", range(20, 26))
    result = run(folder)
    assert result.exit_code == 0, result.output
    (folder / "first.txt").write_text(result.output)
    return folder


def test_four_systems_are_measured_on_the_same_turns(compared: Path) -> None:
    metrics = json.loads((compared / "out" / "metrics.json").read_text())
    names = ["Vanilla-SFT", "Vanilla-DPO", "Decoupled-SFT", "Decoupled-DPO"]
    assert list(metrics["strategies"]) == names
    assert {found["n"] for found in metrics["strategies"].values()} == {metrics["linear"]["n"]} == {24}
    assert {found["n"] for found in metrics["replies"].values()} == {12}
    assert metrics["replies"]["human"]["unigram_f1"] == pytest.approx(100.0)
    assert metrics["pairs"]["strategy"]["kept"] > 0
    assert {item["to"] for item in metrics["claims"]} == set(names[1:])
    printed = (compared / "first.txt").read_text()
    assert all(name in printed for name in (*names, "linear planner", "label prior", "within noise"))


def test_each_model_goes_on_from_its_own_sft(compared: Path) -> None:
    from agents.chat.loading import weights_stamp

    models = compared / "out" / "models"
    for learner in ("planner", "responder"):
        made = json.loads((models / f"dpo-{learner}" / "training.json").read_text())
        assert made["base"]["stamp"] == weights_stamp(str(models / f"sft-{learner}"))


def test_nothing_is_learned_from_a_crisis_talk(compared: Path) -> None:
    answers = (compared / "out" / "inferred" / "planner.jsonl").read_text().splitlines()
    assert answers
    assert not [line for line in answers if '"talk-3"' in line]
    learned = json.loads((compared / "out" / "models" / "sft-planner" / "training.json").read_text())["data"]["given"]
    assert learned == 15 * 4


def test_the_same_command_does_nothing_twice_and_a_deleted_stage_comes_out_the_same(compared: Path) -> None:
    out = compared / "out"
    before = (out / "metrics.json").read_text()
    trained = (out / "models" / "sft-planner" / "training.json").stat().st_mtime_ns
    (out / "stages" / "said-decoupled-dpo.json").unlink()
    result = run(compared, "--json")
    assert result.exit_code == 0, result.output
    assert "sft-planner was done before" in result.stderr
    assert "said-decoupled-dpo done" in result.stderr
    assert (out / "models" / "sft-planner" / "training.json").stat().st_mtime_ns == trained
    assert json.loads((out / "metrics.json").read_text()) == json.loads(before) == json.loads(result.stdout)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--seed", "2"], "recipe.seed was 1, is 2"),
        (["--valid", "nowhere.jsonl"], "--valid nowhere.jsonl can't be read"),
        (["--valid", "TRAIN"], "corpora.valid"),
    ],
)
def test_another_comparison_in_the_same_folder_is_refused(compared: Path, change: list[str], told: str) -> None:
    assert told in refused(compared, *(str(compared / "train.jsonl") if word == "TRAIN" else word for word in change))


def test_a_wrong_key_is_told_with_its_line_and_the_nearest_right_one(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text("name: x\nmined: {filters: true}\n", encoding="utf-8")
    corpus(tmp_path / "train.jsonl", range(2))
    corpus(tmp_path / "valid.jsonl", range(2))
    assert "tiny.yaml:2: mined.filters: unknown key, did you mean 'filter'" in refused(tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_base_that_cannot_be_made_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text("base: scratch:huge\n", encoding="utf-8")
    corpus(tmp_path / "train.jsonl", range(2))
    corpus(tmp_path / "valid.jsonl", range(2))
    assert "'scratch:huge' is no scratch model" in refused(tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_corpus_without_strategies_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    corpus(tmp_path / "valid.jsonl", range(2))
    bare = {"id": "bare", "turns": [{"speaker": "seeker", "text": "Hello."}, {"speaker": "supporter", "text": "Hi."}]}
    (tmp_path / "train.jsonl").write_text(json.dumps(bare) + "\n", encoding="utf-8")
    assert "train.jsonl has no supporter turn with a strategy" in refused(tmp_path)


def test_the_shipped_recipe_is_valid_and_trains_the_three_models_alike() -> None:
    recipe = load_compare_recipe(ROOT / "recipes" / "decoupled-vs-joint.yaml")
    settings = (recipe.sft_joint, recipe.sft_planner, recipe.sft_responder)
    assert len({(one.epochs, one.lr, one.batch, one.context) for one in settings}) == 1
    assert (recipe.sampling.temperature, recipe.sampling.top_p) == (0.7, 0.95)


def one_case(reply: str, gold: Strategy = Strategy.REFLECTION, number: int = 0) -> Case:
    told = "My brother died in March and I feel so sad and alone in the house since the funeral."
    turns = [{"speaker": "seeker", "text": told}, {"speaker": "supporter", "text": reply, "strategy": gold}]
    return Case(Dialogue.model_validate({"id": f"case-{number}", "turns": turns}), 1, None)


CLEAN = "You sound so sad and alone in that house since the funeral of your brother."
FLAWED = "Everything happens for a reason, just stay positive and move on from it all."


@pytest.mark.parametrize(
    ("human", "model", "filtered", "kept"),
    [(CLEAN, FLAWED, True, 1), (FLAWED, FLAWED[:-1], True, 0), (CLEAN, CLEAN[:-5], True, 0), (FLAWED, CLEAN, False, 1)],
)
def test_the_judge_passes_a_clean_human_reply_against_a_clear_error_and_can_be_left_out(
    human: str, model: str, filtered: bool, kept: int, tmp_path: Path
) -> None:
    case = one_case(human)
    answer = Answer(dialogue="case-0", turn=1, drawn=Strategy.REFLECTION, reply=model)
    recipe = CompareRecipe(mined=Mined(filter=filtered))
    found = pairs_made(recipe, [case], {PairKind.JOINT: [answer], PairKind.RESPONSE: [answer]}, tmp_path / "pairs", source="here")
    assert [found[kind]["kept"] for kind in ("joint", "response")] == [kept, kept]
    assert found["joint"]["candidates"] == 1
    if kept:
        (pair,) = read_pairs(tmp_path / "pairs", [PairKind.JOINT])
        assert pair.chosen == f"[Reflection of feelings] {human}"
        assert pair.rejected == f"[Reflection of feelings] {model}"


def test_a_strategy_makes_a_pair_where_it_differs_and_an_unread_one_makes_none(tmp_path: Path) -> None:
    known = [one_case(CLEAN, number=number) for number in range(3)]
    drawn = (Strategy.QUESTION, Strategy.REFLECTION, None)
    answers = [Answer(dialogue=f"case-{number}", turn=1, best=Strategy.OTHERS, drawn=strategy) for number, strategy in enumerate(drawn)]
    for how, kept, rejected in ((Pick.SAMPLE, 1, "Question"), (Pick.BEST, 3, "Others")):
        recipe = CompareRecipe(mined=Mined(rejected=how))
        found = pairs_made(recipe, known, {PairKind.STRATEGY: answers}, tmp_path / how, source="here")["strategy"]
        assert (found["answers"], found["candidates"]) == (3, kept)
        pairs = list(read_pairs(tmp_path / how))
        assert len(pairs) == found["kept"] > 0
        assert {(pair.chosen, pair.rejected) for pair in pairs} == {("Reflection of feelings", rejected)}


def test_what_cannot_be_read_is_an_error_of_strategy_and_of_reply() -> None:
    known = [one_case(CLEAN, number=number) for number in range(4)]
    answers = [Answer(dialogue=f"case-{number}", turn=1) for number in range(4)]
    found = system(known, answers, known, answers)
    figures, replies = strategy_figures(found.choices), reply_figures(found)
    assert (figures["macro_f1"], figures["parse_failures"]) == (0.0, 4)
    assert (replies["errors"], replies["errors_by_kind"][UNREADABLE]) == (1.0, 1.0)


def test_differences_are_second_minus_first_and_say_what_they_support() -> None:
    known = [one_case(CLEAN, gold=STRATEGIES[number % 8], number=number) for number in range(24)]
    right = [Answer(dialogue=f"case-{number}", turn=1, best=case.gold, drawn=case.gold, reply=CLEAN) for number, case in enumerate(known)]
    wrong = [
        Answer(dialogue=f"case-{number}", turn=1, best=Strategy.OTHERS, drawn=case.gold, reply=FLAWED) for number, case in enumerate(known)
    ]
    bad, good = system(known, wrong, known, wrong), system(known, right, known, right)
    found = apart(bad, good)
    assert found["macro_f1"]["difference"] > 0.9
    assert found["errors"]["difference"] < 0
    assert found["preference_bias"] is None, "B of a perfect planner is undefined"
    assert verdict(found["macro_f1"], up=True) == "supported"
    assert verdict(found["macro_f1"], up=False) == "contradicted"
    assert verdict(found["errors"], up=False) == "supported"
    assert verdict(found["preference_bias"], up=False) == "undefined"
    assert verdict(apart(good, good)["errors"], up=False) == "within noise"


def test_a_smaller_sample_is_part_of_a_larger_one(tmp_path: Path) -> None:
    found = cases(corpus(tmp_path / "all.jsonl", range(20)), crisis=True)
    keys = [{(case.dialogue.id, case.index) for case in some(found, count, 1)} for count in (10, 30, None)]
    assert [len(some_) for some_ in keys] == [10, 30, 80]
    assert keys[0] < keys[1] < keys[2]


def test_a_draw_follows_temperature_and_nucleus() -> None:
    shares = dict(zip(STRATEGIES, (0.4, 0.2, 0.2, 0.1, 0.06, 0.02, 0.01, 0.01), strict=True))
    drawn = Counter(draw(shares, Sampling(temperature=0.7, top_p=0.95), seed) for seed in range(6000))
    weights = [share ** (1 / 0.7) for share in shares.values()]
    expected = weights[0] / sum(weights[:5]) if sum(weights[:4]) < 0.95 * sum(weights) else weights[0] / sum(weights[:4])
    assert drawn[STRATEGIES[0]] / 6000 == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 6000))
    assert drawn[STRATEGIES[7]] == 0
    assert draw(shares, Sampling(temperature=0.0), 1) is STRATEGIES[0]


def test_a_model_that_fails_on_a_turn_leaves_it_without_a_strategy(compared: Path) -> None:
    long = [{"speaker": "seeker", "text": "word " * 3}, *({"speaker": "supporter", "text": "So.", "strategy": "Others"} for _ in range(60))]
    case = Case(Dialogue.model_validate({"id": "long", "turns": long}), 60, None)
    recipe = load_compare_recipe(compared / "tiny.yaml")
    (answer,) = Asking(recipe).plans(str(compared / "out" / "models" / "sft-planner"), [case])
    assert answer == Answer(dialogue="long", turn=60)
