"""The database's tables are those of the file's, and what is no store of ours is refused."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from guard.adapters.postgres import PostgresAddress, open_postgres
from guard.adapters.sqlite import layout
from guard.ports import StoreError
from tests.postgres.server import PostgresServer, name_of
from tests.store.samples import posting, state_of
from tests.store.stores import claimed

pytestmark = pytest.mark.postgres

ONLY_IN_A_FILE = {"journal", "ledger_place", "meta", "scrub"}
"""The redo journal and what goes with it, and what overwrites free pages."""
ONLY_IN_A_DATABASE = {"layout", "lease", "part", "told", "worker"}
MADE_BY_THE_DATABASE = {("decisions", "stored_ms")}
"""Columns that a file does without: the database fills them, at the end of the row."""
TYPES = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}
_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
WHERE table_schema = 'guard' ORDER BY table_name, ordinal_position"""

WORD = "hunter2"

Columns = dict[str, list[tuple[str, str, bool]]]


def _of_a_file() -> Columns:
    """By table: name, type, whether it may be missing."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for migration in layout.MIGRATIONS:
            for statement in migration:
                connection.execute(statement)
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: [
                (name, TYPES[kind], not (needed or key))
                for _, name, kind, needed, _, key in connection.execute(f"PRAGMA table_info({table})")
            ]
            for table in tables
        }


async def test_both_stores_have_the_same_columns_in_the_same_order(server: PostgresServer) -> None:
    url = server.database()
    async with open_postgres(PostgresAddress(url=url)):
        pass
    name = name_of(url)
    database: Columns = {}
    for row in server.execute(_COLUMNS, name).splitlines():
        table, column, kind, missing = row.split("|")
        if (table, column) in MADE_BY_THE_DATABASE:
            continue
        database.setdefault(table, []).append((column, kind, missing == "YES"))
    file = _of_a_file()
    assert set(database) - set(file) == ONLY_IN_A_DATABASE
    assert set(file) - set(database) == ONLY_IN_A_FILE
    for table in set(file) & set(database):
        assert database[table][0] == ("part", "smallint", False)
        assert database[table][1:] == file[table], table


async def test_guards_that_start_at_once_make_one_store(server: PostgresServer) -> None:
    url = server.database()

    async def start() -> None:
        async with open_postgres(PostgresAddress(url=url)):
            pass

    await asyncio.gather(*(start() for _ in range(4)))
    async with claimed(url) as store:
        await store.commit(posting(1, 5, 5))
        assert state_of(await store.restore())["last_line"] == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("UPDATE guard.layout SET version = version + 1", "was written by a newer guard"),
        ("UPDATE guard.layout SET parts = 256", "spread over 256 partitions, not over 1"),
    ],
)
async def test_a_store_that_is_not_for_us_is_refused(server: PostgresServer, spoil: str, words: str) -> None:
    url = server.database()
    async with open_postgres(PostgresAddress(url=url)):
        pass
    server.execute(spoil, name_of(url))
    with pytest.raises(StoreError, match=words):
        async with open_postgres(PostgresAddress(url=url)):
            pass


async def test_positions_are_places_in_one_log(server: PostgresServer) -> None:
    address = PostgresAddress(url=server.database())
    for _ in range(2):
        async with open_postgres(address, parts=256) as cluster:
            await cluster.keep_to("guard")
    async with open_postgres(address, parts=256) as cluster:
        with pytest.raises(StoreError, match="is read from the log of the prefix guard, not gaurd;"):
            await cluster.keep_to("gaurd")


async def test_a_database_that_is_not_in_utf_8_is_refused(server: PostgresServer) -> None:
    server.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(StoreError, match="is in LATIN1; make it anew"):
        async with open_postgres(PostgresAddress(url=server.url("latin"))):
            pass


async def test_no_error_shows_more_than_user_host_and_database() -> None:
    address = PostgresAddress(
        url="postgresql://guard@127.0.0.1:1/calls?sslmode=disable&sslkey=/secret/place", password=WORD
    )
    with pytest.raises(StoreError) as refused:
        async with open_postgres(address):
            pass
    assert str(refused.value).startswith("postgresql://guard@127.0.0.1:1/calls: cannot be reached")
    assert WORD not in f"{refused.value}{address!r}"
    assert "secret" not in str(refused.value)


async def test_a_database_says_how_much_its_tables_take(server: PostgresServer) -> None:
    url = server.database()
    async with open_postgres(PostgresAddress(url=url)) as opened:
        empty_bytes, left = await opened.room()
        assert left is None
        filling = "INSERT INTO guard.kept SELECT 0, 'told', n::text, convert_to(repeat('x', 1000), 'UTF8') "
        server.execute(f"{filling} FROM generate_series(1, 2000) AS n", name_of(url))
        assert (await opened.room())[0] > empty_bytes + 2_000_000
