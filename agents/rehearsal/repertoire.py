"""The authored repertoire: what a good supporter answers to things that seekers say, and the general lines around it.

`agents/repertoire/*.yaml` holds one file a theme or story; an entry says how something may be heard and gives replies by strategy.
`common.yaml` beside this module holds greetings, fallbacks and the slips of a poor supporter.  This module reads and checks; which
reply is taken is the business of `responder.py`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from agents.errors import InputError
from agents.words import Strategy, Word
from agents.yamlfile import read_model

FOLDER = Path(__file__).parent.parent / "repertoire"
COMMON = Path(__file__).parent / "common.yaml"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Entry(Word):
    """Something a seeker may say, and what to answer."""

    about: Text
    """A label for readers and tests; never used to choose."""
    heard: Annotated[tuple[Text, ...], Field(min_length=1)]
    """How it may be said: what retrieval matches."""
    replies: dict[Strategy, tuple[Text, ...]]


class Story(Word):
    """One file: entries that belong together."""

    theme: Text
    entries: Annotated[tuple[Entry, ...], Field(min_length=1)]


class Leads(Word):
    """Fragments that take up what the seeker did before the reply proper."""

    advice: tuple[Text, ...]
    normal: tuple[Text, ...]
    you: tuple[Text, ...]
    corrected: tuple[Text, ...]
    passed: tuple[Text, ...]
    dodged: tuple[Text, ...]
    soothe: tuple[Text, ...]


class SlipLines(Word):
    """What a poor supporter says, by the error it is."""

    template_response: tuple[Text, ...]
    lack_empathy: tuple[Text, ...]
    emotion_misread: tuple[Text, ...]
    early_emotion_shift: tuple[Text, ...]


class Common(Word):
    """General lines; {echo}, {emotion}, {topic}, {wrong} are filled when spoken."""

    greetings: tuple[Text, ...]
    welcomes: tuple[Text, ...]
    leads: Leads
    winding: tuple[Text, ...]
    partings: tuple[Text, ...]
    fallback: dict[Strategy, tuple[Text, ...]]
    mirror_unknown: tuple[Text, ...]
    slips: SlipLines


@cache
def stories() -> dict[str, Story]:
    """All stories by file name, sorted.

    Raises:
        InputError: a file is broken (file and line), or the folder is empty.
    """
    paths = sorted(FOLDER.glob("*.yaml"))
    if not paths:
        raise InputError(f"{FOLDER} holds no repertoire.", hint="Install holdspace again.")
    return {path.stem: read_model(path, Story) for path in paths}


@cache
def common() -> Common:
    """The general lines."""
    return read_model(COMMON, Common)
