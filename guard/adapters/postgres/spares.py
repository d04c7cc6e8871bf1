"""Connections for restoring, kept for a moment: a worker that takes over restores many partitions one after the other.

To connect and to have eight statements planned costs the server more than to read a partition with a few hundred
accounts. So a connection that has served is kept for the next, and when nobody has come for `KEPT_S` all are let go: a
cluster of many workers must not fill the server with sessions that wait for a failure.

Whoever fails on one of them takes all that are kept along. They may lead to a server that is the primary no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from guard.adapters.postgres.address import PostgresAddress

KEPT_S = 5.0


class Spares:
    """Of one database."""

    def __init__(self, address: PostgresAddress, limit_s: float) -> None:
        """`limit_s`: what one statement may take."""
        self._address = address
        self._limit_s = limit_s
        self._kept: list[Any] = []
        self._letting_go: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Any]:
        """A connection for the block; `StoreError` when there is none to be had."""
        self._stay()
        connection = self._taken() or await self._address.connect(limit_s=self._limit_s)
        try:
            yield connection
        except BaseException:
            connection.terminate()
            self.close()
            raise
        self._kept.append(connection)
        self._stay()
        self._letting_go = asyncio.get_running_loop().call_later(KEPT_S, self.close)

    def close(self) -> None:
        """Let go of all that are kept."""
        self._stay()
        while self._kept:
            self._kept.pop().terminate()

    def _taken(self) -> Any:
        """One that is kept and still open."""
        while self._kept:
            connection = self._kept.pop()
            if not connection.is_closed():
                return connection
        return None

    def _stay(self) -> None:
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None
