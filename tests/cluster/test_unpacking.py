"""Unpacking: control first, nothing in memory without bound, and a position that never runs ahead of what is in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guard.ports import Message
from guard.ports.cluster import Entry, Position
from guard.shell.cluster.unpacking import ENTRIES_AT_ONCE, WAITING, Unpacking

CALLS, STATUS = "guard/v1/sw1/calls", "guard/v1/sw1/status"


class ListReader:
    """A log of some entries."""

    def __init__(self, *entries: Entry) -> None:
        self.entries = list(entries)
        self.on_arrival: Callable[[], None] = lambda: None

    def drain(self, limit: int) -> list[Entry]:
        drained, self.entries = self.entries[:limit], self.entries[limit:]
        return drained

    def lag(self) -> int:
        return len(self.entries)


def entry(position: int, *topics: str, heard: tuple[str, ...] = ()) -> Entry:
    messages = [Message(topic, b"{}", 0) for topic in topics]
    return Entry(position=Position(position), at_ms=0, messages=messages, heard=heard)


def test_control_overtakes_the_calls_that_are_here() -> None:
    unpacking = Unpacking(ListReader(entry(5, CALLS, CALLS), entry(6, STATUS)), Position(4), lambda _entry: None)

    assert [message.topic for message in unpacking.control.drain(10)] == [STATUS]
    assert [message.topic for message in unpacking.calls.drain(10)] == [CALLS, CALLS]


def test_the_position_waits_for_every_message_of_every_entry_before_it() -> None:
    unpacking = Unpacking(ListReader(entry(5, CALLS, CALLS), entry(9, STATUS)), Position(4), lambda _entry: None)

    unpacking.control.drain(10)
    assert unpacking.taken() == Position(4), "the status is in, the calls before it are not"
    unpacking.calls.drain(1)
    assert unpacking.taken() == Position(4)
    unpacking.calls.drain(1)
    assert unpacking.taken() == Position(9)


def test_an_entry_without_messages_is_told_of_and_passed() -> None:
    told: list[Entry] = []
    unpacking = Unpacking(ListReader(entry(7, heard=("sw1",))), Position(), told.append)

    assert unpacking.calls.drain(10) == []

    assert [each.heard for each in told] == [("sw1",)]
    assert unpacking.taken() == Position(7)


@pytest.mark.parametrize("topic", [CALLS, STATUS])
def test_it_reads_no_further_while_enough_waits(topic: str) -> None:
    """Of reports, and of what billing says when it says everything at once."""
    reader = ListReader(*(entry(number, *[topic] * 100) for number in range(1, 101)))
    unpacking = Unpacking(reader, Position(), lambda _entry: None)

    for _ in range(3):
        unpacking.control.drain(10)
        unpacking.calls.drain(10)

    assert WAITING <= unpacking.waiting <= WAITING + 100 * ENTRIES_AT_ONCE
    assert reader.lag() > 0
