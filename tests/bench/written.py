"""`python -m tests.bench.written build/bench.json`: puts the figures of a cluster into the documents.

Two sections are made anew, from their heading to the next of the same rank or the file's end: "A cluster" in
BENCHMARKS.md, what was measured, and "What a large one takes" in docs/cluster.md, what follows from it by the model
(`tests.bench.sizing`). Nothing in them is written by hand, so what is said there is changed here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench.failing import Failing, simulate
from tests.bench.failover import RATES, REPEATS
from tests.bench.labels import ON_COMPILED
from tests.bench.sizing import Carrier, Costs, failing_of, held_against, sizes, table

ROOT = Path(__file__).parents[2]
BENCHMARKS, CLUSTER = ROOT / "BENCHMARKS.md", ROOT / "docs" / "cluster.md"
CALM_S = 1.0
"""A queue whose oldest report is younger than this has drained."""

_MEASURED = """## A cluster

`python -m tests.bench --only cluster --only failover --only takeover --only ingest`: some ten minutes, with NATS
(`sync_interval: always`), PostgreSQL (`fsync` on), ingests, workers, publisher and subscriber on the same two cores.
There more workers cannot be much faster: they share what one worker, database and log leave. A backlog of 256
partitions is cheaper for a worker than for a daemon: in a batch it has many reports of few accounts, and writes each
row once, while the daemon meets all accounts in each batch; whoever keeps up pays more (the lag below). So what a
report takes of a processor in each part stands beside the rates; that adds up elsewhere, and `tests.bench.sizing` adds
it up ([what a large cluster takes](docs/cluster.md#what-a-large-one-takes)). Written by `python -m tests.bench.written`
from the run of {taken_at} on {machine}; load before: {load_before}.
"""
_RATES = """
| a backlog with all shipped rules, in entries of 64 reports, to durable | on the sources | on the compiled core |
|---|---|---|"""
_LAG = """
| two workers, an ingest, three NATS nodes: breach to command at the switch | {rates} |
|---|{lines}"""
_STILL = """
| at 1,000 reports/s, {repeats} times each: seconds until a partition that stood still went on | median | worst |
|---|---|---|"""
_TAKEOVER = """
| one worker takes all 256 partitions over | |
|---|---|"""
_INGEST = """
| an ingest | one NATS server | three |
|---|---|---|"""

_SIZED = """### What a large one takes

By a model (`python -m tests.bench.sizing`, which states each assumption), fed with what was measured on two cores
([BENCHMARKS.md](../BENCHMARKS.md#a-cluster)). **Nothing of this size has been run.** Assumed: {calls_a_day:.0f} calls a
day of each account, three times as many at the peak, three minutes each, a tick each 3 s; `[calls] remember = "1d"`;
processors at {busy:.0%} at the peak; {ingests} ingests, {nodes} NATS nodes, {streams} streams of {copies} copies on
disks that sync in {sync_ms:.1f} ms; `[store] lease` of 2 s. Of worker and daemon the dearer report counts, for whoever
keeps up has shallow batches.

| | on the sources | on the compiled core |
|---|---|---|"""
_HELD = """
The model with the costs of one worker, against what was measured on two cores: {sources}
On the compiled core: {compiled}

**When a worker dies** at that peak (a simulation of queues, `tests/bench/failing.py`; on the sources), reports of its
partitions are up to {worst_s:.0f} s late, and all queues have drained {drained_s:.0f} s after its death; those of other
partitions are up to {others_s:.2f} s late (99 %) while their workers restore. More workers than the arithmetic wants
make this shorter.

**What gets tight:**

1. **One PostgreSQL primary** is the part that cannot be had twice: a cluster uses one database. By processor the peak
   takes {database_cores:.0f} cores of it; but each report replaces two rows, so that is 400,000 row versions a second,
   with {wal_mb:,.0f} MB/s of WAL to write, archive and replicate, and vacuum has to keep up. That has not been tried:
   40,000 to 60,000 reports a second were seen here ([`postgres.md`](postgres.md)). Several primaries, each with a part
   of the partitions, are not there yet.
2. **Memory, for what is remembered.** An account that calls under the shipped rules takes {account_kb:.0f} kB, a call
   {call_kb:.1f} kB. With the default of seven days {week:,.0f} million calls are remembered, {week_gib:,.0f} GiB,
   beside the {day_gib:,.0f} GiB above in all: shorten `[calls] remember` first.
3. **Synced writes of the log.** Entries cost, not reports: each is a write and a sync on every copy. Where disks are
   slower more reports gather in an entry, and the lag grows. Few good ingests make fewer and larger entries than many.
4. **A worker's one thread.** More workers help, up to 256 of one partition each.
"""


class Figures:
    """Figures by name, as text."""

    def __init__(self, figures: Mapping[str, float]) -> None:
        self._figures = figures

    def say(self, name: str, places: int = 0) -> str:
        """A figure, or a dash where it was not taken."""
        return f"{self._figures[name]:,.{places}f}" if name in self._figures else "-"

    def both(self, what: str, name: str, places: int = 0) -> str:
        """A row with both cores."""
        return f"| {what} | {self.say(name, places)} | {self.say(name + ON_COMPILED, places)} |"


def rates(it: Figures) -> Iterator[str]:
    """Of backlogs."""
    subjects = (
        ("file", "the daemon, file", ("guard",)),
        ("postgres", "the daemon, PostgreSQL", ("guard", "database")),
        ("workers_1", "one worker", ("guard", "database", "log")),
        ("workers_2", "two workers", ("guard", "database", "log")),
        ("workers_4", "four workers", ("guard", "database", "log")),
    )
    names = {"guard": "guard", "database": "PostgreSQL", "log": "NATS"}
    for key, name, parts in subjects:
        yield it.both(f"{name}: reports/s", f"cluster_{key}_per_s")
        for part in parts:
            yield it.both(f"{name}: microseconds of a processor a report, {names[part]}", f"cluster_{key}_{part}_us", 1)
        if "log" in parts:
            yield it.both(
                f"{name}: leases lost on the way (more than 0: too busy, no fair rate)", f"cluster_{key}_lost"
            )
    yield it.both("two workers over one", "cluster_2_over_1", 2)
    yield it.both("four workers over one", "cluster_4_over_1", 2)
    yield it.both("bytes of WAL a report, one worker", "cluster_workers_1_wal_bytes")


def lag(it: Figures) -> Iterator[str]:
    """Through all of a cluster."""
    measures = (
        ("median_ms", "median ms"),
        ("p99_ms", "99th percentile ms"),
        ("worst_ms", "worst ms"),
        ("workers_percent", "both workers, % of a core"),
        ("database_percent", "PostgreSQL, % of a core"),
        ("log_percent", "all NATS nodes, % of a core"),
        ("wal_bytes", "bytes of WAL a report"),
    )
    for key, what in measures:
        yield f"| {what} | " + " | ".join(it.say(f"cluster_breach_{per_s}_{key}") for per_s in RATES) + " |"


def still(it: Figures) -> Iterator[str]:
    """After blows."""
    own = it.say("cluster_database_start_s", 1)
    blows = (
        ("worker", "a worker is killed"),
        ("frozen", "a worker freezes"),
        ("node", "a NATS node is killed"),
        ("database", f"PostgreSQL crashes and starts again (of which its own part {own})"),
    )
    for key, what in blows:
        yield f"| {what} | {it.say(f'cluster_{key}_median_s', 1)} | {it.say(f'cluster_{key}_worst_s', 1)} |"


def takeover(it: Figures) -> Iterator[str]:
    """What restoring takes."""
    bare = f"{it.say('takeover_bare_guard_s', 1)}, {it.say('takeover_bare_database_s', 1)}"
    start = it.say("takeover_bare_s", 1)
    yield f"| empty: seconds from its start; of its processor, of the database's | {start}; {bare} |"
    whole = f"{it.say('takeover_whole_s', 1)}, {it.say('takeover_whole_mib')}"
    yield f"| with 100,000 accounts and their calls: seconds, MiB (empty: {it.say('takeover_bare_mib')}) | {whole} |"
    for key, what in (("account", "an account"), ("call", "a call, up or remembered")):
        spent = f"{it.say(f'takeover_{key}_us', 1)}, {it.say(f'takeover_{key}_database_us', 1)}"
        row = f"{what}: microseconds of its processor, of the database's; bytes"
        yield f"| {row} | {spent}; {it.say(f'takeover_{key}_bytes')} |"
    yield f"| the longest step in a partition of 40,000 accounts, ms | {it.say('takeover_step_ms')} |"


def ingest(it: Figures) -> Iterator[str]:
    """Into the log."""
    for shape, what in (("single", "single"), ("arrays", "in arrays of 100")):
        for key, words, places in (
            ("per_s", "reports/s", 0),
            ("us", "microseconds of its processor a report", 1),
            ("entry_us", "microseconds of the servers' processors an entry", 0),
            ("entry_reports", "reports an entry", 1),
        ):
            told = " | ".join(it.say(f"ingest_{shape}_{nodes}_{key}", places) for nodes in (1, 3))
            yield f"| {what}: {words} | {told} |"


def measured(document: Mapping[str, object], figures: Mapping[str, float]) -> str:
    """The section of BENCHMARKS.md."""
    it = Figures(figures)
    heads = _LAG.format(rates=" | ".join(f"{per_s:,} reports/s" for per_s in RATES), lines="---|" * len(RATES))
    blocks = (
        (_RATES, rates(it)),
        (heads, lag(it)),
        (_STILL.format(repeats=REPEATS), still(it)),
        (_TAKEOVER, takeover(it)),
        (_INGEST, ingest(it)),
    )
    return _MEASURED.format_map(document) + "".join(f"{head}\n" + "\n".join(rows) + "\n" for head, rows in blocks)


def against(figures: Mapping[str, float], suffix: str = "") -> str:
    """The model beside the measured points of one of the cores."""
    if f"cluster_workers_4_per_s{suffix}" not in figures:
        return "not measured."
    return "; ".join(held_against(on_compiled(figures) if suffix else figures)) + "."


def on_compiled(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures, of the compiled core where there are such."""
    own = {name.removesuffix(ON_COMPILED): figure for name, figure in figures.items() if name.endswith(ON_COMPILED)}
    return {**figures, **own}


def aftermath(failing: Failing) -> tuple[float, float, float]:
    """How late the dead worker's reports are at worst, when all has drained, and how late others' are meanwhile."""
    seconds = [second for second in simulate(failing, seed=1) if second.at_s > failing.dies_at_s]
    worst_s = max(second.worst_s for second in seconds)
    late = [second.at_s for second in seconds if second.worst_s > CALM_S]
    others_s = max((second.p99_s for second in seconds if second.worst_s < CALM_S), default=0.0)
    return worst_s, max(late, default=failing.dies_at_s) - failing.dies_at_s, others_s


def sized(figures: Mapping[str, float]) -> str:
    """The section of docs/cluster.md."""
    carrier, compiled = Carrier(), on_compiled(figures)
    costs, quick = Costs().with_figures(figures), Costs().with_figures(compiled)
    head = _SIZED.format(
        calls_a_day=carrier.calls_a_day,
        busy=carrier.busy,
        ingests=carrier.ingests,
        nodes=carrier.log_nodes,
        streams=carrier.streams,
        copies=carrier.copies,
        sync_ms=carrier.sync_s * 1e3,
    )
    there = compiled != figures
    rows = [
        f"| {name} | {value} | {other if there else '-'} |"
        for (name, value), (_, other) in zip(table(costs, carrier), table(quick, carrier), strict=True)
    ]
    it = sizes(costs, carrier)
    worst_s, drained_s, others_s = aftermath(failing_of(costs, carrier))
    week = carrier.remembered / carrier.remember_days * 7
    tail = _HELD.format(
        sources=against(figures),
        compiled=against(figures, ON_COMPILED),
        worst_s=worst_s,
        drained_s=drained_s,
        others_s=others_s,
        database_cores=it.database_cores,
        wal_mb=max(it.wal_bytes_a_s) / 1e6,
        account_kb=costs.takeover_account_bytes / 1e3,
        call_kb=costs.takeover_call_bytes / 1e3,
        week=week / 1e6,
        week_gib=week * costs.takeover_call_bytes / 2**30,
        day_gib=it.workers * it.worker_bytes / 2**30,
    )
    return head + "\n" + "\n".join(rows) + "\n" + tail


def replaced(text: str, section: str) -> str:
    """A document with that section in place of the one of that heading, or at its end."""
    heading = section.splitlines()[0]
    rank = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$.*?(?=^#{{1,{len(rank)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        return f"{text.rstrip()}\n\n{section}"
    end = "\n" if text[found.end() :] else ""
    return f"{text[: found.start()]}{section}{end}{text[found.end() :]}"


def write(path: Path, make: Callable[[], str]) -> None:
    """Put the section in its place."""
    path.write_text(replaced(path.read_text(), make()))


def main(file: Path) -> None:
    """Both documents."""
    document = json.loads(file.read_text())
    figures: dict[str, float] = document["figures"]
    write(BENCHMARKS, lambda: measured(document, figures))
    write(CLUSTER, lambda: sized(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
