"""Inferential Preference Mining (DecoupledESC, 2505.16995): planner and responder run over every supporter turn of a human corpus.

Teacher forcing: the context of a turn is what was really said and done before it, the supporter's own message before it included where
the supporter speaks twice (the prompt then ends with `agents.prompting.SILENCE`, no empty seeker turn).  A supporter who speaks before the
seeker has said anything answers nobody, and such a turn makes no pair.

| kind | prompt | chosen | rejected | kept where |
|---|---|---|---|---|
| strategy | the planner's | the human's strategy | the planned one | they differ; no judge |
| response | the responder's, under the human's strategy | the human reply | the responder's | two-sided filter |
| joint | the joint baseline's | `[human's strategy] human reply` | `[planned] responder's reply under it` | two-sided filter |
| rated | the responder's, under the human's strategy | a reply that the judge accepts | the human's, rated low | see training/rated.py |

Two-sided filter: the judge finds nothing in the chosen reply (a mismatched strategy is the planner's fault, not the reply's), and in the
rejected one clearly Lack Empathy, Early Emotion Shift or Template Response; its reason for each side is kept.  The judge compares two
replies; how many human ones it flags says as much about the judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from agents.chat.port import Chat, Ledger, derive_seed
from agents.critic import TOLERATED, Critic
from agents.errors import ChatError, RunStop
from agents.joint import joint_prompt
from agents.planner import Pick, Planner
from agents.prompting import Prompting
from agents.responder import Responder
from agents.words import Critique, Draft, Finding, PsychError, Refinement, Reflection, Speaker, Strategy, Talk
from simulator.dialogue import Dialogue
from training.attempts import Attempt, Version
from training.pair import PairKind
from training.pairing import IMPLEMENTATION
from training.rated import Rating, low_rated

KINDS = (PairKind.STRATEGY, PairKind.RESPONSE, PairKind.JOINT, PairKind.RATED)
"""The kinds that are mined."""

REWRITES = 2
"""How often a reply for a rated pair is refined at most, as often as the graph does."""


@dataclass(frozen=True)
class Case:
    """One supporter turn of a human talk."""

    dialogue: Dialogue
    index: int
    rating: Rating | None
    """Only where its seeker rated it low."""
    crisis: bool = False
    """The gate flagged the dialogue."""

    @property
    def gold(self) -> Strategy | None:
        return self.dialogue.turns[self.index].strategy

    @property
    def text(self) -> str:
        return self.dialogue.turns[self.index].text

    @cached_property
    def talk(self) -> Talk:
        """All that was said before."""
        return self.dialogue.turns[: self.index]

    @cached_property
    def opens(self) -> bool:
        """Whether the seeker has not said anything yet."""
        return all(turn.speaker is Speaker.SUPPORTER for turn in self.talk)

    def wanted(self, kinds: Iterable[PairKind]) -> set[PairKind]:
        """The kinds that it can be a candidate for: none before the seeker has spoken, or without a strategy."""
        if self.opens or self.gold is None:
            return set()
        return {kind for kind in kinds if kind is not PairKind.RATED or self.rating is not None}


def cases_of(dialogue: Dialogue, *, crisis: bool = False) -> Iterator[Case]:
    """The supporter turns of a dialogue; `crisis` says whether the gate flagged it."""
    ratings: Mapping[int, Rating] = low_rated(dialogue)
    for index, turn in enumerate(dialogue.turns):
        if turn.speaker is Speaker.SUPPORTER:
            yield Case(dialogue, index, ratings.get(index), crisis)


class Miner:
    """Planner, responder and judge, asked about one turn after another.

    Args:
        planner: its backend.
        responder: its backend.
        judge: backend of the critic's seat, which also rewrites for rated pairs.
        pick: take the planner's most probable strategy, or one drawn from its distribution (as the paper samples).
        prompting: full or brief prompts for planner and responder.
        seed: every call's seed follows from it, the dialogue and the turn.
    """

    def __init__(
        self,
        planner: Chat,
        responder: Chat,
        judge: Chat,
        *,
        pick: Pick = Pick.SAMPLE,
        prompting: Prompting = Prompting.FULL,
        language: str = "English",
        seed: int = 1,
    ) -> None:
        self.planner = Planner(planner, pick=pick, prompting=prompting)
        self.responder = Responder(responder, language=language, prompting=prompting)
        self.judge = Critic(judge, language=language)
        self.joint = joint_prompt(prompting)
        self.language, self.seed = language, seed

    def models(self) -> dict[str, str]:
        """Spec by role, without secrets."""
        return {"planner": self.planner.chat.spec, "responder": self.responder.chat.spec, "judge": self.judge.chat.spec}

    def fingerprints(self) -> dict[str, str]:
        """Of the prompt files in use, by name."""
        judge = (self.judge.reflect_prompt, self.judge.critique_prompt, self.judge.refine_prompt)
        return {prompt.name: prompt.fingerprint for prompt in (self.planner.prompt, self.responder.prompt, self.joint, *judge)}

    async def attempt(self, case: Case, kinds: Iterable[PairKind], before: Attempt | None) -> Attempt:
        """What is still missing for these kinds, added to what there was; a failing backend is noted in it.

        Raises:
            RunStop: a server is down for everybody, or the budget is reached.
        """
        start = before or Attempt(dialogue=case.dialogue.id, turn=case.index, crisis=case.crisis)
        asking = _Asking(self, case, start.model_copy(update={"failed": ""}))
        try:
            for kind in [kind for kind in KINDS if kind in kinds]:
                await asking.work(kind)
        except RunStop:
            raise
        except ChatError as error:
            return asking.done.model_copy(update={"failed": f"{error.__class__.__name__}: {error.message}"})
        return asking.done


class _Asking:
    """The calls about one case; nothing is asked twice, and nothing that no pair can come of."""

    def __init__(self, miner: Miner, case: Case, done: Attempt) -> None:
        self.miner, self.case, self.done = miner, case, done
        self._reflection: Reflection | None = None
        self._ledger = Ledger()

    async def work(self, kind: PairKind) -> None:
        if kind in (PairKind.STRATEGY, PairKind.JOINT):
            await self._plan()
        if kind is PairKind.STRATEGY:
            return
        gold = await self._judge_gold()
        if kind is PairKind.RATED:
            await self._better(gold)
        elif not faults(gold):
            await self._answer()
            if kind is PairKind.JOINT:
                await self._answer_jointly()

    async def _plan(self) -> None:
        if self.done.planned is None:
            plan = await self.miner.planner.plan(self.case.talk, seed=self._seed("plan"), ledger=self._ledger)
            self._note(planned=plan.strategy)

    async def _judge_gold(self) -> Critique:
        if self.done.gold is None:
            self._note(gold=await self._critique(Draft(text=self.case.text, strategy=self._gold), "gold"))
        assert self.done.gold is not None
        return self.done.gold

    async def _answer(self) -> Version:
        if self.done.reply is None:
            self._note(reply=await self._reply(self._gold, "reply"))
        assert self.done.reply is not None
        return self.done.reply

    async def _answer_jointly(self) -> None:
        """Where the plan is the human's strategy, the reply under it is the responder's of before."""
        planned = self.done.planned
        if self.done.joint is None and planned is not None:
            self._note(joint=self.done.reply if planned is self._gold else await self._reply(planned, "joint"))

    async def _better(self, gold: Critique) -> None:
        """The responder's reply, rewritten until the judge finds nothing; not asked for where nobody knows that this turn was meant."""
        if self.done.better is not None or not blamed(self.case, gold):
            return
        version = await self._answer()
        for round_ in range(1, REWRITES + 1):
            if not faults(version.critique):
                break
            version = await self._rewrite(version, round_)
        self._note(better=version)

    async def _rewrite(self, version: Version, round_: int) -> Version:
        """Under the same strategy: what is wrong with that is left to the planner."""
        findings = tuple(faults(version.critique))
        reflection = await self._reflect()
        refined = await self.miner.judge.refine(
            self.case.talk,
            Draft(text=version.text, strategy=version.strategy),
            Critique(accepted=False, findings=findings),
            reflection,
            seed=self._seed(f"refine {round_}"),
            ledger=self._ledger,
        )
        critique = await self._critique(Refinement(text=refined.text, strategy=version.strategy), f"better {round_}")
        return Version(text=_tidy(refined.text), strategy=version.strategy, critique=critique, refined=round_)

    async def _reply(self, strategy: Strategy, what: str) -> Version:
        draft = await self.miner.responder.respond(self.case.talk, strategy, seed=self._seed(what), ledger=self._ledger)
        draft = draft.model_copy(update={"text": _tidy(draft.text)})
        return Version(text=draft.text, strategy=strategy, critique=await self._critique(draft, what))

    async def _critique(self, reply: Draft | Refinement, what: str) -> Critique:
        reflection = await self._reflect()
        return await self.miner.judge.critique(self.case.talk, reply, reflection, seed=self._seed(f"judge {what}"), ledger=self._ledger)

    async def _reflect(self) -> Reflection:
        if self._reflection is None:
            self._reflection = await self.miner.judge.reflect(self.case.talk, seed=self._seed("reflect"), ledger=self._ledger)
        return self._reflection

    @property
    def _gold(self) -> Strategy:
        assert self.case.gold is not None
        return self.case.gold

    def _seed(self, what: str) -> int:
        return derive_seed(self.miner.seed, self.case.dialogue.id, self.case.index, what)

    def _note(self, **found: object) -> None:
        self.done = self.done.model_copy(update=found)


