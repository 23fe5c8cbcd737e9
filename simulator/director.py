"""The director: what the seeker does next, decided by code from the mind, the appraisal and the scenario.

It releases facts as trust opens them, has a question answered or dodged, takes offence, takes up a step, and ends the talk by a typed
reason.  It writes no words (a backend does), and what it may release never includes the hidden need.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from agents.emotions import ADJECTIVE, family_of
from agents.text import is_question, normal, plain, sentences
from agents.words import Speaker, Stage, Strategy, Talk
from simulator.attention import ASKED, attention
from simulator.intent import Intent, Move, Offer
from simulator.mind import Appraisal, Mind, Sign
from simulator.persona import Persona, Resistance, Verbosity
from simulator.scenario import WORDINGS, Depth, Fact, Scenario, Wording

GIVE_UP = 0.12
"""Patience below which the seeker leaves."""
RELIEVED_AT = 2.45
"""Intensity below which the seeker feels well enough to go."""
TRUST_FOR: dict[Depth, float] = {Depth.SURFACE: 0.0, Depth.LATER: 0.33, Depth.TRUSTED: 0.56}
"""Trust a fact needs before it is told."""
SHORTEST_VISIT, LONGEST_VISIT = 10, 15
"""Supporter turns after which a seeker has to go, drawn by seed between the two (both included)."""

_HARSH = frozenset({Sign.PRESSURE, Sign.MINIMISED, Sign.TEMPLATE, Sign.EARLY_ADVICE, Sign.REPEATED, Sign.OVERLONG, Sign.INTERROGATED})
_BRISTLES: dict[Resistance, float] = {
    Resistance.OPEN: 0.3,
    Resistance.GUARDED: 0.55,
    Resistance.AVOIDANT: 0.4,
    Resistance.ARGUMENTATIVE: 0.9,
    Resistance.SILENT: 0.5,
}
_DODGES: dict[Resistance, float] = {
    Resistance.OPEN: 0.02,
    Resistance.GUARDED: 0.12,
    Resistance.AVOIDANT: 0.25,
    Resistance.ARGUMENTATIVE: 0.12,
    Resistance.SILENT: 0.18,
}
_YOUR = re.compile(r"\byour ([a-z]+)\b")
_NOT_A_TOPIC = frozenset(
    "worst most best hardest first last next rest way part thing moment time day night end same one mind head bit".split()
)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the director looks at: one moment of one talk."""

    talk: Talk
    past: tuple[Intent, ...]
    """The seeker's intents so far, oldest first."""
    mind: Mind
    appraisal: Appraisal
    persona: Persona
    scenario: Scenario
    visit: int
    """Supporter turns after which this seeker has to go."""

    @property
    def turns(self) -> int:
        """Supporter turns so far."""
        return sum(turn.speaker is Speaker.SUPPORTER for turn in self.talk)

    @property
    def reply(self) -> str:
        """The supporter's last words; empty at the start."""
        return self.talk[-1].text if self.talk and self.talk[-1].speaker is Speaker.SUPPORTER else ""

    def did(self, *moves: Move) -> bool:
        """Whether the seeker has made one of these moves before."""
        return any(intent.move in moves for intent in self.past)


def visit_length(seed: int) -> int:
    """How many supporter turns this seeker has time for."""
    return random.Random(seed ^ 0x5EED).randint(SHORTEST_VISIT, LONGEST_VISIT)


def next_intent(now: Situation, rng: random.Random) -> Intent:
    """What the seeker does next."""
    if not now.did(Move.OPEN):
        return _begin(now, rng)
    if (ending := _ending(now, rng)) is not None:
        return ending
    signs = now.appraisal.signs
    if Sign.MISREAD in signs:
        return _correct(now, rng)
    if signs & _HARSH and rng.random() < _BRISTLES[now.persona.resistance]:
        return _bristle(now, rng)
    if Sign.STEP_OFFERED in signs:
        return _meet_step(now, rng)
    strategy = now.talk[-1].strategy
    if strategy is Strategy.SUGGESTION and not is_question(now.reply) and (answer := _meet_advice(now, rng)) is not None:
        return answer
    if is_question(now.reply):
        return _meet_question(now, rng)
    return _go_on(now, rng)


