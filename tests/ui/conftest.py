"""A real `holdspace studio` in a process of its own, and headless Chromium to look at it; skipped where one of the two can't be had."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ui.served import Served

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def installed() -> None:
    """What a server needs is there."""
    for name in ("nicegui", "aiosqlite"):
        if find_spec(name) is None:
            pytest.skip(f"the page needs {name} (holdspace[studio])")


@pytest.fixture
def serve(installed: None) -> Iterator[Callable[..., Served]]:
    """Starts servers, and ends them; none of them may have said anything on stderr."""
    running: list[Served] = []

    def start(*arguments: object) -> Served:
        running.append(Served(*arguments))
        return running[-1]

    yield start
    said = [served.end() for served in running if served.process.poll() is None]
    assert not any(said), said


@pytest.fixture(scope="module")
def browser(run_folder: Path) -> Iterator[Any]:
    """Headless Chromium.  Playwright holds the event loop of this thread until it is closed: the run is made before, and it is closed soon."""
    api = pytest.importorskip("playwright.sync_api", reason="the page's tests need Playwright (holdspace[dev])")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab of 1280 pixels; neither an error nor a refused load may happen in it, and nothing but this machine may be asked."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(40_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" and "Security" in message.text else None)
    page.on(
        "request", lambda request: wrong.append(request.url) if "://127.0.0.1" not in request.url and "data:" not in request.url else None
    )
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    yield page
    context.close()
    assert wrong == []
