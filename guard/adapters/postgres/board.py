"""Where workers tell of themselves (`guard.ports.archive.Board`): a row each, replaced every second or so.

On a connection of its own and in a table of its own, so that no renewal of a lease ever waits for it, and it waits for
nobody's search. It is not synced: what is lost in a crash of the server is told again a second later. What a worker
told that has not renewed within a lease is not shown, because its partitions are somebody else's by now.
"""

from __future__ import annotations

from typing import Any

from guard.adapters.postgres.address import PostgresAddress
from guard.adapters.postgres.lone import Lone
from guard.ports.archive import Telling, Tellings

ASK_LIMIT_S = 2.0

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
    """Asks and tells on one connection, one after the other."""

    def __init__(self, address: PostgresAddress, lease_ms: int) -> None:
        self._address = address
        self._lease_ms = lease_ms
        self._lone = Lone(self._connect, shown=address.shown, limit_s=ASK_LIMIT_S)

    async def tell(self, worker: str, picture: bytes) -> None:
        """Put it in place of what it told before."""
        await self._lone.ask(lambda connection: connection.execute(_TELL, worker, picture))

    async def told(self) -> Tellings:
        """What the workers told that live, and which partitions nobody holds."""
        rows: list[Any] = await self._lone.ask(lambda connection: connection.fetch(_TOLD, self._lease_ms))
        unowned: list[Any] = await self._lone.ask(lambda connection: connection.fetch(_UNOWNED))
        return Tellings(
            workers=[Telling(worker=worker, picture=picture, ago_ms=ago_ms) for worker, picture, ago_ms in rows],
            unowned=[part for (part,) in unowned],
        )

    async def _connect(self) -> Any:
        connection = await self._address.connect()
        await connection.execute("SET synchronous_commit = off")
        await connection.execute(_CLEAR)
        return connection

    def close(self) -> None:
        """Let go of the connection."""
        self._lone.close()
