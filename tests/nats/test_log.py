"""The log on real servers: what was acknowledged is read in order and once, whatever becomes of servers and readers."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from guard.adapters.nats import ClusterLog, LogLayoutError, LogOptions, open_cluster_log
from guard.adapters.nats.api import Api, LogRefusedError
from guard.adapters.nats.reader import PartitionReader, delivery
from guard.core.partitions import partition_of
from guard.ports.cluster import Entry, Position
from guard.wire.log import LogEntryError, encode_entry
from tests.integration.nats import NatsCluster
from tests.nats.fakes import until

pytestmark = [
    pytest.mark.nats,
    # A server that sleeps accepts connections and never speaks: nats-py drops such a one without closing it.
    pytest.mark.filterwarnings(
        r"ignore:Exception ignored in. <function StreamWriter.__del__:pytest.PytestUnraisableExceptionWarning"
    ),
]

TOPIC = "guard/v1/sw1/calls"
BEGINNING = Position()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def options(servers: NatsCluster, **more: object) -> LogOptions:
    settings = {"servers": servers.urls, "streams": 2, "replicas": min(3, servers.nodes), **more}
    return LogOptions(**settings)  # type: ignore[arg-type]  # of a test


@asynccontextmanager
async def opened(servers: NatsCluster, **more: object) -> AsyncIterator[ClusterLog]:
    async with open_cluster_log(options(servers, **more), now_ms) as cluster:
        await until(lambda: not cluster.missing())
        yield cluster


async def read(reader: PartitionReader, count: int, within_s: float = 30.0) -> list[Entry]:
    entries: list[Entry] = []

    def enough() -> bool:
        entries.extend(reader.drain(1_000))
        return len(entries) >= count

    await until(enough, within_s)
    return entries


def payloads(entries: list[Entry]) -> list[bytes]:
    return [message.payload for entry in entries for message in entry.messages]


async def insist(cluster: ClusterLog, part: int, payload: bytes) -> None:
    """Append until it is there, as who has lost a server must."""
    name = cluster.log.name()
    async with asyncio.timeout(30):
        while not await cluster.log.append(part, [(TOPIC, payload)], name=name):
            await cluster.connection.up()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path_factory.mktemp("nats")) as servers:
        yield servers


@pytest.fixture
def three(tmp_path: Path) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path, nodes=3) as servers:
        yield servers


async def test_what_is_appended_is_read_in_order_from_behind_a_position(one: NatsCluster) -> None:
    async with opened(one, prefix="order") as cluster:
        for number in range(20):
            assert await cluster.log.append(7, [(TOPIC, b"%d" % number)])
            assert await cluster.log.append(9, [(TOPIC, b"another's")])
        async with cluster.log.read(7, BEGINNING) as reader:
            entries = await read(reader, 20)
            assert payloads(entries) == [b"%d" % number for number in range(20)]
            assert {message.topic for entry in entries for message in entry.messages} == {TOPIC}
            assert reader.lag() == 0
            assert await cluster.log.append(7, [(TOPIC, b"live")])
            assert payloads(await read(reader, 1)) == [b"live"]
        async with cluster.log.read(7, entries[11].position) as reader:
            assert payloads(await read(reader, 9)) == [b"%d" % number for number in range(12, 20)] + [b"live"]


async def test_a_reader_runs_ahead_only_within_bounds(one: NatsCluster) -> None:
    async with opened(one, prefix="ahead") as cluster:
        await asyncio.gather(*(cluster.log.append(3, [(TOPIC, b"%d" % number)]) for number in range(1_000)))
        async with cluster.log.read(3, BEGINNING) as reader:
            await until(lambda: reader.lag() == 1_000)
            await until(lambda: len(reader._arrived) == 256)
            assert len(await read(reader, 1_000)) == 1_000
            assert reader.lag() == 0


async def test_the_largest_message_of_all_goes_through(one: NatsCluster) -> None:
    async with opened(one, prefix="large") as cluster:
        payload = b"x" * ((1 << 20) + 1)
        assert await cluster.log.append(1, [(TOPIC, payload)])
        async with cluster.log.read(1, BEGINNING) as reader:
            assert payloads(await read(reader, 1)) == [payload]


async def test_an_entry_that_is_not_guards_stops_its_reader(one: NatsCluster) -> None:
    async with opened(one, prefix="foreign") as cluster:
        assert await cluster.log.append_entry(1, b"junk")
        async with cluster.log.read(1, BEGINNING) as reader:
            with pytest.raises(LogEntryError, match=r"entry 1 of stream foreign-in-1 is not of guard"):
                await read(reader, 1)


async def test_a_log_of_another_layout_is_refused(one: NatsCluster) -> None:
    async with opened(one, prefix="layout", streams=2):
        pass
    with pytest.raises(ExceptionGroup) as caught:
        async with open_cluster_log(options(one, prefix="layout", streams=4), now_ms):
            await asyncio.sleep(30)
    assert caught.group_contains(LogLayoutError, match="the number of streams cannot change")


async def test_the_mapping_is_that_of_nats_itself(tmp_path: Path) -> None:
    """`partition()` of the server's own subject mapping puts 500 accounts where guard does."""
    mapping = 'mappings: { "acct.*": "part.{{partition(256,1)}}.{{wildcard(1)}}" }'
    with NatsCluster(tmp_path, extra=mapping) as servers:
        told: dict[str, int] = {}
        async with opened(servers, prefix="m") as cluster:

            async def hear(message: object) -> None:
                _, part, account = str(getattr(message, "subject")).split(".")  # noqa: B009 - nats-py's Msg
                told[account] = int(part)

            async with cluster.connection.hearing("part.>", hear):
                accounts = [f"A{number * 7919}" for number in range(498)] + ["Zoë-ß", "客户"]
                for account in accounts:
                    assert await cluster.connection.say(f"acct.{account}", b"")
                await until(lambda: len(told) == 500)
        assert told == {account: partition_of(account) for account in accounts}


