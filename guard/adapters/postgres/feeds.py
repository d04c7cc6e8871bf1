"""The history of all partitions as one, page by page (`guard.ports.records`).

Each partition numbers its own rows, and its transactions come one after the other, so within a partition a number is
never seen before those below it. Between partitions there is no order of commits: whoever went by the time alone would
miss a row whose transaction began early and ended late. So what is followed goes by a **vector**, the last number seen
of every partition (`guard.wire.cursors`), and a page is **woven** of what lies behind it: ordered by the time of
storing, but never a row before one of its own partition with a lower number.

To weave a page not all of what lies behind is read: of each partition a few keys, and when one of them may have more,
the page ends where that one's keys end.

**Behind a decision's id.** Whoever follows by ids has usually just been shown that id here, with the vector that went
with it. Otherwise the vector is made: of its own partition its number, of the others what was stored `OVERLAP_MS`
before it. A transaction takes no longer than that, so there are repeats and no gaps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from guard.adapters.postgres.reader import Questions, Reader, Rows
from guard.adapters.postgres.tables import names, selection
from guard.core.decisions import NEWEST, Audit, BillingEntry, Decision, LedgerLine, Quarantined
from guard.core.partitions import partition_of
from guard.core.statement import LedgerSum
from guard.ports.records import FROM_THE_END, CursorError, Page
from guard.wire import cursors, stored

OVERLAP_MS = 30_000
"""Longer than a transaction may take, and what the clocks of two servers may differ by when one replaces the other."""
PAGES_KEPT = 200
"""Pages shown lately, for whoever follows by ids: about 10 KB each."""
FEWEST_KEYS = 8
"""Read of each partition for a page, at least."""
ROWS_A_KEY = 32
"""So many rows of a page for each further key."""

Key = tuple[int, int, int]
"""By what a row is ordered, its partition, its number."""

_DECISION = names(stored.DECISIONS_COLUMNS)
_BEHIND = """
SELECT seen.part, later.number, later.ordered FROM unnest($1::smallint[], $2::bigint[]) AS seen (part, number)
CROSS JOIN LATERAL (
  SELECT number, {order} AS ordered FROM {table}
  WHERE part = seen.part AND number > seen.number ORDER BY number LIMIT $3
) AS later ORDER BY seen.part, later.number"""
_DECISIONS_BEHIND = _BEHIND.format(table="decisions", order="stored_ms")
_QUARANTINE_BEHIND = _BEHIND.format(table="quarantine", order="number")
_THESE = """
SELECT {columns} FROM unnest($1::smallint[], $2::bigint[]) WITH ORDINALITY AS wanted (part, number, place)
JOIN {table} USING (part, number) ORDER BY place"""
_THESE_DECISIONS = _THESE.format(columns=_DECISION, table="decisions")
_THESE_QUARANTINED = _THESE.format(columns=names(("number", *stored.QUARANTINE_COLUMNS)), table="quarantine")

_PLACE = "SELECT part, number, stored_ms FROM decisions WHERE id = $1"
_VECTOR = """
SELECT part.part, coalesce(later.first - 1, (SELECT max(number) FROM decisions WHERE part = part.part), 0)
FROM part LEFT JOIN (
  SELECT part, min(number) AS first FROM decisions WHERE stored_ms >= $1 GROUP BY part
) AS later USING (part)"""
_NEWEST = f"""
SELECT part, stored_ms, {_DECISION} FROM decisions WHERE (stored_ms, part, number) < ($1, $2, $3)
ORDER BY stored_ms DESC, part DESC, number DESC LIMIT $4"""  # noqa: S608 -- names, never input
_FIRST_PLACE = (NEWEST, 0, 0)

_OWN_AUDITS = f"""
{selection("audit", (*stored.AUDIT_COLUMNS, "number"))}
WHERE part = $1 AND account = $2 AND number < $3 ORDER BY number DESC LIMIT $4"""
_ALL_AUDITS = f"""
SELECT {names((*stored.AUDIT_COLUMNS, "number"))} FROM unnest($1::smallint[]) AS every (one) CROSS JOIN LATERAL (
  SELECT * FROM audit WHERE part = one AND account = $2 AND number < $3 ORDER BY number DESC LIMIT $4
) AS audit ORDER BY number DESC LIMIT $4"""  # noqa: S608 -- names, never input


@dataclass(frozen=True, slots=True)
class _Shown:
    """A page that was shown: where it began, and what was on it."""

    vector: Sequence[int]
    keys: Sequence[Key]
    ids: Sequence[str]

    def behind(self, decision: str) -> list[int]:
        """The vector behind a decision that is on it."""
        return _moved(self.vector, self.keys[: self.ids.index(decision) + 1])


class PostgresRecords:
    """See `guard.ports.records.Records`."""

    def __init__(self, questions: Questions, parts: int) -> None:
        self._questions = questions
        self._parts = list(range(parts))
        self._shown: deque[_Shown] = deque(maxlen=PAGES_KEPT)

    # -- followed by vectors

    async def decisions(self, *, account: str | None, after: str, limit: int) -> Page[Decision]:
        """Decisions (of one account) behind a cursor, oldest first."""
        vector = self._vector(after)
        if account is not None:
            return await self._decisions_of(account, vector, limit)
        keys, more = await self._keys(_DECISIONS_BEHIND, vector, limit)
        items = [stored.decision(row) for row in await self._rows(_THESE_DECISIONS, keys)]
        if items:
            self._shown.append(_Shown(vector, keys, [item.id for item in items]))
        return Page(items=items, next=cursors.encode_vector(_moved(vector, keys)) if more else None)

    async def _decisions_of(self, account: str, vector: list[int], limit: int) -> Page[Decision]:
        reader, part = self._reader(account)
        found = await reader.decisions(account, vector[part], limit + 1)
        page = found[:limit]
        if len(found) <= limit:
            return Page(items=page, next=None)
        vector[part] = page[-1].number
        return Page(items=page, next=cursors.encode_vector(vector))

    async def quarantined(self, *, after: str, limit: int) -> Page[tuple[int, Quarantined]]:
        """Reports held back, oldest first, with their row numbers."""
        vector = self._vector(after)
        keys, more = await self._keys(_QUARANTINE_BEHIND, vector, limit)
        rows = await self._rows(_THESE_QUARANTINED, keys)
        items = [(row[0], stored.quarantined(row[1:])) for row in rows]
        return Page(items=items, next=cursors.encode_vector(_moved(vector, keys)) if more else None)

    async def _keys(self, question: str, vector: Sequence[int], limit: int) -> tuple[list[Key], bool]:
        """The next rows behind a vector, in order; and whether there are more."""
        found: list[Key] = []
        a_partition = FEWEST_KEYS + limit // ROWS_A_KEY
        while True:
            behind = _moved(vector, found)
            rows = await self._questions.ask(question, self._parts, behind, a_partition)
            keys, complete = woven(rows, a_partition)
            found += keys
            if complete or len(found) > limit:
                return found[:limit], len(found) > limit

    async def _rows(self, question: str, keys: Sequence[Key]) -> Rows:
        if not keys:
            return []
        _, parts, numbers = zip(*keys, strict=True)
        return await self._questions.ask(question, parts, numbers)

    def _vector(self, cursor: str) -> list[int]:
        if cursor == FROM_THE_END:
            return [0] * len(self._parts)
        try:
            return cursors.decode_vector(cursor, len(self._parts))
        except ValueError:
            raise CursorError from None

    async def behind(self, decision: str) -> str | None:
        """The cursor behind a decision: as it was shown lately, else by the time at which it was stored."""
        for place, shown in enumerate(self._shown):
            if decision in shown.ids:
                # Who asks for it will ask again: it is kept longest.
                del self._shown[place]
                self._shown.append(shown)
                return cursors.encode_vector(shown.behind(decision))
        found = await self._questions.ask(_PLACE, decision)
        if not found:
            return None
        part, number, stored_ms = found[0]
        vector = [0] * len(self._parts)
        for each, before in await self._questions.ask(_VECTOR, stored_ms - OVERLAP_MS):
            vector[each] = before
        vector[part] = number
        return cursors.encode_vector(vector)

    # -- newest first

    async def newest(self, *, before: str, limit: int) -> Page[Decision]:
        """Decisions of all accounts, newest first."""
        place = _FIRST_PLACE if before == FROM_THE_END else _place(before, len(_FIRST_PLACE))
        rows = await self._questions.ask(_NEWEST, *place, limit + 1)
        items = [stored.decision(columns) for _, _, *columns in rows[:limit]]
        if len(rows) <= limit:
            return Page(items=items, next=None)
        part, stored_ms, *_ = rows[limit - 1]
        return Page(items=items, next=cursors.encode_place((stored_ms, part, items[-1].number)))

    async def last_audits(self, account: str, limit: int, *, before: str = FROM_THE_END) -> Page[Audit]:
        """What was last done to an account (or, "", to none) outside of decisions, newest first."""
        (below,) = (NEWEST,) if before == FROM_THE_END else _place(before, 1)
        values = (account, below, limit + 1)
        if account:
            rows = await self._questions.ask(_OWN_AUDITS, partition_of(account), *values)
        else:
            rows = await self._questions.ask(_ALL_AUDITS, self._parts, *values)
        items = [stored.audited(row) for row in rows[:limit]]
        return Page(items=items, next=cursors.encode_place([items[-1].number]) if len(rows) > limit else None)

    # -- of one account

    def _reader(self, account: str) -> tuple[Reader, int]:
        part = partition_of(account)
        return Reader(self._questions, part), part

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        """The newest decisions of an account, newest first."""
        return await self._reader(account)[0].last_decisions(account, limit)

    def ledger(self, account: str, *, from_ms: int | None, to_ms: int | None) -> AsyncIterator[Sequence[LedgerLine]]:
        """The account's lines with from <= at < to, ordered by (at, number), in pages: never all in memory."""
        return self._reader(account)[0].ledger(account, from_ms, to_ms)

    async def ledger_sums(self, account: str, *, from_ms: int | None, to_ms: int | None) -> list[LedgerSum]:
        """The account's lines with from <= at < to, added up by kind, class of call and method of payment."""
        return await self._reader(account)[0].ledger_sums(account, from_ms, to_ms)

    async def billing_entries(self, account: str, *, kinds: Sequence[str], limit: int) -> list[BillingEntry]:
        """Billing messages of these types that were taken for the account, newest first, with their payloads."""
        return await self._reader(account)[0].billing_entries(account, kinds, limit)


def woven(rows: Rows, a_partition: int) -> tuple[list[Key], bool]:
    """Rows of (partition, number, what to order by), so many of each partition at most, as one sequence.

    False: it ends before all that there is, because of some partition there may be more.
    """
    keys: list[Key] = []
    ends: list[Key] = []
    part, count, highest = -1, 0, 0
    for in_part, number, order in rows:
        if in_part != part:
            part, count, highest = in_part, 0, order
        count += 1
        highest = max(highest, order)
        keys.append((highest, part, number))
        if count == a_partition:
            ends.append(keys[-1])
    keys.sort()
    if not ends:
        return keys, True
    end = min(ends)
    return [key for key in keys if key <= end], False


def _moved(vector: Sequence[int], keys: Sequence[Key]) -> list[int]:
    """The vector behind these rows, which lie behind it in order."""
    moved = list(vector)
    for _, part, number in keys:
        moved[part] = number
    return moved


def _place(cursor: str, count: int) -> list[int]:
    try:
        return cursors.decode_place(cursor, count)
    except ValueError:
        raise CursorError from None
