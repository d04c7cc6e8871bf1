"""A worker deletes old call details in the database, in every partition that it holds and in no other."""

from __future__ import annotations

import pytest

from guard.adapters.metrics import Figures
from guard.adapters.postgres import PostgresAddress, open_postgres
from guard.core.decisions import Changes
from guard.core.privacy import Deleted
from guard.shell.cluster.tending import HeldDetails, Tended
from guard.shell.retention import Retention
from tests.postgres.server import PostgresServer, name_of
from tests.shell.fakes import ManualClock
from tests.store.samples import account
from tests.store.test_details import KEEP_MS, NOW_MS, calls

pytestmark = pytest.mark.postgres


async def test_every_partition_that_is_held_is_kept_clean(server: PostgresServer) -> None:
    url = server.database()
    async with open_postgres(PostgresAddress(url=url, owner="me"), parts=4) as postgres:
        claims = await postgres.leases.claim("me", 4)
        for claim in claims:
            old, young = calls(1, 2), calls(3, 1, NOW_MS)
            changes = Changes(accounts=[account("A1", 3)], ledger=[*old, *young])
            await postgres.partition(claim).commit(changes)
        # Somebody else has taken the last one, which this worker does not know yet.
        server.execute("UPDATE guard.part SET epoch = epoch + 1 WHERE part = 3", name_of(url))
        clock, figures = ManualClock(), Figures()
        clock.ms = NOW_MS
        held = [Tended(claim, restored=claim.part != 1) for claim in claims]
        details = HeldDetails(lambda: held, postgres.details, clock)
        retention = Retention(store=details, clock=clock, keep_ms=lambda: KEEP_MS, figures=figures)

        assert await retention.run_once() == Deleted(lines=4, waiting=True)
        held[1] = held[1]._replace(restored=True)
        assert await retention.run_once() == Deleted(lines=2)

        left = "SELECT part, count(*) FILTER (WHERE call <> '') FROM guard.ledger GROUP BY part ORDER BY part"
        assert server.execute(left, name_of(url)).splitlines() == ["0|1", "1|1", "2|1", "3|3"]
        assert figures.details_deleted["lines"] == 6
