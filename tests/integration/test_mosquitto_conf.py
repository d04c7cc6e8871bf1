"""What the shipped mosquitto.conf promises, shown on a real broker, and what mosquitto's defaults do instead.

A consumer with a persistent session goes away, messages are published and PUBACKed, the broker dies, the consumer
comes back. The numbers published are counted up from 0, so what is missing, repeated or out of order shows.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.integration.mosquitto import SHIPPED, Mosquitto

MESSAGES = 5_000
TOPIC = "guard/v1/sw1/calls"
DEFAULT_QUEUE = 1_000
"""mosquitto's own `max_queued_messages`."""

DEFAULTS = """
listener 1883 127.0.0.1
allow_anonymous true
persistence true
"""
"""What Debian ships, in short: it persists, after 30 minutes, what it has not dropped."""

_PATIENCE_S = 15.0
_NUDGE_S = 0.1
_END = b"end"


def shipped(key: str) -> str:
    """The one value that the shipped configuration has for a key."""
    values = re.findall(rf"^{key} (.+)$", SHIPPED.read_text(), re.MULTILINE)
    assert len(values) == 1, f"guard/share/mosquitto.conf must say `{key}` once, it says {values}"
    return str(values[0])


@contextmanager
def connected(
    port: int, name: str, *, persistent: bool = False, on_message: Callable[[bytes], None] | None = None
) -> Iterator[Client]:
    """A client that is connected and served by a thread of its own."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=not persistent)
    client.max_inflight_messages_set(100)
    up, down = threading.Event(), threading.Event()

    def heard(_client: Client, _data: object, message: MQTTMessage) -> None:
        if on_message is not None:
            on_message(bytes(message.payload))

    client.on_message = heard
    client.on_connect = lambda *_: up.set()
    client.on_disconnect = lambda *_: down.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert up.wait(_PATIENCE_S), f"{name} does not get in"
    yield client
    client.disconnect()
    assert down.wait(_PATIENCE_S), f"{name} does not get out"
    client.loop_stop()


def subscribe(client: Client) -> None:
    """Subscribe as guard does; return when it is granted."""
    granted = threading.Event()
    client.on_subscribe = lambda *_: granted.set()
    client.subscribe("guard/v1/+/calls", qos=1)
    assert granted.wait(_PATIENCE_S)


def leave_a_session(port: int) -> None:
    """Subscribe with a persistent session, and go away."""
    with connected(port, "guard", persistent=True) as client:
        subscribe(client)


def publish(port: int, count: int) -> None:
    """Publish `count` numbers and return when the broker has acknowledged every one."""
    with connected(port, "switch") as client:
        receipts = [client.publish(TOPIC, str(number), qos=1) for number in range(count)]
        for receipt in receipts:
            receipt.wait_for_publish(_PATIENCE_S)
            assert receipt.is_published()


def come_back(port: int) -> list[int]:
    """Return to the session of `leave_a_session`: the numbers that had waited, in the order in which they come.

    End marks are published until two have come with no number between them. (One may overtake the queue, and a full
    queue drops it like any message.)
    """
    numbers: list[int] = []
    before_mark: list[int] = []
    through = threading.Event()

    def heard(payload: bytes) -> None:
        if payload != _END:
            numbers.append(int(payload))
            return
        before_mark.append(len(numbers))
        if before_mark[-2:] == [len(numbers)] * 2:
            through.set()

    with connected(port, "switch") as switch, connected(port, "guard", persistent=True, on_message=heard) as guard:
        subscribe(guard)
        for _ in range(int(_PATIENCE_S / _NUDGE_S)):
            switch.publish(TOPIC, _END, qos=1)
            if through.wait(_NUDGE_S):
                return numbers
    raise AssertionError(f"still not through after {len(numbers)} messages")


def test_it_says_what_the_contract_promises() -> None:
    assert shipped("persistence") == "true"
    assert shipped("autosave_on_changes") == "true"
    assert int(shipped("autosave_interval")) > 0
    assert shipped("max_queued_messages") == "0"
    assert shipped("max_queued_bytes") == "0"
    assert int(shipped("max_inflight_messages")) >= 1_000
    assert shipped("listener").endswith(" 127.0.0.1"), "open to everybody is open to the world"


def test_it_fits_beside_what_debian_ships() -> None:
    """Debian's main file includes conf.d and has said these already; mosquitto does not start when told twice."""
    said = {line.split()[0] for line in SHIPPED.read_text().splitlines() if line and not line.startswith("#")}
    assert not said & {"pid_file", "persistence_location", "log_dest", "include_dir"}


@pytest.mark.broker
def test_a_killed_broker_has_all_but_the_last_interval(tmp_path: Path) -> None:
    """Nobody asked it to save: what it had acknowledged one `autosave_interval` ago is there all the same."""
    unsaved_at_most = int(shipped("autosave_interval"))
    with Mosquitto(tmp_path) as broker:
        leave_a_session(broker.port)
        publish(broker.port, MESSAGES + unsaved_at_most)
        broker.kill()
        broker.start()
        numbers = come_back(broker.port)
    assert numbers == list(range(len(numbers))), "what was kept has gaps, repetitions or another order"
    assert len(numbers) >= MESSAGES


@pytest.mark.broker
def test_a_broker_killed_after_a_save_has_everything(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        leave_a_session(broker.port)
        publish(broker.port, MESSAGES)
        broker.save()
        broker.kill()
        broker.start()
        assert come_back(broker.port) == list(range(MESSAGES))


@pytest.mark.broker
def test_a_stopped_broker_has_everything(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        leave_a_session(broker.port)
        publish(broker.port, MESSAGES)
        broker.stop()
        broker.start()
        assert come_back(broker.port) == list(range(MESSAGES))


@pytest.mark.broker
def test_mosquittos_defaults_drop_what_waits(tmp_path: Path) -> None:
    """The control: nobody died, all were acknowledged, and all but 1,000 are gone."""
    with Mosquitto(tmp_path, config=DEFAULTS) as broker:
        leave_a_session(broker.port)
        publish(broker.port, MESSAGES)
        assert come_back(broker.port) == list(range(DEFAULT_QUEUE))


@pytest.mark.broker
def test_mosquittos_defaults_save_too_late(tmp_path: Path) -> None:
    """The control: killed, it has forgotten even that there was a session."""
    with Mosquitto(tmp_path, config=DEFAULTS) as broker:
        leave_a_session(broker.port)
        publish(broker.port, MESSAGES)
        broker.kill()
        broker.start()
        assert come_back(broker.port) == []
