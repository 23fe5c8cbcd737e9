"""Text metrics of replies against human ones, each figure under the name of its variant.

BLEU by sacrebleu (the citable one) and as DecoupledESC computes it (NLTK, smoothing method3, lower-cased tokens, averaged over replies),
ROUGE-L, unigram F1, length, Dist within a reply and over the corpus, METEOR without synonyms.  No model is loaded and nothing is
downloaded: NLTK's `word_tokenize` wants a data file for its sentence splitter, so the same two steps run here with NLTK's splitter and the
few abbreviations of chat told to it.  On the 29,870 texts of ESConv that were tried both make the same tokens.  None of these figures says
that a reply helps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from nltk.tokenize.destructive import NLTKWordTokenizer  # type: ignore[import-untyped]
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer  # type: ignore[import-untyped]
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu  # type: ignore[import-untyped]
from nltk.translate.meteor_score import single_meteor_score  # type: ignore[import-untyped]
from sacrebleu.metrics.bleu import BLEU

from evaluation.bootstrap import interval

ORDERS = (1, 2, 3, 4)
BETA = 1.2
"""Of ROUGE-L, as DecoupledESC has it."""
NO_METEOR = "METEOR looks synonyms up in WordNet, which would have to be downloaded; meteor_no_synonyms matches words and stems only."
NO_REFERENCE = "The file holds no human reply to compare with."
VARIANTS = {
    "sacrebleu_1..4": "sacrebleu corpus BLEU with n-grams up to that order, 0-100",
    "nltk_bleu_1..4": "NLTK corpus_bleu of one reply, smoothing method3, lower-cased word_tokenize tokens, averaged over replies, 0-100",
    "rouge_l": "longest common subsequence F with beta 1.2, same tokens, averaged over replies, 0-100",
    "unigram_f1": "overlap of token counts, same tokens, averaged over replies, 0-100",
    "dist_1..3": "different n-grams over all n-grams within a reply, averaged over replies, 0-100",
    "corpus_dist_1..3": "different n-grams over all n-grams of all replies, 0-100; falls with the number of replies",
    "length": "tokens a reply",
    "meteor_no_synonyms": "NLTK METEOR with exact and stem matches, WordNet left out, averaged over replies, 0-100",
}

_COMPARED = (*(f"nltk_bleu_{order}" for order in ORDERS), "rouge_l", "unigram_f1", "meteor_no_synonyms")

_ABBREVIATIONS = """a.m p.m u.s u.s.a u.k d.c l.a n.y ph.d m.d dr mr mrs ms prof st sr jr vs inc co corp ltd lt gen ave ft yr
    jan feb aug sep sept oct nov dec tues wed fri ok ill pa b c d e f g h k l m n p r s t v w"""
"""After which a full stop ends no sentence; `ok`, `ill` and single letters stand among them because NLTK's data has them, too."""


def _splitter() -> Any:
    parameters = PunktParameters()
    parameters.abbrev_types = set(_ABBREVIATIONS.split())
    return PunktSentenceTokenizer(parameters)


_SENTENCES, _WORDS = _splitter(), NLTKWordTokenizer()
_METHOD3 = SmoothingFunction().method3
_WEIGHTS = [tuple(1 / order if place < order else 0.0 for place in range(4)) for order in ORDERS]

Tokens = list[str]


def text_report(replies: Sequence[str], references: Sequence[str] | None, *, samples: int = 1000, seed: int = 0) -> dict[str, Any]:
    """All figures of some replies, for JSON.

    Args:
        replies: what was said, at least one.
        references: the human reply to each of the same contexts; the figures that need one are null without.
        samples: of the bootstrap over replies.
        seed: of the bootstrap.
    """
    said = [tokens(reply) for reply in replies]
    heard = [tokens(reference) for reference in references] if references is not None else None
    rows = {"length": [float(len(reply)) for reply in said]}
    rows |= {f"dist_{order}": [100 * distinct([reply], order) for reply in said] for order in ORDERS[:3]}
    rows |= _compared(said, heard) if heard is not None else {}
    means = {name: sum(values) / len(values) for name, values in rows.items()}
    lacking: dict[str, None] = {} if heard is not None else dict.fromkeys(_COMPARED)
    return {
        "n": len(said),
        **means,
        **lacking,
        **{f"corpus_dist_{order}": 100 * distinct(said, order) for order in ORDERS[:3]},
        **sacrebleu(replies, references),
        "meteor": None,
        "meteor_reason": NO_METEOR,
        "reference_reason": None if heard is not None else NO_REFERENCE,
        "intervals": {name: _ends(values, samples, seed) for name, values in rows.items()},
        "variants": VARIANTS,
    }


