"""The rehearsal backend's seeker side: speaks the intent in the scenario's own words and this person's manner.

No network, no weights, deterministic by seed.  What may be said is decided by the director; this module chooses among the authored
lines and puts them into this person's manner of typing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from agents.chat.port import Choice, Completion, Request, Usage
from agents.errors import AnswerError
from agents.text import STOP, join, normal, sentences, words
from agents.words import Talk
from simulator.appraising import appraise, scene
from simulator.intent import Intent, Move
from simulator.mind import Appraisal
from simulator.persona import Persona, Style, Verbosity
from simulator.voice import Lines, voice

SPEC = "rehearsal"


class RehearsalSeeker:
    """A seeker without a model."""

    @property
    def spec(self) -> str:
        return SPEC

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:  # noqa: ARG002  of the port
        raise AnswerError(f"The rehearsal seeker has no answer to {request.task!r}.")

    async def complete(self, request: Request) -> Completion:
        """An appraisal or an utterance, by the request's task."""
        values = request.variables
        if request.task == "appraise":
            appraisal = appraise(scene(values["talk"], values["mind"], values["persona"], values["scenario"]))
            return _completion(request, appraisal.model_dump_json(), appraisal)
        if request.task == "speak":
            return _completion(request, speak(values["intent"], values["persona"], values["talk"], random.Random(request.seed)))
        raise AnswerError(f"The rehearsal seeker has no answer to {request.task!r}.")


def _completion(request: Request, text: str, parsed: Appraisal | None = None) -> Completion:
    prompt = sum(message.content.count(" ") + 1 for message in request.messages)
    return Completion(text=text, parsed=parsed, usage=Usage(model=SPEC, prompt_tokens=prompt, completion_tokens=text.count(" ") + 1))


def speak(intent: Intent, persona: Persona, talk: Talk, rng: random.Random) -> str:
    """The utterance: a reaction, the matter itself, sometimes a question of one's own."""
    said = {normal(sentence) for turn in talk for sentence in sentences(turn.text)}
    parts = [_reaction(intent, persona, said, rng), *_matter(intent, persona, said, rng)]
    if persona.verbosity is Verbosity.TERSE and intent.move not in (Move.GREET, Move.OPEN):
        parts = [_shortened(part) for part in parts]
    if intent.asks:
        pool = {"advice": voice().asks.advice, "normal": voice().asks.normal, "you": voice().asks.you}[intent.asks]
        parts.append(_pick(pool, said, rng))
    parts = [part for part in parts if part]
    parts = [_led(part, before) for before, part in zip(["", *parts], parts, strict=False)]
    text = _unsaid(join(*map(_closed, parts[:-1]), *parts[-1:]), said) or _filler(persona, said, rng)
    return _typed(text, persona)


def _led(part: str, before: str) -> str:
    """A part with a small first letter where the one before leads into it with a comma; names and `I` keep theirs."""
    first = part.split(" ", 1)[0].lower()
    small = before.endswith(",") and (first in STOP or first.endswith("'s")) and not first.startswith("i'") and first != "i"
    return part[:1].lower() + part[1:] if small else part


def _closed(part: str) -> str:
    """A part with an end mark, so that the next one does not run into it; a part that ends in a comma leads on."""
    return part if not part or part[-1] in ".!?,;:\"'" else f"{part}."


def _reaction(intent: Intent, persona: Persona, said: set[str], rng: random.Random) -> str:
    lines, who = voice(), persona.resistance
    pools: dict[str, Lines] = {
        "confirm": lines.confirm[who],
        "shared": lines.shared[who],
        "flattered": lines.flattered[who],
        "informed": lines.informed[who],
        "passed": lines.passed[who],
        "soft": lines.soft,
        "thanks": lines.thanks,
    }
    return _pick(pools.get(intent.reaction, ()), said, rng)


def _matter(intent: Intent, persona: Persona, said: set[str], rng: random.Random) -> list[str]:
    """The parts of the utterance that the move asks for."""
    lines, who = voice(), persona.resistance
    own = [_pick(intent.lines, said, rng)] if intent.lines else []
    facts = [offer.text for offer in intent.facts]
    match intent.move:
        case Move.GREET:
            return [_pick(lines.greet, said, rng)]
        case Move.ANSWER:
            return [_pick(lines.answer[who], said, rng) if rng.random() < 0.35 else "", *facts]
        case Move.DEEPEN:
            return [_pick(lines.deepen[who], said, rng) if rng.random() < 0.7 else "", *facts]
        case Move.DODGE:
            return [_pick(_fill(lines.dodge[who], topic=intent.topic), said, rng)]
        case Move.CORRECT:
            return [_pick(_fill(lines.correct[who], wrong=intent.misread, right=intent.emotion), said, rng), *facts]
        case Move.BRISTLE:
            grumble = _pick(lines.bristle[who], said, rng)
            return [grumble, *(own if rng.random() < 0.5 else []), *facts]
        case Move.WIND_UP:
            return [*own, _pick(lines.wind_up, said, rng)]
        case Move.CLOSE:
            return [*own, _pick(lines.goodbye, said, rng)] if own and rng.random() < 0.5 else own or [_pick(lines.goodbye, said, rng)]
        case Move.LEAVE:
            return own if own and rng.random() < 0.6 else [*own, _pick(lines.leave[who], said, rng)]
        case _:
            return [*own, *facts]


def _fill(pool: Lines, **values: str) -> list[str]:
    """Lines whose slots all have a value, filled; those without slots stay."""
    filled = []
    for line in pool:
        slots = re.findall(r"\{(\w+)\}", line)
        if all(values.get(slot) for slot in slots):
            filled.append(re.sub(r"\{(\w+)\}", lambda match: values[match.group(1)], line))
    return filled


def _pick(pool: Iterable[str], said: set[str], rng: random.Random) -> str:
    fit = [line for line in pool if not any(normal(sentence) in said for sentence in sentences(line))]
    return rng.choice(fit) if fit else ""


def _unsaid(text: str, said: set[str]) -> str:
    """The text without sentences that this talk has heard before, or that it says twice."""
    kept: list[str] = []
    known = set(said)
    for sentence in sentences(text):
        if normal(sentence) not in known:
            kept.append(sentence)
            known.add(normal(sentence))
    return " ".join(kept)


def _filler(persona: Persona, said: set[str], rng: random.Random) -> str:
    """Something small when everything else has been said."""
    return _pick(voice().confirm[persona.resistance], said, rng) or _pick(voice().soft, said, rng) or "..."


_TERSE_LIMIT = 14


def _typed(text: str, persona: Persona) -> str:
    """The text as this person types."""
    if persona.style is Style.CASUAL:
        text = re.sub(r"(^|[.!?] )([A-Z])(?=[a-z'])", lambda match: match.group(1) + match.group(2).lower(), text)
        text = re.sub(r"\bI(?='|\b)", "i", text)
        text = text.removesuffix(".")
    return text


def _shortened(text: str) -> str:
    """Whole sentences up to a few words, at least one."""
    parts = sentences(text)
    kept = list(parts[:1])
    for part in parts[1:]:
        if len(words(" ".join([*kept, part]))) > _TERSE_LIMIT:
            break
        kept.append(part)
    return " ".join(kept)
