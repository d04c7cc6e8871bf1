"""Pictures: what the page and the API are shown of an account and of its calls."""

from __future__ import annotations

from guard.core.decisions import Action
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.pictures import SHOWN_CALLS
from guard.core.records import (
    AdjustmentMessage,
    Allow,
    Credit,
    CreditMessage,
    Direction,
    Event,
    PaymentMessage,
    PaymentStatus,
    Report,
    SwitchStatus,
)
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.views import AccountView, LiveCall

NOW_MS = 1_800_000_000_000
LATER_MS = NOW_MS + 30_000


def an_engine(limit: int | None = 100_000_000) -> Engine:
    """An engine in which A1 has a limit."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    credit = Credit(limit_micros=None if limit is None else Micros(limit))
    engine.billing(CreditMessage(id="c", account="A1", credit=credit), NOW_MS)
    engine.control(SwitchStatus(switch="sw1", up=True), NOW_MS)
    return engine


def picture(engine: Engine, now_ms: int = LATER_MS) -> AccountView:
    """A1, after time has passed."""
    engine.advance(now_ms)
    view = engine.picture("A1", now_ms)
    assert view is not None
    return view


def test_a_live_call_is_shown_with_all_that_is_known_of_it() -> None:
    """Whichever report said it: number, caller, direction, when it was answered, what it is worth now."""
    engine = an_engine()
    tick = Report("C1", Event.TICK, "A1", NOW_MS, 10_000, None, Micros(1_000_000), 6_000_000, source="10.0.0.1")
    engine.report("sw1", tick, NOW_MS)
    answered = Report(
        "C1",
        Event.ANSWERED,
        "A1",
        NOW_MS - 10_000,
        0,
        "+25377123456",
        direction=Direction.FORWARDED,
        caller="+16475550100",
    )
    engine.report("sw1", answered, NOW_MS)
    (call,) = picture(engine).live_calls
    assert call == LiveCall(
        switch="sw1",
        call="C1",
        to="+25377123456",
        caller="+16475550100",
        direction=Direction.FORWARDED,
        emergency=False,
        answered_at_ms=NOW_MS - 10_000,
        last_report_at_ms=NOW_MS,
        duration_ms=10_000,
        charge_micros=Micros(1_000_000),
        value_micros=Micros(4_000_000),
        rate_micros=6_000_000,
        silent=False,
    )


def test_what_is_known_of_a_call_is_not_forgotten_by_later_reports() -> None:
    """A tick that does not repeat the caller, or says another one, changes nothing."""
    engine = an_engine()
    for event, duration_ms, caller in ((Event.ANSWERED, 0, "+1"), (Event.TICK, 10_000, ""), (Event.TICK, 20_000, "+2")):
        at_ms = NOW_MS + duration_ms
        engine.report("sw1", Report("C1", event, "A1", at_ms, duration_ms, "+25377123456", caller=caller), at_ms)
    (call,) = picture(engine).live_calls
    assert (call.caller, call.to, call.answered_at_ms) == ("+1", "+25377123456", NOW_MS)


def test_the_moment_at_which_the_limit_will_be_reached_is_shown() -> None:
    """The limit, not the next mark; nothing when it is not in sight or has been reached."""
    engine = an_engine()
    assert picture(engine).reaches_limit_at_ms is None
    engine.report("sw1", Report("C1", Event.ANSWERED, "A1", LATER_MS, 0, "+1", rate_micros=60_000_000), LATER_MS)
    assert picture(engine).reaches_limit_at_ms == LATER_MS + 100_000
    assert picture(engine, LATER_MS + 60_000).reaches_limit_at_ms == LATER_MS + 100_000
    assert picture(engine, LATER_MS + 100_000).reaches_limit_at_ms is None
    unlimited = an_engine(None)
    unlimited.report("sw1", Report("C1", Event.ANSWERED, "A1", NOW_MS, 0, "+1", rate_micros=60_000_000), NOW_MS)
    assert picture(unlimited).reaches_limit_at_ms is None


def test_a_trusted_payment_puts_the_moment_off() -> None:
    """What is pending and trusted counts until the bank has spoken; so does what is owed."""
    engine = Engine(Settings(trust={"cheque": 500_000}), Scopes.of_country_code("1"), NOW_MS)
    status, amount = PaymentStatus.PENDING, Micros(40_000_000)
    payment = PaymentMessage(id="p", account="A1", amount_micros=amount, method="cheque", status=status)
    engine.billing(payment, NOW_MS)
    engine.billing(AdjustmentMessage(id="a", account="A1", amount_micros=Micros(10_000_000)), NOW_MS)
    engine.report("sw1", Report("C1", Event.ANSWERED, "A1", NOW_MS, 0, "+1", rate_micros=60_000_000), NOW_MS)
    view = picture(engine)
    assert view.exposure_micros == 10_000_000 - 20_000_000 + 30_000_000
    assert view.in_flight_micros == 30_000_000
    assert view.pending_payments_micros == 40_000_000
    assert view.reaches_limit_at_ms == NOW_MS + 110_000
    engine.intent(Allow(account="A1", by="ana", reason="x", until_ms=LATER_MS + 3_600_000), LATER_MS)
    engine.take()
    engine.advance(NOW_MS + 109_999)
    actions = [(d.action, d.mark) for d in engine.take().decisions]
    assert actions == [(Action.WARN, "50"), (Action.WARN, "80")]
    engine.advance(NOW_MS + 110_000)
    assert [(d.action, d.at_ms) for d in engine.take().decisions] == [(Action.BLOCK, NOW_MS + 110_000)]


def test_of_many_calls_some_are_shown_and_all_are_counted() -> None:
    """Work for one picture is bounded."""
    engine = an_engine(None)
    for number in range(SHOWN_CALLS + 5):
        engine.report("sw1", Report(f"C{number}", Event.ANSWERED, "A1", NOW_MS, 0, "+1", rate_micros=0), NOW_MS)
    view = picture(engine)
    assert len(view.live_calls) == SHOWN_CALLS
    assert view.live_call_count == SHOWN_CALLS + 5


def test_what_no_format_can_write_is_shown_as_the_most_it_can() -> None:
    """An estimate carried forward has no bound; what is shown has."""
    engine = an_engine(None)
    for number in range(3):
        rate = 999_999_999_000_000
        engine.report("sw1", Report(f"C{number}", Event.ANSWERED, "A1", NOW_MS, 0, "+1", rate_micros=rate), NOW_MS)
    view = picture(engine, NOW_MS + 60_000)
    assert view.exposure_micros == view.in_flight_micros == 999_999_999_999_999


def test_an_account_nobody_knows_has_no_picture() -> None:
    """Asking does not make it known."""
    engine = an_engine()
    assert engine.picture("A2", NOW_MS) is None
    assert "A2" not in engine.world.accounts
