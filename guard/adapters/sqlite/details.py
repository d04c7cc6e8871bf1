"""Deleting old call details: who called whom goes, what it cost stays.

A run is a series of steps, each one transaction of some milliseconds beside the batches (`Keeper.write`), so a batch
waits for one step at most, and a crash between two of them costs nothing. How far the ledger and the decisions have
been gone through is kept in `meta`, in the transaction of the step itself. The rest is looked through anew in each run,
which changes nothing where there is nothing left to change.

**The ledger** is gone through in the order of its numbers, up to the first call that is still young: lines are numbered
as they are posted, so a line waits for another no longer than a report may be ahead of its time. Of a line the number
called and the call's own name are overwritten. Money, time, class, destination and durations are untouched, and so is
every sum.

**An account that is to be forgotten** (`forget`) is a row that its batch has written. Its lines are those up to the
ledger's end at that moment: whatever it does later belongs to whoever has it then. Calls that are remembered keep their
names in the ledger until the memory has ended, because reports that come again are recognised by them; the row goes
when nothing of that is left.

**The bytes.** Deleting in SQLite means that a page is free, and a free page says what it said. `secure_delete = FAST`
overwrites what is deleted on pages that stay in use. All others are taken once a run as pages of zeros and given back
(`scrub`), and the write-ahead log, which has copies of pages, is emptied at the end. What the file system and backups
keep is theirs.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import TypeVar

from guard.adapters.sqlite import kept, tables
from guard.adapters.sqlite.writer import Writer
from guard.core.privacy import Deleted, changed_by_fading, without_details
from guard.core.settings import DAY_MS
from guard.wire import stored

LINES_AT_ONCE = 500
"""Of the ledger: some 20 pages."""
ROWS_AT_ONCE = 200
"""Decisions or reports."""
PROFILES_AT_ONCE = 20
"""Some KiB each, which are read, looked through, and written if they have changed."""
SCRUBBED_PAGES = 128
"""Half a MiB at a time."""
_OVERFLOW_BYTES = 4_092
"""What a page takes of a large value."""

_OF_CALLS = "kind IN ('call', 'lost', 'correction')"
_YOUNG = f"SELECT min(number) FROM ledger WHERE number BETWEEN ? AND ? AND {_OF_CALLS} AND at_ms >= ?"  # noqa: S608 -- constants
_OVERWRITE = """UPDATE ledger SET "to" = '', call = '' WHERE number BETWEEN ? AND ? AND (call <> '' OR "to" <> '')"""

_FORGOTTEN = """SELECT account, at_ms, last_line FROM forget
WHERE account > ? AND last_line <= (SELECT value FROM meta WHERE name = 'placed') ORDER BY account LIMIT 1"""
_WAITING = "SELECT 1 FROM forget WHERE last_line > (SELECT value FROM meta WHERE name = 'placed')"
_ITS_LINES = """SELECT place.at_ms, place.number FROM ledger_place AS place
WHERE place.account = ? AND (place.at_ms, place.number) > (?, ?) ORDER BY place.at_ms, place.number LIMIT ?"""
_FORGET_LINE = """UPDATE ledger
SET "to" = '', call = iif(at_ms < ?, '', call), text = iif(kind = 'adjustment', '', text)
WHERE number = ? AND ("to" <> '' OR (call <> '' AND at_ms < ?) OR (text <> '' AND kind = 'adjustment'))"""
_FORGET_CARDS = "UPDATE billing SET payload = '' WHERE account = ? AND type = 'card' AND payload <> ''"

_BEGINNING = (-(2**63), 0)

T = TypeVar("T")


class OldDetails:
    """One run. Its steps are made on the writer's thread, one after the other."""

    def __init__(self, writer: Writer, now_ms: int, keep_ms: int | None) -> None:
        self._writer = writer
        self._now_ms = now_ms
        self._keep_ms = keep_ms
        self._account, self._done, self._place = "", "", _BEGINNING
        """The account that is being forgotten, the last one that was, and how far the lines of the former are done."""
        self._profile: str | None = ""
        self._left_to_scrub: int | None = None

    async def step(self) -> Deleted:
        """Delete some; `more` says whether to go on."""
        return await self._write(self._step)

    async def scrub(self) -> bool:
        """Overwrite some of what is free; whether to go on."""
        return await self._write(self._scrub)

    async def empty_log(self) -> bool:
        """Move all of the write-ahead log to the file and empty it; False: somebody is reading, it has to wait."""
        return await asyncio.wrap_future(self._writer.submit(lambda keeper: keeper.empty_log()))

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.wrap_future(self._writer.submit(lambda keeper: keeper.write(work, synced=False)))

    # -- deleting

    def _step(self, connection: sqlite3.Connection) -> Deleted:
        forgotten = self._forget(connection)
        if forgotten is not None:
            return forgotten
        if self._keep_ms is None:
            return self._end(connection)
        before_ms = self._now_ms - self._keep_ms
        for part in (_lines, _decisions, _reports):
            deleted = part(connection, before_ms)
            if deleted is not None:
                return deleted
        return self._profiles(connection, -(-self._keep_ms // DAY_MS)) or self._end(connection)

    @staticmethod
    def _end(connection: sqlite3.Connection) -> Deleted:
        return Deleted(waiting=connection.execute(_WAITING).fetchone() is not None)

    def _forget(self, connection: sqlite3.Connection) -> Deleted | None:
        """Some lines of an account that is to be forgotten; at their end the rest of it."""
        found = connection.execute(_FORGOTTEN, (self._done,)).fetchone()
        if found is None:
            return None
        account, at_ms, last_line = found
        if account != self._account:
            self._account, self._place = account, _BEGINNING
        horizon_ms = _meta(connection, "forgotten_before_ms")
        places = connection.execute(_ITS_LINES, (account, *self._place, LINES_AT_ONCE)).fetchall()
        lines = [(horizon_ms, number, horizon_ms) for _, number in places if number <= last_line]
        changed = connection.executemany(_FORGET_LINE, lines).rowcount if lines else 0
        if len(places) == LINES_AT_ONCE:
            self._place = places[-1]
            return Deleted(lines=changed, more=True)
        self._done = account
        reports = connection.execute(
            "DELETE FROM quarantine WHERE account = ? AND received_at_ms <= ?", (account, at_ms)
        ).rowcount
        connection.execute(_FORGET_CARDS, (account,))
        read = connection.execute(f"{tables.SELECT_DECISIONS} WHERE account = ? AND at_ms <= ?", (account, at_ms))
        decisions = _without_details(connection, read)
        if at_ms < horizon_ms:
            connection.execute("DELETE FROM forget WHERE account = ?", (account,))
        return Deleted(lines=changed, decisions=decisions, reports=reports, more=True)

    def _profiles(self, connection: sqlite3.Connection, keep_days: int) -> Deleted | None:
        """Some accounts that have not called for long."""
        if self._profile is None:
            return None
        rows = kept.subjects(connection, self._profile, PROFILES_AT_ONCE)
        if not rows:
            self._profile = None
            return None
        changed = changed_by_fading(rows, self._now_ms, keep_days)
        kept.write(connection, changed)
        self._profile = rows[-1].key
        return Deleted(profiles=len(changed), more=True)

    # -- what is free

    def _scrub(self, connection: sqlite3.Connection) -> bool:
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if self._left_to_scrub is None:
            # Others free and take pages meanwhile: the same number once more is enough to meet all of them.
            self._left_to_scrub = 2 * free
        pages = min(free, SCRUBBED_PAGES, self._left_to_scrub)
        if pages:
            connection.execute("INSERT INTO scrub (zeros) VALUES (zeroblob(?))", (pages * _OVERFLOW_BYTES,))
            self._left_to_scrub -= pages
            return True
        self._left_to_scrub = 0
        deleted = connection.execute("DELETE FROM scrub WHERE number IN (SELECT number FROM scrub LIMIT 1)").rowcount
        return deleted > 0


def _lines(connection: sqlite3.Connection, before_ms: int) -> Deleted | None:
    """The next lines of the ledger, up to the first young call."""
    done = _meta(connection, "lines_without_details")
    last = connection.execute("SELECT ifnull(max(number), 0) FROM ledger").fetchone()[0]
    span = done + 1, min(done + LINES_AT_ONCE, last)
    young = connection.execute(_YOUNG, (*span, before_ms)).fetchone()[0]
    end = span[1] if young is None else young - 1
    if end <= done:
        return None
    changed = connection.execute(_OVERWRITE, (span[0], end)).rowcount
    _note(connection, "lines_without_details", end)
    return Deleted(lines=changed, more=True)


def _decisions(connection: sqlite3.Connection, before_ms: int) -> Deleted | None:
    """The next decisions, up to the first young one."""
    done = _meta(connection, "decisions_without_details")
    question = f"{tables.SELECT_DECISIONS} WHERE number > ? ORDER BY number LIMIT ?"
    rows = connection.execute(question, (done, ROWS_AT_ONCE)).fetchall()
    old = list(takewhile(lambda row: stored.decision(row).at_ms < before_ms, rows))
    if not old:
        return None
    changed = _without_details(connection, old)
    _note(connection, "decisions_without_details", stored.decision(old[-1]).number)
    return Deleted(decisions=changed, more=True)


def _without_details(connection: sqlite3.Connection, rows: Iterable[stored.Read]) -> int:
    """Write those of the decisions again that have details; how many."""
    found = [stored.decision(row) for row in rows]
    changed = [now for now, before in ((without_details(each), each) for each in found) if now is not before]
    tables.DECISIONS_AGAIN.write(connection, [stored.decision_values(each) for each in changed])
    return len(changed)


def _reports(connection: sqlite3.Connection, before_ms: int) -> Deleted | None:
    """The oldest reports in quarantine."""
    question = "SELECT number, received_at_ms FROM quarantine ORDER BY number LIMIT ?"
    old = list(takewhile(lambda row: row[1] < before_ms, connection.execute(question, (ROWS_AT_ONCE,))))
    if not old:
        return None
    connection.execute("DELETE FROM quarantine WHERE number <= ?", (old[-1][0],))
    return Deleted(reports=len(old), more=True)


def _meta(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
    return value


def _note(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))
