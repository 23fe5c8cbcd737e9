"""Everything that goes wrong on the way, as the mock server does it on purpose: one coroutine a way to fail.

Nothing here decides when to fail; `benchmarks/mock_server.py` does.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from enum import StrEnum
from typing import Any

import orjson
from aiohttp import web


class Fault(StrEnum):
    """The ways to fail, by the names that `--fault-kinds` and the header `x-mock-fault` take."""

    RATE = "429"
    """With a Retry-After header."""
    RATE_BARE = "429_bare"
    """Without one."""
    ERROR = "500"
    OVERLOADED = "503"
    HANG = "hang"
    """Takes the request and never answers."""
    RESET = "reset"
    """Closes the connection with RST before a byte of the answer."""
    TRUNCATED = "truncated"
    """Promises a length and closes half way."""
    INVALID_JSON = "invalid_json"
    """The response body is no JSON."""
    SCHEMA = "schema"
    """The content is JSON but not of the schema; a plain text request is answered."""
    EMPTY = "empty"
    CONTENT_FILTER = "content_filter"
    CONTENT_TYPE = "content_type"
    """An HTML page of some proxy, with status 200."""
    LONG = "long"
    """The content goes on for --long-chars characters, after the object if one was asked for."""
    SLOW = "slow"
    """A correct answer that trickles, a piece every --slow-seconds."""
    # only when asked for by name
    TIMEOUT = "408"
    CONFLICT = "409"
    BAD_GATEWAY = "502"
    GATEWAY_TIMEOUT = "504"
    BAD_REQUEST = "400"
    NO_CHOICES = "no_choices"
    NULL_CONTENT = "null_content"
    FILTERED_PROMPT = "filtered_prompt"
    """Status 400 with code content_filter, as Azure does."""
    RETRY_DATE = "retry_date"
    """429 with a Retry-After that is a date long past."""
    RETRY_HOUR = "retry_hour"
    """429 that asks for an hour."""


DEFAULT_KINDS: tuple[Fault, ...] = tuple(Fault)[: tuple(Fault).index(Fault.TIMEOUT)]
CONTENT_KINDS = frozenset({Fault.SCHEMA, Fault.EMPTY, Fault.CONTENT_FILTER, Fault.LONG, Fault.NULL_CONTENT, Fault.NO_CHOICES})
"""Those that are a well-formed response with something wrong in it."""
AT_ONCE = frozenset({Fault.RESET, Fault.RATE, Fault.RATE_BARE, Fault.RETRY_DATE, Fault.RETRY_HOUR})
"""Those that come before the server has done any work, so without its latency."""
STREAMED_KINDS = frozenset({Fault.SLOW, Fault.TRUNCATED})
"""Those that a stream has a way of its own for."""

_ERRORS: dict[Fault, tuple[int, str, str, dict[str, str]]] = {
    Fault.RATE_BARE: (429, "rate_limit_exceeded", "Rate limit reached.", {}),
    Fault.RETRY_DATE: (429, "rate_limit_exceeded", "Rate limit reached.", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    Fault.RETRY_HOUR: (429, "rate_limit_exceeded", "Rate limit reached.", {"Retry-After": "3600"}),
    Fault.ERROR: (500, "server_error", "The server had an error.", {}),
    Fault.OVERLOADED: (503, "overloaded", "The engine is overloaded.", {}),
    Fault.TIMEOUT: (408, "timeout", "Request timed out.", {}),
    Fault.CONFLICT: (409, "conflict", "Lock timeout.", {}),
    Fault.BAD_GATEWAY: (502, "bad_gateway", "Bad gateway.", {}),
    Fault.GATEWAY_TIMEOUT: (504, "gateway_timeout", "Gateway timeout.", {}),
    Fault.BAD_REQUEST: (400, "bad_request", "Something in the request is wrong.", {}),
    Fault.FILTERED_PROMPT: (400, "content_filter", "The prompt was filtered.", {}),
}
_PAGE = "<html><head><title>502</title></head><body><h1>Bad gateway</h1>{}</body></html>"


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """An error in the form that OpenAI uses."""
    body = {"error": {"message": message, "type": "mock_error", "param": None, "code": code}}
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", headers=headers)


async def faulty(fault: Fault, request: web.BaseRequest, body: bytes, *, retry_after: float, slow: float) -> web.StreamResponse:
    """Fail in the transport.

    Args:
        fault: none of CONTENT_KINDS.
        request: to be failed.
        body: the answer as it would have been.
        retry_after: seconds that a 429 names.
        slow: seconds between the pieces of a slow answer.
    """
    match fault:
        case Fault.RATE:
            return refusal(429, "rate_limit_exceeded", "Rate limit reached.", {"Retry-After": f"{retry_after:g}"})
        case Fault.HANG:
            await asyncio.Event().wait()
        case Fault.RESET:
            reset(request)
        case Fault.TRUNCATED:
            return await _truncated(request, body)
        case Fault.INVALID_JSON:
            return web.Response(body=body[: len(body) * 2 // 3] + b" oops", content_type="application/json")
        case Fault.CONTENT_TYPE:
            return web.Response(text=_PAGE.format(""), content_type="text/html")
        case Fault.SLOW:
            return await _slow(request, body, slow)
        case _:
            return refusal(*_ERRORS[fault])
    return web.Response()


def reset(request: web.BaseRequest) -> None:
    """Close the connection so that the client sees `connection reset by peer`."""
    if (transport := request.transport) is not None:
        raw: Any = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def _truncated(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _slow(request: web.BaseRequest, body: bytes, pause: float) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    step = max(1, len(body) // 8)
    for start in range(0, len(body), step):
        await response.write(body[start : start + step])
        await asyncio.sleep(pause)
    return response
