"""The ingest: from the broker into a cluster's log, acknowledged when it is there.

    MQTT sessions --messages--> split by account --> lanes --entries--> log (JetStream)
         ^                                                                |
         `-------------- PUBACK, in order of receipt <---- acknowledged --'

It decides nothing and keeps nothing: should it die, the broker gives what was not acknowledged to whoever comes next.
Control (status, acks, billing) is taken before calls in every turn, a bite at a time, so that the event loop gets to
everything else between two bites.

Once a second, while the broker is heard, each partition is told so, and which switches have brought reports: an account
that is quiet must not make its partition believe that the switch is silent, nor that nobody listens to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from guard.core.world import MAX_SWITCHES
from guard.ports import Clock, Source
from guard.shell.lanes import Lanes, Pack
from guard.wire.split import split
from guard.wire.topics import Kind, Topic, Topics

BITE: Final = 32
"""Messages taken at a time: an array may hold a thousand reports."""
CARRIERS: Final = 64
"""Entries on their way at once: enough to keep three servers busy; more only makes each wait longer."""
BEAT_EVERY_MS: Final = 1_000
FIRST_PAUSE_MS: Final = 50
LONGEST_PAUSE_MS: Final = 1_000


class Appending(Protocol):
    """Where entries go."""

    def name(self) -> str:
        """A name for one entry, never given before by anybody."""
        ...

    async def append_entry(self, part: int, entry: bytes, name: str) -> bool:
        """Add an encoded entry to a partition's log; whether it is durable. With a name it is there once."""
        ...


@dataclass(slots=True)
class IngestFigures:
    """Plain counts since the start, for the metrics."""

    messages: dict[str, int] = field(default_factory=lambda: {kind.value: 0 for kind in Kind})
    parts: int = 0
    entries: int = 0
    entry_bytes: int = 0
    retries: int = 0
    append_ns: int = 0
    """Waited for entries, together."""
    carried: int = 0
    """Entries on their way now."""


class Ingest:
    """Carries messages from two sources into a log."""

    def __init__(
        self,
        *,
        log: Appending,
        clock: Clock,
        topics: Topics,
        calls: Source,
        control: Source,
        hears: Callable[[], bool],
    ) -> None:
        """`hears` says whether reports would arrive now."""
        self._log = log
        self._clock = clock
        self._topics = topics
        self._calls = calls
        self._control = control
        self._hears = hears
        self._lanes = Lanes()
        self._arrived = asyncio.Event()
        self._stopping = False
        self._heard: set[str] = set()
        self._known: dict[str, Topic | None] = {}
        self.figures = IngestFigures()

    @property
    def unfinished(self) -> int:
        """Messages of which some part is not in the log yet."""
        return self._lanes.unfinished

    def arrived(self) -> None:
        """Messages have come in."""
        self._arrived.set()

    async def run(self) -> None:
        """Carry until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take(), name="intake")
            tasks.create_task(self._beat(), name="heartbeat")
            for number in range(CARRIERS):
                tasks.create_task(self._carry(), name=f"carrier {number}")

    async def drain(self, within_s: float) -> bool:
        """Take nothing more and wait until what was taken is in the log; whether it is, within the time."""
        self._stopping = True
        try:
            async with asyncio.timeout(within_s):
                await self._lanes.empty()
        except TimeoutError:
            return False
        return True

    # -- in

    async def _take(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if not self._stopping and self._bite(self._control) + self._bite(self._calls):
                # There may be more; but first whoever else has something to do.
                self._arrived.set()
                await asyncio.sleep(0)

    def _bite(self, source: Source) -> int:
        messages = source.drain(BITE)
        for message in messages:
            topic = self._topic(message.topic)
            parts = [] if topic is None else split(topic, message.payload)
            if topic is not None:
                self.figures.messages[topic.kind.value] += 1
                if topic.kind is Kind.CALLS and any(part.joins for part in parts):
                    self._heard.add(topic.switch)
            if parts:
                self.figures.parts += len(parts)
                self._lanes.put(message, source, parts)
            else:
                source.acknowledge([message])
        return len(messages)

    def _topic(self, name: str) -> Topic | None:
        """A topic taken apart; topics are few and names are costly to take apart."""
        if name in self._known:
            return self._known[name]
        topic = self._topics.parse(name)
        if len(self._known) < MAX_SWITCHES * len(Kind):
            self._known[name] = topic
        return topic

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_EVERY_MS)
            if self._hears() and not self._stopping:
                heard, self._heard = self._heard, set()
                self._lanes.beat(heard)

    # -- out

    async def _carry(self) -> None:
        figures, clock = self.figures, self._clock
        while True:
            pack = await self._lanes.take(clock.now_ms())
            began_ns = clock.monotonic_ns()
            figures.carried += 1
            await self._insist(pack)
            figures.carried -= 1
            figures.append_ns += clock.monotonic_ns() - began_ns
            figures.entries += 1
            figures.entry_bytes += len(pack.entry)
            for arrival in self._lanes.done(pack):
                arrival.source.acknowledge([arrival.message])

    async def _insist(self, pack: Pack) -> None:
        """Append until the log has it, once: a heartbeat alone needs no name, and half of all entries may be such."""
        name = self._log.name() if pack.items else ""
        pause_ms = FIRST_PAUSE_MS
        while not await self._log.append_entry(pack.lane.partition, pack.entry, name):
            self.figures.retries += 1
            await self._clock.sleep(pause_ms)
            pause_ms = min(2 * pause_ms, LONGEST_PAUSE_MS)
