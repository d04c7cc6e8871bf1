"""What `/metrics` of an ingest says: read off plain counters at the moment of the question.

There are few of them and they are asked for a few times a minute, so the library's own way is good enough here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from guard import __version__
from guard.adapters.mqtt import Session
from guard.adapters.nats import ClusterLog, Relay
from guard.shell.ingest import Ingest

NS_PER_S = 1_000_000_000


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

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | InfoMetricFamily]:
        """All families of the ingest's own."""
        figures = self._ingest.figures
        taken = CounterMetricFamily("guard_ingest_messages", "Messages taken from the broker.", labels=["kind"])
        for kind in ("calls", "status", "acks", "billing"):
            taken.add_metric([kind], figures.messages[kind])
        yield taken
        for name, text, value in (
            ("parts", "Parts of messages, each for one partition.", figures.parts),
            ("entries", "Entries that the log has acknowledged.", figures.entries),
            ("entry_bytes", "Bytes of these.", figures.entry_bytes),
            ("retries", "Entries given to the log again, because it did not acknowledge them.", figures.retries),
            (
                "append_seconds",
                "Waited for acknowledgements of the log, over all entries.",
                figures.append_ns / NS_PER_S,
            ),
        ):
            yield CounterMetricFamily(f"guard_ingest_{name}", text, value=value)
        for name, text, count in (
            ("unfinished", "Messages of which a part is not in the log yet.", self._ingest.unfinished),
            ("on_their_way", "Entries given to the log and not acknowledged yet.", figures.carried),
            ("log_connected", "1: connected to NATS, and all streams are there.", not self._cluster.missing()),
            ("control", "1: this ingest has the control session.", self._sits()),
        ):
            yield GaugeMetricFamily(f"guard_ingest_{name}", text, value=count)
        yield from self._session_families()
        relayed = CounterMetricFamily(
            "guard_ingest_relayed", "Messages for the broker, by what came of it.", labels=["result"]
        )
        relayed.add_metric(["published"], self._relay.published)
        relayed.add_metric(["refused"], self._relay.refused)
        yield relayed
        yield InfoMetricFamily("guard_build", "The release.", value={"version": __version__})

    def _session_families(self) -> Iterator[GaugeMetricFamily]:
        connected = GaugeMetricFamily(
            "guard_ingest_session_connected", "1: subscribed at the broker.", labels=["session"]
        )
        waiting = GaugeMetricFamily(
            "guard_ingest_unacknowledged", "Messages received and not acknowledged.", labels=["session"]
        )
        for name, session in self._sessions.items():
            connected.add_metric([name], session.connected)
            waiting.add_metric([name], max(session.waiting, session.unacknowledged))
        yield connected
        yield waiting
