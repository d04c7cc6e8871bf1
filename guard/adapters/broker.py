"""The embedded broker: `iotcore` (rumqttd in a wheel), so that guard can be tried with nothing but pip.

It runs as a child process on 127.0.0.1 and ends with this one, however this one ends. What was found with iotcore 0.4:

- It speaks MQTT 3.1.1 and closes the connection of a client that asks for 5. QoS 1, retained messages, last wills and
  persistent sessions with redelivery work.
- **Nothing is on disk**: sessions, queues and retained messages are gone when it stops. It is for trials.
- It keeps the last 1 GiB of each subscription in memory, acknowledged or not; what a slow reader has not fetched by
  then is lost without a word.
- 100 unacknowledged messages a client, whatever one configures, and exactly so. A client that holds them all gets no
  other answer either, no PINGRESP, SUBACK or PUBACK: withheld for longer than the keepalive, the connection is lost.
- It refuses a keepalive of 0 and drops the connection of a client whose message is larger than `LARGEST_PAYLOAD`.
- rumqttd cannot be stopped from inside, hence the child process. It has no sessions to write and ends at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from iotcore import Broker

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 1883
LARGEST_PAYLOAD = 16 * 1024 * 1024
"""Bytes of a message that the broker still delivers: more than the 1 MiB that guard takes, so that guard can say so."""

START_LIMIT_S = 10.0
STOP_LIMIT_S = 2.0
_TRIES = 5
"""Free ports tried, should another process take one between finding and using it."""


class EmbeddedBrokerError(Exception):
    """The embedded broker could not be started; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class EmbeddedBroker:
    """A running embedded broker."""

    port: int
    process: Broker

    @property
    def url(self) -> str:
        """Its address as in `[broker] url`."""
        return f"mqtt://{LOOPBACK}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.is_running


@contextlib.asynccontextmanager
async def embedded_broker(port: int | None = DEFAULT_PORT) -> AsyncIterator[EmbeddedBroker]:
    """A broker on the loopback port for the length of the block; None takes any free port.

    It accepts connections when the block begins. `EmbeddedBrokerError` when the port is taken or it does not start.
    """
    broker = await _started(port)
    try:
        yield broker
    finally:
        await asyncio.to_thread(broker.process.stop, STOP_LIMIT_S)


async def _started(port: int | None) -> EmbeddedBroker:
    if port is not None:
        return await _start(port)
    for _ in range(_TRIES - 1):
        with contextlib.suppress(EmbeddedBrokerError):
            return await _start(_free_port())
    return await _start(_free_port())


async def _start(port: int) -> EmbeddedBroker:
    try:
        # The default limits are 20 KiB and all interfaces.
        broker = Broker(port=port, listen=LOOPBACK, max_payload_size=LARGEST_PAYLOAD)
    except (OverflowError, ValueError) as error:
        raise EmbeddedBrokerError(f"the embedded broker cannot listen on port {port}: {error}") from error
    starting = asyncio.ensure_future(asyncio.to_thread(broker.start, START_LIMIT_S))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The thread cannot be interrupted: what it started is stopped when it has.
        await asyncio.wait({starting}, timeout=START_LIMIT_S)
        await asyncio.to_thread(broker.stop, STOP_LIMIT_S)
        raise
    except OSError as error:
        raise EmbeddedBrokerError(
            f"the embedded broker cannot listen on {LOOPBACK}:{port} ({error}). If another MQTT broker runs there, use"
            f' it: [broker] url = "mqtt://{LOOPBACK}:{port}"; otherwise stop what has the port'
        ) from error
    except RuntimeError as error:
        raise EmbeddedBrokerError(f"the embedded broker does not start: {error}") from error
    return EmbeddedBroker(port, broker)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
