"""When a reader replaces its consumer: servers are believed only as far as the stream's own leader agrees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from nats.aio.msg import Msg
from structlog.testing import capture_logs

from guard.adapters.nats.api import Api
from guard.adapters.nats.connection import Connection, Hear
from guard.adapters.nats.options import LogOptions
from guard.adapters.nats.reader import PartitionReader
from guard.adapters.nats.streams import Standing, Streams
from guard.wire.log import encode_entry
from tests.nats.fakes import until

PART = 4


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"SIGN_S": 0.02, "MISSING_S": 0.4, "LOOK_S": 0.05, "STILL_S": 0.1, "PAUSE_S": 0.01}.items():
        monkeypatch.setattr(f"guard.adapters.nats.reader.{name}", seconds)


class FakeNats:
    """Connection, API and streams in one: what a consumer delivers is for the test to say."""

    def __init__(self) -> None:
        self.options = LogOptions(servers=("nats://nowhere",), streams=2)
        self.connected = True
        self.led_by = ["n0"]
        """Of the consumers to come; the last one serves for all further ones."""
        self.standing_now = Standing(last_sequence=0, servers=frozenset({"n0", "n1"}))
        self.newest = 0
        self.began_at: list[int] = []
        self.asked = 0
        self._hear: Hear | None = None

    async def up(self) -> None:
        return

    def new_inbox(self) -> str:
        return "inbox"

    @asynccontextmanager
    async def hearing(self, _subject: str, hear: Hear, _queue: str = "") -> AsyncIterator[None]:
        self._hear = hear
        yield

    async def say(self, _subject: str, _payload: bytes, _reply: str = "") -> bool:
        self.asked += 1
        return True

    async def call(self, name: str, request: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        if name.startswith("CONSUMER.CREATE"):
            assert request is not None
            self.began_at.append(request["config"]["opt_start_seq"])
            leader = self.led_by.pop(0) if len(self.led_by) > 1 else self.led_by[0]
            return {"name": "c", "cluster": {"leader": leader}}
        if name.startswith("STREAM.MSG.GET"):
            return {"message": {"seq": self.newest}}
        return {}

    async def standing(self, _name: str) -> Standing:
        return self.standing_now

    async def deliver(self, sequence: int, number: int) -> None:
        assert self._hear is not None
        reply = f"$JS.ACK.s.c.1.{sequence}.{number}.0.0"
        await self._hear(Msg(_client=None, subject="s", reply=reply, data=encode_entry(1, [])))  # type: ignore[arg-type]

    async def tell(self, status: str, description: str = "") -> None:
        assert self._hear is not None
        headers = {"Status": status, "Description": description}
        await self._hear(Msg(_client=None, subject="s", headers=headers))  # type: ignore[arg-type]


@asynccontextmanager
async def reading(nats: FakeNats, after: int = 0) -> AsyncIterator[PartitionReader]:
    reader = PartitionReader(cast("Connection", nats), cast("Api", nats), cast("Streams", nats), PART, after)
    task = asyncio.create_task(reader.run())
    try:
        await until(lambda: nats.asked > 0)
        yield reader
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_consumer_whose_server_has_not_all_is_replaced_before_it_is_used() -> None:
    nats = FakeNats()
    nats.led_by = ["n2", "n2", "n1"]
    async with reading(nats, after=7) as reader:
        assert nats.began_at == [8, 8, 8]
        assert nats.asked == 1
        assert reader.replacements == 2


async def test_a_server_that_falls_behind_later_loses_its_reader() -> None:
    nats = FakeNats()
    async with reading(nats) as reader:
        await nats.deliver(5, 1)
        nats.standing_now = Standing(last_sequence=9, servers=frozenset({"n1"}))
        nats.led_by = ["n1"]
        await until(lambda: len(nats.began_at) == 2)
        assert nats.began_at == [1, 6]
        assert [entry.position for entry in reader.drain(10)] == [5]


async def test_silence_is_no_proof_while_the_leader_has_something_newer_of_this_partition() -> None:
    nats = FakeNats()
    async with reading(nats):
        await nats.deliver(5, 1)
        nats.standing_now = Standing(last_sequence=90, servers=None)
        nats.newest = 5

        async def alive_for(count: int) -> None:
            for _ in range(count):
                await nats.tell("100")
                await asyncio.sleep(0.02)

        await alive_for(30)
        assert nats.began_at == [1], "others' entries are no sign of anything"
        nats.newest = 6
        await alive_for(30)
        assert nats.began_at[:2] == [1, 6]


async def test_a_stream_that_ends_before_the_position_is_told_of_once() -> None:
    """It was made anew: what it gets at first would be passed over in silence."""
    nats = FakeNats()
    nats.standing_now = Standing(last_sequence=12, servers=None)
    with capture_logs() as logs:
        async with reading(nats, after=900):
            for _ in range(30):
                await nats.tell("100")
                await asyncio.sleep(0.02)
    told = [log for log in logs if log["event"] == "log-ends-too-soon"]
    assert [(log["log_level"], log["last"], log["position"]) for log in told] == [("error", 12, 900)]


@pytest.mark.parametrize(
    ("status", "description"), [("409", "Consumer Deleted"), ("409", "Leadership Change"), ("503", "")]
)
async def test_a_consumer_that_is_gone_is_replaced(status: str, description: str) -> None:
    nats = FakeNats()
    async with reading(nats):
        await nats.tell(status, description)
        await until(lambda: len(nats.began_at) == 2)


async def test_a_gap_between_two_deliveries_is_read_again() -> None:
    nats = FakeNats()
    async with reading(nats) as reader:
        await nats.deliver(5, 1)
        await nats.deliver(7, 3)
        await until(lambda: len(nats.began_at) == 2)
        assert nats.began_at == [1, 6]
        assert [entry.position for entry in reader.drain(10)] == [5]


async def test_a_consumer_without_a_sign_of_life_is_replaced() -> None:
    nats = FakeNats()
    async with reading(nats):
        await until(lambda: len(nats.began_at) == 2)


async def test_the_next_batch_is_asked_for_when_one_is_over() -> None:
    nats = FakeNats()
    async with reading(nats):
        await nats.tell("408", "Request Timeout")
        await until(lambda: nats.asked == 2)
        assert nats.began_at == [1]