def _compared(said: Sequence[Tokens], heard: Sequence[Tokens]) -> dict[str, list[float]]:
    pairs = list(zip(said, heard, strict=True))
    bleus = [nltk_bleu(reply, reference) for reply, reference in pairs]
    found = {f"nltk_bleu_{order}": [100 * bleu[order - 1] for bleu in bleus] for order in ORDERS}
    found["rouge_l"] = [100 * rouge_l(reply, reference) for reply, reference in pairs]
    found["unigram_f1"] = [100 * unigram_f1(reply, reference) for reply, reference in pairs]
    found["meteor_no_synonyms"] = [100 * meteor_no_synonyms(reply, reference) for reply, reference in pairs]
    return found


def tokens(text: str) -> Tokens:
    """Lower-cased tokens, as `nltk.word_tokenize(text.lower())` makes them, but for rare abbreviations."""
    return [token for sentence in _SENTENCES.tokenize(text.lower()) for token in _WORDS.tokenize(sentence)]


def nltk_bleu(reply: Tokens, reference: Tokens) -> list[float]:
    """BLEU-1..4 of one reply (0 to 1), NLTK's smoothing method3 (NIST's geometric sequence); 0 for an empty reply."""
    if not reply:
        return [0.0] * len(ORDERS)
    found = corpus_bleu([[reference]], [reply], weights=_WEIGHTS, smoothing_function=_METHOD3)
    return [float(value) for value in (found if isinstance(found, list) else [found] * len(ORDERS))]


def rouge_l(reply: Tokens, reference: Tokens) -> float:
    """F of the longest common subsequence (Lin 2004), beta 1.2, 0 to 1."""
    common = _common_subsequence(reply, reference)
    if not common:
        return 0.0
    precision, recall = common / len(reply), common / len(reference)
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def _common_subsequence(left: Tokens, right: Tokens) -> int:
    row = [0] * (len(right) + 1)
    for token in left:
        diagonal = 0
        for place, other in enumerate(right, start=1):
            diagonal, row[place] = row[place], diagonal + 1 if token == other else max(row[place], row[place - 1])
    return row[-1]


def unigram_f1(reply: Tokens, reference: Tokens) -> float:
    """F1 of the token counts that both share, 0 to 1."""
    common = sum((Counter(reply) & Counter(reference)).values())
    return 2 * common / (len(reply) + len(reference)) if common else 0.0


def meteor_no_synonyms(reply: Tokens, reference: Tokens) -> float:
    """METEOR (Banerjee and Lavie 2005) as NLTK has it, with exact and Porter-stem matches, no synonyms; 0 to 1."""
    return float(single_meteor_score(reference, reply, wordnet=_NoSynonyms())) if reply and reference else 0.0


class _NoSynonyms:
    """A WordNet that knows no word."""

    def synsets(self, _word: str) -> list[Any]:
        return []


def distinct(replies: Sequence[Tokens], order: int) -> float:
    """Dist-n (Li et al. 2016): different n-grams over all n-grams, 0 to 1; 0 where there is none."""
    grams = Counter(gram for reply in replies for gram in _grams(reply, order))
    return len(grams) / grams.total() if grams else 0.0


def _grams(reply: Tokens, order: int) -> Iterator[tuple[str, ...]]:
    return zip(*(reply[start:] for start in range(order)), strict=False)


def sacrebleu(replies: Sequence[str], references: Sequence[str] | None) -> dict[str, Any]:
    """Corpus BLEU with n-grams up to each order (0 to 100), and the signature of the fourth; null without references."""
    if references is None:
        return {**{f"sacrebleu_{order}": None for order in ORDERS}, "sacrebleu_signature": None}
    found: dict[str, Any] = {}
    for order in ORDERS:
        metric = BLEU(max_ngram_order=order)
        found[f"sacrebleu_{order}"] = float(metric.corpus_score(list(replies), [list(references)]).score)
    return {**found, "sacrebleu_signature": str(metric.get_signature())}


def _ends(values: Sequence[float], samples: int, seed: int) -> list[float]:
    found = interval(values, samples=samples, seed=seed)
    return [found.low, found.high]
