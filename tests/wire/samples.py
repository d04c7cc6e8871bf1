"""Valid messages as the contract shows them, and the judge of what a refusal may say."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from guard.core.records import Refusal
from guard.wire import rules

Json = dict[str, Any]

NOW_MS: Final = 1_795_317_165_120
"""2026-11-22T03:12:45.120Z."""

REPORT: Final[Json] = {
    "call": "a84b4c76e66710",
    "event": "answered",
    "account": "A1001",
    "to": "+25377123456",
    "from": "+16475550100",
    "at": "2026-11-22T03:12:45.120Z",
    "duration_ms": 0,
    "charge": "0.35",
    "rate": "2.10",
    "emergency": False,
    "direction": "outgoing",
}

BILLING: Final[dict[str, Json]] = {
    "account": {
        "type": "account",
        "id": "m1",
        "account": "A1001",
        "name": "Acme Ltd",
        "currency": "CAD",
        "timezone": "America/Toronto",
        "opened": "2024-05-01",
        "plan": "office-2000",
        "tariff": "retail",
        "credit": {"cycles": "2.5", "floor": "100", "cap": "5000"},
    },
    "balance": {
        "type": "balance",
        "id": "s1",
        "account": "A1001",
        "owed": "83.20",
        "as_of": "2026-11-01T00:00:00-04:00",
    },
    "payment": {
        "type": "payment",
        "id": "p7",
        "account": "A1001",
        "amount": "120.00",
        "method": "card",
        "status": "posted",
        "at": "2026-11-22T03:12:45.120Z",
    },
    "invoice": {
        "type": "invoice",
        "id": "i11",
        "account": "A1001",
        "amount": "118.40",
        "period_start": "2026-10-01",
        "period_end": "2026-11-01",
    },
    "adjustment": {
        "type": "adjustment",
        "id": "a3",
        "account": "A1001",
        "amount": "-15.00",
        "reason": "goodwill",
        "at": "2026-11-22T03:12:45.120Z",
    },
    "credit": {
        "type": "credit",
        "id": "c9",
        "account": "A1001",
        "limit": "800.00",
        "until": "2026-12-05T00:00:00-05:00",
        "by": "ana",
        "reason": "EFT promised",
    },
    "card": {"type": "card", "id": "k2", "account": "A1001", "status": "expiring", "expires": "2026-12"},
    "close": {"type": "close", "id": "z1", "account": "A1001"},
}

ACK: Final[Json] = {
    "id": "01JD",
    "ok": True,
    "account": "A1001",
    "ended_calls": 2,
    "at": "2026-11-22T03:12:45.120Z",
    "error": "",
}

STATUS: Final[Json] = {"status": "up"}

VOCABULARY: Final = frozenset(value for name, value in vars(rules).items() if name.isupper() and isinstance(value, str))
"""Every sentence that a refusal may contain."""

_NAMES: Final = "|".join(
    sorted(
        {name for message in (REPORT, ACK, STATUS, *BILLING.values(), BILLING["account"]["credit"]) for name in message}
        | {"source", "cause", "part", "limit", "cycles", "floor", "cap", "until", "expires", "period_end"},
        key=len,
        reverse=True,
    )
)
_KEY: Final = re.compile(rf"\$(?:\[[0-9]{{1,3}}\])?(?:\.(?:{_NAMES})){{0,2}}")

MISSING: Final = object()
"""Stands for taking a field away."""


def payload(value: object) -> bytes:
    """A value as compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def changed(message: Json, **fields: object) -> Json:
    """A copy with some fields replaced, added or taken away (`MISSING`); `from_` stands for `from`."""
    copy = dict(message)
    for name, value in fields.items():
        if value is MISSING:
            copy.pop(name.rstrip("_"), None)
        else:
            copy[name.rstrip("_")] = value
    return copy


def assert_says_nothing(refusal: Refusal) -> None:
    """A refusal is made of this package's own words only, so it cannot hold a word of the message."""
    assert refusal.rule in VOCABULARY
    assert _KEY.fullmatch(refusal.key), "the key must be an index and names that guard wrote itself"
    assert refusal.account == ""
