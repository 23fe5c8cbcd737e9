"""The words of a stepping session: checkpoint, branch, call, breakpoint, halt, event.

All are frozen records of plain values, so that a face (terminal, page) can show and send them as they are.  Nothing here steps anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from agents.chat.port import Message, Role
from agents.words import PsychError, Speaker, Strategy, Word

Json = dict[str, Any]

SEATS: dict[Role, str] = {Role.SEEKER: "seeker", Role.PLANNER: "plan", Role.RESPONDER: "respond"}
"""The seats that a person can take, and the node at which each speaks."""


class Kind(StrEnum):
    """How a checkpoint came about."""

    START = "start"
    """The session began here; nobody has spoken."""
    STEP = "step"
    """A node was run."""
    EDIT = "edit"
    """Somebody changed the state."""
    FORK = "fork"
    """A branch began here with the state of another checkpoint, changed or not."""
    RECORDED = "recorded"
    """Read from a finished episode; no node was run for it here."""


class Call(Word):
    """One call to a backend, as the inspector shows it."""

    role: Role
    task: str
    """The prompt's name."""
    model: str
    fingerprint: str
    """Of the prompt file that was used."""
    seed: int
    messages: tuple[Message, ...] | None = None
    """The rendered prompt; None for a recorded episode that kept none."""
    answer: str | None = None
    """The raw answer; for a planner's choice its rationale."""
    parsed: Json | None = None
    """The object it was parsed to, or the probability of each option; None for a plain text."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 1
    cached: bool = False
    dropped: int = 0
    """Messages that were left out because the context was too long."""
    seconds: float | None = None
    """Wall clock; None for a recorded episode."""
    error: str | None = None
    """Why it failed, in a sentence."""


class Checkpoint(Word):
    """A moment of a session to which one can go back.  Numbers count up from 1 through the whole session."""

    number: Annotated[int, Field(ge=1)]
    kind: Kind
    thread: str
    """LangGraph's thread."""
    checkpoint: str = ""
    """LangGraph's id; empty for a recorded one."""
    node: str | None
    """The node that was done last; None before the first."""
    next: str | None
    """The node that follows; None when the talk is over."""
    turn: Annotated[int, Field(ge=1)]
    """The exchange that `node` belongs to, from 1: a seeker's turn and the reply to it."""
    coming: Annotated[int, Field(ge=1)]
    """The exchange that `next` belongs to."""
    label: str = ""
    """What happened, in a few words: the strategy, the errors, the beginning of an utterance."""
    seconds: float | None = None
    """Wall clock of the node."""
    by_hand: bool = False
    """A person sat on the node's seat."""


class Change(Word):
    """What somebody did to a branch, and when."""

    at: Annotated[int, Field(ge=1)]
    """Number of the checkpoint at which it was done."""
    what: str
    """In a few words."""
    seats: dict[Role, str] = Field(default_factory=dict)
    """Specs that were put on seats."""
    prompts: dict[str, str] = Field(default_factory=dict)
    """Texts that were put in place of prompt files."""

    def __str__(self) -> str:
        return self.what


class Branch(Word):
    """One line of the session: a chain of checkpoints on a thread of its own, with seats and prompts of its own."""

    name: str
    thread: str
    parent: str | None = None
    """Thread that it was forked from."""
    forked_at: int | None = None
    """Number of the checkpoint that it was forked from."""
    taken: tuple[Role, ...] = ()
    """Seats that a person holds."""
    changes: tuple[Change, ...] = ()
    """What was done to it by hand, oldest first; with what it has from the branch that it was forked from."""

    @property
    def seats(self) -> dict[Role, str]:
        """Specs that were put on seats, over the recipe's."""
        return {role: spec for change in self.changes for role, spec in change.seats.items()}

    @property
    def prompts(self) -> dict[str, str]:
        """Texts that were put in place of prompt files."""
        return {name: text for change in self.changes for name, text in change.prompts.items()}


