"""Billing over HTTP: the statement of a cycle, the history, the limit review, and a limit set by hand."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from guard.core.cycles import cycle_of_month
from guard.core.decisions import Audit, BillingEntry, LineKind
from guard.core.limits import LimitReview
from guard.core.money import Micros, parse_money
from guard.core.records import IntentResult, SetLimit
from guard.core.statement import LedgerSum
from guard.core.views import InvoiceView
from tests.http.desk import NOW_MS, VIEW, PaperDesk, PaperStore

A1001 = "/api/v1/accounts/A1001"
WHO = {"by": "ana", "reason": "EFT promised"}
OCTOBER, NOVEMBER = (cycle_of_month(2026, month, "America/Toronto") for month in (10, 11))
INVOICE = InvoiceView(
    id="i11",
    amount_micros=parse_money("118.40"),
    period_start="2026-10-01",
    period_end="2026-11-01",
    at_ms=NOVEMBER.start_ms + 1,
)
KEPT = BillingEntry(
    id="i11",
    account="A1001",
    type="invoice",
    amount_micros=INVOICE.amount_micros,
    method="",
    status="",
    at_ms=INVOICE.at_ms,
    payload='{"account":"A1001","amount":"118.40","id":"i11","period_end":"2026-11-01","period_start":"2026-10-01",'
    '"type":"invoice"}',
)


def calls(amount: str, kind_of_call: str = "international") -> LedgerSum:
    return LedgerSum(
        kind=LineKind.CALL,
        kind_of_call=kind_of_call,
        method="",
        lines=2,
        amount_micros=parse_money(amount),
        gross_micros=parse_money(amount),
        duration_ms=120_000,
        billed_s=120,
        covered_s=0,
    )


def by_ana(limit_micros: Micros | None, *, until_ms: int | None = None, suggested: bool = False) -> SetLimit:
    return SetLimit(
        account="A1001",
        by="ana",
        reason="EFT promised",
        limit_micros=limit_micros,
        until_ms=until_ms,
        suggested=suggested,
    )


@pytest.fixture(autouse=True)
def _october_and_november(store: PaperStore, desk: PaperDesk) -> None:
    """118.40 of October was invoiced and paid nothing of; 10.00 has come since."""
    store.sums = {
        (None, NOVEMBER.start_ms): [calls("118.40")],
        (NOVEMBER.start_ms, None): [calls("10.00")],
        OCTOBER: [calls("118.40")],
    }
    store.entries = [KEPT]
    desk.know(replace(VIEW, invoices=(INVOICE,), owed_micros=parse_money("128.40")))


async def test_the_statement_of_the_present_cycle(api: httpx.AsyncClient) -> None:
    answer = (await api.get(f"{A1001}/statement")).json()
    assert answer["cycle"] == {
        "name": "2026-11",
        "start": "2026-11-01T04:00:00.000Z",
        "end": "2026-12-01T05:00:00.000Z",
        "current": True,
    }
    assert (answer["opening"], answer["charged"], answer["closing"]) == ("118.40", "10.00", "128.40")
    assert answer["charges"] == [
        {
            "class": "international",
            "calls": 2,
            "duration_ms": 120_000,
            "billed_s": 120,
            "covered_s": 0,
            "gross": "10.00",
            "net": "10.00",
        }
    ]
    assert answer["invoice"] is None
    assert (answer["last_invoice"]["id"], answer["last_invoice"]["difference"]) == ("i11", "0.00")
    assert (answer["live"]["owed"], answer["live"]["posting"]) == ("128.40", "0.00")
    assert "118.40 (balance on 1 Nov 2026) + 10.00 (calls) = 128.40 CAD, the balance now." in answer["lines"]


async def test_the_statement_of_a_cycle_that_is_over(api: httpx.AsyncClient) -> None:
    """Its invoice is found among those that were kept, however long ago; there is no present in it."""
    answer = (await api.get(f"{A1001}/statement", params={"cycle": "2026-10"})).json()
    assert (answer["cycle"]["name"], answer["cycle"]["current"], answer["live"]) == ("2026-10", False, None)
    assert (answer["opening"], answer["closing"]) == ("0.00", "118.40")
    assert (answer["invoice"]["ledger"], answer["invoice"]["difference"]) == ("118.40", "0.00")
    assert answer["last_invoice"] is None


@pytest.mark.parametrize(
    "cycle", ["2026-12", "9999-12", "2026-13", "2026-1", "1969-12", "October", "2026-10-01", "x" * 999]
)
async def test_what_is_no_cycle_yet_is_400(cycle: str, api: httpx.AsyncClient) -> None:
    answer = await api.get(f"{A1001}/statement", params={"cycle": cycle})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == "cycle"


async def test_the_statement_of_nobody_is_404(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/accounts/nobody/statement")).status_code == 404


async def test_an_invoice_without_a_period_is_not_checked(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.know(replace(VIEW, invoices=(replace(INVOICE, period_end=""),)))
    assert (await api.get(f"{A1001}/statement")).json()["last_invoice"]["ledger"] is None


async def test_the_history_has_who_when_what_and_why(store: PaperStore, api: httpx.AsyncClient) -> None:
    promised = Audit("A1001", NOW_MS, "ana", "limit", "EFT promised", number=2)
    store.audits = [promised, Audit("A1001", 0, "billing", "credit", "", number=1)]
    answer = (await api.get(f"{A1001}/history", params={"limit": "1"})).json()
    assert answer == {
        "account": "A1001",
        "history": [{"at": "2026-11-22T03:12:45.120Z", "by": "ana", "what": "limit", "reason": "EFT promised"}],
        "next": "2",
    }
    rest = (await api.get(f"{A1001}/history", params={"after": answer["next"]})).json()
    assert ([each["what"] for each in rest["history"]], rest["next"]) == (["credit"], None)
    assert (await api.get("/api/v1/accounts/nobody/history")).status_code == 404


async def test_the_limit_review_comes_in_pages(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.reviews = [
        LimitReview(
            account=f"A{number}",
            name="Acme Ltd",
            currency="CAD",
            limit_micros=parse_money("500"),
            limit_source="amount",
            spend_per_cycle_micros=parse_money("412"),
            cycles_covered_millionths=1_213_592,
            suggested_micros=parse_money("1100"),
            why="It covers only 1.2 cycles, where 2 to 3 are meant.",
        )
        for number in (1, 2)
    ]
    first = (await api.get("/api/v1/limits/review", params={"limit": "1"})).json()
    assert first == {
        "accounts": [
            {
                "account": "A1",
                "name": "Acme Ltd",
                "currency": "CAD",
                "limit": "500.00",
                "limit_source": "amount",
                "spend_per_cycle": "412.00",
                "cycles_covered": "1.213592",
                "suggested": "1100.00",
                "why": "It covers only 1.2 cycles, where 2 to 3 are meant.",
            }
        ],
        "next": "A1",
    }
    second = (await api.get("/api/v1/limits/review", params={"limit": "1", "after": first["next"]})).json()
    assert ([one["account"] for one in second["accounts"]], second["next"]) == (["A2"], None)


@pytest.mark.parametrize(
    ("body", "intent"),
    [
        ({"limit": "800.00"}, by_ana(Micros(800_000_000))),
        ({"limit": "0"}, by_ana(Micros(0))),
        ({"limit": None}, by_ana(None)),
        ({"suggested": True}, by_ana(None, suggested=True)),
        (
            {"limit": "800", "suggested": False, "until": "2026-11-22T03:12:45.120Z"},
            by_ana(Micros(800_000_000), until_ms=NOW_MS),
        ),
    ],
)
async def test_a_limit_by_hand_reaches_the_desk(
    body: dict[str, object], intent: SetLimit, desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    answer = await api.post(f"{A1001}/limit", json={**WHO, **body})
    assert (answer.status_code, answer.json()["account"]) == (200, "A1001")
    assert desk.submitted == [intent]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["limit"]),
        ({"suggested": False}, ["limit"]),
        ({"suggested": True, "limit": "800"}, ["limit"]),
        ({"suggested": True, "limit": None}, ["limit"]),
        ({"suggested": True, "until": NOW_MS / 1_000}, ["until"]),
        ({"limit": 800}, ["limit"]),
        ({"limit": "-1"}, ["limit"]),
        ({"limit": "1,000"}, ["limit"]),
        ({"limit": "800", "suggested": "yes"}, ["suggested"]),
        ({"limit": "800", "scope": "all"}, ["scope"]),
    ],
)
async def test_a_limit_that_is_not_clear_is_refused(
    body: dict[str, object], fields: list[str], desk: PaperDesk, api: httpx.AsyncClient
) -> None:
    answer = await api.post(f"{A1001}/limit", json={**WHO, **body})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, fields)
    assert desk.submitted == []


async def test_no_limit_waits_to_be_taken(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.result = IntentResult.NO_SUGGESTION
    answer = await api.post(f"{A1001}/limit", json={**WHO, "suggested": True})
    assert answer.status_code == 409
    assert "no higher limit is waiting" in answer.json()["detail"]
