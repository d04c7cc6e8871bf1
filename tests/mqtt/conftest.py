"""Brokers for the tests of the MQTT adapter: real ones, each with a folder and a loopback port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from iotcore import Broker

from guard.adapters.mqtt import Protocol
from tests.mqtt.harness import MOSQUITTO, Mosquitto, free_port


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running mosquitto; tests that use it carry the marker `broker`."""
    yield from started(tmp_path)


def started(folder: Path, *, extra: str = "", saving: bool = True) -> Iterator[Mosquitto]:
    """A mosquitto until the generator is closed; skips the test where there is none."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    broker = Mosquitto(folder, extra=extra, saving=saving)
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
        pytest.param(("mosquitto", "5"), id="mosquitto-5", marks=pytest.mark.broker),
        pytest.param(("mosquitto", "3.1.1"), id="mosquitto-3.1.1", marks=pytest.mark.broker),
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
    for broker in started(tmp_path):
        yield Place(kind, broker.url, protocol)
