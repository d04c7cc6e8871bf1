"""`guard.ports.Store` made of the committer and the reader, for each partition that is ours; and how all is opened.

Opening: bring the schema up to date, start the committer. Each claim then gets its store (`partition`). Closing, in the
reverse order: the committer's task, then every connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.archive import PostgresArchive
from guard.adapters.postgres.batch import Batch
from guard.adapters.postgres.beside import Beside
from guard.adapters.postgres.board import PostgresBoard
from guard.adapters.postgres.committer import Committer, Tenure
from guard.adapters.postgres.details import OldDetails, PostgresDetails
from guard.adapters.postgres.failures import Unstorable, explain
from guard.adapters.postgres.leases import LEASE_MS, PostgresLeases
from guard.adapters.postgres.outbox import PostgresOutbox
from guard.adapters.postgres.reader import Questions, Reader
from guard.adapters.postgres.restoring import restore
from guard.adapters.postgres.schema import prepare
from guard.adapters.postgres.spares import Spares
from guard.core.decisions import NEWEST, Audit, BillingEntry, Changes, Decision, LedgerLine, Quarantined
from guard.core.restored import Restored
from guard.core.statement import LedgerSum
from guard.ports import StoreError
from guard.ports.cluster import Claim

_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"""

_FIRST_LOG = "UPDATE layout SET log = $1 WHERE log = '' RETURNING log"

RESTORE_LIMIT_S = 600.0
"""One statement of a restore, of the largest table."""


class PostgresStore:
    """The store of one partition under one claim. `FencedError` from whatever writes once the claim is over."""

    def __init__(self, owner: Postgres, tenure: Tenure) -> None:
        self._owner = owner
        self._tenure = tenure
        self._reader = Reader(owner.questions, tenure.part)
        self.position = tenure.position
        """What the next commit says has been taken from the log."""
        self.outbox = PostgresOutbox(tenure, owner.beside, self._reader)

    def old_details(self, *, now_ms: int, keep_ms: int | None) -> OldDetails:
        """A run through the store that deletes call details older than that; None: only of accounts to be forgotten."""
        return PostgresDetails(self._tenure, self._owner.beside).old_details(now_ms=now_ms, keep_ms=keep_ms)

    async def restore(self) -> Restored:
        """The whole state as of the last commit."""
        shown = self._owner.address.shown
        try:
            async with self._owner.spares.lent() as connection:
                return await restore(connection, self._tenure, shown)
        except Unstorable as error:
            raise explain(error, shown) from error

    async def commit(self, changes: Changes) -> None:
        """Write a batch whole or not at all; durable when this returns.

        `StoreError`: it is not known to be durable; commit the same again. If this is cancelled the batch may or may
        not become durable, and committing the same again is safe as well. Without changes only the position is noted.
        """
        position = self.position
        if not changes and position == self._tenure.position:
            return
        try:
            batch = Batch.of(self._tenure.part, changes, position)
        except (OverflowError, UnicodeError) as error:
            raise explain(error, self._owner.address.shown) from error
        await self._owner.committer.commit(self._tenure, batch)

    async def published(self, decision_number: int) -> None:
        """Note that all decisions up to this number have reached the broker: written with the next batch."""
        self._tenure.published = max(self._tenure.published, decision_number)

    async def posted_since(self, account: str, after_ms: int) -> int:
        """Sum in micros of the account's ledger lines with `at` later than `after_ms`."""
        return await self._reader.posted_since(account, after_ms, self._tenure)

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


class Postgres:
    """One database, as one process uses it. Made by `open_postgres`."""

    def __init__(self, address: PostgresAddress, parts: int, lease_ms: int) -> None:
        self.address = address
        self.leases = PostgresLeases(address, lease_ms)
        self.committer = Committer(address)
        self.questions = Questions(address)
        self.beside = Beside(address)
        self.spares = Spares(address, RESTORE_LIMIT_S)
        # People who look at pages have connections of their own, so that webhooks and restores never wait for them.
        self._looking = Questions(address)
        self.archive = PostgresArchive(self._looking, parts)
        self.board = PostgresBoard(address, lease_ms)
        self._tenures: dict[int, Tenure] = {}

    def partition(self, claim: Claim) -> PostgresStore:
        """The store of that partition under that claim."""
        tenure = Tenure(claim.part, claim.epoch, claim.position, token=claim.token)
        self._tenures[claim.part] = tenure
        return PostgresStore(self, tenure)

    def details(self, claim: Claim) -> PostgresDetails:
        """Where that partition keeps call details, for whoever deletes them beside its store."""
        return PostgresDetails(Tenure(claim.part, claim.epoch, claim.position, token=claim.token), self.beside)

    async def keep_to(self, log: str) -> None:
        """From now on positions are places in that log, by its prefix; `StoreError` when they are in another one."""
        await self._looking.ask(_FIRST_LOG, log)
        ((known,),) = await self._looking.ask("SELECT log FROM layout")
        if known != log:
            raise StoreError(
                f"{self.address.shown}: is read from the log of the prefix {known}, not {log}; set [log] prefix as the "
                "other workers have it, or guard.layout.log if all of them are to read another one"
            )

    async def room(self) -> tuple[int, int | None]:
        """Bytes that its tables take, with their indexes; nobody here knows how much is left."""
        ((size_bytes,),) = await self._looking.ask(_SIZE)
        return int(size_bytes), None

    async def close(self) -> None:
        """Write down what is only noted, and let go of every connection."""
        published = [tenure for tenure in self._tenures.values() if tenure.published]
        if published:
            await self.committer.note_published(published)
        self.committer.close()
        self.beside.close()
        self.questions.close()
        self.spares.close()
        self.board.close()
        self._looking.close()
        self.leases.close()


@asynccontextmanager
async def open_postgres(
    address: PostgresAddress, *, parts: int = 1, lease_ms: int = LEASE_MS
) -> AsyncIterator[Postgres]:
    """Open a database, made a store if it is empty; whoever wants to write claims a partition of it, for `lease_ms`.

    `StoreError` when it cannot be reached, was written by a newer guard, or has another number of partitions.
    """
    await prepare(address, parts)
    postgres = Postgres(address, parts, lease_ms)
    committing = asyncio.create_task(postgres.committer.run(), name="committer")
    try:
        yield postgres
    finally:
        committing.cancel()
        with suppress(asyncio.CancelledError):
            await committing
        await postgres.close()
