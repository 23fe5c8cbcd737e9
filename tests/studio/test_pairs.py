"""`holdspace pairs` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.errors import InputError
from simulator.episode import Episode, Failure, Stop, StopReason
from simulator.store import EPISODES, read_episodes
from studio.cli import app
from training.guards import GuardSettings
from training.pair import PairKind, pair_id
from training.pairstore import read_pairs, write_pairs

KINDS = ["strategy", "response", "refine", "joint"]


def pairs(*arguments: object) -> str:
    """What the command prints; the error it ends with is raised."""
    result = CliRunner().invoke(app, ["pairs", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def run(run_folder: Path, tmp_path: Path) -> Path:
    """A copy of the run, to make pairs in."""
    folder = tmp_path / "sixty"
    folder.mkdir()
    for name in (EPISODES, "run.yaml"):
        (folder / name).write_bytes((run_folder / name).read_bytes())
    return folder


def test_counts_are_those_of_the_files(run: Path) -> None:
    told = json.loads(pairs(run, "--json"))
    assert list(told["kept"]) == KINDS
    for kind in KINDS:
        found = list(read_pairs(run / "pairs" / f"{kind}.jsonl"))
        assert told["kept"][kind] == sum(told["splits"][kind].values()) == len(found) > 0
        mix = told["strategies"][kind]
        assert mix["chosen"]["Question"] == sum(pair.chosen_strategy == "Question" for pair in found)
        assert mix["rejected"]["Others"] == sum(pair.rejected_strategy == "Others" for pair in found)
        if kind != "strategy":
            assert told["length_ratio_mean"][kind] == pytest.approx(sum(pair.length_ratio for pair in found) / len(found))
    assert told["talks"] == {"read": 60, "failed": 0, "crisis": sum(episode.crisis for episode in read_episodes(run)), "reworded": 0}
    assert told["dropped"]["refine"]["length ratio out of bounds"] > 0
    wide = json.loads(pairs(run, "--json", "--ratio", "0.01,100", "--near", 1, "--no-balance", "--crisis"))
    for kind in KINDS:
        assert wide["kept"][kind] + sum(wide["dropped"][kind].values()) == told["kept"][kind] + sum(told["dropped"][kind].values())
    assert wide["kept"]["refine"] > told["kept"]["refine"]
    assert "length ratio out of bounds" not in wide["dropped"]["refine"]


def test_crisis_talks_are_left_out_unless_asked_for(run: Path) -> None:
    flagged = [episode.model_copy(update={"crisis": index < 30}) for index, episode in enumerate(read_episodes(run))]
    stored(run, flagged)
    told = json.loads(pairs(run, "--kinds", "refine", "--json"))
    assert told["talks"]["crisis"] == 30
    assert told["dropped"]["refine"]["crisis talk"] > 10
    ids = {episode.id for episode in flagged if episode.crisis}
    assert not ids & {pair.dialogue for pair in read_pairs(run)}
    asked = json.loads(pairs(run, "--kinds", "refine", "--crisis", "--json"))
    assert "crisis talk" not in asked["dropped"]["refine"]
    assert ids & {pair.dialogue for pair in read_pairs(run) if pair.crisis}


def test_the_same_command_makes_the_same_bytes(run: Path) -> None:
    pairs(run)
    before = {path.name: path.read_bytes() for path in (run / "pairs").iterdir()}
    pairs(run)
    assert {path.name: path.read_bytes() for path in (run / "pairs").iterdir()} == before
    assert sorted(before) == sorted(f"{kind}.jsonl" for kind in KINDS)


def test_the_table_says_what_was_kept_and_what_was_dropped(run: Path) -> None:
    told = json.loads(pairs(run, "--json"))
    shown = pairs(run)
    for kind in KINDS:
        assert kind in shown
        for reason, count in told["dropped"][kind].items():
            line = next(line for line in shown.splitlines() if reason in line)
            assert str(count) in line
    assert "60 talks" in shown


def test_a_format_makes_a_dataset_beside_the_pairs(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere"
    told = json.loads(pairs(run, "--kinds", "response", "--format", "trl", "--sft", "planner", "--out", out, "--json"))
    assert told["export"] == str(out / "trl")
    rows = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (out / "trl" / "response").glob("*.jsonl"))
    assert rows == told["kept"]["response"]
    card = (out / "trl" / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert "sft_planner" in card
    assert str(run.parent) not in card
    assert not (run / "pairs").exists()


def test_pairs_that_other_commands_made_are_exported_from_where_they_are(run: Path, tmp_path: Path) -> None:
    pairs(run, "--kinds", "strategy")
    made = [
        pair.model_copy(
            update={"kind": PairKind.LOOKAHEAD, "id": pair_id(PairKind.LOOKAHEAD, pair.dialogue, pair.turn, pair.chosen, pair.rejected)}
        )
        for pair in read_pairs(run)
    ]
    write_pairs(made, run / "pairs", [PairKind.LOOKAHEAD], settings=GuardSettings(balance=None))
    with pytest.raises(InputError, match="made by another command"):
        pairs(run, "--kinds", "lookahead")
    before = (run / "pairs" / "lookahead.jsonl").read_bytes()
    told = json.loads(pairs(run, "--kinds", "refine,lookahead", "--format", "trl", "--json"))
    assert told["rows"] == {"refine": told["kept"]["refine"], "lookahead": len(before.splitlines())}
    assert (run / "pairs" / "lookahead.jsonl").read_bytes() == before
    mined = tmp_path / "mined"
    (mined / "pairs").mkdir(parents=True)
    (mined / "pairs" / "lookahead.jsonl").write_bytes(before)
    with pytest.raises(InputError, match="made by another command"):
        pairs(mined)
    pairs(mined, "--format", "llamafactory", "--out", tmp_path / "out")
    files = (tmp_path / "out" / "llamafactory").glob("lookahead_*.jsonl")
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) == len(before.splitlines())


def test_a_strategy_that_most_pairs_choose_is_named(run: Path) -> None:
    told = json.loads(pairs(run, "--json", "--no-balance"))["strategies"]["strategy"]["chosen"]
    most = max(told, key=lambda name: told[name])
    share = told[most] / sum(told.values())
    assert share > 0.4, "the run no longer has what this test is about"
    assert f"{most} is chosen in {share:.0%} of the strategy pairs" in pairs(run, "--no-balance")


def test_prompts_that_are_not_those_of_the_run_are_told(run: Path) -> None:
    assert json.loads(pairs(run, "--kinds", "refine", "--prompts", "brief", "--json"))["talks"]["reworded"] == 60
    changed = [episode.model_copy(update={"prompts": episode.prompts | {"responder": "0"}}) for episode in read_episodes(run)]
    stored(run, changed[:7])
    assert "7 talks were asked with other prompts than their pairs now ask with." in pairs(run, "--kinds", "refine")


def test_an_episodes_file_will_do_and_nothing_says_where_it_lay(run: Path) -> None:
    pairs(run / EPISODES, "--kinds", "refine", "--round", 2)
    found = list(read_pairs(run, [PairKind.REFINE]))
    assert {(pair.source, pair.round) for pair in found} == {("sixty", 2)}
    assert str(run.parent) not in (run / "pairs" / "refine.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kinds", "refines"), "--kinds refines: not known, did you mean 'refine'"),
        (("--kinds", ","), "--kinds: names nothing"),
        (("--kinds", "rated"), "holds no such pairs. holdspace mine makes them"),
        (("--kinds", "refine,lookahead"), "holds no such pairs. holdspace lookahead makes them"),
        (("--prompts", "short"), "--prompts short: not known"),
        (("--format", "parquet"), "--format parquet: not known"),
        (("--sft", "planner"), "--sft needs a --format"),
        (("--format", "trl", "--sft", "seeker"), "--sft seeker: not known"),
        (("--ratio", "2"), "--ratio 2: expected two numbers"),
        (("--ratio", "2,3"), "--ratio 2,3: the bounds of the length ratio must hold 1"),
        (("--near", "0"), "--near 0.0: Input should be greater than 0"),
        (("--round", "-1"), "--round -1"),
    ],
)
def test_a_wrong_flag_is_one_sentence_and_makes_nothing(run: Path, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError) as refused:
        pairs(run, *arguments)
    assert words in str(refused.value)
    assert sorted(path.name for path in run.iterdir()) == [EPISODES, "run.yaml"]


def stored(folder: Path, episodes: list[Episode]) -> Path:
    (folder / EPISODES).write_text("".join(episode.model_dump_json() + "\n" for episode in episodes), encoding="utf-8")
    return folder


def test_a_run_with_nothing_to_make_pairs_of_is_refused(episodes: list[Episode], tmp_path: Path) -> None:
    failure = Failure(kind="ChatError", boundary="chat", message="down", retryable=True)
    failed = [episode.model_copy(update={"stop": Stop(reason=StopReason.FAILED, error=failure)}) for episode in episodes[:3]]
    unseen = [
        episode.model_copy(
            update={
                "turns": tuple(turn.model_copy(update={"critiques": ()}) if turn.speaker == "supporter" else turn for turn in episode.turns)
            }
        )
        for episode in episodes[:3]
    ]
    for made, words in [
        ([], "holds no talk"),
        (failed, "All 3 talks of"),
        (unseen, "The critic saw no turn of"),
        ([episode.model_copy(update={"crisis": True}) for episode in episodes[:3]], "candidates of"),
        ([episodes[0].model_copy(update={"turns": episodes[0].turns[:1]})], "The critic saw no turn of"),
    ]:
        with pytest.raises(InputError) as refused:
            pairs(stored(tmp_path, made))
        assert words in str(refused.value)
        assert [path.name for path in tmp_path.iterdir()] == [EPISODES]


def test_a_missing_or_broken_run_is_named(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no/such is no run: there is no such"):
        pairs("no/such")
    with pytest.raises(InputError, match=r"there is no episodes\.jsonl"):
        pairs(tmp_path)
    lines = (run / EPISODES).read_text(encoding="utf-8").splitlines()
    (run / EPISODES).write_text("\n".join([lines[0], '{"id": 3}', *lines[2:], ""]), encoding="utf-8")
    with pytest.raises(InputError, match=rf"{EPISODES}:2: "):
        pairs(run)
    assert not (run / "pairs").exists()
