"""Who waits behind whom: nobody behind another one's flood, everybody behind what was sent before by the same."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from guard.adapters.mqtt.arrivals import Arrivals
from guard.ports import Message
from tests.mqtt.harness import in_loop, running, until
from tests.mqtt.scripted import scripted

PREFIX = "guard/v1"


def filled(*topics: str) -> Arrivals:
    """One message each, numbered in the order in which they came."""
    arrivals = Arrivals()
    for number, topic in enumerate(topics):
        arrivals.add(Message(topic, b"", 0, number))
    return arrivals


def numbers(messages: list[Message]) -> list[object]:
    return [message.receipt for message in messages]


def test_a_quiet_switch_does_not_wait_behind_a_flood() -> None:
    arrivals = filled(*["guard/v1/loud/calls"] * 1_000, "guard/v1/quiet/calls", "guard/v1/quiet/calls")
    assert numbers(arrivals.take(4)) == [0, 1_000, 1, 1_001]
    assert len(arrivals) == 998
    assert numbers(arrivals.take(2_000)) == list(range(2, 1_000))
    assert arrivals.take(1) == []


def test_turns_go_on_where_they_ended() -> None:
    """However few are taken at a time, nobody's turn comes twice as often."""
    arrivals = filled(*(f"{PREFIX}/{switch}/calls" for _ in range(3) for switch in "abc"))
    taken = [numbers(arrivals.take(2)) for _ in range(5)]
    assert taken == [[0, 1], [2, 3], [4, 5], [6, 7], [8]]


def test_what_one_switch_says_on_several_topics_stays_in_order() -> None:
    """Its `status` and its `acks` are one story; billing is another."""
    arrivals = filled(f"{PREFIX}/sw1/status", f"{PREFIX}/billing", f"{PREFIX}/sw1/acks", f"{PREFIX}/sw1/status")
    assert numbers(arrivals.take(10)) == [0, 1, 2, 3]
    arrivals = filled(f"{PREFIX}/billing", f"{PREFIX}/billing", f"{PREFIX}/sw1/status", f"{PREFIX}/sw1/acks")
    assert numbers(arrivals.take(10)) == [0, 2, 1, 3]


@given(
    st.lists(
        st.one_of(st.tuples(st.just("add"), st.sampled_from("abcd")), st.tuples(st.just("take"), st.integers(0, 5))),
        max_size=60,
    )
)
def test_nothing_is_lost_or_doubled_and_each_sender_keeps_its_order(steps: list[tuple[str, str | int]]) -> None:
    arrivals = Arrivals()
    added: dict[str, list[object]] = defaultdict(list)
    taken: dict[str, list[object]] = defaultdict(list)
    count = 0

    def take(limit: int) -> None:
        got = arrivals.take(limit)
        assert len(got) == min(limit, sum(map(len, added.values())) - sum(map(len, taken.values())))
        for message in got:
            taken[message.topic].append(message.receipt)

    for what, which in steps:
        if isinstance(which, int):
            take(which)
        else:
            topic, count = f"{PREFIX}/{which}/calls", count + 1
            arrivals.add(Message(topic, what.encode(), 0, count))
            added[topic].append(count)
    take(count)
    assert taken == added
    assert len(arrivals) == 0


@in_loop
async def test_pubacks_keep_the_order_of_receipt_whoever_was_served_first() -> None:
    """Contract 1: the quiet one's message may be durable first; its PUBACK waits for those received before it."""
    async with scripted() as broker, running(broker.url, wait=False) as watched:
        peer = await broker.peer()
        await peer.accept()
        for mid, topic in ((1, b"t/loud/calls"), (2, b"t/loud/calls"), (3, b"t/loud/calls"), (4, b"t/quiet/calls")):
            peer.send(peer.publication(mid, b"%d" % mid, topic=topic))
        await until(lambda: watched.session.waiting == 4)
        messages = watched.session.drain(10)
        assert [int(message.payload) for message in messages] == [1, 4, 2, 3]
        watched.session.acknowledge(messages[:2])
        assert await peer.acknowledged() == 1
        assert watched.session.unacknowledged == 3
        watched.session.acknowledge(messages[2:])
        assert [await peer.acknowledged() for _ in range(3)] == [2, 3, 4]
