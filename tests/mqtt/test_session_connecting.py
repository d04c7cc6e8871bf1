"""Connecting, being refused, losing the connection and what is said about it."""

from __future__ import annotations

import asyncio
import re
import socket
import struct

import pytest
from structlog.testing import capture_logs

from guard.adapters.mqtt import connection as connection_module
from tests.mqtt.harness import in_loop, running, until
from tests.mqtt.scripted import scripted

SESSION_EXPIRY = b"\x11\xff\xff\xff\xff"


@in_loop
async def test_the_session_is_asked_to_last_for_ever_and_to_be_bounded() -> None:
    async with scripted() as broker, running(broker.url, receive_maximum=321, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        await until(lambda: watched.session.connected)
        assert peer.version == 5
        assert peer.connect[7] & 0x02 == 0, "clean start"
        assert struct.unpack("!H", peer.connect[8:10]) == (15,)
        assert SESSION_EXPIRY in peer.connect
        assert b"\x21" + struct.pack("!H", 321) in peer.connect
        assert peer.connect.endswith(b"\x00\x0aguard-test")
        connection = watched.session._connection
        assert connection is not None
        sock = connection._client.socket()
        assert isinstance(sock, socket.socket)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@in_loop
async def test_with_3_1_1_the_session_is_not_clean() -> None:
    async with scripted() as broker, running(broker.url, protocol="3.1.1", wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        await until(lambda: watched.session.connected)
        assert peer.version == 4
        assert peer.connect[7] & 0x02 == 0, "clean session"


@in_loop
async def test_a_broker_that_says_no_to_5_is_asked_for_3_1_1() -> None:
    with capture_logs() as log:
        async with scripted() as broker, running(broker.url, wait=False) as watched:
            first = await broker.peer()
            await first.hello()
            assert first.version == 5
            first.send(b"\x20\x02\x00\x01")  # as brokers from before MQTT 5 do
            second = await broker.peer()
            await second.accept()
            assert second.version == 4
            await until(lambda: watched.session.connected)
    assert {entry["log_level"] for entry in log} <= {"debug", "info"}


@in_loop
@pytest.mark.parametrize("answer", [b"", b"\x20\x02\x00\x00", b"\x20\x03\x00\x84\x00", b"HTTP/1.1 400 \r\n\r\n"])
async def test_a_broker_that_does_not_know_5_in_other_words_is_asked_for_3_1_1(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_LIMIT_S", 60.0)  # it is the answer that counts, not the limit
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        first = await broker.peer()
        await first.hello()
        first.send(answer)
        await first.close()
        second = await broker.peer()
        await second.accept()
        assert second.version == 4
        await until(lambda: watched.session.connected)


@in_loop
async def test_a_refusal_is_logged_once_with_its_reason_and_without_the_password() -> None:
    with capture_logs() as log:
        async with scripted() as broker:
            url = broker.url.replace("mqtt://", "mqtt://guard:SECRET@")
            async with running(url, wait=False, protocol="5") as watched:
                for _ in range(3):
                    peer = await broker.peer()
                    await peer.hello()
                    assert b"\x00\x05guard\x00\x06SECRET" in peer.connect
                    peer.send(peer.connack(0x87))
                    await peer.gone()
                await until(lambda: watched.session._failures == 3)
                assert watched.connected == []
    warnings = [entry for entry in log if entry["log_level"] == "warning"]
    assert [entry["event"] for entry in warnings] == ["mqtt-connect-failed"]
    assert "Not authorized" in warnings[0]["reason"]
    assert warnings[0]["client_id"] == "guard-test"
    assert re.fullmatch(r"mqtt://\*\*\*@127\.0\.0\.1:\d+", warnings[0]["broker"])
    assert "SECRET" not in repr(log)


@in_loop
@pytest.mark.parametrize(("code", "reason"), [(0x87, "access rules"), (0, "QoS 0")])
async def test_a_subscription_that_is_not_granted_is_a_failure_that_names_the_topic(code: int, reason: str) -> None:
    with capture_logs() as log:
        async with scripted() as broker, running(broker.url, wait=False) as watched:
            peer = await broker.peer()
            await peer.hello()
            peer.send(peer.connack(0))
            await peer.grant(code)
            await peer.gone()
            await until(lambda: watched.session._failure != "")
            assert watched.connected == []
    warning = next(entry for entry in log if entry["event"] == "mqtt-connect-failed")
    assert reason in warning["reason"]
    assert "t/#" in warning["reason"]


@in_loop
async def test_a_broker_that_ends_the_connection_with_a_reason_is_quoted() -> None:
    with capture_logs() as log:
        async with scripted() as broker, running(broker.url, wait=False) as watched:
            peer = await broker.peer()
            await peer.accept()
            await until(lambda: watched.session.connected)
            peer.send(b"\xe0\x02\x8e\x00")
            await until(lambda: bool(watched.disconnected))
    assert "Session taken over" in watched.disconnected[0]
    assert next(entry for entry in log if entry["event"] == "mqtt-connection-lost")["reason"] == watched.disconnected[0]


@in_loop
@pytest.mark.parametrize("junk", [b"\x30\xff\xff\xff\xff\x01", b"\x30\x01\x00", b"\x00\x00", b"\x40\x01\x00"])
async def test_what_is_not_mqtt_ends_the_connection_and_nothing_else(junk: bytes) -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        first = await broker.peer()
        await first.accept()
        await until(lambda: watched.session.connected)
        first.send(junk)
        second = await broker.peer()
        await second.accept()
        await until(lambda: len(watched.connected) == 2)
        assert "MQTT" in watched.disconnected[0] or "protocol" in watched.disconnected[0]


@in_loop
async def test_an_error_in_the_shells_callback_ends_the_connection_and_is_said() -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        first = await broker.peer()
        await first.accept()
        await until(lambda: watched.session.connected)

        def broken() -> None:
            raise RuntimeError("a bug in the shell")

        watched.session.on_arrival = broken
        first.send(first.publication(1, b"1"))
        await until(lambda: bool(watched.disconnected))
        assert "a bug in the shell" in watched.disconnected[0]


@in_loop
async def test_a_broker_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_LIMIT_S", 0.2)
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        await broker.peer()
        second = await broker.peer()
        await second.hello()
        second.send(second.connack(0))  # but no SUBACK
        third = await broker.peer()
        await third.accept()
        await until(lambda: watched.session.connected)


@in_loop
async def test_a_connection_that_ends_before_suback_is_known_to_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_LIMIT_S", 60.0)
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        first = await broker.peer()
        await first.hello()
        first.send(first.connack(0))
        await first.packet()
        await first.close()
        second = await broker.peer()
        await second.accept()
        await until(lambda: watched.session.connected)


@in_loop
async def test_a_suback_behind_a_long_backlog_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_LIMIT_S", 0.2)
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.hello()
        peer.send(peer.connack(0, session_present=True))
        for mid in range(1, 11):
            peer.send(peer.publication(mid, b"%d" % mid))
            await watched.received(mid)
            await asyncio.sleep(0.05)
        await peer.grant()
        await until(lambda: watched.session.connected)


@in_loop
async def test_a_broker_whose_pings_stop_is_left_but_not_while_it_sends() -> None:
    async with scripted() as broker, running(broker.url, wait=False, keepalive_s=1) as watched:
        peer = await broker.peer()
        await peer.accept()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        mid = 0
        while loop.time() < began_s + 2.5:  # no PINGRESP, only messages: mosquitto queues it behind a backlog
            mid += 1
            peer.send(peer.publication(mid, b"%d" % mid))
            await watched.received(mid)
            assert watched.disconnected == []
            await asyncio.sleep(0.1)
        await until(lambda: bool(watched.disconnected))
        assert "eep alive" in watched.disconnected[0]


@in_loop
async def test_a_broker_that_forgets_or_will_forget_the_session_is_reported() -> None:
    with capture_logs() as log:
        async with scripted() as broker, running(broker.url, wait=False) as watched:
            first = await broker.peer()
            await first.accept(properties=b"\x11\x00\x00\x0e\x10")
            await until(lambda: watched.session.connected)
            await first.close()
            second = await broker.peer()
            await second.accept(session_present=False)
            await until(lambda: len(watched.connected) == 2)
    events = [entry["event"] for entry in log]
    assert events.count("mqtt-session-forgotten") == 1
    expires = next(entry for entry in log if entry["event"] == "mqtt-session-expires")
    assert expires["after_s"] == 3600


@in_loop
async def test_nobody_there_is_logged_once_and_tried_again() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with capture_logs() as log:
            async with running(f"mqtt://127.0.0.1:{nobody.getsockname()[1]}", wait=False) as watched:
                await until(lambda: watched.session._failures >= 4)
    warnings = [entry for entry in log if entry["log_level"] == "warning"]
    assert [entry["event"] for entry in warnings] == ["mqtt-connect-failed"]
    assert "refused" in warnings[0]["reason"]


@in_loop
async def test_a_host_that_cannot_be_a_name_is_a_failure_like_any_other() -> None:
    async with running("mqtt://" + "a" * 70 + ".example", wait=False) as watched:
        await until(lambda: watched.session._failures > 0)
        assert "no connection" in watched.session._failure
