"""Enforcement: what every event does to every kind of cause. The table is the contract's, cell by cell."""

from __future__ import annotations

from itertools import product

import pytest

from guard.core.accounts import Account, Cause
from guard.core.decisions import Command, CommandAction, Reason
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    Allow,
    Block,
    CloseMessage,
    Credit,
    CreditMessage,
    Event,
    IntentResult,
    PaymentMessage,
    PaymentStatus,
    Release,
    Report,
    Scope,
    SwitchStatus,
)
from guard.core.scopes import Scopes
from guard.core.settings import HOUR_MS, Settings

NOW_MS = 1_800_000_000_000
HUNDRED = Micros(100_000_000)
STAYS, LIFTS = False, True

CAUSES = (Reason.CREDIT_LIMIT, Reason.RULE, Reason.ANOMALY, Reason.OPERATOR, Reason.CLOSED)
EVENTS = (
    "money comes in",
    "the limit is raised",
    "exposure falls by itself",
    "release",
    "allow",
    "reopened",
    "its end",
)

TABLE: dict[tuple[Reason, str], bool] = {
    (Reason.CREDIT_LIMIT, "money comes in"): LIFTS,
    (Reason.CREDIT_LIMIT, "the limit is raised"): LIFTS,
    (Reason.CREDIT_LIMIT, "exposure falls by itself"): LIFTS,
    (Reason.CREDIT_LIMIT, "release"): LIFTS,
    (Reason.CREDIT_LIMIT, "allow"): LIFTS,
    (Reason.CREDIT_LIMIT, "reopened"): STAYS,
    (Reason.RULE, "money comes in"): STAYS,
    (Reason.RULE, "the limit is raised"): STAYS,
    (Reason.RULE, "exposure falls by itself"): STAYS,
    (Reason.RULE, "release"): LIFTS,
    (Reason.RULE, "allow"): LIFTS,
    (Reason.RULE, "reopened"): STAYS,
    (Reason.RULE, "its end"): LIFTS,
    (Reason.ANOMALY, "money comes in"): STAYS,
    (Reason.ANOMALY, "the limit is raised"): STAYS,
    (Reason.ANOMALY, "exposure falls by itself"): STAYS,
    (Reason.ANOMALY, "release"): LIFTS,
    (Reason.ANOMALY, "allow"): LIFTS,
    (Reason.ANOMALY, "reopened"): STAYS,
    (Reason.ANOMALY, "its end"): LIFTS,
    (Reason.OPERATOR, "money comes in"): STAYS,
    (Reason.OPERATOR, "the limit is raised"): STAYS,
    (Reason.OPERATOR, "exposure falls by itself"): STAYS,
    (Reason.OPERATOR, "release"): LIFTS,
    (Reason.OPERATOR, "allow"): STAYS,
    (Reason.OPERATOR, "reopened"): STAYS,
    (Reason.OPERATOR, "its end"): LIFTS,
    (Reason.CLOSED, "money comes in"): STAYS,
    (Reason.CLOSED, "the limit is raised"): STAYS,
    (Reason.CLOSED, "exposure falls by itself"): STAYS,
    (Reason.CLOSED, "release"): STAYS,
    (Reason.CLOSED, "allow"): STAYS,
    (Reason.CLOSED, "reopened"): LIFTS,
}


