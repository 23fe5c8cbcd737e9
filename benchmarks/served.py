"""How fast holdspace talks to a model server, beside what is possible.

    python -m benchmarks.served --flat --profile        (`--talks 100 --seconds 3` for a look)

One mock server (a process of its own, 200 ms) and, one after the other, each in a process of its own: holdspace with all seats on it;
(a) a loop over a default AsyncOpenAI client; (b) a loop over bare aiohttp, both sending bodies that holdspace sent; (c) sdialog's two-agent
dialogues where `--sdialog PYTHON` names an interpreter that has it; and (d) the limit, requests at once over latency.  All of them share
the processors with the server.  Its own part of a core is printed: where that is near 100%, the server was measured.  So is what other
processes of the machine used: where that is not near 0%, the figures say little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.contestants import Job, Measured

KEPT = 2000
OURS, OPENAI, AIOHTTP, SDIALOG = "holdspace", "(a) AsyncOpenAI", "(b) aiohttp", "(c) sdialog"
GOALS = ((OPENAI, 4.0), (AIOHTTP, 0.5), (SDIALOG, 6.0))
CPU_GOAL = 0.6
"""Milliseconds of processor time a call that are ours, beyond the transport's."""


@contextmanager
def server(latency: float) -> Iterator[str]:
    """The base URL of a mock server."""
    command = [sys.executable, "-m", "benchmarks.mock_server", "--latency", str(latency), "--keep-bodies", str(KEPT), "--with-parent"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def stats(url: str) -> dict[str, Any]:
    """What the server has counted."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats", timeout=60) as response:
        found: dict[str, Any] = json.load(response)
    return found


def run(job: Job) -> Measured | str:
    """What a contestant of ours measured, or why it could not."""
    return _measure([sys.executable, "-m", "benchmarks.contestants", job.model_dump_json()], dict(os.environ, OPENAI_API_KEY="mock"))


def run_sdialog(python: str, url: str, talks: int, turns: int, threads: int) -> Measured | str:
    """What sdialog measured, or why it could not."""
    if not python:
        return "no --sdialog PYTHON was given"
    command = [python, "benchmarks/sdialog_talks.py", str(talks), str(turns), str(threads)]
    return _measure(command, dict(os.environ, OPENAI_BASE_URL=url, OPENAI_API_KEY="mock"))


def _measure(command: list[str], environment: dict[str, str]) -> Measured | str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return Measured.model_validate_json(done.stdout.strip().splitlines()[-1])


class Load(NamedTuple):
    """Processor seconds used so far, by whom."""

    at: float
    server: float
    contestants: float
    machine: float

    @classmethod
    def now(cls, url: str) -> Load:
        """As the server, this process's children and /proc count them."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        user, nice, system, _idle, _wait, *rest = map(int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:])
        machine = (user + nice + system + sum(rest[:2])) / os.sysconf("SC_CLK_TCK")
        return cls(time.perf_counter(), stats(url)["cpu_seconds"], children.ru_utime + children.ru_stime, machine)

    def since(self, before: Load) -> tuple[float, float]:
        """Cores that the server and that strangers used since."""
        seconds = self.at - before.at
        server, strangers = self.server - before.server, self.machine - before.machine - (self.contestants - before.contestants)
        return server / seconds, max(0.0, strangers - server) / seconds


def table(rows: dict[str, Measured | str], limit: float, busy: dict[str, tuple[float, float]]) -> None:
    """Print the rows, the ratios and the goals."""
    print(f"{'':18}{'calls/s':>9}{'CPU ms/call':>13}{'MB':>7}{'calls':>9}{'seconds':>9}{'server':>9}{'others':>9}")
    for name, row in rows.items():
        if isinstance(row, str):
            print(f"{name:18}left out: {row}")
        else:
            print(
                f"{name:18}{row.rate:9.0f}{row.cpu_ms:13.2f}{row.peak_mb:7.0f}{row.calls:9}{row.seconds:9.1f}{busy[name][0]:9.0%}{busy[name][1]:9.0%}"
                + (f"   {row.failed} talks failed" if row.failed else "")
            )
    print(f"{'(d) limit':18}{limit:9.0f}")
    ours = rows[OURS]
    if isinstance(ours, str):
        return
    print(f"holdspace in the middle half of its talks: {ours.steady:.0f} calls/s")
    for name, goal in GOALS:
        if isinstance(other := rows.get(name), Measured):
            print(f"holdspace is {ours.rate / other.rate:.2f} x {name} (goal {goal:g})")
    if isinstance(bare := rows.get(AIOHTTP), Measured):
        print(f"CPU a call that is ours, beyond the transport's: {ours.cpu_ms - bare.cpu_ms:.2f} ms (goal at most {CPU_GOAL})")


def flat(job: Job) -> None:
    """Whether memory stays flat when there are five times as many talks."""
    for factor in (1, 5):
        talks = job.talks * factor
        row = run(job.model_copy(update={"episodes": talks}))
        if isinstance(row, str):
            print(f"memory, {talks} talks: {row}")
            continue
        quarters = ", ".join(f"{value:.0f}" for value in row.memory)
        print(f"memory, {talks} talks: {quarters} MB after each quarter, peak {row.peak_mb:.0f} MB")


def profiled(job: Job) -> None:
    """Where the processor time goes."""
    row = run(job.model_copy(update={"profile": True}))
    if isinstance(row, str):
        print(f"profile: {row}")
        return
    print("where the time goes (own time, profiled): " + ", ".join(f"{name} {share:.0%}" for name, share in row.shares.items()))
    print("\n".join(f"  {line}" for line in row.hottest))


def parsed() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.served", description="How fast holdspace talks to a model server.")
    parser.add_argument("--talks", type=int, default=1000, help="talks (requests, for a bare loop) at once")
    parser.add_argument("--episodes", type=int, default=0, help="talks in all that we hold; default: twice as many")
    parser.add_argument("--turns", type=int, default=8, help="supporter turns a talk")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds the server takes")
    parser.add_argument("--seconds", type=float, default=15.0, help="seconds that a bare loop is measured")
    parser.add_argument("--spec", default="openai:mock@{url}", help="what sits on our seats")
    parser.add_argument("--sdialog", default="", metavar="PYTHON", help="an interpreter that has sdialog")
    parser.add_argument("--sdialog-talks", type=int, default=200, help="dialogues that sdialog holds")
    parser.add_argument("--threads", type=int, default=100, help="threads that sdialog gets")
    parser.add_argument("--flat", action="store_true", help="also: memory at one and at five times as many talks")
    parser.add_argument("--profile", action="store_true", help="also: where the processor time goes")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    args = parsed()
    rows: dict[str, Measured | str] = {}
    busy: dict[str, tuple[float, float]] = {}
    with server(args.latency) as url:
        episodes = args.episodes or 2 * args.talks
        job = Job(name="holdspace", url=url, talks=args.talks, episodes=episodes, turns=args.turns, seconds=args.seconds, spec=args.spec)
        plan = {
            OURS: partial(run, job),
            OPENAI: partial(run, job.model_copy(update={"name": "openai", "warm": max(3.0, args.talks / 150)})),
            AIOHTTP: partial(run, job.model_copy(update={"name": "aiohttp"})),
            SDIALOG: partial(run_sdialog, args.sdialog, url, args.sdialog_talks, args.turns, args.threads),
        }
        run(job.model_copy(update={"talks": 20, "episodes": 20}))  # the bodies that the bare loops send
        for name, measure in plan.items():
            before = Load.now(url)
            rows[name] = measure()
            busy[name] = Load.now(url).since(before)
        print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
        print(f"{args.talks} talks at once, {args.turns} turns, server at {args.latency * 1e3:.0f} ms")
        table(rows, args.talks / args.latency, busy)
        if args.flat:
            flat(job)
        if args.profile:
            profiled(job.model_copy(update={"talks": min(100, args.talks), "episodes": min(100, args.talks)}))


if __name__ == "__main__":
    main()
