"""Rows: what trainers read, made of pairs and of talks.

Conversational rows as trl has them: `prompt` (messages), and `chosen` and `rejected`, or `completion`: exactly one assistant message each.
Prompts are those that the seats ask, word for word.  LLaMA-Factory's rows are made of these.  Nothing is tokenised, filtered or written
here; files are made in `training/exporting.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agents.chat.port import Message
from agents.joint import joint_answer, joint_messages, joint_prompt
from agents.planner import planner_messages, planner_prompt
from agents.prompting import Prompting
from agents.responder import responder_messages, responder_prompt
from agents.words import Speaker, Strategy, Talk
from training.configs import Learner
from training.pair import Pair, PairKind

Row = dict[str, Any]

LEARNER_OF: dict[PairKind, Learner] = {
    PairKind.STRATEGY: Learner.PLANNER,
    PairKind.LOOKAHEAD: Learner.PLANNER,
    PairKind.RESPONSE: Learner.RESPONDER,
    PairKind.REFINE: Learner.RESPONDER,
    PairKind.RATED: Learner.RESPONDER,
    PairKind.JOINT: Learner.JOINT,
}
"""Who learns from which kind."""


def preference_row(pair: Pair) -> Row:
    """`prompt`, `chosen`, `rejected`, and nothing else."""
    return {
        "prompt": [_plain(message) for message in pair.prompt],
        "chosen": [_answer(pair.chosen)],
        "rejected": [_answer(pair.rejected)],
    }


def sft_rows(
    talk: Talk, learner: Learner, *, prompting: Prompting = Prompting.FULL, language: str = "English"
) -> Iterator[tuple[int, Row]]:
    """A row (`prompt`, `completion`) for each supporter turn of a talk that has a strategy, with the turn's index.

    The prompt holds all turns before it: of several supporter turns in a row, the later ones are asked after the earlier ones.  A turn that
    opens the talk is left out, since no seat is asked before the seeker has spoken.

    Args:
        talk: an episode's `talk()`, or a dialogue's turns.
        learner: whose rows.
        prompting: full or brief prompts; take the ones that the trained model shall be asked with.
        language: for the prompts that name it.
    """
    ask = _asking(learner, prompting, language)
    for index, turn in enumerate(talk):
        before = talk[:index]
        if turn.speaker is Speaker.SUPPORTER and turn.strategy and any(said.speaker is Speaker.SEEKER for said in before):
            messages, answer = ask(before, turn.strategy, turn.text)
            yield index, {"prompt": [_plain(message) for message in messages], "completion": [_answer(answer)]}


_Asking = Callable[[Talk, Strategy, str], tuple[Sequence[Message], str]]


def _asking(learner: Learner, prompting: Prompting, language: str) -> _Asking:
    """From the talk so far, a strategy and a reply to the prompt and the answer of a learner."""
    if learner is Learner.PLANNER:
        plan = planner_prompt(prompting)
        return lambda talk, strategy, _reply: (planner_messages(plan, talk), strategy.value)
    if learner is Learner.RESPONDER:
        respond = responder_prompt(prompting)
        return lambda talk, strategy, reply: (responder_messages(respond, talk, strategy, language), reply)
    both = joint_prompt(prompting)
    return lambda talk, strategy, reply: (joint_messages(both, talk, language), joint_answer(strategy, reply))


def described_row(pair: Pair) -> Row:
    """A preference row with all that says where the pair comes from, in columns of plain types that are the same for a whole kind.

    Mappings become JSON text: as structs, their keys would have to be the same in all rows.  trl passes over these columns.
    """
    kept = pair.kept
    row = {
        **preference_row(pair),
        "id": pair.id,
        "kind": pair.kind.value,
        "chosen_strategy": pair.chosen_strategy.value if pair.chosen_strategy else "",
        "rejected_strategy": pair.rejected_strategy.value if pair.rejected_strategy else "",
        "error": kept.error.value if kept.error else "",
        "span": kept.span,
        "why": kept.why,
        "why_chosen": kept.why_chosen,
        "judge": kept.judge,
        "source": pair.source,
        "dialogue": pair.dialogue,
        "turn": pair.turn,
        "round": pair.round,
        "persona": pair.persona,
        "scenario": pair.scenario,
        "crisis": pair.crisis,
        "models": json.dumps(pair.models, sort_keys=True),
        "fingerprints": json.dumps(pair.prompts, sort_keys=True),
        "seed": pair.seed,
        "length_ratio": round(pair.length_ratio, 4),
    }
    if pair.kind is PairKind.LOOKAHEAD:
        row |= {"value_gap": kept.value_gap, "noise": kept.noise, "rollouts": kept.rollouts}
    if pair.kind is PairKind.RATED:
        row |= {"stars": list(kept.ratings or ())}
    return row


def llamafactory_row(row: Row) -> Row | None:
    """A row as LLaMA-Factory's sharegpt format has it; None where the talk can't be told in it.

    There, human and gpt take turns, the human is first and last, and the answer stands apart (`chosen`, `rejected`) or at the end.
    Messages of one side in a row are joined by a newline, so the planner's question follows the seeker's last words in one message.  A
    prompt that begins or ends with the supporter has no place there.
    """
    system = "\n\n".join(message["content"] for message in row["prompt"] if message["role"] == "system")
    turns: list[Row] = []
    for message in row["prompt"]:
        side = {"user": "human", "assistant": "gpt"}.get(message["role"])
        if side and turns and turns[-1]["from"] == side:
            turns[-1] = {"from": side, "value": f"{turns[-1]['value']}\n{message['content']}"}
        elif side:
            turns.append({"from": side, "value": message["content"]})
    if not turns or turns[0]["from"] != "human" or turns[-1]["from"] != "human":
        return None
    if "completion" in row:
        return {"conversations": [*turns, _gpt(row["completion"])], "system": system}
    return {"conversations": turns, "chosen": _gpt(row["chosen"]), "rejected": _gpt(row["rejected"]), "system": system}


def _plain(message: Message) -> Row:
    return {"role": message.role, "content": message.content}


def _answer(text: str) -> Row:
    return {"role": "assistant", "content": text}


def _gpt(messages: Sequence[Row]) -> Row:
    return {"from": "gpt", "value": messages[0]["content"]}
