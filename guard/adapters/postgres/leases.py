"""Leases of partitions, by the database's clock (`guard.ports.cluster.Leases`).

A lease is a row; whoever finds it expired may take it, and with it the partition's next epoch, in one transaction. From
then on a commit under the old epoch is refused (`committer`): leases only say who should try, the epoch is the fence.
With the epoch goes a token that is drawn by chance: a database that was put back as of an earlier moment gives an epoch
a second time, and its first owner may live.

The last owner may have been stopped in the middle of a transaction, frozen or cut off, and then its session holds the
very row that has the epoch. Who takes over and finds such a row locked ends the sessions of its last owner first, if
that has renewed nothing within the length of a lease: one that lives and has lost a part of what it held ends its
transaction by itself, and goes on with the rest. An owner that lives after all connects again and finds out. Where no
row is locked nobody's sessions are ended: after the database was away everybody looks dead for a moment.

A claim is synced, a renewal is not: one that the server's death undoes ends a lease sooner, and nobody should lose
leases because a busy disk is slow to say that a row was renewed. It is one statement for all partitions of a worker.
Where a replica has to agree, both wait for it: a primary that was replaced and lives on must not go on renewing, or its
workers would believe that they hold what others decide for.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from guard.adapters.postgres.address import PostgresAddress, session_name
from guard.adapters.postgres.lone import Lone
from guard.ports.cluster import Claim, Held, Member, Position, Seen

LEASE_MS = 2_000
ASK_LIMIT_S = 5.0
TOKEN_BITS = 63
"""Of a BIGINT that is not negative."""

_FREE = """
SELECT part, owner FROM lease WHERE lease_until <= clock_timestamp() ORDER BY part LIMIT $1 FOR UPDATE SKIP LOCKED"""
_TAKE = """
UPDATE lease SET owner = $1, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
WHERE part = ANY($2::smallint[])"""
_NEXT_EPOCH = """
UPDATE part SET epoch = epoch + 1, batch = 0, token = $2 WHERE part = ANY($1::smallint[])
RETURNING part, epoch, position, position_at_ns"""
_UNLOCKED = "SELECT part FROM part WHERE part = ANY($1::smallint[]) FOR UPDATE SKIP LOCKED"
_LIVE = """
SELECT id FROM worker WHERE id = ANY($1::text[]) AND seen > clock_timestamp() - $2 * interval '1 millisecond'"""
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = ANY($1::text[])
  AND pid <> pg_backend_pid()"""
_RENEW = """
WITH member AS (
  INSERT INTO worker (id, url, seen, reads) VALUES ($1, $6, clock_timestamp(), $7)
  ON CONFLICT (id) DO UPDATE SET url = excluded.url, seen = excluded.seen, reads = excluded.reads
)
UPDATE lease SET lease_until = clock_timestamp() + $4 * interval '1 millisecond'
FROM unnest($2::smallint[], $3::bigint[], $5::bigint[]) AS mine (part, epoch, token)
  JOIN part USING (part, epoch, token)
WHERE lease.part = mine.part AND lease.owner = $1 RETURNING lease.part"""
_RELEASE = """
UPDATE lease SET owner = '', lease_until = '-infinity' WHERE owner = $1 AND part = ANY($2::smallint[])"""
_LEAVE = "DELETE FROM worker WHERE id = $1"
_AGO = "(extract(epoch FROM clock_timestamp() - seen) * 1000)::bigint"
_MEMBERS = f"SELECT id, url, reads, {_AGO} FROM worker WHERE {_AGO} <= $1 ORDER BY id"  # noqa: S608 -- constants
_UNSYNCED_IF_ALONE = """
SELECT set_config('synchronous_commit', 'off', false) WHERE current_setting('synchronous_standby_names') = ''"""
_PARTITIONS = """
SELECT part, owner, epoch, position, position_at_ns, CASE WHEN owner = '' THEN 0
  ELSE (extract(epoch FROM lease_until - clock_timestamp()) * 1000)::bigint END
FROM part JOIN lease USING (part) ORDER BY part"""


class PostgresLeases:
    """Asks on a connection of its own, one question after the other; a commit holds it up as little as it does one."""

    def __init__(self, address: PostgresAddress, lease_ms: int = LEASE_MS) -> None:
        self.lease_ms = lease_ms
        self._address = address
        self._lone = Lone(self._connect, shown=address.shown, limit_s=ASK_LIMIT_S)

    async def claim(self, worker: str, want: int) -> list[Claim]:
        """Take up to so many partitions that nobody holds, each under its next epoch."""

        async def ask(connection: Any) -> list[Claim]:
            async with connection.transaction():
                await connection.execute("SET LOCAL synchronous_commit TO DEFAULT")
                free = await connection.fetch(_FREE, want)
                if not free:
                    return []
                parts = [part for part, _ in free]
                await connection.execute(_TAKE, worker, parts, self.lease_ms)
                unlocked = {part for (part,) in await connection.fetch(_UNLOCKED, parts)}
                last = {owner for part, owner in free if part not in unlocked} - {"", worker}
                if last:
                    live = {owner for (owner,) in await connection.fetch(_LIVE, list(last), self.lease_ms)}
                    await connection.execute(_END_SESSIONS, [session_name(owner) for owner in last - live])
                token = secrets.randbits(TOKEN_BITS)
                rows = await connection.fetch(_NEXT_EPOCH, parts, token)
            return [
                Claim(part=part, epoch=epoch, position=Position(*read), token=token)
                for part, epoch, *read in sorted(rows)
            ]

        return await self._lone.ask(ask)

    async def renew(self, member: Member, claims: Sequence[Claim]) -> set[int]:
        """Say that the worker lives, and renew these; those of them that are still its own."""
        parts, epochs = [claim.part for claim in claims], [claim.epoch for claim in claims]
        tokens = [claim.token for claim in claims]
        renewal = (member.id, parts, epochs, self.lease_ms, tokens, member.url, int(member.reads))
        rows: list[Any] = await self._lone.ask(lambda connection: connection.fetch(_RENEW, *renewal))
        return {row[0] for row in rows}

    async def release(self, worker: str, claims: Sequence[Claim]) -> None:
        """Give these up, if they are still its own: they may be claimed at once."""
        parts = [claim.part for claim in claims]
        await self._lone.ask(lambda connection: connection.execute(_RELEASE, worker, parts))

    async def leave(self, worker: str) -> None:
        """The worker goes."""
        await self._lone.ask(lambda connection: connection.execute(_LEAVE, worker))

    async def members(self) -> list[Seen]:
        """The workers that have renewed within the last lease, in the order of their ids."""
        rows: list[Any] = await self._lone.ask(lambda connection: connection.fetch(_MEMBERS, self.lease_ms))
        return [
            Seen(member=Member(id=id_, url=url, reads=bool(reads)), ago_ms=ago_ms) for id_, url, reads, ago_ms in rows
        ]

    async def partitions(self) -> list[Held]:
        """All partitions, in the order of their numbers."""
        rows: list[Any] = await self._lone.ask(lambda connection: connection.fetch(_PARTITIONS))
        return [
            Held(part=part, owner=owner, epoch=epoch, position=Position(*position), left_ms=left_ms)
            for part, owner, epoch, *position, left_ms in rows
        ]

    def close(self) -> None:
        """Let go of the connection."""
        self._lone.close()

    async def _connect(self) -> Any:
        connection = await self._address.connect()
        await connection.execute(_UNSYNCED_IF_ALONE)
        return connection
