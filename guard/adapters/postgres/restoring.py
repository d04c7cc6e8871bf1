"""Reading everything back: the whole state of one partition, in one picture of the database.

That picture may come from another server than the one that gave the lease (an old primary, a replica that lags): it has
everything if it has the claim, for whoever wrote before could not do so any more. One that does not is refused.

Of a call that is remembered twice (lost, then ended after all) the later row wins. Rows that are older than the memory
are passed over whether or not they have been deleted yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from guard.adapters.postgres.committer import Tenure
from guard.adapters.postgres.tables import selection
from guard.core.decisions import Decision, KeptRow, Remembered
from guard.core.restored import Restored
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.ports import StoreError
from guard.wire import stored
from guard.wire.kept import made

UNPUBLISHED_KEPT = 10_000
"""Decisions told again after a restart at most: the newest. Who needs all of them reads the history."""

ROWS_AT_ONCE = 5_000
"""Read in one go: some MB."""

_OF_PART = "WHERE part = $1"
_ACCOUNTS = f"{selection('account', AccountRow._fields)} {_OF_PART}"
_CALLS = f"{selection('call', CallRow._fields)} {_OF_PART}"
_SWITCHES = f"{selection('switch', SwitchRow._fields)} {_OF_PART}"
_REMEMBERED = (
    f"{selection('remembered', stored.REMEMBERED_COLUMNS)} {_OF_PART} "  # noqa: S608 -- constants
    "AND newest_at_ms >= (SELECT forgotten_before_ms FROM part WHERE part = $1) ORDER BY number"
)
_BILLING = f"{selection('billing', stored.BILLING_COLUMNS[:-1])} {_OF_PART} ORDER BY number"
_PENDING = f"SELECT switch, account, seq FROM pending {_OF_PART}"  # noqa: S608 -- constants
_KEPT = f'{selection("kept", KeptRow._fields)} {_OF_PART} ORDER BY kind, "key"'
_NUMBERS = """
SELECT (SELECT coalesce(max(number), 0) FROM ledger WHERE part = $1),
  (SELECT coalesce(max(number), 0) FROM decisions WHERE part = $1),
  forgotten_before_ms, published, epoch FROM part WHERE part = $1"""
_UNPUBLISHED = (
    f"{selection('decisions', stored.DECISIONS_COLUMNS)} {_OF_PART} AND number > $2 ORDER BY number DESC LIMIT $3"
)

T = TypeVar("T")


async def restore(connection: Any, tenure: Tenure, shown: str) -> Restored:
    """The state of a partition as of its last commit; `StoreError` from a server that does not know of our claim."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # It locks nothing, and between two portions others may have the event loop for long.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        return await _read(connection, tenure, shown)


async def _read(connection: Any, tenure: Tenure, shown: str) -> Restored:
    part = tenure.part
    last_line, last_decision, forgotten_before_ms, published, epoch = await connection.fetchrow(_NUMBERS, part)
    if epoch < tenure.epoch:
        raise StoreError(
            f"{shown}: another server has answered than the one that gave the lease, and it has an older state; "
            "name all servers and add ?target_session_attrs=primary"
        )
    remembered: dict[tuple[str, str], Remembered] = {}
    for past in await _all(connection, _REMEMBERED, part, stored.remembered):
        remembered[past.switch, past.call] = past
    newest = await connection.fetch(_UNPUBLISHED, part, published, UNPUBLISHED_KEPT)
    unpublished: list[Decision] = [stored.decision(tuple(row)) for row in reversed(newest)]
    return Restored(
        accounts=await _all(connection, _ACCOUNTS, part, stored.account_row),
        calls=await _all(connection, _CALLS, part, stored.call_row),
        switches=await _all(connection, _SWITCHES, part, stored.switch_row),
        remembered=list(remembered.values()),
        billing=await _all(connection, _BILLING, part, stored.billing_entry),
        pending=[tuple(row) for row in await connection.fetch(_PENDING, part)],
        kept=made(await _all(connection, _KEPT, part, lambda blob: blob), _tell_lost),
        last_line=last_line,
        last_decision=last_decision,
        forgotten_before_ms=forgotten_before_ms,
        unpublished=unpublished,
    )


async def _all(connection: Any, question: str, part: int, make: Callable[[Any], T]) -> list[T]:
    """What is made of all rows, read a portion at a time."""
    found: list[T] = []
    cursor = await connection.cursor(question, part)
    while rows := await cursor.fetch(ROWS_AT_ONCE):
        found.extend(make(tuple(row)) for row in rows)
    return found


def _tell_lost(kind: str, rows: int, reason: str) -> None:
    structlog.get_logger("guard").warning(
        "store-rules-state-lost", kind=kind, rows=rows, reason=reason, effect="rules begin anew there"
    )
