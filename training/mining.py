"""Mining a corpus: every supporter turn attempted once, many at a time, resumable.

Dialogues that the crisis gate flags are left out before any model is asked, unless they are wanted.  A backend that fails on one turn fails
that turn alone; the next run tries it again.  What the models are asked is in `training/ipm.py`, what becomes of it in `training/mined.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents import crisis as crisis_gate
from agents.crisis import screen
from agents.errors import HoldspaceError
from agents.words import Speaker, Strategy
from simulator.dialogue import Dialogue
from training.attempts import Attempt, AttemptStore
from training.ipm import Case, Miner, cases_of, missing
from training.pair import PairKind


@dataclass(slots=True)
class Progress:
    """What a mining has come to."""

    dialogues: int = 0
    crisis: int = 0
    """Dialogues that the gate flagged."""
    turns: int = 0
    """Supporter turns of the corpus."""
    low_rated: int = 0
    """Of these, under a low rating of their seeker."""
    found: int = 0
    """Of these, those that no model needed to be asked about: attempted before, or no candidates."""
    done: int = 0
    """Attempted by this run."""
    failed: int = 0
    """Of these, with a backend that failed."""
    failures: Counter[str] = field(default_factory=Counter)
    """Of these, by what the backend said."""
    seconds: float = 0.0
    gold: Counter[Strategy] = field(default_factory=Counter)
    """Strategies of the corpus, to hold those of the pairs against."""


def gate_fingerprint() -> str:
    """First 12 hex digits of the SHA-256 of all that the gate is made of: flags of another gate are no flags of this one."""
    digest = hashlib.sha256()
    for path in sorted(Path(crisis_gate.__file__).parent.glob("crisis*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


OnTurn = Callable[[Progress], None]


class Gate:
    """Which dialogues hold talk of suicide or self-harm: as recorded, as attempted before, or by the crisis gate, asked once."""

    def __init__(self, store: AttemptStore) -> None:
        self._flags = store.flags()

    def flagged(self, dialogue: Dialogue) -> bool:
        """Whether any seeker turn raises the flag."""
        if dialogue.id not in self._flags:
            said = (turn.text for turn in dialogue.turns if turn.speaker is Speaker.SEEKER)
            self._flags[dialogue.id] = dialogue.crisis or any(screen(text) is not None for text in said)
        return self._flags[dialogue.id]


async def attempt_all(
    dialogues: Iterable[Dialogue],
    miner: Miner,
    store: AttemptStore,
    kinds: Sequence[PairKind],
    gate: Gate,
    *,
    concurrency: int = 8,
    crisis: bool = False,
    on_turn: OnTurn | None = None,
) -> Progress:
    """Attempt every supporter turn that the store does not hold yet.

    Args:
        dialogues: taken one at a time.
        kinds: pairs that shall be made; only what they need is asked.
        concurrency: turns at once, at least 1.
        crisis: attempt dialogues that the gate flags, too.
        on_turn: called after each turn.

    Raises:
        RunStop: a server is down for everybody, or the budget is reached; the same command goes on later.
        StorageError: the store can't be written; what was stored before stays valid.
    """
    progress, start = Progress(), time.monotonic()
    todo = _todo(dialogues, store, kinds, gate, progress, crisis)

    async def work() -> None:
        for case, before in todo:
            attempt = await miner.attempt(case, case.wanted(kinds), before)
            store.add(attempt)
            progress.done += 1
            if attempt.failed:
                progress.failed += 1
                progress.failures[attempt.failed] += 1
            if on_turn:
                on_turn(progress)
            await asyncio.sleep(0)  # a backend that never waits would keep an interrupt waiting

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except* HoldspaceError as errors:
        first = errors.exceptions[0]
        raise first from first.__cause__
    finally:
        progress.seconds = time.monotonic() - start
    return progress


def _todo(
    dialogues: Iterable[Dialogue], store: AttemptStore, kinds: Sequence[PairKind], gate: Gate, progress: Progress, crisis: bool
) -> Iterator[tuple[Case, Attempt | None]]:
    """The turns that a model must be asked about, with what was found out about them before."""
    for dialogue in dialogues:
        flagged = gate.flagged(dialogue)
        progress.dialogues += 1
        progress.crisis += flagged
        for case in cases_of(dialogue, crisis=flagged):
            progress.turns += 1
            progress.low_rated += case.rating is not None
            if case.gold is not None:
                progress.gold[case.gold] += 1
            before = store.get(dialogue.id, case.index)
            if (flagged and not crisis) or not missing(case, case.wanted(kinds), before):
                progress.found += 1
            else:
                yield case, before
