"""Many rows in few statements.

The driver lets go of the interpreter's lock around each statement and must win it back afterwards. While the event
loop is busy that takes up to the interpreter's switch interval (5 ms unless set), so what a batch costs under load is
the number of its statements, not of its rows: `executemany` with 1,000 rows took 2.6 s beside a busy thread, the same
rows in statements of 128 took 0.1 s. Sizes are fixed, so that each statement is prepared once and found again.

The same lock is why nothing here sorts a whole generation at once: `sorted` over 50,000 keys holds it for 90 ms.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain
from typing import TypeVar

SIZES = (128, 32, 8, 4, 2, 1)
"""Rows a statement: 28 columns x 128 = 3,584 parameters, of 32,766 that SQLite takes."""

SLICE = 1_024
"""Keys sorted at once: 2 ms."""

Values = tuple[object, ...]
"""One row, in the order of the table's columns."""

K = TypeVar("K", bound="str | tuple[str, str] | tuple[str, int, int]")


def names(columns: Sequence[str]) -> str:
    """Column names for a statement, quoted: some are words of SQL."""
    return ", ".join(f'"{column}"' for column in columns)


def selection(table: str, columns: Sequence[str]) -> str:
    """`SELECT columns FROM table`."""
    return " ".join(("SELECT", names(columns), "FROM", table))


class Bulk:
    """Writes rows of one table."""

    def __init__(self, table: str, columns: Sequence[str], *, replace: bool = False) -> None:
        row = f"({', '.join('?' * len(columns))})"
        verb = "REPLACE" if replace else "INSERT"
        head = f"{verb} INTO {table} ({names(columns)}) VALUES "
        self._statements = [(size, head + ", ".join([row] * size)) for size in SIZES]

    def write(self, connection: sqlite3.Connection, rows: Sequence[Values]) -> None:
        """Write all rows within the open transaction, in their order."""
        done = 0
        for size, statement in self._statements:
            while len(rows) - done >= size:
                flat = list(chain.from_iterable(rows[done : done + size]))
                connection.execute(statement, flat)
                done += size


class BulkDelete:
    """Deletes rows of one table by a key of two columns."""

    def __init__(self, table: str, first: str, second: str) -> None:
        head = f"DELETE FROM {table} WHERE {first} = ? AND {second} IN "  # noqa: S608 -- names, never input
        self._statements = [(size, f"{head}({', '.join('?' * size)})") for size in SIZES]

    def delete(self, connection: sqlite3.Connection, first: str, seconds: Sequence[str]) -> None:
        """Delete the rows with this first part and any of these second parts; those that are not there are no error."""
        done = 0
        for size, statement in self._statements:
            while len(seconds) - done >= size:
                connection.execute(statement, (first, *seconds[done : done + size]))
                done += size


class Sorting(Iterator[K]):
    """Keys in order, sorted a slice at a time: call `prepare` until it is done, then iterate."""

    def __init__(self, keys: Sequence[K]) -> None:
        self._keys = keys
        self._slices: list[list[K]] = []
        self._merged: Iterator[K] | None = None

    def prepare(self) -> Iterator[int]:
        """Sort one slice at each step; yields what that is worth in rows written."""
        for first in range(0, len(self._keys), SLICE):
            self._slices.append(sorted(self._keys[first : first + SLICE]))
            yield SLICE // 4

    def __next__(self) -> K:
        if self._merged is None:
            self._merged = merge(*self._slices)
        return next(self._merged)
