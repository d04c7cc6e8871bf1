"""A statement from the real engine and the real store: it adds up, and its invoice is met to the cent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from guard.adapters.http.app import create_app
from guard.adapters.http.tokens import TokenFile
from guard.adapters.sqlite import open_store
from guard.config.sections import Listen
from guard.core.cycles import cycle_of_month
from guard.core.engine import Engine
from guard.core.money import parse_money
from guard.core.plans import Plan, Quota, Reach
from guard.core.rating import Rating
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    BillingMessage,
    Event,
    InvoiceMessage,
    PaymentMessage,
    PaymentStatus,
    Report,
)
from guard.core.scopes import Scopes
from guard.core.settings import HOUR_MS, MINUTE_MS, Settings
from guard.core.tariff import CallClass, Destination, Tariff
from tests.http.conftest import LOCAL
from tests.http.desk import NOW_MS, PaperDesk

ZONE = "America/Toronto"
OCTOBER, NOVEMBER = (cycle_of_month(2026, month, ZONE) for month in (10, 11))
CANADA = Destination(prefix="1", name="Canada", kind=CallClass.DOMESTIC, rate_micros=30_000, increment_s=6)
DJIBOUTI = Destination(prefix="253", name="Djibouti", kind=CallClass.INTERNATIONAL, rate_micros=2_100_000)
PLAN = Plan(
    "office",
    "10 minutes to Canada",
    [Quota(key="q", reach=Reach(kinds=frozenset({CallClass.DOMESTIC})), seconds=600)],
    [],
)


class House:
    """An engine whose clock goes through October and November 2026."""

    def __init__(self) -> None:
        rating = Rating(unknown_rate_micros=1_000_000, tariff=Tariff([CANADA, DJIBOUTI]), plans={PLAN.id: PLAN})
        self.engine = Engine(
            Settings(remember_ms=90 * 24 * HOUR_MS), Scopes.of_country_code("1"), OCTOBER.start_ms, rating
        )
        self._calls = 0

    def bill(self, message: BillingMessage, at_ms: int) -> None:
        self.engine.advance(at_ms)
        self.engine.billing(message, at_ms)

    def call(self, to: str, at_ms: int, minutes: int, event: Event = Event.ENDED) -> None:
        self._calls += 1
        self.engine.advance(at_ms)
        report = Report(
            call=f"c{self._calls}", event=event, account="A1001", at_ms=at_ms, to=to, duration_ms=minutes * MINUTE_MS
        )
        self.engine.report("sw1", report, at_ms)


def payment(name: str, status: PaymentStatus, amount: str) -> PaymentMessage:
    return PaymentMessage(
        id=name, account="A1001", amount_micros=parse_money(amount), method="e_transfer", status=status
    )


def lived() -> House:
    """October: 4.20 to Djibouti and a fee of 20.00. November: paid, then calls within the plan and beyond it."""
    house = House()
    account = AccountMessage(id="m1", account="A1001", name="Acme Ltd", timezone=ZONE, plan="office")
    house.bill(account, OCTOBER.start_ms)
    house.call("+25377123456", OCTOBER.end_ms - 1, 2)
    fee = AdjustmentMessage(id="a1", account="A1001", amount_micros=parse_money("20"), at_ms=OCTOBER.end_ms - 1)
    house.bill(fee, OCTOBER.end_ms)
    house.call("+25377123456", NOVEMBER.start_ms, 1)
    invoice = InvoiceMessage(
        id="i11",
        account="A1001",
        amount_micros=parse_money("24.20"),
        period_start="2026-10-01",
        period_end="2026-11-01",
        payload='{"period_end":"2026-11-01","period_start":"2026-10-01"}',
    )
    house.bill(invoice, NOVEMBER.start_ms + HOUR_MS)
    house.bill(payment("p1", PaymentStatus.PENDING, "24.20"), NOVEMBER.start_ms + 2 * HOUR_MS)
    house.bill(payment("p1", PaymentStatus.POSTED, "24.20"), NOVEMBER.start_ms + 30 * HOUR_MS)
    house.bill(payment("p2", PaymentStatus.PENDING, "5.00"), NOVEMBER.start_ms + 40 * HOUR_MS)
    house.call("+14165550100", NOVEMBER.start_ms + 50 * HOUR_MS, 8)
    house.call("+14165550100", NOVEMBER.start_ms + 51 * HOUR_MS, 8)
    house.call("+25377123456", NOW_MS, 0, Event.ANSWERED)
    house.engine.advance(NOW_MS)
    return house


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    house = lived()
    async with open_store(tmp_path / "guard.db") as store:
        await store.restore()
        await store.commit(house.engine.take())
        view = house.engine.picture("A1001", NOW_MS)
        assert view is not None
        desk = PaperDesk(store=store)
        desk.know(view)
        app = create_app(desk, tokens=TokenFile(tmp_path / "tokens.toml"), listen=Listen())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=LOCAL) as client:
            yield client


async def test_the_present_cycle(api: httpx.AsyncClient) -> None:
    """Paid in full, and the balance is not zero: a call of the 1st, and six minutes beyond the plan."""
    answer = (await api.get("/api/v1/accounts/A1001/statement")).json()
    assert (answer["opening"], answer["paid"], answer["closing"]) == ("24.20", "24.20", "2.28")
    assert (answer["live"]["owed"], answer["live"]["unbilled"], answer["live"]["posting"]) == ("2.28", "2.28", "0.00")
    assert [(charge["class"], charge["net"], charge["gross"]) for charge in answer["charges"]] == [
        ("domestic", "0.18", "0.48"),
        ("international", "2.10", "2.10"),
    ]
    assert answer["lines"][:8] == [
        (
            "The balance is 2.28 CAD: all that was invoiced is paid, and this has come since; it will be on the next"
            " invoice."
        ),
        "The last invoice, for October 2026, was 24.20 CAD.",
        "The calls and fees of October 2026 add up to 24.20 CAD, as invoiced.",
        "24.20 CAD by e-transfer was posted on 2 Nov 2026.",
        "5.00 CAD by e-transfer of 2 Nov 2026 is announced and not posted yet; it does not count yet.",
        "2 domestic calls, 16 minutes: 0.18 CAD; the plan covers 10 of 16 billed minutes; 0.48 without the plan.",
        "1 international call, 1 minute: 2.10 CAD.",
        "24.20 (balance on 1 Nov 2026) + 2.28 (calls) - 24.20 (payments) = 2.28 CAD, the balance now.",
    ]


async def test_the_cycle_before(api: httpx.AsyncClient) -> None:
    """A call that ends in the last millisecond of October is October's, one of the first of November is not."""
    answer = (await api.get("/api/v1/accounts/A1001/statement", params={"cycle": "2026-10"})).json()
    assert (answer["opening"], answer["charged"], answer["adjustments"], answer["closing"]) == (
        "0.00",
        "4.20",
        "20.00",
        "24.20",
    )
    assert (answer["invoice"]["id"], answer["invoice"]["difference"]) == ("i11", "0.00")


async def test_the_transactions_of_the_period_are_the_invoice(api: httpx.AsyncClient) -> None:
    """From the 1st 00:00:00 to the next 1st 00:00:00, in the account's time zone."""
    answer = await api.get("/api/v1/accounts/A1001/ledger", params={"from": "2026-10-01", "to": "2026-11-01"})
    assert (answer.json()["sum"], len(answer.json()["lines"])) == ("24.20", 2)
