"""`python -m tests.bench.sizing [--figures build/bench.json]`: what ten million accounts and 200,000 reports/s need.

A model, not a measurement. Its inputs are the costs that the benchmarks measure (`Costs`; those of `--figures`, else
those of BENCHMARKS.md) and what is assumed of subscribers and machines (`Carrier`). Arithmetic says how many of each
part; what queues do when a worker dies is simulated (`tests.bench.failing`). The arithmetic is held against what one,
two and four workers were measured to do on two cores, and the error is printed.

**What is assumed beside the table.** Costs add up: the processor that a report takes does not depend on how many
workers there are. A worker is one thread, so one core, of which it may use a share. PostgreSQL divides its work over
its cores. The log is written by as many servers as there are copies, each with the whole work of an entry. Ticks cost
what the recorded load of the benchmark costs, in which one report in seven begins a call and one ends it: dearer than
at a carrier, where ticks are nearly all.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

from guard.core.partitions import PARTITIONS
from tests.bench.failing import Failing, simulate

US: Final = 1e-6
GIB: Final = 2**30
DAY_S: Final = 86_400
SHOWN_EACH_S: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Measured; microseconds are of a processor. Each says which figure of the benchmarks it is."""

    cluster_workers_1_guard_us: float = 40.0
    """Of a worker, a report of a deep backlog."""
    cluster_file_guard_us: float = 40.0
    """Of a daemon, a report in a mix of all accounts."""
    cluster_workers_1_database_us: float = 12.0
    cluster_postgres_database_us: float = 12.0
    cluster_workers_1_log_us: float = 4.5
    """Of one NATS server, a report: its share of an entry stored and delivered."""
    cluster_workers_1_wal_bytes: float = 900.0
    cluster_breach_2000_wal_bytes: float = 1_000.0
    """In small batches."""
    ingest_single_3_us: float = 22.0
    ingest_single_3_entry_us: float = 220.0
    """Of three NATS servers together, an entry stored."""
    takeover_account_us: float = 80.0
    takeover_step_ms: float = 50.0
    """Of restoring, in one piece, in which no lease is renewed and no report taken."""
    takeover_account_database_us: float = 60.0
    takeover_account_bytes: float = 13_500.0
    takeover_call_us: float = 10.0
    takeover_call_database_us: float = 6.0
    takeover_call_bytes: float = 2_000.0
    """Of calls that are up and calls that are remembered, as they come in the sample."""
    takeover_bare_guard_s: float = 2.0
    takeover_bare_mib: float = 130.0

    @property
    def report_us(self) -> float:
        """The dearer of the two: who keeps up takes a few reports of each partition at a time, not a thousand."""
        return max(self.cluster_workers_1_guard_us, self.cluster_file_guard_us)

    @property
    def database_us(self) -> float:
        """The same of the database: of a deep backlog many reports of a call are written as one row."""
        return max(self.cluster_workers_1_database_us, self.cluster_postgres_database_us)

    def with_figures(self, figures: Mapping[str, float]) -> Costs:
        """Those that were measured in place of those that were noted."""
        return replace(self, **{each.name: figures[each.name] for each in fields(self) if each.name in figures})


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Assumed."""

    accounts: int = 10_000_000
    reports_a_s: int = 200_000
    """At the peak."""
    calls_a_day: float = 10.0
    """Of an account: 3,500 a second at a peak of three times the mean; of three minutes, with a tick each 3 s, that
    is some 200,000 reports a second."""
    call_s: float = 180.0
    peak: float = 3.0
    remember_days: float = 1.0
    """`[calls] remember`: seven days by default, for which the memory below would have to be seven times as much."""
    report_bytes: int = 200
    """In the log, with its share of an entry."""
    copies: int = 3
    keep_days: float = 3.0
    ingests: int = 6
    append_s: float = 0.03
    """That an entry is on its way while the next gathers."""
    log_nodes: int = 5
    streams: int = 16
    sync_s: float = 0.0002
    """Of a disk with a battery or a capacitor behind it: each stream writes its entries one after the other."""
    busy: float = 0.6
    """Of each processor at the peak: the rest is for failures and for catching up."""
    database_cores: int = 16
    lease_s: float = 2.0
    seen_s: float = 0.5
    """Until somebody sees that a lease is over."""

    @property
    def calls_a_s(self) -> float:
        """That begin and end at the peak."""
        return self.accounts * self.calls_a_day / DAY_S * self.peak

    @property
    def calls_up(self) -> float:
        """At the peak."""
        return self.calls_a_s * self.call_s

    @property
    def remembered(self) -> float:
        """Calls."""
        return self.accounts * self.calls_a_day * self.remember_days

    @property
    def entries_a_s(self) -> float:
        """What gathers while an entry is on its way becomes one; when the disks cannot follow, more gathers."""
        gathered = self.reports_a_s / self.ingests / PARTITIONS * self.append_s
        wanted = self.reports_a_s / max(1.0, gathered) + self.ingests * PARTITIONS
        return min(wanted, self.busy * self.streams / self.sync_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What comes out."""

    workers: int
    ingest_cores: float
    log_cores: float
    database_cores: float
    wal_bytes_a_s: tuple[float, float]
    """In large batches and in small ones."""
    log_bytes_a_s: float
    log_bytes_kept: float
    worker_bytes: float
    restored_s: float
    """From a worker's death to the last of its partitions."""
    caught_up_s: float
    """A backlog of ten minutes, while reports go on coming."""


