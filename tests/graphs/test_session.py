"""Stepping a session: what runs, and that it is what a batch would have run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from stepped import NODES, SHORT, StubBackends, executed, said, stepping  # noqa: F401

from agents.chat.port import Role, derive_seed
from agents.errors import InputError
from agents.words import PsychError, Strategy
from graphs.casting import Casting, with_source
from graphs.recipe import Recipe, Seats
from graphs.record import make_episode
from graphs.run import run_talk
from graphs.session_replay import cast_of, moments
from graphs.session_words import Break, Event, Kind, Why
from graphs.sessions import Sessions
from simulator.episode import Episode, StopReason

RECIPE = with_source(Recipe(seed=3))


def test_a_session_that_is_only_stepped_ends_as_the_runs_own_episode(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=4)
        while (halt := await session.step()).why is Why.STEP:
            assert len(halt.executed) == 1
        assert halt.why is Why.END
        made = await session.export()
        batch = await run_talk(RECIPE, Casting(RECIPE).cast(4), 4)
        assert made.id != batch.id
        assert made.notes == (*batch.notes, f"Stepped in session {session.name}, branch main.")
        assert made.model_copy(update={"id": batch.id, "notes": batch.notes}) == batch

    stepping(tmp_path, story)


def test_a_recorded_episode_tells_every_state_that_the_graph_went_through(tmp_path: Path, episodes: list[Episode]) -> None:
    recipe = with_source(Recipe(seed=7, keep_prompts=True))
    for episode in episodes:
        last = list(moments(episode))[-1]
        assert make_episode(recipe, cast_of(episode), episode.index, episode.seeds.episode, last.state) == episode
    wanted = next(episode for episode in episodes if any(turn.speaker == "supporter" and turn.refinements for turn in episode.turns))

    async def story(sessions: Sessions) -> None:
        session = await sessions.start(recipe, index=wanted.index)
        await session.run_to()
        told = list(moments(wanted))
        assert [(at.node, at.turn) for at in session.history()] == [(moment.node, moment.turn) for moment in told]
        for at, moment in zip(session.history(), told, strict=True):
            live = {key: value for key, value in (await session.state(at.number)).items() if value is not None and key != "cast"}
            assert live == {key: value for key, value in moment.state.items() if value is not None and key != "cast"}

    stepping(tmp_path, story)


def test_going_on_from_any_checkpoint_runs_the_nodes_that_follow_and_no_others(tmp_path: Path, executed: list[str]) -> None:  # noqa: F811
    """For every node: in the same process, after a restart, and in a branch of a branch."""
    line: list[str | None] = []

    async def lived(sessions: Sessions) -> None:
        session = await sessions.start(SHORT, index=2, name="one")
        await session.run_to()
        line.extend(at.node for at in session.history())

    async def again(sessions: Sessions) -> None:
        session = await sessions.open("one")
        first, whole = session.history("main"), await said(session, "main")
        for at in first[:-1]:
            await session.fork(at.number)
            executed.clear()
            halt = await session.run_to()
            assert list(halt.executed) == executed == line[at.number :], at
            assert await said(session) == whole
            own = [item for item in session.history() if item.thread == session.current.thread]
            assert [item.node for item in own if item.kind is Kind.STEP] == executed
        assert session.history("main") == first

    async def of_a_branch(sessions: Sessions) -> None:
        session = await sessions.open("one")
        branch = session.branches[1]
        for at in session.history(branch.name)[1:-1]:
            await session.fork(at.number)
            executed.clear()
            await session.run_to()
            follow = [item.node for item in session.history(branch.name) if item.number > at.number and item.kind is Kind.STEP]
            assert executed == (follow if at.thread == branch.thread else [*line[at.number : branch.forked_at], *follow])

    async def same_process(sessions: Sessions) -> None:
        await lived(sessions)
        assert {"seeker", "screen", "plan", "respond", "critique", "refine", "deliver"} <= set(line)
        await again(sessions)

    stepping(tmp_path / "same", same_process)
    line.clear()
    stepping(tmp_path / "restarted", lived)
    stepping(tmp_path / "restarted", again)
    stepping(tmp_path / "restarted", of_a_branch)


def test_going_on_into_a_handover_runs_it_and_nothing_else(tmp_path: Path, executed: list[str]) -> None:  # noqa: F811
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(SHORT, index=1)
        await session.run_to(Break(node="plan"))
        await session.edit("turns.0.text", "I want to kill myself.")
        executed.clear()
        assert (await session.run_to()).why is Why.END
        assert executed == ["screen", "handover"]
        screened = next(at for at in session.history() if at.next == "handover")
        await session.fork(screened.number)
        executed.clear()
        await session.run_to()
        assert executed == ["handover"]

    stepping(tmp_path, story)


@pytest.mark.parametrize(
    ("wanted", "node", "after"),
    [
        *((Break(node=name), name, None) for name in NODES if name not in ("handover", "refine")),  # type: ignore[arg-type]
        (Break(turn=3), "seeker", "deliver"),
        (Break(node="respond", turn=2), "respond", "plan"),
        (Break(strategy=Strategy.QUESTION), "respond", "plan"),
        (Break(emotion_below=4.9), "screen", "seeker"),
    ],
)
def test_a_breakpoint_halts_where_it_says(tmp_path: Path, wanted: Break, node: str, after: str | None) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=1)
        await session.step()
        halt = await session.run_to(wanted)
        assert (halt.why, halt.breakpoint, halt.at.next) == (Why.BREAKPOINT, wanted, node)
        assert after is None or halt.at.node == after
        state = await session.state()
        assert wanted.turn is None or halt.at.coming == wanted.turn
        assert wanted.strategy is None or (state["plan"] or {})["strategy"] == wanted.strategy
        assert wanted.emotion_below is None or state["mind"]["intensity"] < wanted.emotion_below

    stepping(tmp_path, story)


def test_breakpoints_on_an_error_and_on_a_crisis(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session = await sessions.start(RECIPE, index=9)
        await session.set_breaks(tuple(Break(error=error) for error in PsychError))
        halt = await session.run_to()
        assert halt.why is Why.BREAKPOINT
        assert halt.breakpoint is not None
        assert halt.at.node == "critique"
        found = (await session.state())["critiques"][-1]["findings"]
        assert halt.breakpoint.error in [finding["error"] for finding in found]
        await session.set_breaks(())
        await session.take(Role.SEEKER)
        while (await session.run_to()).why is not Why.HAND:
            pass
        await session.say("I don't want to live any more, I have the pills here.")
        halt = await session.run_to(Break(crisis=True))
        assert (halt.why, halt.at.node, halt.at.next) == (Why.BREAKPOINT, "screen", "handover")
        halt = await session.run_to()
        assert halt.why is Why.END
        assert (await session.export()).stop.reason is StopReason.CRISIS_HANDOVER

    stepping(tmp_path, story)


def test_the_inspector_shows_prompt_answer_tokens_time_and_attempts(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"seats": Seats(responder="local:stub")})

    async def story(sessions: Sessions) -> None:
        session = await sessions.start(recipe, index=0)
        await session.run_to(Break(node="critique"))
        seen = await session.inspect()
        call = seen.calls[0]
        assert (seen.at.node, call.role, call.model, call.answer) == ("respond", Role.RESPONDER, "stub", "I hear you, tell me more.")
        assert (call.prompt_tokens, call.completion_tokens, call.attempts, call.cached) == (11, 5, 2, False)
        assert call.seconds is not None
        assert call.messages == backends.stub.asked[0].messages
        assert set(seen.changed) == {"versions", "ledger"}
        planned = await session.inspect(session.at(1, "plan").number)
        assert planned.calls[0].parsed == planned.state["plan"]["distribution"]

    backends = StubBackends()
    stepping(tmp_path, story, backends)


def test_a_node_that_fails_can_be_run_again(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"seats": Seats(responder="local:stub")})

    async def story(sessions: Sessions) -> None:
        session = await sessions.start(recipe, index=0)
        await session.run_to(Break(node="respond"))
        backends.stub.broken = True
        before = session.history()
        halt = await session.step()
        assert (halt.why, halt.error) == (Why.FAILED, "The server hung up. Try again.")
        assert halt.calls[0].error == "The server hung up."
        assert session.history() == before
        backends.stub.broken = False
        assert (await session.step()).executed == ("respond",)
        assert (await session.step()).executed == ("critique",)

    backends = StubBackends()
    stepping(tmp_path, story, backends)


def test_stop_cuts_the_node_off_and_it_is_run_again(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"seats": Seats(responder="local:stub")})

    async def story(sessions: Sessions) -> None:
        session = await sessions.start(recipe, index=0)
        backends.stub.gate.clear()
        running = asyncio.create_task(session.run_to())
        while not backends.stub.asked:
            await asyncio.sleep(0.01)
        assert session.busy
        for refused in (session.step(), session.fork(), session.edit("mind.trust", 0.5), session.select("main")):
            with pytest.raises(InputError, match="is being stepped"):
                await refused
        assert session.head().node == "plan"
        session.stop()
        halt = await running
        assert (halt.why, halt.executed, halt.at.next) == (Why.STOPPED, ("seeker", "screen", "plan"), "respond")
        backends.stub.gate.set()
        assert (await session.step()).executed == ("respond",)

    backends = StubBackends()
    stepping(tmp_path, story, backends)


def test_a_listener_hears_each_node_begin_and_end(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        session, heard = await sessions.start(RECIPE, index=0), list[Event]()
        forget = session.listen(heard.append)
        await session.run_to(Break(node="respond"))
        assert [(event.kind, event.node) for event in heard[:-1]] == [
            (kind, node) for node in ("seeker", "screen", "plan") for kind in ("node", "done")
        ]
        assert heard[-1].kind == "halt"
        forget()
        await session.step()
        assert len(heard) == 7

    stepping(tmp_path, story)


def test_twenty_sessions_at_once_do_not_mix(tmp_path: Path) -> None:
    recipe = with_source(Recipe(seed=3, turns=2))

    async def story(sessions: Sessions) -> None:
        started = [await sessions.start(recipe, index=index, name=f"s{index}") for index in range(20)]
        for index, session in enumerate(started):
            await session.set_prompt("planner", f"# system\nSession {index}.\n")
        await asyncio.gather(*(session.run_to() for session in started))
        for index, session in enumerate(started):
            made, batch = await session.export(), await run_talk(recipe, Casting(recipe).cast(index), index)
            assert made.turns == batch.turns
            assert made.seeds.episode == derive_seed(3, "episode", index)
            asked = (await session.inspect(session.at(1, "plan").number)).calls[0].messages
            assert asked is not None
            assert asked[0].content == f"Session {index}."

    stepping(tmp_path, story)
