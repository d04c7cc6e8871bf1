"""Moving a daemon's store into an empty database: for a daemon as it is, for a cluster spread over its partitions.

**All or nothing.** Everything is one transaction of the new database, which is committed when what has arrived adds up:
every account is there once, in its partition, owing the same to the micro-unit, and its ledger lines are as many and
come to the same sum; every other table has as many rows as were sent. Whatever goes wrong before that, a move that is
cut off among it, leaves an empty database and the old store as it was; it is begun again.

**Nobody else.** The database must be one that nobody has worked on: nothing in any table, no lease in force. Its
partitions are locked meanwhile, so a worker that is started too soon waits in vain for a claim.

Rows go by COPY, in the words of the old store: the columns are the same (`layout`). Where each goes is told in
`guard.wire.spreading`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Any, cast

from guard.adapters.postgres.address import SCHEMA, PostgresAddress
from guard.adapters.postgres.batch import clean
from guard.adapters.postgres.failures import Unstorable, explain
from guard.adapters.postgres.schema import prepare
from guard.core.partitions import partition_of
from guard.ports import StoreError
from guard.ports.moving import Origin
from guard.wire import spreading
from guard.wire.spreading import Marks, Placed, Spreading, Table
from guard.wire.stored import Values

Progress = Callable[[str, int, int], None]
"""A table, how many of its rows have been read, of how many."""

TELL_EVERY = 5_000
"""Rows."""

_LOCK = "SELECT part FROM part ORDER BY part FOR UPDATE"
_LEASES = "SELECT count(*) FROM lease WHERE owner <> '' AND lease_until > clock_timestamp()"
_SET_MARKS = """
UPDATE part SET forgotten_before_ms = $2, published = $3, lines_without_details = $4, decisions_without_details = $5
WHERE part = $1"""
_LAST = "SELECT setval(pg_get_serial_sequence($1, 'number'), max(number)) FROM {table} HAVING count(*) > 0"
_SUMS = "SELECT part, account, sum(amount_micros), count(*) FROM ledger GROUP BY part, account ORDER BY account, part"
_OWED = "SELECT part, id, owed_micros FROM account ORDER BY id, part"

_NUMBERED_BY_DATABASE = (
    *(spreading.REMEMBERED, spreading.QUARANTINE, spreading.BILLING, spreading.AUDIT, spreading.NOTICES),
)


class Whole:
    """Places rows in a store of one partition: as they are."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def place(self, _table: Table, row: Values) -> tuple[Placed, ...]:
        """Where it goes, and as what."""
        return ((0, row),)

    def marks(self, _part: int) -> Marks:
        """Of the partition."""
        return self._marks


async def move(origin: Origin, address: PostgresAddress, *, parts: int, progress: Progress) -> list[str]:
    """Move everything; what was left behind, in words. `StoreError`: nothing has been moved."""
    await prepare(address, parts)
    connection = await address.connect()
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await _refuse_used(connection, address.shown)
            move = _Move(origin, connection, address.shown, await _placing(origin, parts), parts)
            return await move.run(progress)
    except Unstorable as error:
        raise explain(error, address.shown) from error
    finally:
        connection.terminate()


async def _placing(origin: Origin, parts: int) -> Whole | Spreading:
    found = await origin.marks()
    marks = Marks(**{name: found[name] for name in Marks.__dataclass_fields__})
    if parts == 1:
        return Whole(marks)
    pointing = (spreading.FORGET, spreading.WEBHOOKS, spreading.DELIVERIES)
    return Spreading(marks, {table: [tuple(row) async for row in _rows(origin, table)] for table in pointing})


async def _refuse_used(connection: Any, shown: str) -> None:
    await connection.fetch(_LOCK)
    if await connection.fetchval(_LEASES):
        raise StoreError(f"{shown}: a guard works on it; stop it, and name an empty database")
    for table in spreading.TABLES:
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table.name})"):  # noqa: S608 -- names, never input
            raise StoreError(f"{shown}: is not empty: {table.name} has rows; name an empty database")


