"""Chat-template tokens in people's words: broken up on the way out, a border on the way in.

A server reads `<|im_start|>` within a message as the start of another side's turn, so a seeker that writes it could speak as the system.
Roles are ours to set: what goes out holds no such token, and what a model writes after one is not its own side's.  Records keep the words
as they were said.  This module knows the tokens of the common families, not of every model.
"""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"<\|[a-z][\w.-]{0,40}\|>"  # ChatML, Llama 3, Phi, Cohere, GPT
    r"|<｜[^｜<>]{1,40}｜>"  # DeepSeek
    r"|</?(?:s|bos|eos|pad|unk)>|<(?:start|end)_of_turn>"  # Llama 2, Mistral, Gemma
    r"|\[/?INST\]|<</?SYS>>"  # Llama 2, Mistral
    r"|</?think(?:ing)?>",
    re.IGNORECASE,
)
_SIDE = rf"(?:\s*(?:assistant|model|system|user)\s*?(?::|\n|(?={TOKEN.pattern})|\Z))?"
_LEADING = re.compile(rf"\A(?:\s*(?:{TOKEN.pattern}){_SIDE})+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def defused(text: str) -> str:
    """The text as it may go to a server: no control characters, and a space within each chat-template token."""
    if not text.isprintable():
        text = _CONTROL.sub("", text)
    if "<" in text or "[" in text:
        return TOKEN.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
    return text


def own_side(text: str) -> str:
    """What a model said as itself: tokens at the head are taken off, and a later one ends the text."""
    text = _LEADING.sub("", _CONTROL.sub("", text), count=1)
    border = TOKEN.search(text)
    return (text[: border.start()] if border else text).strip()
