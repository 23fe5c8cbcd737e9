"""Pairs from simulated episodes: what the critic found and mended becomes preferences, a kind at a time.

| kind | prompt | chosen | rejected |
|---|---|---|---|
| refine | the responder's, under the draft's strategy | the refinement that was said | the plain draft |
| response | the responder's, under the strategy of both sides | a version without any finding | one with an error of the implementation |
| strategy | the planner's | the strategy that the critic names instead | the planned one, with a Strategy Mismatch |
| joint | the joint baseline's | `[Strategy] reply` that was said | `[Strategy] reply` of the draft |

Prompts are made by the functions that the seats ask with, and say nothing of critic or reflection, which do not run when the trained model
is used (2505.16610, phase 2d).  So a refinement under another strategy than the draft's is no refine pair: under the old strategy the
prompt would teach the responder to disobey its plan, under the new one the draft would lose for keeping to another.  What the critic
moved becomes a strategy pair and a joint pair.  Guards, balance and files: `training/guards.py`, `training/pairstore.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from agents.chat.port import Message
from agents.joint import joint_answer, joint_messages, joint_prompt
from agents.planner import planner_messages, planner_prompt
from agents.prompting import Prompt, Prompting
from agents.responder import responder_messages, responder_prompt
from agents.words import Critique, Draft, Finding, PsychError, Refinement, Strategy, Talk
from simulator.episode import Episode, StopReason, SupporterTurn
from simulator.splits import Split, persona_key, split_of_scenario
from training.guards import Tally
from training.pair import Kept, Pair, PairKind, length_ratio, pair_id

KINDS = (PairKind.STRATEGY, PairKind.RESPONSE, PairKind.REFINE, PairKind.JOINT)
"""The kinds that are made here."""

IMPLEMENTATION = frozenset({PsychError.LACK_EMPATHY, PsychError.EARLY_EMOTION_SHIFT, PsychError.TEMPLATE_RESPONSE})
"""Errors of the reply, not of the plan: the rejected side of a response pair shows one of them (2505.16995)."""


class Unfit(StrEnum):
    """Why a candidate made no pair."""

    NOT_ACCEPTED = "no refinement was accepted"
    MOVED = "the refinement changed the strategy"
    NO_CLEAN = "no clean reply under the same strategy"
    UNNAMED = "the critic named no other strategy"
    SAME = "both sides are the same"
    PERSONA = "the persona is in another split"


@dataclass(frozen=True, slots=True)
class Making:
    """How pairs are made of a run."""

    source: str
    """Name of the run."""
    kinds: tuple[PairKind, ...] = KINDS
    prompting: Prompting | None = None
    """Which prompts; None takes those that the run was made with."""
    language: str = "English"
    """As the run's recipe has it, since the responder's prompt says it."""
    round: int = 0


@dataclass(slots=True)
class Talks:
    """What became of the talks."""

    read: int = 0
    failed: int = 0
    """Left out: a talk that failed says nothing about its turns."""
    crisis: int = 0
    """Flagged by the gate; the guards leave their pairs out unless asked for."""
    supporter_turns: int = 0
    """Of the talks that did not fail."""
    criticised: int = 0
    """Of these, turns that the critic saw."""
    reworded: int = 0
    """Talks whose prompts were worded otherwise than today's, with which their pairs ask."""
    splits: Counter[Split] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of a reply, with the critic's judgement of it."""

    text: str
    strategy: Strategy
    critique: Critique


@dataclass(frozen=True, slots=True)
class _Side:
    """Both sides of a pair to be, and why."""

    chosen: str
    rejected: str
    chosen_strategy: Strategy
    rejected_strategy: Strategy
    finding: Finding | None
    better: str


@dataclass(frozen=True, slots=True)
class _Turn:
    """A supporter turn that the critic saw, and all that was said before it."""

    episode: Episode
    index: int
    turn: SupporterTurn
    talk: Talk
    versions: tuple[_Version, ...]


