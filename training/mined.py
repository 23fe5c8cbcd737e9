"""Pairs of a mined corpus: what the attempts amount to, candidate by candidate, each kept or dropped for a reason.

No model is asked here; the same attempts give the same pairs.  Guards, balance and files are those of all pairs
(`training/guards.py`, `training/pairstore.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agents.chat.port import Message
from agents.joint import joint_answer, joint_messages
from agents.planner import planner_messages
from agents.prompting import Prompt
from agents.responder import responder_messages
from agents.words import Critique, Finding, Strategy
from simulator.dialogue import Dialogue
from simulator.splits import Split, split_of_dialogue
from training.attempts import Attempt, AttemptStore, Version
from training.guards import Dropped, Tally
from training.ipm import Case, Miner, blamed, cases_of, clear_faults, faults
from training.mining import Gate
from training.pair import Kept, Pair, PairKind, length_ratio, pair_id

SPLITS = {
    "train": Split.TRAIN,
    **dict.fromkeys(("valid", "validation", "val", "dev"), Split.DEV),
    "test": Split.TEST,
}
"""A corpus that comes with splits of its own keeps them; any other is split by dialogue."""


class Unfit(StrEnum):
    """Why a supporter turn made no pair of a kind."""

    OPENS = "said before the seeker has spoken"
    UNLABELLED = "no strategy in the corpus"
    FAILED = "a backend failed"
    AGREED = "the planner chose the human's strategy"
    FLAWED = "chosen side faulted by the judge"
    CLEAN = "no clear fault in the rejected side"
    SAME = "both sides are the same"
    UNBLAMED = "rated low with other turns, no fault found in this one"
    NO_BETTER = "no reply that the judge accepts"


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both sides of a pair to be, and why."""

    chosen: str
    rejected: str
    chosen_strategy: Strategy
    rejected_strategy: Strategy
    kept: Kept


def pairs_of(
    dialogues: Iterable[Dialogue],
    store: AttemptStore,
    miner: Miner,
    kinds: Sequence[PairKind],
    gate: Gate,
    tally: Tally,
    *,
    source: str,
    crisis: bool = False,
) -> Iterator[Pair]:
    """The pairs of a corpus, in its order, unguarded; every candidate that makes none is counted in `tally`.

    Args:
        dialogues: taken one at a time.
        store: what the models made of their turns.
        miner: who was asked, with which prompts.
        source: name of the corpus.
        crisis: make pairs of dialogues that the gate flags, too.
    """
    for dialogue in dialogues:
        flagged = gate.flagged(dialogue)
        split = SPLITS.get(dialogue.split.lower()) or split_of_dialogue(dialogue.id)
        for case in cases_of(dialogue, crisis=flagged):
            attempt = store.get(dialogue.id, case.index)
            for kind in kinds:
                if kind is PairKind.RATED and case.rating is None:
                    continue
                sides = Dropped.CRISIS if flagged and not crisis else _sides(kind, case, attempt, miner)
                if isinstance(sides, _Sides):
                    yield _pair(kind, case, sides, miner, source, split)
                else:
                    tally.drop(kind, sides)


def _sides(kind: PairKind, case: Case, attempt: Attempt | None, miner: Miner) -> _Sides | str:
    if case.opens:
        return Unfit.OPENS
    if case.gold is None:
        return Unfit.UNLABELLED
    if attempt is None:
        return Unfit.FAILED
    return _MAKERS[kind](case, case.gold, attempt, miner)


def _strategy(case: Case, gold: Strategy, attempt: Attempt, miner: Miner) -> _Sides | str:
    if attempt.planned is None:
        return Unfit.FAILED
    if attempt.planned is gold:
        return Unfit.AGREED
    kept = Kept(judge="gold", why="The planner chose it.", why_chosen="The human supporter's strategy.")
    return _Sides(gold.value, attempt.planned.value, gold, attempt.planned, kept)


def _response(case: Case, gold: Strategy, attempt: Attempt, miner: Miner) -> _Sides | str:
    return _filtered(case, gold, attempt.gold, attempt.reply, miner)


def _joint(case: Case, gold: Strategy, attempt: Attempt, miner: Miner) -> _Sides | str:
    sides = _filtered(case, gold, attempt.gold, attempt.joint, miner)
    if not isinstance(sides, _Sides):
        return sides
    chosen, rejected = joint_answer(gold, sides.chosen), joint_answer(sides.rejected_strategy, sides.rejected)
    return _Sides(chosen, rejected, gold, sides.rejected_strategy, sides.kept)