def _rows(origin: Origin, table: Table) -> AsyncIterator[Any]:
    return origin.rows(table.name, table.columns, table.order)


class _Move:
    """One move, in the open transaction."""

    def __init__(self, origin: Origin, connection: Any, shown: str, placing: Whole | Spreading, parts: int) -> None:
        self._origin = origin
        self._connection = connection
        self._shown = shown
        self._placing = placing
        self._parts = parts
        self._sent: dict[str, int] = {}

    async def run(self, progress: Progress) -> list[str]:
        """Move all tables, and prove it."""
        for table in spreading.TABLES:
            await self._table(table, progress)
        for table in _NUMBERED_BY_DATABASE:
            await self._connection.fetchval(_LAST.format(table=table.name), f"{SCHEMA}.{table.name}")
        marks = [(part, *asdict(self._placing.marks(part)).values()) for part in range(self._parts)]
        await self._connection.executemany(_SET_MARKS, marks)
        progress("proof", 0, 1)
        await self._prove()
        progress("proof", 1, 1)
        left = self._placing.left if isinstance(self._placing, Spreading) else {}
        return [f"{count:,} {what}" for what, count in left.items()]

    async def _table(self, table: Table, progress: Progress) -> None:
        total = await self._origin.count(table.name)
        if not total:
            self._sent[table.name] = 0
            return
        progress(table.name, 0, total)
        columns = ("part", *table.columns, *(("stored_ms",) if table is spreading.DECISIONS else ()))
        rows = self._placed(table, total, progress)
        await self._connection.copy_records_to_table(table.name, records=rows, columns=columns)
        progress(table.name, total, total)

    async def _placed(self, table: Table, total: int, progress: Progress) -> AsyncIterator[Values]:
        """The rows of a table as they are sent.

        Of a decision the database also notes when it was stored, which never falls within a partition: its own time,
        or that of one before it.
        """
        read = sent = 0
        at = table.columns.index("at_ms") if table is spreading.DECISIONS else None
        stored_ms = [0] * self._parts
        async for row in _rows(self._origin, table):
            for part, placed in self._placing.place(table, tuple(row)):
                values = (part, *map(clean, placed))
                if at is not None:
                    stored_ms[part] = max(stored_ms[part], cast("int", placed[at]))
                    values = (*values, stored_ms[part])
                yield values
                sent += 1
            read += 1
            if not read % TELL_EVERY:
                progress(table.name, read, total)
        self._sent[table.name] = sent

    # -- proof

    async def _prove(self) -> None:
        for table in spreading.TABLES:
            arrived = await self._connection.fetchval(f"SELECT count(*) FROM {table.name}")  # noqa: S608 -- names, never input
            if arrived != self._sent[table.name]:
                raise self._wrong(f"{table.name} has {arrived:,} rows of {self._sent[table.name]:,}")
        owed = self._origin.rows("account", ("id", "owed_micros"), ("id",))
        await self._agree("owes", _OWED, ((id_, micros) async for id_, micros in owed))
        await self._agree("has ledger lines of", _SUMS, self._origin.sums())

    async def _agree(self, what: str, question: str, expected: AsyncIterator[Any]) -> None:
        """Line by line: the account, in its partition, with the same figures."""
        arrived = self._arrived(question)
        async for account, *figures in expected:
            found = await anext(arrived, None)
            where = 0 if self._parts == 1 else partition_of(account)
            if found != (where, account, *figures):
                raise self._wrong(f"{account} {what} {figures} in {self._origin.shown}, here (partition first) {found}")
        extra = await anext(arrived, None)
        if extra is not None:
            raise self._wrong(f"there is an account that {self._origin.shown} has not: {extra}")

    async def _arrived(self, question: str) -> AsyncIterator[tuple[Any, ...]]:
        cursor = await self._connection.cursor(question)
        while rows := await cursor.fetch(TELL_EVERY):
            for part, account, *figures in rows:
                yield (part, account, *map(int, figures))

    def _wrong(self, words: str) -> StoreError:
        return StoreError(f"{self._shown}: what has arrived does not add up: {words}; nothing was moved: report it")
