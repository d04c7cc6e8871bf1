"""Workers in networks of their own, cut off from the database, from the log, or with a node of the log beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest

from guard.core.partitions import PARTITIONS
from tests.cluster.audit import Audit
from tests.cluster.ground import Ground
from tests.cluster.processes import WorkerProcess, wait_until
from tests.cluster.rig import Rig
from tests.integration.mosquitto import Mosquitto
from tests.integration.nats_namespaces import NODES, CutCluster, may_cut
from tests.nats.ingests import IngestProcess
from tests.postgres.server import PostgresServer, name_of

pytestmark = [
    pytest.mark.broker,
    pytest.mark.nats,
    pytest.mark.postgres,
    pytest.mark.machine,
    pytest.mark.slow,
]

HALF = PARTITIONS // 2


@pytest.fixture
def networks(tmp_path: Path) -> Iterator[CutCluster]:
    """Three NATS nodes, each in a network of its own; the test itself is at the bridge."""
    assert may_cut(), "this needs root that may make networks: leave out -m machine"
    with CutCluster(tmp_path) as networks, networks.inside(None):
        yield networks


@pytest.fixture
def rig(tmp_path: Path, networks: CutCluster) -> Iterator[Rig]:
    """The rest of a cluster, at the bridge, without workers; its database is reached by the network."""
    hub = networks.address(None)
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer(listen=hub))
        broker = stack.enter_context(Mosquitto(tmp_path / "mosquitto"))
        database = server.database()
        audit = Audit(server, database)
        ingest = stack.enter_context(
            IngestProcess(tmp_path, "in1", broker=broker.url, servers=networks.urls, replicas=NODES)
        )
        by_network = f"postgresql://guard@{hub}/{name_of(database)}?sslmode=disable"
        ground = Ground(tmp_path, server, by_network, broker, networks, replicas=NODES)
        yield Rig(ground, [ingest], audit, stack)


def join_in(rig: Rig, networks: CutCluster, place: int | str) -> WorkerProcess:
    """A worker in that network."""
    with networks.inside(place):
        worker = rig.join()
    worker.reached = partial(networks.inside, place)
    return worker


def is_ready(worker: WorkerProcess) -> bool:
    return worker.get("/-/ready")[0] == HTTPStatus.OK


def test_whoever_is_cut_off_decides_nothing_and_every_account_is_exact(rig: Rig, networks: CutCluster) -> None:
    near = rig.join()
    networks.add("w")
    far = join_in(rig, networks, "w")
    rig.settle("the start")
    with rig.traffic(seed=6) as traffic:
        wait_until(lambda: near.held() == far.held() == HALF, "they share")
        database = [networks.address(None)]
        networks.lose("w", database)
        wait_until(lambda: near.held() == PARTITIONS, "what is cut off from the database goes to the other")
        wait_until(lambda: far.held() == 0 and not is_ready(far), "it knows that it holds nothing")
        networks.find("w", database)
        wait_until(lambda: near.held() == far.held() == HALF, "it is back")
        rig.settle("the way to the database")

        log = [networks.address(node) for node in range(NODES)]
        networks.lose("w", log)
        wait_until(lambda: not is_ready(far), "it knows that it cannot read")
        assert far.held() == HALF, "the log may come back, so it keeps what it has"
        wait_until(lambda: near.held() == PARTITIONS and far.held() == 0, "it gives up what it cannot read")
        networks.find("w", log)
        wait_until(lambda: near.held() == far.held() == HALF, "it is back")
        rig.settle("the way to the log")

        beside = join_in(rig, networks, 0)
        rig.settle("one joined beside a node of the log")
        networks.cut(0)
        rig.away.add(beside.name)
        rig.settle("a node of the log was cut off, with the worker beside it")
        wait_until(lambda: beside.held() == 0, "it knows that it holds nothing")
        networks.heal(0)
        rig.away.remove(beside.name)
        rig.settle("the node and its worker are back")

        rig.verdict(traffic)
