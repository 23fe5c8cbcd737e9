"""`holdspace studio`: the stepping debugger as a page, served to a browser on this machine.

    holdspace studio            holdspace studio RUN            holdspace studio RUN 173 --turn 4

NiceGUI carries what the page shows and what is pressed; what is shown is made in `studio/debugger_*.py`, what is done is done by
`graphs.session.Session`.  This module listens, and shares one set of sessions among all browsers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI, Response
from nicegui import Client, ui

from agents.errors import InputError
from studio.debugger_annotate import AnnotatePage
from studio.debugger_guard import Guard
from studio.debugger_page import Page
from studio.debugger_studio import Studio
from studio.opening import Target, backends_of
from studio.serving import is_loopback

_HERE = Path(__file__).parent
_FILES = {"debugger.css": "text/css", "debugger.js": "text/javascript"}
_HEAD = '<link rel="stylesheet" href="/debugger.css"><script defer src="/debugger.js"></script>'


def serve_page(target: Target, *, annotator: str, host: str, port: int, token: str | None, browser: bool) -> int:
    """Serve the page until Ctrl-C; the exit code.

    Args:
        target: what to open first.
        annotator: in whose name pairs are marked.
        host: the address to listen on; other than loopback only with a token.
        port: 0 takes a free one.
        token: what the browser has to show, where given.
        browser: open the page in the browser.

    Raises:
        InputError: what was asked for is not there, or can't be served.
    """
    _check(host, port, token)
    recipe = target.recipe()
    with _listening(host, port) as listener, backends_of(target, recipe) as backends:
        asyncio.run(_serve(Studio(target, recipe, backends, annotator), listener, host, token, browser=browser))
    return 0


def _check(host: str, port: int, token: str | None) -> None:
    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        raise InputError("--token must be visible ASCII characters, at least one.")
    if token is None and not is_loopback(host):
        raise InputError(f"--host {host} can be reached from other machines.", hint="Give a --token that the browser must show.")
    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: must be from 0 (any free one) to 65535.")


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; InputError when it can't."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        raise InputError(
            f"Can't listen on {host} port {port}: {error.strerror}.", hint="Choose another --port, or check --host."
        ) from error
    with listener:
        yield listener


async def _serve(studio: Studio, listener: socket.socket, host: str, token: str | None, *, browser: bool) -> None:
    server = _Server(uvicorn.Config(Guard(make_app(studio), host, token), log_level="warning", ws="wsproto", timeout_graceful_shutdown=1))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.end)
    where = _address(host, listener.getsockname()[1], token)
    await studio.begin()
    print(f"holdspace studio: {where} (Ctrl-C ends it; everything is kept)", flush=True)
    if browser:
        loop.run_in_executor(None, webbrowser.open, where)
    try:
        await server.serve(sockets=[listener])
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        await studio.close()


def _address(host: str, port: int, token: str | None) -> str:
    name = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/{f'?token={quote(token)}' if token else ''}"


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        """Finish; at once when asked again."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _reader(name: str) -> Callable[[], Response]:
    def read() -> Response:
        return Response((_HERE / name).read_text(encoding="utf-8"), media_type=_FILES[name], headers={"Cache-Control": "no-cache"})

    return read


def make_app(studio: Studio) -> FastAPI:
    """The web application: two pages, a style and a script."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    logging.getLogger("nicegui").setLevel(logging.ERROR)

    for name in _FILES:
        app.add_api_route(f"/{name}", _reader(name), include_in_schema=False)

    @ui.page("/", title="holdspace studio")
    async def _studio(client: Client, session: str | None = None) -> Response | None:
        if session is not None and not studio.has(session):
            return Response("There is no such session.\n", 404, media_type="text/plain")
        ui.add_head_html(_HEAD)
        await client.connected(timeout=30)
        await Page(studio, client).show(session)
        return None

    @ui.page("/annotate", title="holdspace: annotate")
    async def _annotate(client: Client) -> None:
        ui.add_head_html(_HEAD)
        await client.connected(timeout=30)
        await AnnotatePage(studio).show(client)

    ui.run_with(
        app,
        title="holdspace studio",
        dark=None,
        tailwind=False,
        gzip_middleware_factory=None,
        binding_refresh_interval=None,
        reconnect_timeout=10,
        message_history_length=200,
        show_welcome_message=False,
    )
    return app
