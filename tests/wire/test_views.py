"""What the HTTP side shows."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given

from guard.core.views import AccountView
from guard.wire.decisions import encode_decision
from guard.wire.instants import MAX_MS
from guard.wire.views import (
    account_item,
    account_object,
    encode_json,
    held_object,
    ledger_object,
    quarantined_object,
    switch_object,
)
from tests.wire import pictures
from tests.wire.pictures import DECISION


def test_an_account_is_shown_as_the_contract_says() -> None:
    """The contract's names with the contract's formats, and what the engine knows besides."""
    assert json.loads(encode_json(account_object(pictures.ACCOUNT, [DECISION]))) == {
        "account": "A1001",
        "name": "Acme Ltd",
        "currency": "CAD",
        "timezone": "America/Toronto",
        "opened": "2024-05-01",
        "plan": "office-2000",
        "tariff": "retail",
        "state": "blocked",
        "provisional": False,
        "limit": "500.00",
        "limit_source": "billing",
        "limit_until": None,
        "limit_text": "set by ana",
        "limit_suggested": None,
        "exposure": "512.10",
        "balance": {
            "owed": "509.965",
            "invoiced": "118.40",
            "unbilled": "391.565",
            "in_flight": "2.135",
            "pending_payments": "0.00",
            "trusted_payments": "0.00",
            "in_flight_gross": "2.24",
        },
        "burn_rate": "2.10",
        "reaches_limit_at": None,
        "spends_per_day": "13.20",
        "reaches_limit_in_days": 9,
        "invoices": [
            {
                "id": "i11",
                "amount": "118.40",
                "period_start": "2026-10-01",
                "period_end": "2026-11-01",
                "at": "2026-11-22T03:12:45.120Z",
            }
        ],
        "card": {"status": "ok", "expires": "2027-12", "text": "Card on file: expires December 2027."},
        "plan_use": [
            {"key": "q1", "text": "312 of 2,000 minutes used (domestic)", "used": 18720, "of": 120000},
        ],
        "live_call_count": 1,
        "live_calls": [
            {
                "switch": "sw1",
                "call": "a84b4c76e66710",
                "to": "+25377123456",
                "from": "+16475550100",
                "direction": "outgoing",
                "emergency": False,
                "answered_at": "2026-11-22T03:11:45.120Z",
                "last_report_at": "2026-11-22T03:12:45.120Z",
                "duration_ms": 60000,
                "charge": "2.10",
                "value": "2.135",
                "rate": "2.10",
                "gross": "2.24",
                "destination": "Djibouti",
                "silent": False,
            }
        ],
        "block": {
            "scope": "all",
            "since": "2026-11-22T03:12:45.120Z",
            "confirmed": True,
            "effective": False,
            "text": "Blocked: exposure has reached the limit.",
            "causes": [
                {
                    "reason": "credit_limit",
                    "rule": "",
                    "scope": "all",
                    "since": "2026-11-22T03:12:45.120Z",
                    "until": None,
                    "text": "Exposure has reached the limit.",
                }
            ],
            "errors": [{"switch": "sw2", "error": "unknown account"}],
        },
        "allow_until": None,
        "decisions": [json.loads(encode_decision(DECISION))],
    }


def test_an_account_without_a_limit_or_block_shows_null() -> None:
    """What there is not is null, never a missing name."""
    view = dataclasses.replace(
        pictures.ACCOUNT, limit_micros=None, block=None, live_calls=(), live_call_count=0, card=None, invoices=()
    )
    shown = account_object(view, [])
    assert (shown["limit"], shown["block"], shown["live_calls"], shown["decisions"]) == (None, None, [], [])
    assert (shown["card"], shown["invoices"]) == (None, [])
    assert shown.keys() == account_object(pictures.ACCOUNT, []).keys()


def test_a_limit_that_is_never_reached_is_null() -> None:
    """A moment beyond the year 9999 cannot be written, and is as good as never."""
    soon = dataclasses.replace(pictures.ACCOUNT, reaches_limit_at_ms=MAX_MS)
    never = dataclasses.replace(pictures.ACCOUNT, reaches_limit_at_ms=MAX_MS + 1)
    assert account_object(soon, [])["reaches_limit_at"] == "9999-12-31T23:59:59.999Z"
    assert account_object(never, [])["reaches_limit_at"] is None
    assert account_item(never)["reaches_limit_at"] is None


def test_a_list_shows_figures_only() -> None:
    """An item of the list has the block as its scope, and neither calls nor decisions."""
    assert json.loads(encode_json([account_item(pictures.ACCOUNT)])) == [
        {
            "account": "A1001",
            "name": "Acme Ltd",
            "currency": "CAD",
            "timezone": "America/Toronto",
            "state": "blocked",
            "provisional": False,
            "limit": "500.00",
            "limit_source": "billing",
            "exposure": "512.10",
            "owed": "509.965",
            "in_flight": "2.135",
            "burn_rate": "2.10",
            "reaches_limit_at": None,
            "live_call_count": 1,
            "block_scope": "all",
            "confirmed": True,
            "effective": False,
            "allow_until": None,
        }
    ]
    free = account_item(dataclasses.replace(pictures.ACCOUNT, block=None))
    assert (free["block_scope"], free["confirmed"], free["effective"]) == (None, None, None)


@given(pictures.accounts)
def test_every_account_can_be_shown(view: AccountView) -> None:
    """No picture the engine can make breaks the page."""
    assert json.loads(encode_json(account_object(view, [])))["account"] == view.account
    assert json.loads(encode_json(account_item(view)))["account"] == view.account


def test_a_ledger_line_is_shown_whole() -> None:
    """Every field, the called number in full."""
    assert json.loads(encode_json(ledger_object(pictures.LINE))) == {
        "number": 12,
        "at": "2026-11-22T03:12:45.120Z",
        "kind": "call",
        "amount": "2.135",
        "currency": "CAD",
        "switch": "sw1",
        "call": "a84b4c76e66710",
        "to": "+25377123456",
        "direction": "outgoing",
        "duration_ms": 61000,
        "emergency": False,
        "ref": "",
        "method": "",
        "text": "",
        "gross": "2.24",
        "billed_s": 64,
        "covered_s": 3,
        "class": "international",
        "destination": "Djibouti",
    }


def test_a_held_block_is_shown_with_its_rule_and_why() -> None:
    """`since` is when the block was asked for."""
    assert json.loads(encode_json(held_object(pictures.HELD))) == {
        "id": "01KB9PYZ5000000000000000000",
        "account": "A1001",
        "name": "Acme Ltd",
        "reason": "rule",
        "rule": "same-number",
        "scope": "premium",
        "since": "2026-11-22T03:12:45.120Z",
        "text": "12 calls in 15 minutes; 10 is the mark.",
    }


def test_a_quarantined_report_is_shown_with_its_number() -> None:
    """The number is the store's, by which the next page is asked for."""
    assert json.loads(encode_json(quarantined_object(5, pictures.QUARANTINED))) == {
        "number": 5,
        "switch": "sw1",
        "call": "c1",
        "account": "A1001",
        "received_at": "2026-11-22T03:12:45.120Z",
        "at": "1970-01-01T00:00:00.000Z",
        "rule": "too_old",
        "event": "ended",
        "charge": None,
        "currency": "",
    }


def test_a_switch_is_shown_with_its_state() -> None:
    """Whether it is up, in step, late or silent."""
    assert json.loads(encode_json(switch_object(pictures.SWITCH))) == {
        "switch": "sw1",
        "up": True,
        "last_heard": "2026-11-22T03:12:45.120Z",
        "live_calls": 3,
        "unconfirmed": 0,
        "synced": True,
        "lagging": False,
        "blind": False,
        "silence": "",
        "usual_calls": None,
        "skew_ms": -120,
    }
