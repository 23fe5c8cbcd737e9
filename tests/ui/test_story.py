"""The debugger page as its user meets it, in a browser: a talk is stepped, goes wrong, is gone back to, changed, lived again and judged."""

from __future__ import annotations

import json
import re
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ui.served import Served

from simulator.store import read_lines
from training.pair import PairKind
from training.pairstore import read_pairs

DONE = ".p-controls .state:text-matches('^next|^over')"
HOSTILE = (
    "<script>document.title='stolen'</script>",
    "<img src=x onerror=\"document.title='stolen'\">",
    "[here](javascript:document.title='stolen') ![x](http://example.com/x.png)",
    "</div></main>`${document.title='stolen'}` &lt;b&gt; {{7*7}} \u202e",
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, installed: None) -> Iterator[str]:
    """One server for several talks of up to 60 turns."""
    folder = tmp_path_factory.mktemp("long")
    (folder / "long.yaml").write_text("turns: 60\n")
    served = Served(folder / "long.yaml", "--out", folder / "out")
    yield served.url
    assert served.end() == ""


def press(tab: Any, key: str) -> None:
    """Press a key, and wait until the page stands still again with more checkpoints than before."""
    before = tab.locator(".moment").count()
    tab.keyboard.press(key)
    tab.wait_for_function(f"document.querySelectorAll('.moment').length > {before}", polling=10)
    tab.wait_for_selector(DONE)


def opened(tab: Any, url: str) -> None:
    """Go to the page, and wait for a lit graph."""
    tab.goto(url)
    tab.wait_for_selector(".node.active:visible, .node.following:visible")


def begun(tab: Any, url: str, name: str, index: int = 0) -> None:
    """Begin a talk of this name."""
    opened(tab, url)
    tab.keyboard.press("n")
    tab.fill(".sheet [name=name]", name)
    tab.fill(".sheet [name=index]", str(index))
    tab.click(".sheet >> text=Begin")
    tab.wait_for_selector(f".p-top .name:text('{name}')")
    tab.wait_for_selector(".node.following:visible")


def edit_trust(tab: Any) -> None:
    """An edit out of range is refused with its path, one in range is made."""
    tab.keyboard.press("e")
    tab.fill(".sheet [name=path]", "mind.trust")
    tab.fill(".sheet [name=value]", "7")
    tab.click(".sheet >> text=Change it")
    tab.wait_for_selector(".p-notice >> text=mind.trust: input should be less than or equal to 1")
    tab.fill(".sheet [name=value]", "0.75")
    tab.click(".sheet >> text=Change it")
    tab.wait_for_selector(".sheet", state="detached")
    tab.wait_for_selector(".p-mind dd:text('0.75')")


