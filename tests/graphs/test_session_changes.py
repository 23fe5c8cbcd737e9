"""Changing a session: edits, forks, seats, prompts, hands; and that what it comes from stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stepped import SHORT, StubBackends, said, stepping

from agents.chat.port import Role
from agents.errors import InputError
from agents.words import Strategy
from graphs.casting import with_source
from graphs.recipe import Recipe
from graphs.session_words import Break, Kind, Why
from graphs.sessions import Sessions
from simulator.episode import Episode, SeekerTurn, StopReason
from simulator.intent import Move

RECIPE = with_source(Recipe(seed=3))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("mind.trust", 7, r"^mind\.trust: input should be less than or equal to 1 \(it was to be 7\)"),
        ("mind.trusst", 0.5, r"^mind\.trusst: there is no key 'trusst'.*trust"),
        ("mnd.trust", 0.5, r"^mnd\.trust: there is no key 'mnd' to edit.*mind"),
        ("plan.strategy", "Hug", r"^plan\.strategy: input should be 'Question', "),
        ("plan.distribution.Question", 3.0, r"^plan\.distribution\.Question: .* a sum of 1"),
        ("versions.0.text", "", r"^versions\.0\.text: string should have at least 1 character"),
        ("versions.4.text", "x", r"^versions\.4\.text: there is no item 4; it has 1"),
        ("critiques.0.findings", 3, r"^critiques\.0\.findings: "),
        ("turns.0.speaker", "supporter", r"^turns\.0"),
        ("turns", [], r"^turns: too much at once"),
        ("crisis", None, r"^crisis: the gate can't be edited"),
        ("ledger.0.model", "other", r"^ledger\.0\.model: "),
        ("cast.persona.age.years", 3, r"^cast\.persona\.age\.years: "),
        ("seed", -1, r"^seed: "),
    ],
)
def test_an_edit_that_can_not_stand_is_refused_with_its_path(tmp_path: Path, path: str, value: Any, complaint: str) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=0)
        await session.run_to(Break(node="deliver"))
        before, history = await session.state(), session.history()
        with pytest.raises(InputError, match=complaint):
            await session.edit(path, value)
        assert await session.state() == before
        assert session.history() == history
        assert len(session.branches) == 1

    stepping(tmp_path, story)


def test_an_edit_at_the_head_is_what_the_next_node_sees(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=0)
        await session.run_to(Break(node="respond"))
        made = await session.edit("plan.strategy", "Providing Suggestions")
        assert (made.kind, made.node, made.next) == (Kind.EDIT, "plan", "respond")
        await session.step()
        assert (await session.state())["versions"][0]["strategy"] == "Providing Suggestions"
        await session.run_to(Break(node="screen", turn=2))
        await session.edit("mind.intensity", 1.2)
        state = await session.state()
        assert state["turns"][-1]["mind"]["intensity"] == state["mind"]["intensity"] == 1.2
        assert len(state["turns"]) == 3
        assert [change.what for change in session.current.changes] == [
            "plan.strategy edited at 4",
            f"mind.intensity edited at {session.head().number - 1}",
        ]

    stepping(tmp_path, story)


def test_an_edit_at_an_earlier_checkpoint_makes_a_branch_and_leaves_the_rest(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(SHORT, index=2)
        await session.run_to()
        states = [await session.state(at.number) for at in session.history()]
        history, whole = session.history(), await said(session)
        critiqued = session.at(1, "critique")
        made = await session.edit("critiques.0.accepted", False, at=critiqued.number)
        assert (made.kind, made.node, made.next) == (Kind.FORK, "critique", "refine")
        assert session.current.forked_at == critiqued.number
        assert (await session.run_to()).executed[:2] == ("refine", "critique")
        assert len((await session.state())["turns"][1]["refinements"]) == 1
        assert await said(session, "main") == whole
        assert session.history("main") == history
        assert [await session.state(at.number) for at in history] == states

    stepping(tmp_path, story)


def test_a_seekers_last_turn_that_is_edited_is_screened_and_answered_anew(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=0)
        await session.run_to(Break(node="deliver"))
        made = await session.edit("turns.0.text", "My dog died on Sunday.")
        assert made.next == "screen"
        assert (await session.state())["versions"] == []
        await session.run_to(Break(turn=2))
        with pytest.raises(InputError, match=r"turns\.0\.text: the crisis gate raises its flag"):
            await session.edit("turns.0.text", "I want to kill myself.")

    stepping(tmp_path, story)


def test_what_if_another_strategy(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=0)
        await session.run_to(Break(turn=3))
        history = session.history()
        planned = session.at(2, "plan")
        was = (await session.state(planned.number))["plan"] or {}
        branch = await session.fork(session.at(2, "critique").number, strategy=Strategy.SUGGESTION)
        assert (branch.name, branch.forked_at) == ("providing-2", planned.number - 1)
        halt = await session.run_to(Break(turn=3))
        assert halt.executed[0] == "respond"
        reply = (await session.state())["turns"][-1]
        assert reply["plan"]["strategy"] == reply["draft"]["strategy"] == "Providing Suggestions"
        assert reply["plan"]["distribution"] == was["distribution"]
        assert session.history("main") == history
        apart = await session.diff("main", branch.name)
        assert (apart.base, apart.common) == (history[planned.number - 2], 3)
        assert [turn.strategy for turn in apart.left.turns] == [Strategy(was["strategy"])]
        assert [turn.strategy for turn in apart.right.turns] == [Strategy(reply["strategy"])]
        assert "turns.3.text" in apart.paths
        with pytest.raises(InputError, match="No reply is planned"):
            await session.fork(1, strategy=Strategy.QUESTION)

    stepping(tmp_path, story)


def test_a_marked_pair_holds_the_two_replies_and_what_was_said_before_them(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=0)
        await session.run_to(Break(turn=2))
        branch = await session.fork(session.at(1, "plan").number, strategy=Strategy.SUGGESTION)
        with pytest.raises(InputError, match="has said nothing that"):
            await session.mark_pair("main", branch.name, annotator="ann")
        await session.run_to(Break(turn=2))
        with pytest.raises(InputError, match="annotator's name"):
            await session.mark_pair("main", branch.name, annotator=" ")
        marked = await session.mark_pair("main", branch.name, annotator="ann", reason="It asks first.")
        whole = await said(session, "main")
        assert [turn["text"] for turn in marked.context] == whole[:1]
        assert marked.chosen["text"] == whole[1]
        assert marked.rejected["text"] == (await said(session))[1]
        assert (marked.turn, marked.annotator, marked.reason, marked.crisis) == (1, "ann", "It asks first.", False)
        assert marked.models["responder"] == "rehearsal"
        assert marked.prompts["planner"]

    stepping(tmp_path, story)


def test_seats_and_prompts_are_a_branchs_own(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=0)
        await session.run_to(Break(node="respond"))
        with pytest.raises(InputError, match="unknown model spec"):
            await session.swap(Role.RESPONDER, "nonsense")
        with pytest.raises(InputError, match="secret"):
            await session.swap(Role.RESPONDER, "openai:m@http://me:pass@127.0.0.1:9/v1")
        with pytest.raises(InputError, match=r"unknown variable \{\{mood\}\}.*definition, language, strategy"):
            await session.set_prompt("responder", "# system\nBe {{mood}}.\n")
        with pytest.raises(InputError, match="no '# system' part"):
            await session.set_prompt("responder", "Be kind.")
        with pytest.raises(InputError, match="There is no prompt 'respondr'"):
            await session.set_prompt("respondr", "# system\n")
        assert session.current.seats == {}
        await session.fork(seats={Role.RESPONDER: "local:stub"}, prompts={"responder": "# system\nOnly {{strategy}}.\n"}, name="other")
        await session.step()
        asked = backends.stub.asked[0]
        assert asked.messages[0].content.startswith("Only ")
        assert (await session.state())["versions"][0]["text"] == "I hear you, tell me more."
        assert session.specs()[Role.RESPONDER] == "local:stub"
        await session.select("main")
        await session.step()
        assert len(backends.stub.asked) == 1
        assert session.specs()[Role.RESPONDER] == "rehearsal"
        ledger = (await session.state())["ledger"]
        assert ledger[-1]["fingerprint"] != asked.fingerprint
        await session.swap(Role.RESPONDER, "local:stub")
        await session.run_to(Break(node="critique", turn=2))
        assert len(backends.stub.asked) == 2

    backends = StubBackends()
    stepping(tmp_path, story, backends)


def test_a_person_on_each_seat(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=0)
        with pytest.raises(InputError, match="Take it first: take seeker"):
            await session.say("Hello?")
        for role in (Role.SEEKER, Role.PLANNER, Role.RESPONDER):
            await session.take(role)
        assert (await session.step()).seat is Role.SEEKER
        await session.say("My sister <b>stopped</b> calling. {{braces}}")
        assert (await session.run_to()).seat is Role.PLANNER
        with pytest.raises(InputError, match="says a strategy"):
            await session.say("Question")
        await session.say(strategy=Strategy.REFLECTION, reason="She sounds sad.")
        assert (await session.run_to()).seat is Role.RESPONDER
        await session.say("That sounds lonely.")
        for role in (Role.PLANNER, Role.RESPONDER):
            await session.give_back(role)
        assert (await session.run_to()).seat is Role.SEEKER
        state = await session.state()
        assert await said(session) == ["My sister <b>stopped</b> calling. {{braces}}", state["turns"][1]["text"]]
        assert state["turns"][1]["draft"]["text"] == "That sounds lonely."
        assert state["turns"][1]["plan"]["rationale"] == "She sounds sad."
        assert [entry["model"] for entry in state["ledger"] if entry["task"] in ("speak", "planner", "responder")] == ["human"] * 3
        await session.say("I have to go now, thanks.", move=Move.CLOSE)
        halt = await session.run_to()
        assert halt.why is Why.END
        episode = await session.export()
        assert episode.stop.reason in (StopReason.GOODBYE, StopReason.RELIEVED)
        assert isinstance(episode.turns[2], SeekerTurn)
        assert episode.turns[2].appraisal is not None
        assert "A person was at respond in turn 1." in episode.notes
        with pytest.raises(InputError, match="critic's seat can't be taken"):
            await session.take(Role.CRITIC)

    stepping(tmp_path, story)


def test_rewinding_goes_back_and_keeps_what_came_after(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(SHORT, index=2)
        await session.run_to()
        whole, long = await said(session), session.history()
        branch = await session.rewind(long[6].number)
        assert branch.name == "main"
        assert session.head().next == long[6].next
        assert [item.name for item in session.branches] == ["main-was", "main"]
        assert session.history("main-was") == long
        await session.run_to()
        assert await said(session) == await said(session, "main-was") == whole
        with pytest.raises(InputError, match="There is no checkpoint 9999"):
            await session.rewind(9999)

    stepping(tmp_path, story)


def test_an_episode_is_loaded_rewound_and_lived_again(tmp_path: Path, episodes: list[Episode]) -> None:
    recipe = with_source(Recipe(seed=7, keep_prompts=True))
    episode = next(item for item in episodes if item.outcome.supporter_turns >= 6 and not item.crisis)

    async def story(sessions: Sessions) -> None:
        with pytest.raises(InputError, match="has no turn 99"):
            await sessions.revive(episode, recipe, turn=99)
        assert sessions.list() == []
        session = await sessions.revive(episode, recipe, turn=4)
        assert (session.current.name, session.head().next, session.head().coming) == ("turn-4", "plan", 4)
        assert await said(session) == [turn.text for turn in episode.turns[:7]]
        assert await session.export("main") == episode
        recorded = await session.inspect(session.at(2, "plan", "main").number)
        assert recorded.calls[0].messages is not None
        assert recorded.calls[0].seconds is None
        await session.run_to()
        assert await said(session) == [turn.text for turn in episode.turns]

    stepping(tmp_path, story)


def test_an_unfinished_talk_is_no_episode(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=0)
        await session.step()
        with pytest.raises(InputError, match="is not over"):
            await session.export()

    stepping(tmp_path, story)
