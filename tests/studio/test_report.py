"""The report of a self-evolution run: one page from a folder, whatever the models said in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.store import read_episodes
from studio.charts import dots, lines, stacks
from studio.cli import app

EVIL = "</p><script>alert(1)</script><img src=x onerror=alert(2)>"
INTERVAL = {"mean": -0.5, "low": -0.7, "high": -0.3, "excludes_zero": True}


class Tags(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def figures(errors: float) -> dict[str, object]:
    slices = {name: {"talks": 4, "measures": {"change": INTERVAL}, "arc": [4.0, 3.8, 3.5, 3.2, 3.0]} for name in ("all", "guarded")}
    return {
        "talks": 4,
        "failed": 0,
        "crisis": 0,
        "errors": errors,
        "change": INTERVAL,
        "relieved": INTERVAL,
        "gave_up": INTERVAL,
        "slices": slices,
    }


def dev(entropy: float) -> dict[str, object]:
    planner = {
        "macro_f1": 0.21,
        "preference_bias": None,
        "preference_bias_reason": "x",
        "intervals": {"macro_f1": [0.2, 0.22], "preference_bias": None},
    }
    return {"entropy": entropy, "warnings": ["Entropy is low."], "planner": planner}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run as `evolve` leaves it, with two rehearsed talks in place of trained ones, one of them with markup in it."""
    out = tmp_path / "run"
    for name in ("m0", "m1"):
        folder = out / "scores" / name / "people-0"
        result = CliRunner().invoke(app, ["simulate", "--episodes", "3", "--turns", "4", "--seed", "5", "--out", str(folder)])
        assert result.exit_code == 0, result.output
    talks = out / "scores" / "m1" / "people-0" / "episodes.jsonl"
    episodes = list(read_episodes(talks))
    spoilt = [one.model_copy(update={"turns": tuple(turn.model_copy(update={"text": EVIL}) for turn in one.turns)}) for one in episodes]
    talks.write_text("".join(one.model_dump_json() + "\n" for one in spoilt), encoding="utf-8")
    (out / "rounds" / "0").mkdir(parents=True)
    (out / "rounds" / "0" / "episodes.jsonl").write_text(
        (out / "scores" / "m0" / "people-0" / "episodes.jsonl").read_text(), encoding="utf-8"
    )
    part = {"m0": figures(0.4), "m1": figures(0.2), "by_seed": [{"m0": figures(0.4), "m1": figures(0.2)}]}
    part["last_against_first"] = {"talks": 4, "change": INTERVAL, "relieved": INTERVAL, "errors": INTERVAL}
    gate = {"name": "errors", "passed": False, "why": EVIL}
    metrics = {
        "models": [{"name": "m0"}, {"name": "m1"}],
        "dev": {"m0": dev(2.8), "m1": dev(1.2)},
        "promotions": [{"round": 0, "from": "m0", "to": "m1", "promoted": False, "gates": [gate], "why": EVIL}],
        "final": {"people": part, "stories": part},
    }
    (out / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    recipe = {"base": "scratch:1m", "seed": 1, "talk": {"seeker": "rehearsal", "critic": "rehearsal"}, "measured": {"corpus": None}}
    (out / "evolve.json").write_text(json.dumps({"recipe": recipe}), encoding="utf-8")
    made = {"kept": {"refine": 12}, "dropped": {f"refine: {EVIL}": 3}, "supporter_turns": 40}
    (out / "stages").mkdir()
    (out / "stages" / "pairs-0.json").write_text(json.dumps({"from": "ab", "made": made, "seconds": 2.5}), encoding="utf-8")
    return out


def report(run: Path, *flags: str) -> str:
    result = CliRunner().invoke(app, ["report", str(run), *flags])
    assert result.exit_code == 0, result.output
    return Path(result.stdout.strip()).read_text(encoding="utf-8")


def test_the_report_shows_models_gates_pairs_and_talks_side_by_side(run: Path) -> None:
    page = report(run)
    for words in (
        "M1 not promoted",
        "0.400",
        "0.200",
        "-0.70 to -0.30",
        "Entropy is low.",
        "refine",
        "40 supporter turns",
        "Held-out scenarios",
    ):
        assert words in page
    first = next(read_episodes(run / "scores" / "m0" / "people-0"))
    assert first.turns[1].text.split(",")[0].replace("'", "&#x27;") in page
    assert page.count("<svg") >= 6


def test_nothing_that_a_model_said_becomes_markup_and_nothing_is_loaded(run: Path) -> None:
    page = report(run)
    assert "alert(1)" in page, "the words are shown"
    tags = Tags()
    tags.feed(page)
    assert {tag for tag, _ in tags.seen} & {"script", "img", "link", "iframe", "object", "form"} == set()
    for _, attributes in tags.seen:
        assert not any(name.startswith("on") or name in ("src", "href") for name in attributes)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", page)


def test_an_unfinished_run_and_a_folder_as_target_are_one_sentence(run: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert "metrics.json can't be read" in str(result.exception)
    result = CliRunner().invoke(app, ["report", str(run), "--html", str(tmp_path)])
    assert "is a folder" in str(result.exception)


def test_charts_put_values_where_they_belong() -> None:
    chart = dots("Change", [("M0", 1.0, 0.5, 1.5), ("M1", -1.0, -1.5, -0.5)], zero=True)
    heights = [float(y) for y in re.findall(r'<circle class="dot" cx="[\d.]+" cy="([\d.]+)"', chart)]
    zero = float(re.findall(r'class="zero" x1="\d+" x2="\d+" y1="([\d.]+)"', chart)[0])
    assert heights[0] < zero < heights[1], "a larger value stands higher"
    shares = stacks("Mix", {"1": [0.25, 0.75]}, ["a", "b"])
    tall = [float(height) for height in re.findall(r'height="([\d.]+)"', shares)]
    assert tall[1] == pytest.approx(3 * tall[0], rel=0.01)
    curve = lines("Loss", {"m0": [(0.0, 2.0), (10.0, 1.0)]})
    points = [tuple(map(float, point.split(","))) for point in re.findall(r'points="([^"]+)"', curve)[0].split()]
    assert points[0][0] < points[1][0]
    assert points[0][1] < points[1][1]
    assert "nothing to show" in lines("Loss", {})
