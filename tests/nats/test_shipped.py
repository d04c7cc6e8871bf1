"""What operators start from, as it is shipped: three nodes, TLS, a user for each role, each write on disk thrice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guard.adapters.nats import ClusterLog, LogOptions, open_cluster_log
from guard.ports.cluster import Position
from tests.integration.mosquitto import Mosquitto
from tests.nats.certificates import Certificates
from tests.nats.fakes import until
from tests.nats.ingests import IngestProcess
from tests.nats.shipped import PASSWORDS, ShippedCluster
from tests.nats.test_ingest_process import Everything, Load, session

pytestmark = [pytest.mark.nats, pytest.mark.broker, pytest.mark.slow]

TOPIC = "guard/v1/sw1/calls"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedCluster]:
    folder = tmp_path_factory.mktemp("shipped")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PASSWORDS.items():
            patch.setenv(name, value)
        certificates = folder / "certificates"
        certificates.mkdir()
        with ShippedCluster(folder / "nats", Certificates(certificates)) as running:
            yield running


def as_role(servers: ShippedCluster, role: str, streams: int = 4) -> LogOptions:
    return LogOptions(
        servers=servers.urls,
        streams=streams,
        role=role,
        user=f"guard-{role}",
        password=PASSWORDS[f"NATS_{role.upper()}"],
        ca_file=servers._certificates.crt("ca"),
    )


async def allowed(cluster: ClusterLog, subject: str, payload: bytes = b"") -> bool:
    """Whether anybody answers."""
    return await cluster.connection.ask(subject, payload) is not None


async def test_each_role_can_do_its_work_and_no_more(servers: ShippedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        open_cluster_log(as_role(servers, "ingest"), now_ms) as ingest,
        open_cluster_log(as_role(servers, "worker"), now_ms) as worker,
    ):
        await until(lambda: not ingest.missing() and not worker.missing())
        assert await ingest.log.append(3, [(TOPIC, b"[]")])
        async with worker.log.read(3, Position()) as reader:
            (entry,) = await drained(reader.drain)
            assert entry.messages[0].topic == TOPIC
            assert await worker.log.append(3, [("$guard/between", b"{}")])
            await drained(reader.drain)
        async with worker.log.read(3, entry.position) as reader:
            await drained(reader.drain)
        assert worker.log.reading.begun_anew == 0
        for subject in ("piece.7", "wanted", "answer.n1", "revived"):
            await heard(worker, subject)
        await heard(ingest, "ingest.sitting")

        info = await ingest.connection.ask("$JS.API.STREAM.INFO.guard-in-3", b"")
        assert info is not None
        assert b'"num_replicas":3' in info.data
        monkeypatch.setattr("guard.adapters.nats.connection.ANSWER_LIMIT_S", 0.5)
        overheard: list[object] = []

        async def overhear(message: object) -> None:
            overheard.append(message)

        async with (
            ingest.connection.hearing("_INBOX.guard-worker.>", overhear),
            ingest.connection.hearing("_INBOX.>", overhear),
            ingest.connection.hearing("guard.in.>", overhear),
            ingest.connection.hearing("guard.piece.*", overhear),
            worker.log.read(3, Position()) as reader,
        ):
            await drained(reader.drain)
            assert not overheard, "what workers read is not for ingests"
        for subject in (
            "$JS.API.STREAM.MSG.GET.guard-in-3",
            "$JS.API.CONSUMER.CREATE.guard-in-3",
            "$JS.API.STREAM.DELETE.guard-in-3",
            "$JS.API.STREAM.PURGE.guard-in-3",
            "$JS.API.STREAM.UPDATE.guard-in-3",
        ):
            assert not await allowed(ingest, subject), subject
        for subject in (
            "STREAM.DELETE",
            "STREAM.PURGE",
            "STREAM.UPDATE",
            "STREAM.MSG.DELETE",
            "STREAM.LEADER.STEPDOWN",
        ):
            assert not await allowed(worker, f"$JS.API.{subject}.guard-in-3"), subject
        assert not await allowed(worker, "guard.ingest.sitting"), "who sits is for ingests to say"
        async with worker.log.read(3, Position()) as reader:
            await drained(reader.drain)


async def drained(drain: object) -> list[Any]:
    """What has come, once something has."""
    entries: list[Any] = []

    def some() -> bool:
        entries.extend(drain(10))  # type: ignore[operator]
        return bool(entries)

    await until(some)
    return entries


async def heard(cluster: ClusterLog, subject: str) -> None:
    """The role may say and hear it."""
    told: list[bytes] = []
    async with cluster.bus.listen(subject, told.append):
        await until(lambda: cluster.bus.send(subject, b"x") and bool(told))


async def test_an_ingest_works_on_it_while_each_node_is_killed_in_turn(servers: ShippedCluster, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORDS["NATS_INGEST"])
    secret.chmod(0o600)
    login = f'user = "guard-ingest"\npassword_file = "{secret}"\nca_file = "{servers._certificates.crt("ca")}"\n'
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        IngestProcess(tmp_path, "i1", broker=broker.url, servers=servers.urls, replicas=3, log=login) as ingest,
    ):
        async with (
            session(broker, "switch", "guard/v1/sw0/commands") as switch,
            open_cluster_log(as_role(servers, "worker"), now_ms) as worker,
        ):
            await until(lambda: not worker.missing())
            load = Load(switch, 5)
            publishing = asyncio.create_task(load.run(100_000, 0.02))
            for node in range(3):
                servers.kill(node)
                await asyncio.to_thread(servers.start, node)
            load.over = True
            await publishing
            async with Everything().reading(worker) as everything:
                await until(lambda: everything.has(load.published), within_s=90)
            assert not everything.misplaced
            assert not everything.repeats, "what was given again is there once"
            assert await worker.bus.publish_tracked("guard/v1/sw0/commands", b"{}"), "the ingest may answer"
        assert not [event for event in ingest.events() if "ermissions" in str(event)]
