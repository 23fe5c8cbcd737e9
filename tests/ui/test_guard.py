"""Which names the debugger page may be called by: the guard alone, without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from studio.debugger_guard import COOKIE, Guard


def answered(guard: Guard, kind: str, *headers: tuple[bytes, bytes]) -> bool:
    """Whether a guard lets a request through."""
    through: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        through.append(True)

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        pass

    guard.app = app
    asyncio.run(guard({"type": kind, "path": "/", "query_string": b"", "headers": list(headers)}, receive, send))
    return bool(through)


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_names_by_which_the_page_may_be_called(kind: str) -> None:
    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        pass

    near = Guard(nothing, "127.0.0.1")
    for host in (b"127.0.0.1:8787", b"localhost:8787", b"[::1]:8787", b"127.3.2.1"):
        assert answered(near, kind, (b"host", host))
        assert answered(near, kind, (b"host", host), (b"origin", b"http://" + host))
    for host in (b"192.168.1.5", b"localhost.evil.example", b"127.0.0.1.evil.example", b"[::1", b"", b"a@b"):
        assert not answered(near, kind, (b"host", host))
    assert not answered(near, kind, (b"host", b"localhost"), (b"host", b"evil.example"))
    assert not answered(near, kind)
    far = Guard(nothing, "0.0.0.0", "sesame")
    cookie = (b"cookie", f"{COOKIE}={far._cookie}".encode())
    assert answered(far, kind, (b"host", b"192.168.1.5:8787"), cookie)
    assert not answered(far, kind, (b"host", b"192.168.1.5:8787"))
    assert not answered(far, kind, (b"host", b"evil.example"), cookie)
