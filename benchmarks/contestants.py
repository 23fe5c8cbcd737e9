"""Ways to keep a chat server busy from one process: holdspace, and what it is measured against.  Run by `benchmarks/served.py`.

    python -m benchmarks.contestants '{"name": "aiohttp", "url": "http://127.0.0.1:PORT/v1", ...}'

Each is a process of its own, so that processor time and memory are its own, and prints one line of JSON.  The bare loops are measured in a
window after a warm-up, holdspace over its whole run, slow start and straggling end included: the comparison leans against us.  Imports
stand in the functions, so that no contestant carries what another needs.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import cProfile
import inspect
import json
import pstats
import resource
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Awaitable, Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, Field

Call = Callable[[dict[str, Any]], Awaitable[object]]


class Job(BaseModel):
    """What a contestant is to do."""

    name: str
    url: str
    talks: int = 1000
    """Talks (or, for a bare loop, requests) at once."""
    episodes: int = Field(default=1000, ge=4)
    """Talks in all; holdspace only."""
    turns: int = 8
    warm: float = 3.0
    """Seconds of a bare loop that do not count."""
    seconds: float = 10.0
    """Seconds of a bare loop that count."""
    spec: str = "openai:mock@{url}"
    profile: bool = False
    """Find out where the time goes; holdspace only, and slower."""


class Measured(BaseModel):
    """What came of it."""

    calls: int
    seconds: float
    cpu: float
    """Processor seconds of the process, user and system."""
    peak_mb: float
    failed: int = 0
    """Talks that failed; holdspace only."""
    steady: float = 0.0
    """Calls a second in the middle half of the talks; holdspace only."""
    memory: list[float] = []
    """Resident megabytes after each quarter of the talks; holdspace only."""
    shares: dict[str, float] = {}
    """Own time by package, where it was profiled."""
    hottest: list[str] = []
    """The functions with the most own time, where it was profiled."""

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time a call."""
        return self.cpu / max(1, self.calls) * 1e3


def cpu_seconds() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """The largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def answered(url: str) -> int:
    """Requests that the server has answered so far."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats", timeout=60) as response:
        return int(json.load(response)["answered"])


def kept_bodies(url: str) -> list[dict[str, Any]]:
    """The request bodies that the server kept."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/bodies", timeout=60) as response:
        bodies: list[dict[str, Any]] = json.load(response)
    if not bodies:
        raise SystemExit("the server has kept no bodies to send")
    return bodies


async def in_window(call: Call, job: Job) -> Measured:
    """Send the kept bodies over and over, `talks` at once, and count those answered inside the window."""
    bodies = cycle(kept_bodies(job.url))
    done, going = 0, True

    async def work(number: int) -> None:
        nonlocal done
        await asyncio.sleep(number / job.talks * job.warm / 2)  # all at once would stay in step, and client and server idle in turns
        while going:
            await call(next(bodies))
            done += 1

    workers = [asyncio.create_task(work(number)) for number in range(job.talks)]
    await asyncio.sleep(job.warm)
    before, cpu, start = done, cpu_seconds(), time.perf_counter()
    await asyncio.sleep(job.seconds)
    measured = Measured(calls=done - before, seconds=time.perf_counter() - start, cpu=cpu_seconds() - cpu, peak_mb=peak_mb())
    going = False
    await asyncio.gather(*workers)
    return measured


async def bare_openai(job: Job) -> Measured:
    """A loop over `AsyncOpenAI()` as it comes."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=job.url, api_key="mock") as client:
        create = client.chat.completions.create
        known = set(inspect.signature(create).parameters)

        async def call(body: dict[str, Any]) -> object:
            named = {key: value for key, value in body.items() if key in known}
            return await create(**named, extra_body={key: value for key, value in body.items() if key not in known} or None)

        return await in_window(call, job)


async def bare_aiohttp(job: Job) -> Measured:
    """A loop over one aiohttp session, orjson in and out."""
    import aiohttp

    headers = {"Content-Type": "application/json", "Authorization": "Bearer mock"}
    connector = aiohttp.TCPConnector(limit=job.talks)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def call(body: dict[str, Any]) -> object:
            async with session.post(f"{job.url}/chat/completions", data=orjson.dumps(body)) as response:
                answer = orjson.loads(await response.read())
            return answer["choices"][0]["message"]["content"]

        return await in_window(call, job)


async def holdspace(job: Job) -> Measured:
    """`run_many` with the spec on every seat."""
    from benchmarks.rehearsal import memory_mb
    from graphs.casting import with_source
    from graphs.recipe import Recipe, Seats
    from graphs.run import run_many

    spec = job.spec.format(url=job.url)
    recipe = with_source(Recipe(seed=11, turns=job.turns, seats=Seats(seeker=spec, planner=spec, responder=spec, critic=spec)))
    quarters: list[tuple[float, int, float]] = []
    done = 0

    def on_episode(_: object) -> None:
        nonlocal done
        done += 1
        if done % max(1, job.episodes // 4) == 0:
            quarters.append((time.perf_counter(), answered(job.url), round(memory_mb())))

    with tempfile.TemporaryDirectory() as scratch:
        await run_many(recipe, Path(scratch) / "warm", episodes=min(20, job.talks), concurrency=job.talks)
        profile = cProfile.Profile()
        if job.profile:
            profile.enable()
        before, cpu, start = answered(job.url), cpu_seconds(), time.perf_counter()
        tally = await run_many(recipe, Path(scratch) / "run", episodes=job.episodes, concurrency=job.talks, on_episode=on_episode)
        seconds, used = time.perf_counter() - start, cpu_seconds() - cpu
        profile.disable()
    shares, hottest = where(profile) if job.profile else ({}, [])
    (first, at_first, _), (third, at_third, _) = quarters[0], quarters[2]
    return Measured(
        calls=answered(job.url) - before,
        seconds=seconds,
        cpu=used,
        peak_mb=peak_mb(),
        failed=tally.failed,
        steady=(at_third - at_first) / max(1e-3, third - first),
        memory=[memory for _, _, memory in quarters],
        shares=shares,
        hottest=hottest,
    )


CONTESTANTS: dict[str, Callable[[Job], Awaitable[Measured]]] = {
    "holdspace": holdspace,
    "openai": bare_openai,
    "aiohttp": bare_aiohttp,
}


def main() -> None:
    """Do one job and print what was measured."""
    job = Job.model_validate_json(sys.argv[1])
    soft_hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft_hard[1], soft_hard[1]))

    async def run() -> Measured:
        return await CONTESTANTS[job.name](job)

    print(asyncio.run(run()).model_dump_json())


def where(profile: cProfile.Profile) -> tuple[dict[str, float], list[str]]:
    """Share of own time by package, and the twelve functions with the most of it.  Waiting for the network is not counted."""
    from benchmarks.rehearsal import package_of

    shares: dict[str, float] = defaultdict(float)
    functions: list[tuple[float, str]] = []
    for (file, line, name), (_, calls, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if "epoll" in name:
            continue
        shares[package_of(file)] += own
        functions.append((own, f"{Path(file).name}:{line} {name} ({calls} calls)"))
    total = sum(shares.values()) or 1.0
    top = sorted(shares.items(), key=lambda item: -item[1])[:10]
    hottest = [f"{own / total:6.1%}  {what}" for own, what in sorted(functions, reverse=True)[:12]]
    return {name: round(part / total, 3) for name, part in top}, hottest


if __name__ == "__main__":
    main()
