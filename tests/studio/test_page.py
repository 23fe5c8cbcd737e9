from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from agents.errors import InputError
from agents.words import Crisis, Critique, Draft, Finding, PsychError, Refinement, Strategy
from graphs.casting import with_source
from graphs.recipe import Recipe
from graphs.run import RUN_FILE, run_many
from simulator.episode import Episode, Failure, SeekerTurn, Stop, StopReason, SupporterTurn
from simulator.store import EPISODES, EpisodeStore, read_episodes
from studio.cli import main
from studio.page import write_page

ATTACK = "</script><img onerror=alert(1) src=x><!--<script>&amp;\u2028\u2029 \U0001f600"
STUDIO = Path(write_page.__code__.co_filename).parent


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and the text of each script and style."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: dict[str, str] = {}
        self._open = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = str(dict(attrs).get("id") or tag) if tag in ("script", "style", "title") else ""

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.blocks[self._open] = self.blocks.get(self._open, "") + data

    def data(self, name: str) -> Any:
        return json.loads(self.blocks[f"data-{name}"])


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "four"
    asyncio.run(run_many(with_source(Recipe(seed=5, turns=6)), out, episodes=4))
    return out


@pytest.fixture(scope="module")
def episodes(four: Path) -> list[Episode]:
    return list(read_episodes(four))


def stored(folder: Path, *episodes: Episode) -> Path:
    folder.mkdir(exist_ok=True)
    with EpisodeStore(folder / EPISODES) as store:
        for episode in episodes:
            store.append(episode)
    return folder


def shown(run: Path, html: Path) -> Page:
    write_page(run, html)
    return Page(html)


def with_first(episode: Episode, kind: type[SeekerTurn] | type[SupporterTurn], **update: object) -> Episode:
    place = next(index for index, turn in enumerate(episode.turns) if isinstance(turn, kind))
    turns = list(episode.turns)
    turns[place] = turns[place].model_copy(update=update)
    return episode.model_copy(update={"turns": tuple(turns)})


def test_every_utterance_and_version_is_in_the_page(four: Path, episodes: list[Episode], tmp_path: Path) -> None:
    assert write_page(four, tmp_path / "run.html") == 4
    talks = Page(tmp_path / "run.html").data("talks")
    assert [[turn["text"] for turn in talk["turns"]] for talk in talks] == [[turn.text for turn in item.turns] for item in episodes]
    for talk, episode in zip(talks, episodes, strict=True):
        for turn, source in zip(talk["turns"], episode.turns, strict=True):
            if isinstance(source, SupporterTurn) and source.draft:
                written = [source.draft.text, *(item.text for item in source.refinements)]
                assert [version.get("text", turn["text"]) for version in turn["versions"]] == written
                found = [[finding["span"] for finding in version.get("findings", ())] for version in turn["versions"]]
                assert found == [[finding.span for finding in critique.findings] for critique in source.critiques]


def test_each_talk_is_one_line_that_the_script_can_cut_out(four: Path, episodes: list[Episode], tmp_path: Path) -> None:
    run = stored(tmp_path / "lines", with_first(episodes[0], SeekerTurn, text="one,\n{two},\r\n\u2028three"), *episodes[1:])
    text = shown(run, tmp_path / "run.html").blocks["data-talks"]
    assert [json.loads(line)["id"] for line in text[2:-2].split(",\n")] == [episode.id for episode in episodes]


def test_the_list_and_the_head_say_what_the_episodes_say(four: Path, episodes: list[Episode], tmp_path: Path) -> None:
    page = shown(four, tmp_path / "run.html")
    head, rows = page.data("run"), page.data("rows")
    assert [(row["id"], row["stop"], row["turns"]) for row in rows] == [(e.id, e.stop.reason, e.outcome.supporter_turns) for e in episodes]
    assert sum(count for _, count in head["stops"]) == head["talks"] == 4
    assert (head["recipe"], head["seeds"], head["turns"]) == ("default", [5], 6)
    assert head["fingerprints"] == [episodes[0].recipe]
    assert head["change"] == pytest.approx(sum(e.outcome.intensity_change for e in episodes) / 4, abs=1e-3)


def test_what_the_page_does_not_need_is_left_out(four: Path, tmp_path: Path) -> None:
    page = shown(four, tmp_path / "run.html")
    for name in ("ledger", "prompts", "distribution", "prompt_tokens"):
        assert f'"{name}"' not in page.blocks["data-talks"] + page.blocks["data-rows"]


def test_text_of_a_model_cannot_break_out_of_its_data(episodes: list[Episode], tmp_path: Path) -> None:
    hostile = with_first(episodes[0], SeekerTurn, text=ATTACK, crisis=Crisis(category="plan", span=ATTACK))
    finding = Finding(error=PsychError.LACK_EMPATHY, span=ATTACK, why=ATTACK, severity=3)
    hostile = with_first(hostile, SupporterTurn, text=ATTACK, draft=Draft(text=ATTACK, strategy=Strategy.QUESTION))
    hostile = with_first(hostile, SupporterTurn, critiques=(Critique(accepted=False, findings=(finding,)),))
    hostile = hostile.model_copy(update={"id": ATTACK, "situation": ATTACK, "problem_type": ATTACK, "notes": (ATTACK,)})
    page = shown(stored(tmp_path / "<img src=x>&", hostile), tmp_path / "run.html")
    plain = shown(stored(tmp_path / "plain", episodes[0]), tmp_path / "plain.html")
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    raw = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "<img" not in raw
    assert not {"\u2028", "\u2029"} & set(raw)
    assert page.data("talks")[0]["turns"][0]["text"] == page.data("rows")[0]["id"] == ATTACK
    assert page.blocks["title"] == page.data("run")["name"] == "<img src=x>&"


