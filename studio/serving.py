"""`holdspace serve`: the supporter of a run behind an OpenAI-compatible server, for other people's clients and evaluation kits.

    POST /v1/chat/completions (whole or streamed)   GET /v1/models   GET /health

It listens on this machine alone, unless it is given a host together with a token.  Without a token it also turns away pages of other sites
that a browser on this machine has open.  What people write is neither logged nor kept.  No TLS: that is a proxy's work.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from agents.errors import HoldspaceError, InputError, RunStop
from graphs.seats import Backends, take_seats
from studio.serving_asked import MODEL, Refused, read_asked
from studio.serving_reply import Reply, Supporter, served_recipe
from studio.serving_said import chunks, completion, model, models, problem

HOST = "127.0.0.1"
PORT = 8765
LARGEST = 4 * 1024 * 1024
"""Bytes of a request."""
FINISHING = 2.5
"""Seconds that replies in the making get when the server is told to end; aiohttp gives them twice."""
BACKLOG = 1024
"""Connections that may wait to be accepted."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve(
    run: Path | None = None,
    *,
    host: str = HOST,
    port: int = PORT,
    token: str | None = None,
    planner: str | None = None,
    responder: str | None = None,
    refine: bool = False,
) -> int:
    """Serve until Ctrl-C; the exit code.

    Args:
        run: a run folder or a recipe file; the defaults without one.
        host: the address to listen on; other than loopback only with a token.
        port: 0 takes a free one.
        token: what every request must bear, where given.
        planner: a model spec in place of the recipe's.
        responder: a model spec in place of the recipe's.
        refine: let the recipe's critic refine the replies.

    Raises:
        InputError: what was asked for can't be served, or not there.
    """
    _check(host, port, token)
    recipe = served_recipe(run, planner=planner, responder=responder, refine=refine)
    backends = Backends()
    supporter = Supporter(recipe, take_seats(recipe, backends), refine=refine)
    app = make_app(supporter, token=token)

    async def close(_: web.Application) -> None:
        await backends.aclose()

    app.on_cleanup.append(close)
    asyncio.run(_listen(app, supporter, host, port))
    return 0


def _check(host: str, port: int, token: str | None) -> None:
    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        raise InputError("--token must be visible ASCII characters, at least one.")
    if token is None and not is_loopback(host):
        raise InputError(f"--host {host} can be reached from other machines.", hint="Give a --token that clients must send, too.")
    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: must be from 0 (any free one) to 65535.")


async def _listen(app: web.Application, supporter: Supporter, host: str, port: int) -> None:
    """Listen, say where, and serve until a signal; replies in the making get a few seconds, or none at a second Ctrl-C."""
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, handler_cancellation=True, shutdown_timeout=FINISHING)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            raise _not_there(host, port, error) from error
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        seats = supporter.seats
        where = f"http://{f'[{host}]' if ':' in host else host}:{site.port}/v1"
        print(f"Listening on {where} (model {MODEL}: planner {seats.planner.chat.spec}, responder {seats.responder.chat.spec})", flush=True)
        await ended.wait()
        loop.remove_signal_handler(signal.SIGINT)
    finally:
        await runner.cleanup()


def _not_there(host: str, port: int, error: OSError) -> InputError:
    if error.errno == errno.EADDRINUSE:
        return InputError(f"Port {port} on {host} is in use.", hint="Choose another --port.")
    if error.errno == errno.EACCES:
        return InputError(f"Port {port} on {host} is not allowed to you.", hint="Choose a --port above 1023.")
    return InputError(f"Can't listen on {host} port {port}.", hint="Check --host.")


def make_app(supporter: Supporter, *, token: str | None = None) -> web.Application:
    """The web application.

    Args:
        supporter: who replies.
        token: what every request must bear; without one, requests must come from this machine and name it.
    """
    service = _Service(supporter, token)
    app = web.Application(middlewares=[service.door], client_max_size=LARGEST)
    app.add_routes(
        [
            web.post("/v1/chat/completions", service.chat),
            web.get("/v1/models", _models),
            web.get(f"/v1/models/{MODEL}", _model),
            web.get("/health", _health),
        ]
    )
    return app


class _Service:
    """What stands behind the paths."""

    def __init__(self, supporter: Supporter, token: str | None) -> None:
        self._supporter = supporter
        self._fingerprint = supporter.recipe.fingerprint
        self._bearer = f"Bearer {token}".encode() if token is not None else None

        @web.middleware
        async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Lets in whom it may, and turns errors into OpenAI's."""
            try:
                self._admit(request)
                return await handler(request)
            except Refused as error:
                return _refusal(error, error.status)
            except web.HTTPRequestEntityTooLarge:
                return _refusal(Refused(f"The request is larger than {LARGEST // 1024**2} MB."), 413)
            except web.HTTPClientError as error:
                return _refusal(Refused(f"{request.method} {request.path}: {error.reason}."), error.status)
            except RunStop as error:
                return _refusal(error, 503)
            except HoldspaceError as error:
                return _refusal(error, 502)

        self.door = door

    def _admit(self, request: web.Request) -> None:
        """Raises Refused for a request without the token, or, where there is none, for one from a page of another site."""
        if self._bearer is not None:
            given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
            if not hmac.compare_digest(given, self._bearer):
                raise Refused("The token is missing or wrong (`Authorization: Bearer TOKEN`).", code="invalid_api_key", status=401)
        elif not _names_loopback(f"//{request.host}") or not _names_loopback(request.headers.get("Origin", f"//{HOST}")):
            raise Refused("Only programs and pages of this machine are served here.", status=403)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """One reply, whole or in chunks."""
        asked = read_asked(await request.read())
        reply = await self._supporter.reply(asked.talk, asked.seed)
        if asked.stream:
            return await self._stream(request, reply, usage=asked.usage)
        return _json(completion(reply, self._fingerprint), headers=_headers(reply))

    async def _stream(self, request: web.Request, reply: Reply, *, usage: bool) -> web.StreamResponse:
        """The reply as server-sent events."""
        kind = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers={**kind, **_headers(reply)})
        await response.prepare(request)
        for chunk in chunks(reply, self._fingerprint, usage=usage):
            await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response


async def _models(request: web.Request) -> web.Response:
    return _json(models())


async def _model(request: web.Request) -> web.Response:
    return _json(model())


async def _health(request: web.Request) -> web.Response:
    """Whether the server is there; says nothing of the models behind it."""
    return _json({"status": "ok"})


def _headers(reply: Reply) -> dict[str, str]:
    return {"x-holdspace-strategy": reply.strategy.value}


def _refusal(error: HoldspaceError, status: int) -> web.Response:
    """An error response; the stock client is told whether asking again can help."""
    headers = {"x-should-retry": "true" if error.retryable else "false"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _json(problem(error), status=status, headers=headers)


def _json(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json", headers=headers)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine to itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _names_loopback(url: str) -> bool:
    """Whether the host in a URL is this machine; False for what is no URL."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
