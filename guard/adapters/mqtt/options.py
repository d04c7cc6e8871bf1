"""What a session is, in one frozen record: who it is at the broker, what it wants, and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from guard.adapters.mqtt.address import BrokerAddress

Protocol = Literal["auto", "5", "3.1.1"]
"""Version of MQTT: `auto` is 5, and 3.1.1 where the broker does not speak 5."""

CALLS_RECEIVE_MAXIMUM = 1000
CONTROL_RECEIVE_MAXIMUM = 200
KEEPALIVE_S = 15
OUTGOING_LIMIT = 1000
"""Published messages without PUBACK: a snapshot of 100,000 entries is 200, with room for the commands of a bad day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes (QoS 1) when this client vanishes without saying goodbye."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """One persistent session."""

    address: BrokerAddress
    client_id: str
    """Names the session at the broker: the same from start to start, and one process only."""
    topics: tuple[str, ...]
    """Subscribed at QoS 1."""
    receive_maximum: int
    """Unacknowledged messages that the broker may send (MQTT 5; in 3.1.1 its own `max_inflight_messages`)."""
    protocol: Protocol = "auto"
    keepalive_s: int = KEEPALIVE_S
    outgoing_limit: int = OUTGOING_LIMIT
    """Published messages that the broker may leave unacknowledged before `publish` refuses."""
    will: Will | None = None
