"""When a reader distrusts: servers that lag, a log that is not the one of its position, what is removed unread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from nats.aio.msg import Msg
from structlog.testing import capture_logs

from guard.adapters.nats.api import NOT_FOUND, Api, LogRefusedError
from guard.adapters.nats.beginning import MARGIN_NS
from guard.adapters.nats.connection import Connection, Hear
from guard.adapters.nats.moments import NS_PER_S, ns_of, text_of
from guard.adapters.nats.options import LogOptions
from guard.adapters.nats.reader import MOVES, PartitionReader, ReadingFigures
from guard.adapters.nats.streams import Standing, Streams
from guard.ports.cluster import Position
from guard.wire.log import encode_entry
from tests.nats.fakes import until

PART = 4
BEGINNING = Position()


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"SIGN_S": 0.02, "MISSING_S": 0.4, "LOOK_S": 0.05, "STILL_S": 0.1, "PAUSE_S": 0.01}.items():
        monkeypatch.setattr(f"guard.adapters.nats.reader.{name}", seconds)
    monkeypatch.setattr("guard.adapters.nats.reader.SURE_AFTER_S", 0.05)
    monkeypatch.setattr("guard.adapters.nats.reader.ASK_AGAIN_S", 0.01)


class FakeNats:
    """Connection, API and streams in one: what a consumer delivers is for the test to say."""

    def __init__(self) -> None:
        self.options = LogOptions(servers=("nats://nowhere",), streams=2)
        self.connected = True
        self.led_by = ["n0"]
        """Of the consumers to come; the last one serves for all further ones."""
        self.standing_now = Standing(last_sequence=7, servers=frozenset({"n0", "n1"}))
        self.stored: dict[int, int] = {}
        """By sequence: when entries were stored that may be looked up."""
        self.newest = 0
        self.began_at: list[int] = []
        """Sequences from which consumers were to deliver, or moments, as negative numbers."""
        self.asked = 0
        self.left = 0
        """Entries that are still to be delivered, as deliveries tell."""
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
            config = request["config"]
            self.began_at.append(config.get("opt_start_seq") or -ns_of(config["opt_start_time"]))
            leader = self.led_by.pop(0) if len(self.led_by) > 1 else self.led_by[0]
            return {"name": "c", "cluster": {"leader": leader}}
        if name.startswith("STREAM.MSG.GET"):
            sequence = self.newest if request is None else request.get("seq", self.newest)
            if sequence not in self.stored:
                raise LogRefusedError("no message found", NOT_FOUND)
            time = text_of(self.stored[sequence])
            return {"message": {"seq": sequence, "subject": self.options.subject(PART), "time": time}}
        return {}

    async def standing(self, _name: str, *, now: bool = False) -> Standing:
        return self.standing_now

    async def deliver(self, sequence: int, number: int) -> None:
        assert self._hear is not None
        self.stored[sequence] = sequence * NS_PER_S
        reply = f"$JS.ACK.s.c.1.{sequence}.{number}.{self.stored[sequence]}.{self.left}"
        await self._hear(Msg(_client=None, subject="s", reply=reply, data=encode_entry(1, [])))  # type: ignore[arg-type]

    async def tell(self, status: str, description: str = "") -> None:
        assert self._hear is not None
        headers = {"Status": status, "Description": description}
        await self._hear(Msg(_client=None, subject="s", headers=headers))  # type: ignore[arg-type]


@asynccontextmanager
async def reading(
    nats: FakeNats, after: Position = BEGINNING, figures: ReadingFigures | None = None
) -> AsyncIterator[PartitionReader]:
    reader = PartitionReader(
        cast("Connection", nats),
        cast("Api", nats),
        cast("Streams", nats),
        PART,
        after,
        ReadingFigures() if figures is None else figures,
    )
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
    figures = ReadingFigures()
    async with reading(nats, Position(7), figures):
        assert nats.began_at == [8, 8, 8]
        assert nats.asked == 1
        assert figures.replaced == 2


async def test_where_every_server_seems_to_lag_what_delivers_is_kept() -> None:
    nats = FakeNats()
    nats.standing_now = Standing(last_sequence=7, servers=frozenset({"n9"}))
    figures = ReadingFigures()
    async with reading(nats, Position(7), figures) as reader:
        assert figures.replaced == MOVES
        for number in range(1, 20):
            await nats.deliver(7 + number, number)
            await asyncio.sleep(0.02)
        assert figures.replaced == MOVES, "for longer than it takes to look several times"
        assert len(reader.drain(100)) == 19
        await until(lambda: figures.replaced > MOVES)


async def test_a_server_that_falls_behind_later_loses_its_reader() -> None:
    nats = FakeNats()
    async with reading(nats) as reader:
        await nats.deliver(5, 1)
        nats.standing_now = Standing(last_sequence=9, servers=frozenset({"n1"}))
        nats.led_by = ["n1"]
        await until(lambda: len(nats.began_at) == 2)
        assert nats.began_at == [1, 6]
        assert [entry.position.sequence for entry in reader.drain(10)] == [5]


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
        nats.newest, nats.stored[6] = 6, 6 * NS_PER_S
        await alive_for(30)
        assert nats.began_at[:2] == [1, 6]


ANEW = [
    (Standing(last_sequence=12), {}, "the stream ends at 12"),
    (Standing(last_sequence=990), {900: 901 * NS_PER_S}, "it stored at 1970-01-01T00:15:01.000000000Z"),
    (Standing(last_sequence=990, created_ns=901 * NS_PER_S), {}, "the stream was made after that"),
]


@pytest.mark.parametrize(("standing", "stored", "reason"), ANEW, ids=["short", "grown again", "its place removed"])
async def test_a_log_that_is_not_the_one_of_the_position_is_read_from_its_moment_on_and_that_is_told_once(
    standing: Standing, stored: dict[int, int], reason: str
) -> None:
    """It was made anew, or put back: what it got at first would be passed over in silence."""
    nats, figures = FakeNats(), ReadingFigures()
    nats.standing_now, nats.stored = standing, stored
    with capture_logs() as logs:
        async with reading(nats, Position(900, 900 * NS_PER_S), figures) as reader:
            assert nats.began_at == [-(900 * NS_PER_S - MARGIN_NS)]
            await nats.deliver(3, 1)
            await nats.tell("409", "Consumer Deleted")
            await until(lambda: len(nats.began_at) == 2)
            assert nats.began_at[1] == 4
            assert [entry.position for entry in reader.drain(10)] == [Position(3, 3 * NS_PER_S)]
    (told,) = [log for log in logs if log["event"] == "log-is-another"]
    assert told["log_level"] == "error"
    assert reason in told["reason"]
    assert figures.begun_anew == 1


async def test_a_position_without_a_moment_is_read_from_the_beginning_when_the_log_is_too_short() -> None:
    nats = FakeNats()
    nats.standing_now = Standing(last_sequence=12)
    async with reading(nats, Position(900)):
        assert nats.began_at == [1]


@pytest.mark.parametrize(
    ("standing", "stored"),
    [(Standing(last_sequence=900), {900: 900 * NS_PER_S}), (Standing(last_sequence=990, first_sequence=901), {})],
    ids=["found", "removed, as it was old"],
)
async def test_a_log_that_has_the_entry_or_has_removed_it_is_read_on(
    standing: Standing, stored: dict[int, int]
) -> None:
    nats, figures = FakeNats(), ReadingFigures()
    nats.standing_now, nats.stored = standing, stored
    async with reading(nats, Position(900, 900 * NS_PER_S), figures):
        assert nats.began_at == [901]
    assert (figures.begun_anew, figures.lost) == (0, 0)


async def test_a_stream_that_seems_short_for_a_moment_is_not_another() -> None:
    """It has just found another leader, which has not all of it at hand yet."""
    nats, figures = FakeNats(), ReadingFigures()
    nats.standing_now, nats.stored = Standing(last_sequence=890), {900: 900 * NS_PER_S}
    asyncio.get_running_loop().call_later(0.02, lambda: setattr(nats, "standing_now", Standing(last_sequence=900)))
    async with reading(nats, Position(900, 900 * NS_PER_S), figures):
        assert nats.began_at == [901]
    assert figures.begun_anew == 0


async def test_a_log_that_is_put_back_under_a_reader_is_noticed() -> None:
    nats, figures = FakeNats(), ReadingFigures()
    async with reading(nats, figures=figures):
        await nats.deliver(5, 1)
        nats.standing_now, nats.stored = Standing(last_sequence=4), {}
        await until(lambda: figures.begun_anew == 1)


async def test_what_was_removed_before_it_was_read_is_told_with_its_number_and_counted() -> None:
    nats, figures = FakeNats(), ReadingFigures()
    nats.standing_now = Standing(last_sequence=2_000, first_sequence=1_001, first_ns=1_001 * NS_PER_S)
    with capture_logs() as logs:
        async with reading(nats, Position(900, 900 * NS_PER_S), figures):
            assert nats.began_at == [901]
            nats.left = 10
            await nats.deliver(1_001, 1)
            nats.standing_now = Standing(last_sequence=2_000, first_sequence=1_101, first_ns=1_101 * NS_PER_S)
            await until(lambda: figures.lost == 199)
            await nats.tell("409", "Consumer Deleted")
            await until(lambda: len(nats.began_at) == 2)
    assert [log["entries"] for log in logs if log["event"] == "log-lost"] == [100, 99]
    assert figures.lost == 199


async def test_the_rest_of_a_round_of_heartbeats_that_is_removed_is_no_loss() -> None:
    """All ingests were away for longer than entries are kept: nobody said anything."""
    nats, figures = FakeNats(), ReadingFigures()
    nats.standing_now = Standing(last_sequence=931, first_sequence=932, first_ns=901 * NS_PER_S)
    async with reading(nats, Position(900, 900 * NS_PER_S), figures):
        assert figures.lost == 0


async def test_a_reader_that_comes_near_to_what_is_removed_says_so_once_and_again_when_it_comes_near_again() -> None:
    nats = FakeNats()
    old = Standing(last_sequence=90, keep_ns=100 * NS_PER_S, at_ns=86 * NS_PER_S)
    nats.standing_now = old
    nats.left = 3
    with capture_logs() as logs:

        def told() -> int:
            return len([log for log in logs if log["event"] == "log-nearly-lost"])

        async with reading(nats):
            await nats.deliver(5, 1)
            await until(lambda: told() == 1)
            nats.left = 0
            await nats.deliver(85, 2)
            await asyncio.sleep(0.2)
            assert told() == 1, "all has been read"
            nats.standing_now = Standing(last_sequence=90, keep_ns=100 * NS_PER_S, at_ns=170 * NS_PER_S)
            nats.left = 1
            await nats.deliver(86, 3)
            await until(lambda: told() == 2)


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
        assert [entry.position.sequence for entry in reader.drain(10)] == [5]


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
