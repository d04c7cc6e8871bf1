"""Back-pressure: what is not acknowledged holds the broker back, and the connection lives on."""

from __future__ import annotations

import asyncio

import pytest

from guard.adapters.mqtt import Protocol
from tests.mqtt.harness import Mosquitto, in_loop, numbers, publish, running

pytestmark = pytest.mark.broker

RECEIVE_MAXIMUM = 50
KEEPALIVE_S = 1


@pytest.mark.parametrize(("protocol", "most"), [("5", RECEIVE_MAXIMUM), ("3.1.1", 2000)])
@in_loop
async def test_unacknowledged_messages_stop_the_broker_and_the_connection_stays(
    mosquitto: Mosquitto, protocol: Protocol, most: int
) -> None:
    async with running(
        mosquitto.url, protocol=protocol, receive_maximum=RECEIVE_MAXIMUM, keepalive_s=KEEPALIVE_S
    ) as watched:
        await publish(mosquitto.url, most + 200)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await watched.received(most)
        # mosquitto ends a connection that is silent for one and a half times the keepalive.
        while loop.time() < began_s + 3 * KEEPALIVE_S:
            watched.fetch()
            assert watched.session.connected
            assert len(watched.messages) == most
            await asyncio.sleep(0.05)
        assert await watched.session.publish_tracked("other", b"")
        received = 0
        while received < most + 200:
            messages = (await watched.received(received + 1))[received:]
            received += len(messages)
            watched.session.acknowledge(messages)
        assert numbers(watched.messages) == list(range(most + 200))
        assert watched.disconnected == []
        assert watched.connected == [False]
