"""The Prometheus text, written line by line.

guard writes its own lines, because the loop waits meanwhile: at 1,000 switches there are some 13,000, for which the
library's way (an object for each sample, its labels escaped and sorted anew each time) takes 45 ms and this one less
than a tenth. Label sets are few and stay, so all text of a metric but its numbers is a form that is made once, and
filled in. Tests read the text back with the library's own parser. What the process itself says (memory, file
descriptors, collector) comes from the library, of a registry of its own: nothing is registered globally, so two daemons
in one process do not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest

from guard.adapters.metrics import catalog
from guard.adapters.metrics.catalog import Family
from guard.adapters.metrics.figures import Figures, Histogram
from guard.core.money import MICROS_PER_UNIT
from guard.core.records import Outcome

_INVALID = Outcome.INVALID.value

Labels = str | tuple[str, ...]
Samples = Mapping[str, float] | Mapping[tuple[str, str], float] | Mapping[tuple[str, str, str], float]


class Form:
    """All lines of a metric with labels, but for the numbers."""

    __slots__ = ("_family", "_lines", "_of")

    def __init__(self, family: Family) -> None:
        self._family = family
        self._of: Sequence[Labels] = ()
        """The label sets that the lines are of."""
        self._lines = ""

    def filled(self, samples: Samples) -> str:
        """The lines with these numbers."""
        labels: Sequence[Labels] = tuple(samples)
        if labels != self._of:
            self._of = labels
            self._lines = "".join(f"{_beginning(self._family, each).replace('%', '%%')}%s\n" for each in labels)
        return self._lines % tuple(samples.values())


class Forms:
    """The text of metrics, whose forms are kept."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._forms = {family.name: Form(family) for family in families}

    def text(self, family: Family, samples: Samples | Histogram | float) -> tuple[str, str]:
        """What a metric is, and its lines with these numbers; apart, for these may be long."""
        if isinstance(samples, Histogram):
            lines = _buckets(family.name, samples)
        elif isinstance(samples, Mapping):
            lines = self._forms[family.name].filled(samples)
        else:
            lines = f"{family.name} {samples}\n"
        return f"# HELP {family.name} {family.text}\n# TYPE {family.name} {family.kind.value}\n", lines