def _begin(now: Situation, rng: random.Random) -> Intent:
    greets = {Verbosity.TERSE: 0.85, Verbosity.MEDIUM: 0.7, Verbosity.TALKATIVE: 0.45}[now.persona.verbosity]
    if not now.past and rng.random() < greets:
        return Intent(move=Move.GREET)
    return Intent(move=Move.OPEN, lines=now.scenario.openings)


def _ending(now: Situation, rng: random.Random) -> Intent | None:
    """Leave, wind up or take leave; None while the talk goes on."""
    mind = now.mind
    if mind.patience <= GIVE_UP:
        return Intent(move=Move.LEAVE, lines=_unsaid(now, now.scenario.leavings))
    if now.did(Move.WIND_UP):
        return Intent(move=Move.CLOSE, lines=_unsaid(now, now.scenario.closings), reaction="thanks")
    relieved = mind.intensity <= RELIEVED_AT and now.turns >= 8
    if now.turns >= now.visit or (relieved and not _left_to_tell(now)):
        if relieved or mind.trust > 0.4 or rng.random() < 0.5:
            return Intent(
                move=Move.WIND_UP, lines=_unsaid(now, now.scenario.relief) if mind.intensity < 3.4 else (), reaction=_reaction(now, rng)
            )
        return Intent(move=Move.CLOSE, lines=_unsaid(now, now.scenario.closings))
    return None


def _correct(now: Situation, rng: random.Random) -> Intent:
    quote = next(item.quote for item in now.appraisal.evidence if item.sign is Sign.MISREAD)
    return Intent(
        move=Move.CORRECT,
        emotion=ADJECTIVE[family_of(now.scenario.emotion_type)],
        misread=quote,
        facts=_offers(now, rng, _open_facts(now)[:1]),
    )


def _bristle(now: Situation, rng: random.Random) -> Intent:
    tells = {Resistance.OPEN: 0.6, Resistance.ARGUMENTATIVE: 0.5}.get(now.persona.resistance, 0.25)
    facts = _offers(now, rng, _open_facts(now)[:1]) if rng.random() < tells else ()
    harsh = now.appraisal.signs & {Sign.PRESSURE, Sign.EARLY_ADVICE}
    return Intent(move=Move.BRISTLE, lines=_unsaid(now, now.scenario.objections) if harsh else (), facts=facts)


def _meet_step(now: Situation, rng: random.Random) -> Intent:
    ready = now.mind.trust >= 0.45 and now.mind.grip <= 0.85 and now.mind.stage is not Stage.EXPLORATION
    if now.did(Move.ACCEPT):
        return _go_on(now, rng)
    if ready:
        return Intent(move=Move.ACCEPT, lines=_unsaid(now, now.scenario.step.accept))
    return Intent(move=Move.HESITATE, lines=_unsaid(now, now.scenario.step.hesitant))


def _meet_advice(now: Situation, rng: random.Random) -> Intent | None:
    """A yes-but, or a softening, or nothing particular (then the seeker goes on)."""
    objects = {Resistance.OPEN: 0.2, Resistance.ARGUMENTATIVE: 0.65}.get(now.persona.resistance, 0.35) * (0.6 + 0.6 * now.mind.grip)
    objections = _unsaid(now, now.scenario.objections)
    if objections and rng.random() < objects:
        return Intent(move=Move.OBJECT, lines=objections)
    relief = _unsaid(now, now.scenario.relief)
    if relief and now.mind.intensity < _first_intensity(now) - 0.6 and rng.random() < 0.3:
        return Intent(move=Move.EASE, lines=relief)
    return None