def test_a_talk_is_stepped_forked_compared_judged_and_survives_a_kill(tmp_path: Path, serve: Callable[..., Any], tab: Any) -> None:
    served = serve("--out", tmp_path, "--index", 3, "--session", "story")
    opened(tab, served.url)
    assert "No request leaves this machine" in tab.inner_text(".p-top")
    press(tab, "s")
    assert tab.locator(".node.active:visible").text_content().startswith("seeker")
    assert tab.locator(".turn.seeker").count() == 1
    press(tab, "t")
    press(tab, "t")
    assert tab.locator(".turn.supporter .chip").count() == 2

    tab.click(".node[data-node=critique]:visible")
    tab.wait_for_selector(".node[data-node=critique] .stop:visible")
    press(tab, "c")
    assert "breakpoint: node=critique" in tab.inner_text(".p-notice")
    assert tab.locator(".turn.pending .said").count() >= 1
    tab.click(".node[data-node=critique]:visible")
    tab.wait_for_selector(".node[data-node=critique] .stop", state="detached")
    press(tab, "t")

    edit_trust(tab)
    press(tab, "t")
    main = tab.locator(".turn.supporter .body > .said").all_inner_texts()
    tab.locator(".turn.supporter").nth(2).get_by_text("turn 3").click()
    tab.wait_for_selector(".looking")
    other = tab.locator("button.bar", has_text="Providing Suggestions")
    other = other if other.count() else tab.locator("button.bar", has_text="Question")
    other.click()
    tab.click(".p-notice >> text=Compare with main")
    tab.wait_for_selector(".alternative >> nth=1")
    tab.fill("#reason", "It asks before it advises.")
    tab.locator(".alternative").nth(1).get_by_text("This one is better").click()
    tab.wait_for_selector(".p-notice >> text=Kept in pairs/marked.jsonl")
    pairs = list(read_pairs(tmp_path))
    assert {pair.kind for pair in pairs} == {PairKind.STRATEGY, PairKind.JOINT}
    assert {(pair.kept.why, pair.kept.judge) for pair in pairs} == {("It asks before it advises.", "human:ann")}

    tab.click(".tree >> text=main")
    tab.wait_for_selector(".p-top .branch:text('main')")
    assert tab.locator(".turn.supporter .body > .said").all_inner_texts() == main
    shown = tab.locator(".moment").count()
    served.end(signal.SIGKILL)
    again = serve("--out", tmp_path)
    opened(tab, again.url)
    assert tab.locator(".p-top .name").text_content() == "story"
    assert tab.locator(".moment").count() == shown
    press(tab, "t")
    assert tab.locator(".turn.supporter").count() == len(main) + 1


def test_what_a_person_says_as_the_seeker_is_shown_as_text(url: str, tab: Any) -> None:
    begun(tab, url, "hostile")
    tab.keyboard.press("k")
    tab.locator(".sheet li", has_text="seeker").get_by_text("Take").click()
    long = "a very long message " * 5_000
    for place, text in enumerate((*HOSTILE, long)):
        tab.fill(".composer textarea", text)
        tab.keyboard.press("Enter")
        tab.wait_for_function(f"document.querySelectorAll('.turn.seeker').length == {place + 1} && !document.querySelector('.composer')")
        assert tab.locator(".turn.seeker .said").nth(place).inner_text().strip() == text.strip()
        tab.keyboard.press("Escape")
        press(tab, "c")
        tab.wait_for_selector(".composer")
    for name in ("Calls", "State"):
        tab.locator(".p-inspect .tab", has_text=name).click()
        tab.wait_for_selector(f".p-inspect .tab.here:text('{name}')")
    tab.locator(".turn.seeker").nth(1).get_by_text("turn 2").click()
    tab.wait_for_selector(".looking")
    assert tab.title() == "holdspace studio"
    assert tab.locator(".hs img, .hs script, .hs iframe, .middle a").count() == 0
    assert tab.locator(".hand").count() == len(HOSTILE) + 1


def test_an_episode_is_found_gone_back_to_and_lived_again(run_folder: Path, tmp_path: Path, serve: Callable[..., Any], tab: Any) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("episodes.jsonl", "run.yaml"):
        (run / name).write_bytes((run_folder / name).read_bytes())
    served = serve(run)
    opened(tab, served.url)
    tab.wait_for_selector(".p-episodes >> text=60 of 60 episodes")
    assert tab.locator(".p-episodes li").count() == 12
    wanted = [value for _, value in read_lines(run / "episodes.jsonl")]
    error = "Lack Empathy"
    fits = [value for value in wanted if error in json.dumps([turn.get("critiques") for turn in value["turns"]])]
    assert 0 < len(fits) < 60
    tab.select_option(".filters [name=error]", error)
    tab.wait_for_selector(f".p-episodes >> text={len(fits)} of 60 episodes")
    tab.locator(".p-episodes .limb").first.click()
    tab.wait_for_selector(".p-top .name:text-matches('^episode-')")
    tab.wait_for_selector(DONE)
    index = int(re.findall(r"\d+", tab.inner_text(".p-top .name"))[0])
    recorded = next(value for value in wanted if value["index"] == index)
    assert tab.locator(".turn .said").first.inner_text() == recorded["turns"][0]["text"]
    assert tab.locator(".turn").count() == len(recorded["turns"])
    assert tab.locator("mark.evidence, .turn summary b").count() >= 1
    tab.locator(".turn.supporter").nth(1).get_by_text("turn 2").click()
    tab.wait_for_selector(".looking")
    tab.locator(".p-inspect summary", has_text="Prompt").count()
    tab.keyboard.press("f")
    tab.fill(".sheet [name=name]", "again")
    tab.click(".sheet footer >> text=Fork")
    tab.wait_for_selector(".p-top .branch:text('again')")
    press(tab, "t")
    assert tab.locator(".turn.supporter").count() == 3
    assert (run / "episodes.jsonl").read_bytes() == (run_folder / "episodes.jsonl").read_bytes()


