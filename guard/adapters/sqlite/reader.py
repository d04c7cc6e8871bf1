"""The reading side: what HTTP asks and the ledger in pages, on a read-only connection of its own.

Readers of a WAL file neither wait for the writer nor hold it up, and a read sees everything that was committed before
it began. Every question is one short statement through `aiosqlite`; nothing keeps a read transaction open between two
of them, because that would keep the WAL from being emptied.

**The ledger** is found by its directory (`ledger_place`), which lags behind by a generation. Lines above the mark
`placed` are found by reading the tail of the ledger itself, at most some hundred thousand rows. A stream fixes both the
mark and the last line when it begins; as lines are never removed or renumbered, and nothing of their money is ever
changed, all its pages together are one picture, although each is a read of its own. Sums are made in portions in the
same way (`sums`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from guard.adapters.sqlite import schema, sums, tables
from guard.adapters.sqlite.failures import Unstorable, explain
from guard.core.decisions import Audit, BillingEntry, Decision, LedgerLine, Quarantined
from guard.core.statement import LedgerSum
from guard.ports import StoreError
from guard.wire import stored

PAGE_LINES = 500
"""Ledger lines at a time: 1.3 ms of the event loop to make records of them."""

MAX_ROWS = 10_000
"""Rows that one question gets at most, whatever it asks for."""

READ_LIMIT_S = 30.0
"""A question that takes longer is given up."""

_LEAST, _MOST = -(2**63), 2**63 - 1

_PLACED = "(SELECT value FROM meta WHERE name = 'placed')"

_SPAN = f"""
SELECT placed, last, EXISTS (SELECT 1 FROM ledger WHERE number > placed AND account = :account) FROM (
  SELECT {_PLACED} AS placed, (SELECT ifnull(max(number), 0) FROM ledger) AS last
)"""  # noqa: S608 -- constants

_PAGE_OF_DIRECTORY = f"""
SELECT {tables.LEDGER_COLUMNS} FROM ledger_place AS place CROSS JOIN ledger AS line ON line.number = place.number
WHERE place.account = :account AND (place.at_ms, place.number) > (:at_ms, :number) AND place.at_ms < :to_ms
  AND place.number <= :placed
