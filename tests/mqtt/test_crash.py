"""Sudden deaths: of guard between receipt and acknowledgement, and of the broker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

import guard
from guard.adapters.mqtt import Protocol
from tests.mqtt.conftest import Place
from tests.mqtt.harness import LIMIT_S, Mosquitto, in_loop, numbers, publish, running, until

CHILD = Path(__file__).with_name("child.py")


@in_loop
async def test_a_killed_guard_gets_again_what_it_had_not_acknowledged_and_nothing_else(place: Place) -> None:
    async with running(place.url, protocol=place.protocol):
        pass  # makes the session
    await publish(place.url, 60)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CHILD),
        place.url,
        place.protocol,
        "60",
        "25",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(guard.__file__).parents[1])},
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), LIMIT_S) == b"acknowledged\n"
    child.send_signal(signal.SIGKILL)
    await child.wait()

    async with running(place.url, protocol=place.protocol) as watched:
        assert watched.connected == [True]
        messages = await watched.received(35)
        watched.session.acknowledge(messages)
        await publish(place.url, 1, first=1000)
        assert numbers(await watched.received(36)) == [*range(25, 60), 1000]


@pytest.mark.broker
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@in_loop
async def test_after_the_broker_was_killed_the_session_goes_on(mosquitto: Mosquitto, protocol: Protocol) -> None:
    async with running(mosquitto.url, protocol=protocol) as watched:
        await publish(mosquitto.url, 30)
        messages = await watched.received(30)
        watched.session.acknowledge(messages[:10])
        assert await watched.session.publish_tracked("done", b"")
        await mosquitto.save()
        mosquitto.kill()
        await until(lambda: len(watched.disconnected) == 1)
        assert not watched.session.publish("other", b"")
        mosquitto.start()
        await until(lambda: watched.session.connected)
        assert watched.connected == [False, True]
        again = await watched.received(50)
        assert numbers(again[30:]) == list(range(10, 30))
        watched.session.acknowledge(again[:30])  # of the connection that is no more
        assert watched.session.unacknowledged == 20
        watched.session.acknowledge(again[30:])
        await publish(mosquitto.url, 1, first=1000)
        assert numbers(await watched.received(51))[50:] == [1000]


@pytest.mark.broker
@in_loop
async def test_late_acknowledgements_do_not_reach_the_messages_of_a_later_connection(mosquitto: Mosquitto) -> None:
    """mosquitto gives its packet ids anew after a restart: acknowledging by the old ones would lose messages."""
    async with running(mosquitto.url) as watched:
        await publish(mosquitto.url, 20)
        old = list(await watched.received(20))
        await mosquitto.save()
        mosquitto.kill()
        await until(lambda: len(watched.disconnected) == 1)
        mosquitto.start()
        await until(lambda: len(watched.connected) == 2)
        await watched.received(40)
        watched.session.acknowledge(old)
        assert await watched.session.publish_tracked("done", b"")
    async with running(mosquitto.url) as later:
        assert numbers(await later.received(20)) == list(range(20))
