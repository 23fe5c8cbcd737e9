"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.episode import Episode
from simulator.store import EPISODES, read_episodes
from studio.cli import app

HERE = Path(__file__).parent.parent.parent


def holdspace(*arguments: object, cwd: Path | None = None, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"{before}\nfrom studio.cli import main\nmain()"
    environment = {**os.environ, "PYTHONPATH": str(HERE), "COLUMNS": "120"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd or HERE, env=environment, capture_output=True, text=True, timeout=120, check=False)


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a refusal: exit code 2, nothing on stdout, no traceback."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def test_simulate_makes_a_run_and_show_reads_it(tmp_path: Path) -> None:
    out = tmp_path / "run"
    made = holdspace("simulate", "--episodes", 4, "--seed", 2, "--out", out, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["done"] == 4
    again = holdspace("simulate", "--episodes", 4, "--seed", 2, "--out", out, "--json")
    assert json.loads(again.stdout)["done"] == 0
    listed = holdspace("show", out)
    for episode in read_episodes(out):
        assert episode.id in listed.stdout
    talk = holdspace("show", out, "0")
    first = next(episode for episode in read_episodes(out) if episode.index == 0)
    shown = " ".join(talk.stdout.split())
    for turn in first.turns:
        assert " ".join(turn.text.split()) in shown
    assert json.loads(holdspace("show", out, first.id, "--json").stdout)["id"] == first.id


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--turns", "0"), "turns"),
        (("--episodes", "0"), "--episodes 0: must be at least 1"),
        (("--concurrency", "0"), "--concurrency 0"),
        (("--model", "nonsense"), "nonsense: unknown model spec"),
        (("--cards", "no/such/file.json"), "no/such/file.json"),
        (("--scenarios", "no/such/folder"), "no/such/folder"),
        (("no-such-recipe.yaml",), "no-such-recipe.yaml"),
    ],
)
def test_a_wrong_flag_is_one_sentence_and_makes_nothing(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    assert words in complaint(holdspace("simulate", *arguments, "--out", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


BAD_CARDS = {
    "empty.json": (b"", "empty"),
    "cut.json": (b'[{"base": "Age: 30', "JSON"),
    "numbers.json": (b"[1, 2, 3]", "number"),
    "fields.json": (b'[{"foo": 1}, {"bar": 2}]', "foo"),
    "latin.json": ('[{"base": "Age: 30 Gender: m\u00e4nnlich"}]'.encode("latin-1"), "UTF-8"),
    "line.json": (b'[{"base": "' + b"x" * 9_000_000 + b'"}]', "line"),
}


@pytest.mark.parametrize("name", BAD_CARDS)
def test_bad_cards_are_one_sentence_that_names_the_file(tmp_path: Path, name: str) -> None:
    content, words = BAD_CARDS[name]
    (tmp_path / name).write_bytes(content)
    said = complaint(holdspace("simulate", "--cards", tmp_path / name, "--out", tmp_path / "run"))
    assert name in said
    assert words in said
    assert len(said) < 500
    assert not (tmp_path / "run").exists()


def test_one_broken_card_is_skipped_counted_and_named(tmp_path: Path) -> None:
    card = {"base": "Age: 30\nGender: Female\nOccupation: baker\nProblem: The seeker is sad because her sister moved away."}
    (tmp_path / "cards.json").write_text(json.dumps([{**card, "id": 1}, {"base": 7, "id": 2}, {**card, "id": 3}]), encoding="utf-8")
    made = holdspace("simulate", "--cards", tmp_path / "cards.json", "--episodes", 2, "--out", tmp_path / "run")
    assert made.returncode == 0, made.stderr
    assert "Skipped 1 of 3 cards" in made.stderr
    assert "#2" in made.stderr


def test_an_unknown_key_in_a_recipe_names_line_and_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("seed: 3\ncritic:\n  shar: 0.5\n", encoding="utf-8")
    said = complaint(holdspace("simulate", tmp_path / "mine.yaml", "--out", tmp_path / "run"))
    assert "mine.yaml:3" in said
    assert "did you mean 'share'" in said


def test_a_broken_scenario_names_file_and_line(tmp_path: Path) -> None:
    source = (HERE / "simulator/scenarios/zaragoza-bakery-alone.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "mine"
    folder.mkdir()
    lines = source.replace("intensity: 4", "intensity: 9").splitlines()
    (folder / "zaragoza-bakery-alone.yaml").write_text("\n".join(lines), encoding="utf-8")
    number = next(place for place, line in enumerate(lines, start=1) if "intensity" in line)
    said = complaint(holdspace("simulate", "--scenarios", folder, "--out", tmp_path / "run"))
    assert f"zaragoza-bakery-alone.yaml:{number}: intensity" in said


def test_own_scenarios_are_cast(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    source = (HERE / "simulator/scenarios/zaragoza-bakery-alone.yaml").read_text(encoding="utf-8")
    (folder / "zaragoza-bakery-alone.yaml").write_text(source, encoding="utf-8")
    made = holdspace("simulate", "--scenarios", folder, "--episodes", 2, "--out", tmp_path / "run")
    assert made.returncode == 0, made.stderr
    assert {episode.scenario.name for episode in read_episodes(tmp_path / "run")} == {"zaragoza-bakery-alone"}


def test_a_folder_of_another_run_is_refused(run_folder: Path) -> None:
    before = (run_folder / EPISODES).read_bytes()
    said = complaint(holdspace("simulate", "--episodes", 3, "--seed", 99, "--out", run_folder))
    assert "another recipe" in said
    assert (run_folder / EPISODES).read_bytes() == before


def test_a_target_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert "can't be written" in complaint(holdspace("simulate", "--episodes", 1, "--out", tmp_path / "file" / "run"))


def test_a_full_disk_ends_in_a_sentence_and_loses_nothing(tmp_path: Path) -> None:
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    said = complaint(holdspace("simulate", "--episodes", 12, "--out", tmp_path / "run", before=limit))
    assert "can't be written" in said
    kept = (tmp_path / "run" / EPISODES).read_bytes()
    assert kept.endswith(b"\n")
    assert 0 < len(kept.splitlines()) < 12
    again = holdspace("simulate", "--episodes", 12, "--out", tmp_path / "run")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "run" / EPISODES).read_bytes().startswith(kept)
    assert len(list(read_episodes(tmp_path / "run"))) == 12


def test_showing_what_is_not_there_is_one_sentence(tmp_path: Path, run_folder: Path) -> None:
    assert "holds no episodes" in complaint(holdspace("show", tmp_path))
    assert "no episode 'zzz'" in complaint(holdspace("show", run_folder, "zzz"))


def test_realism_prints_the_same_figures_for_run_and_corpus(tmp_path: Path, run_folder: Path) -> None:
    table = json.loads(holdspace("score", "realism", run_folder, "--reference", run_folder, "--json").stdout)
    assert table["run"] == table["reference"]
    assert table["strategy_distance_by_fifth"] == [0, 0, 0, 0, 0]
    assert table["run"]["dialogues"] == 60
    (tmp_path / "none.jsonl").write_text("", encoding="utf-8")
    assert "no finished dialogue" in complaint(holdspace("score", "realism", tmp_path / "none.jsonl"))


def test_help_loads_nothing_heavy() -> None:
    check = "import atexit, sys; atexit.register(lambda: sys.stderr.write(' '.join(m for m in ('sklearn', 'langgraph', 'openai', 'scipy', 'numpy') if m in sys.modules)))"
    for arguments in (("--help",), ("simulate", "--help")):
        result = holdspace(*arguments, before=check)
        assert result.returncode == 0
        assert result.stderr == ""


def test_no_path_of_this_machine_stands_in_a_record(run_folder: Path, episodes: list[Episode]) -> None:
    for text in ((run_folder / EPISODES).read_text(encoding="utf-8"), (run_folder / "run.yaml").read_text(encoding="utf-8")):
        assert str(run_folder) not in text
        assert str(Path.home()) + "/" not in text
        assert str(HERE) not in text


def test_another_package_called_agents_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("Agent = object\n", encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.path.append({str(HERE)!r}); from studio.entry import main; main()"
    result = subprocess.run([sys.executable, "-S", "-c", code, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "openai-agents" in complaint(result)


def test_two_runs_of_the_same_casts_are_shown_side_by_side(tmp_path: Path) -> None:
    for name, planner in (("one", "rehearsal"), ("two", "attacker:ask")):
        flags = ["--planner", planner, "--responder", planner, "--episodes", "3", "--turns", "3", "--seed", "4"]
        done = CliRunner().invoke(app, ["simulate", *flags, "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(app, ["show", str(tmp_path / "two"), "1", "--beside", str(tmp_path / "one")])
    assert shown.exit_code == 0, shown.output
    left, right = (next(one for one in read_episodes(tmp_path / name) if one.index == 1) for name in ("one", "two"))
    for episode in (left, right):
        assert episode.turns[1].text.split()[0] in shown.stdout
    assert shown.stdout.count("End: ") == 2
    missing = CliRunner().invoke(app, ["show", str(tmp_path / "two"), "99", "--beside", str(tmp_path / "one")])
    assert "no such talk with the same seeker" in str(missing.exception)
