"""Which driver, and which way into a table: asyncpg and psycopg 3 with the rows of a batch, in one run.

    python -m tests.bench.drivers

The rows are those of `tests.bench.store`: of 1,000 reports the accounts and calls that they replace and the lines that
they add, of one report one of each, in one transaction on one connection, synced. Three ways with asyncpg: each row an
INSERT of one `executemany`; the rows as arrays to `unnest`; COPY, into a table beside where rows replace others.
psycopg has the first and the last. It is no dependency of guard's and is left out where it is not installed
(`pip install "psycopg[binary]"`). Milliseconds are the median of a transaction; own processor time is this process's.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from itertools import count
from statistics import median
from typing import Any

from guard.adapters.postgres import PostgresAddress, open_postgres
from guard.adapters.postgres.batch import Batch
from guard.adapters.postgres.tables import REPLACED_IN_BULK, Table, names, selection
from guard.ports.cluster import Position
from guard.wire.stored import Values
from tests.bench.__main__ import machine
from tests.bench.store import batch_of
from tests.postgres.server import PostgresServer

SIZES = (1, 1_000)
TURNS = 60
WARM = 5
FIRSTS = count(0, max(SIZES))
"""Numbers of reports: lines of the ledger come once."""

Write = Callable[[Table, list[Values]], Awaitable[None]]
TYPES = (
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
)


def rows_of(first: int, size: int) -> list[tuple[Table, list[Values]]]:
    """A batch, by table."""
    batch = Batch.of(0, batch_of(first, size), Position(0, 0))
    return [(table, rows) for table, rows in batch.rows.items() if isinstance(table, Table)]


async def timed(begin: Callable[[], Any], write: Write, size: int) -> tuple[float, float]:
    """Milliseconds of a transaction, and of our own processor for it."""
    took, own = list[float](), list[float]()
    for _ in range(WARM + TURNS):
        batch = rows_of(next(FIRSTS), size)
        began, used = time.perf_counter(), time.process_time()
        async with begin():
            for table, rows in batch:
                await write(table, rows)
        took.append(time.perf_counter() - began)
        own.append(time.process_time() - used)
    return median(took[WARM:]) * 1_000, median(own[WARM:]) * 1_000


async def of_asyncpg(address: PostgresAddress, show: Callable[[str], None]) -> None:
    """Three ways."""
    connection = await address.connect()
    for table in REPLACED_IN_BULK:
        await connection.execute(table.beside)
    arrays: dict[Table, str] = {}

    async def as_arrays(table: Table, rows: list[Values]) -> None:
        if table not in arrays:
            types = dict(await connection.fetch(TYPES, table.name))
            places = ", ".join(f"${n}::{types[column]}[]" for n, column in enumerate(table._columns, 1))
            given = f"FROM unnest({places}) AS given ({names(table._columns)}) "
            arrays[table] = table._merge.replace(f"FROM {table._new} ", given)
        await connection.execute(arrays[table], *zip(*rows, strict=True))

    async def copied(table: Table, rows: list[Values]) -> None:
        await table.copy(connection, rows)

    async def inserted(table: Table, rows: list[Values]) -> None:
        await table.insert(connection, rows)

    for name, write in (("inserted", inserted), ("as arrays", as_arrays), ("copied", copied)):
        await _tell(f"asyncpg, {name}", connection.transaction, write, show)
    await connection.close()


async def of_psycopg(url: str, show: Callable[[str], None]) -> None:
    """Two ways."""
    psycopg = importlib.import_module("psycopg")
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    await connection.execute("SET search_path TO guard")
    for table in REPLACED_IN_BULK:
        await connection.execute(table.beside)
    oids: dict[Table, list[int]] = {}
    cursor = connection.cursor()

    async def inserted(table: Table, rows: list[Values]) -> None:
        await cursor.executemany(re.sub(r"\$\d+", "%s", table._insert), rows)

    async def copied(table: Table, rows: list[Values]) -> None:
        if table not in oids:
            await cursor.execute(f"{selection(table.name, table._columns)} LIMIT 0")
            oids[table] = [column.type_code for column in cursor.description]
        into = table._new if table.beside else table.name
        async with cursor.copy(f"COPY {into} ({names(table._columns)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(oids[table])
            for row in rows:
                await copy.write_row(row)
        if table.beside:
            await cursor.execute(table._merge)

    for name, write in (("inserted", inserted), ("copied", copied)):
        await _tell(f"psycopg {psycopg.__version__}, {name}", connection.transaction, write, show)
    await connection.close()


async def _tell(name: str, begin: Callable[[], Any], write: Write, show: Callable[[str], None]) -> None:
    for size in SIZES:
        took, own = await timed(begin, write, size)
        show(f"{name:28} {size:5,} reports: {took:6.2f} ms, {own:6.2f} ms of our own processor")


async def measure(show: Callable[[str], None]) -> None:
    """On a server of its own."""
    show(machine())
    with PostgresServer(fsync=True) as server:
        address = PostgresAddress(url=server.database(), owner="bench")
        async with open_postgres(address):
            pass
        await of_asyncpg(address, show)
        if find_spec("psycopg") is None:
            show("psycopg is not installed and left out")
        else:
            await of_psycopg(address.url, show)


if __name__ == "__main__":
    asyncio.run(measure(lambda text: print(text, flush=True)))
