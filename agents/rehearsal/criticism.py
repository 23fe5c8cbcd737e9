"""Finding the five psychological errors in a reply, from its text and the talk, with the words that show each.

Rules over words, no hidden flag: the same rules judge a human's or a model's reply.  They are a rehearsal critic, not a clinician;
`holdspace score critic` measures them against judged replies.
"""

from __future__ import annotations

from agents import lexicon
from agents.emotions import PLEASANT, Family, attributed, close, feelings
from agents.rehearsal.listening import ear
from agents.rehearsal.repertoire import stories
from agents.rehearsal.replies import Moment, plausible
from agents.text import is_question, normal, plain, sentences, stems
from agents.words import Finding, PsychError, Strategy

Findings = list[Finding]


def find_errors(now: Moment, reply: str, strategy: Strategy) -> Findings:
    """The errors of a reply at this moment of the talk, at most one of each kind."""
    found = (
        _mismatch(now, reply, strategy),
        _template(now, reply, strategy),
        _misread(now, reply),
        _early_shift(now, reply, strategy),
        _lack_of_empathy(now, reply, strategy),
    )
    kept = [finding for finding in found if finding is not None]
    if any(item.severity > 1 and item.error in (PsychError.EARLY_EMOTION_SHIFT, PsychError.TEMPLATE_RESPONSE) for item in kept):
        kept = [item for item in kept if item.error is not PsychError.LACK_EMPATHY]
    return kept


def better_strategy(now: Moment, strategy: Strategy) -> Strategy:
    """What would have fitted where `strategy` does not."""
    if now.parting:
        return Strategy.OTHERS
    if now.cues.asks == "advice":
        return Strategy.SUGGESTION
    if now.cues.asks == "normal":
        return Strategy.AFFIRMATION
    last = now.strategies[-1] if now.strategies else None
    order = (Strategy.REFLECTION, Strategy.RESTATEMENT, Strategy.QUESTION)
    if now.turns < 2:
        order = (Strategy.QUESTION, Strategy.REFLECTION, Strategy.RESTATEMENT)
    return next(option for option in order if option not in (strategy, last))


def _mismatch(now: Moment, reply: str, strategy: Strategy) -> Finding | None:
    why = _why_mismatched(now, reply, strategy)
    if not why:
        return None
    return Finding(error=PsychError.STRATEGY_MISMATCH, span=strategy.value, why=why, severity=2)


def _why_mismatched(now: Moment, reply: str, strategy: Strategy) -> str:
    cues, used, turns = now.cues, now.strategies, now.turns
    action = strategy in (Strategy.SUGGESTION, Strategy.INFORMATION)
    if now.parting and strategy is not Strategy.OTHERS:
        return "" if strategy is Strategy.AFFIRMATION else "The seeker is taking leave."
    if action and turns < 2 and cues.asks not in ("advice", "normal", "other"):
        return "Action before the problem has been explored."
    if strategy is Strategy.SELF_DISCLOSURE and turns < 1:
        return "The supporter's own story before the seeker has told theirs."
    if action and (cues.correction or cues.complaint):
        return "The seeker has just said they were not understood; that comes first."
    if strategy is Strategy.QUESTION and turns > 3 and used[-2:] == (Strategy.QUESTION, Strategy.QUESTION):
        return "A third question in a row, with nothing given back."
    if strategy is Strategy.QUESTION and cues.asks == "advice":
        return "The seeker asked for advice and gets a question."
    if strategy is Strategy.OTHERS and turns >= 1 and _laden(now) and not _takes_up(now, reply) and not lexicon.WARM.search(plain(reply)):
        return "The seeker has named a feeling, and pleasantries pass over it."
    return ""


