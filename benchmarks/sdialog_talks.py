"""sdialog's two-agent dialogues against a chat server, as its README has them, many threads at once: for `benchmarks/served.py`.

    OPENAI_BASE_URL=http://127.0.0.1:PORT/v1 OPENAI_API_KEY=mock VENV/bin/python benchmarks/sdialog_talks.py TALKS TURNS THREADS

Runs in a virtual environment of its own (`pip install sdialog`) and imports nothing of holdspace.  sdialog is synchronous, so threads are
its only way to have many talks at once.  Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import sdialog  # type: ignore[import-not-found]
from sdialog.agents import Agent  # type: ignore[import-not-found]
from sdialog.personas import Persona  # type: ignore[import-not-found]


def answered() -> int:
    """Requests that the server has answered so far."""
    with urllib.request.urlopen(os.environ["OPENAI_BASE_URL"].removesuffix("/v1") + "/stats", timeout=60) as response:
        return int(json.load(response)["answered"])


def main() -> None:
    """Hold the talks."""
    talks, turns, threads = map(int, sys.argv[1:4])
    sdialog.config.llm("openai:mock")

    def talk(index: int) -> int:
        seeker = Agent(persona=Persona(name="Ann", role="help-seeker"), name="Ann", can_finish=False)
        supporter = Agent(persona=Persona(name="Ben", role="peer supporter"), name="Ben", can_finish=False)
        return len(seeker.dialog_with(supporter, max_turns=turns * 2, seed=index, keep_bar=False))

    talk(0)
    before, cpu, start = answered(), time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(talk, range(1, talks + 1)))
    measured = {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "calls": answered() - before,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