async def test_a_server_that_is_killed_and_comes_back_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with NatsCluster(tmp_path) as servers:
        async with opened(servers) as cluster, cluster.log.read(5, BEGINNING) as reader:
            assert await cluster.log.append(5, [(TOPIC, b"before")])
            await read(reader, 1)
            servers.kill(0)
            await until(lambda: bool(cluster.missing()))
            assert not await cluster.log.append(5, [(TOPIC, b"meanwhile")])
            assert not cluster.bus.send("nobody", b"")
            servers.start(0)
            await until(lambda: not cluster.missing())
            assert await cluster.log.append(5, [(TOPIC, b"after")])
            assert payloads(await read(reader, 1)) == [b"after"]
            async with cluster.log.read(5, BEGINNING) as again:
                assert payloads(await read(again, 2)) == [b"before", b"after"]


async def test_the_bus_reaches_who_listens_also_after_a_loss(tmp_path: Path) -> None:
    with NatsCluster(tmp_path) as servers:
        async with opened(servers) as cluster:
            heard: list[bytes] = []
            async with cluster.bus.listen("piece.3", heard.append):
                assert cluster.bus.send("piece.3", b"1")
                await until(lambda: heard == [b"1"])
                servers.kill(0)
                servers.start(0)
                await until(lambda: cluster.bus.send("piece.3", b"2") and b"2" in heard)
            count = len(heard)
            assert cluster.bus.send("piece.3", b"3")
            assert not await cluster.bus.publish_tracked("nobody", b"relays this")
            assert len(heard) == count


async def test_an_entry_that_is_given_twice_under_its_name_is_there_once(one: NatsCluster) -> None:
    async with opened(one, prefix="twice") as cluster:
        log = cluster.log
        again, other = log.name(), log.name()
        entries = [encode_entry(1, [(TOPIC, payload)]) for payload in (b"1", b"2")]
        assert await log.append_entry(3, entries[0], again)
        assert await log.append_entry(3, entries[1], other)
        assert await log.append_entry(3, entries[0], again), "it is in the log, and that is what was asked"
        assert await log.append(3, [(TOPIC, b"3")])
        async with log.read(3, BEGINNING) as reader:
            assert payloads(await read(reader, 3)) == [b"1", b"2", b"3"]
    async with opened(one, prefix="twice") as another:
        assert another.log.name() not in {again, other}, "a process that was started anew counts from 1 again"


