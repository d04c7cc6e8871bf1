"""What is written beside the batches, in small transactions of their own: webhooks' progress, deleting old details.

Each is fenced like a batch: it shares the lock of the partition's row, which must bear our claim, so whoever has taken
the partition over is not disturbed by what we still had in mind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.committer import Tenure
from guard.adapters.postgres.failures import Unstorable, explain
from guard.ports import FencedError, StoreError

WRITE_LIMIT_S = 10.0

_OURS = "SELECT 1 FROM part WHERE part = $1 AND epoch = $2 AND token = $3 FOR SHARE"

T = TypeVar("T")


class Beside:
    """One connection for all partitions of this process; one transaction after the other."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._connection: Any = None
        self._turn = asyncio.Lock()
        self._closed = False

    async def write(self, tenure: Tenure, work: Callable[[Any], Awaitable[T]], *, synced: bool) -> T:
        """Do something in a transaction of its own; one that is not `synced` may be undone by the server's death."""
        async with self._turn:
            if self._closed:
                raise StoreError(f"{self._address.shown}: the store is closed")
            try:
                async with asyncio.timeout(WRITE_LIMIT_S):
                    return await self._write(tenure, work, synced=synced)
            except Unstorable as error:
                self._let_go()
                raise explain(error, self._address.shown) from error
            except asyncio.CancelledError:
                self._let_go()
                raise

    async def _write(self, tenure: Tenure, work: Callable[[Any], Awaitable[T]], *, synced: bool) -> T:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._address.connect()
        async with self._connection.transaction():
            if not synced:
                await self._connection.execute("SET LOCAL synchronous_commit = off")
            if await self._connection.fetchval(_OURS, tenure.part, tenure.epoch, tenure.token) is None:
                raise FencedError(f"{self._address.shown}: another guard has taken over partition {tenure.part}")
            return await work(self._connection)

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        self._let_go()
