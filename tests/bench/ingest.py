"""The ingest: reports a second from a real mosquitto into a log of one NATS server and of three, each write synced.

What is timed ends when the broker has been told that everything is in the log. On the same two cores: publisher,
broker, ingest and servers; of what the ingest takes of a processor the figures say how much, for it can be had more
than once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.processor import processor_s
from tests.bench.publishing import WITHIN_S, Blaster
from tests.integration.mosquitto import Mosquitto
from tests.integration.nats import NatsCluster
from tests.nats.ingests import IngestProcess

ACCOUNTS = 10_000
SHAPES = (("single", "single", 1, 30_000), ("arrays", "arrays of 100", 100, 300_000))
"""Key of the figures, how it is called, reports a message, reports."""


def told(ingest: IngestProcess, name: str) -> float:
    """A figure of its `/metrics`."""
    lines = ingest.get("/metrics")[1].splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")))


def carried(ingest: IngestProcess) -> float:
    """Messages of calls that are in the log and acknowledged."""
    taken = told(ingest, 'guard_ingest_messages_total{kind="calls"}')
    return taken - told(ingest, "guard_ingest_unfinished")


def taken_by(servers: NatsCluster) -> float:
    """Seconds of the processor that all of them have used."""
    return sum(processor_s(servers.pid(node)) for node in range(servers.nodes))


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """Both shapes, into one server and into three."""
    figures: dict[str, float] = {}
    for nodes in (1, 3):
        folder = directory / f"nodes{nodes}"
        with (
            NatsCluster(folder / "nats", nodes=nodes) as servers,
            Mosquitto(folder / "mosquitto") as broker,
            IngestProcess(folder, "bench", broker=broker.url, servers=servers.urls, replicas=nodes) as ingest,
        ):
            start = 0
            for key, name, batch, reports in SHAPES:
                before, entries = carried(ingest), told(ingest, "guard_ingest_entries_total")
                blaster = Blaster(broker.port, reports, batch, accounts=ACCOUNTS, start=start)
                start += reports
                used_s, log_s, began_s = processor_s(ingest.pid), taken_by(servers), time.monotonic()
                blaster.go()
                while carried(ingest) - before < reports / batch:
                    if time.monotonic() > began_s + WITHIN_S:
                        raise SystemExit(f"not all of {reports} reports within {WITHIN_S:.0f} s")
                    time.sleep(0.05)
                took_s = time.monotonic() - began_s
                blaster.finish()
                used_us = (processor_s(ingest.pid) - used_s) * 1e6 / reports
                appended = told(ingest, "guard_ingest_entries_total") - entries
                figures[f"ingest_{key}_{nodes}_per_s"] = reports / took_s
                figures[f"ingest_{key}_{nodes}_us"] = used_us
                entry_us = (taken_by(servers) - log_s) * 1e6 / appended
                figures[f"ingest_{key}_{nodes}_entry_us"] = entry_us
                figures[f"ingest_{key}_{nodes}_entry_reports"] = reports / appended
                show(
                    f"{name}, {nodes} NATS: {reports / took_s:,.0f} reports/s into the log, {used_us:.1f} us of the"
                    f" ingest's processor each, {appended / took_s:,.0f} entries/s of {reports / appended:.1f} reports,"
                    f" {entry_us:.0f} us of the servers' processor an entry"
                )
    return figures
