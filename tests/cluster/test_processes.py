"""Real workers on PostgreSQL, NATS and mosquitto: joined, killed, frozen and stopped under load, exact to the micro."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from guard.core.partitions import PARTITIONS
from tests.cluster.ground import LIMIT, MICROS, Ground
from tests.cluster.mqtt_switch import MqttSwitch
from tests.cluster.processes import wait_until
from tests.integration.mosquitto import Mosquitto
from tests.integration.nats import NatsCluster
from tests.nats.ingests import IngestProcess
from tests.postgres.server import PostgresServer

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with (
        PostgresServer() as server,
        NatsCluster(tmp_path / "nats") as nats,
        Mosquitto(tmp_path / "mosquitto") as broker,
        IngestProcess(tmp_path, "in1", broker=broker.url, servers=nats.urls),
    ):
        yield Ground(tmp_path, server, server.database(), broker, nats)


def shared(told: dict[str, Any]) -> bool:
    """As `guard cluster status` has it: two workers with all partitions between them."""
    held = [part for worker in told["workers"] for part in worker["partitions"]]
    return len(told["workers"]) == 2 and sorted([*held, *told["without_owner"]]) == list(range(PARTITIONS))


def audit(ground: Ground, switch: MqttSwitch) -> None:
    """Wait until all is read, then hold it against what the switch has counted on its own."""
    owed = dict(switch.owed)
    over = {account for account, micros in owed.items() if micros >= LIMIT * MICROS}
    assert over, "the traffic brings some over the limit"
    wait_until(lambda: ground.owed() == owed, "every account owes what its calls cost")
    assert ground.ledger() == owed
    wait_until(lambda: switch.blocked() == over, "the switch blocks whoever is over the limit, and nobody else")
    assert over <= switch.commanded
    wait_until(lambda: ground.ask("SELECT count(*) FROM pending") == [["0"]], "every command is acknowledged")


def test_workers_join_die_freeze_and_leave_under_load_and_so_do_database_and_log(ground: Ground) -> None:
    with (
        MqttSwitch(ground.broker.port, "sw1", seed=1, accounts=150, calls_a_round=8) as switch,
        ground.worker("w1") as first,
        ground.worker("w2") as second,
    ):
        first.wait_ready()
        second.wait_ready()
        wait_until(lambda: first.held() == second.held() == PARTITIONS // 2, "they share")

        first.kill()
        wait_until(lambda: second.held() == PARTITIONS, "the other has everything")

        with ground.worker("w3") as third:
            third.wait_ready()
            wait_until(lambda: second.held() == third.held() == PARTITIONS // 2, "they share again")
            assert shared(ground.status(third))

            second.freeze()
            wait_until(lambda: third.held() == PARTITIONS, "the frozen one's go to the other")
            second.thaw()
            wait_until(lambda: second.held() == third.held() == PARTITIONS // 2, "it is back")
            lost = second.metric('guard_worker_leases_total{change="lost"}')
            fenced = second.metric('guard_worker_leases_total{change="fenced"}')
            assert lost + fenced >= PARTITIONS // 2

            third.reload()
            wait_until(lambda: bool(third.events("reloaded")), "the files are read anew")

            ground.server.kill()
            ground.server.start()
            wait_until(lambda: second.held() == third.held() == PARTITIONS // 2, "the database is back")
            ground.nats.kill(0)
            ground.nats.start(0)
            wait_until(lambda: third.get("/-/ready")[0] == HTTPStatus.OK, "the log is back")

            assert third.stop() == 0
            wait_until(lambda: second.held() == PARTITIONS, "what was given up is taken")

        switch.hang_up()
        audit(ground, switch)
