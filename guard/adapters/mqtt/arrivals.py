"""Arrivals: what has arrived and not been fetched, by sender, so that nobody waits behind somebody else's flood.

A sender is the topic but for its last level: a switch, whose messages stay in the order in which they were received, or
billing. Senders take turns, one message each. It matters where a backlog has come to lie here and not at the broker
(`guard.adapters.mqtt.session`): a switch that sends ten thousand reports at once then delays another one's by as many
messages as there are switches with something to say, not by ten thousand.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from guard.ports import Message


class Arrivals:
    """Messages in the order in which they will be fetched."""

    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[Message]] = OrderedDict()
        """By sender, of those who have any here; the first one's turn is next."""

    def __len__(self) -> int:
        """Messages that wait."""
        return sum(map(len, self._of.values()))

    def add(self, message: Message) -> None:
        """Behind all others of its sender."""
        sender = message.topic.rpartition("/")[0]
        waiting = self._of.get(sender)
        if waiting is None:
            self._of[sender] = deque((message,))
        else:
            waiting.append(message)

    def take(self, limit: int) -> list[Message]:
        """Up to so many, in turn."""
        senders = self._of
        if len(senders) == 1:
            return self._take_of_one(limit)
        taken: list[Message] = []
        while senders and len(taken) < limit:
            sender, waiting = senders.popitem(last=False)
            taken.append(waiting.popleft())
            if waiting:
                senders[sender] = waiting
        return taken

    def _take_of_one(self, limit: int) -> list[Message]:
        """The same where nobody else waits."""
        (waiting,) = self._of.values()
        if len(waiting) > limit:
            return [waiting.popleft() for _ in range(limit)]
        self._of.clear()
        return list(waiting)
