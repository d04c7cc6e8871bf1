"""A log and a source in memory, for what is about neither NATS nor MQTT; and a way to wait."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

from guard.ports.messages import Message
from guard.wire.log import LogEntry, decode_entry


async def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    """Let everything else go on until something holds."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - there is nobody who would tell
            await asyncio.sleep(0.001)


class FakeSource:
    """Hands out what it was given, and remembers what was acknowledged, in that order."""

    def __init__(self) -> None:
        self.waiting: list[Message] = []
        self.acknowledged: list[bytes] = []

    def give(self, topic: str, payload: bytes, at_ms: int = 1_000) -> None:
        self.waiting.append(Message(topic, payload, at_ms, object()))

    def drain(self, limit: int) -> list[Message]:
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    def acknowledge(self, messages: Sequence[Message]) -> None:
        self.acknowledged += [message.payload for message in messages]


class FakeLog:
    """Keeps entries by partition; what becomes of an append is for the test to say."""

    def __init__(self) -> None:
        self.entries: dict[int, list[LogEntry]] = defaultdict(list)
        self.open = asyncio.Event()
        self.open.set()
        self.fails: Callable[[int], bool] = lambda _part: False
        self.names: list[tuple[int, str]] = []
        """By which entries were given, partition by partition, each as often as it was."""
        self.most_at_once = 0
        self._named = 0
        self._at_once: dict[int, int] = defaultdict(int)

    def name(self) -> str:
        self._named += 1
        return f"e{self._named}"

    async def append_entry(self, part: int, entry: bytes, name: str) -> bool:
        self.names.append((part, name))
        self._at_once[part] += 1
        self.most_at_once = max(self.most_at_once, self._at_once[part])
        try:
            await self.open.wait()
            if self.fails(part):
                return False
            self.entries[part].append(decode_entry(entry))
            return True
        finally:
            self._at_once[part] -= 1
