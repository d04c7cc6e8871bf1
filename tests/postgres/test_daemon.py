"""A daemon with a warm standby, on a real PostgreSQL and a real mosquitto, while calls go on and things die."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.guardproc import wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.faults.traffic import RICH, Traffic, told, without_rules
from tests.integration.mosquitto import Mosquitto
from tests.postgres.guards import DatabaseGuard, assert_whole, standby
from tests.postgres.server import PostgresServer

pytestmark = [pytest.mark.broker, pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def durable() -> Iterator[PostgresServer]:
    """A server that syncs what it has committed, and that may be killed."""
    with PostgresServer(fsync=True) as server:
        yield server


def _seconds_until(condition: Callable[[], bool], guard: DatabaseGuard, what: str) -> float:
    began = time.monotonic()
    wait_for(condition, what, guard.log_tail)
    return time.monotonic() - began


def test_a_standby_takes_over_from_a_daemon_that_dies_freezes_or_stops(tmp_path: Path, durable: PostgresServer) -> None:
    """Killed: the standby goes on. Frozen: the same, and once awake it is refused and ends. Stopped: handed over."""
    database, more = durable.database(), RICH + without_rules(tmp_path)
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        DatabaseGuard(tmp_path / "one", broker.url, database, more=more) as one,
        standby(tmp_path / "two", broker.url, database, more=more) as two,
        SwitchClient(broker.port) as switch,
        Traffic(switch) as traffic,
    ):
        traffic.more(30)
        one.kill()
        killed_s = _seconds_until(two.is_ready, two, "the standby has taken over")
        traffic.more(60)
        one.start(ready=False)
        wait_for(one.stands_by, "the first one stands by", one.log_tail)
        os.kill(two.pid, signal.SIGSTOP)
        frozen_s = _seconds_until(one.is_ready, one, "the first one has taken over again")
        traffic.more(60)
        os.kill(two.pid, signal.SIGCONT)
        wait_for(two.ended, "the frozen one ends", two.log_tail)
        assert "another guard has taken over" in two.log_tail()
        two.start(ready=False)
        wait_for(two.stands_by, "the second one stands by", two.log_tail)
        assert one.stop() == 0
        handed_over_s = _seconds_until(two.is_ready, two, "the second one has been handed the lease")
        traffic.more(30)
        traffic.stop()
        assert_whole(two, traffic.truth)
        told(f"ready after kill -9 in {killed_s:.1f} s, a freeze {frozen_s:.1f} s, a handover {handed_over_s:.1f} s")


def test_a_database_that_dies_under_load_costs_nothing(tmp_path: Path, durable: PostgresServer) -> None:
    """Nothing is acknowledged meanwhile, readiness says why, and everything goes on when it is back."""
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        DatabaseGuard(tmp_path / "guard", broker.url, durable.database(), more=RICH + without_rules(tmp_path)) as guard,
        SwitchClient(broker.port) as switch,
        Traffic(switch) as traffic,
    ):
        for _ in range(2):
            traffic.more(30)
            durable.kill()
            wait_for(lambda: "the store does not" in guard.why_not_ready(), "guard says why", guard.log_tail)
            traffic.more(30)
            durable.start()
            back_s = _seconds_until(guard.is_ready, guard, "guard is ready again")
            told(f"ready {back_s:.1f} s after PostgreSQL was back")
        traffic.stop()
        assert_whole(guard, traffic.truth)
        assert guard.stop() == 0
