"""What only processes of their own can show: a training killed with -9 goes on, and two processes learn what one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.small import furthest, need_trl

need_trl()

ROOT = Path(__file__).parent.parent.parent
CALM = {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}
SMALL = ["--prompts", "brief", "--context", "256", "--vocabulary", "500", "--precision", "float32", "--lr", "0.003", "--batch", "8"]

pytestmark = pytest.mark.slow


def command(run: Path, out: Path, base: str, limit: int) -> list[str]:
    return ["-m", "studio.entry", "sft", "planner", "--data", str(run), "--base", base, "--out", str(out), "--limit", str(limit), *SMALL]


def test_killed_with_9_and_run_again_it_ends_where_an_unbroken_training_does(run_folder: Path, tmp_path: Path) -> None:
    def start(out: Path) -> subprocess.Popen[bytes]:
        told = command(run_folder, out, "scratch:300k", 400)
        return subprocess.Popen([sys.executable, *told], cwd=ROOT, env=CALM, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)

    whole, cut = start(tmp_path / "whole"), start(tmp_path / "cut")
    until = time.monotonic() + 240
    while not list((tmp_path / "cut").glob("work/checkpoint-*/whole")):
        assert cut.poll() is None, "it ended before its first checkpoint"
        assert time.monotonic() < until
        time.sleep(0.02)
    cut.send_signal(signal.SIGKILL)
    cut.communicate()
    assert not (tmp_path / "cut" / "training.json").exists()
    again = start(tmp_path / "cut")
    _, said = again.communicate(timeout=240)
    assert again.returncode == 0, said.decode()
    _, said = whole.communicate(timeout=240)
    assert whole.returncode == 0, said.decode()
    assert furthest(tmp_path / "whole", tmp_path / "cut") < 1e-6


def test_two_processes_learn_what_one_does(run_folder: Path, tmp_path: Path) -> None:
    def run(out: str, base: str, launcher: list[str]) -> Path:
        told = [*launcher, *command(run_folder, tmp_path / out, base, 32)]
        done = subprocess.run([sys.executable, *told], cwd=ROOT, env=CALM, capture_output=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return tmp_path / out

    base = str(run("base", "scratch:300k", []))
    one = run("one", base, [])
    two = run("two", base, ["-m", "torch.distributed.run", "--nproc-per-node", "2"])
    assert furthest(one, two) < 1e-5
    assert furthest(one, Path(base)) > 1e-4
