"""A language model server that is none: OpenAI-compatible, in a process of its own, as slow and as faulty as it is told to be.

    python -m benchmarks.mock_server --port 0 --latency 0.2 --faults 0.3 --fault-kinds 429,503,reset --seed 1

The first line on standard output is the base URL (`http://127.0.0.1:PORT/v1`).  An answer depends on the seed and the request body alone;
whether a request is faulted depends on these and on how often this body came before, so a retry has its own luck and the order in which
requests arrive changes nothing.  `GET /stats` counts; `POST /control` with any settings changes them; header `x-mock-fault: NAME` faults
one request.  It has no model, no tokenizer (a token is a word), no TLS, and batches nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import resource
import signal
import sys
import time
from collections import Counter
from random import Random
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from benchmarks.mock_completion import chunks, completion, is_structured, prompt_tokens
from benchmarks.mock_faults import AT_ONCE, CONTENT_KINDS, STREAMED_KINDS, Fault, faulty, refusal, reset
from benchmarks.mock_settings import Settings, settings_from


class Mock:
    """The server's state: settings, counts, and how often each body came."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.reset_counts()
        self.in_flight = 0

    def reset_counts(self) -> None:
        """Forget all that was counted."""
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.formats: Counter[str] = Counter()
        self.seen: dict[int, int] = {}
        self.bodies: list[dict[str, Any]] = []
        self.peak = 0

    def stats(self) -> dict[str, Any]:
        """What `/stats` shows."""
        return {
            "requests": self.counts["requests"],
            "answered": self.counts["answered"],
            "refused": self.counts["refused"],
            "distinct": len(self.seen),
            "while_down": self.counts["while_down"],
            "in_flight": self.in_flight,
            "peak": self.peak,
            "faults": dict(self.faults),
            "formats": dict(self.formats),
            "cpu_seconds": round(time.process_time(), 3),
            "prompt_tokens": self.counts["prompt_tokens"],
            "completion_tokens": self.counts["completion_tokens"],
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The door: by path, without a router, because this is the hot path of somebody's measurement."""
        match request.path.rstrip("/"):
            case "/v1/chat/completions" if request.method == "POST":
                self.counts["requests"] += 1
                self.in_flight += 1
                self.peak = max(self.peak, self.in_flight)
                try:
                    return await self.chat(request)
                finally:
                    self.in_flight -= 1
            case "/v1/models":
                names = self.settings.models or ("mock",)
                return _json(
                    {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "mock"} for name in names]}
                )
            case "/stats":
                return _json(self.stats())
            case "/bodies":
                return _json(self.bodies)
            case "/control" if request.method == "POST":
                return self.control(orjson.loads(await request.read()))
        return refusal(404, "not_found", f"There is no {request.path}.")

    def control(self, wanted: dict[str, Any]) -> web.Response:
        """Change settings; `reset_counts: true` also forgets the counts."""
        try:
            if wanted.pop("reset_counts", False):
                self.reset_counts()
            self.settings = Settings.model_validate({**self.settings.model_dump(), **wanted})
        except ValidationError as error:
            return refusal(400, "bad_settings", str(error))
        return _json(self.settings.model_dump(mode="json"))

    async def chat(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request for a completion: turned away, or counted and answered."""
        raw = await request.read()
        settings = self.settings
        if settings.down_after and self.counts["answered"] >= settings.down_after:
            settings.down, settings.down_after = "reset", 0
        if settings.down:
            return self._down(request)
        body = _parsed(raw)
        if (refused := refuse(settings, request, body)) is not None:
            self.counts["refused"] += 1
            return refused
        if len(self.bodies) < settings.keep_bodies:
            self.bodies.append(dict(body))
        streamed = bool(body.pop("stream", False))
        usage_wanted = bool((body.pop("stream_options", None) or {}).get("include_usage"))
        key = int.from_bytes(hashlib.blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=8).digest(), "big")
        self.seen[key] = self.seen.get(key, 0) + 1
        self.formats[(body.get("response_format") or {}).get("type", "text")] += 1
        try:
            fault = self.fault(request, key, self.seen[key])
        except ValueError as error:
            return refusal(400, "unknown_fault", str(error))
        if fault is Fault.SCHEMA and not is_structured(body):
            fault = None
        return await self.respond(request, body, key, fault, streamed=streamed, usage_wanted=usage_wanted)

    async def respond(
        self, request: web.BaseRequest, body: dict[str, Any], key: int, fault: Fault | None, *, streamed: bool, usage_wanted: bool
    ) -> web.StreamResponse:
        """The answer after its latency, with what the fault does to it."""
        settings = self.settings
        if fault is not None:
            self.faults[fault.value] += 1
        if settings.latency and fault not in AT_ONCE:
            await asyncio.sleep(settings.latency)
        answer = completion(settings, body, key, fault)
        if fault is not None and fault not in CONTENT_KINDS and not (streamed and fault in STREAMED_KINDS):
            return await faulty(fault, request, orjson.dumps(answer), retry_after=settings.retry_after, slow=settings.slow_seconds)
        self.counts["answered"] += fault is None
        self.counts["prompt_tokens"] += answer["usage"]["prompt_tokens"]
        self.counts["completion_tokens"] += answer["usage"]["completion_tokens"]
        if streamed:
            return await stream(request, answer, settings, fault, usage_wanted=usage_wanted)
        return _json(answer)

    def fault(self, request: web.BaseRequest, key: int, attempt: int) -> Fault | None:
        """The fault of this attempt, or None; ValueError when the header names none that there is."""
        settings = self.settings
        if (named := request.headers.get("x-mock-fault")) is not None:
            return Fault(named)
        rng = Random(key * 31 + attempt * 7919 + settings.seed)
        if attempt <= settings.fault_first or rng.random() < settings.faults:
            return rng.choice(settings.fault_kinds)
        return None

    def _down(self, request: web.BaseRequest) -> web.StreamResponse:
        self.counts["while_down"] += 1
        if self.settings.down == "503":
            return refusal(503, "down", "The server is down.")
        reset(request)
        return web.Response()


def refuse(settings: Settings, request: web.BaseRequest, body: dict[str, Any]) -> web.Response | None:
    """The 4xx that the request deserves, or None."""
    if not _well_formed(body):
        return refusal(400, "invalid_request_error", "A request is a JSON object with model, messages and, if it likes, a response_format.")
    format_ = (body.get("response_format") or {}).get("type")
    if settings.key and request.headers.get("Authorization") != f"Bearer {settings.key}":
        return refusal(401, "invalid_api_key", "Incorrect API key provided.")
    if settings.models and body["model"] not in settings.models:
        return refusal(404, "model_not_found", f"The model {body['model']} does not exist.")
    if any(message.get("role") not in {"system", "developer", "user", "assistant", "tool"} for message in body["messages"]):
        return refusal(400, "invalid_request_error", "There is a message with an unknown role.")
    if settings.no_schema and format_ == "json_schema":
        return refusal(400, "unsupported", "response_format type json_schema is not supported by this server.")
    if settings.no_json_object and format_ == "json_object":
        return refusal(400, "unsupported", "response_format type json_object is not supported by this server.")
    if settings.refuse_logprobs and body.get("logprobs"):
        return refusal(400, "unsupported", "logprobs are not supported by this server.")
    if settings.context and (count := prompt_tokens(body)) > settings.context:
        return refusal(
            400,
            "context_length_exceeded",
            f"This model's maximum context length is {settings.context} tokens. However, your messages resulted in {count} tokens.",
        )
    return None


async def stream(
    request: web.BaseRequest, answer: dict[str, Any], settings: Settings, fault: Fault | None, *, usage_wanted: bool
) -> web.StreamResponse:
    """The answer as server-sent events."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    pause = settings.slow_seconds if fault is Fault.SLOW else settings.chunk_latency
    events = list(chunks(answer, usage_wanted=usage_wanted))
    for place, event in enumerate(events):
        if fault is Fault.TRUNCATED and place >= len(events) // 2:
            reset(request)
            return response
        await response.write(b"data: " + orjson.dumps(event) + b"\n\n")
        if pause:
            await asyncio.sleep(pause)
    await response.write(b"data: [DONE]\n\n")
    return response


def _well_formed(body: dict[str, Any]) -> bool:
    messages, wanted = body.get("messages"), body.get("response_format") or {}
    if not isinstance(body.get("model"), str) or not isinstance(messages, list) or not messages or not isinstance(wanted, dict):
        return False
    schema = wanted.get("json_schema") if wanted.get("type") == "json_schema" else {"schema": {}}
    return isinstance(schema, dict) and isinstance(schema.get("schema"), dict) and all(isinstance(item, dict) for item in messages)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _json(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def serve(settings: Settings) -> None:
    """Serve until a signal, or until standard input closes where `with_parent` says so."""
    soft_hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft_hard[1], soft_hard[1]))
    server = web.Server(Mock(settings).handle, handler_cancellation=True, access_log=None, keepalive_timeout=3600.0)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", settings.port, backlog=4096, reuse_address=True)
    await site.start()
    print(f"http://127.0.0.1:{site.port}/v1", flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if settings.with_parent:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    await runner.cleanup()


def main() -> None:
    """Run the server."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(settings_from(sys.argv[1:])))


if __name__ == "__main__":
    main()
