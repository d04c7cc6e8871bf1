"""Workers beside the single daemon: one recorded load, through each, in one run, on the same two cores.

The workers hold all partitions and have nothing to do when the backlog is laid into the log, which takes a twentieth of
the time that they need for it; from its first entry to the last position in the database counts. The daemon gets the
same entries from its broker, each an array in a message, as fast as it takes them. A first quarter of the load makes
the accounts known and is not measured. With each goes what the processes took of the processor: that is what holds on
other machines, where workers, log and database do not share two cores. In the end every call must be in the ledger,
and the sum must be exact.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from guard.adapters.nats import LogOptions, open_cluster_log
from guard.adapters.nats.api import Api
from guard.core.partitions import PARTITIONS, partition_of
from guard.wire.log import decode_entry, encode_entry
from tests.bench.blaster import connect, publish, publish_packet
from tests.bench.daemon import running
from tests.bench.processor import processor_s, processor_with_children_s
from tests.bench.publishing import PREFIX
from tests.bench.recorded import Recorded, recorded
from tests.cluster.processes import WorkerProcess, wait_until
from tests.integration.mosquitto import Mosquitto
from tests.integration.nats import NatsCluster
from tests.postgres.server import PostgresServer

REPORTS = 260_000
WARM_IN = 4
"""The first part of so many is not measured."""
WORKERS = (1, 2, 4)
AN_ENTRY = 64
"""Reports: about what gathers while an entry is on its way to a busy log."""
STREAMS = 8
APPENDS_AT_ONCE = 64
WITHIN_S = 120.0
LOOK_EVERY_S = 0.05
TOPIC = f"{PREFIX}/sw1/calls"
MICROS = 1_000_000
ENDED = b'"ended"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a backlog took."""

    reports: int
    seconds: float
    guard_s: float
    """Of the processor: workers or the daemon, together."""
    database_s: float = 0.0
    log_s: float = 0.0
    wal_bytes: int = 0
    """What the database wrote to its own log."""

    @property
    def per_s(self) -> float:
        """Reports a second."""
        return self.reports / self.seconds

    def us(self, processor_s: float) -> float:
        """Microseconds a report."""
        return processor_s * MICROS / self.reports


@dataclass(frozen=True, slots=True)
class Stage:
    """What workers of one round stand on."""

    folder: Path
    server: PostgresServer
    database: str
    nats: NatsCluster
    streams: int

    def worker(self, name: str) -> WorkerProcess:
        """Started, not waited for."""
        return WorkerProcess(
            self.folder,
            name,
            f'[broker]\nurl = "{",".join(self.nats.urls)}"\n'
            f"[log]\nreplicas = {self.nats.nodes}\nstreams = {self.streams}\n"
            f'[store]\nurl = "{self.database}"\n[http]\nlisten = "127.0.0.1:0"\n'
            '[accounts]\ndefault_limit = "1000.00"\n[switches.sw1]\n',
        )

    def database_s(self) -> float:
        """Of the processor, all of the database's processes."""
        return processor_with_children_s(self.server.pid)

    def wal_bytes(self) -> int:
        """Written to the database's own log since it was made."""
        return int(self.server.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))

    def log_s(self) -> float:
        """Of the processor, all of the log's nodes."""
        return sum(processor_s(self.nats.pid(node)) for node in range(self.nats.nodes))


@contextmanager
def staged(folder: Path, *, nodes: int = 1, streams: int = STREAMS) -> Iterator[Stage]:
    """An empty database and an empty log, both with every write on the disk."""
    with PostgresServer(fsync=True) as server, NatsCluster(folder / "nats", nodes=nodes) as nats:
        yield Stage(folder, server, server.database(), nats, streams)


def now_ms() -> int:
    """Of this machine."""
    return time.time_ns() // 1_000_000


def entries_of(load: Sequence[Recorded]) -> list[tuple[int, bytes]]:
    """The load as an ingest packs it: partitions, and entries for them, in the order of their newest reports."""
    gathering: dict[int, list[bytes]] = defaultdict(list)
    made: list[tuple[int, bytes]] = []

    def pack(part: int) -> None:
        reports = gathering.pop(part)
        made.append((part, encode_entry(now_ms(), [(TOPIC, b"[%b]" % b",".join(reports))])))

    for report in load:
        part = partition_of(report.account)
        gathering[part].append(report.payload)
        if len(gathering[part]) == AN_ENTRY:
            pack(part)
    for part in list(gathering):
        pack(part)
    return made


