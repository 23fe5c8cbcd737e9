"""Appraising by rules: the evidence labels of a supporter turn, from its text and strategy and the seeker's own knowledge.

The rehearsal seeker uses these rules; an LLM seeker gives the same labels itself.  Labels only: `simulator/mind.py` makes numbers of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents import lexicon
from agents.emotions import PLEASANT, Family, attributed, close, families, family_of, feelings
from agents.text import is_question, normal, opening, plain, sentences, stems, words
from agents.words import Speaker, Stage, Strategy, Talk, Utterance
from simulator.attention import ASKED, attention, weight
from simulator.mind import Appraisal, Evidence, Mind, Sign
from simulator.persona import Help, Persona
from simulator.scenario import Scenario

NEAR_LINE, NEAREST_LINE = 0.24, 0.4
"""Cosine with a line that loosens, or that offers the step, above which a reply does so: one that takes up what was told, and any other."""
GENERAL_RUN = 3
"""Replies in a row that take up nothing of the seeker's, after which it does not feel heard: one may be an image, three are a tape."""
TAKEN_UP = 0.7
"""Weight (`simulator.attention.weight`) of the seeker's own words in a reply, above which it speaks of this story and not of anybody's."""
LONGEST = 75
"""Words beyond which a chat message is too long to take in."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One supporter turn as the seeker meets it."""

    reply: Utterance
    last: str
    """What the seeker had said just before."""
    told: frozenset[str]
    """Stems of all that the seeker has said."""
    earlier: tuple[Utterance, ...]
    """The supporter's turns before this one."""
    mind: Mind
    persona: Persona
    scenario: Scenario


def scene(talk: Talk, mind: Mind, persona: Persona, scenario: Scenario) -> Scene:
    """The scene at the end of a talk whose last turn is the supporter's."""
    mine = [turn.text for turn in talk if turn.speaker is Speaker.SEEKER]
    return Scene(
        reply=talk[-1],
        last=mine[-1] if mine else "",
        told=frozenset(root for text in mine for root in stems(text)),
        earlier=tuple(turn for turn in talk[:-1] if turn.speaker is Speaker.SUPPORTER),
        mind=mind,
        persona=persona,
        scenario=scenario,
    )


def appraise(now: Scene) -> Appraisal:
    """The evidence labels of the turn, each with the words that show it."""
    found: dict[Sign, str] = {}
    for rule in (_form, _harm, _feeling, _hearing, _asking, _strategy):
        for sign, quote in rule(now).items():
            found.setdefault(sign, quote)
    if Sign.PARROTED in found or Sign.REPEATED in found:
        found.pop(Sign.HEARD, None)
    if Sign.TEMPLATE in found:
        for sign in (Sign.VALUED, Sign.HEARD):
            found.pop(sign, None)
    if _fits(now, frozenset(found)):
        found[Sign.FITS] = now.reply.text
    return Appraisal(evidence=tuple(Evidence(sign=sign, quote=quote[:160]) for sign, quote in sorted(found.items())))


Found = dict[Sign, str]


def _form(now: Scene) -> Found:
    """Too long, said before, or the seeker's own words handed back."""
    text, found = now.reply.text, Found()
    if len(words(text)) > LONGEST:
        found[Sign.OVERLONG] = text
    said = {normal(sentence) for turn in now.earlier for sentence in sentences(turn.text)}
    for sentence in sentences(text):
        if len(words(sentence)) > 3 and normal(sentence) in said:
            found[Sign.REPEATED] = sentence
    if sum(opening(turn.text, 4) == opening(text, 4) for turn in now.earlier) >= 2 or _same_way(now):
        found[Sign.REPEATED] = text
    mine, theirs = stems(now.last), stems(text)
    if len(theirs) >= 3 and sum(root in mine for root in theirs) / len(theirs) > 0.8:
        found[Sign.PARROTED] = text
    return found


def _same_way(now: Scene) -> bool:
    """Whether the seeker is met in the same way for the third time running; questions and small talk have rules of their own."""
    before = [turn.strategy for turn in now.earlier[-2:]]
    return before == [now.reply.strategy] * 2 and now.reply.strategy not in (None, Strategy.QUESTION, Strategy.OTHERS)


def _harm(now: Scene) -> Found:
    """Stock phrases, pressure, belittling, praise that nothing supports."""
    text = plain(now.reply.text)
    patterns = {Sign.TEMPLATE: lexicon.CLICHE, Sign.PRESSURE: lexicon.PRESSURE, Sign.MINIMISED: lexicon.MINIMISING}
    found = {sign: match.group(0) for sign, pattern in patterns.items() if (match := pattern.search(text))}
    if (praise := lexicon.PRAISE.search(text)) and _shared(now) == 0:
        found[Sign.FLATTERED] = praise.group(0)
    return found


def _feeling(now: Scene) -> Found:
    """An emotion that is named: the right one, or another."""
    if now.reply.strategy is Strategy.SELF_DISCLOSURE:
        return {}
    there = feelings_there(now)
    named = attributed(now.reply.text)
    said = feelings(now.reply.text) if _takes_up(now) else named
    if any(any(close(family, other) for other in there) for _, family in said):
        return {Sign.EMOTION_NAMED: now.reply.text}
    for word, family in named:
        if family in PLEASANT and (now.mind.intensity < 2.8 or now.reply.strategy is Strategy.OTHERS):
            continue
        return {Sign.MISREAD: word}
    return {}


def feelings_there(now: Scene) -> frozenset[Family]:
    """What the seeker may truly feel: the scenario's emotion, and what the situation, the facts told and the last words name."""
    told = {item.key for item in now.mind.disclosed}
    facts = " ".join(fact.open for fact in now.scenario.facts if fact.key in told)
    named = families(now.last) | families(now.scenario.situation) | families(facts)
    return (named | {family_of(now.scenario.emotion_type)}) - PLEASANT