def _meet_question(now: Situation, rng: random.Random) -> Intent:
    """Every question is answered, or dodged in character."""
    key, score = attention(now.scenario).asked_for(now.reply)
    subject = asked_topic(now.reply)
    if score < ASKED:
        return _answer_loosely(now, rng, subject)
    fact = now.scenario.fact(key)
    reluctant = rng.random() < _DODGES[now.persona.resistance] * (1.3 - now.mind.trust)
    locked = not _may_tell(now, fact)
    if (locked or reluctant) and not _just_dodged(now):
        return Intent(move=Move.DODGE, topic=subject)
    if locked:
        return _answer_loosely(now, rng, subject)
    if now.mind.told(key) is None:
        return Intent(move=Move.ANSWER, topic=subject, facts=_with_more(now, rng, fact))
    if (fuller := _fuller(now, fact)) is not None:
        return Intent(move=Move.DEEPEN, topic=subject, facts=(fuller,))
    return _answer_loosely(now, rng, subject)


def _answer_loosely(now: Situation, rng: random.Random, subject: str) -> Intent:
    """No fact answers it: the seeker says what is nearest to hand, or lets the question go by openly."""
    facts = _open_facts(now)
    if facts:
        scores = attention(now.scenario).nearness(now.reply)
        owners = attention(now.scenario).owners
        near = {fact.key: max((scores[i] for i, owner in enumerate(owners) if owner == fact.key), default=0.0) for fact in facts[:6]}
        facts = sorted(facts[:6], key=lambda fact: -near[fact.key])
        return Intent(move=Move.ANSWER, topic=subject, facts=_with_more(now, rng, facts[0]))
    return Intent(move=Move.DODGE, topic=subject)


def _go_on(now: Situation, rng: random.Random) -> Intent:
    """Nothing was asked: tell the next thing, or say what has eased, or tell a known thing more fully."""
    reaction = _reaction(now, rng)
    eased = now.mind.intensity < _first_intensity(now) - 0.9
    relief = _unsaid(now, now.scenario.relief)
    if eased and relief and now.turns >= 6 and sum(i.move is Move.EASE for i in now.past) < 2 and rng.random() < 0.3:
        return Intent(move=Move.EASE, lines=relief, reaction=reaction)
    facts = _open_facts(now)
    asks = _asks(now, rng)
    if facts:
        return Intent(move=Move.TELL, facts=_with_more(now, rng, facts[0]), reaction=reaction, asks=asks)
    for fact in _told_facts(now):
        if (fuller := _fuller(now, fact)) is not None:
            return Intent(move=Move.DEEPEN, facts=(fuller,), reaction=reaction, asks=asks)
    if relief and eased and now.turns >= 6:
        return Intent(move=Move.EASE, lines=relief, reaction=reaction)
    return _run_dry(now, rng, reaction)


def _run_dry(now: Situation, rng: random.Random, reaction: str) -> Intent:
    """Nothing more that may be told yet: grumble, say little, and in the end go."""
    objections = _unsaid(now, now.scenario.objections)
    if objections and rng.random() < 0.4:
        return Intent(move=Move.OBJECT, lines=objections)
    if now.turns >= now.visit - 3:
        return Intent(move=Move.WIND_UP, reaction=reaction)
    return Intent(move=Move.TELL, reaction=reaction or "confirm")


def _reaction(now: Situation, rng: random.Random) -> str:
    """How the last turn is taken before anything else is said."""
    signs, strategy = now.appraisal.signs, now.talk[-1].strategy
    if Sign.NOT_HEARD in signs:
        return "passed"
    if Sign.SHARED in signs:
        return "shared" if rng.random() < 0.7 else ""
    if strategy is Strategy.AFFIRMATION:
        if rng.random() < 0.015 * now.turns:
            return "thanks"
        return "flattered" if rng.random() < 0.5 else ""
    if Sign.USEFUL in signs and strategy is Strategy.INFORMATION:
        return "informed" if rng.random() < 0.6 else ""
    if signs & {Sign.HEARD, Sign.EMOTION_NAMED}:
        if rng.random() < 0.02 * now.turns:
            return "thanks"
        return "confirm" if rng.random() < 0.5 else ""
    return "soft" if now.mind.intensity < 2.8 and rng.random() < 0.2 else ""


