"""One connection to the broker, from CONNECT to goodbye, with acknowledging by hand.

What the libraries do not offer from outside (see also `transport`, on which this is built):

- **Acknowledging by hand.** aiomqtt acknowledges what it receives at once. Here a PUBLISH never gets to paho, so that
  nothing but `acknowledge` sends a PUBACK; many go out as one buffer in one system call through paho's own out-queue,
  where paho's `ack()` would make a record and a system call of each.
- **Leaving nothing behind**: aiomqtt keeps socket and task when connecting fails or is cancelled.
- **The broker's receive maximum**, which paho does not heed.

A connection is used once: `open`, `listen`, wait for `lost`, `close`. paho's client would carry packet ids and unsent
messages from one connection to the next, which guard does not want: desired state is sent again anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence
from ssl import SSLContext
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from guard.adapters.mqtt.frames import PUBACK
from guard.adapters.mqtt.options import SessionOptions
from guard.adapters.mqtt.transport import Receive, Transport

ANSWER_LIMIT_S = 5.0
"""How long TCP and TLS, CONNACK and SUBACK may take, each."""

CLOSE_LIMIT_S = 2.0
"""How long saying goodbye may take before the socket is closed without."""

FOREVER_S = 0xFFFF_FFFF
"""A session expiry that means: never."""

_MOST_IN_FLIGHT = 65_535
_UNSUPPORTED_VERSION = 0x84
_FAILURE = 0x80


class ConnectionFailedError(Exception):
    """The broker could not be reached, or refused; the text says why.

    `version_refused`: the broker said that it does not speak this version of MQTT. `unanswered`: it closed the
    connection without an answer, which is how others say it.
    """

    def __init__(self, reason: str, *, version_refused: bool = False, unanswered: bool = False) -> None:
        super().__init__(reason)
        self.version_refused = version_refused
        self.unanswered = unanswered


class Connection(Transport):
    """One connection of a persistent session; see the module's text. All methods on the event loop."""

    def __init__(
        self,
        options: SessionOptions,
        *,
        version: aiomqtt.ProtocolVersion,
        tls_context: SSLContext | None,
        receive: Receive,
    ) -> None:
        is_v5 = version is aiomqtt.ProtocolVersion.V5
        address = options.address
        will = options.will
        super().__init__(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            logger=logging.getLogger(__name__),
            identifier=options.client_id,
            protocol=version,
            will=None if will is None else aiomqtt.Will(will.topic, will.payload, qos=1, retain=will.retain),
            clean_session=None if is_v5 else False,
            clean_start=False if is_v5 else paho.MQTT_CLEAN_START_FIRST_ONLY,  # paho refuses the former in 3.1.1
            timeout=ANSWER_LIMIT_S,
            keepalive=options.keepalive_s,
            properties=_connect_properties(options.receive_maximum) if is_v5 else None,
            tls_context=tls_context,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        self.prepare(receive)
        self.version = version
        self.session_present = False
        self.session_expiry_s = FOREVER_S
        """How long the broker keeps the session of an absent client."""
        self._entering: asyncio.Task[object] | None = None
        self._outgoing: dict[int, asyncio.Future[bool] | None] = {}
        self._outgoing_limit = options.outgoing_limit
        self._client.connect_timeout = ANSWER_LIMIT_S
        # What paho has to say is either said here as a reason, or is debugging of paho.
        self._client.disable_logger()

    # -- life ------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and be accepted; `ConnectionFailedError` when that does not come about in time."""
        # paho connects in a thread, which cannot be interrupted: shielded, so that close() finds what it left.
        self._entering = asyncio.ensure_future(self.__aenter__())
        try:
            await asyncio.shield(self._entering)
        except MqttConnectError as error:
            refused = _number(error.rc) == _UNSUPPORTED_VERSION
            raise ConnectionFailedError(f"refused by the broker: {error.rc}", version_refused=refused) from error
        except aiomqtt.MqttError as error:
            if not self.lost.done():
                raise ConnectionFailedError(f"no connection: {error}") from error
            hint = "without an answer (a wrong port? a broker that wants TLS, mqtts://?)"
            reason = f"{self.lost.result()} {hint}" if self.ended_by_peer else self.lost.result()
            raise ConnectionFailedError(reason, unanswered=self.ended_by_peer) from error
        except ValueError as error:  # a host name that cannot be encoded
            raise ConnectionFailedError(f"no connection: {error}") from error

    async def listen(self, topics: Sequence[str]) -> None:
        """Subscribe at QoS 1; `ConnectionFailedError` when the broker grants less."""
        try:
            granted = await self.subscribe([(topic, 1) for topic in topics])
        except aiomqtt.MqttError as error:
            reason = self.lost.result() if self.lost.done() else f"no subscription: {error}"
            raise ConnectionFailedError(reason) from error
        for topic, code in zip(topics, granted, strict=True):
            number = _number(code)
            if number >= _FAILURE:
                remedy = "allow it in the broker's access rules"
                raise ConnectionFailedError(f"the broker refused the subscription to {topic} ({code}): {remedy}")
            if number == 0:
                raise ConnectionFailedError(f"the broker grants only QoS 0 for {topic}, which loses messages")

    async def close(self) -> None:
        """Say goodbye and leave nothing behind, whatever state the connection is in, in a few seconds at most."""
        try:
            if self._entering is not None and not self._entering.done():
                # No longer waits for CONNACK; only the thread that connects has to come to its end.
                self._end("closed by guard")
                await asyncio.wait({self._entering}, timeout=ANSWER_LIMIT_S)
            elif self._client.is_connected():
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    async with asyncio.timeout(CLOSE_LIMIT_S):
                        await self.__aexit__(None, None, None)
        finally:
            self._end("closed by guard")
            if self._entering is not None:
                # Called soon, or when the thread that connects is done, whatever came of it.
                self._entering.add_done_callback(self._clear_up)
            self._client._sock_close()  # noqa: SLF001 - which ends the pings too

    def _clear_up(self, entering: asyncio.Task[object]) -> None:
        """Close what connecting left; look at its exceptions, so that asyncio does not report them."""
        self._client._sock_close()  # noqa: SLF001 - nothing public closes a socket whose connecting was given up
        for future in (entering, self._connected):
            if future.done() and not future.cancelled():
                future.exception()

    def _end(self, reason: str) -> None:
        super()._end(reason)
        for outcome in self._outgoing.values():
            if outcome is not None and not outcome.done():
                outcome.set_result(False)
        self._outgoing.clear()

    def _on_connect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.session_present = flags.session_present
        self.session_expiry_s = getattr(properties, "SessionExpiryInterval", FOREVER_S)
        # 0 (unlimited) where our own bound is the smaller one: then paho does not look through all unacknowledged
        # messages at each PUBACK. Its setter refuses to work at this, the only right, moment.
        allowed = getattr(properties, "ReceiveMaximum", _MOST_IN_FLIGHT)
        client._max_inflight_messages = 0 if allowed >= self._outgoing_limit else allowed  # noqa: SLF001
        super()._on_connect(client, userdata, flags, reason_code, properties)

    # -- sending ---------------------------------------------------------------------------

    def acknowledge(self, packets: Sequence[bytes]) -> None:
        """Send acknowledgement packets in this order, as one buffer; nothing when the connection is over."""
        if packets and not self.lost.done():
            self._client._packet_queue(PUBACK, b"".join(packets), 0, 1)  # noqa: SLF001
            self._flush()

    def send(self, topic: str, payload: bytes, *, retain: bool, outcome: asyncio.Future[bool] | None) -> bool:
        """Publish at QoS 1 without waiting; False when the connection is over or too much is unacknowledged.

        After True, `outcome` gets True when the broker has it, False when it refused or the connection was lost.
        """
        if self.lost.done() or len(self._outgoing) >= self._outgoing_limit:
            return False
        information = self._client.publish(topic, payload, qos=1, retain=retain)
        if information.rc != paho.MQTT_ERR_SUCCESS:
            return False
        self._outgoing[information.mid] = outcome
        self._flush()
        return True

    @property
    def outgoing(self) -> int:
        """Published messages that the broker has not acknowledged yet."""
        return len(self._outgoing)

    def _on_publish(
        self,
        client: paho.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ARG002
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,  # noqa: ARG002
    ) -> None:
        outcome = self._outgoing.pop(mid, None)
        if outcome is not None and not outcome.done():
            outcome.set_result(not reason_code.is_failure)


def _number(code: object) -> int:
    """A reason code as a number: MQTT 5 has objects, 3.1.1 numbers."""
    number = code.value if isinstance(code, ReasonCode) else code
    return number if isinstance(number, int) else _FAILURE


def _connect_properties(receive_maximum: int) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = FOREVER_S
    properties.ReceiveMaximum = receive_maximum
    return properties
