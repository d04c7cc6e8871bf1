"""The Prometheus text of contract 7, made from plain integers when somebody asks.

Counting must cost nothing on the way of the money, so nobody calls this library there: the engine counts in dicts of
integers, and the shell puts what it counted into `Figures`. `Exposition` turns them into text through a collector of
its own registry; nothing is registered globally, so two daemons in one process (tests) do not meet.

Every label set that the configuration knows exists from the start, at 0: a counter that first appears when it is
already 1 is an increase that `rate()` never sees. No label is ever an account, a call or a number; the names of
switches are bounded by the engine (1,000).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, product

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from guard.core.decisions import Action, Mode, Reason
from guard.core.money import MICROS_PER_UNIT
from guard.core.records import BillingOutcome, Outcome
from guard.core.views import AccountState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""The promises in seconds have a bound here: 50 ms from breach to command, 5 s of lag before a switch counts as
lagging, 30 s before on-call is told of an unconfirmed command; commits lie in the milliseconds."""

SCORE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

BILLING_TYPES = ("account", "balance", "payment", "invoice", "adjustment", "credit", "card", "close")
MAX_UNKNOWN_SWITCHES = 1_000
"""Names under which only refused reports came: a hostile publisher must not make labels without end."""
OTHER_SWITCHES = "other"

UNKNOWN_TYPE = "unknown"
"""Label of a billing message whose type is none of the contract's: what it said is not repeated."""

_BY_RULE_OR_MODEL = (Reason.RULE, Reason.ANOMALY)
_POSSIBLE: Mapping[tuple[Action, Mode], Sequence[Reason]] = {
    (Action.WARN, Mode.ENFORCE): (Reason.CREDIT_LIMIT, *_BY_RULE_OR_MODEL),
    (Action.CLEARED, Mode.ENFORCE): (Reason.CREDIT_LIMIT, *_BY_RULE_OR_MODEL),
    (Action.BLOCK, Mode.ENFORCE): (
        Reason.CREDIT_LIMIT,
        *_BY_RULE_OR_MODEL,
        Reason.OPERATOR,
        Reason.CLOSED,
    ),
    (Action.UNBLOCK, Mode.ENFORCE): (
        Reason.CREDIT_LIMIT,
        Reason.PAYMENT,
        Reason.LIMIT_RAISED,
        Reason.RELEASED,
        Reason.EXPIRED,
    ),
    (Action.HELD, Mode.ENFORCE): _BY_RULE_OR_MODEL,
    (Action.ALLOW, Mode.ENFORCE): (Reason.OPERATOR,),
    # A block by the credit limit is only recorded while an operator allows the account.
    (Action.BLOCK, Mode.SHADOW): (Reason.CREDIT_LIMIT, *_BY_RULE_OR_MODEL),
    (Action.WARN, Mode.SHADOW): _BY_RULE_OR_MODEL,
    (Action.CLEARED, Mode.SHADOW): _BY_RULE_OR_MODEL,
}
"""Decisions that can occur; one that is missing here appears when it is first counted."""


class Histogram:
    """Counts in buckets; an observation is one search in a short tuple."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS_BUCKETS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value (seconds, in most cases); `times` for a batch that shares it. Negative ones count as 0."""
        value = max(value, 0.0)
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass(slots=True)
class Figures:
    """What the daemon has counted and what it holds now; made by `initial_figures`, filled by the shell.

    Counters only ever grow; everything else is overwritten before each exposition.
    """

    reports: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (switch, outcome)."""
    report_lag: Histogram = field(default_factory=Histogram)
    decisions: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """By (action, reason, mode)."""
    commands_unconfirmed: int = 0
    command_confirm: Histogram = field(default_factory=Histogram)
    accounts: dict[str, int] = field(default_factory=dict)
    """By state."""
    exposure_micros: dict[str, int] = field(default_factory=dict)
    """By currency."""
    live_calls: dict[str, int] = field(default_factory=dict)
    """By switch."""
    switch_age_s: dict[str, float] = field(default_factory=dict)
    """By switch: seconds since its last message."""
    inbox_reports: int = 0
    unrated_calls: int = 0
    commit: Histogram = field(default_factory=Histogram)
    billing: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (type, outcome)."""
    fuse_open: bool = False
    reload_succeeded: bool = True
    rule_hits: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (rule, mode); the metric appears with the first rule."""
    model_scores: Histogram | None = None
    webhook_deliveries: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (webhook, result); the metric appears with the first webhook."""
    refused_by_switch: dict[str, int] = field(default_factory=dict)
    """Reports that the codec refused, which the engine never sees; shown as `invalid` beside what it counts."""
    refused_by_type: dict[tuple[str, str], int] = field(default_factory=dict)
    """Billing messages that the codec refused, by (type, outcome); the engine never sees them."""

    # -- what the loop counts as it goes

    def refused_reports(self, switch: str, count: int) -> None:
        """Reports that broke a rule. A name nobody knows costs a label only while there are few."""
        if (switch, Outcome.INVALID.value) not in self.reports:
            if len(self.refused_by_switch) < MAX_UNKNOWN_SWITCHES:
                self._know_outcomes(switch)
            else:
                switch = OTHER_SWITCHES
        self.refused_by_switch[switch] = self.refused_by_switch.get(switch, 0) + count

    def refused_billing(self, kind: str, outcome: str) -> None:
        """A billing message of that type (or of none we know) broke a rule."""
        kind = kind if kind in BILLING_TYPES else UNKNOWN_TYPE
        self.refused_by_type[kind, outcome] = self.refused_by_type.get((kind, outcome), 0) + 1

    def lagged(self, seconds: float, reports: int) -> None:
        """So many reports were this old when they were applied."""
        self.report_lag.observe(seconds, reports)

    def committed(self, seconds: float, reports: int) -> None:
        """A batch became durable."""
        del reports  # counted already, by switch and outcome
        self.commit.observe(seconds)

    def confirmed(self, seconds: float) -> None:
        """A command was acknowledged so long after it was given."""
        self.command_confirm.observe(seconds)

    def know_switch(self, name: str) -> None:
        """Make all label sets of a switch exist."""
        self._know_outcomes(name)
        self.live_calls.setdefault(name, 0)
        self.switch_age_s.setdefault(name, 0.0)

    def _know_outcomes(self, name: str) -> None:
        for outcome in Outcome:
            self.reports.setdefault((name, outcome.value), 0)