def sizes(costs: Costs, carrier: Carrier) -> Sizes:
    """The arithmetic."""
    rate = carrier.reports_a_s
    worker_s = costs.report_us * US
    workers = math.ceil(rate * worker_s / carrier.busy)
    held = carrier.calls_up + carrier.remembered
    bytes_held = carrier.accounts * costs.takeover_account_bytes + held * costs.takeover_call_bytes
    log_s = costs.cluster_workers_1_log_us * US * rate + costs.ingest_single_3_entry_us * US * carrier.entries_a_s
    return Sizes(
        workers=workers,
        ingest_cores=rate * costs.ingest_single_3_us * US / carrier.busy,
        log_cores=log_s / carrier.busy,
        database_cores=rate * costs.database_us * US / carrier.busy,
        wal_bytes_a_s=(rate * costs.cluster_workers_1_wal_bytes, rate * costs.cluster_breach_2000_wal_bytes),
        log_bytes_a_s=rate * carrier.report_bytes,
        log_bytes_kept=rate / carrier.peak * carrier.report_bytes * DAY_S * carrier.keep_days,
        worker_bytes=costs.takeover_bare_mib * 2**20 + bytes_held / workers,
        restored_s=carrier.lease_s + carrier.seen_s + restoring_s(costs, carrier, workers),
        caught_up_s=600 * rate / (workers / worker_s - rate),
    )


def partition_s(costs: Costs, carrier: Carrier) -> float:
    """Of a worker's thread, to restore one partition."""
    held = carrier.calls_up + carrier.remembered
    all_us = carrier.accounts * costs.takeover_account_us + held * costs.takeover_call_us
    return (all_us * US + costs.takeover_bare_guard_s) / PARTITIONS


def restoring_s(costs: Costs, carrier: Carrier, workers: int) -> float:
    """All that one worker held, by the others, each its share: the slower of workers and database."""
    parts = math.ceil(PARTITIONS / workers)
    by_worker_s = math.ceil(parts / (workers - 1)) * partition_s(costs, carrier)
    held = (carrier.calls_up + carrier.remembered) / workers
    accounts = carrier.accounts / workers
    by_database_us = accounts * costs.takeover_account_database_us + held * costs.takeover_call_database_us
    # What the others have to do for their own and for what they took over goes on beside it.
    left = 1 - carrier.busy * workers / (workers - 1)
    return max(by_worker_s, by_database_us * US / carrier.database_cores) / left


