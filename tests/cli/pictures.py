"""Accounts as the API shows them (contract 6), for the tests of what commands make of them."""

from __future__ import annotations

from typing import Any

BLOCK_TEXT = (
    "Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD; 3 calls in flight to Djibouti at 2.10 a minute."
)


def active(account: str = "A1001", **changes: Any) -> dict[str, Any]:
    return {
        "account": account,
        "name": "Acme Ltd",
        "currency": "CAD",
        "timezone": "America/Toronto",
        "opened": "2024-05-01",
        "plan": "office-2000",
        "tariff": "",
        "state": "active",
        "provisional": False,
        "limit": "500.00",
        "limit_source": "amount",
        "limit_until": None,
        "limit_text": "fixed by billing",
        "limit_suggested": None,
        "exposure": "83.20",
        "balance": {
            "owed": "83.20",
            "invoiced": "0.00",
            "unbilled": "83.20",
            "in_flight": "0.00",
            "pending_payments": "0.00",
            "trusted_payments": "0.00",
            "in_flight_gross": "0.00",
        },
        "burn_rate": "0.00",
        "reaches_limit_at": None,
        "spends_per_day": "3.78",
        "reaches_limit_in_days": 110,
        "invoices": [],
        "card": None,
        "plan_use": [],
        "live_call_count": 0,
        "live_calls": [],
        "block": None,
        "allow_until": None,
        "decisions": [],
    } | changes


def call(to: str = "+25377123456", **changes: Any) -> dict[str, Any]:
    return {
        "switch": "sw1",
        "call": "C1",
        "to": to,
        "from": "+16475550100",
        "direction": "outgoing",
        "emergency": False,
        "answered_at": "2024-11-22T08:05:00.000Z",
        "last_report_at": "2024-11-22T08:12:40.000Z",
        "duration_ms": 460_000,
        "charge": "16.10",
        "value": "16.28",
        "rate": "2.10",
        "gross": "16.28",
        "destination": "Djibouti",
        "silent": False,
    } | changes


def decision(action: str = "block", text: str = BLOCK_TEXT, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"d-{action}",
        "at": "2024-11-22T08:12:45.120Z",
        "account": "A1001",
        "action": action,
        "scope": "all",
        "mode": "enforce",
        "reason": "credit_limit",
        "rule": "",
        "key": "",
        "mark": "100",
        "exposure": "512.10",
        "limit": "500.00",
        "currency": "CAD",
        "evidence": [],
        "text": text,
    } | changes


def blocked() -> dict[str, Any]:
    return active(
        state="blocked",
        exposure="512.10",
        balance={
            "owed": "480.00",
            "invoiced": "0.00",
            "unbilled": "480.00",
            "in_flight": "32.10",
            "pending_payments": "120.00",
            "trusted_payments": "0.00",
            "in_flight_gross": "32.10",
        },
        burn_rate="6.30",
        live_call_count=2,
        live_calls=[call(), call("911", emergency=True, rate="0.00", value="0.00", destination="")],
        block={
            "scope": "all",
            "since": "2024-11-22T08:12:45.120Z",
            "confirmed": True,
            "effective": True,
            "text": BLOCK_TEXT,
            "causes": [
                {
                    "reason": "credit_limit",
                    "rule": "",
                    "scope": "all",
                    "since": "2024-11-22T08:12:45.120Z",
                    "until": None,
                    "text": BLOCK_TEXT,
                }
            ],
            "errors": [],
        },
        decisions=[
            decision(
                "warn", "Warning: exposure 400.00 CAD has reached 80 % of the limit.", at="2024-11-22T08:02:11.000Z"
            ),
            decision(),
        ],
    )


def item(account: str, **changes: Any) -> dict[str, Any]:
    return {
        "account": account,
        "name": "Acme Ltd",
        "currency": "CAD",
        "state": "active",
        "provisional": False,
        "limit": "500.00",
        "limit_source": "amount",
        "exposure": "83.20",
        "owed": "83.20",
        "in_flight": "0.00",
        "burn_rate": "0.00",
        "reaches_limit_at": None,
        "live_call_count": 0,
        "block_scope": None,
        "confirmed": None,
        "effective": None,
        "allow_until": None,
    } | changes


