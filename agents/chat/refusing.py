"""Refusals that concern every call of a run alike, such as a wrong key: one sentence each that says what to do.

The models that a server has are asked for through the openai client: it is imported here alone, when there is something to look up.
"""

from __future__ import annotations

from agents.chat.address import KEY, Address
from agents.chat.wire import Refusal

LISTED = 8
"""Models that a sentence names at most."""


def concerns_all(refusal: Refusal) -> bool:
    """Whether any other call to this model would be refused as well."""
    return refusal.status in {401, 402, 403, 404, 405, 410} or refusal.code == "model_not_found"


async def sentence(refusal: Refusal, address: Address) -> tuple[str, str]:
    """What is wrong, and what to do."""
    spec, where = address.spec, address.base
    match refusal.status:
        case 401:
            return f"{spec}: the server at {where} does not take the key (401).", f"Set {KEY}; the same command resumes."
        case 402:
            return f"{spec}: the quota of the key at {where} is used up.", "Look at your plan there; the same command resumes."
        case 403:
            return f"{spec}: the key may not use this model at {where} (403).", f"Set another {KEY}, or another model."
    if refusal.code == "model_not_found" or "model" in refusal.message.lower():
        known = await _models(address)
        hint = f"It has {', '.join(known[:LISTED])}{' ...' if len(known) > LISTED else ''}." if known else "Look up its name there."
        return f"{spec}: the server at {where} has no model {address.model!r}.", hint
    return f"{spec}: there is no /chat/completions at {where} ({refusal.status}).", "Check the base URL; it mostly ends with /v1."


async def _models(address: Address) -> list[str]:
    """Names of the server's models; none when it does not say."""
    from openai import AsyncOpenAI, OpenAIError  # noqa: PLC0415  half a second to import, for a rare question

    headers = {"Authorization": address.authorization.get_secret_value(), **dict(address.headers)}
    try:
        async with AsyncOpenAI(api_key="-", base_url=address.base, default_headers=headers, timeout=5, max_retries=0) as client:
            return [model.id async for model in client.models.list()]
    except OpenAIError:
        return []
