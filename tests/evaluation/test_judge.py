from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agents.chat.port import Choice, Completion, Request, Role, Usage
from agents.errors import AnswerError, InputError, RunStop
from agents.words import Speaker, Strategy, Utterance
from evaluation.judge import DIMENSIONS, Judge, Judged, Preference, Rating, same_model
from evaluation.judge_figures import comparison_figures, rating_figures
from evaluation.judge_items import Found, Match, drawn, matches, replies, talk_matches, whole_talks
from evaluation.judging import Verdict, compare_all, rate_all
from evaluation.rehearsal_judge import RehearsalJudge
from simulator.episode import Episode

TALK = (
    Utterance(speaker=Speaker.SEEKER, text="I lost my job on Friday and I'm so ashamed that I haven't told my wife."),
    Utterance(speaker=Speaker.SUPPORTER, text="What happened on Friday?", strategy=Strategy.QUESTION),
    Utterance(speaker=Speaker.SEEKER, text="They shut the plant. I sit in the car all day so that she thinks I'm at work."),
)
WARM = "Sitting in the car all day so that she won't see how ashamed you are sounds lonely. What would be hardest about telling your wife?"
COLD = "You should just go for a run, everything will be fine."


class Answering:
    """A judge that answers by a function of the request."""

    spec = "openai:judge"

    def __init__(self, answer: Callable[[Request], BaseModel | Exception]) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        given = self.answer(request)
        if isinstance(given, Exception):
            raise given
        return Completion(text="", parsed=given, usage=Usage(model=self.spec))

    async def choose(self, request: Request, options: Sequence[str]) -> Choice:
        raise AssertionError("a judge does not choose")


def item(name: str, reply: str = WARM, **more: Any) -> Judged:
    return Judged(id=name, dialogue=name, talk=TALK, reply=reply, **more)


def match(name: str, left: str, right: str) -> Match:
    return Match(id=name, dialogue=name, left=item(name, left), right=item(name, right))


def scores(value: int = 3, **more: int) -> Rating:
    return Rating(**{**dict.fromkeys(DIMENSIONS, value), **more})


def rate(chat: Any, items: Sequence[Judged], **more: Any) -> list[Verdict]:
    return asyncio.run(rate_all(Judge(chat), items, **{"repeats": 1, "seed": 1, "concurrency": 4, **more}))


def compare(chat: Any, pairs: Sequence[Match], **more: Any) -> list[Verdict]:
    return asyncio.run(compare_all(Judge(chat), pairs, **{"repeats": 1, "seed": 1, "concurrency": 4, **more}))


def shown(request: Request) -> str:
    return request.messages[-1].content


def test_the_judge_is_asked_in_its_role_with_the_talk_the_reply_and_a_reference_where_there_is_one() -> None:
    chat = Answering(lambda _: scores())
    items = [item("a", reference="I hear how heavy that is."), item("b")]
    rate(chat, items)
    rate(chat, items[:1], use_reference=False)
    first, second, third = chat.asked
    assert all(request.role is Role.JUDGE and request.schema is Rating for request in chat.asked)
    assert TALK[0].text in shown(first)
    assert WARM in shown(first)
    assert "I hear how heavy that is." in shown(first)
    assert "human supporter" not in shown(second) + shown(third)
    assert [request.task for request in chat.asked] == ["judge_rate_reference", "judge_rate", "judge_rate"]


def test_repeats_have_seeds_of_their_own_and_their_spread_is_told() -> None:
    seeds: dict[int, int] = {}
    chat = Answering(lambda request: scores(empathy=2 + 2 * (seeds.setdefault(request.seed, len(seeds)) % 2)))
    items = [item("a"), item("b")]
    figures = rating_figures(rate(chat, items, repeats=2), items)
    assert len(seeds) == 4
    assert figures["dimensions"]["empathy"]["mean"]["value"] == 3
    assert figures["dimensions"]["empathy"]["repeat_spread"] == pytest.approx(2**0.5, abs=0.001)
    assert figures["dimensions"]["fluency"]["repeat_spread"] == 0


def test_an_answer_out_of_range_is_a_typed_failure_and_counted() -> None:
    bad = Rating.model_construct(fluency=9, professionalism=3, empathy=3, helpfulness=3, why="")
    chat = Answering(lambda request: bad if request.variables["item"].id == "b" else scores())
    items = [item("a"), item("b"), item("c")]
    verdicts = rate(chat, items)
    figures = rating_figures(verdicts, items)
    assert (figures["rated"], figures["failures"], figures["failures_by_kind"]) == (2, 1, {"AnswerError": 1})
    assert verdicts[1].error is not None
    assert "fluency" in verdicts[1].error.message
    assert figures["dimensions"]["fluency"]["mean"]["value"] == 3