def test_it_is_usable_at_390_pixels_in_the_dark_and_without_a_mouse(url: str, browser: Any, tab: Any) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    small = context.new_page()
    begun(small, url, "small", 1)
    press(small, "t")
    for name in ("Timeline", "Mind", "Inspect", "Open", "Talk"):
        small.locator(".p-tabs .tab", has_text=name).click()
        assert small.evaluate("document.documentElement.scrollWidth") <= 390
    assert small.locator(".turn .said").first.is_visible()
    assert not small.locator(".moment").first.is_visible()
    assert small.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)"
    opened(tab, f"{url}?session=small")
    tab.keyboard.press("?")
    tab.wait_for_selector(".sheet[role=dialog]")
    for _ in range(12):
        tab.keyboard.press("Tab")
        assert tab.evaluate("!!document.activeElement.closest('.sheet')")
    tab.keyboard.press("Escape")
    tab.wait_for_selector(".sheet", state="detached")
    assert tab.locator(".mind").first.is_visible()
    tab.keyboard.press("m")
    assert not any(item.is_visible() for item in tab.locator(".mind, .arc").all())
    unnamed = tab.evaluate(
        "[...document.querySelectorAll('button,a,input:not([type=hidden]),select')].filter(e => e.offsetParent && !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).length"
    )
    assert unnamed == 0
    context.close()


def test_two_tabs_see_the_same_step_and_stop_halts_a_run(url: str, tab: Any) -> None:
    begun(tab, url, "twice", 2)
    second = tab.context.new_page()
    opened(second, f"{url}?session=twice")
    press(tab, "t")
    second.wait_for_selector(".turn.supporter")
    tab.keyboard.press("c")
    tab.wait_for_selector("[data-act=stop]:not([disabled])")
    tab.keyboard.press(".")
    tab.wait_for_selector(".p-notice >> text=Stopped.")
    tab.wait_for_selector("[data-act=stop][disabled]")
    assert "next" in tab.inner_text(".p-controls .state")
    count = tab.locator(".moment").count()
    second.wait_for_function(f"document.querySelectorAll('.moment').length == {count}")
    second.wait_for_timeout(200)
    assert tab.locator(".moment").count() == count


@pytest.mark.slow
def test_a_step_is_seen_at_once_late_in_a_long_talk(url: str, tab: Any) -> None:
    begun(tab, url, "long", 3)
    tab.keyboard.press("k")
    tab.locator(".sheet li", has_text="seeker").get_by_text("Take").click()
    for turn in range(40):
        tab.fill(".composer textarea", f"It is the same every day, and day {turn} was no better.")
        tab.keyboard.press("Enter")
        tab.wait_for_function(f"document.querySelectorAll('.turn.seeker').length == {turn + 1} && !document.querySelector('.composer')")
        tab.keyboard.press("Escape")
        press(tab, "t" if turn < 39 else "s")
    seen = []
    for _ in range(3):
        start = time.monotonic()
        press(tab, "s")
        seen.append(time.monotonic() - start)
    assert statistics.median(seen) < 0.6  # 0.15 on a machine with nothing else to do