def _template(now: Moment, reply: str, strategy: Strategy) -> Finding | None:
    if now.only_greeted or (strategy is Strategy.OTHERS and now.parting):
        return None
    for sentence in sentences(reply):
        if normal(sentence) in now.spoken and len(normal(sentence).split()) > 3:
            return Finding(error=PsychError.TEMPLATE_RESPONSE, span=sentence, why="Said before in this talk.", severity=2)
        if lexicon.CLICHE.search(plain(sentence)):
            return Finding(error=PsychError.TEMPLATE_RESPONSE, span=sentence, why="A stock phrase that would fit anybody.", severity=2)
    if strategy is Strategy.OTHERS or len(normal(reply).split()) < 6 or _takes_up(now, reply) or feelings(reply) or concrete(reply):
        return None
    severity = 1 if strategy is Strategy.QUESTION and is_question(reply) else 2
    return Finding(error=PsychError.TEMPLATE_RESPONSE, span=reply, why="Nothing in it comes from what was told.", severity=severity)


def _misread(now: Moment, reply: str) -> Finding | None:
    fit = plausible(now.heard)
    for word, family in attributed(reply):
        if now.cues.eased and family in PLEASANT:
            continue
        if any(close(family, other) for other in fit) or (not fit and family not in PLEASANT):
            continue
        severity = 3 if family in PLEASANT else 2
        return Finding(error=PsychError.EMOTION_MISREAD, span=_verbatim(reply, word), why=_other_feeling(family, now), severity=severity)
    return None


def _other_feeling(family: Family, now: Moment) -> str:
    there = now.feeling.value if now.feeling else "something else"
    return f"It names {family.value}; what was told speaks of {there}."


def _early_shift(now: Moment, reply: str, strategy: Strategy) -> Finding | None:
    match = lexicon.HURRY.search(plain(reply))
    if match is None or now.parting:
        return None
    stays = bool(lexicon.WARM.search(plain(reply)) or feelings(reply)) or _acknowledges(now, reply)
    asked = now.cues.asks in ("advice", "normal") or now.cues.eased
    if asked or (stays and (lexicon.TENTATIVE.search(plain(reply)) or now.turns >= 3)):
        return None
    if lexicon.TENTATIVE.search(plain(reply)) and strategy in (Strategy.SUGGESTION, Strategy.INFORMATION) and now.turns >= 3:
        return None
    if is_question(reply) and strategy is Strategy.QUESTION and _takes_up(now, reply):
        return None
    span = _sentence_with(reply, match.group(0))
    return Finding(
        error=PsychError.EARLY_EMOTION_SHIFT, span=span, why="It hurries to a way out and does not stay with the feeling.", severity=2
    )


def _lack_of_empathy(now: Moment, reply: str, strategy: Strategy) -> Finding | None:
    if now.parting or now.cues.length < 5 or now.only_greeted:
        return None
    if feelings(reply) or lexicon.WARM.search(plain(reply)):
        return None
    dry = lexicon.DRY.search(plain(reply))
    if not dry and (_acknowledges(now, reply) or strategy is not Strategy.OTHERS or not _laden(now)):
        return None
    if dry and _acknowledges(now, reply) and not is_question(reply):
        return None
    return Finding(
        error=PsychError.LACK_EMPATHY, span=sentences(reply)[0], why="It passes over the feeling in what was just said.", severity=2
    )


def _laden(now: Moment) -> bool:
    """Whether the last message names a feeling and is more than small talk."""
    return bool(feelings(now.heard.last)) and now.cues.length >= 8 and not (now.cues.thanks or now.cues.eased)


def _takes_up(now: Moment, reply: str) -> bool:
    """Whether a reply shares a word that carries a topic with anything that was told."""
    return any(root in now.told for root in stems(reply))


def concrete(reply: str) -> bool:
    """Whether a reply speaks of particular things: two words or more that few stories know."""
    few = 0.25 * len(stories())
    return sum(1 <= ear().spread[root] <= few for root in set(stems(reply))) >= 2


def _acknowledges(now: Moment, reply: str) -> bool:
    """Whether it shares at least two such words with the last message, or one in a short message."""
    last = set(stems(now.heard.last))
    return len(last & set(stems(reply))) >= (2 if len(last) > 4 else 1)


def _sentence_with(reply: str, words: str) -> str:
    for sentence in sentences(reply):
        if words.strip(" .,;!") in plain(sentence):
            return sentence
    return sentences(reply)[0]


def _verbatim(reply: str, word: str) -> str:
    place = plain(reply).replace("-", " ").find(word)
    return reply[place : place + len(word)]
