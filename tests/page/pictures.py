"""The README's pictures of the page: the demo's fraud as an operator sees it, taken when it has been stopped.

Not a test: `scripts/pictures` writes `docs/page-overview.png` and `docs/page-account.png`.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

DOCS = Path(__file__).resolve().parents[2] / "docs"
WIDTH, HEIGHT = 1200, 860
MOST_BYTES = 200_000
DECISIONS = 3
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.2


def main() -> None:
    """Play the demo, look at it, leave."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("chromium is missing: apt-get install chromium")
    with demo() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        account = wait_for(lambda: stopped(url), "an account that was blocked")
        shoot(browser, url, "/", "page-overview")
        shoot(browser, url, f"/accounts/{account}", "page-account")
        browser.close()


@contextmanager
def demo() -> Iterator[str]:
    """`guard demo` until we have seen enough; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-m", "guard", "demo", "--port", str(port)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            wait_for(lambda: answer(url, "/-/ready") is not None, "the demo")
            yield url
        except SystemExit:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def answer(url: str, path: str) -> dict[str, Any] | None:
    """What the API says; None while it says nothing."""
    try:
        asked = httpx.get(url + path, trust_env=False)
    except httpx.TransportError:
        return None
    found: dict[str, Any] | None = asked.json() if asked.is_success else None
    return found


def stopped(url: str) -> str | None:
    """The account whose fraud the switch has stopped, once its history has something to show."""
    listed = answer(url, "/api/v1/accounts?state=blocked") or {"accounts": []}
    for each in listed["accounts"]:
        shown = answer(url, f"/api/v1/accounts/{each['account']}")
        if (
            shown is not None
            and shown["block"]
            and shown["block"]["confirmed"]
            and len(shown["decisions"]) >= DECISIONS
        ):
            account: str = shown["account"]
            return account
    return None


def shoot(browser: Browser, url: str, path: str, name: str) -> None:
    """One picture, as it is at this moment."""
    page = browser.new_page(base_url=url, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    page.goto(path)
    page.wait_for_load_state("networkidle")
    kept = DOCS / f"{name}.png"
    page.screenshot(path=kept)
    size = kept.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{kept.name} has {size} bytes, more than the {MOST_BYTES} that a README should load")
    sys.stdout.write(f"docs/{kept.name}: {size} bytes\n")


def wait_for(found: Callable[[], Any], what: str) -> Any:
    """What is there at last."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(LOOK_EVERY_S)
    raise SystemExit(f"not within {PATIENCE_S:.0f} s: {what}")


if __name__ == "__main__":
    main()
