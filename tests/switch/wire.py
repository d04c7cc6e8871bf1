"""What goes over the broker, seen by an observer who also publishes in the place of others.

The observer's session is persistent: it keeps its place while the broker is away, so what it has not seen was
not published.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.switch.programs import LabError, wait_for

PREFIX: Final = "guard/lab"
SWITCH: Final = "sw1"
CONNECT_SECONDS: Final = 20.0
REPORT_SECONDS: Final = 10.0

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One MQTT message as the observer received it; `topic` without the prefix."""

    topic: str
    body: Json


class Wire:
    """The observer on the broker: keeps every message, publishes for billing or in guard's place."""

    def __init__(self, port: int) -> None:
        self._messages: list[Message] = []
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="observer", clean_session=False)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._received
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._subscribed.wait(CONNECT_SECONDS):
            raise LabError("the observer could not subscribe")

    def _connected(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        client.subscribe(f"{PREFIX}/#", qos=1)

    def _received(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        topic = message.topic.removeprefix(f"{PREFIX}/")
        try:
            body = json.loads(message.payload)
        except ValueError:  # junk that a test has sent
            body = message.payload
        with self._lock:
            self._messages.append(Message(topic=topic, body=body))

    def topics(self) -> set[str]:
        """All topics seen, without the prefix."""
        with self._lock:
            return {message.topic for message in self._messages}

    def mark(self) -> int:
        """A place in the stream: what `since` takes to see only what comes later."""
        with self._lock:
            return len(self._messages)

    def messages(self, topic: str, *, since: int = 0) -> list[Json]:
        """The messages of a topic, oldest first."""
        with self._lock:
            return [message.body for message in self._messages[since:] if message.topic == topic]

    def reports(self, *, since: int = 0, **fields: object) -> list[Json]:
        """The switch's reports that have these fields, arrays taken apart."""
        reports: list[Json] = []
        for body in self.messages(f"{SWITCH}/calls", since=since):
            reports.extend(body if isinstance(body, list) else [body])
        return [r for r in reports if all(r.get(name) == value for name, value in fields.items())]

    def report(self, *, since: int = 0, seconds: float = REPORT_SECONDS, **fields: object) -> Json:
        """The first report with these fields, waited for."""
        return wait_for(
            f"a report with {fields}",
            lambda: next(iter(self.reports(since=since, **fields)), None),
            seconds=seconds,
        )

    def acks(self, *, since: int = 0, **fields: object) -> list[Json]:
        """The switch's acknowledgements that have these fields."""
        acks = self.messages(f"{SWITCH}/acks", since=since)
        return [ack for ack in acks if all(ack.get(name) == value for name, value in fields.items())]

    def publish(self, topic: str, body: Json, *, retain: bool = False) -> None:
        """Publish as JSON under the prefix, and wait until the broker has it."""
        payload = body if isinstance(body, bytes) else json.dumps(body)
        info = self._client.publish(f"{PREFIX}/{topic}", payload, qos=1, retain=retain)
        info.wait_for_publish(REPORT_SECONDS)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()
