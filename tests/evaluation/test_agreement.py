from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.errors import InputError
from agents.words import PsychError
from evaluation.agreement import agreement, read_judged

ROW = {"user_input": "I'm so ashamed, I lost the flat and lied about it to my daughter.", "strategy": "Affirmation and Reassurance"}


def write(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "judged.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_agreement_is_counted_per_error_beside_chance(tmp_path: Path) -> None:
    template = {**ROW, "response": "[Affirmation and Reassurance] Everything happens for a reason.", "Contains Empathy Error": "Yes"}
    clean = {**ROW, "response": "You told a story to keep your daughter safe, and you carry the shame of the flat alone."}
    rows, skipped = read_judged(
        write(
            tmp_path,
            {**template, "Error Type": "Repetitive or Template-like Response"},
            {**clean, "Contains Empathy Error": "No", "Error Type": "N/A"},
            {**clean, "response": "", "Contains Empathy Error": "No", "Error Type": ""},
        )
    )
    assert (len(rows), skipped) == (2, 1)
    lines = {line.name: line for line in agreement(rows)}
    found = lines[PsychError.TEMPLATE_RESPONSE.value]
    assert (found.judged, found.found, found.both) == (1, 1, 1)
    assert found.observed == 1
    assert found.chance == pytest.approx(0.5)
    assert found.kappa == pytest.approx(1)


def test_the_judges_odd_spellings_are_read(tmp_path: Path) -> None:
    rows, _ = read_judged(
        write(tmp_path, {**ROW, "response": "x y z", "Contains Empathy Error": "Mismatched Strategy", "Error Type": "Other"})
    )
    assert rows[0].flagged
    assert rows[0].error is PsychError.STRATEGY_MISMATCH


@pytest.mark.parametrize("content", ["[1, 2]", "{}", "not json", "[]"])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "judged.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"judged\.json"):
        read_judged(tmp_path / "judged.json")


def test_the_files_of_decoupledesc_are_read_whole(data: Path) -> None:
    rows, skipped = read_judged(data / "raw/decoupledesc/Statistic/Statistic_SFT_Qwen2.5.json.gz")
    assert len(rows) + skipped == 1792
    assert sum(row.error is PsychError.STRATEGY_MISMATCH for row in rows) > 500
    any_error = agreement(rows)[-1]
    assert any_error.precision is not None
    assert any_error.precision > any_error.judged / len(rows)
