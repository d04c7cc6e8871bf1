"""A real Prometheus reads what a worker and an ingest say: every panel of the cluster's board is answered.

What they say is made by their own code and handed out by a server of the test's: for names, kinds and labels no whole
cluster is needed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from guard.adapters.metrics import cluster, ingest
from guard.adapters.metrics.cluster import WorkerExposition, WorkerFigures
from guard.app.ingest_metrics import IngestMetrics
from guard.shell.ingest import IngestFigures
from tests.dashboards import written
from tests.dashboards.prometheus import Prometheus
from tests.dashboards.test_live import as_asked
from tests.dashboards.written import Panel

pytestmark = pytest.mark.prometheus

CALM = frozenset({"lost", "begun_anew", "failed", "passed_over"})
"""What does not happen to a cluster that is well."""


class Both(BaseHTTPRequestHandler):
    """Answers as a worker and an ingest would; each time some more has happened."""

    asked = 0

    def do_GET(self) -> None:
        Both.asked += 1
        text = of_a_worker(Both.asked) + of_an_ingest(Both.asked)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: object) -> None:
        """Nobody reads it."""


def of_a_worker(count: int) -> bytes:
    """As the worker's own code renders it."""

    def growing(*labels: str) -> dict[str, int]:
        return {label: 0 if label in CALM else count for label in labels}

    return WorkerExposition().render(
        WorkerFigures(
            partitions=256,
            members=1,
            leases=growing("claimed", "released", "lost", "fenced", "failed"),
            behind={"7": 3},
            late_s=0.5,
            intents=growing("carried_out"),
            words=growing("said", "heard", "passed_over"),
            keep_s=259_200.0,
            readers=growing("replaced", "begun_anew"),
        )
    )


def of_an_ingest(count: int) -> bytes:
    """As the ingest's own code renders it."""
    figures = IngestFigures(parts=9 * count, entries=3 * count, entry_bytes=900 * count, append_ns=10**6 * count)
    figures.messages["calls"] = figures.retries = count
    parts: dict[str, Any] = {
        "ingest": SimpleNamespace(figures=figures, unfinished=1),
        "sessions": {
            name: SimpleNamespace(connected=True, waiting=1, unacknowledged=2) for name in ("calls", "control")
        },
        "cluster": SimpleNamespace(missing=lambda: ""),
        "relay": SimpleNamespace(published=count, refused=0),
    }
    return IngestMetrics(sits=lambda: True, **parts).render()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One Prometheus that has seen some of it, with the cluster's rules beside the others."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Both)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rules = (*written.RULE_FILES, written.CLUSTER_RULES)
    try:
        with Prometheus(
            tmp_path_factory.mktemp("cluster"), f"127.0.0.1:{server.server_address[1]}", rules=rules
        ) as running:
            running.wait_for(partial(running.query, "rate(guard_ingest_entries_total[15s]) > 0"), "two scrapes")
            yield running
    finally:
        server.shutdown()
        server.server_close()


OF_A_CLUSTER = [panel for panel in written.panels() if panel.board == written.CLUSTER_BOARD]


@pytest.mark.parametrize("panel", OF_A_CLUSTER, ids=lambda panel: panel.title)
def test_every_query_of_a_panel_has_an_answer(prometheus: Prometheus, panel: Panel) -> None:
    for query in panel.queries:
        found = prometheus.query(as_asked(query))
        assert found, query
        assert not all(math.isnan(float(each["value"][1])) for each in found), f"{query}: nothing but NaN"


def test_every_metric_is_there_with_its_type_and_its_help(prometheus: Prometheus) -> None:
    told = prometheus.ask("metadata")
    for family in (*cluster.FAMILIES, *ingest.FAMILIES):
        assert told[family.name] == [{"type": family.kind.value, "help": family.text, "unit": ""}]
        assert prometheus.query(family.name), f"{family.name} has no sample"


def test_nothing_fires_on_a_cluster_that_is_well(prometheus: Prometheus) -> None:
    found = prometheus.query('ALERTS{alertname=~"Guard(Partitions|Worker|Log|Ingest).*"}')
    assert found == []
