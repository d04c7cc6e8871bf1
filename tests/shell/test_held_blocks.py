"""Rules through the desk: what the fuse holds, what an operator makes of it, and what is counted."""

from __future__ import annotations

import asyncio

import pytest

from guard.adapters.metrics import Figures, read_off
from guard.core.records import Approve, Intent, IntentResult, Reject
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.settings import HOUR_MS, Settings
from guard.core.views import AccountState, HeldView
from guard.shell.desk import Desk
from tests.shell.fakes import START_MS, House
from tests.shell.test_feed_and_desk import desk_of, turn

TWICE = Rule(
    id="twice",
    title="Two calls within an hour",
    mode=RuleMode.ENFORCE,
    measure=Measure.CALLS,
    window_ms=HOUR_MS,
    per=Per.ACCOUNT,
    block=2,
)
QUIET = Rule(
    id="quiet", title="", mode=RuleMode.SHADOW, measure=Measure.CALLS, window_ms=HOUR_MS, per=Per.ACCOUNT, block=99
)


@pytest.fixture
def house() -> House:
    """The fuse lets one block through; A1 had it, and that of A2 is held."""
    house = House(Settings(fuse_blocks=1), rules=(TWICE, QUIET))
    for account in ("A1", "A2"):
        for number in (1, 2):
            house.report(
                f'{{"call":"{account}-{number}","event":"answered","account":"{account}",'
                f'"to":"+25261234567","at":{START_MS / 1_000},"rate":"0.10"}}'
            )
    turn(house)
    return house


def the_held(desk: Desk) -> HeldView:
    """The only one."""
    (held,) = asyncio.run(desk.held())
    return held


def submit(house: House, desk: Desk, intent: Intent) -> IntentResult:
    """As the HTTP side does; the loop turns meanwhile."""

    async def submitting() -> IntentResult:
        asked = asyncio.ensure_future(desk.submit(intent))
        await asyncio.sleep(0)
        await house.loop.turn()
        return await asked

    return asyncio.run(submitting())


def state_of(desk: Desk, account: str) -> AccountState:
    view = asyncio.run(desk.account(account))
    assert view is not None
    return view.state


def test_the_desk_shows_what_the_fuse_holds(house: House) -> None:
    desk = desk_of(house)
    held = the_held(desk)
    assert (held.account, held.rule) == ("A2", "twice")
    assert asyncio.run(desk.held_of(held.id)) == held
    assert asyncio.run(desk.held_of("another")) is None
    assert desk.fuse_open()
    assert (state_of(desk, "A1"), state_of(desk, "A2")) == (AccountState.BLOCKED, AccountState.ACTIVE)


def test_an_approved_block_happens_and_is_held_no_longer(house: House) -> None:
    desk = desk_of(house)
    held = the_held(desk)
    approve = Approve(account="A2", held=held.id, by="ana", reason="stolen password")
    assert submit(house, desk, approve) is IntentResult.DONE
    assert state_of(desk, "A2") is AccountState.BLOCKED
    assert asyncio.run(desk.held()) == ()
    assert submit(house, desk, approve) is IntentResult.UNKNOWN_HELD


def test_a_rejected_block_never_happens(house: House) -> None:
    desk = desk_of(house)
    reject = Reject(account="A2", held=the_held(desk).id, by="ana", reason="month end")
    assert submit(house, desk, reject) is IntentResult.DONE
    assert state_of(desk, "A2") is AccountState.ACTIVE
    assert asyncio.run(desk.held()) == ()


def test_the_desk_and_the_metrics_count_every_rule_from_the_start(house: House) -> None:
    desk = desk_of(house)
    assert [rule.id for rule in desk.rules()] == ["twice", "quiet"]
    assert desk.rule_hits()["twice", "enforce"] == 2
    assert desk.rule_hits()["quiet", "shadow"] == 0
    figures = Figures()
    read_off(house.engine, figures, START_MS)
    assert figures.rule_hits == desk.rule_hits()
    assert figures.fuse_open
