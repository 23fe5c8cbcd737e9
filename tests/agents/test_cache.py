from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_chat import OPTIONS, ScriptedChat, Verdict, ask

from agents.chat.cache import Cache, CachedChat
from agents.chat.calls import CallLog
from agents.chat.port import Message, Request, Role, Sampling
from agents.errors import ChatError, StorageError

ROOT = Path(__file__).parent.parent.parent
NASTY = 'a\x00b {x} <|im_start|>system \u202eשלום 🫂 "q" \\ \n' + "é" * 100_000


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def sound(path: Path) -> int:
    """Rows of a sound file."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        count = connection.execute("SELECT count(*) FROM answers").fetchone()[0]
    connection.close()
    return int(count)


def both(path: Path, chat: ScriptedChat, request: Request) -> tuple[Any, Any]:
    """The answer of a first run and of a second one."""
    answers = []
    for _ in range(2):
        with Cache(path) as cache:
            answers.append(asyncio.run(CachedChat(chat, cache, {}).complete(request)))
    return answers[0], answers[1]


@pytest.mark.parametrize("text", ["well", NASTY])
def test_a_second_run_does_not_ask_and_answers_the_same(tmp_path: Path, text: str) -> None:
    chat = ScriptedChat(text)
    first, second = both(tmp_path / "cache.sqlite", chat, ask(text))
    assert chat.asked == 1
    assert second.text == first.text == text
    assert (first.usage.cached, second.usage) == (False, first.usage.model_copy(update={"cached": True}))


def test_a_kept_object_is_an_object_again(tmp_path: Path) -> None:
    chat = ScriptedChat('{"good": true}')
    chat.parsed = Verdict(good=True)
    _, second = both(tmp_path / "cache.sqlite", chat, ask(schema=Verdict))
    assert (chat.asked, second.parsed) == (1, Verdict(good=True))


def test_a_kept_distribution_is_the_same_to_the_last_bit(tmp_path: Path) -> None:
    chat = ScriptedChat()
    for _ in range(2):
        with Cache(tmp_path / "cache.sqlite") as cache:
            choice = asyncio.run(CachedChat(chat, cache, {}).choose(ask(), OPTIONS))
    assert (chat.asked, choice.probabilities, choice.rationale, choice.usage.cached) == (1, chat.probabilities, "so", True)


def test_an_answer_is_there_at_once_and_not_only_when_it_is_in_the_file(tmp_path: Path) -> None:
    chat = ScriptedChat()

    async def twice(cached: CachedChat) -> None:
        for _ in range(2):
            await cached.complete(ask())

    with Cache(tmp_path / "cache.sqlite") as cache:
        asyncio.run(twice(CachedChat(chat, cache, {})))
    assert chat.asked == 1


def other_roles(request: Request) -> Request:
    messages = (Message(role="user", content="Be kind."), Message(role="system", content="hello"))
    return Request(role=request.role, task="test", messages=messages, fingerprint="f", seed=1)


OTHERS: dict[str, Callable[[ScriptedChat, Cache], Any]] = {
    "text": lambda chat, cache: CachedChat(chat, cache, {}).complete(ask("hello ")),
    "who says it": lambda chat, cache: CachedChat(chat, cache, {}).complete(other_roles(ask())),
    "seed": lambda chat, cache: CachedChat(chat, cache, {}).complete(ask(seed=2)),
    "schema": lambda chat, cache: CachedChat(chat, cache, {}).complete(ask(schema=Verdict)),
    "sampling": lambda chat, cache: CachedChat(chat, cache, {Role.CRITIC: Sampling(temperature=0.1)}).complete(ask()),
    "identity": lambda chat, cache: CachedChat(chat, cache, {}, identity="other weights").complete(ask()),
    "options": lambda chat, cache: CachedChat(chat, cache, {}).choose(ask(), OPTIONS),
    "model": lambda chat, cache: CachedChat(ScriptedChat(spec="openai:n"), cache, {}).complete(ask()),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_question_is_asked(tmp_path: Path, what: str) -> None:
    chat = ScriptedChat()
    with Cache(tmp_path / "cache.sqlite") as cache:
        asyncio.run(CachedChat(chat, cache, {}).complete(ask()))
        answer = asyncio.run(OTHERS[what](chat, cache))
    assert answer.usage.cached is False


def test_another_role_with_the_same_sampling_shares_the_answer(tmp_path: Path) -> None:
    chat = ScriptedChat()
    with Cache(tmp_path / "cache.sqlite") as cache:
        cached = CachedChat(chat, cache, {Role.SEEKER: Sampling(), Role.JUDGE: Sampling()})
        for role in (Role.SEEKER, Role.JUDGE):
            asyncio.run(cached.complete(ask(role=role)))
    assert chat.asked == 1


def test_what_is_no_answer_is_not_kept(tmp_path: Path) -> None:
    chat = ScriptedChat(" \n")
    chat.probabilities = {"Question": 1.0}
    with Cache(tmp_path / "cache.sqlite") as cache:
        cached = CachedChat(chat, cache, {})
        for _ in range(2):
            asyncio.run(cached.complete(ask()))
            asyncio.run(cached.choose(ask(), OPTIONS))
        chat.text = "prose"
        for _ in range(2):
            asyncio.run(cached.complete(ask(schema=Verdict)))
        chat.error = ChatError("down")
        for _ in range(2):
            with pytest.raises(ChatError):
                asyncio.run(cached.complete(ask()))
    assert chat.asked == 8
    assert sound(tmp_path / "cache.sqlite") == 0


@pytest.mark.parametrize("row", ["", "no json", "[1]", "{}", '{"text": "x", "parsed": {"good": "perhaps"}, "usage": {"model": "m"}}'])
def test_a_row_that_makes_no_sense_is_asked_for_again(tmp_path: Path, row: str) -> None:
    chat, path = ScriptedChat('{"good": true}'), tmp_path / "cache.sqlite"
    chat.parsed = Verdict(good=True)
    with Cache(path) as cache:
        asyncio.run(CachedChat(chat, cache, {}).complete(ask(schema=Verdict)))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE answers SET answer = ?", (row,))
    connection.close()
    with Cache(path) as cache:
        again = asyncio.run(CachedChat(chat, cache, {}).complete(ask(schema=Verdict)))
        assert cache.trouble == ""
    assert (again.parsed, chat.asked) == (Verdict(good=True), 2)


def test_the_cache_answers_are_noted_as_such(tmp_path: Path) -> None:
    calls = CallLog()
    with Cache(tmp_path / "cache.sqlite") as cache:
        cached = CachedChat(ScriptedChat(), cache, {}, calls=calls)
        for _ in range(3):
            asyncio.run(cached.complete(ask()))
    total = calls.total()
    assert (total.calls, total.cached, total.attempts, total.saved_tokens, total.p50) == (2, 2, 0, 220, None)


WRITER = """
import sys
from pathlib import Path
from agents.chat.cache import Cache
path, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with Cache(path) as cache:
    for number in range(first, first + count):
        cache.put(number.to_bytes(4, "big"), {"number": number, "text": "x" * 500})
        assert cache.get(number.to_bytes(4, "big")) == {"number": number, "text": "x" * 500}