def initial_figures(switches: Iterable[str], currency: str) -> Figures:
    """Figures with every label set that the configuration knows, at 0."""
    figures = Figures()
    for name in switches:
        figures.know_switch(name)
    for (action, mode), reasons in _POSSIBLE.items():
        for reason in reasons:
            figures.decisions[action.value, reason.value, mode.value] = 0
    figures.accounts = {state.value: 0 for state in AccountState}
    figures.exposure_micros = {currency: 0}
    figures.billing = {(kind, outcome.value): 0 for kind, outcome in product(BILLING_TYPES, BillingOutcome)}
    for outcome in (BillingOutcome.REFUSED, BillingOutcome.INVALID):
        figures.billing[UNKNOWN_TYPE, outcome.value] = 0
    return figures


class Exposition:
    """Renders figures, the process's own numbers beside them."""

    def __init__(self, figures: Figures, version: str) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_FiguresCollector(figures, version))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def render(self) -> bytes:
        """The text, of type `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class _FiguresCollector(Collector):
    """Reads the figures at the moment of the exposition."""

    def __init__(self, figures: Figures, version: str) -> None:
        self._figures = figures
        self._version = version

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry need not know names before there are figures."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All of contract 7, in its order."""
        yield from self._traffic()
        yield from self._enforcement()
        yield from self._state()
        yield from self._later()
        info = GaugeMetricFamily("guard_build_info", "Always 1; the version is the label.", labels=["version"])
        info.add_metric([self._version], 1)
        yield info

    def _traffic(self) -> Iterator[Metric]:
        figures = self._figures
        invalid = Outcome.INVALID.value
        reports = dict(figures.reports)
        for switch, count in figures.refused_by_switch.items():
            reports[switch, invalid] = reports.get((switch, invalid), 0) + count
        labels = ("switch", "outcome")
        yield _counter("guard_reports", "Reports by what became of them.", labels, reports.items())
        yield _histogram("guard_report_lag_seconds", "Age of reports when guard applied them.", figures.report_lag)
        billing = dict(figures.billing)
        for refused, count in figures.refused_by_type.items():
            billing[refused] = billing.get(refused, 0) + count
        labels = ("type", "outcome")
        yield _counter("guard_billing", "Billing messages by what became of them.", labels, billing.items())
        text = "Calls posted at the unknown rate, because no prefix of the tariff matched."
        yield _counter("guard_unrated_calls", text, (), [((), figures.unrated_calls)])
        yield _gauge("guard_inbox_reports", "Reports received and not yet durable.", figures.inbox_reports)
        yield _histogram("guard_commit_seconds", "Time to make a batch durable.", figures.commit)

    def _enforcement(self) -> Iterator[Metric]:
        figures = self._figures
        labels = ("action", "reason", "mode")
        yield _counter("guard_decisions", "Decisions taken.", labels, figures.decisions.items())
        unconfirmed = figures.commands_unconfirmed
        yield _gauge("guard_commands_unconfirmed", "Commands that a switch has not acknowledged.", unconfirmed)
        help_text = "Time from a command to its acknowledgement."
        yield _histogram("guard_command_confirm_seconds", help_text, figures.command_confirm)
        yield _gauge("guard_fuse_open", "1 while blocks by rule or model wait for an operator.", int(figures.fuse_open))

    def _state(self) -> Iterator[Metric]:
        figures = self._figures
        yield _gauges("guard_accounts", "Accounts by state.", "state", figures.accounts)
        exposure = {currency: micros / MICROS_PER_UNIT for currency, micros in figures.exposure_micros.items()}
        yield _gauges("guard_exposure", "Exposure over all accounts.", "currency", exposure)
        yield _gauges("guard_live_calls", "Calls that are up.", "switch", figures.live_calls)
        help_text = "Seconds since the last message of a switch."
        yield _gauges("guard_switch_age_seconds", help_text, "switch", figures.switch_age_s)
        help_text = "1 if the last reload of the configuration succeeded."
        yield _gauge("guard_reload_last_success", help_text, int(figures.reload_succeeded))

    def _later(self) -> Iterator[Metric]:
        """What exists only once its part of guard does."""
        figures = self._figures
        if figures.rule_hits:
            yield _counter("guard_rule_hits", "Rules that fired.", ("rule", "mode"), figures.rule_hits.items())
        if figures.model_scores is not None:
            yield _histogram("guard_model_scores", "Scores of the anomaly model.", figures.model_scores)
        if figures.webhook_deliveries:
            labels = ("webhook", "result")
            yield _counter(
                "guard_webhook_deliveries", "Webhook deliveries.", labels, figures.webhook_deliveries.items()
            )


def _counter(name: str, text: str, labels: Sequence[str], counts: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    """A counter; the library adds `_total` to its name."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts:
        family.add_metric(values, count)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    bounds = [*map(floatToGoString, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.total)