class Exposition:
    """Renders figures, the process's own numbers beside them."""

    def __init__(self, figures: Figures, version: str) -> None:
        self._figures = figures
        self._version = version
        self._forms = Forms(catalog.FAMILIES)
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def render(self) -> bytes:
        """The text, of type `CONTENT_TYPE`."""
        parts: list[bytes] = []
        for some in (self._traffic, self._enforcement, self._money, self._switches, self._daemon):
            for family, samples in some():
                parts += [text.encode() for text in self._forms.text(family, samples)]
        # Joined once: the kernel hands out a fresh page for every four kilobytes that are copied.
        return b"".join((*parts, generate_latest(self._registry)))

    def _traffic(self) -> Iterator[tuple[Family, Samples | Histogram | float]]:
        figures = self._figures
        reports = figures.reports
        if figures.refused_by_switch:
            reports = dict(reports)
            for switch, count in figures.refused_by_switch.items():
                reports[switch, _INVALID] = reports.get((switch, _INVALID), 0) + count
        yield catalog.REPORTS, reports
        yield catalog.REPORT_LAG, figures.report_lag
        yield catalog.INBOX, figures.sessions.unacknowledged.get("calls", 0)
        yield catalog.UNACKNOWLEDGED, figures.sessions.unacknowledged
        billing = dict(figures.billing)
        for refused, count in figures.refused_by_type.items():
            billing[refused] = billing.get(refused, 0) + count
        yield catalog.BILLING, billing
        yield catalog.UNRATED, figures.unrated_calls
        yield catalog.CONNECTED, figures.sessions.connected
        yield catalog.CONNECTIONS, figures.sessions.connections
        yield catalog.UNSENT, figures.sessions.unsent

    def _enforcement(self) -> Iterator[tuple[Family, Samples | Histogram | float]]:
        figures = self._figures
        yield catalog.DECISIONS, figures.decisions
        yield catalog.BLOCK_DELAY, figures.block_delay
        yield catalog.UNCONFIRMED, figures.commands_unconfirmed
        yield catalog.COMMAND_AGE, figures.command_age_s
        yield catalog.CONFIRM, figures.command_confirm
        yield catalog.FUSE_OPEN, int(figures.fuse_open)
        yield catalog.HELD, figures.held_blocks
        yield catalog.NOTICES, figures.notices
        yield catalog.RULE_HITS, figures.rule_hits
        yield catalog.RULE_FAILURES, figures.rule_failures
        yield catalog.MODEL_WANTED, int(figures.model_wanted)
        yield catalog.MODEL_UP, int(figures.model_up)
        yield catalog.MODEL_REFUSED, int(figures.model_refused)
        yield catalog.MODEL_INFO, figures.model_info
        yield catalog.MODEL_ROWS, figures.model_rows
        yield catalog.MODEL_LAG, figures.model_lag_s
        yield catalog.MODEL_DRIFT, figures.model_drift
        yield catalog.MODEL_SCORES, figures.model_scores
        yield catalog.WEBHOOKS, figures.webhook_deliveries
        yield catalog.WEBHOOK_PENDING, figures.webhook_pending
        yield catalog.WEBHOOK_DEAD, figures.webhook_dead

    def _money(self) -> Iterator[tuple[Family, Samples | Histogram | float]]:
        figures = self._figures
        yield catalog.ACCOUNTS, figures.accounts
        yield catalog.PROVISIONAL, figures.provisional_accounts
        yield catalog.EXPOSURE, _units(figures.exposure_micros)
        yield catalog.IN_FLIGHT, _units(figures.in_flight_micros)
        yield catalog.BURN, _units(figures.burn_micros)
        yield catalog.RECONCILED, _units(figures.reconciled_micros)

    def _switches(self) -> Iterator[tuple[Family, Samples | Histogram | float]]:
        held = self._figures.switches
        yield catalog.LIVE_CALLS, held.live_calls
        yield catalog.SWITCH_AGE, held.age_s
        yield catalog.SWITCH_UP, held.up
        yield catalog.SWITCH_BLIND, held.blind
        yield catalog.SWITCH_UNUSUAL, held.unusual
        yield catalog.SWITCH_ABSENT, held.absent
        yield catalog.SWITCH_USUAL, held.usual_calls
        yield catalog.SWITCH_LAGGING, held.lagging
        yield catalog.SWITCH_UNCONFIRMED, held.unconfirmed
        yield catalog.SWITCH_OFFSET, held.offset_s

    def _daemon(self) -> Iterator[tuple[Family, Samples | Histogram | float]]:
        figures = self._figures
        yield catalog.COMMIT, figures.commit
        yield catalog.STORE_FAILING, int(figures.store_failing)
        yield catalog.STORE_BYTES, figures.store_bytes
        yield catalog.STORE_FREE, figures.store_free_bytes
        yield catalog.LOOP_LAG, figures.loop_lag
        yield catalog.TURN_AGE, figures.turn_age_s
        yield catalog.CLOCK_STEPS, figures.clock_steps
        yield catalog.REMEMBERED, figures.remembered_calls
        yield catalog.BILLING_IDS, figures.billing_ids
        yield catalog.DETAILS_DELETED, figures.details_deleted
        yield catalog.RELOAD, int(figures.reload_succeeded)
        yield catalog.RELOADED_AT, figures.reload_succeeded_at_s
        yield catalog.CORE_COMPILED, int(figures.core_compiled)
        yield catalog.BUILD, {self._version: 1}


def _units(micros: Mapping[str, int]) -> Mapping[str, float]:
    return {currency: amount / MICROS_PER_UNIT for currency, amount in micros.items()}


def _beginning(family: Family, labels: Labels) -> str:
    """Name and labels, up to the number."""
    values = (labels,) if isinstance(labels, str) else labels
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(family.labels, values, strict=True))
    return f"{family.name}{{{','.join(pairs)}}} "


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _buckets(name: str, histogram: Histogram) -> str:
    sums = list(accumulate(histogram.counts))
    bounds = [*(repr(float(bound)) for bound in histogram.bounds), "+Inf"]
    lines = [f'{name}_bucket{{le="{bound}"}} {count}\n' for bound, count in zip(bounds, sums, strict=True)]
    return "".join((*lines, f"{name}_count {sums[-1]}\n", f"{name}_sum {histogram.total}\n"))
