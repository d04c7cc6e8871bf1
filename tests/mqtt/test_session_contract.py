"""What a session promises, tried with each broker and each version of MQTT that guard meets."""

from __future__ import annotations

import asyncio

import uvloop
from aiomqtt import ProtocolVersion

from guard.adapters.mqtt import Will
from tests.mqtt.conftest import Place
from tests.mqtt.harness import LIMIT_S, in_loop, now_ms, numbers, publish, running, until


@in_loop
async def test_messages_arrive_whole_and_in_order(place: Place) -> None:
    before_ms = now_ms()
    async with running(place.url, protocol=place.protocol) as watched:
        await publish(place.url, 300)
        received = 0
        while received < 300:
            messages = (await watched.received(received + 1))[received:]
            received += len(messages)
            watched.session.acknowledge(messages)
    assert numbers(watched.messages) == list(range(300))
    assert {message.topic for message in watched.messages} == {"t/1"}
    assert all(before_ms <= message.received_at_ms <= now_ms() for message in watched.messages)
    assert watched.session.counters.received == 300
    assert watched.session.counters.acknowledged == 300


@in_loop
async def test_a_message_of_more_than_a_mebibyte_arrives_whole(place: Place) -> None:
    payload = bytes(range(256)) * 6_000
    async with (
        running(place.url, protocol=place.protocol) as watched,
        running(place.url, client_id="publisher", topics=("nothing",)) as publisher,
    ):
        assert await publisher.session.publish_tracked("t/large", payload)
        assert (await watched.received(1))[0].payload == payload


@in_loop
async def test_an_empty_message_and_strange_topics_arrive(place: Place) -> None:
    topics = ["t/", "t/ü/€", "t/a b/%/<>", "t//"]
    async with (
        running(place.url, protocol=place.protocol) as watched,
        running(place.url, client_id="publisher", topics=("nothing",)) as publisher,
    ):
        for topic in topics:
            assert await publisher.session.publish_tracked(topic, b"")
        messages = await watched.received(len(topics))
    assert [message.topic for message in messages] == topics
    assert all(message.payload == b"" for message in messages)


@in_loop
async def test_what_is_not_acknowledged_is_delivered_again_and_what_is_acknowledged_is_not(place: Place) -> None:
    async with running(place.url, protocol=place.protocol) as watched:
        await publish(place.url, 50)
        messages = await watched.received(50)
        watched.session.acknowledge(messages[:20])
        await barrier(watched.session.publish_tracked("done", b""))
    async with running(place.url, protocol=place.protocol) as again:
        assert numbers(await again.received(30)) == list(range(20, 50))
        assert again.connected == [True]


@in_loop
async def test_what_is_published_while_guard_is_away_arrives_later(place: Place) -> None:
    async with running(place.url, protocol=place.protocol) as watched:
        assert watched.connected == [False]
    await publish(place.url, 40)
    async with running(place.url, protocol=place.protocol) as again:
        assert numbers(await again.received(40)) == list(range(40))


@in_loop
async def test_two_sessions_get_their_own_messages(place: Place) -> None:
    async with (
        running(place.url, client_id="calls", topics=("c/+/calls",), protocol=place.protocol) as calls,
        running(place.url, client_id="control", topics=("c/+/acks", "c/billing"), protocol=place.protocol) as control,
    ):
        await publish(place.url, 3, topic="c/sw/calls")
        await publish(place.url, 2, topic="c/sw/acks")
        await publish(place.url, 1, topic="c/billing")
        await calls.received(3)
        await control.received(3)
        assert {message.topic for message in calls.messages} == {"c/sw/calls"}
        assert sorted(message.topic for message in control.messages) == ["c/billing", "c/sw/acks", "c/sw/acks"]


@in_loop
async def test_nothing_can_be_published_without_a_connection(place: Place) -> None:
    async with running(place.url, protocol=place.protocol) as watched:
        assert watched.session.publish("a", b"")
    session = watched.session
    assert not session.connected
    assert not session.publish("a", b"")
    assert not await session.publish_tracked("a", b"")
    assert session.counters.refused == 2
    session.acknowledge(watched.messages)
    assert session.drain(10) == []


@in_loop
async def test_a_retained_message_is_kept_for_those_who_come_later(place: Place) -> None:
    async with running(place.url, protocol=place.protocol, client_id="publisher", topics=("nothing",)) as publisher:
        assert await publisher.session.publish_tracked("t/scopes", b"1", retain=True)
        assert publisher.session.publish("t/scopes", b"2", retain=True)
        await until(lambda: publisher.session.on_their_way == 0)
    async with running(place.url, protocol=place.protocol) as watched:
        assert numbers(await watched.received(1)) == [2]


