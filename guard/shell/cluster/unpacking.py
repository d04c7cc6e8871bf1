"""Unpacking: one log as the two sources that a loop drains, control first, and the position that goes with them.

Entries are read ahead only while few messages wait in either, so what waits in memory is bounded by that and one bite
of entries. Control overtakes the reports that are already here, as it does with two sessions at a broker.

**Position.** An entry is done when all of its messages have been drained; the position is that of the last entry before
which all are done. It may be stored with what the loop commits next, and no sooner: `taken` says it once the loop has
let everything in that it drained. Whatever lies behind it is read again by the next owner: reports are cumulative and
billing has ids, so what comes twice changes nothing.

Nothing is acknowledged; `acknowledge` is there because a source has it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from guard.ports import Message
from guard.ports.cluster import Entry, Position, Reader

ENTRIES_AT_ONCE = 32
WAITING = 1_000
"""Messages that wait in one of the two before no further entry is read: as many as a batch takes of calls."""
CALLS_END = "/calls"


@dataclass(slots=True)
class _Open:
    """An entry of which messages may still wait."""

    position: Position
    left: int


class _Queue:
    """One of the two sources (`guard.ports.Source`)."""

    def __init__(self, fill: Callable[[], None]) -> None:
        self._fill = fill
        self.waiting: deque[tuple[Message, _Open]] = deque()

    def drain(self, limit: int) -> list[Message]:
        """Up to so many messages, in their order."""
        self._fill()
        waiting = self.waiting
        messages: list[Message] = []
        while waiting and len(messages) < limit:
            message, entry = waiting.popleft()
            entry.left -= 1
            messages.append(message)
        return messages

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """The position says it."""


class Unpacking:
    """Of one partition."""

    def __init__(self, reader: Reader, position: Position, on_entry: Callable[[Entry], None]) -> None:
        """`on_entry` is told of each entry before its messages are drained."""
        self._reader = reader
        self._on_entry = on_entry
        self._entries: deque[_Open] = deque()
        self._position = position
        self.calls = _Queue(self._fill)
        self.control = _Queue(self._fill)

    @property
    def waiting(self) -> int:
        """Messages that have been read and not drained."""
        return len(self.calls.waiting) + len(self.control.waiting)

    def taken(self) -> Position:
        """The position, now that all that was drained has been let in."""
        entries = self._entries
        while entries and not entries[0].left:
            self._position = entries.popleft().position
        return self._position

    def let_go(self) -> None:
        """Nobody drains any more."""
        del self.calls, self.control, self._reader

    def _fill(self) -> None:
        while max(len(self.calls.waiting), len(self.control.waiting)) < WAITING:
            entries = self._reader.drain(ENTRIES_AT_ONCE)
            if not entries:
                return
            for entry in entries:
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        self._on_entry(entry)
        still_open = _Open(entry.position, len(entry.messages))
        self._entries.append(still_open)
        for message in entry.messages:
            queue = self.calls if message.topic.endswith(CALLS_END) else self.control
            queue.waiting.append((message, still_open))
