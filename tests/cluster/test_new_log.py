"""The log is lost as a whole and made anew: nothing that it is given from then on is passed over, nor counted twice.

Sequences begin at 1 again, far below the positions that the database has. The ingest has nothing under way when it
happens and the workers have read everything, for what is lost with a log nobody can bring back.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from guard.adapters.nats import LogOptions, open_cluster_log
from guard.adapters.nats.api import Api
from guard.core.partitions import PARTITIONS
from tests.cluster.processes import WorkerProcess, wait_until
from tests.cluster.rig import Rig, open_rig
from tests.nats.fakes import until

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

STREAMS = 4
"""As ingests and workers of a test have it."""
ANEW = 'guard_worker_log_readers_total{change="begun_anew"}'


async def delete_streams(rig: Rig) -> None:
    """Every one of them."""
    options = LogOptions(servers=rig.nats.urls, streams=STREAMS, replicas=1)
    async with open_cluster_log(options, lambda: 0) as cluster:
        await until(lambda: not cluster.missing())
        api = Api(cluster.connection)
        for stream in (await api.call("STREAM.NAMES"))["streams"]:
            await api.call(f"STREAM.DELETE.{stream}")


def lose_the_log(rig: Rig, reader: WorkerProcess, *, killed: bool) -> None:
    """Everything that was taken has been read; then it is gone, and an ingest makes it anew."""
    ingest = rig.ingests[0]
    assert ingest.stop() == 0
    wait_until(lambda: reader.metric("guard_worker_lag_seconds") == 0, "all has been read")
    if killed:
        reader.kill()
    asyncio.run(delete_streams(rig))
    ingest.start()
    ingest.wait_ready()


def test_whoever_has_read_a_log_that_was_made_anew_reads_all_of_the_new_one(tmp_path: Path) -> None:
    with open_rig(tmp_path, nodes=1, ingests=1) as rig:
        first = rig.join()
        rig.settle("the start")
        with rig.traffic(seed=11) as traffic:
            wait_until(lambda: len(traffic.switch.commanded) > 3, "some are over the limit")
            lose_the_log(rig, first, killed=False)
            wait_until(lambda: first.metric(ANEW) == PARTITIONS, "every partition has noticed")
            rig.settle("the log was made anew under a worker")
            lose_the_log(rig, first, killed=True)
            second = rig.join()
            rig.settle("the log was made anew while nobody read it")
            wait_until(lambda: second.metric(ANEW) == PARTITIONS, "every partition has noticed again")
            rig.verdict(traffic)
