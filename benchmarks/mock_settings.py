"""What the mock server can be told, as flags and as keys of `/control`."""

from __future__ import annotations

import argparse
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from benchmarks.mock_faults import DEFAULT_KINDS, Fault

Shape = Literal["clean", "fenced", "prose", "trailing_comma", "think", "cut_off", "single_quotes"]
Down = Literal["", "reset", "503"]


def _listed(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


class Settings(BaseModel):
    """What the server is told: each field is a flag (`fault_kinds` is `--fault-kinds`) and a key of `/control`."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    port: int = 0
    """0 takes a free one."""
    seed: int = 1
    latency: Annotated[float, Field(ge=0)] = 0.0
    """Seconds before an answer."""
    chunk_latency: Annotated[float, Field(ge=0)] = 0.0
    """Seconds between the pieces of a streamed answer."""
    faults: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the requests that are faulted."""
    fault_kinds: Annotated[tuple[Fault, ...], BeforeValidator(_listed), Field(min_length=1)] = DEFAULT_KINDS
    """The faults drawn from, evenly."""
    fault_first: Annotated[int, Field(ge=0)] = 0
    """Fault this many first attempts of every body, and none after."""
    retry_after: float = 1.0
    """Seconds in the Retry-After of a 429."""
    slow_seconds: float = 1.0
    """Seconds between two pieces of a slow answer (8 pieces)."""
    long_chars: int = 200_000
    """Length of a very long answer."""
    down: Down = ""
    """Down for everybody: connections reset, or 503."""
    down_after: Annotated[int, Field(ge=0)] = 0
    """Go down (reset) after this many answered requests; 0 never."""
    no_schema: bool = False
    """Refuse `response_format` json_schema with 400."""
    no_json_object: bool = False
    """Refuse json_object with 400."""
    ignore_schema: bool = False
    """Accept every `response_format` and answer in prose, as some servers do."""
    no_logprobs: bool = False
    """Ignore `logprobs`."""
    refuse_logprobs: bool = False
    """Refuse `logprobs` with 400."""
    context: Annotated[int, Field(ge=0)] = 0
    """Refuse prompts of more tokens with 400 context_length_exceeded; 0 takes all."""
    models: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """The models it has; others get 404.  Empty: has every model."""
    key: str = ""
    """The only key it takes; others get 401.  Empty: takes all."""
    shape: Shape = "clean"
    """How objects are dressed up: in a code fence, with prose around, ..."""
    reasoning: bool = False
    """Send `reasoning_content` beside every answer."""
    hostile: bool = False
    """Answer texts with role markers, JSON, template tokens, emoji, right-to-left text, NUL bytes, 100 kB."""
    answer: str = ""
    """Answer every request with exactly this."""
    keep_bodies: Annotated[int, Field(ge=0)] = 0
    """Keep the first request bodies for `/bodies`, so that others can be measured with the same ones."""
    with_parent: bool = False
    """Exit when standard input closes."""


def settings_from(arguments: list[str]) -> Settings:
    """The settings of a command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mock_server", description="An OpenAI-compatible mock server.")
    for name, field in Settings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        if field.annotation is bool:
            parser.add_argument(flag, action="store_true", default=argparse.SUPPRESS)
        else:
            parser.add_argument(flag, default=argparse.SUPPRESS)
    try:
        return Settings.model_validate(vars(parser.parse_args(arguments)))
    except ValidationError as error:
        parser.error("; ".join(f"--{str(item['loc'][0]).replace('_', '-')}: {item['msg']}" for item in error.errors()))