def test_nothing_is_loaded_from_elsewhere(four: Path, tmp_path: Path) -> None:
    page = shown(four, tmp_path / "run.html")
    attributes = [(tag, name) for tag, found in page.tags for name in found]
    assert not [pair for pair in attributes if pair[1] in ("src", "href", "srcset", "style") or pair[1].startswith("on")]
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "base"}
    own = page.blocks["style"] + page.blocks["script"] + (STUDIO / "page.html").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'`]+", own)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|import\(", own)


def test_the_policy_allows_our_own_script_and_style_alone(four: Path, tmp_path: Path) -> None:
    page = shown(four, tmp_path / "run.html")
    policy = next(found["content"] for tag, found in page.tags if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))
    for name in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.blocks[name].encode()).digest()).decode()
        assert rules.pop(f"{name}-src") == f"'sha256-{digest}'"
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}


def test_the_script_sets_text_and_never_html() -> None:
    script = (STUDIO / "page.js").read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|eval\(|new Function", script
    )


def test_the_hidden_mind_is_in_the_data_but_not_shown_until_asked_for(four: Path, episodes: list[Episode], tmp_path: Path) -> None:
    page = shown(four, tmp_path / "run.html")
    hidden = page.data("talks")[0]["hidden"]
    assert (hidden["need"], hidden["belief"]) == (episodes[0].scenario.need, episodes[0].scenario.belief)
    assert {"trust", "patience", "grip", "signs", "told"} <= page.data("talks")[0]["turns"][0]["mind"].keys()
    assert re.search(r"const view = \{[^}]*\bmind: false\b", page.blocks["script"])
    assert re.search(r"^\.mind \{ display: none; \}$", page.blocks["style"], re.MULTILINE)
    assert "need" not in page.data("rows")[0]
    assert "minds" not in str(dict(page.tags)["body"])


def test_a_refined_reply_comes_with_a_diff_that_counts_the_words_of_both_versions(episodes: list[Episode], tmp_path: Path) -> None:
    draft = Draft(text="Cheer up, your exam is soon over.", strategy=Strategy.AFFIRMATION)
    said = Refinement(text="It is hard, your exam is soon.", strategy=Strategy.REFLECTION)
    refined = with_first(
        episodes[0], SupporterTurn, text=said.text, strategy=said.strategy, draft=draft, refinements=(said,), critiques=(), kept=1
    )
    page = shown(stored(tmp_path / "refined", refined), tmp_path / "run.html")
    turn = next(turn for turn in page.data("talks")[0]["turns"] if turn["who"] == "supporter")
    words = {kind: sum(number for name, number in turn["diff"] if name == kind) for kind in ("same", "gone", "new")}
    assert words == {"same": 3, "gone": 4, "new": 4}
    assert turn["versions"] == [{"text": draft.text, "strategy": draft.strategy}, {}]


def test_a_failed_talk_without_a_word_is_shown_with_its_error_and_left_out_of_the_mean(episodes: list[Episode], tmp_path: Path) -> None:
    error = Failure(kind="AnswerError", boundary="answer", message="No object.", retryable=False)
    failed = episodes[0].model_copy(update={"turns": (), "stop": Stop(reason=StopReason.FAILED, error=error)})
    page = shown(stored(tmp_path / "failed", failed, episodes[1]), tmp_path / "run.html")
    assert page.data("talks")[0]["error"] == {"kind": "AnswerError", "boundary": "answer", "message": "No object."}
    assert page.data("run")["change"] == pytest.approx(episodes[1].outcome.intensity_change, abs=1e-3)


def test_a_file_without_run_yaml_and_an_empty_run_have_a_page_too(episodes: list[Episode], tmp_path: Path) -> None:
    run = stored(tmp_path / "bare", *episodes)
    head = shown(run / EPISODES, tmp_path / "bare.html").data("run")
    assert (head["name"], head["seeds"], "versions" in head) == ("bare", [5], False)
    empty = shown(stored(tmp_path / "empty"), tmp_path / "empty.html")
    assert (empty.data("talks"), empty.data("rows"), empty.data("run")["change"]) == ([], [], None)


def test_the_same_run_gives_the_same_page(four: Path, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_page(four, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_broken_run_leaves_the_old_page_and_nothing_beside_it(four: Path, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "run.html").write_text("old")
    broken = tmp_path / EPISODES
    broken.write_bytes((four / EPISODES).read_bytes() + b'{"id": 1}\n')
    with pytest.raises(InputError, match=re.escape(f"{broken}:5: ")):
        write_page(broken, pages / "run.html")
    assert [(path.name, path.read_text()) for path in pages.iterdir()] == [("run.html", "old")]


def test_the_run_itself_is_never_overwritten(four: Path) -> None:
    for name in (EPISODES, RUN_FILE):
        before = (four / name).read_bytes()
        with pytest.raises(InputError, match="belongs to the run itself"):
            write_page(four, four / name)
        assert (four / name).read_bytes() == before


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("missing/run.html", "can't be written: No such file or directory. Check the folder"),
        (".", "is a folder. Give the name of the page"),
    ],
)
def test_an_unwritable_target_ends_with_one_sentence_and_an_exit_code(
    target: str, message: str, four: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["holdspace", "show", str(four), "--html", str(tmp_path / target)])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.count("\n") == 1
    assert message in said
    assert not list(tmp_path.iterdir())
