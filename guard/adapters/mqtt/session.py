"""A persistent MQTT session: what the shell sees of the broker.

    broker --PUBLISH--> Connection --> `arrivals` --drain--> shell ... commit ... --acknowledge--> PUBACK

A session outlives its connections: the broker keeps the subscriptions and every message that is not acknowledged for
the (stable) client id, and delivers them again on the next connection. `run` keeps a connection up: connect, subscribe,
serve, and again after a pause. What is delivered twice is harmless to the engine; nothing here tries to prevent it.

**Back-pressure is withheld acknowledgements, never an unread socket**: the connection is always read, so that pings,
PUBACKs and a goodbye get through, and the broker stops by itself at the receive maximum (MQTT 5) or at its own
`max_inflight_messages` (3.1.1). A broker that overruns this is believed: its messages are kept, counted and logged
once a connection. mosquitto 2.0 is one: it holds to the maximum only until the first PUBACK. With a backlog each PUBACK
of the oldest message then lets as many more messages go as the maximum says, so that in the end all of the backlog
comes and lies in guard's memory (some 200 bytes and the payload each) instead of the broker's; 2.1 corrects that.

Messages that the shell has not fetched survive a reconnect, since a broker that was killed may have forgotten them; so
that they cannot pile up, a session whose intake is full does not reconnect until it has been fetched.

Everything happens on the event loop's thread; the callbacks are called there and must only note or wake something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from aiomqtt import ProtocolVersion

from guard.adapters.mqtt.arrivals import Arrivals
from guard.adapters.mqtt.connection import FOREVER_S, Connection, ConnectionFailedError
from guard.adapters.mqtt.frames import TopicNames, read_publish
from guard.adapters.mqtt.options import SessionOptions
from guard.adapters.mqtt.reconnect import Pauses, Versions, version_name
from guard.adapters.mqtt.window import Window
from guard.ports import Message


@dataclass(slots=True)
class SessionCounters:
    """Plain counts since the start, for the metrics."""

    received: int = 0
    acknowledged: int = 0
    """PUBACKs handed to the connection."""
    connections: int = 0
    overruns: int = 0
    """Messages received although the receive maximum and the room beside it were used up."""
    refused: int = 0
    """Messages that `publish` could not hand over."""


def _ignore(*_arguments: object) -> None:
    """What the callbacks do until the shell sets them."""


class Session:
    """One persistent session: a `Source` and a `Publisher`; see the module's text."""

    def __init__(self, options: SessionOptions, now_ms: Callable[[], int]) -> None:
        """Prepare a session; nothing is opened before `run`.

        `now_ms` stamps what arrives. `BrokerAddressError` when the address's certificate file cannot be used.
        """
        self.on_arrival: Callable[[], None] = _ignore
        """Messages have come; called at most once for each read of the socket."""
        self.on_connected: Callable[[bool], None] = _ignore
        """Connected and subscribed; the argument says whether the broker still knew the session."""
        self.on_disconnected: Callable[[str], None] = _ignore
        """The connection that `on_connected` told of is over; the argument says why."""
        self.counters = SessionCounters()
        self._options = options
        self._now_ms = now_ms
        self._tls_context = options.address.tls_context()
        self._most_unacknowledged = options.receive_maximum + options.receive_maximum // 4
        self._intake = Arrivals()
        self._window = Window()
        self._topic_names = TopicNames()
        self._fetched = asyncio.Event()
        self._versions = Versions(options.protocol)
        self._pauses = Pauses()
        self._connection: Connection | None = None
        self._subscribed = False
        self._overrun_logged = False
        self._failure = ""
        self._failures = 0
        self._log = structlog.get_logger(__name__).bind(
            broker=options.address.redacted_url(), client_id=options.client_id
        )

    # -- source ----------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Messages that have arrived and not been fetched."""
        return len(self._intake)

    @property
    def unacknowledged(self) -> int:
        """Messages received on the present connection and not acknowledged."""
        return len(self._window)

    def drain(self, limit: int) -> list[Message]:
        """Up to `limit` messages that have arrived, in order of receipt within a topic; empty when there are none."""
        self._fetched.set()
        return self._intake.take(limit)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """PUBACK these, in order of receipt; those of an earlier connection are passed over.

        One that comes before an earlier one waits for it. A message is acknowledged at most once.
        """
        packets = self._window.acknowledge(
            [receipt for message in messages if isinstance(receipt := message.receipt, int)]
        )
        self.counters.acknowledged += len(packets)
        if self._connection is not None:
            self._connection.acknowledge(packets)

    def _receive(self, published: list[tuple[int, bytes]]) -> None:
        """Take in the PUBLISH packets of one read."""
        received_at_ms = self._now_ms()
        properties = self._connection is not None and self._connection.version is ProtocolVersion.V5
        add = self._intake.add
        name_of = self._topic_names.text
        window = self._window
        for header, body in published:
            topic, acknowledgement, payload = read_publish(header, body, properties=properties)
            receipt = window.receive(acknowledgement) if acknowledgement else None
            add(Message(name_of(topic), payload, received_at_ms, receipt))
        self.counters.received += len(published)
        if len(window) > self._most_unacknowledged:
            self._overrun(len(published))
        self.on_arrival()

    def _overrun(self, count: int) -> None:
        self.counters.overruns += count
        if not self._overrun_logged:
            self._overrun_logged = True
            self._log.warning(
                "mqtt-overrun",
                unacknowledged=len(self._window),
                receive_maximum=self._options.receive_maximum,
                remedy="a broker that heeds it (mosquitto 2.1 does); with MQTT 3.1.1 its max_inflight_messages",
            )

    # -- publisher -------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the connection is up and the subscriptions are in force."""
        connection = self._connection
        return connection is not None and self._subscribed and not connection.lost.done()

    @property
    def on_their_way(self) -> int:
        """Published messages that the broker has not acknowledged yet."""
        return 0 if self._connection is None else self._connection.outgoing

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a QoS 1 message to the connection; False when there is none, or too much is on its way."""
        return self._send(topic, payload, retain=retain, outcome=None)

    def publish_tracked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[bool]:
        """Publish; the future gets True when the broker has the message, False when that is not known. Never raises."""
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if not self._send(topic, payload, retain=retain, outcome=outcome):
            outcome.set_result(False)
        return outcome

    def _send(self, topic: str, payload: bytes, *, retain: bool, outcome: asyncio.Future[bool] | None) -> bool:
        connection = self._connection
        if (
            connection is not None
            and self.connected
            and connection.send(topic, payload, retain=retain, outcome=outcome)
        ):
            return True
        self.counters.refused += 1
        return False

    # -- life ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the session connected until cancelled; then say goodbye to the broker, within a few seconds.

        Never returns and never gives up: what is wrong is logged once, when it changes.
        """
        clock = asyncio.get_running_loop().time
        while True:
            await self._wait_for_room()
            version = self._versions.next()
            began_s = clock()
            try:
                await self._serve(version)
                stood_s = clock() - began_s
            except ConnectionFailedError as error:
                stood_s = 0.0
                if self._versions.failed(version, error):
                    self._log.debug("mqtt-version-refused", reason=str(error))
                    continue
                self._note_failure(str(error))
            await asyncio.sleep(self._pauses.after(stood_s))

    async def _serve(self, version: ProtocolVersion) -> None:
        """One connection from beginning to end; `ConnectionFailedError` when it does not come about."""
        connection = Connection(self._options, version=version, tls_context=self._tls_context, receive=self._receive)
        self._window.renew()
        self._overrun_logged = False
        self._connection = connection
        reason = ""
        try:
            await connection.open()
            await connection.listen(self._options.topics)
            self._versions.accepted(version)
            self._subscribed = True
            self._note_success(connection)
            # Shielded, because a cancelled task would cancel the future itself.
            reason = await asyncio.shield(connection.lost)
        finally:
            was_subscribed, self._subscribed = self._subscribed, False
            try:
                await connection.close()
            finally:
                self._connection = None
                if was_subscribed:
                    self._note_end(reason)

    async def _wait_for_room(self) -> None:
        """Wait until the shell has fetched enough for another connection's messages to be taken in."""
        while len(self._intake) > self._options.receive_maximum:
            self._note_failure("the messages of earlier connections have not been fetched yet")
            self._fetched.clear()
            await self._fetched.wait()

    def _note_success(self, connection: Connection) -> None:
        self._log.info(
            "mqtt-connected",
            protocol=version_name(connection.version),
            session_present=connection.session_present,
            failures=self._failures,
        )
        if self.counters.connections and not connection.session_present:
            self._log.warning(
                "mqtt-session-forgotten",
                remedy="let the broker keep sessions on disk: what was published meanwhile is lost",
            )
        if connection.session_expiry_s < FOREVER_S:
            self._log.warning(
                "mqtt-session-expires",
                after_s=connection.session_expiry_s,
                remedy="let the broker keep the sessions of absent clients without limit",
            )
        self._failure = ""
        self._failures = 0
        self.counters.connections += 1
        self.on_connected(connection.session_present)

    def _note_end(self, reason: str) -> None:
        """A connection is over: lost for a reason, or closed because the session stops."""
        if reason:
            self._log.warning("mqtt-connection-lost", reason=reason)
        else:
            self._log.info("mqtt-disconnected")
        self.on_disconnected(reason or "closed by guard")

    def _note_failure(self, reason: str) -> None:
        """Log why there is no connection: once for each new reason, not for each try."""
        self._failures += 1
        if reason == self._failure:
            self._log.debug("mqtt-connect-failed", reason=reason, failures=self._failures)
        else:
            self._failure = reason
            self._log.warning("mqtt-connect-failed", reason=reason, failures=self._failures)
