"""Why the log is filled by an ingest and not by the server itself: what the short way loses.

NATS has an MQTT listener, and a stream could take the reports' topics as its subjects. But that listener acknowledges a
message when its own stream has it, not when ours has. Should the leader of ours be killed, MQTT goes on saying yes
while nobody keeps the reports. This test must see the loss: were it to pass without, the ingest would be for nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from guard.adapters.mqtt import BrokerAddress, Session, SessionOptions
from guard.adapters.nats import LogOptions, open_cluster_log
from guard.adapters.nats.api import Api, LogAwayError
from tests.integration.nats import NatsCluster
from tests.nats.fakes import until

pytestmark = [pytest.mark.nats, pytest.mark.slow]

ACCOUNTS = """
accounts { G: { jetstream: enabled, users: [{ user: u, password: p }] }, SYS: { users: [{ user: s, password: s }] } }
system_account: SYS
no_auth_user: u
"""
CAPTURE = {"name": "CAPTURE", "subjects": ["reports.>"], "storage": "file", "num_replicas": 3}
PUBLISHERS = 10


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def insist(api: Api, name: str, request: dict[str, Any] | None = None) -> Any:
    """Ask until there is an answer."""
    for _ in range(60):
        try:
            return await api.call(name, request)
        except LogAwayError:
            await asyncio.sleep(0.25)
    raise AssertionError(f"no answer to {name}")


@asynccontextmanager
async def switch_at(servers: NatsCluster, node: int) -> AsyncIterator[Session]:
    """A switch at the MQTT listener of a node."""
    address = BrokerAddress.parse(f"mqtt://127.0.0.1:{servers.mqtt_port(node)}")
    options = SessionOptions(
        address=address, client_id=f"switch{node}", topics=("nothing",), receive_maximum=100, protocol="3.1.1"
    )
    session = Session(options, now_ms)
    task = asyncio.create_task(session.run())
    try:
        await until(lambda: session.connected)
        yield session
    finally:
        task.cancel()
        await asyncio.wait({task})


async def leaders_apart(api: Api) -> int:
    """The node that leads our stream, once that is not the one that leads the listener's."""
    for _ in range(30):
        theirs = (await insist(api, "STREAM.INFO.$MQTT_msgs"))["cluster"].get("leader")
        ours = (await insist(api, "STREAM.INFO.CAPTURE"))["cluster"].get("leader")
        if ours and theirs and ours != theirs:
            return int(ours.removeprefix("n"))
        await insist(api, "STREAM.LEADER.STEPDOWN.CAPTURE")
        await asyncio.sleep(0.5)
    raise AssertionError("both streams stay with one leader")


async def test_capturing_mqtt_topics_directly_loses_what_was_acknowledged(tmp_path: Path) -> None:
    with NatsCluster(tmp_path, nodes=3, mqtt=True, extra=ACCOUNTS) as servers:
        async with open_cluster_log(LogOptions(servers=servers.urls, streams=1), now_ms) as cluster:
            await until(lambda: not cluster.missing())
            api = Api(cluster.connection)
            await insist(api, "STREAM.CREATE.CAPTURE", CAPTURE)
            async with switch_at(servers, 0):
                leader = await leaders_apart(api)
            acknowledged: set[bytes] = set()

            async def publish(session: Session, number: int) -> None:
                for count in range(400):
                    payload = b"%d.%d" % (number, count)
                    if await session.publish_tracked("reports/sw1", payload):
                        acknowledged.add(payload)

            async with AsyncExitStack() as stack:
                others = [node for node in range(3) if node != leader]
                switches = [await stack.enter_async_context(switch_at(servers, node)) for node in others]
                work = [
                    asyncio.create_task(publish(switch, PUBLISHERS * index + number))
                    for index, switch in enumerate(switches)
                    for number in range(PUBLISHERS)
                ]
                await until(lambda: len(acknowledged) > 500)
                servers.kill(leader)
                await asyncio.wait(work, timeout=30)
            servers.start(leader)
            stored = (await insist(api, "STREAM.INFO.CAPTURE"))["state"]["messages"]
            assert stored < len(acknowledged)
