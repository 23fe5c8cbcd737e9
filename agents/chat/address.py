"""Where an `openai:` spec points: the model, the server's base URL, and what to authorise with, apart from what a record may keep.

The spec string that goes into records is `Address.spec`: no user, password or query of a URL is in it.  Key and default base URL come from
the environment, as in the openai package.  This module opens no connection.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from agents.errors import InputError

OPENAI = "https://api.openai.com/v1"
KEY, BASE, ORGANIZATION, PROJECT = "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"
_SPEC = re.compile(r"openai:(?P<model>[^\s@]\S*?)(?:@(?P<url>https?://\S+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """A model on a server."""

    spec: str
    """As records keep it."""
    model: str
    base: str
    """The base URL without user, password and query; no slash at its end."""
    query: str
    """Of the base URL, such as Azure's api-version."""
    authorization: SecretStr
    """The Authorization header."""
    headers: tuple[tuple[str, str], ...] = ()
    """Others, from the environment."""

    @property
    def url(self) -> str:
        """Where completions are asked for; not for records, since a query may hold a secret."""
        return f"{self.base}/chat/completions{'?' + self.query if self.query else ''}"


def find_address(spec: str, environment: Mapping[str, str]) -> Address:
    """The address that a spec and the environment name.

    Raises:
        InputError: no such spec, no such URL, or OpenAI's own server without a key.
    """
    if (match := _SPEC.fullmatch(spec.strip())) is None:
        raise InputError(
            f"{clean_spec(spec)}: not a spec of an OpenAI-compatible server.",
            hint="Write openai:MODEL or openai:MODEL@http://HOST:PORT/v1.",
        )
    model, named = match["model"], match["url"]
    url = _parts(named or environment.get(BASE, "").strip() or OPENAI)
    key = environment.get(KEY, "").strip()
    if not key and not url.username and url.hostname == urlsplit(OPENAI).hostname:
        raise InputError(f"openai:{model} needs a key.", hint=f"Set {KEY}, or name another server: openai:{model}@http://HOST:PORT/v1.")
    if not key.isascii() or not key.isprintable():
        raise InputError(f"{KEY} holds characters that no key has.", hint="Set it again.")
    pairs = (("OpenAI-Organization", environment.get(ORGANIZATION)), ("OpenAI-Project", environment.get(PROJECT)))
    base = _without_secrets(url)
    return Address(
        spec=f"openai:{model}@{base}" if named else f"openai:{model}",
        model=model,
        base=base,
        query=url.query,
        authorization=SecretStr(_basic(url) if url.username else f"Bearer {key or 'none'}"),
        headers=tuple((name, value) for name, value in pairs if value),
    )


def clean_spec(spec: str) -> str:
    """A spec as records may keep it: user, password, query and fragment of its URL are taken off.  Any other spec stays as it is."""
    head, mark, url = spec.strip().partition("@http")
    if not mark:
        return head
    try:
        return f"{head}@{_without_secrets(urlsplit('http' + url))}"
    except ValueError:
        return f"{head}@?"


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port):
            return parts
    except ValueError:
        pass
    raise InputError("The base URL of an openai: spec is no URL of a server.", hint="Write it like http://127.0.0.1:8000/v1.")


def _without_secrets(url: SplitResult) -> str:
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}".rstrip("/").removesuffix("/chat/completions")


def _basic(url: SplitResult) -> str:
    pair = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def is_near(base: str) -> bool:
    """Whether a base URL is on this machine, so that no proxy is asked."""
    host = urlsplit(base).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
