"""Mining human dialogues: what the models are asked, which pairs come of it, and that nothing is asked twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.chat.port import Choice, Completion, Request, Usage
from agents.critic import Findings
from agents.errors import ChatError, InputError, RunStop
from agents.planner import Pick
from agents.prompting import SILENCE
from agents.words import Finding, PsychError, Reflection, Speaker, Strategy, Utterance
from simulator.dialogue import Dialogue
from simulator.splits import Split
from training.attempts import Attempt, AttemptStore, MineSettings
from training.guards import Tally
from training.ipm import KINDS, Miner
from training.mined import pairs_of
from training.mining import Gate, Progress, attempt_all
from training.pair import Pair, PairKind

S, P = Speaker.SEEKER, Speaker.SUPPORTER
FAULTS = {"stock": PsychError.TEMPLATE_RESPONSE, "cold": PsychError.LACK_EMPATHY, "misread": PsychError.EMOTION_MISREAD}


class Scripted:
    """All three seats: plans a set strategy, replies a set text, and faults replies that hold a word of FAULTS (`slightly`: severity 1)."""

    spec = "scripted"

    def __init__(self, plan: Strategy = Strategy.QUESTION, reply: str = "a stock reply") -> None:
        self.plan, self.reply = plan, reply
        self.asked: list[Request] = []
        self.failing: set[str] = set()
        self.error: Exception = ChatError("the server is busy")

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        self._note(request)
        return Choice(probabilities={option: float(option == self.plan.value) for option in options}, usage=Usage(model="scripted"))

    async def complete(self, request: Request) -> Completion:
        self._note(request)
        if request.task == "reflect":
            found = Reflection(profile="somebody", emotion="sad", intensity=3, need="to be heard")
            return Completion(text="", usage=Usage(model="scripted"), parsed=found)
        if request.task == "critique":
            return Completion(text="", usage=Usage(model="scripted"), parsed=_findings(request))
        text = "mended" if request.task == "refine" else f"{self.reply} under {request.variables['strategy'].value}"
        return Completion(text=text, usage=Usage(model="scripted"))

    def _note(self, request: Request) -> None:
        if request.task in self.failing:
            raise self.error
        self.asked.append(request)

    def tasks(self) -> Counter[str]:
        return Counter(request.task for request in self.asked)


def _findings(request: Request) -> Findings:
    reply = request.variables["reply"]
    severity = 1 if "slightly" in reply else 2
    found = [Finding(error=error, span=word, why=f"it is {word}", severity=severity) for word, error in FAULTS.items() if word in reply]
    mismatch = [Finding(error=PsychError.STRATEGY_MISMATCH, span="x", why="no", severity=2)] if "astray" in reply else []
    return Findings(findings=(*found, *mismatch))


def talk(
    *turns: tuple[Speaker, str, Strategy | None], name: str = "d", stars: dict[int, int] | None = None, split: str = "train"
) -> Dialogue:
    said = tuple(Utterance(speaker=speaker, text=text, strategy=strategy) for speaker, text, strategy in turns)
    feedback = tuple((stars or {}).get(index) for index in range(len(said))) if stars else ()
    return Dialogue(id=name, turns=said, feedback=feedback, split=split)


FEEL = (P, "You sound worn out by this.", Strategy.REFLECTION)
SMALL = talk((S, "I lost my job", None), FEEL)


def settings(**changes: object) -> MineSettings:
    return MineSettings(corpus="c", sha256="0", models={}, fingerprints={}).model_copy(update=changes)


def mine(
    dialogues: Sequence[Dialogue],
    folder: Path,
    chat: Scripted,
    kinds: Sequence[PairKind] = KINDS,
    *,
    crisis: bool = False,
    concurrency: int = 3,
) -> tuple[list[Pair], dict[str, int], Progress]:
    """One run of mining: pairs, dropped candidates by `kind: reason`, progress."""
    miner, tally = Miner(chat, chat, chat, pick=Pick.BEST), Tally()
    with AttemptStore(folder, settings()) as store:
        gate = Gate(store)
        progress = asyncio.run(attempt_all(dialogues, miner, store, kinds, gate, concurrency=concurrency, crisis=crisis))
        pairs = list(pairs_of(dialogues, store, miner, kinds, gate, tally, source="c", crisis=crisis))
    return pairs, {f"{kind.value}: {reason}": count for (kind, reason), count in tally.dropped.items()}, progress


def test_the_four_kinds_of_one_turn(tmp_path: Path) -> None:
    dialogue = talk(
        (S, "I lost my job", None), (P, "a cold reply", Strategy.REFLECTION), (S, "hm", None), FEEL, (S, "yes", None), stars={2: 1}
    )
    pairs, dropped, _ = mine([dialogue], tmp_path, Scripted())
    by_kind = {pair.kind: pair for pair in pairs if pair.turn == 3}
    assert by_kind.keys() == {PairKind.STRATEGY, PairKind.RESPONSE, PairKind.JOINT}
    strategy, response, joint = by_kind.values()
    assert (strategy.chosen, strategy.rejected, strategy.kept.judge) == ("Reflection of feelings", "Question", "gold")
    assert (response.chosen, response.rejected) == (FEEL[1], "a stock reply under Reflection of feelings")
    assert response.chosen_strategy is response.rejected_strategy is Strategy.REFLECTION
    assert (response.kept.error, response.kept.span, response.kept.why) == (PsychError.TEMPLATE_RESPONSE, "stock", "it is stock")
    assert response.kept.why_chosen
    assert (joint.chosen, joint.rejected) == (f"[Reflection of feelings] {FEEL[1]}", "[Question] a stock reply under Question")
    [rated] = [pair for pair in pairs if pair.kind is PairKind.RATED]
    assert (rated.turn, rated.chosen, rated.rejected, rated.kept.ratings) == (1, "mended", "a cold reply", (None, 1))
    assert "seeker rating" in rated.kept.judge
    assert dropped == {f"{kind}: chosen side faulted by the judge: Lack Empathy": 1 for kind in ("response", "joint")}


def test_models_see_the_gold_history_and_never_an_empty_turn(tmp_path: Path) -> None:
    chat = Scripted()
    dialogue = talk((S, "I lost my job", None), FEEL, (P, "What now?", Strategy.QUESTION), (S, "no idea", None), FEEL)
    mine([dialogue], tmp_path, chat, concurrency=1)
    replies = [request.messages for request in chat.asked if request.task == "responder"]
    assert all(message.content.strip() for messages in replies for message in messages)
    again = next(messages for messages in replies if messages[-1].content == SILENCE)
    assert [message.role for message in again] == ["system", "user", "assistant", "user"]
    assert again[2].content == FEEL[1]
    last = next(messages for messages in replies if messages[-1].content == "no idea")
    assert [message.content for message in last[1:]] == ["I lost my job", f"{FEEL[1]}\nWhat now?", "no idea"]


def test_prompts_of_pairs_are_the_ones_that_were_asked(tmp_path: Path) -> None:
    chat = Scripted()
    pairs, _, _ = mine([SMALL], tmp_path, chat)
    asked = {request.task: request for request in chat.asked}
    for kind, task in ((PairKind.STRATEGY, "planner"), (PairKind.RESPONSE, "responder")):
        [pair] = [pair for pair in pairs if pair.kind is kind]
        assert pair.prompt in [tuple(request.messages) for request in chat.asked if request.task == task]
        assert pair.prompts[task] == asked[task].fingerprint


@pytest.mark.parametrize(
    ("gold", "reply", "reason"),
    [
        ("a stock phrase", "a stock reply", "chosen side faulted by the judge: Template Response"),
        ("a slightly cold phrase", "a stock reply", "chosen side faulted by the judge: Lack Empathy"),
        ("clean", "clean too", "no clear fault in the rejected side"),
        ("clean", "a slightly stock reply", "no clear fault in the rejected side"),
        ("clean", "a misread reply", "no clear fault in the rejected side"),
        ("gone astray", "a stock reply", None),
    ],
)
def test_the_filter_has_two_sides(tmp_path: Path, gold: str, reply: str, reason: str | None) -> None:
    dialogue = talk((S, "I lost my job", None), (P, gold, Strategy.REFLECTION))
    pairs, dropped, _ = mine([dialogue], tmp_path, Scripted(reply=reply), [PairKind.RESPONSE])
    assert len(pairs) == (reason is None)
    assert dropped == ({f"response: {reason}": 1} if reason else {})


def test_nothing_is_asked_that_no_pair_can_come_of(tmp_path: Path) -> None:
    flawed = talk((S, "I lost my job", None), (P, "a stock phrase", Strategy.REFLECTION))
    opening = talk((P, "Hello", Strategy.OTHERS), (P, "How are you?", Strategy.QUESTION), (S, "bad", None), name="o")
    unlabelled = talk((S, "hi", None), (P, "Hello", None), name="u")
    chat = Scripted()
    _, dropped, progress = mine([flawed, opening, unlabelled], tmp_path, chat, [PairKind.RESPONSE])
    assert chat.tasks() == {"reflect": 1, "critique": 1}
    assert dropped == {
        "response: chosen side faulted by the judge: Template Response": 1,
        "response: said before the seeker has spoken": 2,
        "response: no strategy in the corpus": 1,
    }
    assert (progress.turns, progress.done, progress.found) == (4, 1, 3)


def test_where_the_plan_is_the_human_one_the_reply_is_asked_once(tmp_path: Path) -> None:
    chat = Scripted(plan=Strategy.REFLECTION)
    pairs, dropped, _ = mine([SMALL], tmp_path, chat)
    assert chat.tasks() == {"planner": 1, "reflect": 1, "critique": 2, "responder": 1}
    assert {pair.kind for pair in pairs} == {PairKind.RESPONSE, PairKind.JOINT}
    assert dropped == {"strategy: the planner chose the human's strategy": 1}


def test_a_rating_of_several_turns_needs_the_judge_to_name_one(tmp_path: Path) -> None:
    two = talk(
        (S, "a", None), (P, "fine words", Strategy.OTHERS), (S, "b", None), (P, "cold words", Strategy.OTHERS), (S, "c", None), stars={4: 2}
    )
    one = talk((S, "a", None), (P, "fine words", Strategy.OTHERS), (S, "b", None), stars={2: 1}, name="one")
    high = talk((S, "a", None), (P, "cold words", Strategy.OTHERS), (S, "b", None), stars={2: 3}, name="high")
    unrated = talk((S, "a", None), (P, "fine", Strategy.OTHERS), (S, "b", None), (P, "cold words", Strategy.OTHERS), stars={2: 5}, name="u")
    after = talk(*((turn.speaker, turn.text, turn.strategy) for turn in two.turns), stars={2: 5, 4: 1}, name="after")
    pairs, dropped, progress = mine([two, one, high, unrated, after], tmp_path, Scripted(), [PairKind.RATED])
    assert [(pair.dialogue, pair.turn, pair.rejected) for pair in pairs] == [
        ("d", 3, "cold words"), ("one", 1, "fine words"), ("after", 3, "cold words"),
    ]  # fmt: skip
    assert pairs[2].kept.why.startswith("Its seeker gave 1 of 5 stars.")
    assert "2 of 5 stars to 2 turns together" in pairs[0].kept.why
    assert dropped == {"rated: rated low with other turns, no fault found in this one": 1}
    assert progress.low_rated == 4


def test_a_better_reply_must_please_the_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dialogue = talk((S, "a", None), (P, "cold words", Strategy.OTHERS), (S, "b", None), stars={2: 1})
    chat = Scripted()
    monkeypatch.setattr("training.ipm.REWRITES", 0)
    pairs, dropped, _ = mine([dialogue], tmp_path, chat, [PairKind.RATED])
    assert pairs == []
    assert dropped == {"rated: no reply that the judge accepts": 1}


def test_a_second_run_asks_nothing_and_another_kind_only_what_is_missing(tmp_path: Path) -> None:
    first, _, progress = mine([SMALL], tmp_path, Scripted(), [PairKind.STRATEGY])
    assert progress.done == 1
    chat = Scripted()
    again, _, progress = mine([SMALL], tmp_path, chat, [PairKind.STRATEGY])
    assert (again, chat.asked, progress.done) == (first, [], 0)
    more, _, _ = mine([SMALL], tmp_path, chat)
    assert chat.tasks() == {"reflect": 1, "critique": 3, "responder": 2}
    assert {pair.kind for pair in more} == {PairKind.STRATEGY, PairKind.RESPONSE, PairKind.JOINT}
    fresh, _, _ = mine([SMALL], tmp_path / "fresh", Scripted())
    assert more == fresh


def test_a_failing_backend_fails_its_turn_alone_and_is_tried_again(tmp_path: Path) -> None:
    chat = Scripted()
    chat.failing = {"responder"}
    pairs, dropped, progress = mine([SMALL, talk(*[(S, "hi", None), FEEL], name="e")], tmp_path, chat)
    assert {pair.kind for pair in pairs} == {PairKind.STRATEGY}
    assert (progress.done, progress.failed, dropped["response: a backend failed"]) == (2, 2, 2)
    assert progress.failures == {"ChatError: the server is busy": 2}
    chat.failing, chat.asked = set(), []
    pairs, dropped, progress = mine([SMALL], tmp_path, chat)
    assert (chat.tasks()["planner"], progress.failed) == (0, 0)
    assert {pair.kind for pair in pairs} == {PairKind.STRATEGY, PairKind.RESPONSE, PairKind.JOINT}


def test_a_stop_of_the_run_keeps_what_was_done(tmp_path: Path) -> None:
    chat = Scripted()
    chat.failing, chat.error = {"responder"}, RunStop("the budget is reached")
    clean = talk((S, "hi", None), (P, "a stock phrase", Strategy.OTHERS), name="e")
    with pytest.raises(RunStop):
        mine([clean, SMALL], tmp_path, chat, concurrency=1)
    with AttemptStore(tmp_path, settings()) as store:
        assert (len(store), store.get("e", 1) is not None) == (1, True)


def test_crisis_talks_are_left_out_before_anybody_is_asked(tmp_path: Path) -> None:
    dark = talk((S, "I want to kill myself tonight.", None), FEEL, name="dark")
    chat = Scripted()
    pairs, dropped, progress = mine([dark], tmp_path, chat)
    assert (pairs, chat.asked, progress.crisis) == ([], [], 1)
    assert dropped == {f"{kind.value}: crisis talk": 1 for kind in KINDS if kind is not PairKind.RATED}
    pairs, _, _ = mine([dark], tmp_path, chat, crisis=True)
    assert pairs
    assert all(pair.crisis for pair in pairs)


def test_a_corpus_keeps_its_own_splits(tmp_path: Path) -> None:
    dialogues = [talk(*[(S, "hi", None), FEEL], name=name, split=name) for name in ("train", "valid", "test")]
    pairs, _, _ = mine(dialogues, tmp_path, Scripted(), [PairKind.STRATEGY])
    assert [pair.split for pair in pairs] == [Split.TRAIN, Split.DEV, Split.TEST]


def test_the_work_file_survives_a_torn_line_and_refuses_what_is_not_its_own(tmp_path: Path) -> None:
    with AttemptStore(tmp_path, settings()) as store:
        store.add(Attempt(dialogue="d", turn=1, crisis=False))
        with pytest.raises(InputError, match="in use"), AttemptStore(tmp_path, settings()):
            pass
    with (tmp_path / "attempts.jsonl").open("a") as file:
        file.write('{"dialogue":"d","tu')
    with AttemptStore(tmp_path, settings()) as store:
        store.add(Attempt(dialogue="d", turn=2, crisis=False, planned=Strategy.OTHERS))
    with AttemptStore(tmp_path, settings()) as store:
        found = store.get("d", 2)
        assert (len(store), found and found.planned) == (2, Strategy.OTHERS)
    with pytest.raises(InputError, match="seed was 1, is 2"), AttemptStore(tmp_path, settings(seed=2)):
        pass
    with (tmp_path / "attempts.jsonl").open("a") as file:
        file.write('{"edited": true}\n')
    with pytest.raises(InputError, match=r"attempts\.jsonl:3"), AttemptStore(tmp_path, settings()):
        pass
