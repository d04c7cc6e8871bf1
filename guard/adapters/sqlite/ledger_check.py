"""The auditor behind `guard check --ledger`: do the sums of the store agree with each other?

Owed is kept twice, once as a number in the account and once as the sum of its ledger lines; what a call cost is kept
as a posted sum in the memory of ended calls and as lines. Here they are added up and compared:

- for every account the lines' sum is what it owes, all of it in its currency: an account that turned out to be in
  another has lines in the one that it was taken for, and they come to nothing;
- line numbers run without a gap, and each line is in the directory that readers find it by;
- for every call that is remembered the lines' sum is what was posted (an attempt that failed has none). Of one that was
  lost for very long a line may have lost its call's name (`details`): then one such line must make up the difference;
- no call costs more than it would without its plan, and a plan covers no more seconds than were billed. A line that
  says otherwise is a finding only if the lines of its call do so together: a call that was lost and came back is
  posted in parts, and a part may well be less than nothing.

It reads a file that a daemon may be writing. What the accounts owe, which calls are remembered and which line was the
last is copied in one short read into a temporary table on disk; the money of the ledger up to that line never changes,
so it is then added up in portions, each a read of its own, without holding up the daemon's log. Memory is bounded by
SQLite's cache, findings by `FINDINGS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from guard.adapters.sqlite import journal, schema
from guard.adapters.sqlite.failures import Unstorable, explain
from guard.core.ledger_findings import (
    FINDINGS,
    MORE,
    below_one,
    disagreeing,
    missing,
    of_nobody,
    posted_otherwise,
    strange,
)
from guard.core.records import Event
from guard.ports import StoreError

PORTION_LINES = 50_000
"""Ledger lines added up in one read: some 0.1 s."""

CACHE_KIB = 65_536
"""Memory for the copies; the rest of them is on disk."""

BUSY_TIMEOUT_S = 5.0

_TEMPORARY = """
CREATE TEMP TABLE owed (account TEXT PRIMARY KEY, owed_micros INTEGER, currency TEXT) WITHOUT ROWID;
CREATE TEMP TABLE posted (
  switch TEXT, call TEXT, account TEXT, posted_micros INTEGER, sum_micros INTEGER, PRIMARY KEY (switch, call)
) WITHOUT ROWID;
CREATE TEMP TABLE sums (
  account TEXT, currency TEXT, sum_micros INTEGER, PRIMARY KEY (account, currency)
) WITHOUT ROWID;
"""

_ADD_UP_ACCOUNTS = """
INSERT INTO sums SELECT account, currency, sum(amount_micros) FROM ledger
  WHERE number BETWEEN ? AND ? GROUP BY account, currency
ON CONFLICT (account, currency) DO UPDATE SET sum_micros = sum_micros + excluded.sum_micros"""

_ADD_UP_CALLS = """
UPDATE posted SET sum_micros = posted.sum_micros + line.sum_micros FROM (
  SELECT switch, call, sum(amount_micros) AS sum_micros FROM ledger
  WHERE number BETWEEN ? AND ? AND call <> '' GROUP BY switch, call
) AS line WHERE posted.switch = line.switch AND posted.call = line.call"""

_STRANGE_CALLS = """
SELECT DISTINCT account, switch, call FROM ledger
WHERE number BETWEEN ? AND ? AND kind IN ('call', 'lost') AND call <> ''
  AND (gross_micros < amount_micros OR covered_s NOT BETWEEN 0 AND billed_s)"""

_LINES_OF_CALL = """
SELECT line.number, line.amount_micros, line.gross_micros, line.billed_s, line.covered_s
  FROM ledger_place AS place CROSS JOIN ledger AS line ON line.number = place.number
  WHERE place.account = :account AND place.number <= :placed AND line.switch = :switch AND line.call = :call
UNION ALL
SELECT number, amount_micros, gross_micros, billed_s, covered_s FROM ledger
  WHERE number > :placed AND number <= :last AND account = :account AND switch = :switch AND call = :call"""

_UNNAMED_LINE = f"SELECT 1 FROM ({_LINES_OF_CALL}) WHERE amount_micros = :missing"  # noqa: S608 -- constants
"""Asked with no name of a call: payments have no switch either, so it is a call's."""

_SUMS_OF_CALL = f"""
SELECT sum(amount_micros), sum(ifnull(gross_micros, amount_micros)), sum(billed_s), sum(covered_s)
  FROM ({_LINES_OF_CALL})"""  # noqa: S608 -- constants


def check_ledger(path: Path) -> list[str]:
    """What does not add up, in plain words; empty when all does. Works beside a running daemon.

    `StoreError` when the file is not there, is not a store of this version, or cannot be read.
    """
    path = path.resolve()
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file")
    try:
        with closing(_connect(path)) as connection:
            schema.check_version(connection, path)
            findings = list(islice(_Auditor(connection).findings(), FINDINGS + 1))
    except Unstorable as error:
        raise explain(error, path) from error
    if len(findings) > FINDINGS:
        findings[FINDINGS] = MORE
    return findings


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(schema.reading(path), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)


