"""A run against a real server that is not ours: `transformers serve` with a tiny model of random weights, beside the same model as `local:`.

What such a model writes is nonsense; that is the point: no nonsense may break a record.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.episode import Episode, StopReason
from simulator.store import read_episodes
from studio.cli import app
from tests.models import need_torch, tiny_model

need_torch()
pytest.importorskip("fastapi", reason="transformers serve needs fastapi and uvicorn (pip install fastapi uvicorn)")
pytest.importorskip("uvicorn", reason="transformers serve needs fastapi and uvicorn (pip install fastapi uvicorn)")

SECONDS_TO_START = 120


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    """The base URL of `transformers serve` on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = shutil.which("transformers", path=str(Path(sys.executable).parent)) or "transformers"
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [command, "serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/health", server)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise RuntimeError("transformers serve did not start")


def simulate(out: Path, *flags: str) -> list[Episode]:
    result = CliRunner().invoke(app, ["simulate", "--episodes", "2", "--turns", "2", "--out", str(out), *flags])
    assert result.exit_code == 0, result.output
    return list(read_episodes(out))


def whole(episodes: list[Episode]) -> None:
    """Two records, each finished or failed with its typed reason."""
    assert len({episode.id for episode in episodes}) == 2
    for episode in episodes:
        assert (episode.stop.reason is StopReason.FAILED) == (episode.stop.error is not None)


@pytest.mark.slow
def test_a_run_on_a_server_that_is_not_ours_gives_whole_records(url: str, model: Path, tmp_path: Path) -> None:
    episodes = simulate(tmp_path / "served", "--model", f"openai:{model}@{url}", "--timeout", "60")
    whole(episodes)
    assert any(entry.completion_tokens for episode in episodes for entry in episode.ledger)


@pytest.mark.slow
def test_mixed_seats_each_keep_their_own_backend(url: str, model: Path, tmp_path: Path) -> None:
    seats = ("--seeker", "rehearsal", "--planner", f"local:{model}", "--responder", f"openai:{model}@{url}", "--critic", "rehearsal")
    episodes = simulate(tmp_path / "mixed", *seats, "--timeout", "60")
    whole(episodes)
    talked = [episode for episode in episodes if episode.stop.reason is not StopReason.FAILED]
    assert talked, [episode.stop for episode in episodes]
    by_role = {entry.role.value: entry.model for entry in talked[0].ledger}
    assert by_role["seeker"] == by_role["critic"] == "rehearsal"
    assert len({by_role["planner"], by_role["responder"], "rehearsal"}) == 3
