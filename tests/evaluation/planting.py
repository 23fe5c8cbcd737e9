"""Faults planted into copies of clean talks: what the seeker's checks must find."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.words import Speaker
from simulator.episode import Episode, Stop, StopReason
from simulator.scenario import Depth

Plant = Callable[[Episode], Episode]

THANKS = ("Thank you so much!", "Thanks again, really.", "Thank you, you too.", "You too, thanks!", "Thank you, bye, have a nice day.")


def seeker_places(episode: Episode) -> list[int]:
    """Indices of the seeker's turns."""
    return [place for place, turn in enumerate(episode.turns) if turn.speaker is Speaker.SEEKER]


def saying(episode: Episode, texts: Mapping[int, str]) -> Episode:
    """The episode with other words in these turns; minds and intents stay what they were."""
    turns = [turn.model_copy(update={"text": texts[place]}) if place in texts else turn for place, turn in enumerate(episode.turns)]
    return episode.model_copy(update={"turns": tuple(turns)})


def middle(episode: Episode) -> int:
    """A seeker turn in the middle."""
    places = seeker_places(episode)
    return places[len(places) // 2]


def says_its_need(episode: Episode) -> Episode:
    need = episode.scenario.need.removeprefix("To hear that ")
    return saying(episode, {seeker_places(episode)[2]: f"I don't know. I think what I need is for someone to tell me that {need}"})


def tells_a_secret_at_once(episode: Episode) -> Episode:
    secrets = [fact for fact in episode.scenario.facts if fact.depth is Depth.TRUSTED]
    return saying(episode, {seeker_places(episode)[1]: secrets[0].open}) if secrets else episode


def tells_everything(episode: Episode) -> Episode:
    return saying(episode, {seeker_places(episode)[1]: " ".join(fact.open for fact in episode.scenario.facts[:6])})


def repeats_itself(episode: Episode) -> Episode:
    places = seeker_places(episode)
    longest = max(places[1:5], key=lambda place: len(episode.turns[place].text))
    return saying(episode, {places[6]: episode.turns[longest].text})


def offers_help(episode: Episode) -> Episode:
    return saying(episode, {middle(episode): "That sounds like you have a lot to carry. I'm here to listen. How does that make you feel?"})


def swaps_sides(episode: Episode) -> Episode:
    """Six turns in a row are what the supporter said before."""
    places = [place for place in seeker_places(episode) if place > 1][1:7]
    return saying(episode, {place: episode.turns[place - 3 if place > 2 else place - 1].text for place in places})


def thanks_five_times(episode: Episode) -> Episode:
    return saying(episode, dict(zip(seeker_places(episode)[-5:], THANKS, strict=True)))


def ends_in_the_second_turn(episode: Episode) -> Episode:
    last = seeker_places(episode)[1]
    turns = (*episode.turns[:last], episode.turns[last].model_copy(update={"text": "ok, I have to go now. bye"}))
    return episode.model_copy(update={"turns": turns, "stop": Stop(reason=StopReason.GOODBYE)})


def is_another_age(episode: Episode) -> Episode:
    age = 64 if episode.persona.age < 40 else 19
    return saying(episode, {middle(episode): f"I'm {age}, and it has never been like this before."})


def is_another_gender(episode: Episode) -> Episode:
    word = "father" if episode.persona.gender == "female" else "mother"
    return saying(episode, {middle(episode): f"I'm a {word}, I should know how to do this by now."})


def is_a_program(episode: Episode) -> Episode:
    return saying(episode, {middle(episode): "As an AI language model I do not have feelings, but this person would be worried."})


def echoes(episode: Episode) -> Episode:
    replies = [place for place in seeker_places(episode) if place > 3 and len(episode.turns[place - 1].text.split()) > 9]
    return saying(episode, {replies[0]: f"Yes. {episode.turns[replies[0] - 1].text}"}) if replies else episode
