"""When something is away, a number says so, and says when it is over: the blind modes of the runbook, brought about."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto
from tests.shell.fakes import House

BLIND = """
[model]
dir = "no-such-model"
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
    with Guard(tmp_path_factory.mktemp("guard"), broker.url, more=BLIND) as running:
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


def lines(guard: Guard, event: str) -> list[dict[str, Any]]:
    """What the log says of it."""
    every = (json.loads(line) for line in guard.log.read_text().splitlines() if line.startswith("{"))
    return [line for line in every if line["event"] == event]


@pytest.mark.broker
def test_a_model_that_cannot_be_read_is_missing_and_limits_go_on(guard: Guard, broker: Mosquitto) -> None:
    assert (guard.metric("guard_model_wanted"), guard.metric("guard_model_up")) == (1, 0)
    assert guard.metric("guard_model_refused") == 1
    with urllib.request.urlopen(f"{guard.url}/model", timeout=10) as page:
        assert "no-such-model" in page.read().decode()
    [refused] = lines(guard, "model-refused")
    assert "no-such-model" in refused["text"]
    assert "limits and rules go on" in refused["effect"]
    with SwitchClient(broker.port) as switch:
        switch.bill({"type": "credit", "id": "limit-5", "account": "A5", "limit": "1.00"})
        switch.report("c5", "ended", "A5", duration_ms=1_000, charge="2.00")
        wait_for(lambda: switch.commands("A5", "block"), "the block", guard.log_tail)


@pytest.mark.broker
def test_a_slow_store_and_one_short_of_room_are_told_in_one_line_each(tmp_path: Path, broker: Mosquitto) -> None:
    """Any commit takes longer than a millisecond on a disk that syncs, and no disk has so much room."""
    with Guard(tmp_path, broker.url) as guard:
        guard.kill()
        config = guard.config.read_text()
        guard.config.write_text(config.replace("[store]", '[store]\nslow_after = "1ms"\nmin_free = "900000TB"'))
        guard.start()
        wait_for(lambda: guard.metric("guard_notices_total", kind="store") >= 1, "the notice", guard.log_tail)
        told = lines(guard, "store")
        assert {(line["level"], line["over"]) for line in told} == {("warning", False)}
        assert all(line["remedy"] and line["text"].startswith("The store ") for line in told)


@pytest.mark.broker
def test_a_broker_that_stays_away_is_one_line_with_what_to_do_and_one_for_its_end(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "mosquitto") as broker, Guard(tmp_path / "guard", broker.url) as guard:
        guard.kill()
        guard.config.write_text(guard.config.read_text().replace("[broker]", '[broker]\naway_after = "100ms"'))
        guard.start()
        broker.kill()
        wait_for(lambda: [line for line in lines(guard, "blind") if not line["over"]], "the notice", guard.log_tail)
        broker.start()
        wait_for(lambda: [line for line in lines(guard, "blind") if line["over"]], "its end", guard.log_tail)
        away, back = lines(guard, "blind")[-2:]
        assert "not been subscribed at the broker" in away["text"]
        assert "broker" in away["remedy"]
        assert (away["level"], back["level"], "remedy" in back) == ("warning", "info", False)


async def test_a_clock_that_jumps_is_counted() -> None:
    house = House()
    await house.loop.turn()
    house.clock.step(3_600_000)
    await house.loop.turn()
    await house.loop.turn()
    assert house.loop.clock_steps == 1