@in_loop
async def test_a_session_that_stops_says_goodbye_and_one_that_dies_leaves_its_will(place: Place) -> None:
    will = Will(topic="t/status", payload=b"0")
    async with running(place.url, protocol=place.protocol) as watched:
        async with running(place.url, protocol=place.protocol, client_id="polite", topics=("nothing",), will=will):
            pass
        async with running(
            place.url,
            protocol=place.protocol,
            client_id="abrupt",
            topics=("nothing",),
            will=Will(topic="t/status", payload=b"1"),
        ) as abrupt:
            connection = abrupt.session._connection
            assert connection is not None
            sock = connection._client.socket()
            assert sock is not None
            sock.shutdown(2)  # type: ignore[attr-defined]
            assert numbers(await watched.received(1)) == [1]
            await until(lambda: len(abrupt.connected) == 2)
    assert abrupt.disconnected[0].startswith("the broker closed the connection")


@in_loop
async def test_the_shell_is_woken_when_messages_come(place: Place) -> None:
    async with running(place.url, protocol=place.protocol) as watched:
        arrived = asyncio.Event()
        calls = 0

        def wake() -> None:
            nonlocal calls
            calls += 1
            arrived.set()

        watched.session.on_arrival = wake
        await publish(place.url, 50)
        await asyncio.wait_for(arrived.wait(), LIMIT_S)
        await watched.received(50)
        assert 1 <= calls <= 50


@in_loop
async def test_fetching_is_bounded_by_the_limit(place: Place) -> None:
    async with running(place.url, protocol=place.protocol) as watched:
        await publish(place.url, 10)
        await until(lambda: watched.session.waiting == 10)
        assert watched.session.drain(0) == []
        assert numbers(watched.session.drain(4)) == [0, 1, 2, 3]
        assert numbers(watched.session.drain(100)) == [4, 5, 6, 7, 8, 9]
        assert watched.session.waiting == 0
        assert watched.session.unacknowledged == 10


@in_loop
async def test_many_messages_can_be_on_their_way_at_once(place: Place) -> None:
    async with running(place.url, protocol=place.protocol, outgoing_limit=200) as watched:
        session = watched.session
        outcomes = [session.publish_tracked("other", b"%d" % number) for number in range(200)]
        assert not session.publish("other", b"one too many")
        assert all(await asyncio.wait_for(asyncio.gather(*outcomes), LIMIT_S))
        assert session.on_their_way == 0
        assert session.publish("other", b"again")


@in_loop
async def test_what_the_broker_has_not_acknowledged_when_the_connection_is_lost_is_reported(place: Place) -> None:
    async with running(place.url, protocol=place.protocol) as watched:
        outcome = watched.session.publish_tracked("other", b"")
        connection = watched.session._connection
        assert connection is not None
        connection._fail("for the test")
        assert not watched.session.connected
        assert not await asyncio.wait_for(outcome, LIMIT_S)
        await until(lambda: watched.session.connected)
        assert watched.connected == [False, True]
        assert watched.disconnected == ["for the test"]


def test_it_works_in_uvloop_as_well(place: Place) -> None:

    async def scenario() -> None:
        async with running(place.url, protocol=place.protocol) as watched:
            await publish(place.url, 100)
            messages = await watched.received(100)
            watched.session.acknowledge(messages)
            assert await watched.session.publish_tracked("other", b"")
            connection = watched.session._connection
            assert connection is not None
            connection._fail("for the test")
            await until(lambda: len(watched.connected) == 2)
            await publish(place.url, 1, first=100)
            assert numbers(await watched.received(101)) == list(range(101))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


@in_loop
async def test_the_version_that_was_asked_for_is_spoken(place: Place) -> None:
    async with running(place.url, protocol=place.protocol) as watched:
        connection = watched.session._connection
        assert connection is not None
        is_five = "mosquitto" in place.name and place.protocol == "5"
        assert connection.version is (ProtocolVersion.V5 if is_five else ProtocolVersion.V311)


async def barrier(outcome: asyncio.Future[bool]) -> None:
    """A broker handles what one client sends in order: when it has this, it has the acknowledgements before it."""
    assert await asyncio.wait_for(outcome, LIMIT_S)
