"""Real workers on PostgreSQL, three NATS nodes and mosquitto: whatever is struck under load, every account is exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guard.core.partitions import PARTITIONS
from tests.cluster.processes import wait_until
from tests.cluster.rig import open_rig

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

FROZEN_S = 6.0
"""Three leases: whoever wakes up after them is a zombie."""


def shared(told: dict[str, Any]) -> bool:
    """As `guard cluster status` has it: two workers with all partitions between them."""
    held = [part for worker in told["workers"] for part in worker["partitions"]]
    return len(told["workers"]) == 2 and sorted([*held, *told["without_owner"]]) == list(range(PARTITIONS))


def test_each_part_is_struck_in_turn_under_load_and_every_account_is_exact(tmp_path: Path) -> None:
    """Each NATS node, the database, an ingest, workers: killed, frozen, stopped, joined."""
    with open_rig(tmp_path, nodes=3, ingests=2, fsync=True) as rig:
        first, second = rig.join(), rig.join()
        rig.settle("the start")
        with rig.traffic(seed=1) as traffic:
            wait_until(lambda: first.held() == second.held() == PARTITIONS // 2, "they share")
            for node in range(3):
                rig.nats.kill(node)
                rig.nats.start(node)
                rig.settle(f"NATS node {node} was killed")
            rig.server.kill()
            rig.server.start()
            rig.settle("the database was killed")

            first.kill()
            rig.settle("a worker was killed")
            assert second.held() == PARTITIONS

            third = rig.join()
            rig.settle("one joined")
            wait_until(lambda: second.held() == third.held() == PARTITIONS // 2, "they share again")
            assert shared(rig.ground.status(third))

            rig.freeze(second)
            took_s = rig.settle("one was frozen")
            wait_until(lambda: second.frozen_for_s > FROZEN_S, "it sleeps on", FROZEN_S + took_s)
            rig.thaw(second)
            rig.settle("the frozen one woke up")
            lost = second.metric('guard_worker_leases_total{change="lost"}')
            fenced = second.metric('guard_worker_leases_total{change="fenced"}')
            assert lost + fenced >= PARTITIONS // 2

            third.reload()
            wait_until(lambda: bool(third.events("reloaded")), "the files are read anew")
            rig.ingests[0].kill()
            rig.ingests[0].start()
            assert third.stop() == 0
            rig.settle("one was told to stop")
            assert second.held() == PARTITIONS

            rig.verdict(traffic)