def pairs_of(episodes: Iterable[Episode], making: Making, tally: Tally, talks: Talks) -> Iterator[Pair]:
    """The pairs of episodes, in their order, unguarded; candidates that make no pair are counted in `tally`.

    A talk belongs to the split of its scenario.  Its persona goes along: a simulation draws a new one for each talk; where one comes again
    in a talk of another split (users' own cards can do that), the later talk makes no pairs.

    Args:
        episodes: taken one at a time.
        making: which kinds, with which prompts.
        tally: dropped candidates are counted here.
        talks: talks are counted here.
    """
    split_of: dict[str, Split] = {}
    for episode in episodes:
        talks.read += 1
        if episode.stop.reason is StopReason.FAILED:
            talks.failed += 1
            continue
        talks.crisis += episode.crisis
        talks.reworded += _reworded(episode, making)
        split, persona = split_of_scenario(episode.scenario.name), persona_key(episode.persona)
        talks.splits[split] += 1
        torn = split_of.setdefault(persona, split) is not split
        for turn in _turns(episode, talks):
            for kind in making.kinds:
                side = _SIDES[kind](turn)
                if side is None:
                    continue
                if torn or isinstance(side, Unfit):
                    tally.drop(kind, Unfit.PERSONA if torn or not isinstance(side, Unfit) else side)
                else:
                    yield _pair(kind, turn, side, making, split, persona)


def _turns(episode: Episode, talks: Talks) -> Iterator[_Turn]:
    talk = episode.talk()
    for index, turn in enumerate(episode.turns):
        if not isinstance(turn, SupporterTurn):
            continue
        talks.supporter_turns += 1
        if turn.plan is None or turn.draft is None or not turn.critiques:
            continue
        talks.criticised += 1
        texts: tuple[Draft | Refinement, ...] = (turn.draft, *turn.refinements)
        versions = tuple(_Version(text.text, text.strategy, judged) for text, judged in zip(texts, turn.critiques, strict=False))
        yield _Turn(episode, index, turn, talk[:index], versions)


def _refine(turn: _Turn) -> _Side | Unfit | None:
    """The draft that the critic refused, and the refinement that was said."""
    sides = _refused(turn)
    if isinstance(sides, _Side) and sides.chosen_strategy is not sides.rejected_strategy:
        return Unfit.MOVED
    return sides


def _joint(turn: _Turn) -> _Side | Unfit | None:
    """The same, with the strategy in the answer, whether it changed or not."""
    sides = _refused(turn)
    if not isinstance(sides, _Side):
        return sides
    chosen, rejected = joint_answer(sides.chosen_strategy, sides.chosen), joint_answer(sides.rejected_strategy, sides.rejected)
    return _Side(chosen, rejected, sides.chosen_strategy, sides.rejected_strategy, sides.finding, sides.better)


def _refused(turn: _Turn) -> _Side | Unfit | None:
    draft = turn.versions[0]
    if draft.critique.accepted:
        return None
    said = turn.versions[turn.turn.kept] if turn.turn.kept < len(turn.versions) else draft
    if said is draft or not said.critique.accepted:
        return Unfit.NOT_ACCEPTED
    return _side(said, draft, _worst(draft.critique.findings))


def _response(turn: _Turn) -> _Side | Unfit | None:
    """The first version with an error of the implementation, and a clean one under its strategy: the one that was said, if it is clean."""
    flawed = [version for version in turn.versions if _implementation(version)]
    if not flawed:
        return None
    said = turn.versions[min(turn.turn.kept, len(turn.versions) - 1)]
    clean = [version for version in (said, *turn.versions) if not version.critique.findings]
    for rejected in flawed:
        for chosen in clean:
            if chosen.strategy is rejected.strategy:
                return _side(chosen, rejected, _worst(_implementation(rejected)))
    return Unfit.NO_CLEAN


def _strategy(turn: _Turn) -> _Side | Unfit | None:
    """The planned strategy where the critic found it mismatched, and the one that it names.

    Only the first critique counts: it judges the plan, later ones judge what the critic itself had moved to.
    """
    draft, planned = turn.versions[0], turn.versions[0].strategy
    finding = _worst([item for item in draft.critique.findings if item.error is PsychError.STRATEGY_MISMATCH])
    if finding is None:
        return None
    instead = draft.critique.instead
    if instead is None or instead is planned:
        return Unfit.UNNAMED
    return _Side(instead.value, planned.value, instead, planned, finding, "the critic would have chosen it")


