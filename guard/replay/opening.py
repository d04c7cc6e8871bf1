"""What billing says before the first call: each customer's account with its limit, and what it already owes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from guard.replay.customers import Customer

CURRENCY = "CAD"


def account_message(customer: Customer, *, run: str) -> dict[str, Any]:
    """A billing message that opens an account; `run` makes its id differ from that of every other run."""
    return {
        "type": "account",
        "id": f"{run}-account-{customer.account}",
        "account": customer.account,
        "name": customer.name,
        "currency": CURRENCY,
        "timezone": customer.timezone,
        "credit": {"limit": customer.limit},
    }


def balance_message(customer: Customer, *, run: str, as_of: str) -> dict[str, Any]:
    """A billing message that says what an account owes as of a time of the contract."""
    return {
        "type": "balance",
        "id": f"{run}-balance-{customer.account}",
        "account": customer.account,
        "owed": customer.owed,
        "as_of": as_of,
    }


def opening_messages(customers: Iterable[Customer], *, run: str, as_of: str) -> Iterator[bytes]:
    """Accounts and balances of these customers, as JSON."""
    for customer in customers:
        yield msgspec.json.encode(account_message(customer, run=run))
        yield msgspec.json.encode(balance_message(customer, run=run, as_of=as_of))
