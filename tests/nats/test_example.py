"""What operators start from: the server takes it, and each role can do its work with it and no more."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.adapters.nats import ClusterLog, LogOptions, open_cluster_log
from guard.config import check_config
from guard.ports.cluster import Position
from tests.integration.nats import NatsCluster, program
from tests.nats.fakes import until
from tests.shipped import CLUSTER

ROLES = ("INGEST", "WORKER", "SYSTEM")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def shipped_accounts() -> str:
    """The accounts of the shipped file, with passwords that are no secret."""
    text = (CLUSTER / "nats.conf").read_text()
    accounts = text[text.index("accounts {") :]
    for role in ROLES:
        accounts = accounts.replace(f"$NATS_{role}", f"pw-{role.lower()}")
    return accounts


def test_guard_reads_the_ingests_configuration() -> None:
    config, problems = check_config(CLUSTER / "ingest.toml")
    assert problems == []
    assert len(config.log.servers) == 3


def test_the_shipped_file_has_what_guard_promises_by() -> None:
    text = (CLUSTER / "nats.conf").read_text()
    assert re.search(r"^  sync_interval: always$", text, re.MULTILINE)
    assert re.search(r"^max_payload: 2MB$", text, re.MULTILINE)


@pytest.mark.nats
def test_the_server_reads_the_shipped_file(tmp_path: Path) -> None:
    """But for its certificates, which are not there."""
    text = re.sub(r"tls \{[^}]*\}", "", (CLUSTER / "nats.conf").read_text())
    file = tmp_path / "nats.conf"
    file.write_text(text.replace("/var/lib/nats", str(tmp_path)))
    passwords = {f"NATS_{role}": "x" for role in ROLES}
    tried = subprocess.run(
        [program(), "-t", "-c", str(file)], capture_output=True, text=True, env=passwords, check=False
    )
    assert tried.returncode == 0, tried.stderr


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path, extra=shipped_accounts()) as running:
        yield running


def as_role(servers: NatsCluster, role: str) -> LogOptions:
    user = {"role": role, "user": f"guard-{role}", "password": f"pw-{role}"}
    return LogOptions(servers=servers.urls, streams=2, replicas=1, **user)  # type: ignore[arg-type]  # texts


@pytest.mark.nats
async def test_ingest_and_worker_can_do_their_work_and_not_each_others(servers: NatsCluster) -> None:
    async with (
        open_cluster_log(as_role(servers, "ingest"), now_ms) as ingest,
        open_cluster_log(as_role(servers, "worker"), now_ms) as worker,
    ):
        await until(lambda: not ingest.missing() and not worker.missing())
        assert await ingest.log.append(3, [("guard/v1/sw1/calls", b"[]")])
        async with worker.log.read(3, Position()) as reader:
            await until(lambda: reader.lag() == 1 and bool(reader._arrived))
            assert len(reader.drain(10)) == 1
            assert await worker.log.append(3, [("guard/v1/sw1/acks", b"{}")])
            await until(lambda: len(reader.drain(10)) == 1)
        pieces: list[bytes] = []
        async with worker.bus.listen("piece.7", pieces.append):
            await asyncio.sleep(0)
            await until(lambda: worker.bus.send("piece.7", b"x") and bool(pieces))
        await relays(ingest, worker)
        # An ingest that is broken into can fill the log, which it may, and neither read nor empty it.
        async with ingest.log.read(3, Position()) as reader:
            await until(lambda: ingest.log.reading.replaced > 0)
            assert reader.drain(10) == []


async def relays(ingest: ClusterLog, worker: ClusterLog) -> None:
    """An ingest hears what is to be published, and can say that the broker has it."""

    async def answer(message: object) -> None:
        assert await ingest.connection.say(str(getattr(message, "reply")), b"+")  # noqa: B009 - nats-py's Msg

    async with ingest.connection.hearing("guard.out", answer, "ingests"):

        async def published() -> bool:
            return await worker.bus.publish_tracked("guard/v1/sw1/commands", b"{}")

        for _ in range(10):
            if await published():
                return
        raise AssertionError("no ingest heard it")


@pytest.mark.nats
async def test_a_wrong_password_is_no_way_in(servers: NatsCluster) -> None:
    options = LogOptions(servers=servers.urls, streams=2, replicas=1, user="guard-worker", password="wrong")  # noqa: S106
    async with open_cluster_log(options, now_ms) as cluster:
        await until(lambda: bool(cluster.connection.reason))
        assert cluster.missing().startswith("not connected to NATS: NATS refuses the login: [log] user guard-worker")
