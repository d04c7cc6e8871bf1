"""The MQTT adapter: persistent sessions on aiomqtt and paho-mqtt, which nothing else in guard imports.

`session` is what the shell uses (a `Source` and a `Publisher`), `options` what it is told; `connection` and, below it,
`transport` are one connection, the only places that know the libraries' inside; `frames`, `arrivals`, `window`,
`address` and `reconnect` need no network: cutting bytes into packets, whose turn it is to be fetched, what may be
acknowledged, where the broker is, when to try again.
"""

from guard.adapters.mqtt.address import BrokerAddress, BrokerAddressError
from guard.adapters.mqtt.options import (
    CALLS_RECEIVE_MAXIMUM,
    CONTROL_RECEIVE_MAXIMUM,
    Protocol,
    SessionOptions,
    Will,
)
from guard.adapters.mqtt.session import Session, SessionCounters

__all__ = [
    "CALLS_RECEIVE_MAXIMUM",
    "CONTROL_RECEIVE_MAXIMUM",
    "BrokerAddress",
    "BrokerAddressError",
    "Protocol",
    "Session",
    "SessionCounters",
    "SessionOptions",
    "Will",
]