def blocked_by(reason: Reason, until_ms: int | None = None) -> tuple[Engine, Account]:
    """A1 owes 91 of 100 and is blocked for one reason, or for a second beside the credit limit's level."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    engine.control(SwitchStatus(switch="sw1", up=True), NOW_MS)
    engine.billing(AccountMessage(id="m", account="A1", credit=Credit(limit_micros=HUNDRED)), NOW_MS)
    account = engine.world.accounts["A1"]
    match reason:
        case Reason.CREDIT_LIMIT:
            engine.report("sw1", Report("C1", Event.TICK, "A1", NOW_MS, 1_000, "", HUNDRED, 0), NOW_MS)
            engine.report("sw1", Report("C1", Event.ENDED, "A1", NOW_MS, 2_000, "", Micros(91_000_000)), NOW_MS)
        case Reason.OPERATOR:
            engine.intent(Block(account="A1", by="ana", reason="x", until_ms=until_ms), NOW_MS)
        case Reason.CLOSED:
            engine.billing(CloseMessage(id="z", account="A1"), NOW_MS)
        case _:
            engine._judge.block(account, reason, NOW_MS, "Blocked.", until_ms=until_ms)
    assert [cause.reason for cause in account.causes] == [reason]
    engine.take()
    return engine, account


def happen(engine: Engine, account: Account, event: str) -> None:
    """One of the events."""
    match event:
        case "money comes in":
            status = PaymentStatus.POSTED
            amount = Micros(50_000_000)
            message = PaymentMessage(id="p", account="A1", amount_micros=amount, method="card", status=status)
            engine.billing(message, NOW_MS)
        case "the limit is raised":
            credit = Credit(limit_micros=Micros(500_000_000))
            engine.billing(CreditMessage(id="c", account="A1", credit=credit), NOW_MS)
        case "exposure falls by itself":
            report = Report("C9", Event.TICK, "A1", NOW_MS, 1_000, "", Micros(5_000_000), 0)
            engine.report("sw1", report, NOW_MS)
            engine.world.owe(account, -account.owed_micros)
            engine.report("sw1", Report("C9", Event.ENDED, "A1", NOW_MS, 2_000, "", Micros(0)), NOW_MS)
        case "release":
            assert engine.intent(Release(account="A1", by="ana", reason="x"), NOW_MS) in {
                IntentResult.DONE,
                IntentResult.CLOSED,
            }
        case "allow":
            engine.intent(Allow(account="A1", by="ana", reason="x", until_ms=NOW_MS + HOUR_MS), NOW_MS)
        case "reopened":
            engine.billing(AccountMessage(id="n", account="A1"), NOW_MS)
        case _:
            engine.advance(NOW_MS + HOUR_MS)


def test_the_table_is_exhaustive() -> None:
    """Every event has an answer for every kind of cause; these two have no end of their own."""
    endless = {(Reason.CREDIT_LIMIT, "its end"), (Reason.CLOSED, "its end")}
    assert set(TABLE) == set(product(CAUSES, EVENTS)) - endless
    assert set(CAUSES) == {
        reason for reason in Reason if reason.value in {"credit_limit", "rule", "anomaly", "operator", "closed"}
    }


@pytest.mark.parametrize(("reason", "event"), TABLE, ids=lambda part: getattr(part, "value", part))
def test_what_an_event_does_to_a_cause(reason: Reason, event: str) -> None:
    """It lifts or it stays; the switches are told exactly when it lifts."""
    until_ms = NOW_MS + HOUR_MS if event == "its end" else None
    engine, account = blocked_by(reason, until_ms)
    happen(engine, account, event)
    lifted = account.cause(reason) is None
    assert lifted is TABLE[reason, event]
    actions = [send.message.action for send in engine.take().sends if isinstance(send.message, Command)]
    unblocks = [action for action in actions if action is CommandAction.UNBLOCK]
    assert len(unblocks) == (1 if lifted else 0)
    assert (account.id in engine.world.blocked) is not lifted


@pytest.mark.parametrize("reasons", [pair for pair in product(CAUSES, CAUSES) if pair[0] is not pair[1]], ids=str)
def test_each_cause_lifts_alone(reasons: tuple[Reason, Reason]) -> None:
    """With two causes the switches stay blocked until the second has gone, at the widest scope of what is left."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    engine.control(SwitchStatus(switch="sw1", up=True), NOW_MS)
    engine.billing(AdjustmentMessage(id="a", account="A1", amount_micros=Micros(1)), NOW_MS)
    account = engine.world.accounts["A1"]
    first, second = reasons
    engine._judge.block(account, first, NOW_MS, "Blocked.", scope=Scope.PREMIUM)
    engine._judge.block(account, second, NOW_MS, "Blocked.", scope=Scope.INTERNATIONAL)
    assert account.command is not None
    assert (account.command.action, account.command.scope, account.seq) == ("block", "international", 2)
    cause = account.cause(second)
    assert isinstance(cause, Cause)
    engine._judge.lift(account, cause, Reason.RELEASED, NOW_MS, "Unblocked.")
    assert (account.command.action, account.command.scope, account.seq) == ("block", "premium", 3)
    last = account.cause(first)
    assert isinstance(last, Cause)
    engine._judge.lift(account, last, Reason.RELEASED, NOW_MS, "Unblocked.")
    assert (account.command.action, account.seq) == ("unblock", 4)
