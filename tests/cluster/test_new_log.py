"""The log is lost as a whole and made anew: nothing that it is given from then on is passed over, nor counted twice.

Sequences begin at 1 again, far below the positions that the database has. The ingest has nothing under way when it
happens and the workers have read everything, for what is lost with a log nobody can bring back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from guard.adapters.nats import LogOptions, open_cluster_log
from guard.adapters.nats.api import Api
from guard.core.partitions import PARTITIONS
from tests.cluster.processes import wait_until
from tests.cluster.rig import Rig, open_rig
from tests.nats.fakes import until

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

STREAMS = 4
"""As ingests and workers of a test have it."""
ANEW = 'guard_worker_log_readers_total{change="begun_anew"}'


async def newest_entries(api: Api, options: LogOptions) -> list[list[str]]:
    """By partition: the sequence of its last entry, as the database would print it."""
    found = []
    for part in range(PARTITIONS):
        newest = await api.call(f"STREAM.MSG.GET.{options.stream_of(part)}", {"last_by_subj": options.subject(part)})
        found.append([str(part), str(newest["message"]["seq"])])
    return found


async def delete_streams(rig: Rig, before: Callable[[], None]) -> None:
    """Every one of them, once the database has all that is in them."""
    options = LogOptions(servers=rig.nats.urls, streams=STREAMS, replicas=1)
    async with open_cluster_log(options, lambda: 0) as cluster:
        await until(lambda: not cluster.missing())
        api = Api(cluster.connection)
        newest = await newest_entries(api, options)
        positions = "SELECT part, position FROM part ORDER BY part"
        await asyncio.to_thread(wait_until, lambda: rig.ground.ask(positions) == newest, "all is in the database")
        before()
        for stream in options.stream_names():
            await api.call(f"STREAM.DELETE.{stream}")


def lose_the_log(rig: Rig, before: Callable[[], None]) -> None:
    """Everything that was taken has been read; then it is gone, and an ingest makes it anew."""
    ingest = rig.ingests[0]
    assert ingest.stop() == 0
    asyncio.run(delete_streams(rig, before))
    ingest.start()
    ingest.wait_ready()


def test_whoever_has_read_a_log_that_was_made_anew_reads_all_of_the_new_one(tmp_path: Path) -> None:
    with open_rig(tmp_path, nodes=1, ingests=1) as rig:
        first = rig.join()
        rig.settle("the start")
        with rig.traffic(seed=11, accounts=60, calls_a_round=3) as traffic:
            wait_until(lambda: len(traffic.switch.commanded) > 3, "some are over the limit")
            lose_the_log(rig, first.kill)
            second = rig.join()
            wait_until(lambda: bool(second.events("listening")), "another worker is there")
            wait_until(lambda: second.metric(ANEW) >= PARTITIONS, "every partition has noticed")
            rig.verdict(traffic)
