"""The seeker's score: flags talk by talk, rates with intervals, the worst examples.

A run is checked with its hidden side, a human corpus by its words alone (a control: what people earn is noise of the checker or custom
of the medium).  Failed talks and crisis talks' endings are not the seeker's fault and are left out or passed over.  No model is called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.errors import InputError
from agents.words import Speaker, Utterance
from evaluation.bytalk import share_of
from evaluation.seeker.hidden import hidden_flags, self_contradictions
from evaluation.seeker.reader import Reading, read_roles
from evaluation.seeker.tags import CLEAR, HIDDEN, SEVERITIES, Flag, Tag
from evaluation.seeker.visible import visible_flags
from simulator.dialogue import Dialogue, to_dialogue
from simulator.episode import Episode

Figures = dict[str, Any]

MOST_READ = 2000
"""Talks that the role reader reads at most, the first ones."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One talk with its flags."""

    id: str
    talk: tuple[Utterance, ...]
    seeker_turns: int
    flags: tuple[Flag, ...]
    hidden: bool
    """Whether the hidden side was there to look at."""

    @property
    def worst(self) -> int:
        """The gravest severity; 0 for a clean talk."""
        return max((flag.severity for flag in self.flags), default=0)


def check_episode(episode: Episode) -> Checked:
    """All faults of a simulated talk."""
    stop = "crisis_handover" if episode.crisis else episode.stop.reason.value
    flags = [*visible_flags(episode.talk(), stop), *hidden_flags(episode)]
    seen = {(flag.tag, flag.turn) for flag in flags}
    dialogue = to_dialogue(episode.model_dump(mode="json", include={"id", "turns"}), episode.id)
    flags += [flag for flag in self_contradictions(dialogue) if (flag.tag, flag.turn) not in seen]
    return _checked(episode.id, dialogue, flags, hidden=True)


def check_dialogue(dialogue: Dialogue) -> Checked:
    """The faults that the words of any talk show."""
    stop = "crisis_handover" if dialogue.crisis else dialogue.stop
    return _checked(dialogue.id, dialogue, [*visible_flags(dialogue.turns, stop), *self_contradictions(dialogue)], hidden=False)


def _checked(name: str, dialogue: Dialogue, flags: Sequence[Flag], *, hidden: bool) -> Checked:
    turns = sum(turn.speaker is Speaker.SEEKER for turn in dialogue.turns)
    return Checked(id=name, talk=dialogue.turns, seeker_turns=turns, flags=_in_order(flags), hidden=hidden)


def _in_order(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    return tuple(sorted(flags, key=lambda flag: (flag.turn, flag.tag)))


def with_roles(talks: Sequence[Checked]) -> tuple[list[Checked], Reading | None]:
    """The talks with the role reader's flags added where no phrase has given the turn away already."""
    reading = read_roles([talk.talk for talk in talks[:MOST_READ]])
    if reading is None:
        return list(talks), None
    found = []
    for number, talk in enumerate(talks):
        known = {flag.turn for flag in talk.flags if flag.tag is Tag.ROLE_FLIP}
        new = [flag for flag in reading.flags.get(number, ()) if flag.turn not in known]
        found.append(replace(talk, flags=_in_order([*talk.flags, *new])) if new else talk)
    return found, reading


def seeker_figures(talks: Iterable[Checked], *, failed: int = 0) -> Figures:
    """Rates over talks, as plain values.

    Raises:
        InputError: no talk to check.
    """
    checked = list(talks)
    if not checked:
        why = f"all {failed} talks failed" if failed else "it is empty"
        raise InputError(f"There is no talk to check: {why}.", hint="Give a run with finished talks, or a corpus.")
    hidden = any(talk.hidden for talk in checked)
    return {
        "talks": len(checked),
        "seeker_turns": sum(talk.seeker_turns for talk in checked),
        "failed": failed,
        "hidden_side": hidden,
        "clean": share_of([talk.worst < CLEAR for talk in checked]).plain(),
        "tags": {tag.value: _rates(tag, checked) for tag in Tag if hidden or tag not in HIDDEN},
        "skipped": [] if hidden else [tag.value for tag in Tag if tag in HIDDEN],
    }


def _rates(tag: Tag, checked: Sequence[Checked]) -> Figures:
    flags = [flag for talk in checked for flag in talk.flags if flag.tag is tag]
    severities = Counter(SEVERITIES[flag.severity] for flag in flags)
    turns = sum(talk.seeker_turns for talk in checked)
    return {
        "talks": share_of([any(flag.tag is tag for flag in talk.flags) for talk in checked]).plain(),
        "flags": len(flags),
        "per_100_turns": round(100 * len(flags) / max(turns, 1), 3),
        "severity": {name: severities[name] for name in SEVERITIES.values()},
    }


def worst_first(talks: Iterable[Checked], limit: int) -> list[tuple[str, Flag]]:
    """The gravest flags with their talk, at most `limit`; tags take turns, so that a common one does not hide a rare one."""
    pools: dict[Tag, list[tuple[str, Flag]]] = {}
    for talk in talks:
        for flag in talk.flags:
            pools.setdefault(flag.tag, []).append((talk.id, flag))
    for pool in pools.values():
        pool.sort(key=lambda item: -item[1].severity)
    picked: list[tuple[str, Flag]] = []
    while len(picked) < limit and any(pools.values()):
        for pool in pools.values():
            if pool:
                picked.append(pool.pop(0))
    return picked[:limit]
