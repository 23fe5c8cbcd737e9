"""Servers for tests, each a process of its own on loopback: `from servers import mock_server`.

A test that needs the server to die and come back uses `mock_process`; everything else is said by settings, at the start or by `control`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
Option = float | str | bool | Sequence[str]


class Server:
    """A mock server that can be killed and started again on the same port.

    Args:
        options: fields of `benchmarks.mock_server.Settings`.
    """

    def __init__(self, **options: Option) -> None:
        self.options = options
        self.url = ""
        """Base URL, ending in /v1."""
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        options: dict[str, Option] = {**self.options, "with_parent": True}
        if self.url:
            options["port"] = self.url.split(":")[2].split("/")[0]
        command = [sys.executable, "-m", "benchmarks.mock_server", *flags(options)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            raise RuntimeError(f"the mock server did not start: {' '.join(command)}")

    def kill(self) -> None:
        """Kill it as a crash would."""
        if self.process is not None:
            self.process.kill()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
            self.process.wait()
            self.process = None


@contextmanager
def mock_process(**options: Option) -> Iterator[Server]:
    """A started mock server that the test may kill and start again."""
    server = Server(**options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def mock_server(**options: Option) -> Iterator[str]:
    """The base URL of a mock server, such as `mock_server(latency=0.01, faults=0.3, fault_kinds=["429", "reset"])`."""
    with mock_process(**options) as server:
        yield server.url


def stats(url: str) -> dict[str, Any]:
    """What the server of a base URL has counted."""
    return _call(url, "/stats", None)


def control(url: str, **settings: object) -> dict[str, Any]:
    """Change settings of a running server; `reset_counts=True` forgets the counts.  Returns all settings."""
    return _call(url, "/control", json.dumps(settings).encode())


def _call(url: str, path: str, body: bytes | None) -> dict[str, Any]:
    with urllib.request.urlopen(url.removesuffix("/v1") + path, data=body, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def flags(options: dict[str, Option]) -> list[str]:
    """Settings as command-line flags."""
    made: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            made += [flag] if value else []
        else:
            made += [flag, value if isinstance(value, str) else ",".join(value) if isinstance(value, Sequence) else str(value)]
    return made
