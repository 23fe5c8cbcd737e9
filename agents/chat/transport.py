"""The lean way to a server: one aiohttp session an event loop, bytes out and bytes in.

The openai client takes about 4 ms of CPU for a call; this takes a tenth, which is what a thousand talks at once need.  It sends what that
client sends (tested side by side) and knows nothing of chat: what a body means is `wire.py`, when to try again is `steady.py`.
"""

from __future__ import annotations

import asyncio
import resource
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from agents.chat.address import Address, is_near
from agents.chat.steady import Kind, Patience, Trouble
from agents.errors import RunStop

LARGEST = 16_000_000
"""Bytes of an answer; a longer one is broken off."""
SPARE_FILES = 256
"""Descriptors besides the connections'."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Line:
    """Connections to one server, made when first used and kept open between calls.

    Args:
        address: of the server; its model plays no part.
        concurrency: calls at once, for the pool; more than that wait for a connection.
        patience: how long to wait for one.
    """

    def __init__(self, address: Address, *, concurrency: int, patience: Patience) -> None:
        self._address = address
        self._concurrency = concurrency
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, body: bytes) -> Reply:
        """Send a JSON body and read the whole answer; raises Trouble when none comes, RunStop when none can."""
        try:
            async with self._open().post(self._address.url, data=body) as response:
                return Reply(response.status, response.headers, await _read(response))
        except (aiohttp.ConnectionTimeoutError, TimeoutError) as error:
            raise Trouble(Kind.TIMEOUT, f"{self._patience.timeout:g} s") from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError) as error:
            hint = "Check the base URL: http or https, and the certificate."
            raise RunStop(f"No safe connection to {self._address.base} can be made.", hint=hint) from error
        except aiohttp.ClientConnectorError as error:
            raise Trouble(Kind.REFUSED, error.os_error.strerror or "") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Trouble(Kind.BROKEN, getattr(error, "strerror", None) or type(error).__name__) from error

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop or self._session.closed:
            _allow_files(self._concurrency)
            patience, address = self._patience, self._address
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._concurrency, keepalive_timeout=30, ttl_dns_cache=300),
                timeout=aiohttp.ClientTimeout(total=patience.timeout, sock_connect=patience.connect),
                headers={
                    "Authorization": address.authorization.get_secret_value(),
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                    **dict(address.headers),
                },
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=not is_near(address.base) and bool(urllib.request.getproxies()),
            )
        return self._session

    async def aclose(self) -> None:
        """Close the connections; the next call opens new ones."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, up to LARGEST."""
    if (response.content_length or 0) > LARGEST:
        raise Trouble(Kind.GARBLED, "too large")
    body = bytearray()
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > LARGEST:
            raise Trouble(Kind.GARBLED, "too large")
    return bytes(body)


def _allow_files(connections: int) -> None:
    """Raise this process's limit of open files, as far as it may itself, to what the connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
