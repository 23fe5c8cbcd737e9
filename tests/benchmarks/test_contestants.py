"""The bare loops of the benchmark count what was answered, and nothing faster than the server allows."""

from __future__ import annotations

import asyncio
import json
import urllib.request

import pytest
from servers import mock_server

from benchmarks.contestants import CONTESTANTS, Job, kept_bodies


@pytest.mark.parametrize("name", ["openai", "aiohttp"])
def test_a_bare_loop_stays_below_the_limit(name: str) -> None:
    with mock_server(latency=0.1, keep_bodies=5) as url:
        for seed in range(7):
            body = {"model": "mock", "messages": [{"role": "user", "content": "hi"}], "seed": seed, "no_such_option": 1}
            urllib.request.urlopen(url + "/chat/completions", data=json.dumps(body).encode(), timeout=5).close()
        assert len(kept_bodies(url)) == 5

        async def measure() -> float:
            measured = await CONTESTANTS[name](Job(name=name, url=url, talks=10, warm=0.3, seconds=0.8))
            assert measured.cpu > 0
            return measured.rate

        assert 20 < asyncio.run(measure()) <= 10 / 0.1 * 1.3


def test_without_kept_bodies_there_is_nothing_to_measure() -> None:
    with mock_server() as url, pytest.raises(SystemExit, match="no bodies"):
        kept_bodies(url)
