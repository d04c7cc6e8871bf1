"""A daemon as a process, with a real broker, under a replayed clock: `python -m tests.replayed.child`.

Its messages come from mosquitto; the schedule says only when each is let in: when the clock has come to its moment, one
at a time, so the two sessions, which race on the wire, are in one order. A message that is not the next of the schedule
is one that the broker delivers again after a restart, and is let in at once: guard must know it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from guard.adapters.mqtt import Session, SessionOptions
from guard.adapters.mqtt.arrivals import Arrivals
from guard.config import load_config
from guard.ports import Message
from tests.replayed.clockwork import PATIENCE_S, Clockwork, heard, serve
from tests.replayed.twin import INTENT, Entry, read, way_of

POLL_S = 0.0005
WIDTH = 12
"""Digits of the position in its file."""


class InOrder(Arrivals):
    """What has arrived, in the order of receipt whoever sent it: the schedule is in that order."""

    def __init__(self) -> None:
        super().__init__()
        self._all: deque[Message] = deque()

    def __len__(self) -> int:
        return len(self._all)

    @property
    def head(self) -> Message:
        """The next one."""
        return self._all[0]

    def add(self, message: Message) -> None:
        self._all.append(message)

    def take(self, limit: int) -> list[Message]:
        return [self._all.popleft() for _ in range(min(limit, len(self._all)))]


class Gated(Session):
    """A session whose messages wait at the gate until they are let in."""

    def __init__(self, options: SessionOptions, keeper: Gatekeeper) -> None:
        super().__init__(options, keeper.now_ms)
        self._keeper = keeper
        self._let_in = 0
        self._own: deque[Message] = deque()
        self._intake = self._waiting = InOrder()
        keeper.sessions[way_of(options.topics)] = self

    async def head(self) -> tuple[str, bytes]:
        """The next message, once the broker has delivered it."""
        async with asyncio.timeout(PATIENCE_S):
            while not self._waiting:  # noqa: ASYNC110 -- nobody tells of an arrival but the callback of the daemon
                await asyncio.sleep(POLL_S)
        head = self._waiting.head
        return head.topic, head.payload

    def let_one_in(self) -> None:
        """The next message arrives."""
        self._let_in += 1
        self.on_arrival()

    def arrive(self, topic: str, payload: bytes) -> None:
        """A message that no broker has delivered: what the switch of this test says at once."""
        self._own.append(Message(topic, payload, self._keeper.now_ms()))
        self.on_arrival()

    def drain(self, limit: int) -> list[Message]:
        """What has been let in."""
        drained = list(self._own) + (super().drain(min(self._let_in, limit)) if self._let_in else [])
        self._own.clear()
        self._let_in = 0
        return drained

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """To the broker; the switch of this test hears it here."""
        heard(self._keeper, topic, payload)
        return super().publish(topic, payload, retain=retain)


class Gatekeeper(Clockwork[Gated]):
    """Lets messages of a real broker in by the schedule, and notes how far it has come."""

    def __init__(self, entries: Sequence[Entry], start_ms: int, end_ms: int, begin: int, noted: Path) -> None:
        super().__init__(entries, entries[begin].at_ms if begin else start_ms, end_ms)
        self.position = begin
        self._noted = os.open(noted, os.O_WRONLY | os.O_CREAT)
        self._last = {(each.topic, each.payload): place for place, each in enumerate(entries)}

    async def let_in(self, entry: Entry, event: asyncio.Event) -> None:
        """Wait until the broker has delivered it; a session whose next message is a later one has had it already."""
        os.pwrite(self._noted, str(self.position).zfill(WIDTH).encode(), 0)
        if entry.way == INTENT:
            await super().let_in(entry, event)
            return
        session = self.sessions[entry.way]
        head = await session.head()
        if head != (entry.topic, entry.payload):
            if self._last[head] >= self.position:
                return
            self.position -= 1
        session.let_one_in()


def main(config: str, schedule: str, *places: str) -> None:
    """Serve from a place of the schedule to another."""
    start_ms, end_ms, begin, stop_at = map(int, places)
    keeper = Gatekeeper(read(Path(schedule)), start_ms, end_ms, begin, Path(schedule).with_name("position"))
    asyncio.run(serve(load_config(Path(config)), keeper, lambda options, _now_ms: Gated(options, keeper), stop_at))


if __name__ == "__main__":
    main(*sys.argv[1:])
