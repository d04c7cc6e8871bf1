"""What is counted: into which bucket, under which name, and never without bound."""

from __future__ import annotations

import pytest

from guard.adapters.metrics import catalog, initial_figures
from guard.adapters.metrics.catalog import Family, Kind
from guard.adapters.metrics.figures import MAX_UNKNOWN_SWITCHES, OTHER_SWITCHES, Histogram
from guard.core.decisions import NoticeKind

HISTOGRAMS = [family for family in catalog.FAMILIES if family.kind is Kind.HISTOGRAM]


def test_a_histogram_counts_into_its_buckets() -> None:
    """A bound belongs to its bucket, as `le` says; what is beyond all of them is in +Inf alone."""
    histogram = Histogram((1, 2))
    for seconds in (0.5, 1, 1.5, 7, -3):
        histogram.observe(seconds)
    histogram.observe(2, times=10)
    assert histogram.counts == [3, 11, 1]
    assert histogram.total == pytest.approx(30)


@pytest.mark.parametrize("family", HISTOGRAMS, ids=lambda family: family.name)
def test_bounds_ascend(family: Family) -> None:
    assert list(family.buckets) == sorted(set(family.buckets))


def test_the_promises_are_bounds() -> None:
    assert 0.05 in catalog.BLOCK_BUCKETS  # breach to command
    assert {0.002, 0.005, 0.01} <= set(catalog.COMMIT_BUCKETS)
    assert 5 in catalog.LAG_BUCKETS  # lagging from here on
    assert {0.25, 15, 30} <= set(catalog.CONFIRM_BUCKETS)  # first resend, longest back-off, on-call is told


def test_lag_counts_reports_not_batches() -> None:
    figures = initial_figures((), "CAD")
    figures.lagged(0.2, 40)
    assert sum(figures.report_lag.counts) == 40
    assert figures.report_lag.total == pytest.approx(8)


def test_blocks_confirmations_and_notices_are_counted() -> None:
    figures = initial_figures((), "CAD")
    figures.blocked(0.012)
    figures.confirmed(0.3)
    figures.told(NoticeKind.BLIND)
    assert sum(figures.block_delay.counts) == sum(figures.command_confirm.counts) == 1
    assert figures.notices["blind"] == 1


def test_junk_under_invented_names_does_not_make_labels_without_end() -> None:
    figures = initial_figures(["sw1", "sw2"], "CAD")
    for number in range(MAX_UNKNOWN_SWITCHES + 50):
        figures.refused_reports(f"junk{number}", 1)
    figures.refused_reports("sw1", 1)
    names = {switch for switch, _ in figures.reports}
    assert len(names) == MAX_UNKNOWN_SWITCHES + 2
    assert figures.refused_by_switch[OTHER_SWITCHES] == 50
    assert figures.refused_by_switch["sw1"] == 1
