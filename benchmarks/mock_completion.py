"""The mock server's answer to a request body as the objects of the OpenAI API.  Pure: the same body and settings, the same answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random
from typing import Any

import orjson

from benchmarks import mock_answers as answers
from benchmarks.mock_faults import Fault
from benchmarks.mock_settings import Settings, Shape


def completion(settings: Settings, body: dict[str, Any], key: int, fault: Fault | None) -> dict[str, Any]:
    """The answer to a body as a `chat.completion` object, with what a content fault does to it."""
    rng = Random(key ^ settings.seed)
    content, first = said(settings, body, rng)
    finish = "stop"
    if fault is Fault.SCHEMA:
        content = answers.dumps({"unexpected": [content]})
    elif fault is Fault.LONG:
        content += " " + (" ".join(answers.SENTENCES) + " ") * (settings.long_chars // 700 + 1)
        content, finish = content[: settings.long_chars], "length"
    elif fault is Fault.CONTENT_FILTER:
        content, finish = content[: len(content) // 4], "content_filter"
    elif fault in {Fault.EMPTY, Fault.NULL_CONTENT}:
        content = ""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    tokens = answers.tokens_of(content) if len(content) < 20_000 else []
    if limit and len(tokens) > limit and fault is not Fault.LONG:
        content, tokens, finish = "".join(tokens[:limit]), tokens[:limit], "length"
    message: dict[str, Any] = {"role": "assistant", "content": None if fault is Fault.NULL_CONTENT else content, "refusal": None}
    if settings.reasoning:
        message["reasoning_content"] = "SECRET REASONING " + answers.text(rng)
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    if body.get("logprobs") and not settings.no_logprobs:
        choice["logprobs"] = answers.logprobs(content, first, int(body.get("top_logprobs") or 0), rng)
    prompt, made = prompt_tokens(body), len(tokens) or len(content) // 5
    return {
        "id": f"chatcmpl-{key:016x}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [] if fault is Fault.NO_CHOICES else [choice],
        "usage": {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made},
        "system_fingerprint": f"mock-{settings.seed}",
    }


def said(settings: Settings, body: dict[str, Any], rng: Random) -> tuple[str, dict[str, float]]:
    """The content, and the log-probabilities of its first token where the request offers options to choose from."""
    if settings.answer:
        return settings.answer, {}
    format_, messages = body.get("response_format") or {}, body["messages"]
    if format_.get("type") == "json_schema" and not settings.ignore_schema:
        return dressed(answers.dumps(answers.instance(format_["json_schema"]["schema"], rng)), settings.shape), {}
    if allowed := (body.get("structured_outputs") or {}).get("choice") or body.get("guided_choice"):
        return rng.choice(allowed), {}
    if not settings.ignore_schema and (schema := answers.schema_in(messages)) is not None:
        return dressed(answers.dumps(answers.instance(schema, rng)), settings.shape), {}
    if format_.get("type") == "json_object" and not settings.ignore_schema:
        return dressed(answers.dumps({"answer": answers.text(rng)}), settings.shape), {}
    if (body.get("logprobs") or body.get("max_tokens") == 1) and (options := answers.options_in(messages)):
        first = answers.distribution(options, rng)
        return max(first, key=lambda option: first[option]), first
    if settings.hostile:
        return rng.choice(answers.HOSTILE), {}
    return answers.text(rng), {}


def is_structured(body: Mapping[str, Any]) -> bool:
    """Whether an object is asked for, by `response_format` or by a schema written out in a message."""
    return (body.get("response_format") or {}).get("type", "text") != "text" or answers.schema_in(body["messages"]) is not None


def dressed(content: str, shape: Shape) -> str:
    """An object in the clothes that models put on."""
    match shape:
        case "fenced":
            return f"```json\n{content}\n```"
        case "prose":
            return f"Sure! Here is the object {{as asked}}:\n\n{content}\n\nLet me know if you need anything else."
        case "trailing_comma":
            return f"{content[:-1]},}}"
        case "think":
            return f'<think>\nSECRET REASONING {{"a": 1}}\n</think>\n\n{content}'
        case "cut_off":
            return content[:-1]
        case "single_quotes":
            return repr(orjson.loads(content))
        case "clean":
            return content


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """A token for every four characters, and four for each message, as a rule of thumb has it."""
    return sum(4 + len(str(message.get("content") or "")) // 4 for message in body["messages"])


def chunks(answer: dict[str, Any], *, usage_wanted: bool) -> list[dict[str, Any]]:
    """The `chat.completion.chunk` objects of an answer."""
    head = {key: answer[key] for key in ("id", "created", "model", "system_fingerprint")} | {"object": "chat.completion.chunk"}
    made: list[dict[str, Any]] = []
    for choice in answer["choices"]:
        message = choice["message"]
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if "reasoning_content" in message:
            deltas.append({"reasoning_content": message["reasoning_content"]})
        content = message["content"] or ""
        step = max(8, len(content) // 200)
        deltas += [{"content": content[start : start + step]} for start in range(0, len(content), step)]
        made += [{**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]} for delta in deltas]
        made.append({**head, "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}]})
    if usage_wanted:
        made.append({**head, "choices": [], "usage": answer["usage"]})
    return made
