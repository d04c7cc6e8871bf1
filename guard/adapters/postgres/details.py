"""Deleting old call details: who called whom goes, what it cost stays. As in the SQLite store, in PostgreSQL's way.

A run is a series of steps, each one transaction of some milliseconds beside the batches (`beside`). How far the ledger
and the decisions have been gone through is kept in the partition's row, in the transaction of the step itself.

**The ledger** is gone through in the order of its numbers, up to the first call that is still young. Of a line the
number called and the call's own name are overwritten; money, time, class, destination and durations are untouched.

**An account that is to be forgotten** (`forget`) is a row that its batch has written. Its lines are those up to the
ledger's end at that moment. Calls that are remembered keep their names in the ledger until the memory has ended,
because reports that come again are recognised by them; the row goes when nothing of that is left.

**The bytes.** What was overwritten stays in the table's file as a dead row until VACUUM, and in the server's log and
archives for as long as they are kept: that is the database's to do and the operator's to set, not guard's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from guard.adapters.postgres import tables
from guard.adapters.postgres.beside import Beside
from guard.adapters.postgres.committer import Tenure
from guard.adapters.postgres.tables import selection
from guard.core.decisions import KeptRow
from guard.core.privacy import Deleted, changed_by_fading, without_details
from guard.core.settings import DAY_MS
from guard.wire import stored
from guard.wire.kept import decoded, encoded

LINES_AT_ONCE = 500
ROWS_AT_ONCE = 200
"""Decisions or reports."""
PROFILES_AT_ONCE = 20
"""Some KiB each, which are read, looked through, and written if they have changed."""

_DECISIONS = selection("decisions", stored.DECISIONS_COLUMNS)
_SPAN = """
SELECT lines_without_details, (SELECT coalesce(max(number), 0) FROM ledger WHERE part = $1) FROM part WHERE part = $1"""
_YOUNG = """
SELECT min(number) FROM ledger WHERE part = $1 AND number BETWEEN $2 AND $3
  AND kind IN ('call', 'lost', 'correction') AND at_ms >= $4"""
_OVERWRITE = """
UPDATE ledger SET "to" = '', call = '' WHERE part = $1 AND number BETWEEN $2 AND $3 AND (call <> '' OR "to" <> '')"""
_NOTE_LINES = "UPDATE part SET lines_without_details = $2 WHERE part = $1"
_NOTE_DECISIONS = "UPDATE part SET decisions_without_details = $2 WHERE part = $1"
_OLDEST_DECISIONS = f"""
{_DECISIONS} WHERE part = $1 AND number > (SELECT decisions_without_details FROM part WHERE part = $1)
ORDER BY number LIMIT $2"""  # noqa: S608 -- constants
_OLDEST_REPORTS = "SELECT number, received_at_ms FROM quarantine WHERE part = $1 ORDER BY number LIMIT $2"

_FORGOTTEN = "SELECT account, at_ms, last_line FROM forget WHERE part = $1 AND account > $2 ORDER BY account LIMIT 1"
_ITS_LINES = """
SELECT at_ms, number FROM ledger WHERE part = $1 AND account = $2 AND (at_ms, number) > ($3, $4)
ORDER BY at_ms, number LIMIT $5"""
_FORGET_LINES = """
UPDATE ledger SET "to" = '', call = CASE WHEN at_ms < $3 THEN '' ELSE call END,
  text = CASE WHEN kind = 'adjustment' THEN '' ELSE text END
