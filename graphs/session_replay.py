"""A finished episode as checkpoints: the states that the graph went through when it was made, told from the record alone.

Nothing is run and nothing is asked.  `make_episode` of the last state gives the episode back (a test says so).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.chat.port import LedgerEntry, Role
from graphs.session_words import Call, Checkpoint, Json, Kind
from graphs.state import State
from simulator.cast import Cast
from simulator.episode import Episode, SeekerTurn, Stop, StopReason, SupporterTurn
from simulator.intent import Move

THREAD = "recorded"


@dataclass(frozen=True, slots=True)
class Moment:
    """One node of a recorded talk."""

    node: str | None
    turn: int
    state: State
    entries: tuple[LedgerEntry, ...]


def cast_of(episode: Episode) -> Cast:
    """Who talked about what."""
    return Cast(persona=episode.persona, scenario=episode.scenario, source="episode", notes=episode.notes)


def moments(episode: Episode) -> Iterator[Moment]:
    """The moments of a recorded talk, the empty beginning first.  States share what did not change between them."""
    ledger = _Ledger(episode.ledger)
    state: State = {"seed": episode.seeds.episode, "cast": cast_of(episode).model_dump(mode="json"), "turns": [], "ledger": []}
    yield Moment(None, 1, state, ())
    turn = 1
    for place, said in enumerate(episode.turns):
        last = place == len(episode.turns) - 1
        steps = _seeker(said) if isinstance(said, SeekerTurn) else _supporter(said, episode.stop if last else None)
        for node, change in steps:
            entries = ledger.of(node)
            state = _after(state, change, entries)
            yield Moment(node, turn, state, entries)
        turn += isinstance(said, SupporterTurn)


def _after(state: State, change: Json, entries: tuple[LedgerEntry, ...]) -> State:
    ledger = [*state["ledger"], *(entry.model_dump(mode="json") for entry in entries)] if entries else state["ledger"]
    turns = [*state["turns"], *change.pop("turns", [])]
    merged: State = {**state, **change, "turns": turns, "ledger": ledger}  # type: ignore[typeddict-item]
    return merged


def _seeker(turn: SeekerTurn) -> Iterator[tuple[str, Json]]:
    raw = turn.model_copy(update={"crisis": None}).model_dump(mode="json")
    gone = Stop(reason=StopReason.GAVE_UP).model_dump(mode="json") if turn.intent.move is Move.LEAVE else None
    fresh: Json = {"plan": None, "reflection": None, "versions": [], "critiques": []}
    yield "seeker", {"turns": [raw], "mind": raw["mind"], "stop": gone, **fresh}
    yield "screen", {"crisis": turn.crisis.model_dump(mode="json") if turn.crisis else None}


def _supporter(turn: SupporterTurn, stop: Stop | None) -> Iterator[tuple[str, Json]]:
    raw = turn.model_dump(mode="json")
    ended = stop.model_dump(mode="json") if stop and stop.reason is not StopReason.FAILED else None
    if turn.plan is None or turn.draft is None:
        yield "handover", {"turns": [raw], "stop": ended}
        return
    yield "plan", {"plan": raw["plan"]}
    versions = [raw["draft"]]
    yield "respond", {"versions": versions}
    for place in range(len(turn.critiques)):
        yield "critique", {"reflection": raw["reflection"], "critiques": raw["critiques"][: place + 1]}
        if place < len(turn.refinements):
            versions = [*versions, raw["refinements"][place]]
            yield "refine", {"versions": versions}
    yield "deliver", {"turns": [raw], "stop": ended}


class _Ledger:
    """Hands the calls of an episode out to the nodes that made them, in order."""

    def __init__(self, entries: tuple[LedgerEntry, ...]) -> None:
        self._entries = entries
        self._next = 0

    def of(self, node: str) -> tuple[LedgerEntry, ...]:
        start = self._next
        while self._next < len(self._entries) and _made_by(node, self._entries[self._next]):
            self._next += 1
        return self._entries[start : self._next]


def _made_by(node: str, entry: LedgerEntry) -> bool:
    roles = {"seeker": Role.SEEKER, "plan": Role.PLANNER, "respond": Role.RESPONDER, "critique": Role.CRITIC, "refine": Role.CRITIC}
    return roles.get(node) is entry.role and (entry.role is not Role.CRITIC or (entry.task == "refine") == (node == "refine"))


def checkpoints(episode: Episode) -> list[tuple[Checkpoint, tuple[Call, ...]]]:
    """The moments as checkpoints 1, 2 ... with their calls."""
    found = list(moments(episode))
    rows = []
    for place, moment in enumerate(found):
        follows = found[place + 1].node if place + 1 < len(found) else _resumes(episode, moment)
        at = Checkpoint(
            number=place + 1,
            kind=Kind.RECORDED,
            thread=THREAD,
            node=moment.node,
            next=follows,
            turn=moment.turn,
            coming=moment.turn + (moment.node in ("deliver", "handover")),
            label=label(moment.node, moment.state),
        )
        rows.append((at, tuple(_call(entry) for entry in moment.entries)))
    return rows


def _resumes(episode: Episode, moment: Moment) -> str | None:
    """The node at which a talk that failed would go on; None when it has ended."""
    if episode.stop.reason is not StopReason.FAILED:
        return None
    return "seeker" if moment.node in (None, "deliver") else "handover" if moment.state.get("crisis") else "plan"


def _call(entry: LedgerEntry) -> Call:
    return Call.model_validate(entry.model_dump())


def label(node: str | None, state: State) -> str:
    """What a node did, in a few words."""
    if node is None:
        return str(state["cast"]["scenario"]["name"])
    if node == "screen":
        return f"crisis: {(state.get('crisis') or {})['category']}" if state.get("crisis") else "no crisis"
    if node == "plan":
        return str((state["plan"] or {})["strategy"])
    if node in ("respond", "refine"):
        return _begin(state["versions"][-1]["text"])
    if node == "critique":
        errors = [finding["error"] for finding in state["critiques"][-1]["findings"]]
        accepted = "accepted" if state["critiques"][-1]["accepted"] else "refused"
        return f"{accepted}: {', '.join(errors)}" if errors else accepted
    return _begin(state["turns"][-1]["text"])


def _begin(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "\u2026"
