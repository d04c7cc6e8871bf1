"""The same recorded history through both stores: the same decisions, commands, balances and lines of the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.config import load_config
from guard.config.sections import Config, StoreSection
from guard.wire.decisions import encode_decision
from tests.postgres.server import PostgresServer
from tests.replayed.clockwork import Clockwork, InMemory, serve
from tests.replayed.conftest import folder as folder  # noqa: PLC0414 -- the fixture, for this test too
from tests.replayed.histories import record
from tests.replayed.twin import Schedule, twin
from tests.store.samples import state_of
from tests.store.stores import Opening, PostgresOpening, SqliteOpening, whole_ledger

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

MOST_DECISIONS = 10_000


async def _kept(opening: Opening) -> dict[str, Any]:
    """What is in a store."""
    async with opening() as store:
        state = state_of(await store.restore())
        decided = await store.decisions(account=None, after=0, limit=MOST_DECISIONS)
        state["ledger"] = {account: await whole_ledger(store, account) for account in state["accounts"]}
        state["decided"] = b"".join(encode_decision(each) + b"\n" for each in decided)
    return state


async def _served(config: Config, schedule: Schedule, opening: Opening, stops: list[int]) -> dict[str, Any]:
    """What is in the store in the end; the daemon is stopped and started again at these places."""
    clockwork: Clockwork[InMemory] = Clockwork(schedule.entries, schedule.start_ms, schedule.end_ms)
    for stop in [*stops, len(schedule.entries)]:
        await serve(config, clockwork, lambda options, _now_ms: InMemory(options, clockwork), stop)
    return {**await _kept(opening), "commands": clockwork.commands}


def test_both_stores_come_to_the_same(folder: Path, server: PostgresServer) -> None:
    """Down to each line, with restarts at the same places; and what the backtest came to."""
    recorded = record(folder, seed=2, days=1, mode="enforce", priced=False)
    schedule = twin(folder, recorded.reports, recorded.billing, recorded.config)
    config = load_config(recorded.config)
    stops = [len(schedule.entries) * part // 4 for part in (1, 2, 3)]
    in_file = SqliteOpening(config.store.path.parent)
    in_database = PostgresOpening(server.database())
    configured = replace(config, store=StoreSection(database=in_database.url))
    one = asyncio.run(_served(replace(config, store=StoreSection(path=in_file.path)), schedule, in_file, stops))
    other = asyncio.run(_served(configured, schedule, in_database, stops))
    assert other["decided"] == schedule.decisions
    for what, found in one.items():
        assert other[what] == found, what
    assert len(one["ledger"]) > 5
    assert asyncio.run(in_database.check()) == []
