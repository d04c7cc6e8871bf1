"""A daemon's store, spread over the partitions of a cluster: real workers go on with it, with the model at work."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from guard.adapters.sqlite import open_store
from guard.config.shipped import shipped
from guard.core.decisions import Changes
from guard.core.money import Micros
from tests.cluster.ground import MICROS
from tests.cluster.processes import wait_until
from tests.cluster.rig import open_rig
from tests.store.samples import account, line

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

ACCOUNTS = [f"acct-{number:04}" for number in range(40)]


async def _daemons_store(path: Path) -> None:
    """Each account owes a dollar."""
    async with open_store(path) as store:
        accounts = [account(name, MICROS) for name in ACCOUNTS]
        lines = [line(number, name, Micros(MICROS)) for number, name in enumerate(ACCOUNTS, 1)]
        await store.commit(Changes(accounts=accounts, ledger=lines))


def test_workers_go_on_where_the_daemon_was(tmp_path: Path) -> None:
    asyncio.run(_daemons_store(tmp_path / "guard.db"))
    model = f'[model]\ndir = "{shipped("models") / "default"}"\n'
    with open_rig(tmp_path, more=model) as rig:
        command = [sys.executable, "-m", "guard", "store", "copy", "--partitions"]
        places = ["--from", str(tmp_path / "guard.db"), "--to", rig.ground.database]
        copied = subprocess.run([*command, *places], check=True, capture_output=True, text=True, timeout=60)
        assert "spread over 256 partitions" in copied.stdout
        worker = rig.join()
        rig.settle("the start")
        assert worker.metric("guard_model_up") == 1
        wait_until(lambda: worker.metric("guard_store_bytes") > 0, "it has asked how much its tables take")
        with rig.traffic(seed=3, accounts=len(ACCOUNTS)) as traffic:
            wait_until(lambda: sum(rig.ground.owed().values()) > len(ACCOUNTS) * MICROS, "calls are charged")
            rig.join()
            rig.settle("a second worker joined")
            worker.reload()
            wait_until(lambda: bool(worker.events("reloaded")), "its rules, prices and model are read anew")
            traffic.stop()
            owed = {name: MICROS + traffic.owed.get(name, 0) for name in ACCOUNTS}
            wait_until(lambda: rig.ground.owed() == owed, "every account owes what it did, and its calls")
            assert rig.ground.ledger() == owed
        assert [each.metric("guard_model_up") for each in rig.workers] == [1, 1]
