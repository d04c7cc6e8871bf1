"""To and from the broker: messages that wait for their acknowledgement, and a way to publish that never waits.

A source is one session. What it has delivered is guard's to lose until it is acknowledged, and the broker's again when
the connection ends first; so a message may come twice and nothing here has to be kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Message:
    """One received message that has not been acknowledged yet. `receipt` is the source's own handle."""

    topic: str
    payload: bytes
    received_at_ms: int
    receipt: object = None


class Source(Protocol):
    """Delivers messages of one session and acknowledges them when told; never reads ahead without bound."""

    def drain(self, limit: int) -> list[Message]:
        """Up to `limit` messages that have arrived, each topic's in order of receipt; empty when there are none."""
        ...

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """PUBACK these, all in order of receipt; those of an earlier connection are passed over (they come again)."""
        ...


class Publisher(Protocol):
    """Publishes without waiting; what cannot be sent now is dropped, because desired state is sent again."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a QoS 1 message to the broker connection; False when there is none."""
        ...


class TrackedPublisher(Publisher, Protocol):
    """A publisher that can also say whether the broker has a message."""

    def publish_tracked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[bool]:
        """Publish; the future gets True when the broker has the message. Never raises."""
        ...
