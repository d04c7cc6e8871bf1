"""What the rules know, as it lies in its table: one blob a row (`guard.wire.kept`).

A row goes to its table in the transaction of its batch, past the journal. It is some KiB, an account's own at most a
few times a minute, and the engine decides how often: there is nothing to gain by collecting such rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import structlog

from guard.adapters.sqlite.bulk import Bulk, selection
from guard.core.decisions import KeptRow
from guard.wire.kept import decoded, encoded, made

_KEPT = Bulk("kept", KeptRow._fields, replace=True)
_SELECT = f'{selection("kept", KeptRow._fields)} ORDER BY kind, "key"'
_DELETE = 'DELETE FROM kept WHERE kind = ? AND "key" = ?'


def write(connection: sqlite3.Connection, rows: Sequence[KeptRow]) -> None:
    """Write rows within the open transaction; one that is None is deleted. A key comes once.

    Rows of some KiB lie on pages of their own, which each new state sets free: they are overwritten at once, because
    they hold numbers, and where they are used again as part of something else nobody could do it later.
    """
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    connection.executemany(_DELETE, [(kind, key) for kind, key, row in rows if row is None])
    _KEPT.write(connection, [(kind, key, encoded(row)) for kind, key, row in rows if row is not None])
    connection.execute("PRAGMA secure_delete = FAST").fetchone()


def read(connection: sqlite3.Connection) -> Iterator[KeptRow]:
    """All rows, as they are now, those that can be read; to be gone through once, on any thread."""
    return made(connection.execute(_SELECT).fetchall(), _tell_lost)


def subjects(connection: sqlite3.Connection, after: str, limit: int) -> list[KeptRow]:
    """What rules know of some accounts, in the order of their ids; one that cannot be read is None."""
    question = f'{selection("kept", KeptRow._fields)} WHERE kind = \'subject\' AND "key" > ? ORDER BY "key" LIMIT ?'
    return [decoded(blob) for blob in connection.execute(question, (after, limit))]


def _tell_lost(kind: str, rows: int, reason: str) -> None:
    structlog.get_logger("guard").warning(
        "store-rules-state-lost", kind=kind, rows=rows, reason=reason, effect="rules begin anew there"
    )