WHERE part = $1 AND number = ANY($2::bigint[])
  AND ("to" <> '' OR (call <> '' AND at_ms < $3) OR (text <> '' AND kind = 'adjustment'))"""
_FORGET_CARDS = """
UPDATE billing SET payload = '' WHERE part = $1 AND account = $2 AND type = 'card' AND payload <> ''"""
_SUBJECTS = f"""
{selection("kept", KeptRow._fields)} WHERE part = $1 AND kind = 'subject' AND "key" > $2 ORDER BY "key" LIMIT $3"""

_BEGINNING = (-(2**63), 0)


class PostgresDetails:
    """The call details of one partition."""

    def __init__(self, tenure: Tenure, beside: Beside) -> None:
        self._tenure = tenure
        self._beside = beside

    def old_details(self, *, now_ms: int, keep_ms: int | None) -> OldDetails:
        """A run that deletes what is older than that; None: only of accounts to be forgotten."""
        return OldDetails(self._tenure, self._beside, now_ms=now_ms, keep_ms=keep_ms)


class OldDetails:
    """One run through one partition."""

    def __init__(self, tenure: Tenure, beside: Beside, *, now_ms: int, keep_ms: int | None) -> None:
        self._tenure = tenure
        self._part = tenure.part
        self._beside = beside
        self._now_ms = now_ms
        self._keep_ms = keep_ms
        self._account, self._done, self._place = "", "", _BEGINNING
        """The account that is being forgotten, the last one that was, and how far the lines of the former are done."""
        self._profile: str | None = ""

    async def step(self) -> Deleted:
        """Delete some; `more` says whether to go on."""
        return await self._beside.write(self._tenure, self._step, synced=False)

    async def scrub(self) -> bool:
        """Nothing: VACUUM frees what was deleted."""
        return False

    async def empty_log(self) -> bool:
        """Nothing: the server's log is the server's."""
        return True

    async def _step(self, connection: Any) -> Deleted:
        forgotten = await self._forget(connection)
        if forgotten is not None:
            return forgotten
        if self._keep_ms is None:
            return Deleted()
        before_ms = self._now_ms - self._keep_ms
        for some in (self._lines, self._decisions, self._reports):
            deleted = await some(connection, before_ms)
            if deleted is not None:
                return deleted
        return await self._profiles(connection, -(-self._keep_ms // DAY_MS)) or Deleted()

    async def _forget(self, connection: Any) -> Deleted | None:
        """Some lines of an account that is to be forgotten; at their end the rest of it."""
        part = self._part
        found = await connection.fetchrow(_FORGOTTEN, part, self._done)
        if found is None:
            return None
        account, at_ms, last_line = found
        if account != self._account:
            self._account, self._place = account, _BEGINNING
        horizon_ms = await connection.fetchval("SELECT forgotten_before_ms FROM part WHERE part = $1", part)
        places = await connection.fetch(_ITS_LINES, part, account, *self._place, LINES_AT_ONCE)
        lines = [number for _, number in places if number <= last_line]
        changed = _rows(await connection.execute(_FORGET_LINES, part, lines, horizon_ms))
        if len(places) == LINES_AT_ONCE:
            self._place = tuple(places[-1])
            return Deleted(lines=changed, more=True)
        self._done = account
        where = "WHERE part = $1 AND account = $2 AND received_at_ms <= $3"
        reports = _rows(await connection.execute(f"DELETE FROM quarantine {where}", part, account, at_ms))  # noqa: S608 -- constants
        await connection.execute(_FORGET_CARDS, part, account)
        question = f"{_DECISIONS} WHERE part = $1 AND account = $2 AND at_ms <= $3"
        decisions = await self._without_details(connection, await connection.fetch(question, part, account, at_ms))
        if at_ms < horizon_ms:
            await connection.execute("DELETE FROM forget WHERE part = $1 AND account = $2", part, account)
        return Deleted(lines=changed, decisions=decisions, reports=reports, more=True)

    async def _lines(self, connection: Any, before_ms: int) -> Deleted | None:
        """The next lines of the ledger, up to the first young call."""
        done, last = await connection.fetchrow(_SPAN, self._part)
        first, end = done + 1, min(done + LINES_AT_ONCE, last)
        young = await connection.fetchval(_YOUNG, self._part, first, end, before_ms)
        end = end if young is None else young - 1
        if end <= done:
            return None
        changed = _rows(await connection.execute(_OVERWRITE, self._part, first, end))
        await connection.execute(_NOTE_LINES, self._part, end)
        return Deleted(lines=changed, more=True)

    async def _decisions(self, connection: Any, before_ms: int) -> Deleted | None:
        """The next decisions, up to the first young one."""
        rows = await connection.fetch(_OLDEST_DECISIONS, self._part, ROWS_AT_ONCE)
        old = list(takewhile(lambda row: stored.decision(tuple(row)).at_ms < before_ms, rows))
        if not old:
            return None
        changed = await self._without_details(connection, old)
        await connection.execute(_NOTE_DECISIONS, self._part, stored.decision(tuple(old[-1])).number)
        return Deleted(decisions=changed, more=True)

    async def _reports(self, connection: Any, before_ms: int) -> Deleted | None:
        """The oldest reports in quarantine."""
        rows = await connection.fetch(_OLDEST_REPORTS, self._part, ROWS_AT_ONCE)
        old = list(takewhile(lambda row: row[1] < before_ms, rows))
        if not old:
            return None
        await connection.execute("DELETE FROM quarantine WHERE part = $1 AND number <= $2", self._part, old[-1][0])
        return Deleted(reports=len(old), more=True)

    async def _profiles(self, connection: Any, keep_days: int) -> Deleted | None:
        """Some accounts that have not called for long."""
        if self._profile is None:
            return None
        rows = [
            decoded(tuple(row))
            for row in await connection.fetch(_SUBJECTS, self._part, self._profile, PROFILES_AT_ONCE)
        ]
        if not rows:
            self._profile = None
            return None
        changed = changed_by_fading(rows, self._now_ms, keep_days)
        await tables.KEPT.insert(connection, [(self._part, kind, key, encoded(row)) for kind, key, row in changed])
        self._profile = rows[-1].key
        return Deleted(profiles=len(changed), more=True)

    async def _without_details(self, connection: Any, rows: Sequence[Any]) -> int:
        """Write those of the decisions again that have details; how many."""
        found = [stored.decision(tuple(row)) for row in rows]
        changed = [now for now, before in ((without_details(each), each) for each in found) if now is not before]
        again = [(self._part, *stored.decision_values(each)) for each in changed]
        await tables.DECISIONS_AGAIN.insert(connection, again)
        return len(changed)


def _rows(done: str) -> int:
    """How many rows a statement has changed: `UPDATE 5`."""
    return int(done.rpartition(" ")[2])