class Break(Word):
    """A breakpoint: all that is given must hold at once.

    A node halts before it runs; a turn alone halts before the seeker speaks in it; a strategy halts after the plan, an error after the
    critique, an emotion after the seeker's turn, crisis after the gate.
    """

    node: Literal["seeker", "screen", "plan", "respond", "critique", "refine", "deliver", "handover"] | None = None
    turn: Annotated[int, Field(ge=1)] | None = None
    strategy: Strategy | None = None
    """The planned strategy."""
    error: PsychError | None = None
    """Among the findings of the last critique."""
    emotion_below: Annotated[float, Field(ge=1.0, le=5.0)] | None = None
    """The seeker's hidden intensity, on its scale of 1 to 5."""
    crisis: bool = False
    """The gate raised its flag."""

    def __str__(self) -> str:
        parts = [f"{key}={getattr(value, 'value', value)}" for key, value in self if value not in (None, False) and key != "crisis"]
        return " ".join(parts + (["crisis"] if self.crisis else [])) or "nothing"


class Why(StrEnum):
    """Why stepping came to a halt."""

    STEP = "step"
    """One step was asked for, and is done."""
    BREAKPOINT = "breakpoint"
    HAND = "hand"
    """A person's seat is next: `say` goes on."""
    END = "end"
    """The talk is over."""
    STOPPED = "stopped"
    """Somebody pressed stop; a node that had not finished is run again next time."""
    FAILED = "failed"
    """The node failed; the session stands where it stood before."""


class Halt(Word):
    """Where stepping came to a halt, and why."""

    why: Why
    at: Checkpoint
    breakpoint: Break | None = None
    seat: Role | None = None
    """HAND: the seat that is to speak."""
    error: str | None = None
    """FAILED: what went wrong, in a sentence."""
    executed: tuple[str, ...] = ()
    """Nodes that LangGraph ran since it was asked, in order."""
    calls: tuple[Call, ...] = ()
    """FAILED: the calls of the node that failed."""


class Inspection(Word):
    """All there is to see of a checkpoint."""

    at: Checkpoint
    state: Json
    """The graph's state, plain JSON values."""
    changed: tuple[str, ...]
    """Keys of the state that differ from the checkpoint before."""
    calls: tuple[Call, ...]
    """What was asked of backends in this step."""


class Info(Word):
    """A session in a list."""

    name: str
    scenario: str = ""
    episode: str | None = None
    """Id of the episode it was loaded from."""
    branches: int = 0
    changed: float = 0.0
    """When it was last written to, in seconds since 1970."""
    trouble: str | None = None
    """Why it can't be opened, in a sentence."""


class Spoken(Word):
    """A turn as the diff of two branches shows it."""

    speaker: Speaker
    text: str
    strategy: Strategy | None = None
    errors: tuple[PsychError, ...] = ()
    """Of the version that was said."""
    intensity: float | None = None
    """The seeker's, after this turn."""
    trust: float | None = None


class Side(Word):
    """One of two branches from where they part."""

    branch: str
    at: Checkpoint
    changes: tuple[Change, ...]
    turns: tuple[Spoken, ...]
    intensity: float | None
    """At its head."""
    trust: float | None
    stop: str | None
    """How its talk ended; None while it goes on."""


class Difference(Word):
    """Two branches side by side."""

    base: Checkpoint
    """The last checkpoint that both went through."""
    common: int
    """Number of turns (utterances) that both have."""
    left: Side
    right: Side
    paths: tuple[str, ...]
    """Places of the state in which the two heads differ, at most 40, the first ones first."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A judgement on two branches: everything that a preference pair needs, as plain data (`studio/marking.py` writes the pair)."""

    session: str
    turn: int
    """Index of the supporter's turn in the talk."""
    context: tuple[Json, ...]
    """The turns before it, as in an episode."""
    chosen: Json
    """The better supporter turn, as in an episode."""
    rejected: Json
    branches: tuple[str, str]
    """Names: the better one, the other one."""
    annotator: str
    reason: str
    cast: Json
    seed: int
    crisis: bool
    """The gate raised its flag in one of the two."""
    models: Mapping[str, str]
    prompts: Mapping[str, str]


class Event(Word):
    """What a face is told while a session is stepped."""

    kind: Literal["node", "done", "halt", "changed"]
    """A node has begun; a node is done; stepping has halted; the session was changed by hand (edit, fork, swap, seat, rewind)."""
    branch: str
    node: str | None = None
    checkpoint: Checkpoint | None = None
    halt: Halt | None = None
