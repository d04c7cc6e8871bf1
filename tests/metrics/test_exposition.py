"""The text: the contract's names and label sets, from the start, at 0, as the library's own parser reads them."""

from __future__ import annotations

import re
from time import perf_counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from guard.adapters.http.status import METRICS_TYPE
from guard.adapters.metrics import CONTENT_TYPE, Exposition, Figures, catalog, initial_figures
from guard.adapters.metrics.catalog import Kind

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]

CONTRACT = (
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
    "guard_model_scores_bucket{le}",
    "guard_model_scores_count",
    "guard_model_scores_sum",
    "guard_reload_last_success",
    "guard_report_lag_seconds_bucket{le}",
    "guard_report_lag_seconds_count",
    "guard_report_lag_seconds_sum",
    "guard_reports_total{outcome,switch}",
    "guard_rule_hits_total{mode,rule}",
    "guard_switch_age_seconds{switch}",
    "guard_webhook_deliveries_total{result,webhook}",
)
"""What the contract names; it may only grow."""


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


def value(figures: Figures, name: str, **labels: str) -> float:
    return series(figures)[name, tuple(sorted(labels.items()))]


def test_the_names_and_labels_of_the_contract_are_all_there(figures: Figures) -> None:
    figures.rule_hits["same-number", "shadow"] = 0
    figures.webhook_deliveries["ops", "delivered"] = 0
    shapes = {
        name + ("{" + ",".join(key for key, _ in labels) + "}" if labels else "") for name, labels in series(figures)
    }
    assert set(CONTRACT) <= shapes


def test_the_text_names_what_the_catalog_lists_and_nothing_else(figures: Figures) -> None:
    text = Exposition(figures, "0.1.0").render().decode()
    typed = dict(re.findall(r"^# TYPE (guard_\S+) (\S+)$", text, re.MULTILINE))
    assert typed == {family.name: family.kind.value for family in catalog.FAMILIES}


def test_a_metric_is_named_once_and_its_samples_stand_together(figures: Figures) -> None:
    """The format asks for it; Prometheus would take it otherwise, stricter readers would not."""
    text = Exposition(figures, "0.1.0").render().decode()
    heads = re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)
    assert len(heads) == len(set(heads))
    current = ""
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            current = line.split()[2]
        elif not line.startswith("#"):
            assert line.startswith(current)


def test_counters_end_in_total_and_units_are_in_the_name() -> None:
    for family in catalog.FAMILIES:
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER), family.name
        assert ("seconds" in family.unit) == family.name.endswith("_seconds"), family.name
        assert family.text.endswith(".")


def test_every_label_set_that_is_known_exists_from_the_start_at_0(figures: Figures) -> None:
    found = series(figures)
    counters = {
        labels: count for (name, labels), count in found.items() if name.startswith("guard_") and "_total" in name
    }
    assert set(counters.values()) == {0}
    for switch in ("sw1", "sw2"):
        for outcome in ("accepted", "duplicate", "late", "too_old", "invalid", "quarantined"):
            assert found["guard_reports_total", (("outcome", outcome), ("switch", switch))] == 0
        for gauge in ("live_calls", "switch_blind", "switch_lagging", "switch_commands_unconfirmed"):
            assert found[f"guard_{gauge}", (("switch", switch),)] == 0
        assert found["guard_switch_up", (("switch", switch),)] == 1
    for kind in ("account", "balance", "payment", "invoice", "adjustment", "credit", "card", "close"):
        for outcome in ("accepted", "duplicate", "refused", "invalid"):
            assert found["guard_billing_total", (("outcome", outcome), ("type", kind))] == 0
    for state in ("active", "warned", "blocked", "closed"):
        assert found["guard_accounts", (("state", state),)] == 0
    for notice in ("unconfirmed", "blind", "fuse", "rules", "quarantined"):
        assert found["guard_notices_total", (("kind", notice),)] == 0
    for money in ("exposure", "in_flight", "burn_rate", "reconciled"):
        assert found[f"guard_{money}", (("currency", "CAD"),)] == 0
    block = (("action", "block"), ("mode", "enforce"), ("reason", "credit_limit"))
    assert found["guard_decisions_total", block] == 0
    assert found["guard_build_info", (("version", "0.1.0"),)] == 1
    assert found["guard_core_compiled", ()] == 0
    assert found["guard_reload_last_success", ()] == 1
    assert found["guard_fuse_open", ()] == 0


