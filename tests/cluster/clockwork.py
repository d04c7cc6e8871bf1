"""A cluster in one process, under a clock that moves only when all wait: `tests.replayed.clockwork` for 256 loops.

Real are the ingest, the workers, NATS, PostgreSQL and what they say to each other; leases run by the real clock. What
is replayed is the time of the money: the time at which an ingest receives, and by which each partition's loop decides.
It stands still until an input has gone all the way: acknowledged by the ingest, so in the log; read by its
partitions; decided and committed, so that all loops wait again; and what they said on the bus has arrived, snapshots
put together and answered, because the switch of a daemon answers them at once. Only then it goes on, to the next
input or the next moment for which a loop has asked to be woken.

Heartbeats of ingests are left out, for they come by the real time: no partition takes itself for cut off here. Nor does
a loop turn when its engine has not asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from guard.adapters.mqtt import SessionOptions
from guard.adapters.nats.bus import OUT, NatsBus, Relay
from guard.adapters.nats.cluster import NatsLog
from guard.app.ingest import run_ingest
from guard.app.worker import run_worker
from guard.config import Config
from guard.core.engine import Engine
from guard.core.partitions import PARTITIONS
from guard.core.settings import DAY_MS
from guard.ports import Message
from guard.ports.cluster import Entry as LogEntry
from guard.ports.cluster import Log, Reader
from guard.shell.clock import SystemClock
from guard.shell.cluster.composers import Composers
from guard.shell.cluster.partition import Surroundings
from guard.wire.log import decode_entry
from tests.replayed.clockwork import Clockwork, InMemory
from tests.replayed.twin import Entry

PATIENCE_S = 60.0
BUS_TAKES_S = 2.0
"""What nobody has heard by then, nobody was there to hear."""
PIECES = "piece."
COMPOSING_TAKES_S = 5.0
COMPOSERS_WAIT_MS = 20
"""For pieces that may come by themselves: by the real time, and there are hundreds of snapshots in a day."""
LOOP = "partition "
"""What the task of a partition's loop is called, before its number."""


class AtIngest(InMemory):
    """A session of the ingest without a broker; what it has acknowledged is in the log."""

    connected = True

    def __init__(self, options: SessionOptions, clockwork: ClusterClockwork) -> None:
        super().__init__(options, clockwork)
        self._cluster = clockwork

    def arrive(self, topic: str, payload: bytes) -> None:
        """A message comes in."""
        self._cluster.on_their_way += 1
        super().arrive(topic, payload)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """All parts of these are in the log."""
        self._cluster.on_their_way -= len(messages)
        self._cluster.changed.set()


class _Waiting:
    """A loop that waits."""

    def __init__(self, event: asyncio.Event, until_ms: int) -> None:
        self.event = event
        self.until_ms = until_ms
        self.over = asyncio.Event()


