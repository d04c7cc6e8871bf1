"""The exposition: the contract's names and label sets, from the start, at 0."""

from __future__ import annotations

import re
from time import perf_counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from guard.adapters.http.status import METRICS_TYPE
from guard.adapters.metrics import (
    CONTENT_TYPE,
    MAX_UNKNOWN_SWITCHES,
    OTHER_SWITCHES,
    SECONDS_BUCKETS,
    Exposition,
    Figures,
    Histogram,
    initial_figures,
)

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]

GOLDEN_NAMES = (
    "guard_accounts{state}",
    "guard_billing_total{outcome,type}",
    "guard_build_info{version}",
    "guard_command_confirm_seconds_bucket{le}",
    "guard_command_confirm_seconds_count",
    "guard_command_confirm_seconds_sum",
    "guard_commands_unconfirmed",
    "guard_commit_seconds_bucket{le}",
    "guard_commit_seconds_count",
    "guard_commit_seconds_sum",
    "guard_decisions_total{action,mode,reason}",
    "guard_exposure{currency}",
    "guard_fuse_open",
    "guard_inbox_reports",
    "guard_live_calls{switch}",
    "guard_reload_last_success",
    "guard_report_lag_seconds_bucket{le}",
    "guard_report_lag_seconds_count",
    "guard_report_lag_seconds_sum",
    "guard_reports_total{outcome,switch}",
    "guard_switch_age_seconds{switch}",
    "guard_unrated_calls_total",
)

GOLDEN_LATER = (
    "guard_model_scores_bucket{le}",
    "guard_model_scores_count",
    "guard_model_scores_sum",
    "guard_rule_hits_total{mode,rule}",
    "guard_webhook_deliveries_total{result,webhook}",
)


@pytest.fixture
def figures() -> Figures:
    return initial_figures(["sw1", "sw2"], "CAD")


def series(figures: Figures) -> Series:
    """Every sample, by name and labels."""
    text = Exposition(figures, "0.1.0").render().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def shapes(found: Series) -> list[str]:
    """Names with the names of their labels, of guard's own metrics."""
    made = {name + ("{" + ",".join(key for key, _ in labels) + "}" if labels else "") for name, labels in found}
    return sorted(shape for shape in made if shape.startswith("guard_"))


def value(figures: Figures, name: str, **labels: str) -> float:
    return series(figures)[name, tuple(sorted(labels.items()))]


def test_the_names_and_labels_are_the_contracts(figures: Figures) -> None:
    assert shapes(series(figures)) == list(GOLDEN_NAMES)


def test_what_belongs_to_a_later_part_appears_with_it(figures: Figures) -> None:
    figures.rule_hits["same-number", "shadow"] = 1
    figures.webhook_deliveries["ops", "delivered"] = 1
    figures.model_scores = Histogram()
    assert shapes(series(figures)) == sorted(GOLDEN_NAMES + GOLDEN_LATER)


def test_every_label_set_that_is_known_exists_from_the_start_at_0(figures: Figures) -> None:
    found = series(figures)
    counters = {
        labels: count for (name, labels), count in found.items() if name.startswith("guard_") and "_total" in name
    }
    assert set(counters.values()) == {0}
    for switch in ("sw1", "sw2"):
        for outcome in ("accepted", "duplicate", "late", "too_old", "invalid", "quarantined"):
            assert found["guard_reports_total", (("outcome", outcome), ("switch", switch))] == 0
    for kind in ("account", "balance", "payment", "invoice", "adjustment", "credit", "card", "close"):
        for outcome in ("accepted", "duplicate", "refused", "invalid"):
            assert found["guard_billing_total", (("outcome", outcome), ("type", kind))] == 0
    for state in ("active", "warned", "blocked", "closed"):
        assert found["guard_accounts", (("state", state),)] == 0
    block = (("action", "block"), ("mode", "enforce"), ("reason", "credit_limit"))
    assert found["guard_decisions_total", block] == 0
    assert found["guard_exposure", (("currency", "CAD"),)] == 0
    assert found["guard_build_info", (("version", "0.1.0"),)] == 1
    assert found["guard_reload_last_success", ()] == 1
    assert found["guard_fuse_open", ()] == 0


def test_figures_become_samples(figures: Figures) -> None:
    figures.reports["sw1", "accepted"] = 41
    figures.exposure_micros["CAD"] = 1_234_567_890
    figures.switch_age_s["sw1"] = 2.5
    figures.fuse_open = True
    figures.reload_succeeded = False
    figures.commands_unconfirmed = 3
    assert value(figures, "guard_reports_total", switch="sw1", outcome="accepted") == 41
    assert value(figures, "guard_exposure", currency="CAD") == pytest.approx(1234.56789)
    assert value(figures, "guard_switch_age_seconds", switch="sw1") == 2.5
    assert value(figures, "guard_fuse_open") == 1
    assert value(figures, "guard_reload_last_success") == 0
    assert value(figures, "guard_commands_unconfirmed") == 3


