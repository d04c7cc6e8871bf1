"""The flow of an ingest: nothing is acknowledged before all of it is in the log, and partitions keep their order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.partitions import PARTITIONS, partition_of
from guard.shell.clock import SystemClock
from guard.shell.ingest import Ingest
from guard.shell.lanes import ENTRY_BYTES, JOINED_BYTES, Arrival, Item, messages_of
from guard.wire.between import TOPIC
from guard.wire.log import INTERNAL, encode_entry
from guard.wire.topics import Topics
from tests.nats.fakes import FakeLog, FakeSource, until

CALLS = "guard/v1/sw1/calls"
A1, B2 = partition_of("A1"), partition_of("B2")


def report(account: str, number: int = 0) -> bytes:
    return json.dumps({"account": account, "call": str(number)}).encode()


class Stage:
    """An ingest between fakes."""

    def __init__(self) -> None:
        self.log, self.calls, self.control = FakeLog(), FakeSource(), FakeSource()
        self.hears = False
        self.ingest = Ingest(
            log=self.log,
            clock=SystemClock(),
            topics=Topics("guard/v1"),
            calls=self.calls,
            control=self.control,
            hears=lambda: self.hears,
        )

    async def settled(self) -> None:
        self.ingest.arrived()
        await until(lambda: not (self.calls.waiting or self.control.waiting or self.ingest.unfinished))


@asynccontextmanager
async def running() -> AsyncIterator[Stage]:
    stage = Stage()
    task = asyncio.create_task(stage.ingest.run())
    try:
        yield stage
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_message_is_acknowledged_when_its_last_part_is_in_the_log() -> None:
    async with running() as stage:
        away = True
        stage.log.fails = lambda part: away and part == B2
        both = b"[" + report("A1") + b"," + report("B2") + b"]"
        stage.calls.give(CALLS, both)
        stage.calls.give(CALLS, report("A1", 2))
        stage.ingest.arrived()
        await until(lambda: stage.ingest.figures.retries >= 2)
        assert stage.calls.acknowledged == [report("A1", 2)]  # the session keeps it until those before it are done
        assert B2 not in stage.log.entries
        away = False
        await stage.settled()
        assert stage.calls.acknowledged == [report("A1", 2), both]
        assert [entry.messages for entry in stage.log.entries[B2]] == [[(CALLS, report("B2"))]]


async def test_an_entry_is_given_again_under_its_name_and_no_two_have_one_and_heartbeats_none() -> None:
    async with running() as stage:
        tries = 0

        def fails(part: int) -> bool:
            nonlocal tries
            tries += part == A1
            return part == A1 and tries <= 2

        stage.log.fails = fails
        stage.calls.give(CALLS, report("A1"))
        await stage.settled()
        stage.calls.give(CALLS, report("A1", 2))
        await stage.settled()
        stage.hears = True
        await until(lambda: len(stage.log.entries) == PARTITIONS)
    assert [name for part, name in stage.log.names if part == A1][:4] == ["e1", "e1", "e1", "e2"]
    assert {name for part, name in stage.log.names if part != A1} == {""}


async def test_while_one_entry_is_on_its_way_the_next_gathers_and_no_two_of_a_partition_overtake() -> None:
    async with running() as stage:
        stage.log.open.clear()
        stage.calls.give(CALLS, report("A1", 0))
        stage.ingest.arrived()
        await until(lambda: stage.ingest.figures.carried > 0)
        for number in range(1, 50):
            stage.calls.give(CALLS, report("A1", number))
        stage.ingest.arrived()
        await until(lambda: not stage.calls.waiting)
        stage.log.open.set()
        await stage.settled()
    first, second = stage.log.entries[A1]
    assert first.messages == [(CALLS, report("A1", 0))]
    assert second.messages == [(CALLS, b"[" + b",".join(report("A1", number) for number in range(1, 50)) + b"]")]
    assert stage.log.most_at_once == 1


async def test_control_is_taken_before_calls_and_status_reaches_all() -> None:
    async with running() as stage:
        stage.calls.give(CALLS, report("A1"))
        stage.control.give("guard/v1/sw1/status", b'{"status":"up"}')
        await stage.settled()
    told = [entry.messages[0][0] for entry in stage.log.entries[A1]]
    assert told[0] == "guard/v1/sw1/status"
    assert all(stage.log.entries[part] for part in range(PARTITIONS))


async def test_what_has_no_parts_is_acknowledged_at_once() -> None:
    async with running() as stage:
        for topic, payload in ((CALLS, b"[]"), ("guard/v1/sw1/commands", b"{}"), ("elsewhere", b"?")):
            stage.calls.give(topic, payload)
        await stage.settled()
    assert stage.calls.acknowledged == [b"[]", b"{}", b"?"]
    assert not stage.log.entries


HOSTILE = [
    f"{INTERNAL}between",
    f"{INTERNAL}calls",
    f"/{INTERNAL}between",
    "guard/v1/$guard/between",
    "guard/v1/$guard/commands",
    "guard/v1//between",
    "guard/v1/between",
    "$guard/v1/sw1/calls",
    "$share/x/guard/v1/sw1/calls",
    "guard/v1/sw1/calls/$guard/between",
]


async def test_no_topic_of_a_broker_gets_into_the_log_as_guards_own_word() -> None:
    """Whatever the broker hands over, subscribed to or not; a switch may call itself what it likes."""
    async with running() as stage:
        for topic in HOSTILE:
            for source in (stage.calls, stage.control):
                source.give(topic, report("A1"))
        stage.calls.give("guard/v1/$guard/calls", report("A1"))
        stage.control.give("guard/v1/$guard/status", b'{"status":"up"}')
        await stage.settled()
    topics = {topic for part in stage.log.entries.values() for entry in part for topic, _ in entry.messages}
    assert topics == {"guard/v1/$guard/calls", "guard/v1/$guard/status"}
    assert not any(topic.startswith(INTERNAL) for topic in topics)
    assert len(stage.calls.acknowledged) == len(HOSTILE) + 1, "nor does it stop what comes behind it"


@given(prefix=st.text(max_size=12), rest=st.text(max_size=20), internal=st.booleans())
def test_no_prefix_makes_it_one(prefix: str, rest: str, *, internal: bool) -> None:
    try:
        topics = Topics(f"{INTERNAL}{prefix}" if internal else prefix)
    except ValueError:
        return
    assert not topics.prefix.startswith("$")
    for topic in (f"{INTERNAL}{rest}", f"{INTERNAL}{rest}/calls", f"{INTERNAL}{prefix}/{rest}/acks"):
        assert topics.parse(topic) is None


def test_what_partitions_say_to_each_other_stands_there() -> None:
    assert TOPIC.startswith(INTERNAL)


async def test_every_partition_hears_that_the_broker_is_heard_and_of_each_switch_that_talks() -> None:
    async with running() as stage:
        stage.hears = True
        await until(lambda: len(stage.log.entries) == PARTITIONS)
        assert all(entry == (entry.at_ms, [], []) for entries in stage.log.entries.values() for entry in entries)
        stage.calls.give(CALLS, report("A1"))
        stage.calls.give("guard/v1/sw2/calls", b"nonsense")
        await stage.settled()
        await until(lambda: len(stage.log.entries) == PARTITIONS and bool(stage.log.entries[A1][-1].heard))
    assert {name for entries in stage.log.entries.values() for entry in entries for name in entry.heard} == {"sw1"}


async def test_while_the_broker_is_not_heard_no_partition_is_told_that_it_is() -> None:
    async with running() as stage:
        stage.calls.give(CALLS, report("A1"))
        await stage.settled()
        stage.hears = True
        await until(lambda: len(stage.log.entries) == PARTITIONS)
    # What had been heard before is told then.
    assert [entry.heard for entry in stage.log.entries[B2]] == [["sw1"]]


async def test_draining_takes_nothing_more_and_says_whether_all_is_in_the_log() -> None:
    async with running() as stage:
        stage.log.open.clear()
        stage.calls.give(CALLS, report("A1"))
        stage.ingest.arrived()
        await until(lambda: stage.ingest.unfinished > 0)
        assert not await stage.ingest.drain(0.01)
        stage.calls.give(CALLS, report("A1", 2))
        stage.ingest.arrived()
        stage.log.open.set()
        assert await stage.ingest.drain(10)
        assert stage.calls.acknowledged == [report("A1")]
        assert stage.calls.waiting


def items(*given: tuple[str, bytes, bool]) -> list[Item]:
    source = FakeSource()
    source.give(CALLS, b"")
    arrival = Arrival(source.drain(1)[0], source, 1)
    return [Item(topic, payload, joins, arrival) for topic, payload, joins in given]


def test_reports_join_by_topic_and_what_does_not_join_keeps_its_place() -> None:
    told = messages_of(
        items(("a", b"1", True), ("b", b"2", True), ("a", b"3", True), ("a", b"4", False), ("a", b"5", True))
    )
    assert told == [("a", b"[1,3]"), ("b", b"2"), ("a", b"4"), ("a", b"5")]


def test_an_array_that_is_put_together_keeps_the_bounds_of_a_payload() -> None:
    told = messages_of(items(*[("a", b"1", True)] * 1_500))
    assert [payload.count(b"1") for _, payload in told] == [1_000, 500]
    large = b"x" * (JOINED_BYTES + 1)
    assert messages_of(items(("a", b"1", True), ("a", large, True), ("a", b"2", True))) == [
        ("a", b"1"),
        ("a", large),
        ("a", b"2"),
    ]


@pytest.mark.parametrize(
    ("payload", "times"),
    [
        (json.dumps({"account": "A1", "x": "y" * 10_000}).encode(), 100),
        (b"[" + b",".join([b"0"] * 1_000) + b"]", 100),
        (json.dumps({"account": "A1", "x": "y" * (ENTRY_BYTES - 1_000)}).encode(), 2),
    ],
    ids=["reports", "junk, each with its topic", "large ones"],
)
async def test_an_entry_does_not_grow_beyond_its_bound(payload: bytes, times: int) -> None:
    """NATS would refuse it, each time that it is tried."""
    async with running() as stage:
        stage.log.open.clear()
        for _ in range(times):
            stage.calls.give(CALLS, payload)
        stage.ingest.arrived()
        await until(lambda: not stage.calls.waiting)
        stage.log.open.set()
        await stage.settled()
    entries = [entry for part in stage.log.entries.values() for entry in part]
    assert sum(len(said) for entry in entries for _, said in entry.messages) >= times * len(payload)
    assert max(len(encode_entry(*entry)) for entry in entries) <= ENTRY_BYTES
