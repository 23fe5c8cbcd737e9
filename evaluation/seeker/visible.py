"""Faults that the words of a talk show by themselves, so that human talks can be checked the same way: the false-positive control.

Turns of the seeker in a row are one turn here, as a reader sees them.  Patterns are English and few on purpose: a tag that people earn
as often as simulators tells nothing (`holdspace score seeker` prints both).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.text import normal, plain, sentences, stems, words
from agents.words import Speaker, Talk
from evaluation.seeker.phrases import HELPER, LABEL, LEAVE, LISTENER, PARTING, PROGRAM, STAGE, THANKS
from evaluation.seeker.tags import CLEAR, GRAVE, SLIGHT, Flag, Tag

SHORT_TALK = 3
"""Supporter turns up to which a talk that the seeker ended has hardly begun."""
LOOP = 3
"""Leave-takings in a row that are one too many."""
RETURNS = 3
"""Seeker turns with something to say after a good-bye that was none."""
_ENDED = frozenset({"goodbye", "gave_up", "relieved"})


@dataclass(frozen=True, slots=True)
class Said:
    """Turns of the seeker in a row, as one."""

    turn: int
    """Index of the first of them."""
    text: str
    before: str
    """The supporter's words they answer; empty at the start."""


def seeker_sayings(talk: Talk) -> list[Said]:
    """What the seeker says, turns in a row joined."""
    found: list[Said] = []
    before, last = "", None
    for place, turn in enumerate(talk):
        if turn.speaker is Speaker.SUPPORTER:
            before = f"{before} {turn.text}".strip() if last is Speaker.SUPPORTER else turn.text
        elif last is Speaker.SEEKER:
            found[-1] = Said(turn=found[-1].turn, text=f"{found[-1].text} {turn.text}", before=found[-1].before)
        else:
            found.append(Said(turn=place, text=turn.text, before=before))
        last = turn.speaker
    return found


def visible_flags(talk: Talk, stop: str) -> list[Flag]:
    """All faults that the words show.

    Args:
        talk: the turns.
        stop: how the talk ended; empty for a human talk.
    """
    said = seeker_sayings(talk)
    found = [*_repeated(talk), *_loops(said), *_endings(talk, said, stop)]
    for item in said:
        found += [*_flips(item), *_out_of_character(item), *_echoes(item)]
    return sorted(found, key=lambda flag: (flag.turn, flag.tag))


def _repeated(talk: Talk) -> Iterator[Flag]:
    """A turn, or a long sentence of it, that this seeker has said before; turn by turn, since a double message is two turns in a row."""
    turns: list[tuple[str, frozenset[str]]] = []
    heard: set[str] = set()
    for place, turn in enumerate(talk):
        if turn.speaker is not Speaker.SEEKER:
            continue
        key, roots = normal(turn.text), frozenset(stems(turn.text))
        again = [normal(part) for part in sentences(turn.text) if len(normal(part).split()) >= 6]
        if len(key.split()) >= 4 and any(key == old or _alike(roots, known) for old, known in turns):
            yield Flag(Tag.REPEATED, CLEAR, place, turn.text, "It has said this turn before, word for word or nearly so.")
        elif repeated := [part for part in again if part in heard]:
            yield Flag(Tag.REPEATED, SLIGHT, place, repeated[0], "It has said this sentence before.")
        turns.append((key, roots))
        heard.update(again)


def _alike(left: frozenset[str], right: frozenset[str]) -> bool:
    return min(len(left), len(right)) >= 5 and len(left & right) >= 0.8 * len(left | right)


def takes_leave(text: str) -> bool:
    """Whether a turn is thanks or good-bye and no more."""
    return bool(THANKS.search(plain(text))) and len(set(stems(text)) - PARTING) <= 2 and len(words(text)) <= 25


def _loops(said: Sequence[Said]) -> Iterator[Flag]:
    run: list[Said] = []
    for item in [*said, None]:
        if item is not None and takes_leave(item.text):
            run.append(item)
            continue
        if len(run) >= LOOP:
            severity = CLEAR if len(run) > LOOP else SLIGHT
            yield Flag(Tag.THANK_LOOP, severity, run[0].turn, run[-1].text, f"{len(run)} turns in a row of thanks and good-byes.")
        run = []


def _endings(talk: Talk, said: Sequence[Said], stop: str) -> Iterator[Flag]:
    replies = sum(turn.speaker is Speaker.SUPPORTER for turn in talk)
    if said and replies <= SHORT_TALK and (stop in _ENDED or not stop):
        yield Flag(Tag.EARLY_ENDING, CLEAR, said[-1].turn, said[-1].text, f"The talk ends after {replies} supporter turns.")
    for place, item in enumerate(said):
        after = [later for later in said[place + 1 :] if not takes_leave(later.text) and len(stems(later.text)) >= 4]
        if takes_leave(item.text) and LEAVE.search(plain(item.text)) and len(after) >= RETURNS:
            yield Flag(Tag.EARLY_ENDING, SLIGHT, item.turn, item.text, f"It takes leave and then has {len(after)} more things to say.")
            return


def _flips(item: Said) -> Iterator[Flag]:
    """One phrase of a helper is enough; a listener's phrases must come twice, for people say one to be polite."""
    lowered = plain(item.text)
    if match := HELPER.search(lowered):
        yield Flag(Tag.ROLE_FLIP, GRAVE, item.turn, item.text, f"A helper's words: '{match.group(0)}'.")
    elif len(phrases := {match.group(0) for match in LISTENER.finditer(lowered)}) >= 2:
        yield Flag(Tag.ROLE_FLIP, CLEAR, item.turn, item.text, f"A listener's words: {', '.join(map(repr, sorted(phrases)))}.")


def _out_of_character(item: Said) -> Iterator[Flag]:
    for pattern, why in (
        (PROGRAM, "It speaks as a program or of its prompt"),
        (LABEL, "A speaker's label"),
        (STAGE, "A stage direction"),
    ):
        match = pattern.search(plain(item.text) if pattern is PROGRAM else item.text)
        if match:
            severity = GRAVE if pattern is PROGRAM else CLEAR
            yield Flag(Tag.OUT_OF_CHARACTER, severity, item.turn, item.text, f"{why}: '{match.group(0).strip()}'.")
            return


def _echoes(item: Said) -> Iterator[Flag]:
    """Eight of the supporter's words in a row, or nearly nothing but what the supporter said."""
    mine, theirs = words(item.text), words(item.before)
    runs = {" ".join(theirs[i : i + 8]) for i in range(len(theirs) - 7)}
    again = next((run for i in range(len(mine) - 7) if (run := " ".join(mine[i : i + 8])) in runs), "")
    roots, heard = set(stems(item.text)), set(stems(item.before))
    if again:
        yield Flag(Tag.ECHO, SLIGHT, item.turn, item.text, f"The supporter's words: '{again}'.")
    elif len(roots) >= 6 and len(roots & heard) >= 0.8 * len(roots):
        yield Flag(Tag.ECHO, SLIGHT, item.turn, item.text, "Nearly every word of it was the supporter's.")
