"""Brokers for the tests of the MQTT adapter: real ones, each with a folder and a loopback port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from iotcore import Broker

from guard.adapters.mqtt import Protocol
from tests.mqtt.harness import MOSQUITTO, Mosquitto, free_port

NEEDS_MOSQUITTO = (
    pytest.mark.broker,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@dataclass(frozen=True)
class Place:
    """A broker and the version of MQTT to speak with it; what every session must do is tried in each place."""

    name: str
    url: str
    protocol: Protocol


@pytest.fixture(
    params=[
        pytest.param(("mosquitto", "5"), id="mosquitto-5", marks=NEEDS_MOSQUITTO),
        pytest.param(("mosquitto", "3.1.1"), id="mosquitto-3.1.1", marks=NEEDS_MOSQUITTO),
        pytest.param(("iotcore", "auto"), id="iotcore-auto"),
        pytest.param(("iotcore", "3.1.1"), id="iotcore-3.1.1"),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    kind, protocol = request.param
    if kind == "iotcore":
        with Broker(port=free_port(), listen="127.0.0.1", max_payload_size=4 * 1024 * 1024) as embedded:
            yield Place(kind, f"mqtt://127.0.0.1:{embedded.port}", protocol)
        return
    broker = Mosquitto(tmp_path)
    broker.start()
    yield Place(kind, broker.url, protocol)
    broker.stop()
