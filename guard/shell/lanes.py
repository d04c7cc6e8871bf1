"""Lanes: between messages from the broker and entries of a cluster's log, one lane for each partition.

**Group commit without a timer, again.** While one entry of a partition is on its way to the log, what comes for that
partition gathers behind it; when the log has it, all that has gathered becomes the next. Entries are small when there
is little to do and big when there is much, and those of one partition never overtake each other. How many entries may
be on their way at once is for whoever carries them to say.

**A message is done when all of its parts are in the log**: only then may the broker hear so. An entry that may not have
arrived is given again, whole and under the same name, by which the log knows it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from guard.core.partitions import PARTITIONS
from guard.ports.messages import Message, Source
from guard.wire.document import MAX_ELEMENTS
from guard.wire.log import encode_entry
from guard.wire.split import Part

ENTRY_BYTES: Final = 256 * 1024
"""An entry is not made larger than this by adding to it; a single message may be larger."""
FRAME_BYTES: Final = 16
"""Around a message in an entry, generously."""
JOINED_BYTES: Final = 16 * 1024
"""Larger reports stay alone: so an array that is put together stays far below what a payload may have."""


class Arrival:
    """A message that waits for its parts."""

    __slots__ = ("left", "message", "source")

    def __init__(self, message: Message, source: Source, left: int) -> None:
        self.message = message
        self.source = source
        self.left = left


class Item(NamedTuple):
    """One part of a message, in a lane."""

    topic: str
    payload: bytes
    joins: bool
    arrival: Arrival

    @property
    def size(self) -> int:
        """At most so many bytes of an entry: pieces of junk are small, and each stands there with its topic."""
        return len(self.payload) + len(self.topic) + FRAME_BYTES


class Lane:
    """What waits for one partition, and whether an entry of it is on its way."""

    __slots__ = ("beat", "heard", "items", "moving", "partition")

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.items: deque[Item] = deque()
        self.heard: set[str] = set()
        self.beat = False
        """The next entry is due although it may have nothing to say."""
        self.moving = False
        """It stands in the queue of those that want to be carried, or is being carried."""


class Pack(NamedTuple):
    """What one entry takes of a lane."""

    lane: Lane
    entry: bytes
    items: Sequence[Item]


class Lanes:
    """All lanes of an ingest."""

    def __init__(self) -> None:
        self._lanes = [Lane(partition) for partition in range(PARTITIONS)]
        self._ready: asyncio.Queue[Lane] = asyncio.Queue()
        """At most each lane once."""
        self.unfinished = 0
        """Messages of which some part is not in the log yet."""
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, message: Message, source: Source, parts: Sequence[Part]) -> None:
        """Take in a message that has at least one part."""
        arrival = Arrival(message, source, len(parts))
        self.unfinished += 1
        self._empty.clear()
        lanes, topic = self._lanes, message.topic
        for partition, payload, joins in parts:
            lane = lanes[partition]
            lane.items.append(Item(topic, payload, joins, arrival))
            if not lane.moving:
                self._move(lane)

    def beat(self, heard: Iterable[str]) -> None:
        """Tell every partition that the broker is heard, and which switches have brought reports."""
        told = tuple(heard)
        for lane in self._lanes:
            lane.beat = True
            lane.heard.update(told)
            if not lane.moving:
                self._move(lane)

    def _move(self, lane: Lane) -> None:
        lane.moving = True
        self._ready.put_nowait(lane)

    async def take(self, now_ms: int) -> Pack:
        """Wait for a lane that has something, and take what one entry can hold of it."""
        lane = await self._ready.get()
        items: list[Item] = []
        size = 0
        while lane.items and (not items or size + lane.items[0].size <= ENTRY_BYTES):
            item = lane.items.popleft()
            size += item.size
            items.append(item)
        heard, lane.heard, lane.beat = sorted(lane.heard), set(), False
        at_ms = items[0].arrival.message.received_at_ms if items else now_ms
        return Pack(lane, encode_entry(at_ms, messages_of(items), heard), items)

    def done(self, pack: Pack) -> list[Arrival]:
        """The log has the entry: messages that are done by it, in the order of their parts."""
        finished: list[Arrival] = []
        for item in pack.items:
            arrival = item.arrival
            arrival.left -= 1
            if not arrival.left:
                finished.append(arrival)
        self.unfinished -= len(finished)
        if not self.unfinished:
            self._empty.set()
        lane = pack.lane
        if lane.items or lane.beat:
            self._ready.put_nowait(lane)
        else:
            lane.moving = False
        return finished

    async def empty(self) -> None:
        """Wait until no message waits for anything."""
        await self._empty.wait()


def messages_of(items: Iterable[Item]) -> list[tuple[str, bytes]]:
    """The messages of an entry: single reports of one topic joined into arrays, in order; all else as it is."""
    groups: list[tuple[str, list[bytes]]] = []
    joining: dict[str, list[bytes]] = {}
    for topic, payload, joins, _ in items:
        if not joins or len(payload) > JOINED_BYTES:
            joining.pop(topic, None)
            groups.append((topic, [payload]))
            continue
        group = joining.get(topic)
        if group is None or len(group) == MAX_ELEMENTS:
            group = joining[topic] = []
            groups.append((topic, group))
        group.append(payload)
    return [(topic, group[0] if len(group) == 1 else b"[%b]" % b",".join(group)) for topic, group in groups]
