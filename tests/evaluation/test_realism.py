from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.errors import InputError
from agents.words import Speaker, Strategy, Utterance
from evaluation.realism import count, distances, figures
from simulator.dialogue import Dialogue, read_dialogues

S, P = Speaker.SEEKER, Speaker.SUPPORTER


def dialogue(*turns: tuple[Speaker, str, Strategy | None], initial: int = 4, final: int = 2, stop: str = "") -> Dialogue:
    spoken = tuple(Utterance(speaker=speaker, text=text, strategy=strategy) for speaker, text, strategy in turns)
    return Dialogue(id="x", initial=initial, final=final, stop=stop, turns=spoken)


SMALL = dialogue(
    (S, "I lost my job", None),
    (S, "on Friday", None),
    (P, "What happened there exactly?", Strategy.QUESTION),
    (P, "It sounds frightening to you.", Strategy.REFLECTION),
    (S, "They shut the whole place down without warning", None),
    (P, "That is a shock.", Strategy.REFLECTION),
    (S, "Thank you for listening", None),
)


def test_turns_of_one_speaker_are_joined_and_strategies_counted_one_by_one() -> None:
    table = figures(count([SMALL]))
    assert table["supporter_turns_mean"] == 2
    assert table["seeker_words_mean"] == pytest.approx((6 + 8 + 4) / 3, abs=0.01)
    assert table["same_strategy_again"] == 0.5
    by_fifth = table["strategies_by_fifth"]
    assert isinstance(by_fifth, list)
    assert by_fifth[0]["Question"] == 1
    assert table["thanks_by_fifth"][-2:] == [1.0, None]  # type: ignore[index]
    assert table["intensity_falls"] == 1


def test_repetition_is_counted_in_talks() -> None:
    shared = "this very sentence has seven words altogether"
    twice = dialogue((S, f"{shared}. {shared}.", None), (P, "Go on.", Strategy.OTHERS))
    once = dialogue((S, f"{shared}.", None), (P, "Yes.", Strategy.OTHERS))
    table = figures(count([twice, once, SMALL]))
    assert table["most_shared_sentence"] == shared
    assert table["most_shared_sentence_talks"] == pytest.approx(2 / 3, abs=0.001)
    assert table["talks_repeating_a_sentence"] == pytest.approx(1 / 3, abs=0.001)


def test_three_openings_alike_are_noticed() -> None:
    turns = [(S, "hello there friend", None), (P, "I hear you now, truly.", Strategy.OTHERS)] * 3
    table = figures(count([dialogue(*turns)]))  # type: ignore[arg-type]
    assert table["talks_with_an_opening_thrice"] == 1


def test_failed_talks_are_counted_apart() -> None:
    table = figures(count([SMALL, dialogue((S, "hi", None), stop="failed")]))
    assert (table["dialogues"], table["failed"]) == (1, 1)


def test_the_distance_is_total_variation() -> None:
    asks = count([dialogue((S, "a", None), (P, "b?", Strategy.QUESTION))])
    tells = count([dialogue((S, "a", None), (P, "b.", Strategy.INFORMATION))])
    assert distances(asks, tells)[0] == 1
    assert distances(asks, asks)[0] == 0


def test_the_figures_of_esconv_are_those_of_the_reference(data: Path) -> None:
    """REFERENCE's measured figures: shares by fifth over all of ESConv; the valid split is a sample of it."""
    table = figures(count(read_dialogues(data / "esconv" / "valid.jsonl.gz")))
    assert table["dialogues"] == 195
    assert table["same_strategy_again"] == pytest.approx(0.211, abs=0.02)
    assert table["strategies_by_fifth"][0]["Question"] == pytest.approx(0.481, abs=0.04)  # type: ignore[index]
    assert table["strategies_by_fifth"][4]["Others"] == pytest.approx(0.462, abs=0.03)  # type: ignore[index]
    assert table["intensity_falls"] == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"id": "a", "turns": [{"speaker": "narrator", "text": "x"}]}, "narrator"),
        ({"id": "a", "turns": [{"speaker": "seeker", "text": ""}]}, "text"),
        ({"id": "a", "turns": [{"speaker": "supporter", "text": "x", "strategy": "Hugging"}]}, "Hugging"),
        ({"turns": []}, "id"),
        ([1, 2], "expected a JSON object"),
    ],
)
def test_what_is_no_dialogue_is_named_with_its_line(tmp_path: Path, line: object, words: str) -> None:
    good = {"id": "good", "turns": [{"speaker": "seeker", "text": "hi"}]}
    (tmp_path / "talks.jsonl").write_text(json.dumps(good) + "\n" + json.dumps(line) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"talks\.jsonl:2") as caught:
        list(read_dialogues(tmp_path / "talks.jsonl"))
    assert words in str(caught.value)
