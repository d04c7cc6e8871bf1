"""The adapter fits the ports above it and the libraries below it."""

from __future__ import annotations

from importlib.metadata import version

from guard.adapters.mqtt import BrokerAddress, Session, SessionOptions
from guard.ports import Publisher, Source
from tests.mqtt.harness import now_ms


def test_a_session_is_a_source_and_a_publisher() -> None:
    address = BrokerAddress.parse("mqtt://broker")
    session = Session(SessionOptions(address=address, client_id="a", topics=("t",), receive_maximum=10), now_ms)
    source: Source = session
    publisher: Publisher = session
    assert source.drain(10) == []
    assert not publisher.publish("t", b"")
    assert not session.connected
    assert session.on_their_way == 0


def test_the_libraries_are_those_whose_inside_is_known() -> None:
    remedy = (
        "guard/adapters/mqtt/transport.py and connection.py use the inside of aiomqtt 2.5 and paho-mqtt 2.2: compare it"
        " with the new version, run tests/mqtt and tests.mqtt.floor, then change this test and the pins"
    )
    assert version("aiomqtt").startswith("2.5."), remedy
    assert version("paho-mqtt").startswith("2.2."), remedy
