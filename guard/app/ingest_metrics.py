"""What `/metrics` of an ingest says: read off plain counters at the moment of the question.

There are few of them and they are asked for a few times a minute, so the library's own way is good enough here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from guard import __version__
from guard.adapters.metrics import ingest as families
from guard.adapters.metrics.catalog import Family, Kind
from guard.adapters.mqtt import Session
from guard.adapters.nats import ClusterLog, Relay
from guard.shell.ingest import Ingest

NS_PER_S = 1_000_000_000
KINDS = ("calls", "status", "acks", "billing")


class IngestMetrics(Collector):
    """Reads them off."""

    def __init__(
        self,
        *,
        ingest: Ingest,
        sessions: Mapping[str, Session],
        cluster: ClusterLog,
        relay: Relay,
        sits: Callable[[], bool],
    ) -> None:
        self._ingest = ingest
        self._sessions = sessions
        self._cluster = cluster
        self._relay = relay
        self._sits = sits
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(self)

    def render(self) -> bytes:
        """The Prometheus text."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """All families of the ingest's own."""
        figures = self._ingest.figures
        yield _made(families.MESSAGES, {kind: figures.messages[kind] for kind in KINDS})
        yield _made(families.PARTS, figures.parts)
        yield _made(families.ENTRIES, figures.entries)
        yield _made(families.ENTRY_BYTES, figures.entry_bytes)
        yield _made(families.RETRIES, figures.retries)
        yield _made(families.APPEND_SECONDS, figures.append_ns / NS_PER_S)
        yield _made(families.UNFINISHED, self._ingest.unfinished)
        yield _made(families.ON_THEIR_WAY, figures.carried)
        yield _made(families.LOG_CONNECTED, not self._cluster.missing())
        yield _made(families.CONTROL, self._sits())
        sessions = self._sessions.items()
        yield _made(families.SESSION_CONNECTED, {name: each.connected for name, each in sessions})
        waiting = {name: max(each.waiting, each.unacknowledged) for name, each in sessions}
        yield _made(families.UNACKNOWLEDGED, waiting)
        yield _made(families.RELAYED, {"published": self._relay.published, "refused": self._relay.refused})
        yield InfoMetricFamily("guard_build", "The release.", value={"version": __version__})


def _made(family: Family, values: float | Mapping[str, float]) -> Metric:
    """As the library wants it: a number, or one for each value of the family's label."""
    if family.kind is Kind.COUNTER:
        made: CounterMetricFamily | GaugeMetricFamily = CounterMetricFamily(
            family.name.removesuffix("_total"), family.text, labels=family.labels
        )
    else:
        made = GaugeMetricFamily(family.name, family.text, labels=family.labels)
    for label, value in values.items() if isinstance(values, Mapping) else ((None, values),):
        made.add_metric([] if label is None else [label], value)
    return made
