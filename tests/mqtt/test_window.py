"""What may be acknowledged: in order of receipt, once, and never on another connection than its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.adapters.mqtt.window import Window


def test_acknowledgements_leave_in_order_of_receipt() -> None:
    window = Window()
    first, second, third = (window.receive(packet) for packet in (b"a", b"b", b"c"))
    assert window.acknowledge([third]) == []
    assert window.acknowledge([second]) == []
    assert window.acknowledge([first]) == [b"a", b"b", b"c"]
    assert len(window) == 0


def test_a_repeated_acknowledgement_is_passed_over() -> None:
    window = Window()
    first, second = window.receive(b"a"), window.receive(b"b")
    assert window.acknowledge([first, first]) == [b"a"]
    assert window.acknowledge([first]) == []
    assert window.acknowledge([second, second]) == [b"b"]


def test_receipts_of_an_earlier_connection_are_void() -> None:
    window = Window()
    old = [window.receive(b"old"), window.receive(b"old")]
    window.acknowledge(old[1:])
    window.renew()
    assert len(window) == 0
    new = window.receive(b"new")
    assert window.acknowledge(old) == []
    assert window.acknowledge([new]) == [b"new"]


def test_a_receipt_that_was_never_given_out_is_passed_over() -> None:
    window = Window()
    receipt = window.receive(b"a")
    assert window.acknowledge([receipt + 1, 0, -5]) == []
    assert window.acknowledge([receipt]) == [b"a"]
    assert window.receive(b"b") == receipt + 1
    assert len(window) == 1


@given(st.lists(st.one_of(st.just("receive"), st.just("renew"), st.lists(st.integers(0, 40), max_size=8)), max_size=60))
def test_it_does_what_the_obvious_way_does(steps: list[str | list[int]]) -> None:
    window = Window()
    received: list[int] = []  # receipts of this connection
    wanted: set[int] = set()
    sent: list[int] = []
    for step in steps:
        if step == "receive":
            receipt = window.receive(b"%d" % (len(received) + 1000))
            assert not received or receipt == received[-1] + 1
            received.append(receipt)
        elif step == "renew":
            window.renew()
            received, wanted, sent = [], set(), []
        else:
            wanted |= {receipt for receipt in step if isinstance(receipt, int) and receipt in received}
            packets = window.acknowledge([receipt for receipt in step if isinstance(receipt, int)])
            due = []
            for receipt in received[len(sent) :]:
                if receipt not in wanted:
                    break
                due.append(receipt)
            assert packets == [b"%d" % (received.index(receipt) + 1000) for receipt in due]
            sent += due
        assert len(window) == len(received) - len(sent)
