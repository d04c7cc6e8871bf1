"""The API as its own description has it: schemathesis draws requests from the OpenAPI document and judges the answers.

A real daemon behind a real broker, with accounts, calls and dead letters, is sent what the document allows and what it
does not: no answer may be a 5xx, each must be one that is described, member by member; what is allowed is taken, what
is not is refused; without a token nothing is answered where one is needed. The draws come from a seed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from guard.adapters.http.tokens import Role, add_token
from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto

pytestmark = [pytest.mark.broker, pytest.mark.slow]

CONFIG = Path(__file__).with_name("schemathesis.toml")
WITHIN_S = 60
WEBHOOK = '[[webhook]]\nname = "0"\nkind = "alertmanager"\nurl = "http://127.0.0.1:9/"\n'
"""A target that is never there, by a name that is drawn often."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture
def guard(tmp_path: Path, broker: Mosquitto) -> Iterator[Guard]:
    """A daemon that knows an account by the id that is drawn most often, and what there is to know of one."""
    with Guard(tmp_path / "guard", broker.url, more=WEBHOOK) as guard, SwitchClient(broker.port) as switch:
        for account in ("0", "A/2"):
            switch.bill({"type": "account", "id": account, "account": account, "credit": {"limit": "2.00"}})
        switch.report("up", "answered", "0", at=time.time(), charge="1.90", rate="0.01")
        switch.report("over", "ended", "A/2", at=time.time(), charge="2.40", duration_ms=60_000)
        switch.report("odd", "ended", "A/2", at=time.time(), charge="1.00", duration_ms=1_000, currency="USD")
        wait_for(lambda: guard.account("A/2").get("state") == "blocked", "the story", guard.log_tail)
        yield guard


class Tried(Protocol):
    """Whatever answers."""

    @property
    def url(self) -> str:
        """Where."""
        ...

    @property
    def folder(self) -> Path:
        """For what is written meanwhile."""
        ...

    @property
    def log(self) -> Path:
        """Its log."""
        ...


def tried(guard: Tried, *options: str) -> None:
    """Nothing is found."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
    found = subprocess.run(
        [
            *command,
            f"{guard.url}/api/v1/openapi.json",
            *("--seed", "1", "--checks", "all", "--no-color"),
            *("--continue-on-failure", "--generation-database", "none", "--suppress-health-check", "all", *options),
        ],
        cwd=guard.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-8_000:] + found.stderr[-2_000:]
    log = guard.log.read_text()
    assert " failed" not in log, log[-8_000:]


def test_what_is_described_is_what_is_answered(guard: Guard) -> None:
    tried(guard, "--phases", "coverage,fuzzing", "--max-examples", "5")


def test_with_tokens_nothing_is_answered_without_one_and_a_reader_changes_nothing(guard: Guard) -> None:
    tokens = guard.folder / "tokens.toml"
    screen, robot = (f"Authorization: Bearer {add_token(tokens, role.value, role)}" for role in Role)
    only = ("--phases", "fuzzing", "--max-examples", "4", "--header")
    tried(guard, *only, screen, "--mode", "positive")
    shown = dict([screen.split(": ")])
    assert guard.request("GET", "/api/v1/accounts/0/history", **shown)[1]["history"] == []
    done = guard.request("GET", "/api/v1/history", **shown)[1]["history"]
    assert {each["what"] for each in done} == {"add_token read", "add_token operate"}
    tried(guard, *only, robot)