def test_figures_become_samples(figures: Figures) -> None:
    figures.reports["sw1", "accepted"] = 41
    figures.exposure_micros["CAD"] = 1_234_567_890
    figures.burn_micros["CAD"] = 500_000
    figures.switches.age_s["sw1"] = 2.5
    figures.switches.blind["sw2"] = 1
    figures.sessions.read("calls", connected=True, unacknowledged=7, connections=2, unsent=1)
    figures.fuse_open = True
    figures.reload_succeeded = False
    figures.commands_unconfirmed = 3
    assert value(figures, "guard_reports_total", switch="sw1", outcome="accepted") == 41
    assert value(figures, "guard_exposure", currency="CAD") == pytest.approx(1234.56789)
    assert value(figures, "guard_burn_rate", currency="CAD") == 0.5
    assert value(figures, "guard_switch_age_seconds", switch="sw1") == 2.5
    assert value(figures, "guard_switch_blind", switch="sw2") == 1
    assert value(figures, "guard_inbox_reports") == 7
    assert value(figures, "guard_broker_connected", session="calls") == 1
    assert value(figures, "guard_broker_connections_total", session="calls") == 2
    assert value(figures, "guard_broker_unsent_total", session="calls") == 1
    assert value(figures, "guard_fuse_open") == 1
    assert value(figures, "guard_reload_last_success") == 0
    assert value(figures, "guard_commands_unconfirmed") == 3


def test_the_second_text_says_what_has_changed_since(figures: Figures) -> None:
    """All but the numbers is kept, as long as the label sets are the same."""
    exposition = Exposition(figures, "0.1.0")
    assert 'guard_live_calls{switch="sw1"} 0\n' in exposition.render().decode()
    figures.switches.live_calls["sw1"] = 12
    figures.know_switch("sw3")
    text = exposition.render().decode()
    assert 'guard_live_calls{switch="sw1"} 12\n' in text
    assert 'guard_live_calls{switch="sw3"} 0\n' in text
    figures.switches.live_calls = {"sw4": 5, "sw1": 6, "sw2": 7}
    text = exposition.render().decode()
    assert re.findall(r'^guard_live_calls{switch="(.*)"} (.*)$', text, re.MULTILINE) == [
        ("sw4", "5"),
        ("sw1", "6"),
        ("sw2", "7"),
    ]


def test_what_the_codec_refused_counts_as_invalid_beside_what_the_engine_counts(figures: Figures) -> None:
    figures.reports["sw1", "invalid"] = 2
    figures.refused_reports("sw1", 3)
    figures.refused_billing("payment", "refused")
    figures.refused_billing("what it said", "invalid")
    assert value(figures, "guard_reports_total", switch="sw1", outcome="invalid") == 5
    assert value(figures, "guard_billing_total", type="payment", outcome="refused") == 1
    assert value(figures, "guard_billing_total", type="unknown", outcome="invalid") == 1


def test_histograms_are_cumulative(figures: Figures) -> None:
    for seconds in (0.0005, 0.003, 0.05, 45):
        figures.committed(seconds, reports=1)
    name = "guard_commit_seconds"
    assert value(figures, f"{name}_bucket", le="0.001") == 1
    assert value(figures, f"{name}_bucket", le="0.05") == 3
    assert value(figures, f"{name}_bucket", le="30.0") == 3
    assert value(figures, f"{name}_bucket", le="+Inf") == value(figures, f"{name}_count") == 4
    assert value(figures, f"{name}_sum") == pytest.approx(45.0535)


@pytest.mark.parametrize("name", ['a"\n\\b', "100%s", "{0}", "%(up)d %"])
def test_a_name_cannot_break_the_format(name: str) -> None:
    figures = initial_figures([name], "CAD")
    figures.switches.live_calls[name] = 3
    assert value(figures, "guard_live_calls", switch=name) == 3


def test_the_process_is_there_too(figures: Figures) -> None:
    names = {name for name, _ in series(figures)}
    assert {"process_resident_memory_bytes", "python_gc_objects_collected_total", "python_info"} <= names


def test_two_expositions_do_not_meet() -> None:
    """Nothing is registered globally."""
    here, there = Exposition(initial_figures([], "CAD"), "1"), Exposition(initial_figures([], "EUR"), "2")
    assert b'currency="EUR"' not in here.render()
    assert b'currency="EUR"' in there.render()


def test_no_label_names_a_customer() -> None:
    labels = {label for family in catalog.FAMILIES for label in family.labels}
    assert not labels & {"account", "call", "number", "to", "from", "source"}


def test_it_costs_the_loop_a_few_milliseconds_at_most() -> None:
    """Bounded generously: 20 switches take about 0.3 ms; the bench has the figure at 1,000."""
    exposition = Exposition(initial_figures([f"sw{number}" for number in range(20)], "CAD"), "0.1.0")
    began = perf_counter()
    for _ in range(10):
        exposition.render()
    assert (perf_counter() - began) / 10 < 0.05


def test_the_content_type_is_one() -> None:
    assert CONTENT_TYPE == METRICS_TYPE