def _asks(now: Situation, rng: random.Random) -> str:
    """A question of the seeker's own, now and then; ESConv's seekers ask in 13% of their turns."""
    if now.turns < 2 or any(intent.asks for intent in now.past[-3:]) or rng.random() > 0.2:
        return ""
    return rng.choice(("advice", "advice", "normal") if now.mind.stage is Stage.ACTION else ("normal", "you", "advice"))


def _with_more(now: Situation, rng: random.Random, fact: Fact) -> tuple[Offer, ...]:
    """The fact, and for a talkative person now and then the next one too."""
    more = [other for other in _open_facts(now) if other.key != fact.key][:1]
    talks = {Verbosity.TERSE: 0.0, Verbosity.MEDIUM: 0.03, Verbosity.TALKATIVE: 0.16}[now.persona.verbosity]
    return _offers(now, rng, [fact, *more] if rng.random() < talks else [fact])


def _offers(now: Situation, rng: random.Random, facts: list[Fact]) -> tuple[Offer, ...]:
    return tuple(Offer(key=fact.key, wording=level, text=fact.wording(level)) for fact in facts for level in (_level(now, rng),))


def _level(now: Situation, rng: random.Random) -> Wording:
    """How much of a fact is let out: by openness, a little more or less by how much this person talks."""
    lean = {Verbosity.TERSE: -0.16, Verbosity.MEDIUM: -0.05, Verbosity.TALKATIVE: 0.08}[now.persona.verbosity]
    place = now.mind.openness + lean + rng.uniform(-0.12, 0.12)
    return Wording.GUARDED if place < 0.3 else Wording.PLAIN if place < 0.62 else Wording.OPEN


def _may_tell(now: Situation, fact: Fact) -> bool:
    return now.mind.trust >= TRUST_FOR[fact.depth]


def _open_facts(now: Situation) -> list[Fact]:
    """Facts not told yet that trust has opened, the shallow ones first, in the seeker's own order."""
    depth = list(Depth)
    order = {fact.key: index for index, fact in enumerate(now.scenario.facts)}
    facts = [fact for fact in now.scenario.facts if now.mind.told(fact.key) is None and _may_tell(now, fact)]
    return sorted(facts, key=lambda fact: (depth.index(fact.depth), (order[fact.key] * 7 + now.visit * 3) % 5, order[fact.key]))


def _told_facts(now: Situation) -> list[Fact]:
    return [fact for fact in now.scenario.facts if now.mind.told(fact.key) is not None]


def _left_to_tell(now: Situation) -> bool:
    return now.turns < now.visit - 3 and bool(_open_facts(now))


def _fuller(now: Situation, fact: Fact) -> Offer | None:
    """A known fact in a fuller wording, once trust allows it."""
    told = now.mind.told(fact.key)
    if told is None or told is Wording.OPEN or now.mind.openness < 0.45:
        return None
    level = WORDINGS[WORDINGS.index(told) + 1] if now.mind.openness < 0.6 else Wording.OPEN
    return Offer(key=fact.key, wording=level, text=fact.wording(level))


def _just_dodged(now: Situation) -> bool:
    return bool(now.past) and now.past[-1].move is Move.DODGE


def _first_intensity(now: Situation) -> float:
    return float(now.scenario.intensity)


def _unsaid(now: Situation, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Lines of which no sentence has been said in this talk."""
    said = {normal(sentence) for turn in now.talk for sentence in sentences(turn.text)}
    return tuple(line for line in lines if not any(normal(sentence) in said for sentence in sentences(line)))


def asked_topic(question: str) -> str:
    """What a question is about, from the seeker's side: `your sister` becomes `my sister`; empty when nothing stands out."""
    for match in _YOUR.finditer(plain(question)):
        if match.group(1) not in _NOT_A_TOPIC:
            return f"my {match.group(1)}"
    return ""
