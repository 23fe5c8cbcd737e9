"""Role cards: every source, every way in which a file can be bad, and what a card becomes."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from agents.errors import InputError
from simulator.casting.ages import age, gender
from simulator.casting.card import Card, grown_up, unsaid
from simulator.casting.cards import Deck, read_deck
from simulator.casting.cast import cast_card, cast_scenario
from simulator.casting.firstperson import in_first_person
from simulator.casting.sage import WISHES
from simulator.casting.telling import shortened, told
from simulator.casting.topics import emotion_of, nearest_theme
from simulator.persona import Resistance
from simulator.scenario import Depth, Fact, Scenario, Step, Wording

DATA = Path("../shared/data")
REAL = [
    ("raw/esc-eval/card_high_en.json", "esc-eval", 331, 0),
    ("raw/esc-eval/card_high_zh.json", "esc-eval", 323, 1),
    ("raw/esc-eval/test_en.json", "esc-eval", 3, 0),
    ("raw/esc-judge/roles-v2.json", "esc-judge", 2, 0),
    ("raw/esc-judge/generated_personas.json", "esc-judge", 9, 1),
    ("raw/esc-judge/default.json", "esc-judge", 5, 0),
    ("raw/esc-judge/simple_personas.json", "esc-judge", 4, 0),
    ("raw/esc-judge/test_persona.json", "esc-judge", 1, 0),
    ("raw/sage/profile/simulator_profile.jsonl.gz", "sage", 100, 0),
    ("raw/sage/profile/simulator_profile_withfirsttalk.jsonl.gz", "sage", 100, 0),
    ("esconv/valid.jsonl.gz", "esconv", 195, 0),
    ("esconv/failed.jsonl.gz", "esconv", 196, 0),
    ("raw/thu-coai/FailedESConv.json.gz", "esconv", 196, 0),
]


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not here: the real data is not part of the repository")
    return path


def theme(kind: str, words: str) -> Scenario:
    facts = [
        Fact(
            key=f"{kind[:3]}-{depth}-{number}",
            depth=depth,
            guarded=f"{words}.",
            plain=f"The {words} part {number}.",
            open=f"All of the {words}.",
        )
        for depth in Depth
        for number in range(5)
    ]
    return Scenario(
        name=kind.replace(" ", "-"),
        problem_type=kind,
        emotion_type="anxiety",
        intensity=4,
        situation=f"It is about {words}.",
        openings=(f"Hi, it's {words}.",),
        facts=tuple(facts),
        need="To be heard.",
        belief="I am no use.",
        helps=("being_heard", "time"),
        hurts=("pressure", "pity"),
        step=Step(what="Ring somebody."),
    )


THEMES = {
    "job crisis": theme("job crisis", "job boss work layoff"),
    "breakup with partner": theme("breakup with partner", "girlfriend boyfriend breakup partner"),
    "academic pressure": theme("academic pressure", "exam grades study professor"),
}
PROBLEM = "The seeker's girlfriend left him nine days ago. He is struggling with the breakup."


def esc_eval(number: int = 7, **fields: str) -> dict[str, Any]:
    said = {"Age": "Not mentioned", "Gender": "Male", "Occupation": "Not mentioned", "Problem": PROBLEM, **fields}
    return {"id": number, "language": "english", "base": "\n".join(f"{label}: {text}" for label, text in said.items())}


def written(folder: Path, content: Any, name: str = "cards.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode())
    return path


def one(folder: Path, content: Any, name: str = "cards.json") -> Card:
    deck = read_deck(written(folder, content, name))
    assert not deck.skipped
    return deck.cards[0]


# --- the real files


@pytest.mark.parametrize(("name", "kind", "cards", "skipped"), REAL)
def test_real_files(name: str, kind: str, cards: int, skipped: int) -> None:
    deck = read_deck(real(name))
    assert (deck.format, len(deck.cards), len(deck.skipped)) == (kind, cards, skipped)
    assert len({card.where for card in deck.cards}) == len(deck.cards)


def test_the_skipped_real_cards_are_children() -> None:
    assert [skip.where for skip in read_deck(real("raw/esc-eval/card_high_zh.json")).skipped] == ["card_high_zh.json#10873"]
    assert "'3-5' is outside 13 to 100" in read_deck(real("raw/esc-judge/generated_personas.json")).skipped[0].reason


@pytest.mark.parametrize(("name", "kind", "cards", "skipped"), REAL)
def test_every_real_card_can_be_cast(name: str, kind: str, cards: int, skipped: int) -> None:
    for index, card in enumerate(read_deck(real(name)).cards):
        cast = cast_card(card, 1, index, THEMES)
        Scenario.model_validate(cast.scenario.model_dump())
        assert len(cast.scenario.borrowed) <= 8
        assert card.situation in cast.persona.background or card.situation == cast.scenario.situation or card.background
        spoken = [text for fact in cast.scenario.facts for text in map(fact.wording, Wording)]
        assert not re.search(r"[\u4e00-\u9fff]", " ".join(spoken))


def test_no_clause_of_a_real_card_speaks_of_the_seeker() -> None:
    empty = []
    for card in read_deck(real("raw/esc-eval/card_high_en.json")).cards:
        clauses = told(card)
        text = " ".join(f"{clause.text} {clause.more}" for clause in clauses)
        assert not re.search(r"the seeker|the user|the individual|SEEKER|\u00bf", text, re.IGNORECASE), text
        assert not re.search(r"\bI (is|are|has|does|were)\b|\bI'm (is|am)\b|\bmy my\b|\bme's\b", text), text
        if not clauses:
            empty.append(card.where)
    assert not empty


def test_what_the_real_cards_say_of_the_person() -> None:
    cards = {card.where.rpartition("#")[2]: card for card in read_deck(real("raw/esc-eval/card_high_en.json")).cards}
    assert cards["32171"].given["age"] == 90
    assert cards["32445"].given == {"age": 26, "gender": "female"}
    assert cards["32188"].given["occupation"] == "employee"
    assert cards["32397"].given["occupation"] == "PhD Student"
    assert "occupation" not in cards["32211"].given


def test_sage_profiles() -> None:
    deck = read_deck(real("raw/sage/profile/simulator_profile_withfirsttalk.jsonl.gz"))
    card = deck.cards[0]
    assert (card.given["age"], card.given["gender"], card.given["occupation"]) == (23, "female", "时尚博主")
    assert card.given["resistance"] is Resistance.ARGUMENTATIVE
    assert card.language == "Chinese"
    assert card.first_talk in card.background
    assert "隐藏主题" not in card.situation
    assert all(any(wish in str(one.need) for wish in WISHES) for one in deck.cards)
    kinds = {one.given["resistance"] for one in deck.cards}
    assert kinds == {Resistance.ARGUMENTATIVE, Resistance.AVOIDANT, Resistance.SILENT, Resistance.GUARDED}


def test_esconv_labels() -> None:
    deck = read_deck(real("esconv/train.jsonl.gz"))
    assert len(deck.cards) == 910
    assert all(card.problem_type and card.emotion_type and card.intensity for card in deck.cards)


# --- the first person


SAID = [
    ("The seeker's girlfriend left him nine days ago.", "male", ["My girlfriend left me nine days ago."]),
    ("She is trying to decide if she should stay with him.", "female", ["I'm trying to decide if I should stay with him."]),
    ("They are hesitant to talk to their boss.", "", ["I'm hesitant to talk to my boss."]),
    ("The seeker doesn't know what to do.", "", ["I don't know what to do."]),
    ("He was ready to propose to her.", "male", ["I was ready to propose to her."]),
    ("The seeker has lost her job and feels stuck.", "female", ["I've lost my job and feel stuck."]),
    ("The seeker has a severe illness and misses her old life.", "female", ["I have a severe illness and miss my old life."]),
    ("Lost job, unable to pay the rent.", "", ["I lost my job.", "I'm unable to pay the rent."]),
    (
        "Wife requested a divorce and moved out with their two kids.",
        "male",
        ["My wife requested a divorce and moved out with our two kids."],
    ),
    ("Feels his boss is unfair.", "male", ["I feel my boss is unfair."]),
    ("Difficulty in communicating with teenage daughter.", "", ["I have a hard time communicating with my teenage daughter."]),
    ("Constant arguments with roommate about chores.", "", ["I keep having arguments with my roommate about chores."]),
    ("Worried about losing her home.", "female", ["I'm worried about losing my home."]),
    ("Recently laid off due to COVID-19.", "", ["I was recently laid off because of COVID-19."]),
    ("Roommate wants the seeker to move out.", "", ["My roommate wants me to move out."]),
    ("The seeker cut her hair and hates herself for it.", "female", ["I cut my hair and hate myself for it."]),
    ("They had a big fight with their sister, and they miss her.", "", ["I had a big fight with my sister.", "I miss her."]),
    ("His girlfriend of 5 years wants space.", "male", ["My girlfriend of 5 years wants space."]),
    ("Boyfriend sending naked pictures to others.", "female", ["My boyfriend is sending naked pictures to others."]),
    ("The seeker's boyfriend is ill, and she is scared.", "female", ["My boyfriend is ill.", "I'm scared."]),
    ("The user's mother does not approve of their choices.", "", ["My mother doesn't approve of my choices."]),
    ("Fear of failing the exam.", "", ["I'm afraid of failing the exam."]),
    ("Frustration due to roommate's messiness.", "", ["I'm frustrated because of my roommate's messiness."]),
    ("The seeker is tired, feels alone, and is thinking of leaving.", "", ["I'm tired.", "I feel alone.", "I'm thinking of leaving."]),
    ("After their manager was fired, they were asked to take over.", "", ["After my manager was fired, I was asked to take over."]),
    ("A friend lied to the seeker about money.", "", ["A friend lied to me about money."]),
    (
        "Accused by a client of not delivering an order which they did deliver.",
        "",
        ["I was accused by a client of not delivering an order which I did deliver."],
    ),
]


@pytest.mark.parametrize(("text", "gender_", "said"), SAID)
def test_first_person(text: str, gender_: str, said: list[str]) -> None:
    assert [clause.text for clause in in_first_person(text, gender_) if clause.text] == [line for line in said if len(line.split()) > 2]


def test_what_a_thing_led_to_stays_with_it() -> None:
    (clause,) = in_first_person("The seeker's boyfriend broke up with her, leaving her feeling lost.", "female")
    assert clause == ("My boyfriend broke up with me.", "It's left me feeling lost.")


def test_a_clause_that_nobody_can_resolve_is_left_out() -> None:
    clauses = in_first_person(
        "The seeker is tired of waiting. The friend does not change his habits, and he does not respect his time.", "male"
    )
    assert [clause.text for clause in clauses] == ["I'm tired of waiting."]


def test_somebody_elses_pronoun_is_named() -> None:
    clauses = in_first_person("The seeker's ex-boyfriend broke up with her. He has moved into another room.", "female")
    assert clauses[1].text == "My ex-boyfriend has moved into another room."


def test_shortened() -> None:
    assert shortened("My wife asked for a divorce because I worked every weekend for a year.") == "My wife asked for a divorce."
    assert shortened("I lost my job.") == "I lost my job."


# --- cards and casts


def test_not_mentioned_is_sampled_and_named(tmp_path: Path) -> None:
    card = one(tmp_path, [esc_eval(Age="NOT Mentioned", Occupation="not specified")])
    persona = cast_card(card, 1, 0, THEMES).persona
    assert {"age", "occupation"} <= set(persona.sampled)
    assert "gender" not in persona.sampled
    assert all(
        map(unsaid, ["Not mentioned", "not  mentioned".replace("  ", " "), "N/A", "Unknown", "未提及", "未提及具体职业，但在找工作", ""])
    )
    assert not unsaid("nurse")


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("29", 29), ("22岁", 22), ("Old (90 years old)", 90), ("25-30", (25, 30)), ("mid-30s", (34, 36)), ("in his forties", (40, 49)),
        ("teenage", (13, 19)),
        ("teenage or young", (14, 24)), ("young", (18, 30)), ("Middle-aged", (40, 59)),
        ("青年", (18, 30)), ("少年", (13, 17)), ("中年", (40, 59)), ("未提及", None),
    ],
)  # fmt: skip
def test_ages(text: str, years: int | tuple[int, int] | None) -> None:
    assert age(text) == years


def test_odd_ages_and_genders() -> None:
    for text in ("11岁", "3-5", "140", "blue", "toddler"):
        with pytest.raises(ValueError, match="age: "):
            age(text)
    assert [gender(text) for text in ("Female", "男", "non-binary", "agender", "not mentioned")] == [
        "female",
        "male",
        "nonbinary",
        "agender",
        None,
    ]


def test_no_sexual_content_with_a_minor() -> None:
    assert grown_up({"age": (13, 19)}, "Disagreement about having sex")["age"] == (18, 19)
    assert grown_up({"age": 16}, "Worried about exams")["age"] == 16
    with pytest.raises(ValueError, match="under 18 is not cast"):
        grown_up({"age": 16}, "about having sex")


def test_a_cast_card_tells_the_card_first_and_says_what_is_borrowed(tmp_path: Path) -> None:
    card = one(tmp_path, [esc_eval()])
    cast = cast_card(card, 1, 0, THEMES)
    scenario = cast.scenario
    assert (cast.source, scenario.source, scenario.problem_type) == ("cards.json#7", "esc-eval", "breakup with partner")
    own = [fact for fact in scenario.facts if fact.key not in scenario.borrowed]
    assert [fact.plain for fact in own] == ["My girlfriend left me nine days ago.", "I'm struggling with the breakup."]
    assert own[0].open == "My girlfriend left me nine days ago. I'm struggling with the breakup."
    assert len(scenario.borrowed) == 8
    assert scenario.openings[0] == "My girlfriend left me nine days ago."
    assert PROBLEM in cast.persona.background
    assert any("borrowed from the theme" in note for note in cast.notes)
    assert cast == cast_card(card, 1, 0, THEMES)
    assert cast.scenario.borrowed != cast_card(card, 2, 0, THEMES).scenario.borrowed


def test_a_chinese_card_keeps_its_words_and_says_so(tmp_path: Path) -> None:
    base = "年龄：青年\n性别：女\n职业：高中生\n问题：高考压力很大，担心考试成绩，老师也批评我。"
    card = one(tmp_path, [{"id": 1, "base": base}])
    cast = cast_card(card, 3, 0, THEMES)
    assert (cast.persona.language, cast.persona.background, cast.persona.occupation) == ("Chinese", base, "高中生")
    assert cast.persona.age == 18
    assert cast.scenario.situation == "高考压力很大，担心考试成绩，老师也批评我。"
    assert cast.scenario.problem_type == "academic pressure"
    assert "the rehearsal backend speaks English" in cast.notes[0]
    assert set(cast.scenario.borrowed) == {fact.key for fact in cast.scenario.facts}


def test_topics() -> None:
    assert nearest_theme("My boss cut my hours and I may lose my job", THEMES) == "job crisis"
    assert nearest_theme("failed the final exam", THEMES) == "academic pressure"
    assert emotion_of("I feel so ashamed", "fear") == "shame"
    assert emotion_of("nothing named", "fear") == "fear"
    with pytest.raises(ValueError, match="no theme"):
        nearest_theme("anything", {})


def test_cast_scenario() -> None:
    scenario = THEMES["job crisis"]
    cast = cast_scenario(scenario, 1, 5)
    assert cast.scenario is scenario
    assert cast.persona.helps[:2] == scenario.helps
    assert cast.source == "library"


# --- our own cards


def test_own_short_cards(tmp_path: Path) -> None:
    text = "- situation: I lost my job in May.\n  problem_type: Job crisis\n  intensity: 5\n  persona: {age: 31, resistance: silent}\n"
    text += "- situation: She fights with her boss.\n"
    deck = read_deck(written(tmp_path, text, "mine.yaml"))
    assert [card.voice for card in deck.cards] == ["first", "third"]
    cast = cast_card(deck.cards[0], 1, 0, THEMES)
    assert (cast.persona.age, cast.persona.resistance, cast.scenario.intensity) == (31, Resistance.SILENT, 5)


def test_own_scenarios(tmp_path: Path) -> None:
    scenario = THEMES["job crisis"]
    deck = read_deck(written(tmp_path, scenario.model_dump_json() + "\n", "mine.jsonl"))
    cast = cast_card(deck.cards[0], 1, 0, {})
    assert cast.scenario.facts == scenario.facts
    assert deck.format == "own"


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"situation": "I am sad", "emotion": "anger"}, "emotion: unknown key, did you mean 'emotion_type'"),
        ({"situation": "I am sad", "persona": {"agee": 3}}, "persona.agee: unknown key, did you mean 'age'"),
        ({"situation": "I am sad", "persona": {"age": 3}}, "persona.age: Input should be greater than or equal to 13"),
        ({"situation": "I am sad", "problem_type": "jobs crisis"}, "problem_type: unknown 'jobs crisis', did you mean 'job crisis'"),
        ({"situation": "  "}, "situation: "),
    ],
)
def test_own_cards_are_checked(tmp_path: Path, card: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=re.escape(reason)):
        read_deck(written(tmp_path, [card]))


# --- formats and bad input


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (esc_eval(), "esc-eval"),
        ({"role": "you are a tired nurse of 40, seeking help"}, "esc-judge"),
        ({"persona": "A retired veteran in Ohio"}, "esc-judge"),
        ({"player": "* 年龄：30岁", "scene": "故事", "main_cha": "回避型", "task": "x"}, "sage"),
        ({"situation": "I am sad", "emotion_type": "sadness", "problem_type": "job crisis", "turns": []}, "esconv"),
        ({"situation": "I am sad"}, "own"),
    ],
)
def test_the_format_is_found_in_the_content(tmp_path: Path, row: dict[str, Any], kind: str) -> None:
    listed = read_deck(written(tmp_path, [row], "a.txt"))
    lines = read_deck(written(tmp_path, json.dumps(row) + "\n" + json.dumps(row) + "\n", "b.json"))
    packed = read_deck(written(tmp_path, gzip.compress(json.dumps([row]).encode(), mtime=0), "c"))
    assert [deck.format for deck in (listed, lines, packed)] == [kind] * 3
    assert [len(deck.cards) for deck in (listed, lines, packed)] == [1, 2, 1]


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_deck(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("  \n ", "is empty"),
        ("[1, 2, 3]", "expected role cards, found a list of 3 that begins with a number"),
        ("[]", "expected role cards, found"),
        ("{}", "no known kind of role card"),
        ("null", "plain text"),
        ("3", "expected role cards, found"),
        ('[{"base": 1,}]', ":1: not JSON"),
        ('[{"base": "x"},\n {"base": }]', ":2: not JSON"),
        ('[{"name": "x", "mood": 3}]', "no known kind of role card; the keys are name, mood"),
        ("Once upon a time there was a card.", "plain text, neither JSON nor YAML"),
        ("a: b: c", ":1: neither JSON nor YAML"),
        ("[" * 100_000, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "not JSON"),
        ('[{"base": "Age: 3"}]', "none of the 1 cards can be read; the first, cards.json#1: base: the line 'gender' is missing"),
        (b'[{"base": "caf\xe9"}]', ":1: not UTF-8 (byte 14 is 0xe9)"),
        ("[]".encode("utf-16"), "is UTF-16, not UTF-8 (byte 0)"),
        (b"\x1f\x8b\x08 broken", "is not a whole gzip file"),
        (gzip.compress(b'[{"base": "x"}]', mtime=0)[:-4], "is not a whole gzip file"),
    ],
)
def test_bad_files_get_one_sentence(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refused(written(tmp_path, content))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert "can't be read: No such file" in refused(tmp_path / "no.json")
    assert "can't be read: Is a directory" in refused(tmp_path)


def test_large_files_are_refused_before_they_are_parsed(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    assert "larger than 64 MB" in refused(path)
    assert ":2: a line of 9,000,000 bytes" in refused(written(tmp_path, b"{}\n" + b"x" * 9_000_000))
    assert "larger than 64 MB" in refused(written(tmp_path, gzip.compress(b"0" * 70_000_000, 1, mtime=0), "bomb.gz"))


def test_one_broken_card_is_skipped_and_named(tmp_path: Path) -> None:
    cards: list[Any] = [esc_eval(number) for number in range(331)]
    cards[100] = {"id": 100, "base": "Gender: Male\nProblem: x"}
    cards[200] = 17
    deck = read_deck(written(tmp_path, cards))
    assert len(deck.cards) == 329
    assert [(skip.where, skip.reason) for skip in deck.skipped] == [
        ("cards.json#100", "base: the line 'age' is missing"),
        ("cards.json#201", "expected an object, found a number"),
    ]


def test_a_broken_line_is_skipped_and_named(tmp_path: Path) -> None:
    deck = read_deck(written(tmp_path, f"{json.dumps(esc_eval())}\n{{oops\n{json.dumps(esc_eval())}\n", "cards.jsonl"))
    assert len(deck.cards) == 2
    assert deck.skipped[0].where == "cards.jsonl:2"
    assert Deck.model_validate_json(deck.model_dump_json()).skipped == deck.skipped


def test_wrong_types_are_reasons_not_crashes(tmp_path: Path) -> None:
    rows = [esc_eval(), {"base": None}, {"base": ["x"]}, {"base": {"Age": 3}}, None, "text", [1]]
    deck = read_deck(written(tmp_path, rows))
    assert len(deck.cards) == 1
    assert len(deck.skipped) == 6
    assert all(skip.reason for skip in deck.skipped)
