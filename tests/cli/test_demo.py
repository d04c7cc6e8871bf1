"""`guard demo`, end to end: the real daemon, broker and switch, told five times as fast."""

from __future__ import annotations

import asyncio
import re
import socket
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from guard.commands.demo import DemoOptions
from guard.commands.demo.play import play
from guard.commands.demo.stage import free_port, workplace
from guard.commands.demo.story import Story
from guard.commands.demo.summary import Outcome
from guard.core.money import parse_money
from tests.cli import program

SPEED = 5.0
SECONDS = 8.0
"""At this speed the block comes at about 4.4 s and the second emergency call at 6.4 s."""


class Witness:
    """Sees what everybody sees, and copies guard's books over HTTP before the daemon stops."""

    def __init__(self, story: Story, url: str) -> None:
        self.story = story
        self.url = url
        self.confirmed = False
        self.accounts: dict[str, dict[str, Any]] = {}
        self.ledgers: dict[str, list[dict[str, Any]]] = {}

    def update(self) -> None:
        """Note that the block is confirmed while the switch is up: afterwards there is none that could."""
        if self.story.turning.obeyed_at_ms is not None and not self.confirmed:
            picture = httpx.get(f"{self.url}/api/v1/accounts/{self.story.hacked.account}", trust_env=False).json()
            self.confirmed = bool(picture["block"] and picture["block"]["confirmed"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ask for everything."""
        for account in self.story.accounts:
            path = f"{self.url}/api/v1/accounts/{account}"
            self.accounts[account] = httpx.get(path, trust_env=False).json()
            self.ledgers[account] = httpx.get(path + "/ledger", trust_env=False).json()["lines"]


async def witness_demo() -> tuple[Outcome, Witness]:
    witnesses: list[Witness] = []

    def make(story: Story, url: str) -> Witness:
        witnesses.append(Witness(story, url))
        return witnesses[0]

    with workplace(free_port(18_080)) as place:
        outcome = await play(place, DemoOptions(speed=SPEED, seconds=SECONDS), make)
    return outcome, witnesses[0]


@pytest.fixture(scope="module")
def demo() -> tuple[Outcome, Witness]:
    return asyncio.run(witness_demo())


def test_the_hacked_account_is_blocked_and_its_calls_are_ended(demo: tuple[Outcome, Witness]) -> None:
    outcome, witness = demo
    turning, account = outcome.story.turning, outcome.story.hacked.account
    picture = witness.accounts[account]
    assert picture["state"] == "blocked"
    assert witness.confirmed
    assert [cause["reason"] for cause in picture["block"]["causes"]] == ["credit_limit"]
    assert turning.ended_calls == outcome.truth.account(account).ended_by_block > 10
    assert turning.refused > 3
    assert set(turning.warned_at_ms) == {"50", "80"}
    assert turning.block_text.startswith("Blocked: exposure 120.")


def test_the_block_came_at_the_computed_moment(demo: tuple[Outcome, Witness]) -> None:
    """Ticks come every 10 s: an engine that waited for one would be seconds late. The bound is for a busy machine."""
    turning = demo[0].story.turning
    assert turning.breach_at_ms is not None
    assert turning.obeyed_at_ms is not None
    assert turning.obeyed_at_ms - turning.breach_at_ms < 1_000


def test_emergency_calls_of_the_same_customer_are_untouched(demo: tuple[Outcome, Witness]) -> None:
    story = demo[0].story
    assert len(story.emergencies) == 2
    assert not any(call.cut for call in story.emergencies.values())
    obeyed_at_ms = story.turning.obeyed_at_ms
    assert obeyed_at_ms is not None
    before, after = story.emergencies.values()
    assert before.answered_at_ms < obeyed_at_ms < after.answered_at_ms
    assert before.ended_at_ms is not None
    assert before.ended_at_ms > obeyed_at_ms


def test_nobody_else_is_blocked(demo: tuple[Outcome, Witness]) -> None:
    outcome, witness = demo
    others = [picture for account, picture in witness.accounts.items() if account != outcome.story.hacked.account]
    assert {picture["state"] for picture in others} == {"active"}


def test_guards_ledger_is_the_switchs_own_meter_call_by_call(demo: tuple[Outcome, Witness]) -> None:
    outcome, witness = demo
    assert all(audit.agrees for audit in outcome.audits)
    for account, lines in witness.ledgers.items():
        posted = {line["call"]: parse_money(line["amount"]) for line in lines if line["call"]}
        assert posted == outcome.truth.account(account).charges
        assert len([line for line in lines if line["call"]]) == len(posted)
        owed = sum(parse_money(line["amount"]) for line in lines)
        assert parse_money(witness.accounts[account]["balance"]["owed"]) == owed


def test_as_a_newcomer_types_it() -> None:
    """With the usual port taken, without a terminal: lines, a summary, exit 0, and nothing left behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = program.finish("demo", "--port", str(port), "--speed", "5", "--seconds", "6.5")
    assert done.returncode == 0, done.stderr
    assert f"port {port} is taken, the page is on " in done.stderr
    for said in (
        "Maple Dental Clinic is hacked: first call to",
        "has reached 50 % of the limit",
        "has reached 80 % of the limit",
        "Blocked: exposure 120.",
        "the switch has the block and ends",
        "dials 911",
        "Saved since the block",
        "guard's ledgers agree with the switch's own meter",
    ):
        assert said in " ".join(done.stdout.split()), said
    assert re.search(r"Lost +[0-9]+\.[0-9]{2} CAD", done.stdout)