class ClusterClockwork(Clockwork[InMemory]):
    """The schedule, the time, and all that waits for it."""

    def __init__(self, entries: Sequence[Entry], start_ms: int, end_ms: int) -> None:
        super().__init__(entries, start_ms, end_ms)
        self.changed = asyncio.Event()
        self.on_their_way = 0
        """Messages that the ingest has and the log has not, and appends that are not answered."""
        self.unread = 0
        """Messages in the log that their partition has not drained."""
        self._loops: dict[str, _Waiting] = {}
        self._on_the_bus = 0
        """Commands, decisions and pieces of snapshots that are said and not heard."""
        self._given_up: asyncio.TimerHandle | None = None
        self.composers: list[Composers] = []
        self._composing_since_s: float | None = None

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        """Of a loop: until something arrives, or the time has come. Anybody else waits by the real time."""
        task = asyncio.current_task()
        name = "" if task is None else task.get_name()
        if not name.startswith(LOOP):
            with suppress(TimeoutError):
                async with asyncio.timeout(ms / 1_000):
                    await event.wait()
            return
        waiting = self._loops[name] = _Waiting(event, self._now_ms + ms)
        self.changed.set()
        arrived = asyncio.create_task(event.wait(), name="arrived")
        over = asyncio.create_task(waiting.over.wait(), name="over")
        try:
            await asyncio.wait((arrived, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrived.cancel()
            over.cancel()
            if self._loops.get(name) is waiting:
                del self._loops[name]

    # -- the bus

    def said(self) -> None:
        """Something was handed to the bus. Whoever it is for may just be leaving: it is not waited for without end."""
        self._on_the_bus += 1
        if self._given_up is not None:
            self._given_up.cancel()
        self._given_up = asyncio.get_running_loop().call_later(BUS_TAKES_S, self._give_up)

    def _give_up(self) -> None:
        self._on_the_bus = 0
        self.changed.set()

    def taken(self) -> None:
        """It has arrived, and what it leads to has been said."""
        self._on_the_bus = max(0, self._on_the_bus - 1)
        self.changed.set()

    def _is_composing(self) -> bool:
        """Whether a snapshot is being put together or answered; one that will never be whole is not waited for."""
        busy = any(
            each._answering or any(not one.at_rest for home in each._of.values() for one in home.values())
            for each in self.composers
        )
        now_s = asyncio.get_running_loop().time()
        if not busy:
            self._composing_since_s = None
            return False
        if self._composing_since_s is None:
            self._composing_since_s = now_s
            asyncio.get_running_loop().call_later(COMPOSING_TAKES_S, self.changed.set)
        return now_s - self._composing_since_s < COMPOSING_TAKES_S

    # -- time

    async def play(self, stop_at: int) -> None:
        """From where it stands up to a place in the schedule; at the end of the schedule up to its last moment."""
        await self.all_wait()
        while self.position < stop_at:
            entry = self.entries[self.position]
            await self._pass_to(entry.at_ms)
            self.position += 1
            self.sessions[entry.way].arrive(entry.topic, entry.payload)
            await self.all_wait()
        if stop_at == len(self.entries):
            await self._pass_to(self.end_ms)

    async def _pass_to(self, at_ms: int) -> None:
        while (next_ms := min(each.until_ms for each in self._loops.values())) < at_ms:
            self._now_ms = max(self._now_ms, next_ms)
            for each in self._loops.values():
                if each.until_ms <= next_ms:
                    each.over.set()
            await self.all_wait()
        self._now_ms = max(self._now_ms, at_ms)

    async def all_wait(self) -> None:
        """Until every input has gone all the way."""
        async with asyncio.timeout(PATIENCE_S):
            while not self._is_quiet():
                self.changed.clear()
                await self.changed.wait()

    def _is_quiet(self) -> bool:
        return (
            not self.on_their_way
            and not self.unread
            and not self._on_the_bus
            and not self._is_composing()
            and len(self._loops) == PARTITIONS
            and not any(each.event.is_set() or each.over.is_set() for each in self._loops.values())
        )


class _Counted:
    """A reader; what is drained from it has been read."""

    def __init__(self, reader: Reader, clockwork: ClusterClockwork) -> None:
        self._reader = reader
        self._clockwork = clockwork

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "on_arrival":
            self._reader.on_arrival = value
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def drain(self, limit: int) -> list[LogEntry]:
        """Up to so many entries."""
        entries = self._reader.drain(limit)
        self._clockwork.unread -= sum(len(entry.messages) for entry in entries)
        return entries


class _CountedLog:
    """The log; what it hands out is counted."""

    def __init__(self, log: Log, clockwork: ClusterClockwork) -> None:
        self._log = log
        self._clockwork = clockwork

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    @asynccontextmanager
    async def read(self, *place: Any) -> AsyncIterator[_Counted]:
        """A partition behind a position."""
        async with self._log.read(*place) as reader:
            yield _Counted(reader, self._clockwork)


@contextmanager
def _bus_counted(clockwork: ClusterClockwork) -> Iterator[None]:
    """What is said on the bus is known to be on its way."""
    hand_over, listen, take, advance = NatsBus._hand_over, NatsBus.listen, Relay._take, Composers.advance

    def handing_over(bus: NatsBus, subject: str, payload: bytes, outcome: asyncio.Future[bool] | None) -> bool:
        handed = hand_over(bus, subject, payload, outcome)
        if handed and (subject == OUT or subject.startswith(PIECES)):
            clockwork.said()
        return handed

    def listening(bus: NatsBus, subject: str, hear: Callable[[bytes], None]) -> AbstractAsyncContextManager[None]:
        def hearing(payload: bytes) -> None:
            hear(payload)
            if subject.startswith(PIECES):
                clockwork.taken()

        return listen(bus, subject, hearing)

    def composing(composers: Composers) -> bool:
        if composers not in clockwork.composers:
            clockwork.composers.append(composers)
        busy = advance(composers)
        clockwork.changed.set()
        return busy

    async def taking(relay: Relay, message: Any, tasks: asyncio.TaskGroup) -> None:
        await take(relay, message, tasks)
        clockwork.taken()

    with (
        patch.object(NatsBus, "_hand_over", handing_over),
        patch.object(NatsBus, "listen", listening),
        patch.object(Relay, "_take", taking),
        patch.object(Composers, "advance", composing),
        patch("guard.core.composer.ASK_AFTER_MS", COMPOSERS_WAIT_MS),
        patch("guard.core.composer.ASK_EVERY_MS", COMPOSERS_WAIT_MS),
        patch("guard.shell.cluster.composers.LOOK_EVERY_MS", COMPOSERS_WAIT_MS),
    ):
        yield


@contextmanager
def under(clockwork: ClusterClockwork) -> Iterator[None]:
    """What ingest and worker make for themselves, replaced: the clock, the broker; and what is counted."""
    append = NatsLog.append_entry

    async def counted(log: NatsLog, part: int, entry: bytes, *more: Any, **named: Any) -> bool:
        clockwork.on_their_way += 1
        clockwork.unread += (messages := len(decode_entry(entry).messages))
        stored = False
        try:
            stored = await append(log, part, entry, *more, **named)
        finally:
            clockwork.on_their_way -= 1
            clockwork.unread -= 0 if stored else messages
            clockwork.changed.set()
        return stored

    class Receiving(SystemClock):
        """The ingest's."""

        def now_ms(self) -> int:
            return clockwork.now_ms()

    def around(**parts: Any) -> Surroundings:
        log = _CountedLog(parts.pop("log"), clockwork)
        return Surroundings(**parts | {"clock": clockwork, "since_boot": lambda: ("", 0)}, log=log)

    def engine(settings: Any, scopes: Any, _now_ms: int, **more: Any) -> Engine:
        return Engine(settings, scopes, clockwork.now_ms(), **more)

    with (
        _bus_counted(clockwork),
        patch("guard.adapters.nats.cluster.NatsLog.append_entry", counted),
        patch("guard.app.ingest.SystemClock", Receiving),
        patch("guard.app.ingest.Session", lambda options, _now_ms: AtIngest(options, clockwork)),
        patch("guard.app.worker.Surroundings", around),
        patch("guard.app.worker.Engine", engine),
        patch("guard.shell.ingest.BEAT_EVERY_MS", DAY_MS),
        patch("guard.shell.cluster.partition.DEAF_AFTER_MS", 1_000 * DAY_MS),
        patch("guard.shell.loop.BOUNDED_WAIT_MS", 1_000 * DAY_MS),
    ):
        yield


@asynccontextmanager
async def running(work: Callable[[Callable[[str], None]], Any]) -> AsyncIterator[None]:
    """An ingest or a worker, from when it is ready; then stopped as SIGTERM would."""
    ready = asyncio.Event()
    task = asyncio.create_task(work(lambda _url: ready.set()))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield
    finally:
        waiting.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def serve(worker: Config, ingest: Config, clockwork: ClusterClockwork, stops: Sequence[int]) -> None:
    """An ingest and two workers over the schedule; at each of these places the older one leaves, another comes."""
    with under(clockwork):
        async with AsyncExitStack() as stack:

            async def join() -> AsyncExitStack:
                own = AsyncExitStack()
                stack.push_async_callback(own.aclose)
                await own.enter_async_context(running(lambda told: run_worker(worker, on_ready=told)))
                return own

            await stack.enter_async_context(running(lambda told: run_ingest(ingest, on_ready=told)))
            older, younger = await join(), await join()
            for stop in stops:
                await clockwork.play(stop)
                await older.aclose()
                older, younger = younger, await join()
            await clockwork.play(len(clockwork.entries))
            await older.aclose()
            await younger.aclose()
