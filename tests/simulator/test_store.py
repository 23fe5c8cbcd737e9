from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.errors import InputError
from simulator.episode import Episode
from simulator.store import EpisodeStore, read_episodes, stored_ids


def test_an_episode_round_trips_exactly(episodes: list[Episode]) -> None:
    for episode in episodes[:10]:
        line = episode.model_dump_json()
        assert Episode.model_validate_json(line) == episode
        assert Episode.model_validate_json(line).model_dump_json() == line


def test_a_torn_last_line_is_dropped_and_the_rest_kept(tmp_path: Path, episodes: list[Episode]) -> None:
    path = tmp_path / "episodes.jsonl"
    with EpisodeStore(path) as store:
        store.append(episodes[0])
    whole = path.read_bytes()
    path.write_bytes(whole + episodes[1].model_dump_json().encode()[:777])
    assert [episode.id for episode in read_episodes(path)] == [episodes[0].id]
    with EpisodeStore(path) as store:
        assert path.read_bytes() == whole
        store.append(episodes[1])
    assert stored_ids(path) == {episodes[0].id, episodes[1].id}


def test_a_last_line_without_newline_does_not_swallow_the_next(tmp_path: Path, episodes: list[Episode]) -> None:
    path = tmp_path / "episodes.jsonl"
    path.write_text(episodes[0].model_dump_json(), encoding="utf-8")
    with EpisodeStore(path) as store:
        store.append(episodes[1])
    assert [episode.id for episode in read_episodes(path)] == [episodes[1].id]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path, episodes: list[Episode]) -> None:
    path = tmp_path / "episodes.jsonl"
    good = episodes[0].model_dump_json()
    path.write_text(f"{good}\n{{broken\n{good}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"episodes\.jsonl:2: not JSON"):
        list(read_episodes(path))


def test_an_episode_of_another_version_is_refused_with_a_sentence(tmp_path: Path, episodes: list[Episode]) -> None:
    path = tmp_path / "episodes.jsonl"
    value = json.loads(episodes[0].model_dump_json()) | {"schema_version": "holdspace.episode/99"}
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"another version of holdspace"):
        list(read_episodes(path))