def _hearing(now: Scene) -> Found:
    """Taken up or passed over."""
    if now.reply.strategy is Strategy.OTHERS and len(words(now.last)) <= 8:
        return {Sign.COURTESY: now.reply.text}
    stated = " ".join(sentence for sentence in sentences(now.reply.text) if not is_question(sentence))
    last = set(stems(now.last))
    if stated and len(last & set(stems(stated))) >= (2 if len(last) > 5 else 1):
        return {Sign.HEARD: stated}
    text = plain(now.reply.text)
    passed = not feelings(text) and not (last & set(stems(text))) and not lexicon.WARM.search(text)
    small_talk = now.reply.strategy is Strategy.OTHERS and bool(feelings(now.last))
    if passed and len(words(now.last)) >= 5 and (lexicon.DRY.search(text) or lexicon.HURRY.search(text) or small_talk):
        return {Sign.NOT_HEARD: now.reply.text}
    recent = (*now.earlier, now.reply)[-GENERAL_RUN:]
    if len(recent) == GENERAL_RUN and all(_general(now, turn) for turn in recent):
        return {Sign.NOT_HEARD: now.reply.text}
    return {}


def _general(now: Scene, turn: Utterance) -> bool:
    """Whether a reply would fit anybody: it asks nothing, takes up nothing that was told, and names no feeling that is there."""
    if is_question(turn.text) or turn.strategy in (Strategy.OTHERS, Strategy.SELF_DISCLOSURE) or _takes_up(now, turn):
        return False
    there = feelings_there(now)
    return not any(close(family, other) for _, family in attributed(turn.text) for other in there)


def _asking(now: Scene) -> Found:
    """A question about what matters; or one question too many."""
    if not is_question(now.reply.text):
        return {}
    before = [turn.strategy for turn in now.earlier[-2:]]
    if len(before) == 2 and all(strategy is Strategy.QUESTION for strategy in before) and len(now.earlier) > 2:
        return {Sign.INTERROGATED: now.reply.text}
    if now.reply.text.count("?") > 2:
        return {Sign.INTERROGATED: now.reply.text}
    _, score = attention(now.scenario).asked_for(now.reply.text)
    return {Sign.GOOD_QUESTION: now.reply.text} if score >= ASKED else {}


def _strategy(now: Scene) -> Found:
    """What the strategy does when its text does it well, and at its time."""
    text, strategy = now.reply.text, now.reply.strategy
    found = Found()
    index = attention(now.scenario)
    if strategy in (Strategy.AFFIRMATION, Strategy.REFLECTION, Strategy.QUESTION) and _comes_near(now, index.near(text, "loosens")):
        found[Sign.LOOSENED] = text
    if strategy is Strategy.AFFIRMATION and _takes_up(now):
        found[Sign.VALUED] = text
    if strategy is Strategy.SELF_DISCLOSURE and now.earlier and (_shared(now) >= 1 or feelings(text)):
        found[Sign.SHARED] = text
    advice = strategy in (Strategy.SUGGESTION, Strategy.INFORMATION) or bool(lexicon.HURRY.search(plain(text)))
    if advice and not _ready(now):
        found[Sign.EARLY_ADVICE] = text
    elif strategy is Strategy.SUGGESTION and _comes_near(now, index.near(text, "step")):
        found[Sign.STEP_OFFERED] = text
    elif strategy in (Strategy.SUGGESTION, Strategy.INFORMATION) and _takes_up(now):
        found[Sign.USEFUL] = text
    return found


def _ready(now: Scene) -> bool:
    """Whether advice can be taken: the seeker asked, or feels safe enough and has told enough."""
    if is_question(now.last):
        return True
    told = len({item.key for item in now.mind.disclosed})
    return now.mind.stage is not Stage.EXPLORATION and told >= 2


def _shared(now: Scene) -> int:
    """Topic words of the reply that the seeker has used."""
    return len(now.told & set(stems(now.reply.text)))


def _takes_up(now: Scene, turn: Utterance | None = None) -> bool:
    """Whether the reply (or another turn) speaks of what this seeker has told, and not of what anybody might have."""
    return weight(now.told & set(stems((turn or now.reply).text))) >= TAKEN_UP


def _comes_near(now: Scene, cosine: float) -> bool:
    return cosine >= (NEAR_LINE if _takes_up(now) else NEAREST_LINE)


_HELPED: dict[Help, frozenset[Sign]] = {
    Help.BEING_HEARD: frozenset({Sign.HEARD}),
    Help.FEELINGS_NAMED: frozenset({Sign.EMOTION_NAMED}),
    Help.BEING_BELIEVED: frozenset({Sign.HEARD, Sign.VALUED}),
    Help.PRACTICAL_STEPS: frozenset({Sign.USEFUL, Sign.STEP_OFFERED}),
    Help.INFORMATION: frozenset({Sign.USEFUL}),
    Help.SHARED_EXPERIENCE: frozenset({Sign.SHARED}),
    Help.ENCOURAGEMENT: frozenset({Sign.VALUED}),
    Help.GOOD_QUESTIONS: frozenset({Sign.GOOD_QUESTION}),
    Help.TIME: frozenset({Sign.EMOTION_NAMED, Sign.HEARD}),
}


def _fits(now: Scene, found: frozenset[Sign]) -> bool:
    helps = set(now.persona.helps) | set(now.scenario.helps)
    if Help.TIME in helps and is_question(now.reply.text):
        helps.discard(Help.TIME)
    return any(_HELPED[kind] & found for kind in helps)
