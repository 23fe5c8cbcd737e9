"""Persona, mood and intent in words, for the prompts of an LLM seeker.  Numbers of the mind never appear here."""

from __future__ import annotations

from functools import lru_cache

from simulator.intent import Intent, Move
from simulator.mind import Mind, Sign
from simulator.persona import Persona, Resistance, Style, Verbosity

_MANNER = {
    Resistance.OPEN: "you talk freely once asked",
    Resistance.GUARDED: "you are careful and give little away until you trust",
    Resistance.AVOIDANT: "you play things down and change the subject when it gets close",
    Resistance.ARGUMENTATIVE: "you dispute what you are told",
    Resistance.SILENT: "you say very little",
}
_LENGTH = {
    Verbosity.TERSE: "a few words to one short sentence",
    Verbosity.MEDIUM: "one or two sentences",
    Verbosity.TALKATIVE: "two to four sentences",
}
_TYPING = {
    Style.CASUAL: "casual, lower case, loose punctuation",
    Style.PLAIN: "plain, everyday",
    Style.CAREFUL: "whole sentences, careful punctuation",
}
_DOES = {
    Move.GREET: "say hello, no more",
    Move.OPEN: "say what it is about",
    Move.TELL: "go on telling",
    Move.ANSWER: "answer what was asked",
    Move.DEEPEN: "say more of what you have told before",
    Move.DODGE: "turn the question away, in your manner",
    Move.CORRECT: "say that the feeling they named is not the one you have",
    Move.BRISTLE: "show that their last message rubbed you the wrong way",
    Move.OBJECT: "say yes, but: why that would not work for you",
    Move.HESITATE: "say that you are not ready for that step yet",
    Move.ACCEPT: "take up the step they offered",
    Move.EASE: "say that something has eased a little",
    Move.ASK: "ask the supporter something",
    Move.WIND_UP: "begin to bring the talk to an end",
    Move.CLOSE: "take leave",
    Move.LEAVE: "give up on this talk and go",
}
_ASKS = {
    "advice": "End by asking what they would do.",
    "normal": "End by asking whether it is normal.",
    "you": "End by asking whether they know this themselves.",
}
_SIGNS = {
    Sign.HEARD: "it says back, accurately and in its own words, what I just told",
    Sign.EMOTION_NAMED: "it names the emotion that is there",
    Sign.FITS: "it is the kind of support that helps me",
    Sign.VALUED: "it affirms something that is really there",
    Sign.GOOD_QUESTION: "it asks about what matters, one thing at a time",
    Sign.SHARED: "it shares an experience close to mine",
    Sign.LOOSENED: "it touches my unhelpful belief in a way that can loosen it",
    Sign.STEP_OFFERED: "it proposes a small step that would be real progress",
    Sign.USEFUL: "advice or information that fits, at a time when I can use it",
    Sign.COURTESY: "a greeting, thanks or good-bye in its place",
    Sign.NOT_HEARD: "it passes over what I just told",
    Sign.MISREAD: "it names an emotion that is not there",
    Sign.EARLY_ADVICE: "advice or cheer before I am ready",
    Sign.PRESSURE: "it tells me what to do or feel, or hurries me",
    Sign.TEMPLATE: "a stock phrase that would fit anybody",
    Sign.MINIMISED: "it makes my trouble small or compares it with others'",
    Sign.INTERROGATED: "another question after several, with nothing given back",
    Sign.PARROTED: "my own words handed back nearly unchanged",
    Sign.REPEATED: "it said this, or nearly this, before, or meets me in the same way for the third time running",
    Sign.FLATTERED: "praise that nothing I told supports",
    Sign.OVERLONG: "far longer than a chat message",
}


@lru_cache(maxsize=512)
def describe_persona(persona: Persona) -> str:
    """Who the seeker is, in a few lines."""
    traits = ", ".join(
        f"{'very ' if abs(value - 0.5) > 0.35 else ''}{high if value >= 0.5 else low}"
        for value, high, low in (
            (persona.big_five.openness, "curious", "conventional"),
            (persona.big_five.conscientiousness, "orderly", "careless"),
            (persona.big_five.extraversion, "outgoing", "reserved"),
            (persona.big_five.agreeableness, "soft-hearted", "hard-headed"),
            (persona.big_five.neuroticism, "easily shaken", "even-tempered"),
        )
    )
    background = f"\n{persona.background}" if persona.background else ""
    return (
        f"{persona.age} years old, {persona.gender}, {persona.occupation}. {traits.capitalize()}. "
        f"In distress: {persona.coping.value.replace('_', ' ')}. With help, {_MANNER[persona.resistance]}.{background}"
    )


def describe_manner(persona: Persona) -> str:
    """How this person types."""
    return f"{_TYPING[persona.style]}; {_LENGTH[persona.verbosity]}"


def describe_mood(mind: Mind, emotion: str) -> str:
    """The mind in words."""
    strength = ("hardly any", "a little", "some", "strong", "overwhelming")[mind.reported - 1]
    trust = "you do not trust them" if mind.trust < 0.3 else "you begin to trust them" if mind.trust < 0.6 else "you trust them"
    patience = "; your patience is nearly gone" if mind.patience < 0.25 else ""
    return f"{strength} {emotion}; {trust}{patience}."


def describe_intent(intent: Intent) -> str:
    """The move and its material."""
    parts = [f"{_DOES[intent.move]}."]
    if intent.topic:
        parts.append(f"They asked about {intent.topic}.")
    if intent.emotion:
        parts.append(f"What you feel is closer to {intent.emotion}; they said {intent.misread}.")
    if intent.facts:
        parts.append("Tell this, in your own words and no more of it: " + " / ".join(offer.text for offer in intent.facts))
    if intent.lines:
        parts.append(f"Something like: {intent.lines[0]}")
    if intent.asks:
        parts.append(_ASKS[intent.asks])
    return " ".join(parts)


def describe_signs() -> str:
    """The labels with their meaning, a line each."""
    return "\n".join(f"- {sign.value}: {meaning}" for sign, meaning in _SIGNS.items())
