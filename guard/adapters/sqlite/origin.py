"""A file as the origin of a move (`guard.ports.moving`): brought up to date, all of it in its tables, and locked.

The daemon's own opening does the first two: it migrates an older layout (and keeps a copy, `upgrade`), makes a store of
a backup that was put back, and moves the journal to the tables. Then one picture of the file is read, on this thread:
whoever moves a store has nothing else to do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from guard.adapters.sqlite import schema
from guard.adapters.sqlite.bulk import selection
from guard.adapters.sqlite.failures import Unstorable, explain
from guard.adapters.sqlite.keeper import Keeper
from guard.adapters.sqlite.ownership import owned, real
from guard.ports import StoreError
from guard.ports.moving import Row

BUSY_TIMEOUT_MS = 5_000
ROWS_AT_ONCE = 5_000

_UNSAVED = "SELECT count(*) FROM journal WHERE number > (SELECT value FROM meta WHERE name = 'saved')"
_SUMS = "SELECT account, sum(amount_micros), count(*) FROM ledger GROUP BY account ORDER BY account"


class SqliteOrigin:
    """See `guard.ports.moving.Origin`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self.shown = str(path)

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        (count,) = self._ask(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 -- names, never input
        return int(count)

    async def rows(self, table: str, columns: Sequence[str], order: Sequence[str]) -> AsyncIterator[Row]:
        """These columns of all rows, in that order."""
        by = ", ".join(f'"{column}"' for column in order)
        for row in self._portions(f"{selection(table, columns)} ORDER BY {by}"):
            yield row

    async def marks(self) -> dict[str, int]:
        """How far it has come, by name."""
        return {str(name): int(value) for name, value in self._ask("SELECT name, value FROM meta")}

    async def sums(self) -> AsyncIterator[tuple[str, int, int]]:
        """Of each account that has ledger lines: the account, their sum in micros, their number."""
        for account, micros, lines in self._portions(_SUMS):
            yield account, micros, lines

    def _portions(self, question: str) -> Iterator[Any]:
        found = self._ask(question)
        while rows := found.fetchmany(ROWS_AT_ONCE):
            yield from rows

    def _ask(self, question: str) -> sqlite3.Cursor:
        try:
            return self._connection.execute(question)
        except Unstorable as error:
            raise explain(error, self._path) from error


@contextmanager
def sqlite_origin(path: Path) -> Iterator[SqliteOrigin]:
    """Hold a daemon's file until the end of the block; `StoreError` when there is none, or a guard works on it."""
    path = real(path)
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file")
    with owned(path):
        Keeper(path, BUSY_TIMEOUT_MS).close(Event())
        try:
            with closing(sqlite3.connect(schema.reading(path), uri=True, isolation_level=None)) as connection:
                connection.execute("BEGIN")
                if connection.execute(_UNSAVED).fetchone() != (0,):
                    raise StoreError(f"{path}: its journal could not be moved to its tables; look at its disk")
                yield SqliteOrigin(connection, path)
        except Unstorable as error:
            raise explain(error, path) from error
