"""The reading side: what HTTP asks and the ledger in pages, on connections of their own.

Readers neither wait for the writer nor hold it up. Every question is one short statement; nothing keeps a transaction
open between two of them. A stream of ledger lines fixes the last number when it begins: as lines are never removed or
renumbered, and nothing of their money is ever changed, all its pages together are one picture.

Sums are made in NUMERIC, which has no end, and are integers again here.

**Which server answers.** After a failover a connection may still lead to the old server, or to one that lags behind.
What people are shown may be old; the one sum that becomes money (`posted_since`) may not, so its answer says whether
that server has what we have committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.committer import Tenure
from guard.adapters.postgres.failures import Unstorable, explain
from guard.adapters.postgres.tables import selection
from guard.core.decisions import Audit, BillingEntry, Decision, LedgerLine, Quarantined
from guard.core.statement import LedgerSum
from guard.ports import StoreError
from guard.wire import stored

PAGE_LINES = 500
"""Ledger lines at a time: 1.3 ms of the event loop to make records of them."""

MAX_ROWS = 10_000
"""Rows that one question gets at most, whatever it asks for."""

CONNECTIONS = 4
"""More questions than that wait for each other."""

READ_LIMIT_S = 30.0
"""A question that takes longer is given up, by us and by the server itself."""

_LEAST, _MOST = -(2**63), 2**63 - 1

Rows = list[tuple[Any, ...]]

_POSTED_SINCE = """
SELECT (SELECT (epoch, batch) >= ($4::bigint, $5::bigint) FROM part WHERE part = $1),
  coalesce(sum(amount_micros), 0)::text
FROM ledger WHERE part = $1 AND account = $2 AND at_ms > $3"""

_DECISIONS = selection("decisions", stored.DECISIONS_COLUMNS)
_AUDIT = selection("audit", (*stored.AUDIT_COLUMNS, "number"))
_BILLING = selection("billing", stored.BILLING_COLUMNS)
_QUARANTINE = selection("quarantine", ("number", *stored.QUARANTINE_COLUMNS))

_LAST_LINE = "SELECT coalesce(max(number), 0) FROM ledger WHERE part = $1"

_PAGE = f"""
{selection("ledger", stored.LEDGER_COLUMNS)}
WHERE part = $1 AND account = $2 AND (at_ms, number) > ($3, $4) AND at_ms < $5 AND number <= $6
ORDER BY at_ms, number LIMIT $7"""

_SUMS = """
SELECT kind, kind_of_call, method, count(*), sum(amount_micros)::text,
  sum(coalesce(gross_micros, CASE WHEN kind IN ('call', 'lost', 'correction') THEN amount_micros ELSE 0 END))::text,
  sum(duration_ms)::text, sum(billed_s)::text, sum(covered_s)::text
FROM ledger WHERE part = $1 AND account = $2 AND at_ms >= $3 AND at_ms < $4
GROUP BY kind, kind_of_call, method ORDER BY kind COLLATE "C", kind_of_call COLLATE "C", method COLLATE "C\""""


class Questions:
    """Connections for questions, to any partition; made as they are needed."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._idle: list[Any] = []
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._closed = False

    async def ask(self, question: str, *values: object) -> Rows:
        """All rows of one question; `StoreError` when there is no answer."""
        return await self.work(lambda connection: connection.fetch(question, *values))

    async def ask_within(self, limit_s: int, too_long: StoreError, question: str, *values: object) -> Rows:
        """The same for a question that may have to look at very much; `too_long` when the server has given it up."""

        async def work(connection: Any) -> Any:
            async with connection.transaction(readonly=True):
                await connection.execute(f"SET LOCAL statement_timeout = '{limit_s}s'")
                return await connection.fetch(question, *values)

        try:
            return await self.work(work)
        except StoreError as error:
            if isinstance(error.__cause__, asyncpg.QueryCanceledError):
                raise too_long from error
            raise

    async def work(self, work: Callable[[Any], Awaitable[Any]]) -> Rows:
        """The rows that come of some work on a connection."""
        async with self._free:
            connection = await self._connection()
            try:
                async with asyncio.timeout(READ_LIMIT_S):
                    rows = await work(connection)
            except asyncpg.PostgresError as error:
                self._put_back(connection)
                raise explain(error, self._address.shown) from error
            except Unstorable as error:
                connection.terminate()
                raise explain(error, self._address.shown) from error
            except asyncio.CancelledError:
                connection.terminate()
                raise
            self._put_back(connection)
            return [tuple(row) for row in rows]

    async def _connection(self) -> Any:
        if self._closed:
            raise StoreError(f"{self._address.shown}: the store is closed")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        connection = await self._address.connect(limit_s=READ_LIMIT_S)
        await connection.execute(f"SET statement_timeout = '{READ_LIMIT_S:.0f}s'")
        return connection

    def outdated(self) -> StoreError:
        """A server does not have what was committed: the next questions go to one that is asked for anew."""
        self._let_go()
        return StoreError(
            f"{self._address.shown}: another server than the one that commits has answered; name the primary"
        )

    def _put_back(self, connection: Any) -> None:
        if self._closed:
            connection.terminate()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Let go of all connections."""
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        while self._idle:
            self._idle.pop().terminate()


