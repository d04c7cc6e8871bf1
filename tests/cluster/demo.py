"""`make cluster-demo`: a whole cluster on this machine, of which each part is killed in turn, while totals stay exact.

Three NATS nodes, PostgreSQL, mosquitto, two ingests, three workers, and a switch that counts what its calls cost.
After each blow the script waits until the cluster is whole again and says how long that took; in the end it holds every
account's ledger against the switch's count. Exit status 1 if a single micro-unit is missing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path

from guard.core.partitions import PARTITIONS
from tests.cluster.ground import LIMIT, MICROS, Ground
from tests.cluster.mqtt_switch import MqttSwitch
from tests.cluster.processes import WorkerProcess, wait_until
from tests.integration.mosquitto import Mosquitto
from tests.integration.nats import NatsCluster
from tests.nats.ingests import IngestProcess
from tests.postgres.server import PostgresServer

NODES = 3
WORKERS = 3


def say(text: str) -> None:
    """A line of the story."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(folder: Path) -> int:
    """Play it."""
    with ExitStack() as stack:
        say(f"starting PostgreSQL, {NODES} NATS nodes, mosquitto, 2 ingests and {WORKERS} workers ...")
        server = stack.enter_context(PostgresServer(fsync=True))
        nats = stack.enter_context(NatsCluster(folder / "nats", nodes=NODES))
        broker = stack.enter_context(Mosquitto(folder / "mosquitto"))
        ingests = [
            stack.enter_context(
                IngestProcess(folder, f"in{number}", broker=broker.url, servers=nats.urls, replicas=NODES)
            )
            for number in (1, 2)
        ]
        ground = Ground(folder, server, server.database(), broker, nats, replicas=NODES)
        workers = [stack.enter_context(ground.worker(f"w{number}")) for number in range(1, WORKERS + 1)]
        took = wait_until(lambda: whole(workers), "all partitions are held")
        say(f"{PARTITIONS} partitions are held after {took:.1f} s: {[worker.held() for worker in workers]}")
        switch = stack.enter_context(MqttSwitch(broker.port, "sw1", seed=1, accounts=200, calls_a_round=8))

        def blow(what: str, strike: Callable[[], object], mend: Callable[[], object]) -> None:
            time.sleep(2)
            say(f"  {switch.reports:,} reports, {len(switch.blocked())} accounts blocked. Now: {what}")
            strike()
            mend()
            took = wait_until(lambda: whole([worker for worker in workers if worker.alive]), "it is whole again")
            say(f"    whole again after {took:.1f} s")

        for node in range(NODES):
            blow(f"kill -9 NATS node {node}", partial(nats.kill, node), partial(nats.start, node))
        blow("PostgreSQL crashes", server.kill, server.start)
        blow("kill -9 an ingest", ingests[0].kill, ingests[0].start)
        blow("kill -9 worker 1", workers[0].kill, int)
        blow("freeze worker 2 for 6 s", workers[1].freeze, partial(thaw_after, workers[1], 6))
        switch.hang_up()
        say(f"everybody hangs up after {switch.reports:,} reports")
        return verdict(ground, switch)


def thaw_after(worker: WorkerProcess, seconds: float) -> None:
    """It wakes up and finds that it holds nothing any more."""
    time.sleep(seconds)
    worker.thaw()


def whole(workers: list[WorkerProcess]) -> bool:
    """All partitions are held by these, and each says that it is ready."""
    if not all(worker.events("listening") for worker in workers):
        return False
    try:
        return sum(worker.held() for worker in workers) == PARTITIONS and all(
            worker.get("/-/ready")[0] == HTTPStatus.OK for worker in workers
        )
    except OSError:
        return False


def verdict(ground: Ground, switch: MqttSwitch) -> int:
    """The ledgers against the switch's own count."""
    owed = dict(switch.owed)
    over = {account for account, micros in owed.items() if micros >= LIMIT * MICROS}
    try:
        wait_until(lambda: ground.owed() == ground.ledger() == owed, "the ledgers say what the calls cost")
        wait_until(lambda: switch.blocked() == over, "who is over the limit is blocked, and nobody else")
    except AssertionError as error:
        say(f"WRONG: {error}")
        return 1
    total = sum(owed.values())
    say(f"{len(owed)} accounts owe {total // MICROS:,}.{total % MICROS:06} in all, each exact to the micro-unit;")
    say(f"{len(over)} are over the limit of {LIMIT}.00, and the switch blocks them and nobody else")
    return 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="guard-cluster-") as made:
        sys.exit(main(Path(made)))
