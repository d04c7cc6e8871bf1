"""A switch and a billing system for tests: plain MQTT, told by the test what to say, noting what it hears."""

from __future__ import annotations

import json
import threading
import time
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PREFIX = "guard/v1"


class SwitchClient:
    """One switch; acknowledges commands when told to."""

    def __init__(self, port: int, name: str = "sw1", *, acknowledges: bool = True) -> None:
        self.name = name
        self.acknowledges = acknowledges
        self.heard: list[dict[str, Any]] = []
        self.decisions: list[dict[str, Any]] = []
        self.scopes: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"test-{name}", clean_session=False)
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        self._client.max_inflight_messages_set(0)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_connect(self, client: mqtt.Client, *_rest: object) -> None:
        client.subscribe(
            [(f"{PREFIX}/{self.name}/commands", 1), (f"{PREFIX}/{self.name}/scopes", 1), (f"{PREFIX}/decisions", 1)]
        )

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self._client.loop_stop()
        self._client.disconnect()

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        body = json.loads(message.payload)
        with self._lock:
            if message.topic.endswith("/decisions"):
                self.decisions.append(body)
            elif message.topic.endswith("/scopes"):
                self.scopes.append(body)
            else:
                self.heard.append(body)
                if self.acknowledges:
                    self.acknowledge(body)

    def acknowledge(self, command: dict[str, Any], *, ok: bool = True, error: str = "") -> None:
        """Answer a command."""
        answer = {"id": command["id"], "ok": ok, "account": command.get("account", ""), "at": time.time()}
        self.say("acks", answer | {"error": error, "ended_calls": 0})

    def say(self, kind: str, body: object) -> mqtt.MQTTMessageInfo:
        """Publish on a topic of this switch."""
        return self._client.publish(f"{PREFIX}/{self.name}/{kind}", json.dumps(body), qos=1)

    def raw(self, kind: str, payload: bytes) -> mqtt.MQTTMessageInfo:
        """Publish bytes as they are."""
        return self._client.publish(f"{PREFIX}/{self.name}/{kind}", payload, qos=1)

    def bill(self, body: object) -> mqtt.MQTTMessageInfo:
        """Publish as billing."""
        return self._client.publish(f"{PREFIX}/billing", json.dumps(body), qos=1)

    def report(self, call: str, event: str, account: str, **more: object) -> mqtt.MQTTMessageInfo:
        """One report, `at` now unless said otherwise."""
        body = {"call": call, "event": event, "account": account, "at": time.time(), "to": "+25377123456"}
        return self.say("calls", body | more)

    def commands(self, account: str, action: str = "") -> list[dict[str, Any]]:
        """Commands heard for an account."""
        with self._lock:
            return [c for c in self.heard if c.get("account") == account and action in ("", c["action"])]

    def snapshots(self) -> list[dict[str, Any]]:
        """Snapshot parts heard."""
        with self._lock:
            return [c for c in self.heard if c["action"] == "snapshot"]
