"""When something is away, a number says so, and says when it is over: the blind modes of the runbook, brought about."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto
from tests.shell.fakes import House

WEBHOOK = """
[[webhook]]
name = "nobody"
url = "http://127.0.0.1:9/"
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for the module."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory, broker: Mosquitto) -> Iterator[Guard]:
    """One daemon for the module; nobody listens where its webhook goes."""
    with Guard(tmp_path_factory.mktemp("guard"), broker.url, more=WEBHOOK) as running:
        yield running


def becomes(guard: Guard, value: float, name: str, **labels: str) -> None:
    """Wait until a metric has this value."""
    wait_for(lambda: guard.metric(name, **labels) == value, f"{name} {labels} is {value}", guard.log_tail)


@pytest.mark.broker
def test_a_switch_that_goes_down_with_calls_up_is_blind_until_it_speaks(guard: Guard, broker: Mosquitto) -> None:
    with SwitchClient(broker.port, acknowledges=False) as switch:  # an acknowledgement would say that it is up
        switch.report("c1", "answered", "A1", charge="0", rate="0.01")
        becomes(guard, 1, "guard_live_calls", switch="sw1")
        assert guard.metric("guard_switch_up", switch="sw1") == 1
        switch.say("status", {"status": "down"})
        becomes(guard, 1, "guard_switch_blind", switch="sw1")
        assert guard.metric("guard_switch_up", switch="sw1") == 0
        becomes(guard, 1, "guard_notices_total", kind="blind")
        switch.report("c1", "tick", "A1", duration_ms=2_000, charge="0", rate="0.01")
        becomes(guard, 0, "guard_switch_blind", switch="sw1")


@pytest.mark.broker
def test_a_broker_that_is_away_shows_and_so_does_its_return(guard: Guard, broker: Mosquitto) -> None:
    before = guard.metric("guard_broker_connections_total", session="calls")
    broker.kill()
    for session in ("calls", "control"):
        becomes(guard, 0, "guard_broker_connected", session=session)
    broker.start()
    for session in ("calls", "control"):
        becomes(guard, 1, "guard_broker_connected", session=session)
    assert guard.metric("guard_broker_connections_total", session="calls") > before


@pytest.mark.broker
def test_a_store_that_takes_nothing_shows_until_it_does_again(guard: Guard, broker: Mosquitto) -> None:
    """Somebody else holds the file's lock: to guard it is a store that refuses, like a full disk."""
    commits = guard.metric("guard_commit_seconds_count")
    with SwitchClient(broker.port) as switch:
        with closing(sqlite3.connect(guard.store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            switch.report("c2", "answered", "A2", charge="0", rate="0.01")
            becomes(guard, 1, "guard_store_failing")
            other.execute("ROLLBACK")
        becomes(guard, 0, "guard_store_failing")
    wait_for(lambda: guard.metric("guard_commit_seconds_count") > commits, "the commit", guard.log_tail)


@pytest.mark.broker
def test_events_for_a_webhook_whose_target_is_down_are_counted_as_owed(guard: Guard, broker: Mosquitto) -> None:
    before = guard.metric("guard_webhook_pending", webhook="nobody")
    with SwitchClient(broker.port) as switch:
        switch.bill({"type": "credit", "id": "limit", "account": "A3", "limit": "1.00"})
        switch.report("c3", "ended", "A3", duration_ms=1_000, charge="2.00")
        wait_for(lambda: switch.commands("A3", "block"), "the block", guard.log_tail)
    wait_for(lambda: guard.metric("guard_webhook_pending", webhook="nobody") > before, "an event owed", guard.log_tail)
    wait_for(
        lambda: guard.metric("guard_webhook_deliveries_total", webhook="nobody", result="failed") > 0,
        "a failed attempt",
        guard.log_tail,
    )
    assert guard.metric("guard_webhook_deliveries_total", webhook="nobody", result="delivered") == 0


@pytest.mark.broker
def test_the_store_shows_its_size_and_the_room_left(guard: Guard) -> None:
    becomes_known = wait_for(lambda: guard.metric("guard_store_bytes"), "the size of the store", guard.log_tail)
    assert becomes_known > 0
    assert guard.metric("guard_store_free_bytes") > 0


async def test_a_clock_that_jumps_is_counted() -> None:
    house = House()
    await house.loop.turn()
    house.clock.step(3_600_000)
    await house.loop.turn()
    await house.loop.turn()
    assert house.loop.clock_steps == 1
