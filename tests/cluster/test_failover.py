"""The database fails over under a cluster, and the old primary lives on: what it is told reaches nobody."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from guard.core.partitions import PARTITIONS
from tests.cluster.processes import wait_until
from tests.cluster.rig import open_rig
from tests.postgres.server import PostgresServer, name_of

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
"""Sessions whose COMMIT is on the old primary's disk and has no answer, because the replica has it not."""


def have_replica(primary: PostgresServer) -> None:
    """From here on nothing is acknowledged that the replica has not."""
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
    primary.execute("SELECT pg_reload_conf()")


def test_a_promoted_replica_is_exact_though_the_old_primary_lives_on_with_a_worker(tmp_path: Path) -> None:
    with open_rig(tmp_path, fsync=True) as rig, rig.server.replica() as replica:
        old_server, database = rig.server, rig.ground.database
        have_replica(old_server)
        both = f"postgresql://guard@/{name_of(database)}?host={old_server.folder},{replica.folder}"
        at_old = replace(rig.ground, database=f"{both}&target_session_attrs=primary")
        at_new = replace(rig.ground, server=replica, database=replica.url(name_of(database)))

        rig.ground = at_old
        old = rig.join()
        rig.settle("the start")
        with rig.traffic(seed=4) as traffic:
            wait_until(lambda: bool(traffic.switch.blocked()), "somebody is blocked")

            replica.promote()
            rig.ground = at_new
            rig.audit.server = replica
            new = rig.join()
            wait_until(lambda: new.alive and bool(new.events("ready")), "it decides for its first partitions")
            wait_until(lambda: new.held() == PARTITIONS, "it has all of them")
            assert int(old_server.execute(WAITING)) > 0, "the old one is written to, and says yes to nobody"
            wait_until(lambda: old.held() == 0, "its worker's leases have run out")
            assert old.get("/-/ready")[0] == HTTPStatus.SERVICE_UNAVAILABLE
            over = len(traffic.switch.blocked())
            wait_until(lambda: len(traffic.switch.blocked()) > over, "the new one decides, and is obeyed")

            old_server.kill()
            wait_until(lambda: old.held() == new.held() == PARTITIONS // 2, "the old worker has found the new primary")
            rig.settle("the old primary died")
            rig.verdict(traffic)
        later = max(epoch for _, epoch in rig.audit.seen("claimed"))
        assert later > 1, "the replica has had owners of its own"
