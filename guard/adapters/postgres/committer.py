"""The one who writes: commits what the partitions of this process hand in, all that is there in one transaction.

**Group commit without a timer.** While one transaction is being committed the next gathers: a batch of each partition
that has one. What a commit costs beside its rows (round trips, the sync of the server's log) is shared.

**The fence.** A transaction begins with one conditional UPDATE: each partition's row must still bear our epoch, the
token of our claim and the number of the batch that we committed last. A partition whose row does not is *fenced*:
somebody else has taken it over. Its batch is left out, its caller gets a `FencedError`, and the others commit. The rows
that the UPDATE found stay locked to the end, so who takes a partition over waits for the transaction in hand, or ends
it (`leases`).

**A commit that fails** leaves nothing: the same batch may be handed in again. When the connection breaks while COMMIT
is on its way nobody can know whether the batch is in the database; the same holds for a caller that was cancelled while
it waited. Therefore batches are numbered, and the last one that nobody has been told about is kept: the same batch
again is recognised, and when the number in the database says that it is there, that is all there is to do. A batch
without rows, which notes a position, has no number: it may be there or not, and any other may follow it.

A batch that the database refuses must not hold up those of other partitions: one transaction with several that is
refused is made again, each by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from guard.adapters.postgres import tables
from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.batch import Batch, together
from guard.adapters.postgres.failures import HAS_NUL, Unstorable, explain
from guard.ports import FencedError, StoreError
from guard.ports.cluster import Position

COMMIT_LIMIT_S = 10.0
"""Patience with the server for a whole transaction; then the connection is given up."""

NOTE_LIMIT_S = 2.0
"""At the end: what is not noted is published again."""

PRUNED_ROWS = 1_000
"""Calls that are too old to be remembered, deleted with a commit."""

KEPT_ROWS = 100_000
"""Reports in quarantine and notices that are kept."""

_FENCE = """
UPDATE part SET batch = part.batch + new.counts, position = new.position,
  position_at_ns = new.position_at_ns,
  published = greatest(part.published, new.published),
  forgotten_before_ms = greatest(part.forgotten_before_ms, new.forgotten_before_ms)
FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[],
  $8::bigint[], $9::bigint[])
  AS new (part, epoch, batch, position, published, forgotten_before_ms, counts, position_at_ns, token)
