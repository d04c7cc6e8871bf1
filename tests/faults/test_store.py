"""The store is full, fails, is locked or cannot be written: nothing is acknowledged, it says so, and nothing is lost.

PUBACKs that are withheld are seen from outside: the broker keeps what guard has not acknowledged, so what was sent
while the store was away is there afterwards, even if guard is killed in between.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.faults.disks import FailingDisk, SmallDisk, failing_disk, small_disk, unwritable
from tests.faults.traffic import RICH, Traffic, assert_whole, owed, told, without_rules
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as running:
        yield running


def _failing(guard: Guard) -> str:
    """What `/-/ready` says of the store while it takes nothing; empty while it does."""
    status, body = guard.request("GET", "/-/ready")
    why = json.dumps(body)
    return why if status == 503 and "the store does not take anything" in why else ""


def _said(guard: Guard, event: str) -> list[dict[str, object]]:
    lines = guard.log.read_text().splitlines()
    return [said for line in lines if line.startswith("{") and (said := json.loads(line)).get("event") == event]


def _assert_nothing_leaves(guard: Guard, traffic: Traffic, switch: SwitchClient) -> None:
    """While the store fails: metrics and log say so, and neither reports nor control messages are acknowledged."""
    assert guard.metric("guard_store_failing") == 1
    assert _said(guard, "store-failed")
    owed_then = owed(guard, "P1")
    switch.bill({"type": "adjustment", "id": "late", "account": "P1", "amount": "5.00", "reason": "while it failed"})
    traffic.more(50)
    wait_for(lambda: guard.metric("guard_inbox_reports") > 50, "reports wait", guard.log_tail)
    wait_for(
        lambda: guard.metric("guard_unacknowledged_messages", session="control") > 0, "billing waits", guard.log_tail
    )
    assert owed(guard, "P1") == owed_then
    assert guard.request("GET", "/-/healthy")[0] == 200, "it is alive, and must not be restarted for this"


def _assert_recovered(guard: Guard, traffic: Traffic) -> None:
    """Everything that came meanwhile is counted once; the log and on-call know that it is over."""
    traffic.stop()
    assert_whole(guard, traffic.truth)
    wait_for(lambda: owed(guard, "P1") == 5, "the adjustment", guard.log_tail)
    assert guard.metric("guard_store_failing") == 0
    assert guard.is_ready()


@contextmanager
def _under_load(
    folder: Path, broker: Mosquitto, disk: SmallDisk | FailingDisk | None = None
) -> Iterator[tuple[Guard, SwitchClient, Traffic]]:
    """A daemon, its store on that disk if any, with calls that go on."""
    store = None if disk is None else disk.folder / "guard.db"
    with (
        Guard(folder / "guard", broker.url, more=RICH + without_rules(folder), store=store) as guard,
        SwitchClient(broker.port) as switch,
        Traffic(switch) as traffic,
    ):
        traffic.more(50)
        yield guard, switch, traffic


@contextmanager
def _no_file_grows(guard: Guard, limit_bytes: int) -> Iterator[None]:
    """Writing beyond this place of any file is an error of the disk, as far as guard can tell."""
    soft, hard = resource.prlimit(guard.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(guard.pid, resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.prlimit(guard.pid, resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("killed", [False, True], ids=["goes-on", "killed"])
def test_a_full_disk(tmp_path: Path, broker: Mosquitto, *, killed: bool) -> None:
    """It goes on by itself once there is room; also killed on it, what it had not acknowledged is at the broker."""
    with (
        small_disk(tmp_path / "disk", 12) as disk,
        _under_load(tmp_path, broker, disk) as (guard, switch, traffic),
    ):
        disk.fill()
        began = time.monotonic()
        why = wait_for(lambda: _failing(guard), "it says that the store is full", guard.log_tail)
        told(f"a full disk is told after {time.monotonic() - began:.2f} s")
        assert "the disk is full; free space on its file system" in why
        _assert_nothing_leaves(guard, traffic, switch)
        if killed:
            guard.kill()
            traffic.more(20)
        disk.make_room()
        if killed:
            guard.start()
        _assert_recovered(guard, traffic)


def test_a_disk_that_reports_errors(tmp_path: Path, broker: Mosquitto) -> None:
    """As long as it lasts; on-call is told when it is over, because what is told must be stored first."""
    with _under_load(tmp_path, broker) as (guard, switch, traffic):
        with _no_file_grows(guard, 100_000):
            why = wait_for(lambda: _failing(guard), "it says that the store fails", guard.log_tail)
            assert "the disk reported an error" in why
            _assert_nothing_leaves(guard, traffic, switch)
            # Longer than `slow_after`.
            traffic.more(300)
        _assert_recovered(guard, traffic)
        assert _said(guard, "store-recovered")
        wait_for(lambda: _said(guard, "store"), "on-call is told that the store was slow", guard.log_tail)


def test_files_that_turn_read_only_under_it_and_come_back(tmp_path: Path, broker: Mosquitto) -> None:
    """Somebody has made them immutable: guard has them open and goes on by itself when they are not any more."""
    with _under_load(tmp_path, broker) as (guard, switch, traffic):
        began = time.monotonic()
        with unwritable(guard.store, guard.store.with_name(guard.store.name + "-wal")):
            why = wait_for(lambda: _failing(guard), "it says that the store fails", guard.log_tail)
            told(f"files that turn read-only are told after {time.monotonic() - began:.2f} s")
            assert "the disk reported an error" in why
            _assert_nothing_leaves(guard, traffic, switch)
        _assert_recovered(guard, traffic)


@pytest.mark.machine
def test_a_file_system_that_the_kernel_turns_read_only(tmp_path: Path, broker: Mosquitto) -> None:
    """It does not come back under a process that has files open: guard is ended, the disk checked, guard started."""
    with (
        failing_disk(tmp_path / "disk") as disk,
        _under_load(tmp_path, broker, disk) as (guard, switch, traffic),
    ):
        with guard.at_rest():
            # An ext4 that is aborted while a sync is under way says yes to it, and has not what was synced.
            disk.abort()
        began = time.monotonic()
        wait_for(lambda: _failing(guard), "it says that the store fails", guard.log_tail)
        told(f"a file system that turns read-only is told after {time.monotonic() - began:.2f} s")
        _assert_nothing_leaves(guard, traffic, switch)
        guard.kill()
        disk.repair()
        traffic.more(20)
        guard.start()
        _assert_recovered(guard, traffic)


def test_another_process_holds_the_write_lock(tmp_path: Path, broker: Mosquitto) -> None:
    with _under_load(tmp_path, broker) as (guard, switch, traffic):
        with closing(sqlite3.connect(guard.store, isolation_level=None)) as intruder:
            intruder.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            why = wait_for(lambda: _failing(guard), "it says who is in the way", guard.log_tail)
            told(f"a foreign lock is told after {time.monotonic() - began:.2f} s")
            assert "another process holds its write lock" in why
            _assert_nothing_leaves(guard, traffic, switch)
        _assert_recovered(guard, traffic)


def test_a_store_that_cannot_be_written_stops_the_start(tmp_path: Path, broker: Mosquitto) -> None:
    """It ends with what to do; the switch goes on, the broker keeps what it says."""
    with (
        small_disk(tmp_path / "disk", 12) as disk,
        _under_load(tmp_path, broker, disk) as (guard, _, traffic),
    ):
        assert guard.stop() == 0
        disk.remount("ro")
        with pytest.raises(AssertionError, match="guard ended with 1") as ended:
            guard.start()
        assert "guard.db.lock: cannot be made (Read-only file system)" in str(ended.value)
        traffic.more(50)
        disk.remount("rw")
        guard.start()
        traffic.stop()
        assert_whole(guard, traffic.truth)