def test_a_decision_that_was_not_foreseen_is_counted_all_the_same(figures: Figures) -> None:
    figures.decisions["allow", "released", "shadow"] = 1
    assert value(figures, "guard_decisions_total", action="allow", reason="released", mode="shadow") == 1


def test_what_the_codec_refused_counts_as_invalid_beside_what_the_engine_counts(figures: Figures) -> None:
    figures.reports["sw1", "invalid"] = 2
    figures.refused_reports("sw1", 3)
    figures.refused_billing("payment", "refused")
    figures.refused_billing("what it said", "invalid")
    assert value(figures, "guard_reports_total", switch="sw1", outcome="invalid") == 5
    assert value(figures, "guard_billing_total", type="payment", outcome="refused") == 1
    assert value(figures, "guard_billing_total", type="unknown", outcome="invalid") == 1


def test_lag_counts_reports_not_batches(figures: Figures) -> None:
    figures.lagged(0.2, 40)
    assert value(figures, "guard_report_lag_seconds_count") == 40
    assert value(figures, "guard_report_lag_seconds_bucket", le="0.25") == 40


def test_junk_under_invented_names_does_not_make_labels_without_end(figures: Figures) -> None:
    for number in range(MAX_UNKNOWN_SWITCHES + 50):
        figures.refused_reports(f"junk{number}", 1)
    figures.refused_reports("sw1", 1)
    names = {switch for switch, _ in figures.reports}
    assert len(names) == MAX_UNKNOWN_SWITCHES + 2
    assert figures.refused_by_switch[OTHER_SWITCHES] == 50
    assert figures.refused_by_switch["sw1"] == 1


def test_a_histogram_counts_into_its_buckets() -> None:
    """A bound belongs to its bucket, as `le` says; what is beyond all of them is in +Inf alone."""
    histogram = Histogram((1, 2))
    for seconds in (0.5, 1, 1.5, 7, -3):
        histogram.observe(seconds)
    histogram.observe(2, times=10)
    assert histogram.counts == [3, 11, 1]
    assert histogram.total == pytest.approx(30)


def test_histograms_are_cumulative(figures: Figures) -> None:
    for seconds in (0.0005, 0.003, 0.05, 45):
        figures.committed(seconds, reports=1)
    name = "guard_commit_seconds"
    assert value(figures, f"{name}_bucket", le="0.001") == 1
    assert value(figures, f"{name}_bucket", le="0.05") == 3
    assert value(figures, f"{name}_bucket", le="30.0") == 3
    assert value(figures, f"{name}_bucket", le="+Inf") == value(figures, f"{name}_count") == 4
    assert value(figures, f"{name}_sum") == pytest.approx(45.0535)


def test_the_promises_are_bounds() -> None:
    assert {0.05, 5, 30} <= set(SECONDS_BUCKETS)
    assert sorted(SECONDS_BUCKETS) == list(SECONDS_BUCKETS)


def test_a_name_cannot_break_the_format() -> None:
    figures = initial_figures(['a"\n\\b'], "CAD")
    assert value(figures, "guard_live_calls", switch='a"\n\\b') == 0


def test_the_process_is_there_too(figures: Figures) -> None:
    names = {name for name, _ in series(figures)}
    assert {"process_resident_memory_bytes", "python_gc_objects_collected_total", "python_info"} <= names


def test_two_expositions_do_not_meet(figures: Figures) -> None:
    """Nothing is registered globally."""
    other = initial_figures([], "EUR")
    assert Exposition(figures, "1").render() != Exposition(other, "2").render()


def test_no_label_names_a_customer(figures: Figures) -> None:
    text = Exposition(figures, "0.1.0").render().decode()
    assert not re.search(r"[{,](account|call|number|to|from)=", text)


def test_it_costs_the_loop_a_few_milliseconds_at_most() -> None:
    """Bounded generously: 20 switches take about 1 ms."""
    exposition = Exposition(initial_figures([f"sw{number}" for number in range(20)], "CAD"), "0.1.0")
    began = perf_counter()
    for _ in range(10):
        exposition.render()
    assert (perf_counter() - began) / 10 < 0.05


def test_the_content_type_is_one() -> None:
    assert CONTENT_TYPE == METRICS_TYPE
