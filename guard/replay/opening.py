"""What billing says before the first call: each customer's account with its limit, and what it already owes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from guard.replay.customers import Customer

CURRENCY = "CAD"
TIMEZONE = "America/Toronto"


def opening_messages(customers: Iterable[Customer], *, run: str, as_of: str | None = None) -> Iterator[bytes]:
    """Billing messages as JSON; `run` makes their ids differ from those of every other run.

    With `as_of` (a time of the contract) each account begins with what its kind owes, otherwise with nothing.
    """
    for customer in customers:
        yield _dump(
            {
                "type": "account",
                "id": f"{run}-account-{customer.account}",
                "account": customer.account,
                "name": customer.name,
                "currency": CURRENCY,
                "timezone": TIMEZONE,
                "credit": {"limit": customer.kind.limit},
            }
        )
        if as_of is not None:
            yield _dump(
                {
                    "type": "balance",
                    "id": f"{run}-balance-{customer.account}",
                    "account": customer.account,
                    "owed": customer.kind.owed,
                    "as_of": as_of,
                }
            )


def _dump(message: dict[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