def split(load: Sequence[Recorded]) -> tuple[Sequence[Recorded], Sequence[Recorded]]:
    """What makes the accounts known, and what is measured."""
    return load[: len(load) // WARM_IN], load[len(load) // WARM_IN :]


class Backlog:
    """Lays entries into a log, and sees when the database has taken all of them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._options = LogOptions(servers=stage.nats.urls, streams=stage.streams, replicas=stage.nats.nodes)

    async def through(self, entries: Sequence[tuple[int, bytes]]) -> float:
        """Seconds from the first append to the last commit."""
        connection: Any = await asyncpg.connect(self._stage.database)
        try:
            async with open_cluster_log(self._options, now_ms) as cluster:
                await cluster.streams.ensure()
                waiting = iter(entries)

                async def lay() -> None:
                    for part, entry in waiting:
                        if not await cluster.log.append_entry(part, entry):
                            raise SystemExit("the log does not take the backlog")

                began = time.monotonic()
                await asyncio.gather(*(lay() for _ in range(APPENDS_AT_ONCE)))
                lasts = await self._lasts(Api(cluster.connection), {part for part, _ in entries})
                while not await self._has(connection, lasts):
                    if time.monotonic() > began + WITHIN_S:
                        raise SystemExit(f"not all of the backlog is durable within {WITHIN_S:.0f} s")
                    await asyncio.sleep(LOOK_EVERY_S)
                return time.monotonic() - began
        finally:
            await connection.close()

    async def _lasts(self, api: Api, parts: set[int]) -> dict[int, int]:
        """The last sequence of each partition."""
        options = self._options

        async def last(part: int) -> int:
            asked = {"last_by_subj": options.subject(part)}
            return int((await api.call(f"STREAM.MSG.GET.{options.stream_of(part)}", asked))["message"]["seq"])

        return dict(zip(parts, await asyncio.gather(*map(last, parts)), strict=True))

    @staticmethod
    async def _has(connection: Any, lasts: Mapping[int, int]) -> bool:
        rows = await connection.fetch("SELECT part, position FROM guard.part")
        return all(position >= lasts.get(part, 0) for part, position in rows)


def by_workers(folder: Path, load: Sequence[Recorded], count: int) -> tuple[Taken, int]:
    """The load through so many workers, which wait for it; and how many leases they lost on the way."""
    with staged(folder) as stage, ExitStack() as stack:
        workers = [stack.enter_context(stage.worker(f"w{number}")) for number in range(1, count + 1)]
        for worker in workers:
            worker.wait_ready()
        wait_until(lambda: shared(workers), f"{count} workers share all partitions")
        warm, rest = split(load)
        asyncio.run(Backlog(stage).through(entries_of(warm)))
        entries = entries_of(rest)
        wal = stage.wal_bytes()
        before = [processor_s(worker.pid) for worker in workers], stage.database_s(), stage.log_s()
        seconds = asyncio.run(Backlog(stage).through(entries))
        used = [processor_s(worker.pid) for worker in workers]
        taken = Taken(
            reports=len(rest),
            seconds=seconds,
            guard_s=sum(used) - sum(before[0]),
            database_s=stage.database_s() - before[1],
            log_s=stage.log_s() - before[2],
            wal_bytes=stage.wal_bytes() - wal,
        )
        check(asyncio.run(posted(stage.database)), load)
        lost = sum(int(worker.metric('guard_worker_leases_total{change="lost"}')) for worker in workers)
        return taken, lost


def shared(workers: Sequence[WorkerProcess]) -> bool:
    """All partitions are held, by each its share, and are restored."""
    held = [worker.held() for worker in workers]
    most = -(-PARTITIONS // len(workers))
    return (
        sum(held) == PARTITIONS
        and max(held) <= most
        and all(worker.get("/-/ready")[0] == HTTPStatus.OK for worker in workers)
    )


def by_daemon(folder: Path, load: Sequence[Recorded], server: PostgresServer | None) -> Taken:
    """The load through the single daemon: the same entries, each a message."""
    store = "" if server is None else server.database()

    def ledger() -> tuple[int, int]:
        return asyncio.run(posted(store)) if store else posted_in_file(folder / "guard.db")

    with Mosquitto(folder / "mosquitto") as broker, running(folder, broker.port, store=store) as it:

        def through(part: Sequence[Recorded]) -> float:
            payloads = [payload for _, entry in entries_of(part) for _, payload in decode_entry(entry).messages]
            packets = [publish_packet(TOPIC.encode(), payload, 1 + n % 60_000) for n, payload in enumerate(payloads)]
            publisher = threading.Thread(target=publish, args=(connect(broker.port, "bench-recorded"), packets))
            before, (lines, _) = it.accepted(), ledger()
            began = time.monotonic()
            publisher.start()
            calls = sum(ENDED in each.payload for each in part)
            # What the daemon counts it has taken; only the ledger says what it has kept.
            while it.accepted() - before < len(part) or ledger()[0] - lines < calls:
                if time.monotonic() > began + WITHIN_S:
                    raise SystemExit(f"not all of the backlog is durable within {WITHIN_S:.0f} s")
                time.sleep(LOOK_EVERY_S)
            publisher.join()
            return time.monotonic() - began

        warm, rest = split(load)
        through(warm)
        used, database_s = it.processor_s(), 0.0 if server is None else processor_with_children_s(server.pid)
        taken = Taken(
            reports=len(rest),
            seconds=through(rest),
            guard_s=it.processor_s() - used,
            database_s=0.0 if server is None else processor_with_children_s(server.pid) - database_s,
        )
    check(ledger(), load)
    return taken


async def posted(database: str) -> tuple[int, int]:
    """Ledger lines, and what they come to in micros."""
    connection: Any = await asyncpg.connect(database)
    try:
        row = await connection.fetchrow("SELECT count(*), coalesce(sum(amount_micros), 0)::bigint FROM guard.ledger")
        return int(row[0]), int(row[1])
    finally:
        await connection.close()


def posted_in_file(path: Path) -> tuple[int, int]:
    """The same of a store that is a file."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        count, micros = connection.execute("SELECT count(*), coalesce(sum(amount_micros), 0) FROM ledger").fetchone()
    return int(count), int(micros)


def check(found: tuple[int, int], load: Sequence[Recorded]) -> None:
    """All calls have ended, and each has cost what its switch said."""
    ended = [msgspec.json.decode(each.payload) for each in load if ENDED in each.payload]
    expected = len(ended), sum(round(float(each["charge"]) * MICROS) for each in ended)
    if found != expected:
        raise SystemExit(f"the ledger has lines and micros {found}, and the load says {expected}")


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """The daemon with both stores, then one, two and four workers."""
    load = recorded(REPORTS, time.time() - 600)
    show(f"{len(load):,} reports of calls, from a backlog to durable; microseconds of the processor a report:")
    figures: dict[str, float] = {}

    def tell(key: str, name: str, taken: Taken) -> None:
        spent = {"guard": taken.guard_s, "database": taken.database_s, "log": taken.log_s}
        figures[f"cluster_{key}_per_s"] = taken.per_s
        figures.update({f"cluster_{key}_{part}_us": taken.us(each) for part, each in spent.items() if each})
        if taken.wal_bytes:
            figures[f"cluster_{key}_wal_bytes"] = taken.wal_bytes / taken.reports
        words = ", ".join(f"{part} {taken.us(seconds):.1f}" for part, seconds in spent.items() if seconds)
        show(f"  {name}: {taken.per_s:,.0f} reports/s; {words}")

    def made(name: str) -> Path:
        (directory / name).mkdir()
        return directory / name

    tell("file", "daemon, file", by_daemon(made("file"), load, None))
    with PostgresServer(fsync=True) as server:
        tell("postgres", "daemon, PostgreSQL", by_daemon(made("postgres"), load, server))
    for count in WORKERS:
        taken, lost = by_workers(made(f"workers{count}"), load, count)
        tell(f"workers_{count}", f"workers: {count}", taken)
        figures[f"cluster_workers_{count}_lost"] = lost
        if lost:
            show(f"    {lost} leases were lost on the way: the machine was too busy for a fair figure")
    one = figures["cluster_workers_1_per_s"]
    figures.update(
        {f"cluster_{count}_over_1": figures[f"cluster_workers_{count}_per_s"] / one for count in WORKERS[1:]}
    )
    return figures
