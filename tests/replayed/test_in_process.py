"""The whole daemon in this process, under a replayed clock, without a broker: it decides what the backtest decides."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guard.adapters.sqlite import open_store
from guard.cli import app
from guard.config import load_config
from guard.wire.decisions import encode_decision
from tests.replayed.clockwork import Clockwork, InMemory, serve
from tests.replayed.histories import Recorded, record
from tests.replayed.twin import Schedule, twin

pytestmark = pytest.mark.interpreted

MOST_DECISIONS = 100_000


def served(recorded: Recorded, schedule: Schedule, stops: list[int]) -> tuple[bytes, list[str]]:
    """The daemon's decisions, one a line, and its commands; it is stopped and started again at these places."""
    config = load_config(recorded.config)

    async def serving() -> tuple[bytes, list[str]]:
        clockwork: Clockwork[InMemory] = Clockwork(schedule.entries, schedule.start_ms, schedule.end_ms)
        for stop in [*stops, len(schedule.entries)]:
            await serve(config, clockwork, lambda options, _now_ms: InMemory(options, clockwork), stop)
        async with open_store(config.store.path) as store:
            decisions = await store.decisions(account=None, after=0, limit=MOST_DECISIONS)
        return b"".join(encode_decision(each) + b"\n" for each in decisions), clockwork.commands

    return asyncio.run(serving())


@pytest.mark.parametrize(
    ("mode", "priced", "seed", "restarts"),
    [
        pytest.param("enforce", True, 1, 0, id="priced by the switch, rules act"),
        pytest.param("shadow", True, 3, 12, id="priced by the switch, rules in shadow, restarts"),
        pytest.param("enforce", False, 2, 12, id="priced by guard, plans, rules act, restarts"),
        pytest.param("shadow", False, 4, 0, id="priced by guard, plans, rules in shadow"),
    ],
)
def test_the_daemon_decides_what_the_backtest_decides(
    folder: Path, *, mode: str, priced: bool, seed: int, restarts: int
) -> None:
    """Byte for byte, ids included; and the switch is told the same."""
    recorded = record(folder, seed=seed, days=2, mode=mode, priced=priced)
    schedule = twin(folder, recorded.reports, recorded.billing, recorded.config)
    places = sorted(random.Random(seed).sample(range(1, len(schedule.entries)), restarts))
    decisions, commands = served(recorded, schedule, places)
    assert decisions == schedule.decisions
    assert commands == list(dict.fromkeys(schedule.commands))
    seen = {(each["action"], each["reason"]) for each in map(json.loads, schedule.decisions.splitlines())}
    assert seen >= {("block", "credit_limit"), ("block", "rule"), ("warn", "credit_limit"), ("cleared", "rule")}, seen
    assert len(schedule.entries) > 2_000


def test_it_is_what_the_command_writes(folder: Path) -> None:
    """`guard backtest` over the same files: the same bytes again."""
    recorded = record(folder, seed=1, days=1, mode="enforce", priced=True)
    schedule = twin(folder, recorded.reports, recorded.billing, recorded.config)
    arguments = ["--reports", recorded.reports, "--billing", recorded.billing, "--config", recorded.config]
    done = CliRunner().invoke(
        app, ["backtest", *map(str, arguments), "--no-peers", "--out", str(folder / "out")], prog_name="guard"
    )
    assert done.exit_code == 0, done.output
    assert (folder / "out" / "decisions.ndjson").read_bytes() == schedule.decisions