class _Auditor:
    """One audit of one file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._placed = 0
        self._last = 0

    def findings(self) -> Iterator[str]:
        """Take the picture, add up, compare."""
        yield from self._take_picture()
        yield from self._add_up()
        yield from self._compare_accounts()
        yield from self._compare_calls()

    def _take_picture(self) -> Iterator[str]:
        """Copy what changes, as of one moment."""
        execute = self._connection.execute
        execute(f"PRAGMA temp.cache_size = -{CACHE_KIB}")
        self._connection.executescript(_TEMPORARY)
        execute("BEGIN")
        execute("INSERT INTO owed SELECT id, owed_micros, currency FROM account")
        damaged = [*self._overlay_journal()]
        execute(
            "REPLACE INTO posted SELECT switch, call, account, posted_micros, 0 FROM remembered "
            "WHERE event <> ? AND newest_at_ms >= (SELECT value FROM meta WHERE name = 'forgotten_before_ms') "
            "ORDER BY number",
            (int(Event.FAILED),),
        )
        self._placed = self._number("SELECT value FROM meta WHERE name = 'placed'")
        self._last = self._number("SELECT ifnull(max(number), 0) FROM ledger")
        execute("COMMIT")
        yield from damaged

    def _overlay_journal(self) -> Iterator[str]:
        entries = self._connection.execute(
            "SELECT number, rows FROM journal WHERE number > (SELECT value FROM meta WHERE name = 'saved') "
            "ORDER BY number"
        )
        for number, blob in entries:
            try:
                entry = journal.decode(blob)
            except journal.JournalError as error:
                yield f"journal entry {number} is damaged ({error}): the accounts it changed are shown as before it"
                continue
            self._connection.executemany(
                "REPLACE INTO owed VALUES (?, ?, ?)",
                [(account.id, account.owed_micros, account.currency) for account in entry.accounts],
            )

    def _add_up(self) -> Iterator[str]:
        """Add up the ledger by account and by call, a portion at a time, and see that no number is missing."""
        for first in range(1, self._last + 1, PORTION_LINES):
            span = (first, min(first + PORTION_LINES - 1, self._last))
            present = self._number("SELECT count(*) FROM ledger WHERE number BETWEEN ? AND ?", *span)
            if present <= span[1] - span[0]:
                yield from self._gaps(*span)
            self._connection.execute(_ADD_UP_ACCOUNTS, span)
            self._connection.execute(_ADD_UP_CALLS, span)
            yield from self._strange_calls(*span)
        yield from below_one(self._number("SELECT count(*) FROM ledger WHERE number < 1"))
        placed = self._number("SELECT count(*) FROM ledger_place WHERE number <= ?", self._placed)
        lines = self._number("SELECT count(*) FROM ledger WHERE number <= ?", self._placed)
        if placed != lines:
            yield f"ledger: {lines} lines up to number {self._placed}, but {placed} in the directory of accounts"

    def _gaps(self, first: int, last: int) -> Iterator[str]:
        expected = first
        read = self._connection.execute("SELECT number FROM ledger WHERE number BETWEEN ? AND ?", (first, last))
        for (number,) in read:
            if number > expected:
                yield missing(expected, number - 1)
            expected = number + 1
        if expected <= last:
            yield missing(expected, last)

    def _strange_calls(self, first: int, last: int) -> Iterator[str]:
        """Calls whose price and plan contradict each other."""
        for account, switch, call in self._connection.execute(_STRANGE_CALLS, (first, last)).fetchall():
            read = self._connection.execute(_SUMS_OF_CALL, self._name(switch, call, account))
            yield from strange(account, switch, call, read.fetchone())

    def _compare_accounts(self) -> Iterator[str]:
        read = self._connection.execute(
            "SELECT owed.account, owed_micros, ifnull(sum(sum_micros), 0) AS total, owed.currency, group_concat("
            "  CASE WHEN sums.currency <> owed.currency AND sum_micros <> 0 THEN sums.currency END, ' and ') AS others "
            "FROM owed LEFT JOIN sums USING (account) GROUP BY owed.account "
            "HAVING total <> owed_micros OR others IS NOT NULL ORDER BY owed.account"
        )
        for account, owed, total, currency, others in read:
            yield from disagreeing(account, owed, total, currency, others)
        read = self._connection.execute(
            "SELECT account, sum(sum_micros) FROM sums WHERE account NOT IN (SELECT account FROM owed) "
            "GROUP BY account ORDER BY account"
        )
        for account, total in read:
            yield of_nobody(account, total)

    def _compare_calls(self) -> Iterator[str]:
        read = self._connection.execute(
            "SELECT switch, call, account, posted_micros, sum_micros FROM posted WHERE posted_micros <> sum_micros"
        )
        for switch, call, account, posted, total in read:
            if not self._posted_lately(switch, call, account, posted):
                yield posted_otherwise(account, switch, call, posted, total)

    def _posted_lately(self, switch: str, call: str, account: str, posted_micros: int) -> bool:
        """Whether its newest lines alone make the sum: older ones are of another call by that name, forgotten since."""
        newest = self._connection.execute(
            f"SELECT amount_micros FROM ({_LINES_OF_CALL}) ORDER BY number DESC",  # noqa: S608 -- constants
            self._name(switch, call, account),
        )
        total = 0
        for (amount,) in newest:
            total += amount
            if total == posted_micros:
                return True
        unnamed = {**self._name(switch, "", account), "missing": posted_micros - total}
        return self._connection.execute(_UNNAMED_LINE, unnamed).fetchone() is not None

    def _name(self, switch: str, call: str, account: str) -> dict[str, object]:
        """What `_LINES_OF_CALL` is asked with."""
        return {"switch": switch, "call": call, "account": account, "placed": self._placed, "last": self._last}

    def _number(self, question: str, *values: int) -> int:
        number: int = self._connection.execute(question, values).fetchone()[0]
        return number
