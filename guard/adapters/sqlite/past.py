"""What a store can tell of the past to somebody who only reads: accounts, calls that were posted, decisions.

It reads a file that a daemon may be writing. Each portion is a read of its own, in the order of numbers that only grow,
so the daemon's log is not held up and nothing is told twice; what comes meanwhile is told or not. Accounts are as they
were saved last, which is some minutes ago at most.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from guard.adapters.sqlite import schema, tables
from guard.adapters.sqlite.failures import Unstorable, explain
from guard.core.decisions import Decision, LedgerLine
from guard.core.rows import AccountRow
from guard.ports import StoreError
from guard.wire import stored

PORTION = 5_000
BUSY_TIMEOUT_S = 5.0

_CALLS = f"""
SELECT {tables.LEDGER_COLUMNS} FROM ledger AS line
WHERE line.number > ? AND line.kind IN ('call', 'lost') AND line."to" <> '' AND line.emergency = 0
ORDER BY line.number LIMIT {PORTION}"""  # noqa: S608 -- constants
_DECISIONS = f"{tables.SELECT_DECISIONS} WHERE number > ? ORDER BY number LIMIT {PORTION}"
_ACCOUNTS = f"{tables.SELECT_ACCOUNTS} WHERE id > ? ORDER BY id LIMIT {PORTION}"


@contextmanager
def past_of(path: Path) -> Iterator[Past]:
    """The past of a store; `StoreError` when there is none at `path`, or it cannot be read."""
    path = path.resolve()
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file")
    try:
        address = schema.reading(path)
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
            schema.check_version(connection, path)
            yield Past(connection)
    except Unstorable as error:
        raise explain(error, path) from error


class Past:
    """Questions to a store about what has been."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def accounts(self) -> Iterator[AccountRow]:
        """All accounts."""
        return map(stored.account_row, self._portions(_ACCOUNTS, ""))

    def calls(self) -> Iterator[LedgerLine]:
        """Calls whose details have not been deleted, as they were first posted; emergency calls are nobody's matter."""
        return map(stored.ledger_line, self._portions(_CALLS, 0))

    def decisions(self) -> Iterator[Decision]:
        """All decisions."""
        return map(stored.decision, self._portions(_DECISIONS, 0))

    def _portions(self, question: str, after: Any) -> Iterator[tuple[Any, ...]]:
        """Rows by their first column, which is what they are numbered by."""
        while rows := self._connection.execute(question, (after,)).fetchall():
            yield from rows
            after = rows[-1][0]