def missing(case: Case, kinds: Iterable[PairKind], attempt: Attempt | None) -> bool:
    """Whether a model must be asked before these kinds of pair can be made of a case."""
    kinds = set(kinds)
    if attempt is None:
        return bool(kinds)
    if kinds & {PairKind.STRATEGY, PairKind.JOINT} and attempt.planned is None:
        return True
    if not kinds - {PairKind.STRATEGY}:
        return False
    if attempt.gold is None:
        return True
    if PairKind.RATED in kinds and attempt.better is None and blamed(case, attempt.gold):
        return True
    if faults(attempt.gold):
        return False
    return (PairKind.RESPONSE in kinds and attempt.reply is None) or (PairKind.JOINT in kinds and attempt.joint is None)


def faults(critique: Critique) -> list[Finding]:
    """What is wrong with a reply as a reply: a mismatched strategy is the planner's fault."""
    return [finding for finding in critique.findings if finding.error is not PsychError.STRATEGY_MISMATCH]


def clear_faults(critique: Critique) -> list[Finding]:
    """Of these, what the rejected side must show: an error of the implementation that is more than slight."""
    return [finding for finding in faults(critique) if finding.error in IMPLEMENTATION and finding.severity > TOLERATED]


def blamed(case: Case, gold: Critique) -> bool:
    """Whether a low rating is known to mean this turn: it judges no other, or the judge finds a fault in it, too."""
    return case.rating is not None and (case.rating.covers == 1 or bool(faults(gold)))


def _tidy(text: str) -> str:
    return " ".join(text.split())