def line(**changes: Any) -> dict[str, Any]:
    return {
        "number": 1,
        "at": "2024-11-22T08:12:45.120Z",
        "kind": "call",
        "amount": "1.05",
        "currency": "CAD",
        "switch": "sw1",
        "call": "C1",
        "to": "+25377123456",
        "direction": "outgoing",
        "duration_ms": 30_000,
        "emergency": False,
        "ref": "",
        "method": "",
        "text": "",
        "gross": "1.05",
        "billed_s": 30,
        "covered_s": 0,
        "class": "international",
        "destination": "Djibouti",
    } | changes


def statement(**changes: Any) -> dict[str, Any]:
    """What GET .../statement answers for the present cycle: paid, and yet not zero."""
    return {
        "account": "A1001",
        "name": "Acme Ltd",
        "currency": "CAD",
        "timezone": "America/Toronto",
        "cycle": {
            "name": "2024-11",
            "start": "2024-11-01T04:00:00.000Z",
            "end": "2024-12-01T05:00:00.000Z",
            "current": True,
        },
        "opening": "118.404",
        "charges": [
            charge("domestic", calls=41, duration_ms=18_600_000, billed_s=18_720, covered_s=18_720, gross="9.36"),
            charge("international", calls=12, duration_ms=2_700_000, billed_s=2_700, gross="83.204", net="83.204"),
        ],
        "charged": "83.204",
        "corrections": "-0.205",
        "adjustments": "15.00",
        "reversals": "0.00",
        "reconciled": "0.00",
        "payments": [{"method": "e_transfer", "payments": 1, "amount": "118.40"}],
        "paid": "118.40",
        "closing": "98.003",
        "invoice": None,
        "last_invoice": {
            "id": "i11",
            "amount": "118.40",
            "period_start": "2024-10-01",
            "period_end": "2024-11-01",
            "at": "2024-11-02T04:00:00.000Z",
            "ledger": "118.40",
            "difference": "0.00",
        },
        "live": {
            "owed": "98.353",
            "posting": "0.35",
            "invoiced": "0.00",
            "unbilled": "98.353",
            "in_flight": "0.00",
            "in_flight_gross": "0.00",
            "pending_payments": "0.00",
            "trusted_payments": "0.00",
            "exposure": "98.353",
            "limit": "500.00",
            "limit_text": "fixed by billing",
        },
        "lines": [
            (
                "The balance is 98.35 CAD: all that was invoiced is paid, and this has come since; it will be on the"
                " next invoice."
            ),
            "The last invoice, for October 2024, was 118.40 CAD.",
        ],
    } | changes


def charge(kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "class": kind,
        "calls": 1,
        "duration_ms": 60_000,
        "billed_s": 60,
        "covered_s": 0,
        "gross": "0.00",
        "net": "0.00",
    } | changes


def review(account: str = "A1001", **changes: Any) -> dict[str, Any]:
    return {
        "account": account,
        "name": "Acme Ltd",
        "currency": "CAD",
        "limit": "500.00",
        "limit_source": "amount",
        "spend_per_cycle": "412.00",
        "cycles_covered": "1.213592",
        "suggested": "1100.00",
        "why": "It covers only 1.2 cycles, where 2 to 3 are meant: the mean of the last 3 invoices is 412.00.",
    } | changes


def held(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A block that the fuse holds."""
    return {
        "id": f"01JD7Q4Z8R{number:016d}",
        "account": "A1001",
        "name": "Acme Ltd",
        "reason": "rule",
        "rule": "same-number",
        "scope": "international",
        "since": "2024-11-22T08:12:45.120Z",
        "text": "12 calls in 15 minutes to +25261*** (Somalia) at 3.40 a minute; 10 is the mark.",
    } | changes


def rule(name: str = "same-number", **changes: Any) -> dict[str, Any]:
    """A rule in force."""
    return {
        "id": name,
        "title": "The same dear number again and again",
        "mode": "shadow",
        "measure": "calls",
        "window": "15m",
        "per": "number",
        "warn": "5",
        "block": "10",
        "scope": "international",
        "hits": {"enforce": 0, "shadow": 12},
    } | changes
