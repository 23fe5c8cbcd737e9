"""Outcome: what talks did for their seekers, by kind of seeker, and two runs talk by talk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import mean

import pytest
from typer.testing import CliRunner

from agents.errors import InputError
from agents.words import PsychError, Strategy
from evaluation.outcome import MEASURES, compare, outcomes, row, slices
from simulator.episode import Episode, SeekerTurn, StopReason, SupporterTurn
from simulator.persona import Resistance
from simulator.store import EPISODES
from studio.cli import app
from studio.outcome import show_attackers


def stopped(episode: Episode, reason: StopReason) -> Episode:
    return episode.model_copy(update={"stop": episode.stop.model_copy(update={"reason": reason})})


def eased(episode: Episode, by: float) -> Episode:
    """The same talk, with a larger change of intensity on its record."""
    change = episode.outcome.intensity_change - by
    return episode.model_copy(update={"outcome": episode.outcome.model_copy(update={"intensity_change": change})})


def written(folder: Path, episodes: list[Episode]) -> Path:
    folder.mkdir()
    (folder / EPISODES).write_text("".join(episode.model_dump_json() + "\n" for episode in episodes), encoding="utf-8")
    return folder


def test_a_row_says_what_the_record_says(episodes: list[Episode]) -> None:
    for episode in episodes[:10]:
        item = row(episode)
        minds = [turn.mind for turn in episode.turns if isinstance(turn, SeekerTurn)]
        assert item.change == pytest.approx(episode.outcome.intensity_change)
        assert item.after == pytest.approx(minds[-1].intensity, abs=1e-3)
        assert item.before == episode.scenario.intensity
        assert item.relieved == (episode.stop.reason == "relieved")
        assert len(item.arc) == 5
        assert min(item.arc) >= min(mind.intensity for mind in minds)
        assert item.arc[0] > item.arc[-1] or item.change >= -0.2


def test_the_arc_is_the_mean_of_each_fifth(episodes: list[Episode]) -> None:
    episode = max(episodes, key=lambda item: len(item.turns))
    values = [turn.mind.intensity for turn in episode.turns if isinstance(turn, SeekerTurn)][:10]
    short = [turn for turn in episode.turns if isinstance(turn, SeekerTurn)][:10]
    cut = episode.model_copy(update={"turns": tuple(short)})
    assert row(cut).arc == pytest.approx([mean(values[place : place + 2]) for place in range(0, 10, 2)])


def test_an_error_that_was_said_is_counted_once_a_turn(episodes: list[Episode]) -> None:
    episode = next(item for item in episodes if not item.crisis)
    place = next(place for place, turn in enumerate(episode.turns) if isinstance(turn, SupporterTurn) and place > 6)
    turn = episode.turns[place]
    assert isinstance(turn, SupporterTurn)
    poor = turn.model_copy(update={"text": "Everything happens for a reason. Time heals.", "strategy": Strategy.AFFIRMATION})
    spoilt = episode.model_copy(update={"turns": (*episode.turns[:place], poor, *episode.turns[place + 1 :])})
    assert row(spoilt).errors[PsychError.TEMPLATE_RESPONSE] == row(episode).errors[PsychError.TEMPLATE_RESPONSE] + 1


def test_failed_and_crisis_talks_are_counted_and_left_out(episodes: list[Episode]) -> None:
    plain = [episode for episode in episodes if not episode.crisis][:6]
    found = outcomes([*plain[:4], stopped(plain[4], StopReason.FAILED), plain[5].model_copy(update={"crisis": True})])
    assert (len(found.rows), found.failed, found.crisis) == (4, 1, 1)


def test_slices_part_the_talks_by_kind_of_seeker(episodes: list[Episode]) -> None:
    rows = outcomes(episodes).rows
    sliced = slices(rows, samples=50)
    assert next(iter(sliced)) == "all"
    assert set(sliced) <= {"all", *(kind.value for kind in Resistance)}
    assert sum(item.talks for name, item in sliced.items() if name != "all") == sliced["all"].talks == len(rows)
    for item in sliced.values():
        for name in MEASURES:
            assert item.measures[name].low <= item.measures[name].mean <= item.measures[name].high
    guarded = [item.change for item in rows if item.persona.resistance is Resistance.GUARDED]
    assert sliced["guarded"].measures["change"].mean == pytest.approx(mean(guarded))


def test_two_runs_are_compared_talk_by_talk(episodes: list[Episode]) -> None:
    plain = [episode for episode in episodes if not episode.crisis][:20]
    first = outcomes(plain[:18]).rows
    second = outcomes([eased(episode, 0.3) for episode in reversed(plain[2:])]).rows
    found = compare(first, second, samples=100)
    assert (found.talks, found.only_first, found.only_second) == (16, 2, 2)
    change = found.differences["change"]
    assert change.mean == pytest.approx(-0.3)
    assert [change.low, change.high] == pytest.approx([-0.3, -0.3])
    assert change.excludes_zero
    assert not found.differences["trust"].excludes_zero


def test_talks_of_other_people_are_not_compared(episodes: list[Episode]) -> None:
    one, two = [episode for episode in episodes if not episode.crisis][:2]
    other = one.model_copy(update={"persona": two.persona})
    with pytest.raises(InputError, match="another persona"):
        compare(outcomes([one]).rows, outcomes([other]).rows)
    with pytest.raises(InputError, match="no talk in common"):
        compare(outcomes([one]).rows, outcomes([two]).rows)


def test_the_command_prints_tables_for_people_and_json_for_machines(episodes: list[Episode], tmp_path: Path) -> None:
    plain = [episode for episode in episodes if not episode.crisis][:12]
    first, second = written(tmp_path / "a", plain), written(tmp_path / "b", [eased(episode, 0.5) for episode in plain])
    told = CliRunner().invoke(app, ["score", "outcome", str(first), str(second), "--samples", "50"], catch_exceptions=False)
    assert told.exit_code == 0
    for words in ("Outcome of a: 12 talks", "gave up", "Lack Empathy", "b minus a, talk by talk: 12 talks", "-0.500"):
        assert words in told.stdout
    machine = CliRunner().invoke(app, ["score", "outcome", str(first), str(second), "--samples", "50", "--json"], catch_exceptions=False)
    content = json.loads(machine.stdout)
    assert content["differences"]["b"]["differences"]["change"]["mean"] == pytest.approx(-0.5)
    assert content["runs"]["a"]["slices"]["all"]["talks"] == 12


def test_runs_of_one_name_are_told_apart(episodes: list[Episode], tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder / "run", episodes[:3])
    flags = [str(tmp_path / "x" / "run"), str(tmp_path / "y" / "run"), "--samples", "10", "--json"]
    content = json.loads(CliRunner().invoke(app, ["score", "outcome", *flags], catch_exceptions=False).stdout)
    assert len(content["runs"]) == 2


def test_a_run_with_nothing_to_score_is_refused(episodes: list[Episode], run_folder: Path, tmp_path: Path) -> None:
    failed = written(tmp_path / "failed", [stopped(episode, StopReason.FAILED) for episode in episodes[:3]])
    with pytest.raises(InputError, match=r"no finished talk \(3 failed, 0 were handed over\)"):
        CliRunner().invoke(app, ["score", "outcome", str(failed)], catch_exceptions=False)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / EPISODES).touch()
    with pytest.raises(InputError, match="no finished talk"):
        CliRunner().invoke(app, ["score", "outcome", str(empty)], catch_exceptions=False)
    broken = tmp_path / "broken"
    broken.mkdir()
    shutil.copy(run_folder / EPISODES, broken)
    with (broken / EPISODES).open("a", encoding="utf-8") as file:
        file.write('{"id": 3}\n')
    with pytest.raises(InputError, match=r"episodes\.jsonl:61: "):
        CliRunner().invoke(app, ["score", "outcome", str(broken)], catch_exceptions=False)


def test_every_attacker_fares_clearly_worse_than_the_rehearsal_supporter(capsys: pytest.CaptureFixture[str]) -> None:
    show_attackers(16, 303, 500, as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert len(content["minus_rehearsal"]) == 6
    for name, found in content["minus_rehearsal"].items():
        assert found["differences"]["change"]["low"] > 0, name
        assert found["differences"]["trust"]["high"] < 0, name
        assert content["supporters"][name]["measures"]["relieved"]["mean"] == 0, name
