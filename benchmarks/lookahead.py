"""Does the seeker reward good support?  A planner that always takes the lookahead winner against the base planner, on held-out seeds.

    python -m benchmarks.lookahead --talks 60 -k 4 -n 3 --rollouts 4

Both sides have the same casts, the same seeds, the same responder and no critic; they differ in the strategy alone.  At each supporter
turn the winner forks the talk: each of the planner's `k` likeliest strategies is replied to and the frozen seeker lives `n` turns on,
several times; the strategy of the highest mean value is then really said.  It looks into the seeker's mind, so it is no supporter that
could sit on a seat: it shows what planning alone could be worth here.  Prints paired differences with bootstrap 95% intervals.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from multiprocessing import Pool
from statistics import mean

from agents.chat.port import derive_seed
from agents.words import STRATEGIES, Plan, Strategy
from evaluation.outcome import MEASURES, Row, compare, row
from graphs.casting import Casting, with_source
from graphs.forking import begun, said, to_plan
from graphs.recipe import CriticSettings, Recipe
from graphs.record import make_episode
from graphs.run import run_talk
from graphs.seats import Backends, seats_taken
from graphs.state import State
from training.forks import roll_out, value_of

HELD_OUT = 9001
"""A seed that no run of ours is trained on."""


async def winner(state: State, recipe: Recipe, asked: argparse.Namespace) -> Strategy:
    """The strategy whose rollouts come to the highest mean value."""
    distribution = Plan.model_validate(state["plan"]).distribution
    candidates = sorted(STRATEGIES, key=lambda option: -distribution[option])[: asked.k]
    worth: dict[Strategy, float] = {}
    for strategy in candidates:
        ends = [await roll_out(state, strategy, recipe, number=number, horizon=asked.n) for number in range(asked.rollouts)]
        worth[strategy] = mean(value_of(end) for end in ends)
    return max(candidates, key=lambda option: worth[option])


async def looked_ahead(recipe: Recipe, casting: Casting, index: int, asked: argparse.Namespace) -> tuple[Row, Counter[Strategy]]:
    """One talk in which every strategy is the lookahead winner."""
    cast, seed, chosen = casting.cast(index), derive_seed(recipe.seed, "episode", index), Counter[Strategy]()
    state = await to_plan(begun(cast, seed), recipe)
    while not state.get("stop"):
        strategy = await winner(state, recipe, asked)
        chosen[strategy] += 1
        state = await to_plan(await said(state, strategy, recipe, seed=seed), recipe)
    return row(make_episode(recipe, cast, index, seed, state)), chosen


async def both(indices: list[int], asked: argparse.Namespace) -> list[tuple[Row, Row, Counter[Strategy], Counter[Strategy]]]:
    """The talks with these indices, by the base planner and by the winner; crisis talks are left out."""
    recipe = with_source(Recipe(seed=asked.seed, critic=CriticSettings(share=0.0)))
    casting, found = Casting(recipe), []
    with seats_taken(recipe, Backends()):
        for index in indices:
            base = await run_talk(recipe, casting.cast(index), index)
            if base.crisis:
                continue
            ahead, chosen = await looked_ahead(recipe, casting, index, asked)
            found.append((row(base), ahead, Counter(turn.strategy for turn in base.turns if turn.strategy), chosen))
    return found


def _work(job: tuple[list[int], argparse.Namespace]) -> list[tuple[Row, Row, Counter[Strategy], Counter[Strategy]]]:
    return asyncio.run(both(*job))


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--talks", type=int, default=60)
    parser.add_argument("-k", type=int, default=4, help="candidate strategies")
    parser.add_argument("-n", type=int, default=3, help="turns lived on")
    parser.add_argument("--rollouts", type=int, default=4, help="of each candidate")
    parser.add_argument("--seed", type=int, default=HELD_OUT)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    jobs = [(list(range(start, asked.talks, asked.processes)), asked) for start in range(asked.processes)]
    with Pool(asked.processes) as pool:
        found = [item for part in pool.map(_work, jobs) for item in part]
    base, ahead = [item[0] for item in found], [item[1] for item in found]
    result = compare(base, ahead)
    out = sys.stdout.write
    out(f"{result.talks} talks, k = {asked.k}, n = {asked.n}, {asked.rollouts} rollouts of each, seed {asked.seed}\n")
    out(f"{'':12}{'base':>9}{'winner':>9}{'winner - base, 95% interval':>34}\n")
    for name in MEASURES:
        left, right = (mean(float(getattr(item, name)) for item in rows) for rows in (base, ahead))
        apart = result.differences[name]
        out(f"{name:12}{left:9.3f}{right:9.3f}{apart.mean:+14.3f} [{apart.low:+.3f}, {apart.high:+.3f}]\n")
    for label, counts in (("base", [item[2] for item in found]), ("winner", [item[3] for item in found])):
        total = sum(counts, Counter[Strategy]())
        shares = ", ".join(f"{name.value} {total[name] / total.total():.2f}" for name in STRATEGIES)
        out(f"{label}: {shares}\n")


if __name__ == "__main__":
    main()
