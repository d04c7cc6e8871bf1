"""Messages, acknowledgements and publications byte for byte, against a broker that is told what to do."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from tests.mqtt.harness import in_loop, numbers, running, until
from tests.mqtt.scripted import PUBLISH, scripted


@in_loop
async def test_pubacks_leave_in_order_of_receipt_and_only_after_acknowledge() -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        for mid in (7, 3, 9, 1):
            peer.send(peer.publication(mid, b"%d" % mid))
        messages = await watched.received(4)
        assert numbers(messages) == [7, 3, 9, 1]
        watched.session.acknowledge(messages[1:])
        assert watched.session.publish("after", b"")  # had a PUBACK been sent, it would come before this
        assert (await peer.expect(PUBLISH))[2:7] == b"after"
        watched.session.acknowledge(messages[:1])
        assert [await peer.acknowledged() for _ in range(4)] == [7, 3, 9, 1]
        assert watched.session.unacknowledged == 0


@in_loop
async def test_a_packet_id_of_an_earlier_connection_is_not_acknowledged_on_a_later_one() -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        first = await broker.peer()
        await first.accept()
        first.send(first.publication(1, b"10") + first.publication(2, b"20"))
        old = list(await watched.received(2))
        await first.close()

        second = await broker.peer()
        await second.accept(session_present=True)
        second.send(second.publication(1, b"99"))  # the same packet id, another message
        new = (await watched.received(3))[2:]
        watched.session.acknowledge(old)
        watched.session.acknowledge(new)
        assert await second.acknowledged() == 1
        watched.session.acknowledge(old + new)
        assert watched.session.publish("after", b"")
        assert (await second.expect(PUBLISH))[2:7] == b"after"  # no second PUBACK before it
        assert watched.session.counters.acknowledged == 1


@in_loop
async def test_messages_that_were_not_fetched_survive_a_reconnect() -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        first = await broker.peer()
        await first.accept()
        first.send(first.publication(1, b"1"))
        await until(lambda: watched.session.waiting == 1)
        await first.close()
        second = await broker.peer()
        await second.accept()
        second.send(second.publication(1, b"2"))
        assert numbers(await watched.received(2)) == [1, 2]


@in_loop
async def test_a_full_intake_is_fetched_before_it_connects_again() -> None:
    async with scripted() as broker, running(broker.url, receive_maximum=2, wait=False) as watched:
        first = await broker.peer()
        await first.accept()
        first.send(b"".join(first.publication(mid, b"%d" % mid) for mid in (1, 2, 3)))
        await until(lambda: watched.session.waiting == 3)
        await first.close()
        await until(lambda: bool(watched.disconnected))
        next_one = asyncio.ensure_future(broker.peer())
        await until(lambda: watched.session._failure != "")
        assert not next_one.done()
        watched.fetch()
        second = await next_one
        await second.accept()
        await until(lambda: len(watched.connected) == 2)


@in_loop
async def test_a_broker_that_overruns_the_receive_maximum_is_believed_counted_and_logged_once() -> None:
    with capture_logs() as log:
        async with scripted() as broker, running(broker.url, receive_maximum=100, wait=False) as watched:
            peer = await broker.peer()
            await peer.accept()
            for start in range(0, 1000, 50):
                peer.send(b"".join(peer.publication(mid + 1, b"%d" % mid) for mid in range(start, start + 50)))
                await peer.writer.drain()
            assert numbers(await watched.received(1000)) == list(range(1000))
            assert watched.session.counters.overruns > 0
    assert [entry["event"] for entry in log].count("mqtt-overrun") == 1


@in_loop
async def test_messages_of_qos_0_arrive_and_want_no_acknowledgement() -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        peer.send(peer.publication(0, b"1", qos=0) + peer.publication(5, b"2"))
        messages = await watched.received(2)
        assert watched.session.unacknowledged == 1
        watched.session.acknowledge(messages)
        assert await peer.acknowledged() == 5


@in_loop
async def test_many_acknowledgements_are_one_write() -> None:
    async with scripted() as broker, running(broker.url, receive_maximum=500, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        peer.send(b"".join(peer.publication(mid, b"1") for mid in range(1, 401)))
        messages = await watched.received(400)
        watched.session.acknowledge(messages)
        async with asyncio.timeout(10):
            assert len(await peer.reader.read(65_536)) == 400 * 4


@in_loop
async def test_acknowledgements_and_messages_wait_for_a_broker_that_does_not_read() -> None:
    """Nothing is lost when the socket is full: it goes on when the broker reads again."""
    async with scripted() as broker, running(broker.url, wait=False, outgoing_limit=100) as watched:
        peer = await broker.peer()
        await peer.accept()
        peer.send(peer.publication(1, b"1"))
        messages = await watched.received(1)
        for _ in range(100):
            assert watched.session.publish("large", bytes(200_000))
        watched.session.acknowledge(messages)
        connection = watched.session._connection
        assert connection is not None
        assert connection._client.want_write()
        for _ in range(100):
            assert len(await peer.expect(PUBLISH)) > 200_000
        assert await peer.acknowledged() == 1


@in_loop
async def test_what_came_before_the_end_in_the_same_read_is_not_thrown_away() -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        await until(lambda: watched.session.connected)
        peer.send(peer.publication(1, b"1") + b"\xe0\x02\x8b\x00")
        assert numbers(await watched.received(1)) == [1]
        await until(lambda: bool(watched.disconnected))


@in_loop
async def test_the_brokers_receive_maximum_is_heeded() -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept(properties=b"\x21\x00\x02")
        await until(lambda: watched.session.connected)
        for number in range(4):
            assert watched.session.publish("m", b"%d" % number)
        await until(lambda: watched.session.on_their_way == 4)
        peer.send(peer.publication(9, b"9"))
        watched.session.acknowledge(await watched.received(1))
        first = await peer.expect(PUBLISH)
        await peer.expect(PUBLISH)
        assert await peer.acknowledged() == 9  # not a third message
        peer.send(b"\x40\x02" + first[3:5])  # one of the two has arrived: the third may come
        assert (await peer.expect(PUBLISH)).endswith(b"2")


@in_loop
async def test_a_publication_that_the_broker_refuses_is_known() -> None:
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        await until(lambda: watched.session.connected)
        refused = watched.session.publish_tracked("m", b"")
        unheard = watched.session.publish_tracked("m", b"")
        for code in (b"\x97\x00", b"\x10\x00"):  # quota exceeded; no matching subscribers
            peer.send(b"\x40\x04" + (await peer.expect(PUBLISH))[3:5] + code)
        assert list(await asyncio.gather(refused, unheard)) == [False, True]
