"""`guard ingest` with a real mosquitto and a real NATS: what it has acknowledged is in the log, whoever is killed."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from guard.adapters.mqtt import BrokerAddress, Session, SessionOptions
from guard.adapters.nats import ClusterLog, LogOptions, open_cluster_log
from guard.core.partitions import PARTITIONS, partition_of
from guard.ports.cluster import Position
from guard.wire.topics import Topics
from tests.integration.mosquitto import Mosquitto
from tests.integration.nats import NatsCluster
from tests.nats.fakes import until
from tests.nats.ingests import IngestProcess

pytestmark = [pytest.mark.nats, pytest.mark.broker]

TOPICS = Topics("guard/v1")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def session(broker: Mosquitto, name: str, *topics: str) -> AsyncIterator[Session]:
    """A session of somebody else at the broker."""
    options = SessionOptions(
        address=BrokerAddress.parse(broker.url), client_id=name, topics=topics or ("nothing",), receive_maximum=1_000
    )
    other = Session(options, now_ms)
    task = asyncio.create_task(other.run())
    try:
        await until(lambda: other.connected)
        yield other
    finally:
        task.cancel()
        await asyncio.wait({task})


class Load:
    """Publishes reports of many accounts and remembers what the broker has taken: the oracle."""

    def __init__(self, publisher: Session, seed: int) -> None:
        self.published: dict[str, set[int]] = defaultdict(set)
        """By account: the durations that were reported."""
        self.over = False
        self._publisher = publisher
        self._random = random.Random(seed)
        self._number = 0

    async def run(self, messages: int, pause_s: float = 0.0) -> None:
        """Publish so many messages, or until `over`: arrays of 20, and every third a report alone."""
        for count in range(messages):
            if self.over:
                return
            size = 1 if count % 3 == 0 else 20
            reports = [self._report() for _ in range(size)]
            payload = json.dumps(reports if size > 1 else reports[0]).encode()
            topic = f"guard/v1/sw{count % 2}/calls"
            assert await self._publisher.publish_tracked(topic, payload)
            for report in reports:
                self.published[str(report["account"])].add(int(str(report["duration_ms"])))
            await asyncio.sleep(pause_s)

    def _report(self) -> dict[str, object]:
        self._number += 1
        account = f"A{self._random.randrange(300)}"
        return {
            "call": f"c-{account}",
            "event": "tick",
            "account": account,
            "at": now_ms() / 1000,
            "duration_ms": self._number,
        }


class Everything:
    """What is in the log, read as workers would: every partition, from its beginning."""

    def __init__(self) -> None:
        self.reports: dict[str, set[int]] = defaultdict(set)
        self.entries = self.repeats = 0
        self.misplaced: list[str] = []
        self.heard: set[str] = set()
        self.control: dict[str, set[int]] = defaultdict(set)
        self._readers: list[tuple[int, Callable[[], None]]] = []

    @asynccontextmanager
    async def reading(self, cluster: ClusterLog) -> AsyncIterator[Everything]:
        async with AsyncExitStack() as stack:
            for part in range(PARTITIONS):
                reader = await stack.enter_async_context(cluster.log.read(part, Position()))

                def take(part: int = part, drain: Callable[[int], list[object]] = reader.drain) -> None:  # type: ignore[assignment]
                    for entry in drain(1_000):
                        self._take(part, entry)

                self._readers.append((part, take))
            yield self

    def look(self) -> bool:
        """Take what has arrived."""
        for _, take in self._readers:
            take()
        return True

    def _take(self, part: int, entry: object) -> None:
        self.entries += 1
        self.heard.update(getattr(entry, "heard"))  # noqa: B009 - an Entry
        for message in getattr(entry, "messages"):  # noqa: B009
            if not message.topic.endswith("/calls"):
                self.control[message.topic].add(part)
                continue
            value = json.loads(message.payload)
            for report in value if isinstance(value, list) else [value]:
                account = report["account"]
                if partition_of(account) != part:
                    self.misplaced.append(account)
                self.repeats += report["duration_ms"] in self.reports[account]
                self.reports[account].add(report["duration_ms"])

    def has(self, published: dict[str, set[int]]) -> bool:
        self.look()
        return all(durations <= self.reports[account] for account, durations in published.items())


@asynccontextmanager
async def log_of(servers: NatsCluster) -> AsyncIterator[ClusterLog]:
    options = LogOptions(servers=servers.urls, streams=4, replicas=min(3, servers.nodes))
    async with open_cluster_log(options, now_ms) as cluster:
        await until(lambda: not cluster.missing())
        yield cluster


async def test_reports_commands_and_control_go_through_and_it_says_how_it_does(tmp_path: Path) -> None:
    with (
        NatsCluster(tmp_path / "nats") as servers,
        Mosquitto(tmp_path / "mosquitto") as broker,
        IngestProcess(tmp_path, "i1", broker=broker.url, servers=servers.urls) as ingest,
    ):
        async with log_of(servers) as cluster, session(broker, "switch", TOPICS.commands("sw0")) as switch:
            load = Load(switch, 1)
            await load.run(60)
            everything = Everything()
            async with everything.reading(cluster):
                await until(lambda: everything.has(load.published))
                await until(lambda: everything.look() and everything.heard == {"sw0", "sw1"})
                # The broker keeps nothing for a session that it has never seen.
                there = 'guard_ingest_session_connected{session="control"} 1.0'
                await until(lambda: there in ingest.get("/metrics")[1])
                assert await switch.publish_tracked("guard/v1/sw0/status", b'{"status":"up"}')
                up = "guard/v1/sw0/status"
                await until(lambda: everything.look() and len(everything.control[up]) == PARTITIONS)
            assert not everything.misplaced
            assert not everything.repeats

            command = b'{"action":"block"}'
            await until(lambda: cluster.connected)
            assert await cluster.bus.publish_tracked(TOPICS.commands("sw0"), command)
            await until(lambda: switch.waiting > 0)
            assert [message.payload for message in switch.drain(10)] == [command]
            assert not await cluster.bus.publish_tracked("guard/v1/sw0/calls", b"{}")
        assert (await asyncio.to_thread(ingest.get, "/-/ready"))[0] == 200
        assert (await asyncio.to_thread(ingest.get, "/-/healthy"))[0] == 200
        status, text = await asyncio.to_thread(ingest.get, "/metrics")
        assert status == 200
        assert 'guard_ingest_messages_total{kind="calls"} 60.0' in text
        assert 'guard_ingest_relayed_total{result="published"} 1.0' in text
        servers.kill(0)
        await until(lambda: ingest.get("/-/ready")[0] == 503)
        assert ingest.stop() == 0


@pytest.mark.slow
async def test_two_ingests_share_and_whoever_is_killed_nothing_that_the_broker_has_is_missing(tmp_path: Path) -> None:
    with (
        NatsCluster(tmp_path / "nats") as servers,
        Mosquitto(tmp_path / "mosquitto") as broker,
        IngestProcess(tmp_path, "i1", broker=broker.url, servers=servers.urls) as first,
        IngestProcess(tmp_path, "i2", broker=broker.url, servers=servers.urls) as second,
    ):
        async with session(broker, "switches") as switches:
            load = Load(switches, 2)
            publishing = asyncio.create_task(load.run(100_000, 0.005))
            await asyncio.sleep(0.5)
            first.kill()
            first.start()
            await asyncio.to_thread(first.wait_ready)
            servers.kill(0)
            await asyncio.to_thread(servers.start, 0)
            assert await asyncio.to_thread(second.stop) == 0
            assert any(event["event"] == "drained" and event["complete"] for event in second.events())
            second.start()
            await asyncio.to_thread(second.wait_ready)
            second.kill()
            second.start()
            await asyncio.to_thread(second.wait_ready)
            load.over = True
            await publishing
            async with log_of(servers) as cluster, Everything().reading(cluster) as everything:
                await until(lambda: everything.has(load.published), within_s=60)
            assert not everything.misplaced
            assert {account: len(durations) for account, durations in everything.reports.items()} == {
                account: len(durations) for account, durations in load.published.items()
            }
            both = [(await asyncio.to_thread(each.get, "/metrics"))[1] for each in (first, second)]
            assert all('guard_ingest_session_connected{session="calls"} 1.0' in text for text in both)


@pytest.mark.slow
async def test_control_passes_on_when_its_holder_is_killed(tmp_path: Path) -> None:
    with (
        NatsCluster(tmp_path / "nats") as servers,
        Mosquitto(tmp_path / "mosquitto") as broker,
        IngestProcess(tmp_path, "i1", broker=broker.url, servers=servers.urls) as first,
        IngestProcess(tmp_path, "i2", broker=broker.url, servers=servers.urls) as second,
    ):
        await until(lambda: first.has_control() != second.has_control())
        holder, other = (first, second) if first.has_control() else (second, first)
        holder.kill()
        async with session(broker, "billing") as billing, log_of(servers) as cluster:
            payment = {"type": "payment", "id": "p1", "account": "A1", "amount": "1.00", "method": "eft"}
            assert await billing.publish_tracked("guard/v1/billing", json.dumps(payment).encode())
            async with Everything().reading(cluster) as everything:
                expected = {partition_of("A1")}
                await until(lambda: everything.look() and everything.control["guard/v1/billing"] == expected)
        assert other.has_control()


@pytest.mark.slow
async def test_each_node_of_three_is_killed_in_turn_under_load(tmp_path: Path) -> None:
    with (
        NatsCluster(tmp_path / "nats", nodes=3) as servers,
        Mosquitto(tmp_path / "mosquitto") as broker,
        IngestProcess(tmp_path, "i1", broker=broker.url, servers=servers.urls, replicas=3) as ingest,
    ):
        async with session(broker, "switches") as switches:
            load = Load(switches, 3)
            publishing = asyncio.create_task(load.run(100_000, 0.02))
            for node in range(3):
                servers.kill(node)
                await asyncio.sleep(2)
                await asyncio.to_thread(servers.start, node)
            ingest.kill()
            ingest.start()
            load.over = True
            await publishing
            async with log_of(servers) as cluster, Everything().reading(cluster) as everything:
                await until(lambda: everything.has(load.published), within_s=90)
            assert not everything.misplaced


@pytest.mark.slow
async def test_where_reports_are_not_shared_one_ingest_carries_everything_and_another_takes_over(
    tmp_path: Path,
) -> None:
    """For brokers without MQTT 5: both sessions are those of the daemon's names, and of the one that sits."""
    log = NatsCluster(tmp_path / "nats")
    with log as servers, Mosquitto(tmp_path / "mosquitto") as broker:
        places = {"broker": broker.url, "servers": servers.urls, "shared": False}
        with (
            IngestProcess(tmp_path, "i1", **places) as first,  # type: ignore[arg-type]  # of the constructor's own
            IngestProcess(tmp_path, "i2", **places) as second,  # type: ignore[arg-type]
        ):
            await until(lambda: first.has_control() != second.has_control())
            holder, other = (first, second) if first.has_control() else (second, first)
            calls = 'guard_ingest_session_connected{session="calls"} '
            await until(lambda: f"{calls}1.0" in holder.get("/metrics")[1])
            assert f"{calls}0.0" in other.get("/metrics")[1]
            assert other.get("/-/ready")[0] == 200, "standing by is being ready"
            async with session(broker, "switches") as switches, log_of(servers) as cluster:
                load = Load(switches, 4)
                publishing = asyncio.create_task(load.run(100_000, 0.005))
                await until(lambda: 'guard_ingest_messages_total{kind="calls"} 0.0' not in holder.get("/metrics")[1])
                holder.kill()
                await until(lambda: f"{calls}1.0" in other.get("/metrics")[1])
                holder.start()
                await asyncio.to_thread(holder.wait_ready)
                load.over = True
                await publishing
                async with Everything().reading(cluster) as everything:
                    await until(lambda: everything.has(load.published), within_s=60)
                assert not everything.misplaced
                assert not holder.has_control(), "who comes back stands by"
