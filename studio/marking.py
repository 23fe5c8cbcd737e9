"""A person's judgement on two branches, as preference pairs in `RUN/pairs/marked.jsonl`.

Two replies under one strategy make a response pair; under two strategies they make a strategy pair and a joint one.  Judging the same two
replies again replaces what the same annotator said before.  `holdspace pairs` leaves this file alone; trainers read it with the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from agents.chat.port import Message
from agents.errors import InputError, StorageError
from agents.joint import joint_answer, joint_messages, joint_prompt
from agents.planner import planner_messages, planner_prompt
from agents.prompting import Prompt, Prompting
from agents.responder import responder_messages, responder_prompt
from agents.words import PsychError, Strategy, Talk, Utterance
from graphs.recipe import Recipe
from graphs.session_words import Json, Marked
from simulator.cast import Cast
from simulator.splits import persona_key, split_of_scenario
from training.pair import Kept, Pair, PairKind, length_ratio, pair_id
from training.pairstore import MARKED, PAIRS, read_pairs


def mark(run: Path, marked: Marked, recipe: Recipe, dialogue: str) -> list[Pair]:
    """Write the pairs of a judgement, and return them.

    Args:
        run: the run folder.
        marked: the judgement (`graphs.session.Session.mark_pair`).
        recipe: whose prompts and language the pairs are asked with.
        dialogue: id of the talk: the episode's, or the session's.

    Raises:
        InputError: the crisis gate raised its flag in the talk, or the pairs that are there were edited by hand.
        StorageError: they can't be written.
    """
    if marked.crisis:
        raise InputError("The crisis gate raised its flag in this talk: its replies make no pairs.", hint="Mark another talk.")
    pairs = list(pairs_of(marked, run.name, recipe, dialogue))
    _store(run / PAIRS / MARKED, pairs)
    return pairs


def pairs_of(marked: Marked, source: str, recipe: Recipe, dialogue: str) -> Iterator[Pair]:
    """The pairs that a judgement amounts to."""
    better, worse = Strategy(marked.chosen["strategy"]), Strategy(marked.rejected["strategy"])
    talk = tuple(Utterance(speaker=turn["speaker"], text=turn["text"], strategy=turn["strategy"]) for turn in marked.context)
    texts = marked.chosen["text"], marked.rejected["text"]
    if better is worse:
        yield _pair(PairKind.RESPONSE, texts, marked, source, recipe, dialogue, talk)
        return
    yield _pair(PairKind.STRATEGY, (better.value, worse.value), marked, source, recipe, dialogue, talk)
    labelled = joint_answer(better, texts[0]), joint_answer(worse, texts[1])
    yield _pair(PairKind.JOINT, labelled, marked, source, recipe, dialogue, talk)


def _pair(kind: PairKind, sides: tuple[str, str], marked: Marked, source: str, recipe: Recipe, dialogue: str, talk: Talk) -> Pair:
    better, worse = Strategy(marked.chosen["strategy"]), Strategy(marked.rejected["strategy"])
    prompt, messages = _asked(kind, talk, better, recipe)
    cast, finding = Cast.model_validate(marked.cast), _worst(marked.rejected)
    return Pair(
        id=pair_id(kind, dialogue, marked.turn, *sides),
        kind=kind,
        prompt=messages,
        chosen=sides[0],
        rejected=sides[1],
        chosen_strategy=better,
        rejected_strategy=worse,
        kept=Kept(
            error=PsychError(finding["error"]) if finding else None,
            span=finding["span"] if finding else "",
            why=marked.reason,
            judge=f"human:{marked.annotator}",
        ),
        source=source,
        dialogue=dialogue,
        turn=marked.turn,
        persona=persona_key(cast.persona),
        scenario=cast.scenario.name,
        split=split_of_scenario(cast.scenario.name),
        models=dict(marked.models),
        prompts={prompt.name: prompt.fingerprint},
        seed=marked.seed,
        length_ratio=length_ratio(*sides),
    )


def _asked(kind: PairKind, talk: Talk, strategy: Strategy, recipe: Recipe) -> tuple[Prompt, tuple[Message, ...]]:
    prompting = Prompting(recipe.prompts)
    if kind is PairKind.STRATEGY:
        prompt = planner_prompt(prompting)
        return prompt, planner_messages(prompt, talk)
    if kind is PairKind.JOINT:
        prompt = joint_prompt(prompting)
        return prompt, joint_messages(prompt, talk, recipe.language)
    prompt = responder_prompt(prompting)
    return prompt, responder_messages(prompt, talk, strategy, recipe.language)


def _worst(turn: Json) -> Json | None:
    """The most severe finding of the version that was said."""
    critiques = turn.get("critiques") or []
    findings: Sequence[Json] = critiques[turn["kept"]]["findings"] if turn["kept"] < len(critiques) else ()
    return max(findings, key=lambda finding: int(finding["severity"]), default=None)


def _store(path: Path, pairs: Sequence[Pair]) -> None:
    """Put pairs into the file, in place of what the same judge said of the same sides; the file is replaced whole."""
    said = {_question(pair) for pair in pairs}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [pair for pair in read_pairs(path) if _question(pair) not in said] if path.exists() else []
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            file.writelines(pair.model_dump_json().encode() + b"\n" for pair in (*kept, *pairs))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error


def _question(pair: Pair) -> tuple[str, str, int, str, frozenset[str]]:
    """What was judged, and by whom."""
    return pair.kind.value, pair.dialogue, pair.turn, pair.kept.judge, frozenset({pair.chosen, pair.rejected})
