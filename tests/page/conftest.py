"""A real Chromium, a real mosquitto, and the daemon between them.

The browser is Debian's; the one that playwright would download is not asked for. Screenshots of what was seen go to
`build/page`, which is not kept in the repository.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from guard.config.shipped import shipped
from tests.acceptance.guardproc import Guard
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto

SHOTS = Path(__file__).resolve().parents[2] / "build" / "page"
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole run: playwright keeps a loop of its own running in this thread for as long as it is there."""
    program = shutil.which("chromium")
    assert program is not None, "apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that a container or a build machine often withholds.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


MORE = f"""
[model]
dir = "{shipped("models") / "default"}"
[rules]
dir = "rules"
[fuse]
blocks = 1
"""
RULES = """
[[rule]]
id = "dear-call"
title = "One dear call"
mode = "enforce"
measure = "gross"
window = "1h"
per = "account"
block = "5.00"
scope = "international"
end_calls = true
"""


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory, broker: Mosquitto) -> Iterator[Guard]:
    """With the shipped model, one rule of its own, and a fuse that lets one block through."""
    folder = tmp_path_factory.mktemp("guard")
    (folder / "rules").mkdir()
    (folder / "rules" / "dear.toml").write_text(RULES)
    with Guard(folder, broker.url, more=MORE) as guard:
        yield guard


@pytest.fixture
def switch(broker: Mosquitto, guard: Guard) -> Iterator[SwitchClient]:
    del guard  # it is to be there first, so that it hears of the switch
    with SwitchClient(broker.port) as switch:
        yield switch


@pytest.fixture(params=["light", "dark"])
def context(request: pytest.FixtureRequest, browser: Browser, guard: Guard) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=guard.url, viewport={"width": 1280, "height": 900}, color_scheme=request.param
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page on which nothing may go wrong unseen: each error of its scripts or its policy fails the test."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    page.on("console", _nothing_wrong)
    return page


def _nothing_wrong(said: ConsoleMessage) -> None:
    if said.type == "error" and "status of 4" not in said.text:  # a refused form is told as 409 or 422
        pytest.fail(f"the console says: {said.text}")


def shoot(page: Page, name: str) -> None:
    """Keep what is to be seen now."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
