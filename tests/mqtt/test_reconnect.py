"""When to try again, and with which version of MQTT."""

from __future__ import annotations

from aiomqtt import ProtocolVersion

from guard.adapters.mqtt.connection import ConnectionFailedError
from guard.adapters.mqtt.reconnect import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, STABLE_AFTER_S, Pauses, Versions

V5, V311 = ProtocolVersion.V5, ProtocolVersion.V311
REFUSED = ConnectionFailedError("no such version", version_refused=True)
CLOSED = ConnectionFailedError("closed", unanswered=True)
AWAY = ConnectionFailedError("nobody listens")


def test_pauses_double_up_to_the_limit_and_are_drawn_from_their_upper_half() -> None:
    pauses = Pauses()
    longest_s = SHORTEST_PAUSE_S
    for _ in range(20):
        assert longest_s / 2 <= pauses.after(0) <= longest_s
        longest_s = min(LONGEST_PAUSE_S, 2 * longest_s)
    assert longest_s == LONGEST_PAUSE_S


def test_a_connection_that_stood_begins_anew() -> None:
    pauses = Pauses()
    for _ in range(20):
        pauses.after(0)
    assert pauses.after(STABLE_AFTER_S) <= SHORTEST_PAUSE_S


def test_connections_that_are_torn_down_at_once_slow_down() -> None:
    pauses = Pauses()
    for _ in range(20):
        pauses.after(1)
    assert pauses.after(1) >= LONGEST_PAUSE_S / 2


def test_a_broker_that_says_no_to_5_is_asked_for_3_1_1_from_then_on() -> None:
    versions = Versions("auto")
    assert versions.next() is V5
    assert versions.failed(V5, REFUSED)
    assert versions.next() is V311
    versions.accepted(V311)
    assert versions.next() is V311


def test_another_broker_in_its_place_is_asked_for_5_again() -> None:
    versions = Versions("auto")
    versions.failed(V5, REFUSED)
    versions.accepted(V311)
    assert not versions.failed(V311, AWAY)
    assert versions.next() is V5


def test_a_closed_connection_is_believed_once() -> None:
    versions = Versions("auto")
    assert versions.failed(V5, CLOSED)
    assert versions.next() is V311
    versions.accepted(V311)
    assert versions.next() is V5


def test_a_closed_connection_is_not_believed_of_a_broker_that_knows_5() -> None:
    versions = Versions("auto")
    versions.accepted(V5)
    assert not versions.failed(V5, CLOSED)
    assert versions.next() is V5


def test_a_broker_that_is_away_says_nothing_about_versions() -> None:
    versions = Versions("auto")
    assert not versions.failed(V5, AWAY)
    assert versions.next() is V5


def test_a_version_that_was_asked_for_stays() -> None:
    for protocol, version in (("5", V5), ("3.1.1", V311)):
        versions = Versions(protocol)  # type: ignore[arg-type]
        for error in (REFUSED, CLOSED, AWAY):
            assert not versions.failed(version, error)
        versions.accepted(version)
        assert versions.next() is version