def _filtered(case: Case, gold: Strategy, critique: Critique | None, version: Version | None, miner: Miner) -> _Sides | str:
    """The human reply against a model's, where the judge finds nothing in the one and a clear error in the other."""
    if critique is None:
        return Unfit.FAILED
    if found := faults(critique):
        return f"{Unfit.FLAWED}: {_worst(found).error.value}"
    if version is None:
        return Unfit.FAILED
    if not (found := clear_faults(version.critique)):
        return Unfit.CLEAN
    if _same(case.text, version.text):
        return Unfit.SAME
    worst = _worst(found)
    clean = "The judge finds a mismatched strategy, but nothing in the reply." if critique.findings else "The judge finds nothing in it."
    kept = Kept(error=worst.error, span=worst.span, why=worst.why, why_chosen=clean, judge=miner.judge.chat.spec)
    return _Sides(case.text, version.text, gold, version.strategy, kept)


def _rated(case: Case, gold: Strategy, attempt: Attempt, miner: Miner) -> _Sides | str:
    if case.rating is None or attempt.gold is None:
        return Unfit.FAILED
    if not blamed(case, attempt.gold):
        return Unfit.UNBLAMED
    if attempt.better is None:
        return Unfit.FAILED
    if faults(attempt.better.critique):
        return Unfit.NO_BETTER
    if _same(case.text, attempt.better.text):
        return Unfit.SAME
    return _Sides(attempt.better.text, case.text, gold, gold, _kept_rated(case, attempt.gold, attempt.better, miner))


def _kept_rated(case: Case, gold: Critique, better: Version, miner: Miner) -> Kept:
    assert case.rating is not None
    stars, covers = case.rating.stars, case.rating.covers
    why = f"Its seeker gave {stars} of 5 stars" + (f" to {covers} turns together." if covers > 1 else ".")
    found = faults(gold)
    worst = _worst(found) if found else None
    written = "rewritten" if better.refined else "as the responder wrote it"
    return Kept(
        error=worst.error if worst else None,
        span=worst.span if worst else "",
        why=f"{why} {worst.why}" if worst else why,
        why_chosen=f"A model's reply, {written}; the judge finds nothing in it. No human rated it.",
        judge=f"seeker rating; {miner.judge.chat.spec}",
        ratings=(None, stars),
    )


_MAKERS: dict[PairKind, Callable[[Case, Strategy, Attempt, Miner], _Sides | str]] = {
    PairKind.STRATEGY: _strategy,
    PairKind.RESPONSE: _response,
    PairKind.JOINT: _joint,
    PairKind.RATED: _rated,
}
_ROLES = {
    PairKind.STRATEGY: ("planner",),
    PairKind.RESPONSE: ("responder", "judge"),
    PairKind.JOINT: ("planner", "responder", "judge"),
    PairKind.RATED: ("responder", "judge"),
}


def _pair(kind: PairKind, case: Case, sides: _Sides, miner: Miner, source: str, split: Split) -> Pair:
    prompt, messages = _asked(kind, case, miner)
    models, fingerprints = miner.models(), miner.fingerprints()
    judging = ("reflect", "critique", *(("refine",) if kind is PairKind.RATED else ())) if "judge" in _ROLES[kind] else ()
    return Pair(
        id=pair_id(kind, case.dialogue.id, case.index, sides.chosen, sides.rejected),
        kind=kind,
        prompt=messages,
        chosen=sides.chosen,
        rejected=sides.rejected,
        chosen_strategy=sides.chosen_strategy,
        rejected_strategy=sides.rejected_strategy,
        kept=sides.kept,
        source=source,
        dialogue=case.dialogue.id,
        turn=case.index,
        split=split,
        crisis=case.crisis,
        models={role: models[role] for role in _ROLES[kind]},
        prompts={name: fingerprints[name] for name in (prompt.name, *judging)},
        seed=miner.seed,
        length_ratio=length_ratio(sides.chosen, sides.rejected),
    )


def _asked(kind: PairKind, case: Case, miner: Miner) -> tuple[Prompt, tuple[Message, ...]]:
    """The prompt file, and the prompt as the seat rendered it."""
    if kind is PairKind.STRATEGY:
        return miner.planner.prompt, planner_messages(miner.planner.prompt, case.talk)
    if kind is PairKind.JOINT:
        return miner.joint, joint_messages(miner.joint, case.talk, miner.language)
    assert case.gold is not None
    return miner.responder.prompt, responder_messages(miner.responder.prompt, case.talk, case.gold, miner.language)


def _worst(findings: Sequence[Finding]) -> Finding:
    """The most severe, the first of equals."""
    return max(findings, key=lambda finding: finding.severity)


def _same(one: str, other: str) -> bool:
    return one.lower().split() == other.lower().split()
