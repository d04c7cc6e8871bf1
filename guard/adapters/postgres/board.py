"""Where workers tell of themselves (`guard.ports.archive.Board`): a row each, replaced every second or so.

On a connection of its own and in a table of its own, so that no renewal of a lease ever waits for it. It is not synced:
what is lost in a crash of the server is told again a second later. What a worker told that has not renewed within a
lease is not shown, because its partitions are somebody else's by now.
"""

from __future__ import annotations

import asyncio
from typing import Any

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.failures import Unstorable, explain
from guard.adapters.postgres.reader import Questions
from guard.ports import StoreError
from guard.ports.archive import Telling, Tellings

TELL_LIMIT_S = 2.0

_TELL = """
INSERT INTO told VALUES ($1, clock_timestamp(), $2)
ON CONFLICT (worker) DO UPDATE SET at = excluded.at, picture = excluded.picture"""
_CLEAR = "DELETE FROM told WHERE at < clock_timestamp() - interval '1 minute'"
_TOLD = """
SELECT worker.id, coalesce(told.picture, ''),
  coalesce((extract(epoch FROM clock_timestamp() - told.at) * 1000)::bigint, 0)
FROM worker LEFT JOIN told ON told.worker = worker.id
WHERE worker.seen > clock_timestamp() - $1 * interval '1 millisecond' ORDER BY worker.id"""
_UNOWNED = "SELECT part FROM lease WHERE lease_until <= clock_timestamp() ORDER BY part"


class PostgresBoard:
    """Written on one connection, read like everything that nodes ask."""

    def __init__(self, address: PostgresAddress, questions: Questions, lease_ms: int) -> None:
        self._address = address
        self._questions = questions
        self._lease_ms = lease_ms
        self._connection: Any = None

    async def tell(self, worker: str, picture: bytes) -> None:
        """Put it in place of what it told before; one at a time."""
        try:
            async with asyncio.timeout(TELL_LIMIT_S):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._address.connect()
                    await self._connection.execute("SET synchronous_commit = off")
                    await self._connection.execute(_CLEAR)
                await self._connection.execute(_TELL, worker, picture)
        except (*Unstorable, StoreError) as error:
            self.close()
            raise error if isinstance(error, StoreError) else explain(error, self._address.shown) from error
        except asyncio.CancelledError:
            self.close()
            raise

    async def told(self) -> Tellings:
        """What the workers told that live, and which partitions nobody holds."""
        rows = await self._questions.ask(_TOLD, self._lease_ms)
        unowned = await self._questions.ask(_UNOWNED)
        return Tellings(
            workers=[Telling(worker=worker, picture=picture, ago_ms=ago_ms) for worker, picture, ago_ms in rows],
            unowned=[part for (part,) in unowned],
        )

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
