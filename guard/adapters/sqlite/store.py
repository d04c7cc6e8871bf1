"""`guard.ports.Store` made of the writer and the reader, and the one way to open and close it.

Opening: take the lock, open the file on the writer's thread (which refuses what is not ours and reads the journal),
open the reader. Closing, in the reverse order: the reader, so that nobody holds the WAL; then the writer, which saves
what it can within a limit; then the lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from guard.adapters.sqlite.batch import Batch
from guard.adapters.sqlite.details import OldDetails
from guard.adapters.sqlite.keeper import Keeper
from guard.adapters.sqlite.outbox import SqliteOutbox
from guard.adapters.sqlite.ownership import owned, real
from guard.adapters.sqlite.reader import Reader, open_reader
from guard.adapters.sqlite.writer import Writer
from guard.core.decisions import NEWEST, Audit, BillingEntry, Changes, Decision, LedgerLine, Quarantined
from guard.core.restored import Restored
from guard.core.statement import LedgerSum

BUSY_TIMEOUT_MS = 5_000
"""Patience with another process that holds the write lock, before a commit fails."""

SAVING_LIMIT_S = 10.0
"""Time to save at the end; what is not saved then is read from the journal at the start."""

CLOSING_LIMIT_S = 5.0
"""Time after that to finish the step at hand and close the file."""

T = TypeVar("T")


class SqliteStore:
    """A store in one SQLite file. Made by `open_store`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self.outbox = SqliteOutbox(writer, reader)

    def old_details(self, *, now_ms: int, keep_ms: int | None) -> OldDetails:
        """A run through the store that deletes call details older than that; None: only of accounts to be forgotten."""
        return OldDetails(self._writer, now_ms, keep_ms)

    async def restore(self) -> Restored:
        """The whole state as of the last commit."""
        return await asyncio.wrap_future(self._writer.submit(Keeper.restore))

    async def commit(self, changes: Changes) -> None:
        """Write a batch whole or not at all; durable when this returns.

        `StoreError`: it is not known to be durable; commit the same again. If this is cancelled the batch may or may
        not become durable, and committing the same again is safe as well.
        """
        if not changes:
            return
        batch = Batch.of(changes)
        attempt = await asyncio.wrap_future(self._writer.submit(lambda keeper: keeper.commit(batch)))
        attempt.heard = True

    async def published(self, decision_number: int) -> None:
        """Note that all decisions up to this number have reached the broker (may be lost in a crash)."""
        self._writer.submit(lambda keeper: keeper.published(decision_number))

    async def posted_since(self, account: str, after_ms: int) -> int:
        """Sum in micros of the account's ledger lines with `at` later than `after_ms`."""
        return await self._reader.posted_since(account, after_ms)

    async def decisions(self, *, account: str | None, after: int, limit: int) -> list[Decision]:
        """Decisions with a number above `after`, oldest first; at most 10,000."""
        return await self._reader.decisions(account, after, limit)

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        """The newest decisions of an account, newest first; at most 10,000."""
        return await self._reader.last_decisions(account, limit)

    async def last_audits(self, account: str, limit: int, *, before: int = NEWEST) -> list[Audit]:
        """What was last done to an account outside of decisions, newest first; at most 10,000."""
        return await self._reader.last_audits(account, limit, before)

    def ledger(self, account: str, *, from_ms: int | None, to_ms: int | None) -> AsyncIterator[Sequence[LedgerLine]]:
        """The account's lines with from <= at < to, ordered by (at, number), in pages: never all in memory."""
        return self._reader.ledger(account, from_ms, to_ms)

    async def ledger_sums(self, account: str, *, from_ms: int | None, to_ms: int | None) -> list[LedgerSum]:
        """The account's lines with from <= at < to, added up by kind, class of call and method of payment."""
        return await self._reader.ledger_sums(account, from_ms, to_ms)

    async def billing_entries(self, account: str, *, kinds: Sequence[str], limit: int) -> list[BillingEntry]:
        """Billing messages of these types that were taken for the account, newest first; at most 10,000."""
        return await self._reader.billing_entries(account, kinds, limit)

    async def quarantined(self, *, after: int, limit: int) -> list[tuple[int, Quarantined]]:
        """Reports held back, oldest first, with their row numbers; at most 10,000."""
        return await self._reader.quarantined(after, limit)


@asynccontextmanager
async def open_store(path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> AsyncIterator[SqliteStore]:
    """Open a store, made if it is not there, and own it until the end of the block.

    `StoreError` when another guard owns it, when the file is not a store, was written by a newer guard, is damaged or
    cannot be written.
    """
    path = real(path)
    with owned(path):
        writer = Writer(path, busy_timeout_ms)
        try:
            await asyncio.wrap_future(writer.open())
            async with open_reader(path, busy_timeout_ms) as reader:
                yield SqliteStore(writer, reader)
        finally:
            await _close(writer)


async def _close(writer: Writer) -> None:
    """Save and close, within the two limits."""
    closed = writer.close()
    if not await _ends(closed, SAVING_LIMIT_S):
        writer.hurry()
        if not await _ends(closed, CLOSING_LIMIT_S):
            # A disk that does not answer. The process is ending, and that ends the thread like any crash.
            return
    writer.join()


async def _ends(future: Future[T], limit_s: float) -> bool:
    done, _ = await asyncio.wait([asyncio.wrap_future(future)], timeout=limit_s)
    return bool(done)