_SIDES: dict[PairKind, Callable[[_Turn], _Side | Unfit | None]] = {
    PairKind.STRATEGY: _strategy,
    PairKind.RESPONSE: _response,
    PairKind.REFINE: _refine,
    PairKind.JOINT: _joint,
}


def _side(chosen: _Version, rejected: _Version, finding: Finding | None) -> _Side | Unfit:
    if chosen.text == rejected.text:
        return Unfit.SAME
    better = "no finding" if not chosen.critique.findings else f"accepted, findings of severity {chosen.critique.penalty} in all"
    return _Side(chosen.text, rejected.text, chosen.strategy, rejected.strategy, finding, better)


def _implementation(version: _Version) -> list[Finding]:
    return [finding for finding in version.critique.findings if finding.error in IMPLEMENTATION]


def _worst(findings: Iterable[Finding]) -> Finding | None:
    """The most severe, the first of equals."""
    return max(findings, key=lambda finding: finding.severity, default=None)


def _pair(kind: PairKind, turn: _Turn, side: _Side, making: Making, split: Split, persona: str) -> Pair:
    episode, finding = turn.episode, side.finding
    prompt, messages = _asked(kind, turn, side.rejected_strategy, making)
    models = episode.models.model_dump()
    return Pair(
        id=pair_id(kind, episode.id, turn.index, side.chosen, side.rejected),
        kind=kind,
        prompt=messages,
        chosen=side.chosen,
        rejected=side.rejected,
        chosen_strategy=side.chosen_strategy,
        rejected_strategy=side.rejected_strategy,
        kept=Kept(
            error=finding.error if finding else None,
            span=finding.span if finding else "",
            why=finding.why if finding else "",
            why_chosen=side.better,
            judge=episode.models.critic,
        ),
        source=making.source,
        dialogue=episode.id,
        turn=turn.index,
        round=making.round,
        persona=persona,
        scenario=episode.scenario.name,
        split=split,
        crisis=episode.crisis,
        models={role: models[role] for role in _ROLES[kind]},
        prompts={prompt.name: prompt.fingerprint} | {name: episode.prompts[name] for name in _CRITIC if name in episode.prompts},
        seed=episode.seeds.episode,
        length_ratio=length_ratio(side.chosen, side.rejected),
    )


_CRITIC = ("reflect", "critique", "refine")
_ROLES = {
    PairKind.STRATEGY: ("planner", "critic"),
    PairKind.RESPONSE: ("responder", "critic"),
    PairKind.REFINE: ("responder", "critic"),
    PairKind.JOINT: ("planner", "responder", "critic"),
}


def _asked(kind: PairKind, turn: _Turn, strategy: Strategy, making: Making) -> tuple[Prompt, tuple[Message, ...]]:
    """The prompt file, and the prompt as the seat would render it."""
    prompting = making.prompting or prompting_of(turn.episode)
    if kind is PairKind.STRATEGY:
        prompt = planner_prompt(prompting)
        return prompt, planner_messages(prompt, turn.talk)
    if kind is PairKind.JOINT:
        prompt = joint_prompt(prompting)
        return prompt, joint_messages(prompt, turn.talk, making.language)
    prompt = responder_prompt(prompting)
    return prompt, responder_messages(prompt, turn.talk, strategy, making.language)


def _reworded(episode: Episode, making: Making) -> bool:
    """Whether planner or responder were asked in other words than the pairs will ask in."""
    prompting = making.prompting or prompting_of(episode)
    return any(
        episode.prompts.get(prompt.name) != prompt.fingerprint for prompt in (planner_prompt(prompting), responder_prompt(prompting))
    )


def prompting_of(episode: Episode) -> Prompting:
    """Which prompts planner and responder were asked with in a talk."""
    return Prompting.BRIEF if planner_prompt(Prompting.BRIEF).name in episode.prompts else Prompting.FULL