def table(costs: Costs, carrier: Carrier) -> Iterator[tuple[str, str]]:
    """What to read."""
    it = sizes(costs, carrier)
    copies = carrier.copies
    yield "reports a second at the peak, accounts", f"{carrier.reports_a_s:,}, {carrier.accounts:,}"
    yield "calls up at the peak, calls remembered", f"{carrier.calls_up:,.0f}, {carrier.remembered:,.0f}"
    yield f"workers, each one core at {carrier.busy:.0%}", f"{it.workers}"
    yield "memory of a worker", f"{it.worker_bytes / GIB:,.1f} GiB"
    yield "memory of all workers", f"{it.workers * it.worker_bytes / GIB:,.0f} GiB"
    yield f"ingests: {carrier.ingests}; cores of them together", f"{it.ingest_cores:.1f}"
    entries = carrier.entries_a_s
    yield "entries into the log a second, reports of each", f"{entries:,.0f}, {carrier.reports_a_s / entries:.1f}"
    yield f"synced writes a second of each of {carrier.log_nodes} nodes", f"{entries * copies / carrier.log_nodes:,.0f}"
    yield "cores of the NATS nodes together", f"{it.log_cores:.1f}"
    yield "into the log, of each copy", f"{it.log_bytes_a_s / 1e6:,.0f} MB/s"
    yield (
        f"the log for {carrier.keep_days:.0f} days, each copy",
        f"{it.log_bytes_kept / 1e12:,.1f} TB",
    )
    yield "out of the log to workers", f"{it.log_bytes_a_s / 1e6:,.0f} MB/s"
    yield "cores of PostgreSQL", f"{it.database_cores:.1f}"
    yield (
        "WAL, in large batches and in small ones",
        " and ".join(f"{each / 1e6:,.0f} MB/s" for each in it.wal_bytes_a_s),
    )
    yield "a worker dies: its last partition decides again after", f"{it.restored_s:.1f} s"
    yield "the worker's thread, for one partition", f"{partition_s(costs, carrier):.1f} s"
    yield "a backlog of ten minutes is gone after", f"{it.caught_up_s / 60:.0f} min"


def held_against(figures: Mapping[str, float], cores: int = 2) -> Iterator[str]:
    """The arithmetic with the costs of one worker, on so many cores, beside what was measured."""
    one = {part: figures[f"cluster_workers_1_{part}_us"] * US for part in ("guard", "database", "log")}
    for workers in (1, 2, 4):
        predicted = min(workers / one["guard"], cores / sum(one.values()))
        measured = figures[f"cluster_workers_{workers}_per_s"]
        error = predicted / measured - 1
        name = "1 worker" if workers == 1 else f"{workers} workers"
        yield f"{name}: predicted {predicted:,.0f}, measured {measured:,.0f} reports/s ({error:+.0%})"


def failing_of(costs: Costs, carrier: Carrier) -> Failing:
    """The cluster of that size, of which a worker dies."""
    return Failing(
        workers=sizes(costs, carrier).workers,
        reports_a_s=carrier.reports_a_s,
        report_s=costs.report_us * US,
        database_report_s=costs.database_us * US,
        database_cores=carrier.database_cores,
        unowned_s=carrier.lease_s + carrier.seen_s,
        restoring_s=partition_s(costs, carrier),
        step_s=costs.takeover_step_ms / 1e3,
    )


def main() -> int:
    """Print table, validation and simulation."""
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.sizing", description=__doc__)
    arguments.add_argument("--figures", type=Path, help="what `python -m tests.bench --json` wrote")
    arguments.add_argument("--suffix", default="", help="of the figures' names: `_on_compiled` for the compiled core")
    options = arguments.parse_args()
    figures: dict[str, float] = json.loads(options.figures.read_text())["figures"] if options.figures else {}
    figures |= {name.removesuffix(options.suffix): figures[name] for name in figures if name.endswith(options.suffix)}
    costs, carrier = Costs().with_figures(figures), Carrier()
    say = sys.stdout.write
    for name, value in table(costs, carrier):
        say(f"| {name} | {value} |\n")
    if "cluster_workers_4_per_s" in figures:
        say("\n" + "".join(f"{line}\n" for line in held_against(figures)))
    say("\nA worker dies after 10 s, at the peak; age of what is read, by second:\n")
    failing = failing_of(costs, carrier)
    for second in simulate(failing, seed=1):
        if second.at_s % SHOWN_EACH_S == 0:
            say(
                f"{second.at_s:4.0f} s: median {second.median_s:6.2f} s, 99 % {second.p99_s:6.2f} s, "
                f"worst {second.worst_s:6.2f} s; {second.waiting:9,} reports wait\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
