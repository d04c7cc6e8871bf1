"""`guard backup` beside a daemon under load; the backup put back, and made whole by saying the rest again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from guard.adapters.sqlite import check_ledger
from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.faults.traffic import RICH, Traffic, assert_whole, owed, without_rules
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker


def _guard(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "guard", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_backup_under_load_is_restored_and_made_whole(tmp_path: Path) -> None:
    """Stop, put the file, start, load what came since: as if nothing had been lost, and nothing is counted twice."""
    backup, said = tmp_path / "backup.db", tmp_path / "said.ndjson"
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        Guard(tmp_path / "guard", broker.url, more=RICH + without_rules(tmp_path)) as guard,
        SwitchClient(broker.port) as switch,
        Traffic(switch) as traffic,
    ):
        traffic.more(100)
        done = _guard("backup", backup, "--config", guard.config)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{backup}: ")
        assert done.stdout.endswith("its ledger adds up\n")
        assert check_ledger(backup) == []
        traffic.more(100)
        checked = _guard("check", "--ledger", "--config", guard.config)
        assert checked.returncode == 0, checked.stderr
        assert f"{guard.store}: every sum is right" in checked.stdout
        traffic.stop()
        assert_whole(guard, traffic.truth)
        last_seq = _block_and_release(guard, switch)
        # The machine is lost with its log and whatever else lay there; the backup is what there is.
        guard.kill()
        for leftover in guard.folder.glob("guard.db*"):
            leftover.unlink()
        shutil.copyfile(backup, guard.store)
        guard.start()
        total = sum(traffic.truth.values(), Decimal(0))
        restored = sum((owed(guard, account) for account in traffic.truth), Decimal(0))
        assert Decimal(0) < restored < total, "as of the backup"
        said.write_text("".join(json.dumps({"switch": switch.name, **report}) + "\n" for report in traffic.reports))
        loaded = _guard("load", "--reports", said, "--config", guard.config)
        assert loaded.returncode == 0, loaded.stderr
        assert_whole(guard, traffic.truth)
        assert _block_and_release(guard, switch) > last_seq + 1, "switches would ignore it"


def _block_and_release(guard: Guard, switch: SwitchClient) -> int:
    """The highest `seq` that the switch has then seen of the account."""
    for deed, action in (("block", "block"), ("release", "unblock")):
        before = len(switch.commands("T0", action))
        body = {"reason": "trial", "by": "ana"}
        assert guard.request("POST", f"/api/v1/accounts/T0/{deed}", body)[0] == 200
        wait_for(lambda: len(switch.commands("T0", action)) > before, deed, guard.log_tail)  # noqa: B023 -- waits here
    return max(int(command["seq"]) for command in switch.commands("T0"))


def test_wrong_use_changes_nothing(tmp_path: Path) -> None:
    config, target = tmp_path / "guard.toml", tmp_path / "b.db"
    config.write_text('[store]\nurl = "sqlite:guard.db"\nmin_free = "1MB"\n')
    target.write_text("mine")
    there = _guard("backup", target, "--config", config)
    assert (there.returncode, "name another file, or replace it with --force" in there.stderr) == (2, True)
    keep = _guard("backup", target, "--keep", "2", "--config", config)
    assert (keep.returncode, "--keep goes with a folder" in keep.stderr) == (2, True)
    nowhere = _guard("backup", tmp_path / "nowhere" / "b.db", "--config", config)
    assert (nowhere.returncode, "there is no such folder" in nowhere.stderr) == (2, True)
    no_store = _guard("backup", target, "--force", "--config", config)
    assert (no_store.returncode, "guard.db: there is no such file" in no_store.stderr) == (1, True)
    assert target.read_text() == "mine"