ORDER BY place.at_ms, place.number LIMIT :limit"""  # noqa: S608 -- constants

_PAGE_OF_BOTH = f"""
SELECT * FROM ({_PAGE_OF_DIRECTORY})
UNION ALL
SELECT * FROM (
  SELECT {tables.LEDGER_COLUMNS} FROM ledger AS line
  WHERE line.number > :placed AND line.number <= :last AND line.account = :account
    AND (line.at_ms, line.number) > (:at_ms, :number) AND line.at_ms < :to_ms
  ORDER BY line.at_ms, line.number LIMIT :limit
)
ORDER BY 3, 1 LIMIT :limit"""  # noqa: S608 -- constants

_OF_KINDS = "type IN (SELECT value FROM json_each(:kinds))"

_POSTED_SINCE = f"""
SELECT ifnull((
  SELECT sum(line.amount_micros) FROM ledger_place AS place CROSS JOIN ledger AS line ON line.number = place.number
  WHERE place.account = :account AND place.at_ms > :after_ms AND place.number <= {_PLACED}
), 0) + ifnull((
  SELECT sum(amount_micros) FROM ledger WHERE number > {_PLACED} AND account = :account AND at_ms > :after_ms
), 0)"""  # noqa: S608 -- constants


class Reader:
    """Questions to a store. One connection, one question after the other."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    async def posted_since(self, account: str, after_ms: int) -> int:
        """Sum in micros of the account's ledger lines with `at` later than `after_ms`."""
        rows = await self.ask(_POSTED_SINCE, {"account": account, "after_ms": after_ms})
        return int(rows[0][0])

    async def decisions(self, account: str | None, after: int, limit: int) -> list[Decision]:
        """Decisions with a number above `after`, oldest first."""
        where = "WHERE number > :after" if account is None else "WHERE account = :account AND number > :after"
        values = {"account": account, "after": after, "limit": _bounded(limit)}
        return _decisions(await self.ask(f"{tables.SELECT_DECISIONS} {where} ORDER BY number LIMIT :limit", values))

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        """The newest decisions of an account, newest first."""
        values = {"account": account, "limit": _bounded(limit)}
        question = f"{tables.SELECT_DECISIONS} WHERE account = :account ORDER BY number DESC LIMIT :limit"
        return _decisions(await self.ask(question, values))

    async def last_audits(self, account: str, limit: int, before: int) -> list[Audit]:
        """What was last done to an account outside of decisions, newest first."""
        values = {"account": account, "limit": _bounded(limit), "before": before}
        where = "WHERE account = :account AND number < :before"
        rows = await self.ask(f"{tables.SELECT_AUDIT} {where} ORDER BY number DESC LIMIT :limit", values)
        return [stored.audited(row) for row in rows]

    async def billing_entries(self, account: str, kinds: Sequence[str], limit: int) -> list[BillingEntry]:
        """Billing messages of these types that were taken for the account, newest first, with their payloads."""
        values = {"account": account, "kinds": json.dumps([*kinds]), "limit": _bounded(limit)}
        rows = await self.ask(
            f"{tables.SELECT_BILLING_WITH_PAYLOAD} WHERE account = :account AND {_OF_KINDS} "
            "ORDER BY number DESC LIMIT :limit",
            values,
        )
        return [stored.billing_entry(row) for row in rows]

    async def quarantined(self, after: int, limit: int) -> list[tuple[int, Quarantined]]:
        """Reports held back, oldest first, with their row numbers."""
        values = {"after": after, "limit": _bounded(limit)}
        rows = await self.ask(f"{tables.SELECT_QUARANTINE} WHERE number > :after ORDER BY number LIMIT :limit", values)
        return [(row[0], stored.quarantined(row[1:])) for row in rows]

    async def ledger(self, account: str, from_ms: int | None, to_ms: int | None) -> AsyncIterator[Sequence[LedgerLine]]:
        """The account's lines with from <= at < to, ordered by (at, number), in pages."""
        placed, last, beyond = (await self.ask(_SPAN, {"account": account}))[0]
        question = _PAGE_OF_BOTH if beyond else _PAGE_OF_DIRECTORY
        values = {
            "account": account,
            "at_ms": _LEAST if from_ms is None else from_ms,
            "number": 0,
            "to_ms": _MOST if to_ms is None else to_ms,
            "placed": placed,
            "last": last,
            "limit": PAGE_LINES,
        }
        while True:
            page = [stored.ledger_line(row) for row in await self.ask(question, values)]
            if page:
                yield page
            if len(page) < PAGE_LINES:
                return
            values["at_ms"], values["number"] = page[-1].at_ms, page[-1].number

    async def ledger_sums(self, account: str, from_ms: int | None, to_ms: int | None) -> list[LedgerSum]:
        """The account's lines with from <= at < to, added up by kind, class of call and method of payment."""
        placed, last, beyond = (await self.ask(_SPAN, {"account": account}))[0]
        from_ms = _LEAST if from_ms is None else from_ms
        to_ms = _MOST if to_ms is None else to_ms
        total = sums.Sums()
        place = (from_ms, 0)
        while place < (to_ms, 0):
            after = {"account": account, "at_ms": place[0], "number": place[1], "to_ms": to_ms}
            ends = await self.ask(sums.END_OF_PORTION, {**after, "lines": sums.PORTION_LINES})
            place = ends[0] if ends else (to_ms, 0)
            until = {"end_ms": place[0], "end": place[1], "placed": placed}
            total.add(await self.ask(sums.PORTION_OF_DIRECTORY, {**after, **until}))
        if beyond:
            for first in range(placed + 1, last + 1, sums.PORTION_LINES):
                span = {"first": first, "last": min(first + sums.PORTION_LINES - 1, last)}
                times = {"from_ms": from_ms, "to_ms": to_ms}
                total.add(await self.ask(sums.PORTION_OF_TAIL, {"account": account, **span, **times}))
        return total.result()

    async def ask(self, question: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """All rows of one question; `StoreError` when there is no answer."""
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                rows: Iterable[Any] = await self._connection.execute_fetchall(question, values)
        except TimeoutError as error:
            raise StoreError(
                f"{self._path}: no answer within {READ_LIMIT_S:.0f} s; ask for less, or look at the disk"
            ) from error
        except UnicodeError as error:
            raise explain(error, self._path) from error
        except ValueError as error:
            # aiosqlite's way of saying so.
            raise StoreError(f"{self._path}: the store is closed") from error
        except Unstorable as error:
            raise explain(error, self._path) from error
        return list(rows)


@asynccontextmanager
async def open_reader(path: Path, busy_timeout_ms: int) -> AsyncIterator[Reader]:
    """A reader of a store that exists."""
    try:
        connection = await aiosqlite.connect(
            schema.reading(path), uri=True, isolation_level=None, timeout=busy_timeout_ms / 1_000
        )
    except Unstorable as error:
        raise explain(error, path) from error
    try:
        yield Reader(connection, path)
    finally:
        await connection.close()


def _bounded(limit: int) -> int:
    return max(0, min(limit, MAX_ROWS))


def _decisions(rows: Iterable[tuple[Any, ...]]) -> list[Decision]:
    return [stored.decision(row) for row in rows]
