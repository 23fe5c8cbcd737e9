"""The pairs of a comparison, as DecoupledESC (2505.16995) makes them, from what its SFT models answered on the training corpus.

| kind | chosen | rejected | kept where |
|---|---|---|---|
| strategy | the human's strategy | the planner's draw, or its likeliest | they differ |
| response | the human reply | the responder's, under the human's strategy | two-sided filter |
| joint | `[human's strategy] human reply` | `[drawn strategy] its reply` of the joint model | two-sided filter |

The filter is the one of `training/ipm.py`, by the rehearsal judge's rules; it can be left out, and then every pair whose sides differ is a
candidate.  Answers without a strategy make no pair.  The usual guards (length ratio, duplicates) come after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.chat.port import Message
from agents.joint import joint_answer, joint_messages, joint_prompt
from agents.planner import Pick, planner_messages, planner_prompt
from agents.rehearsal.criticism import find_errors
from agents.rehearsal.replies import moment
from agents.responder import responder_messages, responder_prompt
from agents.words import Critique, Strategy
from simulator.splits import Split
from training.compare_asking import Answer
from training.compare_recipe import CompareRecipe
from training.guards import GuardSettings, Tally
from training.ipm import Case, clear_faults, faults
from training.pair import Kept, Pair, PairKind, length_ratio, pair_id
from training.pairstore import write_pairs

JUDGE = "rehearsal"


def pairs_made(
    recipe: CompareRecipe, taught: Sequence[Case], answers: Mapping[PairKind, Sequence[Answer]], folder: Path, *, source: str
) -> dict[str, Any]:
    """Write the pairs of all kinds to a folder; returns counts by kind.

    Of each kind: `candidates` (answers that differ from the human's), `filtered` (of these, passed by the judge; equal where nothing is
    filtered), `kept` (after the guards), `dropped` by reason, and the strategies of both sides.
    """
    known = {(case.dialogue.id, case.index): case for case in taught}
    found: dict[str, Any] = {}
    for kind, some in answers.items():
        tally, counts = Tally(), Counter[str]()
        made = _pairs(recipe, kind, ((known[answer.dialogue, answer.turn], answer) for answer in some), counts, source)
        guards = GuardSettings(balance=recipe.mined.balance if kind is PairKind.STRATEGY else None)
        write_pairs(made, folder, [kind], settings=guards, tally=tally)
        found[kind.value] = {
            "answers": len(some),
            "candidates": counts["candidates"],
            "filtered": counts["filtered"],
            "kept": tally.kept[kind],
            "dropped": {reason: count for (_, reason), count in sorted(tally.dropped.items())},
            "chosen": {strategy.value: tally.chosen[kind, strategy] for strategy in Strategy},
            "rejected": {strategy.value: tally.rejected[kind, strategy] for strategy in Strategy},
            "length_ratio": tally.mean_ratio(kind),
        }
    return found


def _pairs(
    recipe: CompareRecipe, kind: PairKind, answered: Iterator[tuple[Case, Answer]], counts: Counter[str], source: str
) -> Iterator[Pair]:
    for case, answer in answered:
        best = kind is PairKind.STRATEGY and recipe.mined.rejected is Pick.BEST
        gold, drawn = case.gold, answer.best if best else answer.drawn
        if gold is None or drawn is None or (kind is not PairKind.STRATEGY and not answer.reply):
            continue
        chosen, rejected = _sides(kind, case.text, answer.reply, gold, drawn)
        if chosen.lower().split() == rejected.lower().split():
            continue
        counts["candidates"] += 1
        if (kept := _kept(recipe, kind, case, answer, gold, drawn)) is None:
            continue
        counts["filtered"] += 1
        yield Pair(
            id=pair_id(kind, case.dialogue.id, case.index, chosen, rejected),
            kind=kind,
            prompt=_asked(recipe, kind, case, gold),
            chosen=chosen,
            rejected=rejected,
            chosen_strategy=gold,
            rejected_strategy=drawn,
            kept=kept,
            source=source,
            dialogue=case.dialogue.id,
            turn=case.index,
            split=Split.TRAIN,
            seed=recipe.seed,
            length_ratio=length_ratio(chosen, rejected),
        )


def _sides(kind: PairKind, human: str, reply: str, gold: Strategy, drawn: Strategy) -> tuple[str, str]:
    if kind is PairKind.STRATEGY:
        return gold.value, drawn.value
    if kind is PairKind.RESPONSE:
        return human, reply
    return joint_answer(gold, human), joint_answer(drawn, reply)


def _kept(recipe: CompareRecipe, kind: PairKind, case: Case, answer: Answer, gold: Strategy, drawn: Strategy) -> Kept | None:
    """Why a candidate is kept; None where the judge does not let it pass."""
    if kind is PairKind.STRATEGY:
        return Kept(judge="gold", why="The planner chose it.", why_chosen="The human supporter's strategy.")
    if not recipe.mined.filter:
        return Kept(judge="gold", why="A model wrote it.", why_chosen="The human supporter's reply.")
    if faults(_critique(case, case.text, gold)):
        return None
    found = clear_faults(_critique(case, answer.reply, drawn))
    if not found:
        return None
    worst = max(found, key=lambda finding: finding.severity)
    return Kept(error=worst.error, span=worst.span, why=worst.why, why_chosen="The judge finds nothing in it.", judge=JUDGE)


def _critique(case: Case, reply: str, strategy: Strategy) -> Critique:
    found = tuple(find_errors(moment(case.talk), reply, strategy))
    return Critique(accepted=not found, findings=found)


def _asked(recipe: CompareRecipe, kind: PairKind, case: Case, gold: Strategy) -> tuple[Message, ...]:
    """The prompt, as the model was asked it."""
    if kind is PairKind.STRATEGY:
        return planner_messages(planner_prompt(recipe.prompts), case.talk)
    if kind is PairKind.JOINT:
        return joint_messages(joint_prompt(recipe.prompts), case.talk, recipe.language)
    return responder_messages(responder_prompt(recipe.prompts), case.talk, gold, recipe.language)
