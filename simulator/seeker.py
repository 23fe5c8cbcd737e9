"""The seeker: appraise, live, intend, speak.

Two calls a turn.  The appraisal gives labels, code (`simulator/mind.py`) moves the mind, code (`simulator/director.py`) decides what the
seeker does, and the second call words it.  The seeker's prompts never reach a supporter, and the speaking prompt holds neither the
hidden need nor any number of the mind.
"""

from __future__ import annotations

import random
from pathlib import Path

from agents.chat.port import Chat, Ledger, Request, Role, derive_seed
from agents.prompting import load_prompt, talk_messages
from agents.text import stems
from agents.words import Speaker, Talk
from simulator.cast import Cast
from simulator.describing import describe_intent, describe_manner, describe_mood, describe_persona, describe_signs
from simulator.director import Situation, next_intent, visit_length
from simulator.episode import SeekerTurn
from simulator.intent import Intent, Move
from simulator.mind import Appraisal, Disclosure, Mind, first_mind, live
from simulator.scenario import WORDINGS, Depth

PROMPTS = Path(__file__).parent / "prompts"

TOLD = 0.4
"""Share of an offered fact's topic words that must stand in the utterance for the fact to count as told."""

WHOLLY = 0.85
"""Share of a surface fact's topic words that an opening must hold for the fact to be told with it."""


class Seeker:
    """A seat for the simulated help-seeker.

    Args:
        chat: the backend.
        language: the language that an LLM backend shall write in.
    """

    def __init__(self, chat: Chat, *, language: str = "English") -> None:
        self.chat = chat
        self.language = language
        self.appraise_prompt, self.speak_prompt = (load_prompt(PROMPTS / f"{name}.md") for name in ("appraise", "speak"))

    async def turn(self, cast: Cast, talk: Talk, past: tuple[Intent, ...], mind: Mind | None, *, seed: int, ledger: Ledger) -> SeekerTurn:
        """The seeker's next turn.

        Args:
            cast: who the seeker is and what happened.
            talk: what has been said; empty, or ending with the supporter's turn.
            past: the seeker's intents so far.
            mind: the mind after the seeker's last turn; None at the start.
            seed: of the episode.
            ledger: notes the calls.
        """
        step = sum(turn.speaker is Speaker.SEEKER for turn in talk)
        appraisal = None
        if mind is None:
            mind = first_mind(cast.persona, cast.scenario.intensity)
        elif talk:
            appraisal = await self.appraise(cast, talk, mind, seed=derive_seed(seed, "appraise", step), ledger=ledger)
            mind = live(mind, appraisal, cast.persona)
        moment = Situation(
            talk=talk,
            past=past,
            mind=mind,
            appraisal=appraisal or Appraisal(),
            persona=cast.persona,
            scenario=cast.scenario,
            visit=visit_length(seed),
        )
        intent = next_intent(moment, random.Random(derive_seed(seed, "intend", step)))
        text = await self.speak(cast, talk, mind, intent, seed=derive_seed(seed, "speak", step), ledger=ledger)
        return SeekerTurn(text=text, appraisal=appraisal, mind=disclosed(mind, cast, intent, text, step), intent=intent)

    async def appraise(self, cast: Cast, talk: Talk, mind: Mind, *, seed: int, ledger: Ledger) -> Appraisal:
        """How the last supporter turn landed."""
        scenario, persona = cast.scenario, cast.persona
        values = {
            "persona": describe_persona(persona),
            "situation": scenario.situation,
            "belief": scenario.belief,
            "need": scenario.need,
            "helps": ", ".join(dict.fromkeys((*scenario.helps, *persona.helps))),
            "hurts": ", ".join(dict.fromkeys((*scenario.hurts, *persona.hurts))),
            "signs": describe_signs(),
        }
        messages = self.appraise_prompt.render(values)
        request = Request(
            role=Role.SEEKER,
            task=self.appraise_prompt.name,
            messages=(messages[0], *talk_messages(talk, me=Speaker.SEEKER), messages[-1]),
            fingerprint=self.appraise_prompt.fingerprint,
            seed=seed,
            variables={"talk": tuple(talk), "mind": mind, "persona": persona, "scenario": scenario},
            schema=Appraisal,
        )
        return await ledger.complete(self.chat, request, Appraisal)

    async def speak(self, cast: Cast, talk: Talk, mind: Mind, intent: Intent, *, seed: int, ledger: Ledger) -> str:
        """The utterance that carries out the intent."""
        values = {
            "persona": describe_persona(cast.persona),
            "situation": cast.scenario.situation,
            "mood": describe_mood(mind, cast.scenario.emotion_type),
            "intent": describe_intent(intent),
            "manner": describe_manner(cast.persona),
            "language": self.language,
        }
        messages = self.speak_prompt.render(values)
        request = Request(
            role=Role.SEEKER,
            task=self.speak_prompt.name,
            messages=(messages[0], *talk_messages(talk, me=Speaker.SEEKER), messages[-1]),
            fingerprint=self.speak_prompt.fingerprint,
            seed=seed,
            variables={"talk": tuple(talk), "intent": intent, "persona": cast.persona},
        )
        return await ledger.say(self.chat, request)


def disclosed(mind: Mind, cast: Cast, intent: Intent, text: str, step: int) -> Mind:
    """The mind with the facts that the utterance really tells: offered ones in good part, and what an opening says anyway."""
    said = set(stems(text))
    new = [
        Disclosure(key=offer.key, wording=offer.wording, turn=step)
        for offer in intent.facts
        if (roots := set(stems(offer.text))) and len(roots & said) >= TOLD * len(roots)
    ]
    if intent.move is Move.OPEN:
        new += [
            Disclosure(key=fact.key, wording=level, turn=step)
            for fact in cast.scenario.facts
            for level in reversed(WORDINGS)
            if fact.depth is Depth.SURFACE and _contains(said, fact.wording(level))
        ]
        new = list({item.key: item for item in reversed(new)}.values())
    return mind.model_copy(update={"disclosed": (*mind.disclosed, *new)}) if new else mind


def _contains(said: set[str], wording: str) -> bool:
    roots = set(stems(wording))
    return len(roots) >= 2 and len(roots & said) >= WHOLLY * len(roots)
