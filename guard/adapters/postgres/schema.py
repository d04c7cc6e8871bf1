"""Opening a database as a store: which are refused, and how the others are brought up to date.

Everything lies in a schema of its own, `guard`. Missing steps (`guard.ports.migrations`) are made under a lock that
only guards take. A table `layout` says which version it has and over how many partitions the accounts are spread; a
daemon of its own has one, a cluster 256, and neither opens the store of the other. And it says which log the positions
of a cluster are places in: a worker that reads another one would hold partitions and decide nothing.
"""

from __future__ import annotations

from typing import Any

from guard.adapters.postgres.address import SCHEMA, PostgresAddress
from guard.adapters.postgres.failures import Unstorable, explain
from guard.adapters.postgres.layout import MIGRATIONS
from guard.ports import StoreError
from guard.ports.migrations import missing, refuse_older

MIGRATE_LIMIT_S = 600.0
_LOCK = 0x67756172
"""`guar` in ASCII, the number of the lock."""

_MAKE_LAYOUT = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.layout (version BIGINT NOT NULL, parts BIGINT NOT NULL);
"""
_FIRST = "INSERT INTO layout (version, parts) VALUES ($1, $2)"
_NEXT = "UPDATE layout SET version = $1, parts = $2"
_MAKE_PARTS = "INSERT INTO {table} (part) SELECT generate_series(0, {parts} - 1) ON CONFLICT DO NOTHING"


async def prepare(address: PostgresAddress, parts: int) -> None:
    """Make an empty database a store of so many partitions, or bring an older one up to date.

    `StoreError` when it is of a newer guard, of another number of partitions, or not in UTF-8.
    """
    connection = await address.connect(limit_s=MIGRATE_LIMIT_S)
    try:
        await _prepare(connection, address.shown, parts)
    except Unstorable as error:
        raise explain(error, address.shown) from error
    finally:
        await connection.close()


async def check_version(connection: Any, shown: str) -> None:
    """Refuse for reading what is not a store in the present layout; changes nothing."""
    if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.layout") is None:
        raise StoreError(f"{shown}: is not a store of guard's; start guard on it once")
    refuse_older(MIGRATIONS, await connection.fetchval("SELECT version FROM layout"), shown)


async def _prepare(connection: Any, shown: str, parts: int) -> None:
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StoreError(f"{shown}: is in {encoding}; make it anew: createdb --template template0 --encoding UTF8")
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.layout") is None:
            await connection.execute(_MAKE_LAYOUT)
        found = await connection.fetchrow("SELECT version, parts FROM layout")
        version, has = (0, parts) if found is None else found
        steps = missing(MIGRATIONS, version, shown)
        if has != parts:
            raise StoreError(
                f"{shown}: its accounts are spread over {has} partitions, not over {parts}; a daemon of its own "
                "and a cluster cannot share a store: name another database"
            )
        for step in steps:
            await connection.execute(step)
        if steps:
            await connection.execute(_FIRST if found is None else _NEXT, len(MIGRATIONS), parts)
            for table in ("part", "lease"):
                await connection.execute(_MAKE_PARTS.format(table=table, parts=int(parts)))
