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
        "state": "active",
        "provisional": False,
        "limit": "500.00",
        "limit_source": "amount",
        "limit_until": None,
        "exposure": "83.20",
        "balance": {
            "owed": "83.20",
            "invoiced": "0.00",
            "unbilled": "83.20",
            "in_flight": "0.00",
            "pending_payments": "0.00",
        },
        "burn_rate": "0.00",
        "reaches_limit_at": None,
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
        },
        burn_rate="6.30",
        live_call_count=2,
        live_calls=[call(), call("911", emergency=True, rate="0.00", value="0.00")],
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
    } | changes
