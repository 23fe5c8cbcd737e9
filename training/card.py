"""The card of a trained model, for people: what made it, what it is for, and what it is not for.  All of it from the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CARE = (
    "For research. This model is not a substitute for care, and it must not be put in front of people in distress without a human "
    "who answers for it. In a crisis: findahelpline.com; in the US call or text 988; or the local emergency number."
)
_TOLD = ("learner", "method", "epochs", "max_steps", "lr", "batch", "beta", "sft_weight", "length_normalised", "balanced", "prior_aware",
         "replay_weight", "lora", "seed", "precision")  # fmt: skip


def model_card(content: Mapping[str, Any]) -> str:
    """Markdown of a manifest."""
    settings, data = content["settings"], content["data"]
    head = f"---\nlibrary_name: transformers\ntags: [holdspace, emotional-support, {settings['method']}]\n---\n"
    weights = content["base"]["stamp"][:12] or "made for this training"
    early = f", ended early: {content['stopped']}" if content["stopped"] else ""
    told = {name: settings[name] for name in _TOLD if settings.get(name) is not None}
    lines = [
        f"# A {settings['learner']} trained by {settings['method'].upper()} with holdspace",
        CARE,
        f"Base: `{content['base']['name']}` (weights {weights}). Training `{content['identity']}`, {content['steps']} steps{early}.",
        "## Data",
        f"{data['kept']} of {data['given']} rows kept, {data['shortened']} with a shortened prompt, {data['dropped']} dropped as too long; "
        f"longest row {data['max_length']} tokens; {data['answer_tokens']} of {data['tokens']} tokens carry loss.",
        _table(content["lineage"], "lineage"),
        "## Settings",
        _table(told, "setting"),
        "## Figures at the end",
        _table({name: value for name, value in content["metrics"].items() if isinstance(value, float)}, "figure"),
        "Reward accuracy and loss do not say whether a planner is good: look at macro-F1, preference bias and outcomes on held-out talks.",
        "## Versions",
        ", ".join(f"{name} {number}" for name, number in content["versions"].items()),
    ]
    return head + "\n\n".join(line for line in lines if line) + "\n"


def _table(values: Mapping[str, Any], name: str) -> str:
    if not values:
        return ""
    rows = [f"| {key} | {value:.4g} |" if isinstance(value, float) else f"| {key} | {value} |" for key, value in sorted(values.items())]
    return "\n".join([f"| {name} | |", "|---|---|", *rows])
