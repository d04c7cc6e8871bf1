"""The OpenAPI document says what there is: every route, and every member of every answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from guard import __version__
from guard.adapters.http.app import ROUTES
from guard.adapters.http.openapi import document
from guard.core.cycles import cycle_of
from guard.core.decisions import Audit, LineKind
from guard.core.limits import LimitReview
from guard.core.money import Micros
from guard.core.statement import LedgerSum
from guard.core.views import CardView, InvoiceView, UseView
from guard.wire import books, rulebook, views, webhooks
from guard.wire.decisions import decision_object
from tests.http.desk import (
    BLOCK,
    BLOCKED,
    CALL,
    NOW_MS,
    QUARANTINED,
    RULE,
    SWITCH,
    VIEW,
    PaperDesk,
    PaperStore,
    decision,
    delivery,
    held_block,
    line,
    webhook,
)

Json = dict[str, Any]

INVOICE = InvoiceView(id="i11", amount_micros=Micros(1), period_start="", period_end="", at_ms=0)
FULL = replace(
    BLOCKED,
    invoices=(INVOICE,),
    card=CardView(status="ok", expires="2027-12", text="Card on file: expires December 2027."),
    use=(UseView(key="q", what="312 of 2,000 minutes used", used=18_720, of=120_000),),
)
REVIEW = LimitReview(
    account="A1001",
    name="",
    currency="CAD",
    limit_micros=None,
    limit_source="none",
    spend_per_cycle_micros=Micros(1),
    cycles_covered_millionths=None,
    suggested_micros=Micros(5_000_000),
    why="",
)
CHARGED = LedgerSum(
    kind=LineKind.CALL,
    kind_of_call="domestic",
    method="",
    lines=1,
    amount_micros=Micros(1),
    gross_micros=Micros(1),
    duration_ms=1,
    billed_s=1,
    covered_s=0,
)
PAID = replace(CHARGED, kind=LineKind.PAYMENT, method="card")

WRITTEN: dict[str, Json] = {
    "Account": views.account_object(FULL, [decision(1)]),
    "AccountItem": views.account_item(VIEW),
    "LiveCall": views.live_call_object(CALL),
    "Blocked": views.block_object(BLOCK),
    "Decision": decision_object(decision(1)),
    "LedgerLine": views.ledger_object(line(1)),
    "Quarantined": views.quarantined_object(1, QUARANTINED),
    "Switch": views.switch_object(SWITCH),
    "HeldBlock": views.held_object(held_block(1)),
    "Rule": rulebook.rule_object(RULE, {}),
    "Invoice": views.invoice_object(INVOICE),
    "Webhook": webhooks.webhook_object(webhook()),
    "Delivery": webhooks.delivery_object(delivery(1)),
    "Audit": books.audit_object(Audit("A1001", 0, "ana", "limit", "EFT promised")),
    "ReviewedLimit": books.review_object(REVIEW),
}


def schema(name: str) -> Json:
    described: Any = document(with_tokens=True)["components"]
    found: Json = described["schemas"][name]
    assert isinstance(found, dict)
    return found


def test_every_route_is_described_and_nothing_else() -> None:
    """What browsers are shown is for people and changes as they need it: no program is to rely on it."""
    described: Any = document(with_tokens=True)["paths"]
    routes = [route for route in ROUTES if route.path.startswith(("/api/", "/metrics", "/-/"))]
    routed = {(route.path, method.lower()) for route in routes for method in (route.methods or ()) if method != "HEAD"}
    assert {(path, method) for path, item in described.items() for method in item} == routed


@pytest.mark.parametrize("name", WRITTEN)
def test_a_schema_has_the_members_that_are_written(name: str) -> None:
    assert set(schema(name)["required"]) == set(WRITTEN[name]), "change guard/adapters/http/schemas.py with the codec"


def test_nested_members_too() -> None:
    account = schema("Account")["properties"]
    assert set(account["balance"]["required"]) == set(WRITTEN["Account"]["balance"])
    cause = schema("Blocked")["properties"]["causes"]["items"]
    assert set(cause["required"]) == set(WRITTEN["Blocked"]["causes"][0])
    assert set(account["card"]["anyOf"][0]["required"]) == set(WRITTEN["Account"]["card"])
    assert set(schema("Rule")["properties"]["hits"]["required"]) == set(WRITTEN["Rule"]["hits"])
    assert set(account["plan_use"]["items"]["required"]) == set(WRITTEN["Account"]["plan_use"][0])


async def test_the_statement_is_as_described(desk: PaperDesk, store: PaperStore, api: httpx.AsyncClient) -> None:
    desk.know(FULL)
    store.sums = {(cycle_of(NOW_MS, FULL.timezone).start_ms, None): [CHARGED, PAID]}
    statement = (await api.get("/api/v1/accounts/A1002/statement")).json()
    described = schema("Statement")["properties"]
    assert set(statement) == set(described)
    assert set(statement["cycle"]) == set(described["cycle"]["required"])
    for name in ("charges", "payments"):
        assert set(statement[name][0]) == set(described[name]["items"]["required"])
    assert set(statement["last_invoice"]) == set(schema("CheckedInvoice")["required"])
    assert set(statement["live"]) == set(schema("Live")["required"])


def test_every_reference_leads_somewhere() -> None:
    names: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                names.add(value["$ref"])
            for item in value.values():
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    collect(document(with_tokens=True))
    components: Any = document(with_tokens=True)["components"]
    assert names == {f"#/components/schemas/{name}" for name in components["schemas"]}


async def test_the_document_is_served(api: httpx.AsyncClient) -> None:
    served = (await api.get("/api/v1/openapi.json")).json()
    assert (served["openapi"], served["info"]["version"]) == ("3.1.0", __version__)


async def test_the_lists_are_as_described(desk: PaperDesk, store: PaperStore, api: httpx.AsyncClient) -> None:
    desk.know(BLOCKED)
    store.lines = [line(1)]
    for path, name in (
        ("/api/v1/accounts", "Accounts"),
        ("/api/v1/accounts/A1001/ledger", "Ledger"),
        ("/api/v1/accounts/A1001/history", "History"),
        ("/api/v1/limits/review", "LimitReview"),
        ("/api/v1/held", "Held"),
        ("/api/v1/rules", "Rules"),
        ("/api/v1/decisions", "Decisions"),
        ("/api/v1/quarantine", "Quarantine"),
        ("/api/v1/switches", "Switches"),
        ("/api/v1/model", "Model"),
        ("/-/ready", "Status"),
    ):
        assert set((await api.get(path)).json()) == set(schema(name)["required"])
    problem = (await api.get("/nothing")).json()
    assert set(problem) == set(schema("Problem")["required"])
