"""DecoupledESC's SFT files (arXiv 2505.16995): one dialogue as chat messages, assistant messages begin with `[Strategy] `.

Their form wants user and assistant in turn: seeker turns in a row are joined by a newline, a user message of one space stands between
two supporter turns, a user's "Hi" stands before a supporter who begins, and seeker turns after the last reply are cut.  Read back, the
space goes, lines become turns again (an original line break in a turn can't be told from a join), and an added "Hi" stays: seekers do
say that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agents.words import STRATEGIES, Speaker
from simulator.corpora.notes import Notes
from simulator.corpora.turns import Turns, tables_at, text_at
from simulator.dialogue import Dialogue

NAME = "decoupledesc"
_LABEL = re.compile(r"\[([A-Z][A-Za-z\- ]{2,40})\] ?")
_BETWEEN = " "
_OPENER = "Hi"
_SYSTEM = "You are a peer supporter. Begin each reply with its strategy in brackets: [your strategy] your reply. The strategies are: {}."


def fits(row: Mapping[str, Any]) -> bool:
    return "messages" in row


def read(row: Mapping[str, Any], name: str, turns: Turns) -> Dialogue:
    """One dialogue; raises ValueError with what is wrong."""
    system = ""
    for message in tables_at(row, "messages"):
        role, content = text_at(message, "role"), message.get("content")
        if role == "system":
            system = text_at(message, "content")
        elif role == "assistant":
            text = text_at(message, "content")
            label = _LABEL.match(text)
            turns.add(role, text[label.end() :] if label else text, label[1] if label else None)
        elif not isinstance(content, str) or content.strip():
            for line in _turns(content):
                turns.add(role, line)
    return Dialogue(id=name, extra={"system": system} if system else {}, **turns.fields())


def _turns(content: object) -> list[object]:
    """The seeker turns that were joined; blank lines stay with the line before, so that nothing is lost."""
    if not isinstance(content, str):
        return [content]
    joined: list[str] = []
    for line in content.split("\n"):
        if joined and not (line.strip() and joined[-1].strip()):
            joined[-1] += f"\n{line}"
        else:
            joined.append(line)
    return list(joined)


def write(dialogue: Dialogue, lost: Notes) -> dict[str, Any]:
    """One dialogue as messages."""
    _note_losses(dialogue, lost)
    messages = list(_messages(dialogue))
    while messages and messages[-1]["role"] == "user":
        closing = messages.pop()["content"]
        lost.add("messages of the seeker after the last reply", dialogue.id, times=closing.count("\n") + 1)
    system = dialogue.extra.get("system") or _SYSTEM.format(", ".join(f"[{strategy.value}]" for strategy in STRATEGIES))
    return {"messages": [{"role": "system", "content": system}, *messages]}


def _messages(dialogue: Dialogue) -> Iterator[dict[str, str]]:
    said: list[str] = []
    for index, turn in enumerate(dialogue.turns):
        if turn.speaker is Speaker.SEEKER:
            said.append(turn.text)
            continue
        yield {"role": "user", "content": "\n".join(said) or (_BETWEEN if index else _OPENER)}
        said = []
        label = dialogue.labels.get(index) or (turn.strategy.value if turn.strategy else "")
        yield {"role": "assistant", "content": f"[{label}] {turn.text}" if label else turn.text}
    if said:
        yield {"role": "user", "content": "\n".join(said)}


def _note_losses(dialogue: Dialogue, lost: Notes) -> None:
    answers = (dialogue.initial, dialogue.final, dialogue.empathy, dialogue.relevance, dialogue.supporter_score)
    for reason, count in (
        ("situations", bool(dialogue.situation)),
        ("emotion or problem types", bool(dialogue.emotion_type or dialogue.problem_type)),
        ("survey answers", sum(answer is not None for answer in answers)),
        ("comments", sum(bool(comment) for comment in dialogue.comments.values())),
        ("ratings", sum(stars is not None for stars in dialogue.feedback)),
        ("ends (stop reasons)", bool(dialogue.stop)),
        ("fields of other formats", bool(dialogue.extra.keys() - {"system"})),
    ):
        lost.add(reason, dialogue.id, times=int(count))
