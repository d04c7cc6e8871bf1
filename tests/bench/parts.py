"""The parts that are measured, by name; each leaves figures by name."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from tests.bench import (
    backtest,
    cluster,
    codec,
    engine,
    failover,
    growth,
    ingest,
    latency,
    metrics,
    page,
    pipeline,
    rating,
    restart,
    rules,
    store,
    takeover,
)

Show = Callable[[str], None]

ALONE: Mapping[str, Callable[[Show], dict[str, float]]] = {
    "engine": engine.run,
    "growth": growth.run,
    "rating": rating.run,
    "rules": rules.run,
    "codec": codec.run,
    "metrics": metrics.run,
}
"""Parts that need nothing but a processor."""
ON_DISK: Mapping[str, Callable[[Show, Path], dict[str, float]]] = {
    "store": store.run,
    "restart": restart.run,
    "backtest": backtest.run,
    "pipeline": pipeline.run,
    "ingest": ingest.run,
    "latency": latency.run,
    "page": page.run,
    "cluster": cluster.run,
    "failover": failover.run,
    "takeover": takeover.run,
}
"""Parts that get a folder of their own."""
PARTS = (*ALONE, *ON_DISK)
OF_THE_CORE = frozenset({"engine", "growth", "rules", "backtest", "pipeline", "latency", "cluster"})
"""Parts that are measured on the compiled core too."""


def figures_of(part: str) -> dict[str, float]:
    """Run one part in this process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if part in ALONE:
        return ALONE[part](print)
    with tempfile.TemporaryDirectory(prefix="guard-bench-") as directory:
        return ON_DISK[part](print, Path(directory))
