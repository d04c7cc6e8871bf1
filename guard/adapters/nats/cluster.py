"""The log and the bus of a cluster over one connection: what `guard ingest` and `guard worker` open.

**Names of entries.** JetStream stores an entry of a name that it knows no second time, and answers as if it had. But a
leader that has lost its followers also remembers the names of what it could not store, and then refuses the same entry
as "in process" until it forgets them, after minutes. An entry that is there twice does no harm and one that waits does,
so a name counts for so long only (`IN_PROCESS_S`, `NAMED_S`); it says itself when it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import structlog

from guard.adapters.nats.api import Api, LogAwayError, LogRefusedError
from guard.adapters.nats.beside import beside
from guard.adapters.nats.bus import NatsBus
from guard.adapters.nats.connection import Connection
from guard.adapters.nats.options import LogOptions
from guard.adapters.nats.reader import PartitionReader, ReadingFigures
from guard.adapters.nats.streams import Streams
from guard.core.partitions import PARTITIONS
from guard.ports.cluster import Position
from guard.wire.log import encode_entry

NAME_HEADER: Final = "Nats-Msg-Id"
IN_PROCESS_S: Final = 4.0
"""What is in process is stored within milliseconds, or never."""
NAMED_S: Final = 20.0
"""Above the time in which a stream finds itself another leader."""
_IN_PROCESS: Final = 409

MS_PER_S: Final = 1_000


class NatsLog:
    """A `guard.ports.cluster.Log`."""

    def __init__(self, connection: Connection, api: Api, streams: Streams, now_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._api = api
        self._streams = streams
        self._now_ms = now_ms
        self._own = secrets.token_hex(6)
        self._numbers = itertools.count(1)
        self.reading = ReadingFigures()
        self._subjects = [connection.options.subject(part) for part in range(PARTITIONS)]
        self.failures = 0
        """Plain counter: appends that were not acknowledged."""
        self._reason = ""
        self._log = structlog.get_logger(__name__).bind(log=connection.options.prefix)

    @contextlib.asynccontextmanager
    async def read(self, part: int, after: Position) -> AsyncIterator[PartitionReader]:
        """Read a partition behind a position while the block runs."""
        reader = PartitionReader(self._connection, self._api, self._streams, part, after, self.reading)
        async with beside(reader.run(), f"log of partition {part}"):
            yield reader

    def name(self) -> str:
        """A name for one entry: of this process, the moment, and counted."""
        return f"{self._own}.{next(self._numbers):x}.{_now_ms():x}"

    async def append(self, part: int, messages: Sequence[tuple[str, bytes]], *, name: str = "") -> bool:
        """Add an entry; whether it is durable."""
        return await self.append_entry(part, encode_entry(self._now_ms(), messages), name or self.name())

    async def append_entry(self, part: int, entry: bytes, name: str = "") -> bool:
        """Add an encoded entry; whether JetStream has acknowledged it. Never raises for a log that is away.

        Under its name an entry is stored once, also when the first copy arrives after the second, from a server that
        slept. Without a name each is an entry of its own.
        """
        try:
            await self._give(self._subjects[part], entry, name)
        except (LogAwayError, LogRefusedError) as error:
            self.failures += 1
            self._note(str(error))
            return False
        if self._reason:
            self._note("")
        return True

    async def _give(self, subject: str, entry: bytes, name: str) -> None:
        age_ms = _now_ms() - int(name.rpartition(".")[2], 16) if name else 0
        if name and age_ms < NAMED_S * MS_PER_S:
            try:
                await self._api.ask(subject, entry, {NAME_HEADER: name})
            except LogRefusedError as refused:
                if refused.code != _IN_PROCESS or age_ms < IN_PROCESS_S * MS_PER_S:
                    raise
            else:
                return
        await self._api.ask(subject, entry)

    def _note(self, reason: str) -> None:
        """Log why nothing can be appended: once for each new reason, and when it is over."""
        if reason == self._reason:
            return
        self._reason = reason
        if reason:
            self._log.warning("log-append-failed", reason=reason)
        else:
            self._log.info("log-append-resumed")


def _now_ms() -> int:
    """Of the event loop."""
    return int(asyncio.get_running_loop().time() * MS_PER_S)


class ClusterLog:
    """Log and bus of one cluster, and whether they are there."""

    def __init__(self, options: LogOptions, now_ms: Callable[[], int]) -> None:
        self.connection = Connection(options)
        api = Api(self.connection)
        self.streams = Streams(self.connection, api)
        self.log = NatsLog(self.connection, api, self.streams, now_ms)
        self.bus = NatsBus(self.connection)
        self._ensured = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether something can be sent now."""
        return self.connection.connected

    def missing(self) -> str:
        """What is not there, in words; empty: all is."""
        if not self.connected:
            reason = self.connection.reason
            return f"not connected to NATS: {reason}" if reason else "not connected to NATS"
        return "" if self._ensured.is_set() else "the streams of the log are not there yet"

    async def run(self) -> None:
        """Keep all of it up until cancelled; `LogLayoutError` when the log cannot be used as it is."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.connection.run(), name="nats")
            tasks.create_task(self.bus.run(), name="bus")
            await self.streams.ensure()
            self._ensured.set()


@contextlib.asynccontextmanager
async def open_cluster_log(options: LogOptions, now_ms: Callable[[], int]) -> AsyncIterator[ClusterLog]:
    """Open it for as long as the block runs. Does not wait for NATS; `LogAddressError` when a file cannot be used.

    A log that cannot be used as it is ends the block with an `ExceptionGroup` of `LogLayoutError`.
    """
    cluster = ClusterLog(options, now_ms)
    async with beside(cluster.run(), "cluster log"):
        yield cluster