def test_a_refused_answer_does_not_stop_the_others_and_a_dead_server_does() -> None:
    chat = Answering(lambda request: AnswerError("no") if request.variables["item"].id == "a" else scores())
    assert [verdict.error is None for verdict in rate(chat, [item("a"), item("b")])] == [False, True]
    with pytest.raises(RunStop, match="down"):
        rate(Answering(lambda _: RunStop("The server is down.")), [item("a"), item("b")])


def test_a_comparison_is_asked_in_both_orders_and_one_that_follows_the_order_is_a_draw() -> None:
    pairs = [match(f"m{number}", WARM, COLD) for number in range(10)]
    honest = Answering(lambda request: Preference(better="first" if request.variables["first"].reply == WARM else "second"))
    figures = comparison_figures(compare(honest, pairs), pairs, ("warm", "cold"))
    assert len(honest.asked) == 20
    assert (figures["left_wins"], figures["win_rate"]["value"], figures["order_flips"], figures["first_shown_wins"]) == (10, 1, 0, 0.5)
    lazy = Answering(lambda _: Preference(better="first"))
    figures = comparison_figures(compare(lazy, pairs), pairs, ("warm", "cold"))
    assert (figures["ties"], figures["win_rate"]["value"], figures["order_flips"], figures["first_shown_wins"]) == (10, 0.5, 1, 1)


def test_a_judge_that_likes_length_alone_wins_nothing_at_equal_length() -> None:
    apart = [(-8, -3, 3, 8, 12, 17)[number % 6] for number in range(90)]
    pairs = [match(f"m{number}", " ".join(["word"] * (30 + more)), " ".join(["word"] * 30)) for number, more in enumerate(apart)]
    longer = Answering(lambda r: Preference(better=_longer(r.variables["first"].words, r.variables["second"].words)))
    figures = comparison_figures(compare(longer, pairs), pairs, ("left", "right"))
    assert figures["words_apart"] > 0
    assert figures["win_rate"]["low"] > 0.5
    controlled = figures["win_rate_at_equal_length"]
    assert figures["win_rate"]["value"] == pytest.approx(2 / 3, abs=0.001)
    assert controlled["value"] == pytest.approx(0.5, abs=0.08)
    assert controlled["low"] < 0.5
    assert figures["length_correlation"]["value"] > 0.6


def _longer(first: int, second: int) -> str:
    return "same" if first == second else "first" if first > second else "second"


def test_only_half_answered_comparisons_do_not_count() -> None:
    pairs = [match("m", WARM, COLD)]
    chat = Answering(lambda r: AnswerError("no") if r.variables["first"].reply == COLD else Preference(better="first"))
    figures = comparison_figures(compare(chat, pairs), pairs, ("warm", "cold"))
    assert (figures["judged"], figures["failures"], figures["win_rate"]["value"]) == (0, 1, None)


def test_the_rehearsal_judge_prefers_what_takes_up_what_was_told() -> None:
    judge = RehearsalJudge()
    warm, cold = (verdict.rating for verdict in rate(judge, [item("a", WARM), item("b", COLD)]))
    assert warm is not None
    assert cold is not None
    assert warm["empathy"] > cold["empathy"]
    assert warm["professionalism"] > cold["professionalism"]
    figures = comparison_figures(compare(judge, [match("m", COLD, WARM)]), [match("m", COLD, WARM)], ("cold", "warm"))
    assert (figures["left_wins"], figures["right_wins"], figures["order_flips"]) == (0, 1, 0)
    whole = Judged(id="t", dialogue="t", talk=TALK)
    assert rate(judge, [whole])[0].rating is not None


def test_the_same_model_is_known_on_another_server_and_in_a_folder() -> None:
    assert same_model("openai:Qwen/Qwen3-8B@http://a/v1", "openai:qwen3-8b@http://b/v1")
    assert same_model("openai:Qwen/Qwen3-8B", "local:/models/Qwen3-8B")
    assert same_model("rehearsal", "rehearsal")
    assert not same_model("openai:gpt-a", "openai:gpt-b")


def test_replies_of_a_run_carry_their_place_their_authors_and_are_drawn_alike_each_time(run_folder: Path, episodes: list[Episode]) -> None:
    found = Found()
    items = drawn(replies(run_folder, found), 40, 3, found)
    assert [one.id for one in items] == [one.id for one in drawn(replies(run_folder, Found()), 40, 3, Found())]
    assert {one.id for one in items} != {one.id for one in drawn(replies(run_folder, Found()), 40, 4, Found())}
    kept = [episode for episode in episodes if not episode.crisis]
    assert found.total == sum(turn.speaker is Speaker.SUPPORTER for episode in kept for turn in episode.turns)
    by_id = {episode.id: episode for episode in episodes}
    for one in items:
        place = int(one.id.split("/")[1])
        turns = by_id[one.dialogue].turns
        assert (one.reply, len(one.talk)) == (turns[place].text, place)
        assert one.authors == ("rehearsal",)
    assert len(list(whole_talks(run_folder, Found()))) == len(kept)


