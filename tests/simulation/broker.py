"""The broker: QoS 1 both ways. It keeps what guard has not acknowledged, and delivers it again on the next connection.

guard has two sessions here that outlive its connections. A message is delivered in the order in which it came and is
guard's until its PUBACK arrives, which takes a while and gets lost with the connection. What guard publishes takes a
while as well; when the connection ends first it has arrived or not, and guard cannot know.

The broker never loses a message that it has taken: that is its own promise, and guard's begins where it ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tests.simulation.schedule import Schedule

RECEIVE_MAXIMUM = 50
"""Unacknowledged messages on their way, so few that even a short run fills it."""


class Client(Protocol):
    """guard's end of a session."""

    def deliver(self, topic: str, payload: bytes, receipt: tuple[int, int]) -> None:
        """A message comes in."""
        ...

    def opened(self) -> None:
        """Connected and subscribed."""
        ...

    def closed(self) -> None:
        """The connection is over."""
        ...


@dataclass(slots=True)
class _Held:
    number: int
    topic: str
    payload: bytes
    times: int = 0


class Session:
    """One persistent session of guard's, as the broker has it."""

    def __init__(self, name: str, schedule: Schedule, broken: Callable[[str], None]) -> None:
        """`broken` is told when guard does what MQTT forbids."""
        self.name = name
        self._schedule = schedule
        self._broken = broken
        self._queue: deque[_Held] = deque()
        self._taken = 0
        self._on_their_way = 0
        self._expected: deque[int] = deque()
        """Messages on this connection whose PUBACK has not left guard yet, in their order."""
        self.connection = 0
        """Number of the connection; it grows."""
        self.client: Client | None = None
        self.redelivered = 0

    @property
    def waiting(self) -> int:
        """Messages that guard has not acknowledged."""
        return len(self._queue)

    def take(self, topic: str, payload: bytes) -> None:
        """Somebody has published what this session subscribes to."""
        self._taken += 1
        self._queue.append(_Held(self._taken, topic, payload))
        self._deliver()

    def open(self, client: Client) -> None:
        """guard connects; it gets everything that it has not acknowledged once more."""
        self.close()
        self.connection += 1
        self._on_their_way = 0
        self._expected.clear()
        self.client = client
        client.opened()
        self._deliver()

    def close(self) -> None:
        """The connection ends."""
        client, self.client = self.client, None
        if client is not None:
            client.closed()

    def _deliver(self) -> None:
        while self.client is not None and self._on_their_way < min(len(self._queue), RECEIVE_MAXIMUM):
            held = self._queue[self._on_their_way]
            self._on_their_way += 1
            held.times += 1
            self.redelivered += held.times > 1
            self._expected.append(held.number)
            self.client.deliver(held.topic, held.payload, (self.connection, held.number))

    def acknowledge(self, receipts: list[tuple[int, int]], delay_ms: int) -> None:
        """guard sends PUBACKs, in order of receipt; they arrive if the connection lasts so long."""
        connection = self.connection
        numbers = [number for of, number in receipts if of == connection and self.client is not None]
        for number in numbers:
            if not self._expected or self._expected.popleft() != number:
                self._broken(f"session {self.name}: message {number} was acknowledged out of order")

        def arrive() -> None:
            if connection == self.connection and self.client is not None:
                for _ in numbers:
                    self._queue.popleft()
                self._on_their_way -= len(numbers)
                self._deliver()

        if numbers:
            self._schedule.after(delay_ms, arrive)


class Broker:
    """Both sessions of guard's, and everybody else who listens."""

    def __init__(self, schedule: Schedule, random: Random, broken: Callable[[str], None]) -> None:
        self._schedule = schedule
        self._random = random
        self.calls = Session("calls", schedule, broken)
        self.control = Session("control", schedule, broken)
        self._line_free_ms = 0
        self.retained: dict[str, bytes] = {}
        self.hears: dict[str, Callable[[bytes], None]] = {}
        """By topic: who listens to what guard publishes."""

    def publish(self, topic: str, payload: bytes) -> None:
        """A switch or billing publishes; the broker has it now."""
        session = self.calls if topic.endswith("/calls") else self.control
        session.take(topic, payload)

    def publish_late(self, topic: str, payload: bytes, delay_ms: int) -> None:
        """The same, when it has got here."""
        self._schedule.after(delay_ms, lambda: self.publish(topic, payload))

    def from_guard(
        self, topic: str, payload: bytes, *, retain: bool, delay_ms: int, heard: Callable[[bool], None]
    ) -> None:
        """guard publishes on its control session, in order; `heard` gets whether guard learns that it has arrived."""
        connection = self.control.connection
        self._line_free_ms = max(self._line_free_ms, self._schedule.now_ms + delay_ms)

        def arrive() -> None:
            lasted = connection == self.control.connection and self.control.client is not None
            if lasted or self._random.random() < 0.5:
                if retain:
                    self.retained[topic] = payload
                hears = self.hears.get(topic)
                if hears is not None:
                    hears(payload)
            heard(lasted)

        self._schedule.at(self._line_free_ms, arrive)
