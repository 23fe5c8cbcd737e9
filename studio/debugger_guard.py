"""The door of the debugger page: who may come in, and what the page may load.

Every request and every WebSocket passes here.  Host and Origin are checked, so that a web page elsewhere can drive nothing (DNS rebinding,
cross-site WebSocket); a token is asked for where one was given.  The page's policy lets no script run but those it came with, and lets
nothing load from another place.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from studio.serving import is_loopback

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "holdspace_studio"
_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """An ASGI application in front of another one.

    Args:
        app: what is guarded.
        host: the address that is listened on.
        token: what a browser has to show once, in `?token=`; None asks for none.
    """

    def __init__(self, app: App, host: str, token: str | None = None) -> None:
        self.app = app
        self.host = host.lower()
        self.token = token
        self._cookie = hmac.new(token.encode(), b"holdspace studio", sha256).hexdigest() if token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if (trouble := self.refused(scope)) is not None:
            await _refuse(scope, send, 403, trouble)
        elif self.token is None or self._known(scope):
            await self.app(scope, receive, send if scope["type"] == "websocket" else _Page(send).send)
        elif scope["type"] == "http" and self._shown(scope):
            await _redirect(scope, send, self._cookie)
        else:
            await _refuse(scope, send, 401, "The token is missing or wrong: open the address that holdspace studio printed.")

    def refused(self, scope: Scope) -> str | None:
        """Why a request is turned away, in a sentence; None when its Host and Origin may come in."""
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        if not self._is_ours(_hostname(f"//{host}")):
            return "This address is not one of the page's: open it by the one that holdspace studio printed."
        if origin and _netloc(origin) != host.lower():
            return "Pages of other sites are not served here."
        return None

    def _is_ours(self, name: str) -> bool:
        if is_loopback(name):
            return True
        if is_loopback(self.host):
            return False
        return name in (self.host, socket.gethostname().lower(), socket.getfqdn().lower()) or _is_address(name)

    def _known(self, scope: Scope) -> bool:
        try:
            found = SimpleCookie(_header(scope, b"cookie")).get(COOKIE)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self._cookie.encode())

    def _shown(self, scope: Scope) -> bool:
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token", "")
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())


class _Page:
    """Sends a response on; an HTML page gets a policy under which only its own scripts run."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: MutableMapping[str, Any] | None = None
        self._body = b""

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_SAFE]
            if any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"]):
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._whole(self._start)
            return
        await self._send(message)

    async def _whole(self, start: MutableMapping[str, Any]) -> None:
        nonce = secrets.token_urlsafe(18)
        body = self._body.replace(b"<script", b'<script nonce="%s"' % nonce.encode())
        headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        own = [
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", policy(nonce).encode()),
            (b"cache-control", b"no-store"),
        ]
        await self._send({**start, "headers": [*headers, *own]})
        await self._send({"type": "http.response.body", "body": body})


def policy(nonce: str) -> str:
    """The page's Content-Security-Policy.  `unsafe-eval` is for Vue's template compiler; no text of a talk ever comes near a template."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": text})
        return
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain; charset=utf-8"), *_SAFE]})
    await send({"type": "http.response.body", "body": f"{text}\n".encode()})


async def _redirect(scope: Scope, send: Send, cookie: str) -> None:
    """To the same address without the token, which the browser now knows by a cookie."""
    query = urlencode([pair for pair in parse_qsl(scope["query_string"].decode("latin-1")) if pair[0] != "token"])
    where = "/annotate" if scope["path"] == "/annotate" else "/"
    kept = f"{COOKIE}={cookie}; HttpOnly; SameSite=Lax; Path=/"
    headers = [(b"location", f"{where}{'?' + query if query else ''}".encode()), (b"set-cookie", kept.encode()), *_SAFE]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _header(scope: Scope, name: bytes) -> str:
    """A header; more than one of it count as a wrong one."""
    found = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return found[0] if len(found) == 1 else "" if not found else ", ".join(found)


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    """An IP address can't be rebound by a name server."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
