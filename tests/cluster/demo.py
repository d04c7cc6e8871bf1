"""`make cluster-demo`: a whole cluster on this machine, of which each part is struck in turn, while totals stay exact.

Three NATS nodes, PostgreSQL, mosquitto, two ingests, three workers, and a switch and a billing that count what their
calls and fees cost. After each blow the script waits until the cluster is whole again and says how long that took; in
the end it holds every account's ledger against their count. Exit status 1 if a single micro-unit is missing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from guard.core.partitions import PARTITIONS
from tests.cluster.ground import LIMIT, MICROS
from tests.cluster.processes import WorkerProcess
from tests.cluster.rig import Rig, Traffic, open_rig
from tests.cluster.soak import rest

NODES = 3
WORKERS = 3
FROZEN_S = 6.0


def say(text: str) -> None:
    """A line of the story."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(folder: Path) -> int:
    """Play it."""
    say(f"starting PostgreSQL, {NODES} NATS nodes, mosquitto, 2 ingests and {WORKERS} workers ...")
    with open_rig(folder, nodes=NODES, ingests=2, fsync=True) as rig:
        first, second, *_ = [rig.join() for _ in range(WORKERS)]
        took = rig.settle("the start")
        say(f"{PARTITIONS} partitions are held after {took:.1f} s: {[worker.held() for worker in rig.workers]}")
        with rig.traffic(seed=1, accounts=200) as traffic:

            def blow(what: str, strike: Callable[[], object], mend: Callable[[], object]) -> None:
                rest(2)
                switch = traffic.switch
                say(f"  {switch.reports:,} reports, {len(switch.blocked())} accounts blocked. Now: {what}")
                strike()
                mend()
                say(f"    whole again after {rig.settle(what):.1f} s")

            for node in range(NODES):
                blow(f"kill -9 NATS node {node}", partial(rig.nats.kill, node), partial(rig.nats.start, node))
            blow("PostgreSQL crashes", rig.server.kill, rig.server.start)
            blow("kill -9 an ingest", rig.ingests[0].kill, rig.ingests[0].start)
            blow("kill -9 worker 1", first.kill, int)
            blow(f"freeze worker 2 for {FROZEN_S:.0f} s", partial(rig.freeze, second), partial(wake, rig, second))
            return verdict(rig, traffic)


def wake(rig: Rig, worker: WorkerProcess) -> None:
    """It sleeps past its leases, wakes up and finds that it holds nothing any more."""
    rest(FROZEN_S)
    rig.thaw(worker)


def verdict(rig: Rig, traffic: Traffic) -> int:
    """The ledgers against an independent count."""
    traffic.stop()
    say(f"everybody hangs up after {traffic.switch.reports:,} reports")
    try:
        rig.verdict(traffic)
    except AssertionError as error:
        say(f"WRONG: {error}")
        return 1
    owed, over = traffic.owed, len(traffic.switch.blocked())
    total = sum(owed.values())
    say(f"{len(owed)} accounts owe {total // MICROS:,}.{total % MICROS:06} in all, each exact to the micro-unit;")
    say(f"{over} are over the limit of {LIMIT}.00, and the switch blocks them and nobody else;")
    say(f"the partitions had {rig.audit.epochs():,} tenancies, each of one worker that alone committed in it")
    return 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="guard-cluster-") as made:
        sys.exit(main(Path(made)))
