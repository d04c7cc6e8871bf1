"""Pictures: what the page and the API are shown of an account and of its calls."""

from __future__ import annotations

from guard.core.decisions import Action
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.pictures import SHOWN_CALLS
from guard.core.plans import Discount, Plan, Quota, Reach, Tier, TierBy
from guard.core.rating import Rating
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    Allow,
    CardMessage,
    CardStatus,
    Credit,
    CreditMessage,
    Direction,
    Event,
    InvoiceMessage,
    PaymentMessage,
    PaymentStatus,
    Report,
    SwitchStatus,
)
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.tariff import CallClass
from guard.core.views import AccountView, CardView, InvoiceView, LiveCall, UseView

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
        gross_micros=Micros(4_000_000),
        destination="",
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


def test_what_billing_has_said_is_shown() -> None:
    """Invoices, the card, the limit and how it came about, and what of pending payments counts."""
    engine = an_engine()
    invoice = InvoiceMessage(
        id="i", account="A1", amount_micros=Micros(30_000_000), period_start="2026-12-01", period_end="2027-01-01"
    )
    engine.billing(AdjustmentMessage(id="a", account="A1", amount_micros=Micros(40_000_000)), NOW_MS)
    engine.billing(invoice, NOW_MS)
    engine.billing(CardMessage(id="k", account="A1", status=CardStatus.EXPIRING, expires="2027-03"), NOW_MS)
    view = picture(engine)
    assert view.invoices == (
        InvoiceView(
            id="i",
            amount_micros=Micros(30_000_000),
            period_start="2026-12-01",
            period_end="2027-01-01",
            at_ms=NOW_MS,
        ),
    )
    assert view.card == CardView(status="expiring", expires="2027-03", text="Card on file: expires March 2027.")
    assert (view.invoiced_micros, view.unbilled_micros) == (30_000_000, 10_000_000)
    assert (view.limit_text, view.limit_suggested_micros) == ("fixed by billing", None)
    assert view.trusted_payments_micros == 0
    assert view.spends_micros_per_day > 0
    assert view.reaches_limit_in_days == round(60_000_000 / view.spends_micros_per_day)


def test_what_is_used_of_the_plan_in_the_present_cycle_is_shown() -> None:
    """Each quota and each discount; what was used in another cycle is not."""
    domestic, abroad = Reach(kinds=frozenset({CallClass.DOMESTIC})), Reach(prefixes=("44",))
    quota = Quota(key="office/quota:domestic", reach=domestic, seconds=120_000)
    tiers = (Tier(0, 0), Tier(30_000, 100_000))
    discount = Discount(key="office/discount:minutes:44", reach=abroad, by=TierBy.MINUTES, tiers=tiers)
    plan = Plan("office", "Office", [quota], [discount])
    rating = Rating(unknown_rate_micros=1_000_000, plans={"office": plan})
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS, rating=rating)
    engine.billing(AccountMessage(id="a", account="A1", plan="office", timezone="America/Toronto"), NOW_MS)
    account = engine.world.accounts["A1"]
    cycle = account.cycle_at(NOW_MS)
    account.open_books().take(cycle.start_ms, quota.key, 74_400)
    account.open_books().take(cycle.end_ms, quota.key, 60)
    view = picture(engine)
    assert view.plan == "office"
    assert view.use == (
        UseView(key=quota.key, what="1,240 of 2,000 minutes used (domestic)", used=74_400, of=120_000),
        UseView(key=discount.key, what="0 minutes: 0 % off, 10 % from 500 (to +44)", used=0, of=None),
    )
    assert not engine.take().notices
