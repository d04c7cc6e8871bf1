"""What is written beside the batches, in small transactions of their own: webhooks' progress, deleting old details.

Each is fenced like a batch: it shares the lock of the partition's row, which must bear our claim, so whoever has taken
the partition over is not disturbed by what we still had in mind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.committer import Tenure
from guard.adapters.postgres.lone import Lone
from guard.ports import FencedError, StoreError

WRITE_LIMIT_S = 10.0

_OURS = "SELECT 1 FROM part WHERE part = $1 AND epoch = $2 AND token = $3 FOR SHARE"

T = TypeVar("T")


class Beside:
    """One connection for all partitions of this process; one transaction after the other."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._lone = Lone(self._connect, shown=address.shown, limit_s=WRITE_LIMIT_S)
        self._closed = False

    async def write(self, tenure: Tenure, work: Callable[[Any], Awaitable[T]], *, synced: bool) -> T:
        """Do something in a transaction of its own; one that is not `synced` may be undone by the server's death."""

        async def fenced(connection: Any) -> T:
            async with connection.transaction():
                if not synced:
                    await connection.execute("SET LOCAL synchronous_commit = off")
                if await connection.fetchval(_OURS, tenure.part, tenure.epoch, tenure.token) is None:
                    raise FencedError(f"{self._address.shown}: another guard has taken over partition {tenure.part}")
                return await work(connection)

        return await self._lone.ask(fenced)

    async def _connect(self) -> Any:
        if self._closed:
            raise StoreError(f"{self._address.shown}: the store is closed")
        return await self._address.connect()

    def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        self._lone.close()
