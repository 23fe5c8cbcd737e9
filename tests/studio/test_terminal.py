"""The terminal face as its user meets it: lines in, text out, in a process of its own."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.errors import InputError
from agents.words import PsychError, Strategy
from graphs.session_words import Break
from simulator.episode import Episode
from simulator.store import EPISODES, read_episodes
from studio.terminal_words import break_of, completions, error_of, plain, strategy_of
from training.pair import PairKind
from training.pairstore import read_pairs

HERE = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-c", "from studio.cli import main\nmain()", "studio", "--terminal", "--annotator", "ann"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE), "COLUMNS": "100", "TERM": "xterm"}


def typed(lines: str, *arguments: object, code: int = 0) -> str:
    """What the terminal prints when these lines are typed."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], input=lines, env=ENVIRONMENT, cwd=HERE, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return " ".join((done.stdout + done.stderr).split())


def test_the_whole_story_and_going_on_after_a_restart(tmp_path: Path) -> None:
    out = typed(
        "step\nstep 3\nturn\nbreak turn=3 plan\ncontinue\nedit mind.trust 7\nedit mind.trust 0.5\nfork t2 suggestion name=what-if\nturn\n"
        "diff main what-if\nmark what-if main It's warmer.\ntake responder\nbreak clear\ncontinue\nsay That isn't \"nothing\".\n",
        "--out",
        tmp_path,
        "--session",
        "story",
        "--index",
        "1",
    )
    assert "Halted at: turn=2." in out
    assert "Halted at: node=plan turn=3." in out
    assert "mind.trust: input should be less than or equal to 1 (it was to be 7)" in out
    assert "mind.trust = 0.5 main stands at" in out
    assert "what-if stands at" in out
    assert "Common: 3 utterances" in out
    assert "It is your turn as the responder: say ..." in out
    assert 'respond That isn\'t "nothing".' in out
    again = typed("branches\ntalk\ngive responder\ncontinue\nexport\nquit\n", "--out", tmp_path, "--session", "story")
    assert re.search(r"Session story, branch what-if, turn 3, next \w+", again)
    assert "The talk is over" in again
    pairs = list(read_pairs(tmp_path / "pairs"))
    assert pairs
    assert {pair.kind for pair in pairs} <= {PairKind.STRATEGY, PairKind.JOINT, PairKind.RESPONSE}
    assert {(pair.kept.judge, pair.kept.why, pair.turn) for pair in pairs} == {("human:ann", "It's warmer.", 3)}
    kept = next(read_episodes(tmp_path / "sessions" / "story" / EPISODES))
    assert 'That isn\'t "nothing".' in [turn.draft.text for turn in kept.turns if turn.speaker == "supporter" and turn.draft]
    assert "A person was at respond in turn 3." in kept.notes