WHERE part.part = new.part AND part.epoch = new.epoch AND part.token = new.token AND part.batch = new.batch
RETURNING part.part"""

_TENURE = "UPDATE part SET batch = batch WHERE part = $1 RETURNING epoch, token, batch"
"""It changes nothing and writes all the same: once it is committed, whatever was committed before is as durable."""

_FORGET = """
DELETE FROM remembered WHERE part = $1 AND number IN (
  SELECT number FROM remembered WHERE part = $1
    AND newest_at_ms < (SELECT forgotten_before_ms FROM part WHERE part = $1) LIMIT $2)"""

_PRUNE = "DELETE FROM {table} WHERE part = $1 AND number <= (SELECT max(number) FROM {table} WHERE part = $1) - $2"
_PRUNE_QUARANTINE = _PRUNE.format(table=tables.QUARANTINE.name)
_PRUNE_NOTICES = _PRUNE.format(table=tables.NOTICES.name)

_PUBLISHED = "UPDATE part SET published = greatest(published, $3) WHERE part = $1 AND epoch = $2 AND token = $4"


@dataclass(slots=True)
class Tenure:
    """A partition that is ours, until its epoch is over."""

    part: int
    epoch: int
    position: Position
    """Of the last batch that is known to be in the database."""
    token: int = 0
    """Of our claim: no other has it."""
    batch: int = 0
    """Its number, counted from the beginning of the epoch."""
    published: int = 0
    forgetting: bool = False
    """There may be calls that are too old to be remembered."""
    unheard: Attempt | None = None
    """The last attempt, as long as its caller has not heard what became of it."""


@dataclass(slots=True, eq=False)
class Attempt:
    """A batch handed in, until its caller has heard what became of it."""

    tenure: Tenure
    batch: Batch
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    doubtful: bool = False
    """COMMIT was on its way when it failed."""


class Committer:
    """Commits batches. `run` is its task; it ends when it is cancelled."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._connection: Any = None
        self._waiting: list[Attempt] = []
        self._asked = asyncio.Event()
        self._closed = False
        self.fenced = 0
        """Plain counter: commits that were refused because the partition was no longer ours."""

    # -- what callers use

    async def commit(self, tenure: Tenure, batch: Batch) -> None:
        """Durable when this returns; `StoreError`: not known to be, commit the same again; `FencedError`: never."""
        if self._closed:
            raise StoreError(f"{self._address.shown}: the store is closed")
        known = tenure.unheard
        if known is not None and known.batch == batch:
            attempt = known
            if attempt.done.done() and (attempt.done.cancelled() or attempt.done.exception() is not None):
                attempt.done = asyncio.get_running_loop().create_future()
                self._hand_in(attempt)
        else:
            attempt = tenure.unheard = Attempt(tenure, batch)
            self._hand_in(attempt)
        await asyncio.shield(attempt.done)
        if tenure.unheard is attempt:
            tenure.unheard = None

    def _hand_in(self, attempt: Attempt) -> None:
        # Nobody may be left to hear of a failure, and that is no mistake.
        attempt.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting.append(attempt)
        self._asked.set()

    async def note_published(self, tenures: Sequence[Tenure]) -> None:
        """Write down how far decisions have been published, at the end."""
        try:
            async with asyncio.timeout(NOTE_LIMIT_S):
                connection = await self._connected()
                for tenure in tenures:
                    await connection.execute(_PUBLISHED, tenure.part, tenure.epoch, tenure.published, tenure.token)
        except (*Unstorable, StoreError):
            self.close()

    # -- its task

    async def run(self) -> None:
        """Commit until cancelled; what is in hand or still waits then gets a `StoreError`."""
        taken: list[Attempt] = []
        try:
            while True:
                await self._asked.wait()
                self._asked.clear()
                while taken := self._take():
                    await self._commit_all(taken)
        finally:
            self._closed = True
            for attempt in (*taken, *self._waiting):
                _tell(attempt, StoreError(f"{self._address.shown}: the store is closed"))

    def close(self) -> None:
        """Let go of the connection, and with it of a transaction that has failed: the server undoes it."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _take(self) -> list[Attempt]:
        """The first batch of each partition."""
        taken: dict[int, Attempt] = {}
        later: list[Attempt] = []
        for attempt in self._waiting:
            if attempt.tenure.part in taken:
                later.append(attempt)
            else:
                taken[attempt.tenure.part] = attempt
        self._waiting = later
        return list(taken.values())

    async def _commit_all(self, attempts: list[Attempt]) -> None:
        """Commit them together; if that is refused for what one of them holds, each by itself."""
        try:
            await self._commit_some(attempts)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, OverflowError, UnicodeError) as error:
            self.close()
            if len(attempts) > 1:
                for attempt in attempts:
                    await self._commit_all([attempt])
            elif getattr(error, "sqlstate", "") == HAS_NUL:
                await self._commit_cleaned(attempts[0])
            else:
                _tell(attempts[0], explain(error, self._address.shown))
        except Exception as error:  # noqa: BLE001 -- boundary: whatever it was, those who wait hear of it
            self._failed(attempts, error)

    async def _commit_cleaned(self, attempt: Attempt) -> None:
        """Commit what can be kept of it in its place."""
        batch, attempt.batch = attempt.batch, attempt.batch.cleaned()
        try:
            await self._commit_some([attempt])
        except Exception as error:  # noqa: BLE001 -- boundary: as above
            self._failed([attempt], error)
        finally:
            attempt.batch = batch

    def _failed(self, attempts: Sequence[Attempt], error: Exception) -> None:
        self.close()
        for attempt in attempts:
            _tell(attempt, error if isinstance(error, StoreError) else explain(error, self._address.shown))

    async def _commit_some(self, attempts: list[Attempt]) -> None:
        async with asyncio.timeout(COMMIT_LIMIT_S):
            connection = await self._connected()
            transaction = connection.transaction()
            await transaction.start()
            held = await self._fence(connection, attempts)
            ours = [attempt for attempt in attempts if attempt.tenure.part in held]
            await self._write(connection, ours)
            for attempt in ours:
                # From here on the batch may be in the database, whatever we hear.
                attempt.doubtful = True
            await transaction.commit()
            for attempt in ours:
                _taken(attempt)
            for attempt in attempts:
                if attempt.tenure.part not in held:
                    await self._judge(connection, attempt)

    @staticmethod
    async def _fence(connection: Any, attempts: list[Attempt]) -> set[int]:
        """The partitions that are still ours; their rows are locked from here to the end of the transaction."""
        columns = [
            (
                *(each.part, each.epoch, each.batch, batch.position.sequence, each.published),
                *(batch.forgotten_before_ms, batch.counts, batch.position.at_ns, each.token),
            )
            for each, batch in ((attempt.tenure, attempt.batch) for attempt in attempts)
        ]
        return {row[0] for row in await connection.fetch(_FENCE, *zip(*columns, strict=True))}

    @staticmethod
    async def _write(connection: Any, attempts: list[Attempt]) -> None:
        for table, rows in together(attempt.batch for attempt in attempts):
            await table.write(connection, rows)
        for attempt in attempts:
            part, batch = attempt.tenure.part, attempt.batch
            attempt.tenure.forgetting |= bool(batch.forgotten_before_ms)
            if attempt.tenure.forgetting:
                deleted = await connection.execute(_FORGET, part, PRUNED_ROWS)
                attempt.tenure.forgetting = deleted == f"DELETE {PRUNED_ROWS}"
            if tables.QUARANTINE in batch.rows:
                await connection.execute(_PRUNE_QUARANTINE, part, KEPT_ROWS)
            if tables.NOTICES in batch.rows:
                await connection.execute(_PRUNE_NOTICES, part, KEPT_ROWS)

    async def _judge(self, connection: Any, attempt: Attempt) -> None:
        """Its row is not as we left it: our own last attempt reached it after all, or somebody else has it.

        To find that attempt there is not enough. A server that waits for its replica shows what it has not told it.
        """
        tenure = attempt.tenure
        row = await connection.fetchrow(_TENURE, tenure.part)
        epoch, token, number = (-1, -1, -1) if row is None else row
        ours = (epoch, token) == (tenure.epoch, tenure.token)
        if ours and attempt.doubtful and number == tenure.batch + 1:
            _taken(attempt)
            return
        if ours:
            words = "a batch whose commit failed has reached the database after all; restart guard"
            _tell(attempt, StoreError(f"{self._address.shown}: {words}"))
            return
        self.fenced += 1
        _tell(
            attempt,
            FencedError(
                f"{self._address.shown}: another guard has taken over (epoch {epoch} of partition {tenure.part}, ours "
                f"was {tenure.epoch}); nothing of what came since has been stored by this one, and it decides no more"
            ),
        )

    async def _connected(self) -> Any:
        """The connection, with its temporary tables; whoever fails with it closes it."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._address.connect()
            for table in tables.REPLACED_IN_BULK:
                await self._connection.execute(table.beside)
        return self._connection


def _taken(attempt: Attempt) -> None:
    attempt.doubtful = False
    attempt.tenure.batch += attempt.batch.counts
    attempt.tenure.position = attempt.batch.position
    if not attempt.done.done():
        attempt.done.set_result(None)


def _tell(attempt: Attempt, error: Exception) -> None:
    if not attempt.done.done():
        attempt.done.set_exception(error)
