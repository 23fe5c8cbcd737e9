"""How fast rehearsal runs, where the time goes, and whether memory stays flat.  `make bench`

The limit that everything is compared with is measured in the same run: LangGraph itself, driving a graph of the same shape (as many node
steps) whose nodes do nothing.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import resource
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TypedDict

from langgraph.graph import END, START, StateGraph

from graphs.casting import with_source
from graphs.recipe import Recipe
from graphs.run import run_many
from simulator.store import read_episodes

EPISODES = 2000
SAMPLED = 60


class Empty(TypedDict):
    steps: int


async def nothing(state: Empty) -> Empty:
    """A node that only counts."""
    return {"steps": state["steps"] + 1}


def bare_seconds(steps: int, talks: int) -> float:
    """Seconds that LangGraph alone takes for `talks` talks of `steps` node steps."""

    async def more(state: Empty) -> str:
        return "on" if state["steps"] < steps else END

    graph = StateGraph(Empty)
    graph.add_node("on", nothing)
    graph.add_edge(START, "on")
    graph.add_conditional_edges("on", more, ["on", END])
    app = graph.compile()

    async def all_talks() -> None:
        for _ in range(talks):
            await app.ainvoke({"steps": 0}, {"recursion_limit": steps + 5})

    start = time.perf_counter()
    asyncio.run(all_talks())
    return time.perf_counter() - start


def memory_mb() -> float:
    """Resident set now, from /proc."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def node_steps(folder: Path) -> float:
    """Mean node steps an episode, recomputed from what the records show."""
    counts = []
    for episode in read_episodes(folder):
        steps = 0
        for turn in episode.turns:
            steps += 2 if turn.speaker == "seeker" else 3
            if turn.speaker == "supporter":
                steps += len(turn.critiques) + len(turn.refinements)
        counts.append(steps)
    return sum(counts) / len(counts)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        recipe = with_source(Recipe(seed=11))
        asyncio.run(run_many(recipe, Path(scratch) / "warm", episodes=8))
        memory: list[float] = []
        done = 0

        def on_episode(_: object) -> None:
            nonlocal done
            done += 1
            if done % (EPISODES // 4) == 0:
                memory.append(memory_mb())

        tally = asyncio.run(run_many(recipe, folder, episodes=EPISODES, on_episode=on_episode))
        steps = round(node_steps(folder))
        bare = bare_seconds(steps, SAMPLED) / SAMPLED
        ours = tally.seconds / tally.done
        print(f"{tally.done} episodes, {steps} node steps each")
        print(f"holdspace         {1 / ours:6.1f} episodes a second   {ours * 1e3:6.1f} ms an episode")
        print(f"langgraph alone   {1 / bare:6.1f} episodes a second   {bare * 1e3:6.1f} ms an episode   (share of ours: {bare / ours:.2f})")
        print("memory after each quarter, MB: " + ", ".join(f"{value:.0f}" for value in memory))
        where(recipe, Path(scratch) / "profiled")


def where(recipe: Recipe, folder: Path) -> None:
    """Own time by package, from a profile of a short run."""
    profile = cProfile.Profile()
    profile.enable()
    asyncio.run(run_many(recipe, folder, episodes=SAMPLED))
    profile.disable()
    shares: dict[str, float] = defaultdict(float)
    for (file, _, _), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        shares[package_of(file)] += own
    total = sum(shares.values())
    print(
        "where the time goes (own time, profiled): "
        + ", ".join(f"{name} {part / total:.0%}" for name, part in sorted(shares.items(), key=lambda item: -item[1])[:8])
    )


def package_of(file: str) -> str:
    """The package of a file: a room of ours, a library, or Python itself."""
    parts = Path(file).parts
    for room in ("agents", "simulator", "graphs", "evaluation"):
        if room in parts and "site-packages" not in parts:
            return room
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    return "python" if file.startswith(("~", "<")) or sys.prefix in file or "lib/python" in file else "other"


if __name__ == "__main__":
    main()
