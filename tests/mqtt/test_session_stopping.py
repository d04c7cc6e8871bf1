"""A session can be stopped at any moment, within its limits, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from guard.adapters.mqtt import connection as connection_module
from guard.adapters.mqtt.connection import Connection
from tests.mqtt.harness import LIMIT_S, in_loop, running, until
from tests.mqtt.scripted import DISCONNECT, scripted


@in_loop
async def test_stopping_says_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("ANSWER_LIMIT_S", "CLOSE_LIMIT_S"):  # a broker that reads needs none
        monkeypatch.setattr(connection_module, limit, 60.0)
    async with scripted() as broker:
        async with running(broker.url, wait=False) as watched:
            peer = await broker.peer()
            await peer.accept()
            await until(lambda: watched.session.connected)
        await peer.expect(DISCONNECT)
        await peer.gone()
        assert watched.disconnected == ["closed by guard"]


@in_loop
async def test_stopping_settles_what_is_on_its_way() -> None:
    async with scripted() as broker:
        async with running(broker.url, wait=False) as watched:
            peer = await broker.peer()
            await peer.accept()
            await until(lambda: watched.session.connected)
            outcome = watched.session.publish_tracked("m", b"")
        assert not await asyncio.wait_for(outcome, LIMIT_S)


@in_loop
async def test_stopping_does_not_wait_for_a_broker_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "CLOSE_LIMIT_S", 0.1)
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        await until(lambda: watched.session.connected)
        for _ in range(100):
            watched.session.publish("large", bytes(200_000))
        await watched.stop()
        assert not watched.session.connected


@in_loop
@pytest.mark.parametrize("stage", ["before CONNACK", "before SUBACK"])
async def test_a_session_can_be_stopped_while_it_connects(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_LIMIT_S", 60.0)
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.hello()
        if stage == "before SUBACK":
            peer.send(peer.connack(0))
            await peer.packet()
        watched.task.cancel()
        await peer.gone()
        with pytest.raises(asyncio.CancelledError):
            await watched.task


@in_loop
async def test_a_connection_that_comes_about_after_the_stop_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_LIMIT_S", 0.1)
    go_on = threading.Event()
    connect = Connection._client_connect

    def connect_late(self: Connection) -> None:
        go_on.wait(LIMIT_S)
        connect(self)

    monkeypatch.setattr(Connection, "_client_connect", connect_late)
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        await until(lambda: watched.session._connection is not None)
        await watched.stop()
        go_on.set()
        peer = await broker.peer()
        await peer.gone()


@in_loop
async def test_a_stop_that_comes_together_with_an_answer_is_not_forgotten() -> None:
    """`asyncio.wait_for` of Python 3.11, which aiomqtt uses, would return the answer and run on."""
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.hello()
        peer.send(peer.connack(0))
        await until(lambda: bool(watched.session._connection and watched.session._connection._pending_subscribes))
        connection = watched.session._connection
        assert connection is not None
        for granted in connection._pending_subscribes.values():
            granted.set_result([])
        watched.task.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await watched.task
