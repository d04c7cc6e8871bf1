"""What on-call is told: once for a switch and not for each account, under an id, and which block an unblock ends."""

from __future__ import annotations

import pytest

from guard.core.decisions import Action, Decision, Notice, NoticeKind, Reason
from guard.core.engine import Engine
from guard.core.events import Event
from guard.core.incidents import incident_of
from guard.core.records import AccountMessage, Block, Release, SwitchStatus
from guard.core.scopes import Scopes
from guard.core.settings import HOUR_MS, Settings
from tests.core.test_enforcement import NOW_MS, TABLE, blocked_by, happen

BLOCKED = 1_000


def engine_with_blocks(count: int) -> Engine:
    """A switch that is dead, and so many accounts that are blocked within a second."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    engine.control(SwitchStatus(switch="sw1", up=True), NOW_MS)
    for number in range(count):
        engine.billing(AccountMessage(id=f"m{number}", account=f"A{number}"), NOW_MS)
        engine.intent(Block(account=f"A{number}", by="ana", reason="x"), NOW_MS + number)
    return engine


def unconfirmed(engine: Engine, until_ms: int) -> list[Notice]:
    for now_ms in range(NOW_MS, until_ms + 1, 30_000):
        engine.advance(now_ms)
    return [notice for notice in engine.take().notices if notice.kind is NoticeKind.UNCONFIRMED]


def test_a_dead_switch_with_a_thousand_blocks_pages_once_and_says_how_many() -> None:
    [notice] = unconfirmed(engine_with_blocks(BLOCKED), NOW_MS + HOUR_MS)
    assert notice.at_ms == NOW_MS + 30_000
    assert (notice.switch, notice.account) == ("sw1", "")
    assert notice.text == (
        "Switch sw1 has not acknowledged a command for 30 s; it is being sent again; 1,000 commands wait there in all."
    )


def test_a_single_command_names_its_account() -> None:
    [notice] = unconfirmed(engine_with_blocks(1), NOW_MS + HOUR_MS)
    assert notice.account == "A0"
    assert notice.text == "Switch sw1 has not acknowledged a command for 30 s; it is being sent again."


def test_what_one_switch_does_not_confirm_says_nothing_of_another() -> None:
    engine = engine_with_blocks(1)
    engine.control(SwitchStatus(switch="sw2", up=True), NOW_MS + 1)
    engine.intent(Release(account="A0", by="ana", reason="x"), NOW_MS + 2)
    told = unconfirmed(engine, NOW_MS + HOUR_MS)
    assert {notice.switch for notice in told} == {"sw1", "sw2"}
    assert len(told) == 2


def test_the_same_notice_has_the_same_id_and_another_has_another() -> None:
    first, again = (unconfirmed(engine_with_blocks(2), NOW_MS + HOUR_MS)[0] for _ in range(2))
    [other] = unconfirmed(engine_with_blocks(1), NOW_MS + HOUR_MS)
    assert first.id == again.id
    assert first.id != other.id


@pytest.mark.parametrize("reason", [reason for reason, event in TABLE if event == "release"])
def test_an_unblock_names_the_cause_that_it_lifts(reason: Reason) -> None:
    """By an operator's release as by money: what was opened at an on-call tool is what is ended there."""
    event = "reopened" if reason is Reason.CLOSED else "release"
    engine, account = blocked_by(reason)
    blocks = [_incident(_decision(Action.BLOCK, reason))]
    happen(engine, account, event)
    ended = [_incident(each) for each in engine.take().decisions if each.action is Action.UNBLOCK]
    assert ended == blocks


def test_an_unblock_by_money_names_the_limit() -> None:
    engine, account = blocked_by(Reason.CREDIT_LIMIT)
    happen(engine, account, "money comes in")
    ended = [_incident(each) for each in engine.take().decisions if each.action is Action.UNBLOCK]
    assert ended == [_incident(_decision(Action.BLOCK, Reason.CREDIT_LIMIT))]


def _incident(decision: Decision) -> tuple[str, ...]:
    return incident_of(Event(number=1, told=decision)).matter


def _decision(action: Action, reason: Reason) -> Decision:
    """What blocked A1 in the first place."""
    engine, account = blocked_by(Reason.OPERATOR)
    return engine._judge.decide(account, action, reason, NOW_MS, NOW_MS, "")
