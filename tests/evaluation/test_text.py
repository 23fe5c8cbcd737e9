"""Text metrics against an independent computation: other tokens, other formulas, the same figures."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from nltk.stem.porter import PorterStemmer
from nltk.tokenize import word_tokenize

from evaluation.predictions import read_replies
from evaluation.text import meteor_no_synonyms, nltk_bleu, text_report, tokens

PAIRS = 200
Tokens = list[str]


def own_tokens(text: str) -> Tokens:
    """Sentence by sentence, cut after a closing mark before a space; an ellipsis ends none."""
    sentences = re.split(r"(?<=[a-z0-9'\")\]][.?!])\s+|(?<=[?!]['\")])\s+|(?<=[?!])\s+", text.lower())
    return [token for sentence in sentences for token in word_tokenize(sentence, preserve_line=True)]


def grams(words: Tokens, order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + order]) for start in range(len(words) - order + 1))


def own_bleu(reply: Tokens, reference: Tokens, highest: int) -> float:
    """Papineni 2002 with the geometric smoothing of mteval-v13a (NLTK's method3), orders up to 4 smoothed, `highest` averaged."""
    logs, zeros = [], 0
    for order in range(1, 5):
        said, meant = grams(reply, order), grams(reference, order)
        hit = sum(min(count, meant[gram]) for gram, count in said.items())
        total = max(1, said.total())
        if order == 1 and not hit:
            return 0.0
        if not hit:
            zeros += 1
        logs.append(math.log(hit / total if hit else 1 / (2**zeros * total)))
    penalty = 1.0 if len(reply) > len(reference) else math.exp(1 - len(reference) / len(reply))
    return penalty * math.exp(sum(logs[:highest]) / highest)


def own_rouge(reply: Tokens, reference: Tokens) -> float:
    @cache
    def longest(i: int, j: int) -> int:
        if i == len(reply) or j == len(reference):
            return 0
        return 1 + longest(i + 1, j + 1) if reply[i] == reference[j] else max(longest(i + 1, j), longest(i, j + 1))

    common = longest(0, 0)
    if not common:
        return 0.0
    precision, recall = common / len(reply), common / len(reference)
    return 2.44 * precision * recall / (recall + 1.44 * precision)


def own_f1(reply: Tokens, reference: Tokens) -> float:
    rest, hit = list(reference), 0
    for word in reply:
        if word in rest:
            rest.remove(word)
            hit += 1
    return 0.0 if not hit else 2 / (len(reply) / hit + len(reference) / hit)


def own_dist(reply: Tokens, order: int) -> float:
    found = grams(reply, order)
    return len(found) / found.total() if found else 0.0


@pytest.fixture(scope="module")
def pairs(data: Path) -> list[tuple[str, str]]:
    found = read_replies(data / "raw/preference-bias/results.json.gz")
    assert found.references is not None
    every = list(zip(found.replies, found.references, strict=True))
    return every[:: len(every) // PAIRS][:PAIRS]


def mean(values: Iterator[float]) -> float:
    kept = list(values)
    return 100 * sum(kept) / len(kept)


def test_figures_equal_an_independent_computation_on_200_real_pairs(pairs: list[tuple[str, str]]) -> None:
    found = text_report([reply for reply, _ in pairs], [reference for _, reference in pairs], samples=10)
    own = [(own_tokens(reply), own_tokens(reference)) for reply, reference in pairs]
    assert found["n"] == PAIRS
    assert found["length"] == pytest.approx(sum(len(reply) for reply, _ in own) / PAIRS, abs=1e-6)
    for order in (1, 2, 3, 4):
        assert found[f"nltk_bleu_{order}"] == pytest.approx(mean(own_bleu(*pair, order) for pair in own), abs=1e-6)
    for order in (1, 2, 3):
        assert found[f"dist_{order}"] == pytest.approx(mean(own_dist(reply, order) for reply, _ in own), abs=1e-6)
        every = Counter(gram for reply, _ in own for gram in grams(reply, order).elements())
        assert found[f"corpus_dist_{order}"] == pytest.approx(100 * len(every) / every.total(), abs=1e-6)
    assert found["rouge_l"] == pytest.approx(mean(own_rouge(*pair) for pair in own), abs=1e-6)
    assert found["unigram_f1"] == pytest.approx(mean(own_f1(*pair) for pair in own), abs=1e-6)


def test_corpus_bleu_is_papinenis_over_the_whole_set(pairs: list[tuple[str, str]]) -> None:
    """On texts of letters alone, where any tokenizer gives the same; every order matches somewhere, so nothing is smoothed."""
    plain = [(re.findall("[A-Za-z]+", reply), re.findall("[A-Za-z]+", reference)) for reply, reference in pairs]
    found = text_report([" ".join(reply) for reply, _ in plain], [" ".join(reference) for _, reference in plain], samples=10)
    logs = []
    for order in (1, 2, 3, 4):
        hit = sum((grams(reply, order) & grams(reference, order)).total() for reply, reference in plain)
        logs.append(math.log(hit / sum(grams(reply, order).total() for reply, _ in plain)))
    said, meant = sum(len(reply) for reply, _ in plain), sum(len(reference) for _, reference in plain)
    penalty = min(1.0, math.exp(1 - meant / said))
    for order in (1, 2, 3, 4):
        assert found[f"sacrebleu_{order}"] == pytest.approx(100 * penalty * math.exp(sum(logs[:order]) / order), abs=1e-6)


def test_meteor_counts_words_and_stems_in_chunks() -> None:
    reply, reference = "you are hoping for rest".split(), "you hope for some rest".split()
    assert PorterStemmer().stem("hoping") == PorterStemmer().stem("hope")
    matches, chunks = 4, 3  # you | hoping for | rest
    mean_ = 10 * (matches / 5) * (matches / 5) / (matches / 5 + 9 * matches / 5)
    assert meteor_no_synonyms(reply, reference) == pytest.approx(mean_ * (1 - 0.5 * (chunks / matches) ** 3))
    assert meteor_no_synonyms(["sad"], ["unhappy"]) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm ok. Don't worry!", ["i", "'m", "ok.", "do", "n't", "worry", "!"]),
        ("See Dr. Lee. He's kind.", ["see", "dr.", "lee", ".", "he", "'s", "kind", "."]),
        ("Well... maybe. Yes", ["well", "...", "maybe", ".", "yes"]),
        ("", []),
    ],
)
def test_tokens_are_those_of_word_tokenize(text: str, expected: Tokens) -> None:
    assert tokens(text) == expected


def test_without_references_only_the_reply_is_measured() -> None:
    found = text_report(["so so so", "well"], None, samples=10)
    assert found["dist_1"] == pytest.approx((100 / 3 + 100) / 2)
    assert found["corpus_dist_1"] == pytest.approx(50)
    assert (found["nltk_bleu_4"], found["sacrebleu_4"], found["rouge_l"]) == (None, None, None)
    assert "no human reply" in found["reference_reason"]


def test_meteor_with_synonyms_is_left_out_with_its_reason() -> None:
    found = text_report(["a b"], ["a c"], samples=10)
    assert found["meteor"] is None
    assert "WordNet" in found["meteor_reason"]


def test_an_empty_reply_scores_nothing_and_breaks_nothing() -> None:
    assert nltk_bleu([], ["a"]) == [0, 0, 0, 0]
    found = text_report(["", "a b c d"], ["a", "a b c d"], samples=10)
    assert (found["unigram_f1"], found["rouge_l"], found["nltk_bleu_4"]) == (50, 50, 50)
