"""A whole cluster under load: breach to command, and how long its partitions stand still when a part of it dies.

Two workers, one ingest, three NATS nodes and PostgreSQL, every write on the disk, on the same cores with publisher and
subscriber. **Breach to command** is measured as for the daemon (`tests.bench.latency`), at the switch's own session.

**Standing still.** With a thousand reports a second each partition commits some four times a second. The positions in
the database are read forty times a second. What counts for a partition is the longest pause between two steps of its
position that lasts beyond the blow: the time from the blow to its end. Partitions that paused for less than a second
have not noticed. The time that PostgreSQL needs to be up again is part of it, and is told beside it.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg

from guard.core.partitions import PARTITIONS
from tests.bench.cluster import Stage, shared, staged
from tests.bench.latency import Subscriber, breaches
from tests.bench.processor import processor_s
from tests.bench.publishing import Blaster
from tests.beside import Beside
from tests.cluster.processes import WorkerProcess, wait_until
from tests.integration.mosquitto import Mosquitto
from tests.nats.ingests import IngestProcess

NODES, STREAMS = 3, 4
"""As many streams as `IngestProcess` makes."""
RATES = (500, 1_000, 2_000)
BREACHES = 150
LAG_S = 12
"""Of load at each rate: what the breaches take, and some."""
BLOWS_AT = 1_000
REPEATS = 3
LOAD_S = 240
ACCOUNTS = 5_000
LOOK_EVERY_S = 0.025
PARTS = ("workers", "database", "log")
NOTICED_S = 1.0
QUIET_S = 2.0
"""So long after the blow nobody is asked whether all goes on again."""
WITHIN_S = 60.0


class Watch(Beside):
    """Notes each step of each position, in a thread of its own, as long as the block runs."""

    def __init__(self, database: str) -> None:
        super().__init__("watch")
        self._database = database
        self.steps: list[list[float]] = [[] for _ in range(PARTITIONS)]

    def run(self) -> None:
        """Look until it is over."""
        asyncio.run(self._look())

    def goes_on(self) -> bool:
        """All partitions have made a step within the last moment."""
        since = time.monotonic() - NOTICED_S
        return all(steps and steps[-1] > since for steps in self.steps)

    def stood_still(self, blow: float) -> list[float]:
        """Of each partition that has noticed the blow: seconds until it went on."""
        found = []
        for steps in self.steps:
            pauses = [(end - begin, end) for begin, end in pairwise(steps) if end > blow]
            longest, end = max(pauses)
            if longest > NOTICED_S:
                found.append(end - blow)
        return found

    async def _look(self) -> None:
        last: dict[int, int] = {}
        connection: Any = None
        while not self.over.is_set():
            try:
                connection = connection or await asyncpg.connect(self._database, timeout=2)
                rows = await connection.fetch("SELECT part, position FROM guard.part", timeout=2)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if connection is not None:
                    connection.terminate()
                connection = None
                rows = []
            now = time.monotonic()
            for part, position in rows:
                if last.get(part, 0) < position:
                    last[part] = position
                    self.steps[part].append(now)
            await asyncio.sleep(LOOK_EVERY_S)
        if connection is not None:
            connection.terminate()


@dataclass
class Whole:
    """The cluster, as blows find it."""

    stage: Stage
    stack: ExitStack
    workers: list[WorkerProcess] = field(default_factory=list)
    made: int = 0

    def processor_s(self) -> tuple[float, float, float]:
        """Seconds of the processor that workers, database and log have used."""
        workers = sum(processor_s(worker.pid) for worker in self.workers)
        return workers, self.stage.database_s(), self.stage.log_s()

    def add_worker(self) -> None:
        """One more."""
        self.made += 1
        self.workers.append(self.stack.enter_context(self.stage.worker(f"w{self.made}")))

    def wait_shared(self) -> None:
        """Until all partitions are held, by each worker its share."""
        for worker in self.workers:
            worker.wait_ready()
        wait_until(lambda: shared(self.workers), "the workers share all partitions", WITHIN_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """Something that happens to a part, and how it is mended when the others have gone on."""

    key: str
    name: str
    strike: Callable[[Whole, int], None]
    """With the number of the round."""
    mend: Callable[[Whole, int], None]


def _kill_worker(it: Whole, _round: int) -> None:
    it.workers.pop(0).kill()


def _another_worker(it: Whole, _round: int) -> None:
    it.add_worker()


def _crash_database(it: Whole, _round: int) -> None:
    it.stage.server.kill()
    it.stage.server.start()


def _nothing(_it: Whole, _round: int) -> None:
    """It mends itself."""


BLOWS = (
    Blow(key="worker", name="a worker is killed", strike=_kill_worker, mend=_another_worker),
    Blow(
        key="frozen",
        name="a worker freezes",
        strike=lambda it, _: it.workers[0].freeze(),
        mend=lambda it, _: it.workers[0].thaw(),
    ),
    Blow(
        key="node",
        name="a NATS node is killed",
        strike=lambda it, number: it.stage.nats.kill(number % NODES),
        mend=lambda it, number: it.stage.nats.start(number % NODES),
    ),
    Blow(key="database", name="PostgreSQL crashes and starts again", strike=_crash_database, mend=_nothing),
)


@contextmanager
def whole(directory: Path) -> Iterator[tuple[Whole, Mosquitto]]:
    """All of it, with two workers that share."""
    with (
        staged(directory, nodes=NODES, streams=STREAMS) as stage,
        Mosquitto(directory / "mosquitto") as broker,
        IngestProcess(directory, "in1", broker=broker.url, servers=stage.nats.urls, replicas=NODES),
        ExitStack() as stack,
    ):
        it = Whole(stage, stack)
        it.add_worker()
        it.add_worker()
        it.wait_shared()
        yield it, broker


def lag(broker: Mosquitto, per_s: int, start: int) -> list[float]:
    """Milliseconds from breach to command at that rate, sorted."""
    subscriber = Subscriber(broker.port)
    load = Blaster(broker.port, per_s * LAG_S, 1, accounts=ACCOUNTS, start=start, rate=per_s)
    load.go()
    time.sleep(1.0)
    late_ms = sorted(late * 1_000 for late in breaches(subscriber, f"B{per_s}-", BREACHES))
    load.finish()
    subscriber.close()
    return late_ms


def struck(it: Whole, watch: Watch, blow: Blow, number: int) -> tuple[float, list[float]]:
    """What it took to strike, and seconds until each partition that noticed went on; mended, all of it, in the end."""
    wait_until(watch.goes_on, "all partitions go on", WITHIN_S)
    at = time.monotonic()
    blow.strike(it, number)
    took = time.monotonic() - at
    time.sleep(QUIET_S)
    wait_until(watch.goes_on, f"all partitions go on after: {blow.name}", WITHIN_S)
    found = watch.stood_still(at)
    blow.mend(it, number)
    it.wait_shared()
    return took, found


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """Breach to command by rate, then each blow some times over."""
    figures: dict[str, float] = {}
    with whole(directory) as (it, broker):
        start = 0
        for per_s in RATES:
            used, wal, began = it.processor_s(), it.stage.wal_bytes(), time.monotonic()
            late_ms = lag(broker, per_s, start)
            took = time.monotonic() - began
            percent = [100 * (after - before) / took for before, after in zip(used, it.processor_s(), strict=True)]
            figures |= {
                f"cluster_breach_{per_s}_{part}_percent": used for part, used in zip(PARTS, percent, strict=True)
            }
            start += per_s * LAG_S
            figures[f"cluster_breach_{per_s}_wal_bytes"] = (it.stage.wal_bytes() - wal) / (per_s * LAG_S)
            values = (statistics.median(late_ms), late_ms[int(len(late_ms) * 0.99) - 1], late_ms[-1])
            names = ("median_ms", "p99_ms", "worst_ms")
            figures |= {f"cluster_breach_{per_s}_{name}": value for name, value in zip(names, values, strict=True)}
            median, p99, worst = values
            show(
                f"breach to command through the cluster at {per_s:,} reports/s: median {median:.0f} ms, "
                f"p99 {p99:.0f} ms, worst {worst:.0f} ms; of a core, over all of it: "
                + ", ".join(f"{part} {used:.0f} %" for part, used in zip(PARTS, percent, strict=True))
            )
        load = Blaster(broker.port, BLOWS_AT * LOAD_S, 1, accounts=ACCOUNTS, start=start, rate=BLOWS_AT)
        load.go()
        with Watch(it.stage.database) as watch:
            for blow in BLOWS:
                rounds = [struck(it, watch, blow, number) for number in range(REPEATS)]
                stood = [found for _, found in rounds if found]
                median = statistics.median(map(statistics.median, stood)) if stood else 0.0
                worst = max(map(max, stood), default=0.0)
                noticed = max(len(found) for _, found in rounds)
                figures |= {f"cluster_{blow.key}_median_s": median, f"cluster_{blow.key}_worst_s": worst}
                show(
                    f"{blow.name}, {REPEATS} times: up to {noticed} of {PARTITIONS} partitions stand still, for "
                    f"{median:.1f} s in the middle, {worst:.1f} s at worst"
                )
                if blow.key == "database":
                    took = statistics.median(took for took, _ in rounds)
                    figures["cluster_database_start_s"] = took
                    show(f"  of which PostgreSQL's own crash and start: {took:.1f} s")
        load.stop()
    return figures
