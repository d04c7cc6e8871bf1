"""`guard worker` and `guard cluster status`: what they refuse, and how the status reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guard.commands import cluster
from guard.core.partitions import PARTITIONS
from guard.ports.cluster import Held, Member, Position, Seen
from tests.cli.conftest import Guard


@pytest.fixture
def database(tmp_path: Path) -> Path:
    config = tmp_path / "worker.toml"
    config.write_text('[store]\nurl = "postgresql://guard@127.0.0.1/guard"\n')
    return config


def stands(monkeypatch: pytest.MonkeyPatch, *, orphans: int) -> None:
    """Let the database say that two workers share all but so many partitions."""

    async def ask(_config: object) -> cluster.Status:
        held = [
            Held(
                part=part,
                owner="" if part < orphans else f"w{part % 2}",
                epoch=3,
                position=Position(100 + part, 1_700_000_000_123_456_789),
                left_ms=0 if part < orphans else 1_500,
            )
            for part in range(PARTITIONS)
        ]
        members = [Seen(member=Member(id=f"w{number}", url="127.0.0.1:1"), ago_ms=400) for number in range(2)]
        return cluster.Status(members=members, partitions=held)

    monkeypatch.setattr(cluster, "_ask", ask)


@pytest.mark.parametrize("command", [("worker",), ("cluster", "status")])
def test_a_file_is_no_store_for_a_cluster(guard: Guard, tmp_path: Path, command: tuple[str, ...]) -> None:
    config = tmp_path / "guard.toml"
    config.write_text('[log]\nurl = "nats://127.0.0.1:4222"\n')

    result = guard(*command, "--config", str(config))

    assert result.exit_code == 2
    assert "store.url" in result.output
    assert "postgresql://HOST/DATABASE" in result.output


def test_a_worker_needs_a_log(guard: Guard, database: Path) -> None:
    result = guard("worker", "--config", str(database))

    assert result.exit_code == 2
    assert "log.url: is missing: a cluster needs a log" in result.output


def test_all_that_a_worker_lacks_is_told_in_one_go(guard: Guard, tmp_path: Path) -> None:
    config = tmp_path / "guard.toml"
    config.write_text('[rules]\ndir = "nowhere"\n')

    result = guard("worker", "--config", str(config))

    assert result.exit_code == 2
    for wrong in ("store.url: is a file", "log.url: is missing", "nowhere: "):
        assert wrong in result.output


def test_the_status_names_workers_and_what_they_hold(
    guard: Guard, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands(monkeypatch, orphans=0)

    result = guard("cluster", "status", "--partitions", "--config", str(database))

    assert result.exit_code == 0
    assert "256 of 256 partitions are held." in result.output
    assert "128" in result.output


def test_a_partition_without_an_owner_is_a_failure(
    guard: Guard, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands(monkeypatch, orphans=3)

    result = guard("cluster", "status", "--config", str(database))

    assert result.exit_code == 1
    assert "3 partitions have no owner: 0-2" in result.output


def test_a_worker_that_does_not_reach_the_log_is_named(
    guard: Guard, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(_config: object) -> cluster.Status:
        cut_off = Member(id="w9", url="127.0.0.1:1", reads=False)
        return cluster.Status(members=[Seen(member=cut_off, ago_ms=400)], partitions=[])

    monkeypatch.setattr(cluster, "_ask", ask)

    assert "w9 does not reach the log" in guard("cluster", "status", "--config", str(database)).output
    told = json.loads(guard("cluster", "status", "--json", "--config", str(database)).output)
    assert told["workers"][0]["reads_log"] is False


def test_the_status_as_json(guard: Guard, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stands(monkeypatch, orphans=0)

    told = json.loads(guard("cluster", "status", "--json", "--config", str(database)).output)

    assert [len(worker["partitions"]) for worker in told["workers"]] == [128, 128]
    assert told["partitions"][7] == {
        "partition": 7,
        "worker": "w1",
        "epoch": 3,
        "position": 107,
        "read_to_ms": 1_700_000_000_123,
        "lease_ms": 1_500,
    }
    assert told["without_owner"] == []
