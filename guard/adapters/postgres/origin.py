"""A daemon's database as the origin of a move (`guard.ports.moving`): one picture of its only partition.

That no guard works on it meanwhile is whoever's who claimed it, and keeps the lease.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.failures import Unstorable, explain
from guard.adapters.postgres.tables import names, selection
from guard.ports.moving import Row

ROWS_AT_ONCE = 5_000

_MARKS = """
SELECT forgotten_before_ms, published, lines_without_details, decisions_without_details FROM part WHERE part = 0"""
_SUMS = "SELECT account, sum(amount_micros), count(*) FROM ledger GROUP BY account ORDER BY account"


class PostgresOrigin:
    """See `guard.ports.moving.Origin`."""

    def __init__(self, connection: Any, shown: str) -> None:
        self._connection = connection
        self.shown = shown

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(await self._connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 -- names, never input

    async def rows(self, table: str, columns: Sequence[str], order: Sequence[str]) -> AsyncIterator[Row]:
        """These columns of all rows, in that order."""
        async for row in self._portions(f"{selection(table, columns)} ORDER BY {names(order)}"):
            yield row

    async def marks(self) -> dict[str, int]:
        """How far it has come, by name."""
        return dict(await self._connection.fetchrow(_MARKS))

    async def sums(self) -> AsyncIterator[tuple[str, int, int]]:
        """Of each account that has ledger lines: the account, their sum in micros, their number."""
        async for account, micros, lines in self._portions(_SUMS):
            yield account, int(micros), lines

    async def _portions(self, question: str) -> AsyncIterator[Any]:
        cursor = await self._connection.cursor(question)
        while rows := await cursor.fetch(ROWS_AT_ONCE):
            for row in rows:
                yield tuple(row)


@asynccontextmanager
async def postgres_origin(address: PostgresAddress) -> AsyncIterator[PostgresOrigin]:
    """Read a daemon's database, as it is now, until the end of the block."""
    connection = await address.connect()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield PostgresOrigin(connection, address.shown)
    except Unstorable as error:
        raise explain(error, address.shown) from error
    finally:
        connection.terminate()
