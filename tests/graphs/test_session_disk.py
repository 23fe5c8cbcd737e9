"""A session on the disk: killed, reopened, of another version, under a wicked name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stepped import SHORT, said, stepping

from agents.chat.port import Role
from agents.errors import InputError
from graphs.session_words import Break
from graphs.sessions import Sessions

HERE = Path(__file__).parent.parent.parent
STORY = """
import asyncio, sys
from pathlib import Path
from graphs.recipe import Recipe
from graphs.sessions import Sessions

async def story():
    session = await Sessions(Path(sys.argv[1])).start(Recipe(seed=3), index=1, name="killed")
    while True:
        halt = await session.step()
        print(halt.at.number, halt.at.checkpoint, halt.at.node, flush=True)

asyncio.run(story())
"""


def test_a_killed_process_loses_no_step_that_it_has_shown(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STORY, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )
    assert process.stdout is not None
    shown = [process.stdout.readline().split() for _ in range(12)]
    process.send_signal(signal.SIGKILL)
    shown += [line.split() for line in process.stdout.read().splitlines()]
    process.wait()
    process.stdout.close()

    async def story(sessions: Sessions) -> None:
        session = await sessions.open("killed")
        kept = [[str(at.number), at.checkpoint, at.node] for at in session.history()]
        assert kept[1 : len(shown) + 1] == shown
        for at in session.history():
            await session.state(at.number)
        assert len((await session.step()).executed) == 1

    stepping(tmp_path, story)


def test_a_step_that_was_committed_but_not_written_down_is_there_after_a_restart(tmp_path: Path) -> None:
    async def before(sessions: Sessions) -> None:
        session = await sessions.start(SHORT, index=2, name="one")
        await session.run_to(Break(node="deliver"))

    stepping(tmp_path, before)
    steps = tmp_path / "sessions" / "one" / "steps.jsonl"
    lines = steps.read_bytes().splitlines(keepends=True)
    steps.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])

    async def after(sessions: Sessions) -> None:
        session = await sessions.open("one")
        assert (session.head().number, session.head().node, session.head().next) == (len(lines), "critique", "deliver")
        assert (await session.step()).executed == ("deliver",)

    stepping(tmp_path, after)


def test_everything_is_as_it_was_after_a_restart(tmp_path: Path) -> None:
    async def before(sessions: Sessions) -> None:
        session = await sessions.start(SHORT, index=2, name="one")
        await session.run_to(Break(turn=2))
        await session.take(Role.RESPONDER)
        await session.set_prompt("planner", "# system\nChoose.\n")
        await session.set_breaks((Break(turn=2, crisis=True),))
        await session.fork(5, name="other")
        kept.update(branches=session.branches, line=session.history(), breaks=session.breaks, texts=await said(session, "main"))

    async def after(sessions: Sessions) -> None:
        session = await sessions.open("one")
        assert await sessions.open("one") is session
        assert (session.branches, session.history(), session.breaks) == (kept["branches"], kept["line"], kept["breaks"])
        assert session.current.name == "other"
        assert await said(session, "main") == kept["texts"]
        assert session.prompts("main")["planner"].strip() == "# system\nChoose."

    kept: dict[str, object] = {}
    stepping(tmp_path, before)
    stepping(tmp_path, after)


def test_a_session_of_another_version_is_refused_in_a_sentence(tmp_path: Path) -> None:
    async def before(sessions: Sessions) -> None:
        await sessions.start(SHORT, name="old")

    stepping(tmp_path, before)
    path = tmp_path / "sessions" / "old" / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 0}))

    async def after(sessions: Sessions) -> None:
        with pytest.raises(InputError, match=r"^Session old was written by another version of holdspace \(layout 0; this one reads 1\)"):
            await sessions.open("old")
        listed = sessions.list()
        assert [info.name for info in listed] == ["old"]
        assert "another version" in str(listed[0].trouble)
        path.write_text("{")
        with pytest.raises(InputError, match="no session that can be read"):
            await sessions.open("old")

    stepping(tmp_path, after)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "", "a/b", ".hidden", "x" * 65, "a\n", "/etc"])
def test_a_name_can_not_leave_the_folder(tmp_path: Path, name: str) -> None:
    async def story(sessions: Sessions) -> None:
        for refused in (sessions.open(name), sessions.delete(name), sessions.start(SHORT, name=name or " ")):
            with pytest.raises(InputError, match="can't be a session's name"):
                await refused

    stepping(tmp_path / "run", story)
    assert list(tmp_path.iterdir()) == []


def test_two_processes_can_not_have_one_session_open(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        await sessions.start(SHORT, name="one")
        other = Sessions(tmp_path)
        with pytest.raises(InputError, match="open in another holdspace"):
            await other.open("one")
        await sessions.close()
        assert (await other.open("one")).name == "one"
        await other.close()

    stepping(tmp_path, story)


def test_a_wrong_spec_or_scenario_leaves_no_folder(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        with pytest.raises(InputError, match="unknown model spec"):
            await sessions.start(SHORT.model_copy(update={"seats": SHORT.seats.model_copy(update={"planner": "nonsense"})}))
        with pytest.raises(InputError, match="There is no scenario"):
            await sessions.start(SHORT, scenario="no-such")
        assert sessions.list() == []

    stepping(tmp_path, story)


def test_a_deleted_session_is_gone(tmp_path: Path) -> None:
    async def story(sessions: Sessions) -> None:
        await sessions.start(SHORT, name="one")
        await sessions.start(SHORT, name="two")
        await sessions.delete("one")
        assert [info.name for info in sessions.list()] == ["two"]
        with pytest.raises(InputError, match="There is no session one"):
            await sessions.delete("one")
        with pytest.raises(InputError, match="There is a session two already"):
            await sessions.start(SHORT, name="two")

    stepping(tmp_path, story)
