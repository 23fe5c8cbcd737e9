"""SAGE simulator profiles (Tencent, Chinese): persona, story, character and the hidden wish of a simulated user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.casting import ages
from simulator.casting.card import Card, grown_up, text_of
from simulator.persona import Help, Resistance

WISHES: dict[str, tuple[str, tuple[Help, ...]]] = {
    "你想获得能真实帮助你解决当下困境的建议": (
        "Advice that really helps with what is going on now.",
        (Help.PRACTICAL_STEPS, Help.INFORMATION),
    ),
    "你希望对方深刻共情你的感受，而不是简单的安慰": (
        "To have the feeling deeply understood, not merely soothed.",
        (Help.FEELINGS_NAMED, Help.BEING_HEARD),
    ),
    "你希望对方真诚地夸奖你在事件中的具体行为": ("Sincere praise for what one actually did.", (Help.ENCOURAGEMENT, Help.BEING_HEARD)),
    "你希望对方引导你针对事件进行自我反思，收获自我成长": (
        "To be led to look at oneself and grow by it.",
        (Help.GOOD_QUESTIONS, Help.TIME),
    ),
    "你希望对方用心倾听你的情绪宣泄": ("To let it all out to somebody who listens with the heart.", (Help.BEING_HEARD, Help.TIME)),
    "你希望对方辩证地分析事件中的问题": ("To look at the matter from more than one side.", (Help.GOOD_QUESTIONS, Help.INFORMATION)),
    "你想分析事件中其他人物这么做的原因": ("To understand why the others did what they did.", (Help.GOOD_QUESTIONS, Help.INFORMATION)),
    "你认为自己在事件中没有任何责任和错误，你想要对方也认同你没有错": (
        "To be told that none of it was one's own fault.",
        (Help.BEING_BELIEVED, Help.BEING_HEARD),
    ),
}
"""The eight hidden wishes in English, and which kinds of support meet them."""

_QUIET = re.compile(r"沉默|寡言|内向")
_REACTIONS = re.compile(r"\n[^\n]*(?:不同状态下|不同的?回复|回复贴合|对NPC|NPC.{0,6}回复|隐藏主题|玩家状态|emotion)")
"""Where a scene goes over from the story to how the simulated user shall react, which gives the hidden wish away."""
_STORY = 80


def fits(row: Mapping[str, Any]) -> bool:
    return "player" in row and "scene" in row


def read(where: str, row: Mapping[str, Any]) -> Card:
    """One profile; raises ValueError or KeyError when a field is missing or can't be read."""
    player, scene, wish = text_of(row, "player"), text_of(row, "scene"), text_of(row, "task").strip()
    if not scene.strip():
        raise ValueError("scene: empty")
    given = {
        "age": ages.age(_field(player, "年龄")),
        "gender": ages.gender(_field(player, "性别")),
        "occupation": _field(player, "职业"),
        "resistance": _resistance(text_of(row, "main_cha"), row.get("cha_group")),
        "helps": WISHES[wish][1] if wish in WISHES else (),
    }
    first = row["first_talk"].strip() if isinstance(row.get("first_talk"), str) else ""
    return Card(
        where=where,
        source="sage",
        given=grown_up({key: value for key, value in given.items() if value}, scene),
        background="\n\n".join(part for part in (player, scene, first and f"第一句话：{first}") if part),
        situation=_story(scene),
        language="Chinese",
        need=f"{WISHES[wish][0]} ({wish})" if wish in WISHES else wish or None,
        first_talk=first or None,
        topic="、".join(map(str, row.get("cha_group") or ())),
    )


def _story(scene: str) -> str:
    """The part of a scene that tells what happened, verbatim."""
    match = _REACTIONS.search(scene, _STORY)
    story = scene[: match.start()] if match else scene
    return story.rstrip("#* \n")


def _field(player: str, label: str) -> str:
    """`* 职业：插画师` and its spellings; empty when there is no such line."""
    match = re.search(rf"{label}\**\s*[:：]\s*\**\s*([^\n]+)", player)
    return match.group(1).strip(" *。") if match else ""


def _resistance(character: str, group: Any) -> Resistance | None:
    if character.startswith("被动"):
        return Resistance.SILENT if _QUIET.search("".join(map(str, group or ()))) else Resistance.GUARDED
    return {"负面": Resistance.ARGUMENTATIVE, "回避": Resistance.AVOIDANT}.get(character[:2])
