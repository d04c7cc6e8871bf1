"""The window: what has been received on this connection and not been acknowledged yet, in order of receipt.

Every message that wants an acknowledgement gets a receipt, a number that grows by one over the life of the process.
The window maps the unacknowledged numbers, which are consecutive, to the acknowledgement packets. From that follow
the three promises of this adapter:

- Acknowledgements leave in order of receipt: one that comes early is kept until those before it have come.
- An acknowledgement is sent once: below the lowest number of the window there is nothing to find.
- A packet id of an earlier connection is never used on a later one, where it may name another message: `renew` lifts
  the lowest number above all that were given out before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class Window:
    """Unacknowledged receipts of one session; see the module's text."""

    __slots__ = ("_early", "_lowest", "_packets")

    def __init__(self) -> None:
        self._lowest = 1
        self._packets: deque[bytes] = deque()
        self._early: set[int] = set()

    def __len__(self) -> int:
        """Messages received on this connection and not acknowledged."""
        return len(self._packets)

    def renew(self) -> None:
        """A new connection begins: every receipt given out so far is void."""
        self._lowest += len(self._packets)
        self._packets.clear()
        self._early.clear()

    def receive(self, acknowledgement: bytes) -> int:
        """Note a message with the packet that will acknowledge it; returns its receipt."""
        self._packets.append(acknowledgement)
        return self._lowest + len(self._packets) - 1

    def acknowledge(self, receipts: Iterable[int]) -> list[bytes]:
        """The packets that may be sent now; void and repeated receipts are passed over."""
        packets = self._packets
        early = self._early
        ready: list[bytes] = []
        lowest = self._lowest
        highest = lowest + len(packets) - 1
        for receipt in receipts:
            if receipt == lowest <= highest:
                ready.append(packets.popleft())
                lowest += 1
                while lowest in early:
                    early.remove(lowest)
                    ready.append(packets.popleft())
                    lowest += 1
            elif lowest < receipt <= highest:
                early.add(receipt)
        self._lowest = lowest
        return ready
