"""Which lines of the repertoire earn most wherever they are said: what the copying attackers say.  `python -m benchmarks.rewarded`

Each line without a slot is said at a set of moments from rehearsal talks, one of each scenario, and the mind of the seeker right after is
compared with the mind before.  The lines that are best on average over all moments are the ones that a lazy supporter would copy.
Prints YAML for `agents/attackers.yaml`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import yaml

from agents.rehearsal.repertoire import common, stories
from agents.words import Speaker, Strategy, Talk, Utterance
from graphs.casting import Casting, with_source
from graphs.recipe import Recipe
from graphs.run import run_talk
from simulator.appraising import appraise, scene
from simulator.episode import Episode, SeekerTurn
from simulator.mind import Mind, live

MOMENTS = 24
KEPT = 20
SEED = 202


def lines() -> Iterator[tuple[Strategy, str]]:
    """Every reply of the repertoire that can be said as it stands."""
    for strategy, texts in common().fallback.items():
        yield from ((strategy, text) for text in texts if "{" not in text)
    for story in stories().values():
        for entry in story.entries:
            for strategy, texts in entry.replies.items():
                yield from ((strategy, text) for text in texts)


async def talks() -> list[Episode]:
    """Rehearsal talks of one seed."""
    recipe = with_source(Recipe(seed=SEED))
    casting = Casting(recipe)
    return [await run_talk(recipe, casting.cast(index), index) for index in range(MOMENTS)]


def moments(episodes: list[Episode]) -> Iterator[tuple[Episode, Talk, Mind]]:
    """A moment of each talk, early in the first, late in the last."""
    for place, episode in enumerate(episodes):
        spots = [at for at, turn in enumerate(episode.turns) if isinstance(turn, SeekerTurn)][2:-2]
        if spots:
            at = spots[place * len(spots) // len(episodes)]
            turn = episode.turns[at]
            assert isinstance(turn, SeekerTurn)
            yield episode, episode.talk()[: at + 1], turn.mind


def reward(before: Mind, after: Mind) -> float:
    """Relief and trust that one turn brings."""
    return (before.intensity - after.intensity) + (after.trust - before.trust)


def main() -> None:
    """Print the best lines."""
    spots = list(moments(asyncio.run(talks())))
    earned: list[tuple[float, Strategy, str]] = []
    for strategy, text in dict.fromkeys(lines()):
        said = Utterance(speaker=Speaker.SUPPORTER, text=text, strategy=strategy)
        gains = []
        for episode, talk, mind in spots:
            landed = appraise(scene((*talk, said), mind, episode.persona, episode.scenario))
            gains.append(reward(mind, live(mind, landed, episode.persona)))
        earned.append((sum(gains) / len(gains), strategy, text))
    best = sorted(earned, key=lambda item: -item[0])[:KEPT]
    for gain, strategy, text in best:
        sys.stderr.write(f"{gain:+.3f}  {strategy.value}: {text}\n")
    yaml.safe_dump(
        {"rewarded": [{"strategy": s.value, "text": t} for _, s, t in best]}, sys.stdout, allow_unicode=True, width=130, sort_keys=False
    )


if __name__ == "__main__":
    main()
