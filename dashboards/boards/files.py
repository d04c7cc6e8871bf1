"""What is written where: the boards as Grafana reads them, and the page about the metrics.

Everything here is made anew from code and compared with what is committed (tests/dashboards), so a metric, a panel and
its description cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import cluster, daemon, detection, overview
from dashboards.boards.style import Board, made
from guard.adapters.metrics import catalog, ingest
from guard.adapters.metrics import cluster as worker
from guard.adapters.metrics.catalog import Family, Kind

HERE = Path(__file__).parents[1]
ROOT = HERE.parent

BOARDS: tuple[Board, ...] = (overview.BOARD, detection.BOARD, daemon.BOARD, cluster.BOARD)

ABOUT = """\
# Metrics

`GET /metrics` answers in Prometheus's text format. This page is made from the code (`make boards`).

* Where tokens are configured it wants one of the role `read`: `guard token add prometheus --role read`, and then
  `authorization` in the scrape job ([`prometheus.yml`](../dashboards/prometheus/prometheus.yml)). It tells of money;
  whether guard is well and ready, `/-/healthy` and `/-/ready` tell anybody.
* No label is ever an account, a call or a number. Switches are at most 1,000; rules and webhooks are configured.
* Every label set that the configuration knows exists from the start, at 0, so that `rate()` sees the first increase.
* Counters begin at 0 with the process; everything else is as it is at the moment of the question. Nothing is scanned:
  an answer takes the loop about 0.2 ms at 200,000 accounts and 4 ms at 1,000 switches (`make bench`).
* Money is in whole units of the currency, for graphs; what is exact is in the ledger.
* Beside these there are the usual `process_*` and `python_*` metrics of the process.

| metric | kind | labels | unit | meaning |
|---|---|---|---|---|
"""

BOUNDS = """
## Bounds of the histograms

The bounds lie where the promises are, so that "kept or not" is counted and not estimated.

| metric | bounds |
|---|---|
"""


OF_A_CLUSTER = """
## A worker's and an ingest's

A worker has all of these for its partitions together, and its own; an ingest has only its own
([`docs/cluster.md`](cluster.md)).

| metric | kind | labels | unit | meaning |
|---|---|---|---|---|
"""


def files() -> Mapping[Path, str]:
    """Every file and what is to stand in it."""
    written = {HERE / "grafana" / f"{board.uid}.json": board_text(board) for board in BOARDS}
    return {**written, ROOT / "docs" / "metrics.md": metrics_page()}


def board_text(board: Board) -> str:
    """The JSON of a board, in an order that does not change by itself."""
    return JSONEncoder(sort_keys=True, indent=1).encode(made(board).build()) + "\n"


def metrics_page() -> str:
    """The table of all metrics."""
    rows = "\n".join(_row(family) for family in catalog.FAMILIES)
    of_a_cluster = "\n".join(_row(family) for family in (*worker.FAMILIES, *ingest.FAMILIES))
    return f"{ABOUT}{rows}\n{OF_A_CLUSTER}{of_a_cluster}\n{BOUNDS}{chr(10).join(_bounds())}\n"


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind.value} | {labels} | {family.unit} | {family.text} |"


def _bounds() -> Iterator[str]:
    for family in catalog.FAMILIES:
        if family.kind is Kind.HISTOGRAM:
            yield f"| `{family.name}` | {', '.join(f'{bound:g}' for bound in family.buckets)} |"