print(cache.trouble)
"""


def test_many_processes_write_one_new_cache(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cache.sqlite"
    writers = [python(WRITER, path, 500 * number, 1000) for number in range(6)]  # each shares half its keys with the next
    assert [writer.communicate(timeout=60)[0].strip() for writer in writers] == [""] * 6
    assert [writer.returncode for writer in writers] == [0] * 6
    assert sound(path) == 3500
    with Cache(path) as cache:
        assert all((cache.get(key(number)) or {})["number"] == number for number in range(3500))


RACER = """
import sys, time
from pathlib import Path
from agents.chat.cache import Cache
folder, start = Path(sys.argv[1]), float(sys.argv[2])
for number in range(25):
    while time.time() < start + number * 0.03:
        pass
    with Cache(folder / f"{number}.sqlite") as cache:
        cache.put(sys.argv[3].encode(), {})
"""


def test_processes_that_make_one_new_cache_at_the_same_instant_all_get_it(tmp_path: Path) -> None:
    start = time.time() + 1.5
    racers = [python(RACER, tmp_path, start, name) for name in "abcd"]
    for racer in racers:
        racer.communicate(timeout=60)
    assert [racer.returncode for racer in racers] == [0] * 4
    assert [sound(path) for path in sorted(tmp_path.glob("*.sqlite"))] == [4] * 25


ENDLESS = """
import itertools, sys, time
from pathlib import Path
from agents.chat.cache import Cache
with Cache(Path(sys.argv[1])) as cache:
    for number in itertools.count(int(sys.argv[2])):
        cache.put(number.to_bytes(4, "big"), {"number": number, "text": "x" * 500})
        time.sleep(0.0005)
"""


def test_a_killed_writer_leaves_a_sound_file_without_holes(tmp_path: Path) -> None:
    path, kept = tmp_path / "cache.sqlite", 0
    for first in (0, 100_000, 200_000):
        writer = python(ENDLESS, path, first)
        until, found = time.monotonic() + 30, False
        with Cache(path) as reader:
            while not found and time.monotonic() < until:
                found = reader.get(key(first + 100)) is not None
        time.sleep(0.05)
        writer.kill()
        writer.communicate()
        new = sound(path) - kept
        assert new > 100
        with Cache(path) as cache:
            assert all(cache.get(key(first + number)) for number in range(new))
            cache.put(b"after" + key(first), {"fine": True})
        kept += new + 1
        assert sound(path) == kept


def test_a_lock_held_elsewhere_does_not_hold_up_the_calls(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    with Cache(path) as cache:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        for number in range(500):
            cache.put(key(number), {"number": number})
            assert cache.get(key(number)) == {"number": number}
        assert time.monotonic() - start < 2
        other.execute("ROLLBACK")
        other.close()
    assert sound(path) == 500


def test_a_cache_that_breaks_in_mid_run_stops_caching_and_not_the_run(tmp_path: Path) -> None:
    chat, path = ScriptedChat(), tmp_path / "cache.sqlite"
    with Cache(path) as cache:
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE answers")
        connection.close()
        for seed in range(3):
            assert asyncio.run(CachedChat(chat, cache, {}).complete(ask(seed=seed))).text == "well"
    assert chat.asked == 3
    assert str(path) in cache.trouble


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()


SPOILT: dict[str, Callable[[Path], Any]] = {
    "no database": lambda path: path.write_text("notes " * 500, encoding="utf-8"),
    "another's database": foreign,
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_file_that_is_no_cache_is_refused_in_a_sentence(tmp_path: Path, what: str) -> None:
    path = tmp_path / "cache.sqlite"
    SPOILT[what](path)
    with pytest.raises(StorageError, match=r"cache\.sqlite .*\. .*--no-cache"):
        Cache(path)


def test_nothing_that_was_asked_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    with Cache(path) as cache:
        asyncio.run(CachedChat(ScriptedChat("fine"), cache, {}, identity="sk-secret").complete(ask("very private")))
    content = path.read_bytes()
    assert b"fine" in content
    assert b"private" not in content
    assert b"sk-secret" not in content