def test_refinements_are_matched_with_their_drafts(run_folder: Path, episodes: list[Episode]) -> None:
    found = Found()
    pairs = list(matches(run_folder, found))
    assert found.names == ("refined", "draft")
    assert pairs
    for pair in pairs:
        assert pair.left.reply != pair.right.reply
        assert pair.left.talk == pair.right.talk


def test_two_runs_are_matched_seeker_by_seeker(run_folder: Path, tmp_path: Path) -> None:
    lines = (run_folder / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "episodes.jsonl").write_text("\n".join(lines[:9]) + "\n", encoding="utf-8")
    found = Found()
    pairs = list(talk_matches(tmp_path, run_folder, found))
    assert len(pairs) + found.skipped["crisis talk"] == 9
    assert all(pair.left.talk == pair.right.talk for pair in pairs)
    strangers = [json.dumps({**(value := json.loads(line)), "seeds": {**value["seeds"], "recipe": 99}}) for line in lines[:9]]
    (tmp_path / "episodes.jsonl").write_text("\n".join(strangers) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="no talk with the same seeker"):
        list(talk_matches(tmp_path, run_folder, Found()))


def test_stars_judge_the_supporter_turns_since_the_last_stars(tmp_path: Path) -> None:
    speakers = ("seeker", "supporter", "supporter", "seeker", "supporter", "seeker")
    turns = [{"speaker": speaker, "text": f"words {number}"} for number, speaker in enumerate(speakers)]
    turns[3]["feedback"], turns[5]["feedback"] = 2, 5  # type: ignore[assignment]
    (tmp_path / "talk.jsonl").write_text(json.dumps({"id": "t", "turns": turns}) + "\n", encoding="utf-8")
    assert {one.id: one.stars for one in replies(tmp_path / "talk.jsonl", Found(), rated_only=True)} == {"t/1": 2, "t/2": 2, "t/4": 5}


def test_agreement_with_people_is_printed_where_they_gave_stars() -> None:
    items = [item(f"i{number}", stars=float(1 + number % 5)) for number in range(40)]
    chat = Answering(lambda request: scores(empathy=int(request.variables["item"].stars), fluency=5))
    people = rating_figures(rate(chat, items), items)["people"]
    assert people["spearman"]["empathy"]["value"] == 1
    assert people["spearman"]["fluency"]["value"] is None
    assert people["n"] == 40


@pytest.mark.parametrize(
    ("rows", "reply", "context"),
    [
        (
            [
                {
                    "context": "seeker\n- Utterance: I am sad\nsupporter\n- Strategy: Question\n- Utterance: Why?",
                    "res_pred": "Go on.",
                    "res_gold": "Oh.",
                }
            ],
            "Go on.",
            2,
        ),
        ([{"context": [{"role": "user", "content": "hi"}], "reply": "Hello.", "reference": "Hey."}], "Hello.", 1),
        ([{"context": [], "reply": "Hello."}], "Hello.", 0),
    ],
)
def test_result_files_are_read(tmp_path: Path, rows: list[dict[str, Any]], reply: str, context: int) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    one = next(replies(file, Found()))
    assert (one.reply, len(one.talk)) == (reply, context)


def test_pairs_are_compared_without_their_system_message(tmp_path: Path) -> None:
    prompt = [{"role": "system", "content": "secret"}, {"role": "user", "content": "hi"}]
    row = {"id": "p", "prompt": prompt, "chosen": "Hello you.", "rejected": "What.", "models": {"responder": "openai:m"}}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    found = Found()
    pair = next(matches(tmp_path / "pairs.jsonl", found))
    assert (pair.left.reply, pair.right.reply, found.names) == ("Hello you.", "What.", ("chosen", "rejected"))
    assert [turn.text for turn in pair.left.talk] == ["hi"]
    assert pair.left.authors == ("openai:m",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"context": 3, "reply": "x"}', ":1: context"),
        ('{"context": [{"speaker": "narrator", "text": "x"}], "reply": "x"}', "narrator"),
        ('{"reply": "x"}', ":1: no context and reply"),
        ('{"id": "a", "turns": []}\n{"id": "b"}', ":2: not a dialogue record"),
        ("nonsense", "not JSON"),
        ("", "empty"),
    ],
)
def test_what_can_not_be_judged_is_named_with_its_line(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"bad\.jsonl") as caught:
        list(replies(file, Found()))
    assert words in str(caught.value)
