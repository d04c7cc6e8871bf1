"""One recorded history through the daemon on a file, the daemon on PostgreSQL, and a cluster: the same, to the micro.

The cluster is an ingest and two workers on a real NATS and a real PostgreSQL, under a replayed clock
(`tests.cluster.clockwork`); workers leave and join on the way, where the daemons are stopped and started again. What
may differ is what counts within a partition: the numbers of decisions and ledger lines, and what is kept of switches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.adapters.postgres import PostgresAddress, open_postgres
from guard.config import load_config
from guard.config.sections import Config, StoreSection
from guard.core.decisions import Decision, LedgerLine
from guard.core.partitions import PARTITIONS
from guard.ports import Store
from guard.wire.decisions import encode_decision
from tests.cluster.clockwork import ClusterClockwork
from tests.cluster.clockwork import serve as serve_cluster
from tests.integration.nats import NatsCluster
from tests.postgres.server import PostgresServer, name_of
from tests.replayed.clockwork import Clockwork, InMemory, serve
from tests.replayed.conftest import folder as folder  # noqa: PLC0414 -- the fixture, for this test too
from tests.replayed.histories import NOWHERE, Recorded, record
from tests.replayed.twin import Schedule, twin
from tests.store.samples import state_of
from tests.store.stores import Opening, PostgresOpening, SqliteOpening, whole_ledger

pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow, pytest.mark.interpreted]

MOST_DECISIONS = 10_000
INPUTS = 2_000
"""Ten hours of the day; all of it takes twice as long, and has been run."""
BY_ACCOUNT = ("accounts", "calls", "remembered", "pending")
"""Of what a store gives back: rows about accounts, which are the same whoever keeps them."""


class Found:
    """What is in a store, without what counts within a partition."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Any, Any]] = {name: {} for name in BY_ACCOUNT}
        self.ledger: dict[str, list[LedgerLine]] = {}
        self.decided: dict[str, list[bytes]] = defaultdict(list)
        self.commands: set[str] = set()

    async def look(self, store: Store) -> None:
        """All of it, or one partition of it."""
        state = state_of(await store.restore())
        for name, rows in self.rows.items():
            rows.update(state[name])
        for account in state["accounts"]:
            lines = await whole_ledger(store, account)
            self.ledger[account] = [replace(line, number=0) for line in sorted(lines, key=lambda line: line.number)]
        self.take(await store.decisions(account=None, after=0, limit=MOST_DECISIONS))

    def take(self, decisions: Iterable[Decision]) -> None:
        """In their order, account by account."""
        for decision in decisions:
            self.decided[decision.account].append(encode_decision(decision))

    def compare(self, other: Found) -> None:
        """It must be the same."""
        assert other.decided == self.decided
        assert other.ledger == self.ledger
        for name, rows in self.rows.items():
            assert other.rows[name] == rows, name
        assert other.commands == self.commands


async def by_a_daemon(recorded: Recorded, schedule: Schedule, opening: Opening, store: StoreSection) -> Found:
    """One process has all of it; it is stopped and started again at three places."""
    config = replace(load_config(recorded.config), store=store)
    clockwork: Clockwork[InMemory] = Clockwork(schedule.entries, schedule.start_ms, schedule.end_ms)
    for stop in [*quarters(schedule), len(schedule.entries)]:
        await serve(config, clockwork, lambda options, _now_ms: InMemory(options, clockwork), stop)
    found = Found()
    async with opening() as opened:
        await found.look(opened)
    found.commands = set(clockwork.commands)
    return found


async def by_a_cluster(
    recorded: Recorded, schedule: Schedule, server: PostgresServer, servers: tuple[str, ...]
) -> Found:
    """An ingest and two workers; at three places one leaves and another joins."""
    database = server.database()
    told = recorded.config.read_text()
    log = "replicas = 1\nstreams = 4\n"
    elsewhere = told.replace(NOWHERE, servers[0]).replace('"sqlite:guard.db"', f'"{database}"\nlease = "60s"')
    worker = _configured(recorded, "worker", f"{elsewhere}[log]\n{log}")
    ingest = _configured(recorded, "ingest", f'{told}[log]\nurl = "{servers[0]}"\n{log}[ingest]\nname = "in1"\n')
    clockwork = ClusterClockwork(schedule.entries, schedule.start_ms, schedule.end_ms)
    await serve_cluster(worker, ingest, clockwork, quarters(schedule))
    found = Found()
    homes = server.execute("SELECT DISTINCT part FROM guard.account", name_of(database)).split()
    async with open_postgres(PostgresAddress(url=database, owner="test"), parts=PARTITIONS) as opened:
        for claim in await opened.leases.claim("test", PARTITIONS):
            if str(claim.part) in homes:
                await found.look(opened.partition(claim))
    found.commands = set(clockwork.commands)
    return found


def _configured(recorded: Recorded, name: str, text: str) -> Config:
    path = recorded.config.with_name(f"{name}.toml")
    path.write_text(text)
    return load_config(path)


def begun(schedule: Schedule) -> Schedule:
    """The beginning of a day."""
    entries = schedule.entries[:INPUTS]
    return replace(schedule, entries=entries, end_ms=entries[-1].at_ms)


def quarters(schedule: Schedule) -> list[int]:
    """Three places."""
    return [len(schedule.entries) * part // 4 for part in (1, 2, 3)]


async def test_file_database_and_cluster_come_to_the_same(folder: Path, server: PostgresServer) -> None:
    """Eight customers and five frauds, all shipped rules in force, plans, prices of guard's own, billing."""
    recorded = record(folder, seed=2, days=1, mode="enforce", priced=False)
    schedule = begun(twin(folder, recorded.reports, recorded.billing, recorded.config))
    in_file, in_database = SqliteOpening(folder), PostgresOpening(server.database())
    with NatsCluster(folder / "nats") as nats:
        clustered = await by_a_cluster(recorded, schedule, server, nats.urls)
    one = await by_a_daemon(recorded, schedule, in_file, StoreSection(path=in_file.path))
    other = await by_a_daemon(recorded, schedule, in_database, StoreSection(database=in_database.url))
    one.compare(other)
    one.compare(clustered)
    decided = {decision for decisions in one.decided.values() for decision in decisions}
    assert decided <= set(schedule.decisions.splitlines()), "the backtest's"
    assert len(decided) > 40
    assert len(one.ledger) > 5
    assert len(one.commands) > 3
    assert one.rows["calls"], "some are up in the end"