async def test_a_name_that_a_server_holds_on_to_without_storing_is_given_up(
    one: NatsCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took the entry, lost its followers, and refuses it from then on."""
    given: list[dict[str, str] | None] = []
    async with opened(one, prefix="stuck") as cluster:
        log = cluster.log

        async def refuse(_subject: str, _payload: bytes, headers: dict[str, str] | None = None) -> dict[str, object]:
            given.append(headers)
            if headers is not None:
                raise LogRefusedError("duplicate message id is in process", 409)
            return {}

        monkeypatch.setattr(log._api, "ask", refuse)
        name = log.name()
        assert not await log.append_entry(3, b"x", name), "at first it may be on its way"
        monkeypatch.setattr("guard.adapters.nats.cluster.IN_PROCESS_S", 0.0)
        assert await log.append_entry(3, b"x", name)
        monkeypatch.setattr("guard.adapters.nats.cluster.NAMED_S", 0.0)
        assert await log.append_entry(3, b"x", name)
    assert given == [{"Nats-Msg-Id": name}, {"Nats-Msg-Id": name}, None, None]


async def test_a_stream_that_was_made_anew_is_read_from_its_beginning(one: NatsCluster) -> None:
    """Its sequences begin at 1 again, below the position; and have passed it, where everybody was away for a while."""
    async with opened(one, prefix="anew") as cluster:
        for number in range(8):
            assert await cluster.log.append(3, [(TOPIC, b"old %d" % number)])
        async with cluster.log.read(3, BEGINNING) as reader:
            position = (await read(reader, 8))[4].position
        await Api(cluster.connection).call("STREAM.DELETE.anew-in-1")
    async with opened(one, prefix="anew") as cluster:
        for count in (3, 9):
            for _ in range(count):
                assert await cluster.log.append(3, [(TOPIC, b"new")])
            async with cluster.log.read(3, position) as reader:
                assert set(payloads(await read(reader, count))) == {b"new"}
        assert cluster.log.reading.begun_anew == 2


async def test_a_log_that_was_put_back_from_a_backup_is_read_though_its_sequences_come_again(tmp_path: Path) -> None:
    """What came since the backup has the sequences of what was lost, and ends where the position is."""
    kept = tmp_path / "kept"
    with NatsCluster(tmp_path / "nats") as servers:
        async with opened(servers) as cluster:
            for _ in range(5):
                assert await cluster.log.append(3, [(TOPIC, b"old")])
            servers.kill(0)
            shutil.copytree(servers.folder / "d0", kept)
            servers.start(0)
            for _ in range(4):
                await insist(cluster, 3, b"lost")
            async with cluster.log.read(3, BEGINNING) as reader:
                position = (await read(reader, 9))[7].position
            servers.kill(0)
            shutil.rmtree(servers.folder / "d0")
            shutil.copytree(kept, servers.folder / "d0")
            servers.start(0)
            for _ in range(4):
                await insist(cluster, 3, b"new")
            async with cluster.log.read(3, position) as reader:
                entries = await read(reader, 9)
            assert payloads(entries) == [b"old"] * 5 + [b"new"] * 4
            assert entries[7].position.sequence == position.sequence


async def test_a_stream_that_is_made_anew_under_its_reader_goes_on(one: NatsCluster) -> None:
    async with opened(one, prefix="under") as cluster, cluster.log.read(3, BEGINNING) as reader:
        for _ in range(8):
            assert await cluster.log.append(3, [(TOPIC, b"old")])
        await read(reader, 8)
        api = Api(cluster.connection)
        config = (await api.call("STREAM.INFO.under-in-1"))["config"]
        await api.call("STREAM.DELETE.under-in-1")
        await api.call("STREAM.CREATE.under-in-1", config)
        assert await cluster.log.append(3, [(TOPIC, b"new")])
        assert payloads(await read(reader, 1)) == [b"new"]


async def test_entries_that_were_removed_unread_are_told_and_counted(
    one: NatsCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guard.adapters.nats.beginning.BEAT_NS", -1)
    async with opened(one, prefix="removed") as cluster:
        for number in range(9):
            assert await cluster.log.append(3, [(TOPIC, b"%d" % number)])
        async with cluster.log.read(3, BEGINNING) as reader:
            position = (await read(reader, 9))[1].position
        await Api(cluster.connection).call("STREAM.PURGE.removed-in-1", {"seq": 7})
        with capture_logs() as logs:
            async with cluster.log.read(3, position) as reader:
                assert payloads(await read(reader, 3)) == [b"6", b"7", b"8"]
        assert [log["entries"] for log in logs if log["event"] == "log-lost"] == [4]
        assert (cluster.log.reading.lost, cluster.log.reading.begun_anew) == (4, 0)


class Feeding:
    """Appends numbers to one partition, each until it is acknowledged, as an ingest does."""

    def __init__(self, cluster: ClusterLog, part: int) -> None:
        self.acknowledged = self.retries = 0
        self._cluster = cluster
        self._part = part

    async def run(self) -> None:
        while True:
            entry = encode_entry(now_ms(), [(TOPIC, b"%d" % (self.acknowledged + 1))])
            name = self._cluster.log.name()
            while not await self._cluster.log.append_entry(self._part, entry, name):
                self.retries += 1
                await asyncio.sleep(0.05)
            self.acknowledged += 1


@asynccontextmanager
async def feeding(cluster: ClusterLog, part: int) -> AsyncIterator[Feeding]:
    feed = Feeding(cluster, part)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.wait({task})


class Following:
    """Reads along and holds it against what must be: 1, 2, 3 ..., whatever was given again or came late."""

    def __init__(self, reader: PartitionReader) -> None:
        self.reader = reader
        self.last = 0

    def __call__(self) -> int:
        for payload in payloads(self.reader.drain(1_000)):
            assert int(payload) == self.last + 1
            self.last += 1
        return self.last


@pytest.mark.slow
async def test_each_node_of_three_is_killed_in_turn_and_nothing_acknowledged_is_missing(three: NatsCluster) -> None:
    async with opened(three) as cluster, cluster.log.read(4, BEGINNING) as reader, feeding(cluster, 4) as feed:
        followed = Following(reader)
        await until(lambda: followed() > 20)
        for node in range(3):
            three.kill(node)
            at_least = feed.acknowledged + 20
            await until(lambda at_least=at_least: followed() > at_least, within_s=40)  # type: ignore[misc]
            three.start(node)
        await until(lambda: followed() > feed.acknowledged - 5)
        async with cluster.log.read(4, BEGINNING) as again:
            everything = Following(again)
            acknowledged = feed.acknowledged
            await until(lambda: everything() >= acknowledged)
        assert cluster.log.reading.begun_anew == 0


@pytest.mark.slow
async def test_a_leader_that_slept_and_leads_again_does_not_hold_up_its_readers(three: NatsCluster) -> None:
    """It has missed most of the stream: a consumer that lands on it would deliver old entries only, and be silent."""
    async with opened(three) as cluster, feeding(cluster, 4) as feed:
        await until(lambda: feed.acknowledged > 20)
        sleeper = three.leader_of("guard-in-0")
        assert sleeper is not None
        three.freeze(sleeper)
        at_least = feed.acknowledged + 500
        await until(lambda: feed.acknowledged > at_least, within_s=60)
        three.thaw(sleeper)
        for _ in range(6):
            async with cluster.log.read(4, BEGINNING) as reader:
                followed = Following(reader)
                at_least = feed.acknowledged
                began_s = time.monotonic()
                await until(lambda followed=followed, at_least=at_least: followed() >= at_least, within_s=15)  # type: ignore[misc]
                assert time.monotonic() - began_s < 15
        assert cluster.log.reading.begun_anew == 0


@pytest.mark.parametrize(
    "reply",
    ["$JS.ACK.s.c.1.42.7.1700000000000000000.5", "$JS.ACK.hub.ACCHASH.s.c.1.42.7.1700000000000000000.5.rand"],
)
def test_a_delivery_tells_its_sequence_in_both_forms(reply: str) -> None:
    assert delivery(reply) == (Position(42, 1_700_000_000_000_000_000), 7, 5)
