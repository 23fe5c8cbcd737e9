"""Making a conversation shorter for a server that finds it too long: oldest turns first, system message and newest turns kept.

It counts characters, since the server's tokenizer is the server's; the caller goes on shortening until the server is content.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.chat.port import Message

SHRINK = 0.6
"""Share of the characters that is kept from one refusal to the next."""
NEWEST = 2
"""Messages that are cut rather than dropped: the last turn and what is asked of it."""
GAP = "\n[...]\n"
_HEAD = 0.2
"""Share of a cut message that is kept of its beginning; the rest is of its end, where the newest words are."""


def shortened(messages: Sequence[Message]) -> tuple[tuple[Message, ...], int]:
    """About SHRINK of the conversation, and how many messages were dropped or cut; 0 when it can't get shorter."""
    size = int(SHRINK * sum(len(message.content) for message in messages))
    systems = [message for message in messages if message.role == "system"]
    turns = [message for message in messages if message.role != "system"]
    room = max(size - sum(len(message.content) for message in systems), 100 * min(len(turns), NEWEST))
    kept = list(turns)
    while len(kept) > NEWEST and _length(kept) > room:
        kept.pop(0)
    while len(kept) > NEWEST and kept[0].role == "assistant":  # some chat templates want a user's message first
        kept.pop(0)
    dropped = len(turns) - len(kept)
    if (excess := _length(kept) - room) > 0:
        longest = max(range(len(kept)), key=lambda place: len(kept[place].content))
        content = kept[longest].content
        cut = _cut(content, len(content) - excess)
        if len(cut) < len(content):
            kept[longest] = Message(role=kept[longest].role, content=cut)
            dropped += 1
    return (*systems, *kept), dropped


def _length(messages: Sequence[Message]) -> int:
    return sum(len(message.content) for message in messages)


def _cut(text: str, size: int) -> str:
    size = max(size - len(GAP), 40)
    head = int(_HEAD * size)
    return f"{text[:head]}{GAP}{text[len(text) - (size - head) :]}" if size < len(text) else text