def test_an_episode_of_a_run_is_lived_again(run_folder: Path, episodes: list[Episode], tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("run.yaml", EPISODES):
        (run / name).write_bytes((run_folder / name).read_bytes())
    episode = next(item for item in episodes if item.outcome.supporter_turns >= 5 and not item.crisis)
    out = typed("talk\ncontinue\ntalk\nquit\n", run, episode.index, "--turn", "3")
    assert f"Session episode-{episode.index}, branch turn-3, turn 3, next plan." in out
    for turn in episode.turns:
        assert " ".join(turn.text.split()) in out


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("frok", "There is no command 'frok', did you mean 'fork'"),
        ("break foo=1", "'foo=1' is no condition"),
        ("break turn=x", "turn: Input should be a valid integer"),
        ("fork t9", "has no screen in turn 9"),
        ("fork hug", "'hug' is no strategy"),
        ("fork 77", "There is no checkpoint 77"),
        ("say hello", "Nobody waits for a word"),
        ("take critic", "The critic's seat can't be taken"),
        ("seat responder nonsense", "unknown model spec"),
        ("prompt responder /no/such/file", "/no/such/file can't be read"),
        ("edit mind", "What shall stand there?"),
        ("diff main nobody", "There is no branch 'nobody'"),
        ("export", "is not over"),
        ("break 'x", "A quote is not closed"),
        ("__init__", "There is no command"),
    ],
)
def test_a_line_that_can_not_be_done_is_one_sentence(commands: object, line: str, sentence: str) -> None:
    assert sentence in str(commands[line])  # type: ignore[index]


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The answer to each of the lines above, from one visit."""
    mark = next(item for item in test_a_line_that_can_not_be_done_is_one_sentence.pytestmark if item.name == "parametrize")
    lines = [line for line, _ in mark.args[1]]
    out = typed("".join(f"{line}\n" for line in lines), "--out", tmp_path_factory.mktemp("bad"))
    answers = re.split(r"\(main 1 t1 > seeker\) ", out)[1:]
    return dict(zip(lines, answers, strict=False))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("no-such-folder",), "no-such-folder can't be read"),
        (("--turn", "3"), "--turn needs an episode"),
        (("--scenario", "no-such"), "There is no scenario 'no-such'"),
        (("--session", "../../etc/passwd"), "can't be a session's name"),
        (("--index", "-1"), "--index -1"),
    ],
)
def test_what_can_not_be_opened_is_refused(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in typed("", *arguments, "--out", tmp_path / "out", code=2)
    assert not (tmp_path / "out" / "sessions").exists()


def test_an_old_session_is_refused_in_a_sentence(tmp_path: Path) -> None:
    typed("step\n", "--out", tmp_path, "--session", "old")
    path = tmp_path / "sessions" / "old" / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 0}))
    assert "was written by another version of holdspace" in typed("", "--out", tmp_path, "--session", "old", code=2)


def test_completion_history_and_leaving_at_a_real_terminal(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(HERE)
        os.execve(COMMAND[0], [*COMMAND, "--out", str(tmp_path), "--session", "tty"], ENVIRONMENT)
    seen = ""

    def until(words: str) -> None:
        nonlocal seen
        deadline = time.monotonic() + 60
        while words not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")

    def type_(text: str) -> None:
        nonlocal seen
        seen = ""
        os.write(terminal, text.encode())

    until("(main 1 t1 > seeker)")
    type_("\r")
    until("(main 2 t1 > screen)")
    type_("hist\t\r")
    until("history")
    until("(main 2 t1 > screen)")
    type_("\x1b[A\r")
    until("history")
    until("(main 2 t1 > screen)")
    type_("half a li\x03")
    until("(main 2 t1 > screen)")
    type_("\x04")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert "history" in (tmp_path / "sessions" / ".terminal_history").read_text()


def test_strategies_and_errors_go_by_a_part_of_their_name() -> None:
    assert strategy_of("suggest") is Strategy.SUGGESTION
    assert strategy_of("reflection of feelings") is Strategy.REFLECTION
    assert strategy_of("self-disclosure") is Strategy.SELF_DISCLOSURE
    assert error_of("template") is PsychError.TEMPLATE_RESPONSE
    with pytest.raises(InputError, match="several"):
        strategy_of("in")


def test_conditions_make_a_breakpoint() -> None:
    assert break_of(["plan", "turn=3", "strategy=question", "emotion<2.5", "crisis"]) == Break(
        node="plan", turn=3, strategy=Strategy.QUESTION, emotion_below=2.5, crisis=True
    )
    with pytest.raises(InputError, match="needs a condition"):
        break_of([])


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert plain("a\x1b]0;title\x07b\x9b31mc\nd\te\x7f") == "a\u00b7]0;title\u00b7b\u00b731mc\nd\te\u00b7"


def test_completions_follow_the_command() -> None:
    known = {"commands": ["step", "state", "fork"], "branches": ["main", "more"], "prompts": ["planner"], "paths": ["mind"]}
    assert completions([], "st", known) == ["step", "state"]
    assert completions(["diff", "main"], "mo", known) == ["more"]
    assert completions(["fork"], "sug", known) == []
    assert completions(["fork"], "prov", known) == ["providing"]
    assert completions(["take"], "", known) == ["seeker", "planner", "responder"]
