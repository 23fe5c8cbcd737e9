"""Who may come in to the debugger page, and that no name from a browser reaches a file."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner
from ui.served import Served

from agents.errors import InputError
from studio.cli import app as command_line
from studio.debugger_guard import COOKIE

PATHS = ("../../etc/passwd", "..", "/etc/passwd", "a/b", "....//x", "\x00", "%2e%2e%2fpasswd")
SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes


def ask(url: str, path: str, **headers: str) -> Answer:
    """What a server answers to a request, as it is."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)) as connection:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        with closing(answer):
            return Answer(answer.status, answer.headers, b"" if answer.status == 101 else answer.read())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("door")


@pytest.fixture(scope="module")
def url(home: Path, installed: None) -> Iterator[str]:
    """One server for all that only knock."""
    served = Served("--out", home / "out", "--session", "one")
    yield served.url
    assert served.end() == ""


def test_pages_elsewhere_can_drive_nothing(url: str) -> None:
    host = urlsplit(url).netloc
    assert ask(url, "/").status == 200
    assert ask(url, "/", Origin=f"http://{host}").status == 200
    for path in ("/", "/annotate", "/debugger.js", SOCKET, SOCKET.replace("websocket", "polling")):
        upgrade = UPGRADE if path == SOCKET else {}
        for headers in ({"Host": "evil.example"}, {"Host": f"evil.example:{urlsplit(url).port}"}, {"Host": ""}, {"Origin": "http://evil.example"},
                        {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": f"http://{host}.evil.example"}):  # fmt: skip
            assert ask(url, path, **headers, **upgrade).status == 403, (path, headers)
    assert ask(url, SOCKET, **UPGRADE, Origin=f"http://{host}").status == 101


def test_no_name_from_the_address_reaches_a_file(url: str) -> None:
    for name in ("..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "..", "%00"):
        for path in (
            f"/?session={name}",
            f"/{name}",
            f"/debugger.css%2f..%2f{name}",
            f"/_nicegui/3/static/{name}",
            f"/_nicegui/x/resources/{name}/{name}",
        ):
            answer = ask(url, path)
            assert answer.status in (404, 307), path
            assert b"root:" not in answer.body


def test_no_name_from_the_socket_reaches_a_file(home: Path, url: str, tab: Any) -> None:
    tab.goto(url)
    tab.wait_for_selector(".node.following:visible")
    before = sorted(path.relative_to(home) for path in home.rglob("*"))
    for name in PATHS:
        for act in ({"act": "session", "session": name}, {"act": "episode", "index": name}, {"act": "branch", "branch": name},
                    {"act": "compare", "branch": name}, {"act": "mark", "better": name, "worse": name}, {"act": "look", "at": name},
                    {"act": "new", "index": "0", "name": name or "x"}, {"act": "new", "index": "0", "scenario": name}, {"act": name},
                    {"act": "fork", "at": "1", "name": name}, {"act": "prompt", "name": name, "text": "# system\nx"},
                    {"act": "edit", "at": "1", "path": name, "value": "1"}, {"act": "sheet", "sheet": "edit", "at": name},
                    {"act": "node", "node": name}, {"act": "take", "seat": name}, {"act": "unbreak", "place": name}):  # fmt: skip
            tab.evaluate(
                "act => { document.querySelector('.p-notice').dataset.old = '1'; emitEvent('act', {act: 'hush'}); emitEvent('act', act); }",
                act,
            )
            tab.wait_for_selector(".p-notice .bad, .looking", timeout=5_000)
            assert tab.locator(".p-top .name").text_content() == "one"
    for odd in ({"act": 7}, "step", None, ["step"], {"act": {"x": 1}}):
        tab.evaluate("act => emitEvent('act', act)", odd)
    tab.wait_for_timeout(200)
    assert sorted(path.relative_to(home) for path in home.rglob("*") if "-wal" not in path.name and "-shm" not in path.name) == [
        path for path in before if "-wal" not in path.name and "-shm" not in path.name
    ]


def test_the_page_is_shut_in_by_its_policy(url: str, browser: Any) -> None:
    tab = browser.new_page()  # what is refused here is wrong anywhere else
    policy = ask(url, "/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    tab.goto(url)
    tab.wait_for_selector(".node:visible")
    ran = tab.evaluate(
        "() => new Promise(done => { const box = document.createElement('div'); box.innerHTML = '<img src=data:, onerror=\"window.ran=1\">';"
        " document.body.append(box); setTimeout(() => { box.remove(); done(window.ran ?? 0); }, 300); })"
    )
    assert ran == 0
    assert tab.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', error => error.name)") == "TypeError"
    tab.close()


def test_other_machines_need_a_token() -> None:
    for arguments, message in (
        (["--host", "0.0.0.0"], "can be reached from other machines"),
        (["--token", "a b"], "must be visible ASCII"),
        (["--port", "70000"], "must be from 0"),
    ):
        with pytest.raises(InputError, match=message):
            CliRunner().invoke(command_line, ["studio", "--no-browser", *arguments], catch_exceptions=False)


def test_the_token_is_asked_for_once(tmp_path: Path, serve: Callable[..., Any], tab: Any) -> None:
    shown_url = serve("--out", tmp_path, "--host", "0.0.0.0", "--token", "sesame").url
    bare = shown_url.partition("?")[0]
    assert ask(bare, "/").status == 401
    assert ask(bare, "/?token=wrong").status == 401
    assert ask(bare, "/", Cookie=f"{COOKIE}=wrong").status == 401
    assert ask(bare, SOCKET, **UPGRADE).status == 403
    assert ask(bare, "/?token=sesame", Host="evil.example").status == 403
    shown = ask(bare, "/?token=sesame&session=x")
    assert (shown.status, shown.headers["location"]) == (303, "/?session=x")
    assert "sesame" not in shown.headers["set-cookie"]
    tab.goto(shown_url)
    tab.wait_for_selector(".node:visible")
    assert "sesame" not in tab.url
    tab.keyboard.press("b")
    tab.wait_for_selector(".sheet")
