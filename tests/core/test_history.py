"""History: who did what to an account, when and why; and the sums that are kept beside the accounts."""

from __future__ import annotations

from guard.core.decisions import Audit, Command, LineKind, NoticeKind
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import (
    AccountMessage,
    Ack,
    AdjustmentMessage,
    Allow,
    BalanceMessage,
    Block,
    Credit,
    CreditMessage,
    Event,
    IntentResult,
    Outcome,
    Release,
    Report,
    SwitchStatus,
)
from guard.core.scopes import Scopes
from guard.core.settings import Settings

NOW_MS = 1_800_000_000_000
UNTIL_MS = NOW_MS + 60_000
HUNDRED = Credit(limit_micros=Micros(100_000_000))


def an_engine() -> Engine:
    """An engine that knows A1, which owes its limit."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    engine.billing(AccountMessage(id="m", account="A1", credit=HUNDRED), NOW_MS)
    engine.billing(AdjustmentMessage(id="a", account="A1", amount_micros=Micros(100_000_000)), NOW_MS)
    engine.take()
    return engine


def test_what_operators_and_billing_do_is_in_the_history() -> None:
    """Always with a name and a reason; billing, when it gives no name."""
    engine = an_engine()
    engine.intent(Block(account="A1", by="ana", reason="odd calls"), NOW_MS + 1)
    engine.intent(Release(account="A1", by="bob", reason="all well", until_ms=UNTIL_MS), NOW_MS + 2)
    engine.intent(Allow(account="A1", by="eve", reason="promised", until_ms=UNTIL_MS), NOW_MS + 3)
    engine.billing(CreditMessage(id="c", account="A1", credit=HUNDRED, by="ana", reason="EFT"), NOW_MS + 4)
    engine.billing(CreditMessage(id="d", account="A1", credit=HUNDRED), NOW_MS + 5)
    assert engine.take().audit == [
        Audit("A1", NOW_MS + 1, "ana", "block", "odd calls"),
        Audit("A1", NOW_MS + 2, "bob", "release", "all well"),
        Audit("A1", NOW_MS + 3, "eve", "allow", "promised"),
        Audit("A1", NOW_MS + 4, "ana", "credit", "EFT"),
        Audit("A1", NOW_MS + 5, "billing", "credit", ""),
    ]


def test_what_was_not_done_is_not_in_the_history() -> None:
    """An intent that was turned down changes nothing at all."""
    engine = an_engine()
    before = engine.world.accounts["A1"].row()
    assert engine.intent(Release(account="A1", by="ana", reason="x"), NOW_MS) is IntentResult.AT_LIMIT
    assert engine.intent(Block(account="A2", by="ana", reason="x"), NOW_MS) is IntentResult.UNKNOWN_ACCOUNT
    past = Allow(account="A1", by="ana", reason="x", until_ms=NOW_MS)
    assert engine.intent(past, NOW_MS) is IntentResult.UNTIL_PAST
    changes = engine.take()
    assert not changes.audit
    assert not changes.decisions
    assert engine.world.accounts["A1"].row() == before


def test_nothing_happened_is_nothing_to_commit() -> None:
    """An empty batch is false, so the store is left alone."""
    engine = an_engine()
    assert not engine.take()
    engine.advance(NOW_MS + 1)
    assert not engine.take()
    engine.intent(Block(account="A1", by="ana", reason="odd calls"), NOW_MS + 1)
    assert engine.take()


def test_every_outcome_is_counted() -> None:
    """Per switch: the accepted ones by themselves, the others by name."""
    engine = an_engine()
    answered = Report("C1", Event.ANSWERED, "A1", NOW_MS, 0, "+1")
    tick = Report("C1", Event.TICK, "A1", NOW_MS, 1_000)
    old = Report("C2", Event.ENDED, "A1", NOW_MS - 8 * 86_400_000, 1_000)
    foreign = Report("C3", Event.ANSWERED, "A1", NOW_MS, 0, "+1", currency="USD")
    for report in (answered, answered, tick, answered, old, foreign, answered):
        engine.report("sw1", report, NOW_MS)
    switch = engine.world.switches["sw1"]
    assert switch.accepted == 2
    assert {outcome: count for outcome, count in switch.outcomes.items() if count} == {
        Outcome.DUPLICATE: 1,
        Outcome.LATE: 2,
        Outcome.TOO_OLD: 1,
        Outcome.QUARANTINED: 1,
    }


def test_how_long_confirmation_took_is_noted() -> None:
    """By an acknowledged command or by an acknowledged snapshot."""
    engine = an_engine()
    engine.control(SwitchStatus(switch="sw1", up=True), NOW_MS)
    snapshot = engine.take().sends[-1].message
    engine.control(Ack(switch="sw1", id=snapshot.id, ok=True), NOW_MS)
    assert engine.world.confirm_ms == []
    engine.billing(CreditMessage(id="c", account="A1", credit=Credit()), NOW_MS + 1_000)
    (command,) = [send.message for send in engine.take().sends if isinstance(send.message, Command)]
    engine.control(Ack(switch="sw1", id=command.id, ok=True), NOW_MS + 1_040)
    assert engine.world.confirm_ms == [40]
    engine.intent(Block(account="A1", by="ana", reason="x"), NOW_MS + 2_000)
    engine.control(SwitchStatus(switch="sw1", up=True), NOW_MS + 2_100)
    snapshot = engine.take().sends[-1].message
    engine.control(Ack(switch="sw1", id=snapshot.id, ok=True), NOW_MS + 2_150)
    assert engine.world.confirm_ms == [40, 150]


def test_differences_that_balances_found_are_added_up() -> None:
    """Per currency, whichever way they went."""
    engine = an_engine()
    for number, owed in enumerate((150_000_000, 20_000_000)):
        message = BalanceMessage(
            id=f"s{number}",
            account="A1",
            owed_micros=Micros(owed),
            as_of_ms=NOW_MS + 1,
            posted_since_micros=Micros(0),
        )
        engine.billing(message, NOW_MS + 1)
    assert engine.world.reconciled_micros == {"CAD": 50_000_000 + 130_000_000}


def test_a_change_of_currency_moves_every_sum() -> None:
    """Owed, growing calls and silent ones: all of it was in the other currency all along."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    engine.report("sw1", Report("C1", Event.ENDED, "A1", NOW_MS, 1_000, "+1", Micros(5)), NOW_MS)
    engine.report("sw1", Report("C2", Event.ANSWERED, "A1", NOW_MS, 0, "+1", Micros(7), 60_000), NOW_MS)
    for second in range(0, 100, 10):
        at_ms = NOW_MS + second * 1_000
        engine.advance(at_ms)
        report = Report("C3", Event.TICK, "A1", at_ms, second * 1_000, "+1", Micros(11), 60_000)
        engine.report("sw1", report, at_ms)
    engine.billing(AccountMessage(id="m", account="A1", currency="USD"), NOW_MS + 90_000)
    totals = engine.world.switches["sw1"].totals
    (flight,) = engine.world.accounts["A1"].flights
    for part in ("calls", "stated_micros", "rate_micros", "anchor", "frozen_scaled"):
        assert getattr(totals["CAD"], part) == 0
        assert getattr(totals["USD"], part) == getattr(flight, part) != 0
    assert engine.world.settled_micros == {"CAD": 0, "USD": 5}


def test_a_ledger_adds_up_in_each_currency_when_its_account_turns_out_to_be_in_another() -> None:
    """What was posted stays as it is; the two lines of the change move nothing together."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    engine.report("sw1", Report("C1", Event.ENDED, "A1", NOW_MS, 1_000, "+1", Micros(5)), NOW_MS)
    engine.billing(AccountMessage(id="m", account="A1", currency="USD"), NOW_MS)
    engine.report("sw1", Report("C2", Event.ENDED, "A1", NOW_MS, 1_000, "+1", Micros(7)), NOW_MS)
    changes = engine.take()
    lines = [(line.currency, line.amount_micros, line.kind, line.ref) for line in changes.ledger]
    assert lines == [
        ("CAD", 5, LineKind.CALL, ""),
        ("CAD", -5, LineKind.BALANCE, "m"),
        ("USD", 5, LineKind.BALANCE, "m"),
        ("USD", 7, LineKind.CALL, ""),
    ]
    (notice,) = changes.notices
    assert (notice.kind, notice.account) == (NoticeKind.QUARANTINED, "A1")
    assert engine.world.accounts["A1"].owed_micros == 12
