"""The tables as statements: how rows get into them and how they are asked for, by the columns of `guard.wire.stored`.

Few rows are inserted one by one, in one message to the server and back. Many are copied (the binary COPY protocol):
those of a table that only grows straight into it, those that replace others into a temporary table beside it, which
one statement merges. Which driver and which way was measured (`python -m tests.bench.drivers`, docs/postgres.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guard.core.decisions import KeptRow
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.wire import stored
from guard.wire.stored import Values

FEW = 64
"""Rows up to which they are inserted one by one."""


def names(columns: Sequence[str]) -> str:
    """Column names for a statement, quoted: some are words of SQL."""
    return ", ".join(f'"{column}"' for column in columns)


def selection(table: str, columns: Sequence[str]) -> str:
    """`SELECT columns FROM table`."""
    return " ".join(("SELECT", names(columns), "FROM", table))


class Table:
    """Writes rows of one table; each has its partition in front."""

    def __init__(self, name: str, columns: Sequence[str], *, key: int = 0) -> None:
        """`key`: so many columns behind the partition say which row it is; 0: rows are only added, never replaced."""
        self.name = name
        self._columns = ("part", *columns)
        self._key = key + 1 if key else 0
        listed = names(self._columns)
        places = ", ".join(f"${place}" for place in range(1, len(self._columns) + 1))
        end = f"ON CONFLICT ({names(self._columns[: self._key])}) DO UPDATE SET {self._replaced()}" if key else ""
        self._insert = f"INSERT INTO {name} ({listed}) VALUES ({places}) {end}"  # noqa: S608 -- names, never input
        self._new = f"new_{name}"
        self._merge = f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {self._new} {end}"  # noqa: S608 -- the same
        self.beside = (
            f"CREATE TEMP TABLE {self._new} ON COMMIT DELETE ROWS AS {selection(name, self._columns)} LIMIT 0"
            if key
            else ""
        )
        """Makes the temporary table, once a connection; empty: it needs none."""

    def _replaced(self) -> str:
        return ", ".join(f'"{column}" = excluded."{column}"' for column in self._columns[self._key :])

    async def write(self, connection: Any, rows: Sequence[Values]) -> None:
        """Write the rows within the open transaction; of two with the same key the later one counts."""
        if self._key:
            rows = list({row[: self._key]: row for row in rows}.values())
        if len(rows) <= FEW:
            await self.insert(connection, rows)
        else:
            await self.copy(connection, rows)

    async def copy(self, connection: Any, rows: Sequence[Values]) -> None:
        """The same by COPY, for many; a key comes once."""
        if not self._key:
            await connection.copy_records_to_table(self.name, records=rows, columns=self._columns)
        else:
            await connection.copy_records_to_table(self._new, records=rows, columns=self._columns)
            await connection.execute(self._merge)

    async def insert(self, connection: Any, rows: Sequence[Values]) -> None:
        """The same without a temporary table, for rows that are not so many; a key comes once."""
        if rows:
            await connection.executemany(self._insert, rows)


class Removal:
    """Deletes rows of one table by a key of two texts; each has its partition in front."""

    def __init__(self, table: str, first: str, second: str) -> None:
        self._delete = (
            f"DELETE FROM {table} AS t USING unnest($1::smallint[], $2::text[], $3::text[]) AS gone (part, a, b) "  # noqa: S608 -- names, never input
            f'WHERE t.part = gone.part AND t."{first}" = gone.a AND t."{second}" = gone.b'
        )

    async def write(self, connection: Any, rows: Sequence[Values]) -> None:
        """Delete the rows with these keys; those that are not there are no error."""
        if rows:
            await connection.execute(self._delete, *zip(*rows, strict=True))


ACCOUNTS = Table("account", AccountRow._fields, key=1)
CALLS = Table("call", CallRow._fields, key=2)
CALLS_OVER = Removal("call", "switch", "call")
SWITCHES = Table("switch", SwitchRow._fields, key=1)
LEDGER = Table("ledger", stored.LEDGER_COLUMNS)
REMEMBERED = Table("remembered", stored.REMEMBERED_COLUMNS)
DECISIONS = Table("decisions", stored.DECISIONS_COLUMNS)
DECISIONS_AGAIN = Table("decisions", stored.DECISIONS_COLUMNS, key=1)
QUARANTINE = Table("quarantine", stored.QUARANTINE_COLUMNS)
BILLING = Table("billing", stored.BILLING_COLUMNS)
AUDIT = Table("audit", stored.AUDIT_COLUMNS)
SETTLED = Removal("pending", "switch", "account")
PENDING = Table("pending", ("switch", "account", "seq"), key=2)
KEPT_GONE = Removal("kept", "kind", "key")
KEPT = Table("kept", KeptRow._fields, key=2)
FORGET = Table("forget", ("account", "at_ms", "last_line"), key=1)
NOTICES = Table("notices", stored.NOTICE_COLUMNS)
DELIVERIES = Table("delivery", ("webhook", "event", "is_notice", "number", *stored.DELIVERY_COLUMNS), key=2)

REPLACED_IN_BULK = (ACCOUNTS, CALLS, SWITCHES, PENDING, KEPT, FORGET)
"""Of a batch: each needs its temporary table."""