class Reader:
    """Questions about one partition."""

    def __init__(self, questions: Questions, part: int) -> None:
        self._questions = questions
        self._part = part

    async def ask(self, question: str, *values: object) -> Rows:
        """All rows of a question whose first parameter is the partition."""
        return await self._questions.ask(question, self._part, *values)

    async def posted_since(self, account: str, after_ms: int, tenure: Tenure) -> int:
        """Sum in micros of the account's ledger lines with `at` later than `after_ms`, all that is ours among them."""
        ((complete, posted),) = await self.ask(_POSTED_SINCE, account, after_ms, tenure.epoch, tenure.batch)
        if not complete:
            raise self._questions.outdated()
        return int(posted)

    async def decisions(self, account: str | None, after: int, limit: int) -> list[Decision]:
        """Decisions with a number above `after`, oldest first."""
        where = "WHERE part = $1 AND number > $2 AND ($4::text IS NULL OR account = $4) ORDER BY number LIMIT $3"
        return _decisions(await self.ask(f"{_DECISIONS} {where}", after, _bounded(limit), account))

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        """The newest decisions of an account, newest first."""
        where = "WHERE part = $1 AND account = $2 ORDER BY number DESC LIMIT $3"
        return _decisions(await self.ask(f"{_DECISIONS} {where}", account, _bounded(limit)))

    async def last_audits(self, account: str, limit: int, before: int) -> list[Audit]:
        """What was last done to an account outside of decisions, newest first."""
        where = "WHERE part = $1 AND account = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
        rows = await self.ask(f"{_AUDIT} {where}", account, before, _bounded(limit))
        return [stored.audited(row) for row in rows]

    async def billing_entries(self, account: str, kinds: Sequence[str], limit: int) -> list[BillingEntry]:
        """Billing messages of these types that were taken for the account, newest first, with their payloads."""
        where = "WHERE part = $1 AND account = $2 AND type = ANY($3::text[]) ORDER BY number DESC LIMIT $4"
        rows = await self.ask(f"{_BILLING} {where}", account, [*kinds], _bounded(limit))
        return [stored.billing_entry(row) for row in rows]

    async def quarantined(self, after: int, limit: int) -> list[tuple[int, Quarantined]]:
        """Reports held back, oldest first, with their row numbers."""
        where = "WHERE part = $1 AND number > $2 ORDER BY number LIMIT $3"
        rows = await self.ask(f"{_QUARANTINE} {where}", after, _bounded(limit))
        return [(row[0], stored.quarantined(row[1:])) for row in rows]

    async def ledger(self, account: str, from_ms: int | None, to_ms: int | None) -> AsyncIterator[Sequence[LedgerLine]]:
        """The account's lines with from <= at < to, ordered by (at, number), in pages."""
        last = (await self.ask(_LAST_LINE))[0][0]
        at_ms, number = (_LEAST if from_ms is None else from_ms), 0
        end_ms = _MOST if to_ms is None else to_ms
        while True:
            rows = await self.ask(_PAGE, account, at_ms, number, end_ms, last, PAGE_LINES)
            page = [stored.ledger_line(row) for row in rows]
            if page:
                yield page
            if len(page) < PAGE_LINES:
                return
            at_ms, number = page[-1].at_ms, page[-1].number

    async def ledger_sums(self, account: str, from_ms: int | None, to_ms: int | None) -> list[LedgerSum]:
        """The account's lines with from <= at < to, added up by kind, class of call and method of payment."""
        span = (_LEAST if from_ms is None else from_ms, _MOST if to_ms is None else to_ms)
        return [_sum(row) for row in await self.ask(_SUMS, account, *span)]


def _sum(row: tuple[Any, ...]) -> LedgerSum:
    kind, kind_of_call, method, *figures = row
    return stored.ledger_sum(kind, kind_of_call, method, [*map(int, figures)])


def _bounded(limit: int) -> int:
    return max(0, min(limit, MAX_ROWS))


def _decisions(rows: Sequence[tuple[Any, ...]]) -> list[Decision]:
    return [stored.decision(row) for row in rows]
