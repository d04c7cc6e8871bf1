"""A real Prometheus scrapes a real daemon under simulated traffic: every panel and every alert is answered.

`guard simulate` is one switch with customers; beside it a second switch lets one account run into its limit, so that
there are blocks to be measured. A webhook has a target that is down, and the shipped model looks on.
"""

from __future__ import annotations

import math
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from guard.adapters.metrics import catalog
from guard.adapters.metrics.catalog import Kind
from guard.config.shipped import shipped
from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.dashboards import written
from tests.dashboards.prometheus import Prometheus
from tests.dashboards.written import Panel, names_in
from tests.integration.mosquitto import Mosquitto

pytestmark = [pytest.mark.broker, pytest.mark.prometheus]

MORE = f"""
[model]
dir = "{shipped("models") / "default"}"
[[webhook]]
name = "nobody"
url = "http://127.0.0.1:9/"
"""
SPAN = "15s"
"""Stands for Grafana's intervals: some scrapes at one a second."""


BUSY = f'sum(increase(guard_reports_total{{switch="sim1", outcome="accepted"}}[{SPAN}])) > 10'
BLOCKED = "increase(guard_block_delay_seconds_count[1m]) > 0 and increase(guard_command_confirm_seconds_count[1m]) > 0"

RECORDED = "guard:blocks_late:share1h and on (instance) guard:model_high_scores:share1h"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One Prometheus, with some seconds of traffic in it."""
    folder = tmp_path_factory.mktemp("boards")
    with (
        Mosquitto(folder / "mosquitto") as broker,
        Guard(folder / "guard", broker.url, more=MORE) as guard,
        Prometheus(folder / "prometheus", guard.url.removeprefix("http://")) as running,
        simulation(broker.url),
        SwitchClient(broker.port, "sw2") as switch,
    ):
        switch.say("status", {"status": "up"})
        block_one(guard, switch)
        running.wait_for(lambda: running.query(BUSY), "traffic from the simulation")
        running.wait_for(lambda: running.query(BLOCKED), "a block that has been seen to be counted")
        running.wait_for(lambda: running.query(RECORDED), "what the recording rules make of it")
        yield running


@contextmanager
def simulation(broker_url: str) -> Iterator[None]:
    """A simulated switch with customers; it stops by itself should nobody stop it."""
    options = ["--broker", broker_url, "--accounts", "40", "--rate", "20", "--scenario", "pbx-irsf", "--seconds", "90"]
    running = subprocess.Popen(
        [sys.executable, "-m", "guard", "simulate", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)


def block_one(guard: Guard, switch: SwitchClient) -> None:
    """An account reaches its limit, and the switch confirms the block."""
    switch.bill({"type": "credit", "id": "limit", "account": "T1", "limit": "2.00"})
    wait_for(lambda: guard.account("T1"), "the account", guard.log_tail)
    switch.report("t1", "answered", "T1", charge="0", rate="60.00")
    wait_for(lambda: (block := guard.account("T1")["block"]) and block["confirmed"], "the block", guard.log_tail)
    switch.report("t1", "ended", "T1", duration_ms=3_000, charge="3.00")


def as_asked(query: str) -> str:
    """The query as Grafana sends it, with all daemons and all switches chosen."""
    query = re.sub(r"\$__(?:rate_interval|range)", SPAN, query)
    return re.sub(r"\$(?:instance|switch)\b", ".*", query)


OF_A_DAEMON = [panel for panel in written.panels() if panel.board != written.CLUSTER_BOARD]


@pytest.mark.parametrize("panel", OF_A_DAEMON, ids=lambda panel: f"{panel.board}: {panel.title}")
def test_every_query_of_a_panel_has_an_answer(prometheus: Prometheus, panel: Panel) -> None:
    for query in panel.queries:
        found = prometheus.query(as_asked(query))
        if "offset 1w" in query:
            assert found == []  # it is a question that Prometheus understands; there is no last week yet
        else:
            assert found, query
            assert not all(math.isnan(float(each["value"][1])) for each in found), f"{query}: nothing but NaN"


def test_every_metric_of_guard_is_there_with_its_type_and_its_help(prometheus: Prometheus) -> None:
    told = prometheus.ask("metadata")
    for family in catalog.FAMILIES:
        # Prometheus lists a counter under the name that its samples bear.
        assert told[family.name] == [{"type": family.kind.value, "help": family.text, "unit": ""}]
        name = f"{family.name}_count" if family.kind is Kind.HISTOGRAM else family.name
        assert prometheus.query(name), f"{name} has no sample"


def test_every_rule_is_evaluated_without_an_error_and_asks_for_what_is_there(prometheus: Prometheus) -> None:
    groups = prometheus.wait_for(lambda: all_evaluated(prometheus), "an evaluation of every rule")
    found = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert set(found) == {rule.name for rule in written.rules_of_a_daemon()}
    for name, rule in found.items():
        assert (rule["health"], rule.get("lastError", "")) == ("ok", ""), name
    # What is usual needs a week.
    named = set().union(*(names_in(rule.expr) for rule in written.rules_of_a_daemon())) - {"guard:switch_reports:usual"}
    for name in sorted(named):
        prometheus.wait_for(partial(prometheus.query, name), f"a sample of {name}")


def all_evaluated(prometheus: Prometheus) -> list[dict[str, list[dict[str, str]]]]:
    """The groups of rules, once none is new."""
    groups: list[dict[str, list[dict[str, str]]]] = prometheus.ask("rules")["groups"]
    new = [rule for group in groups for rule in group["rules"] if rule["health"] == "unknown"]
    return [] if new else groups


def test_nothing_critical_fires_on_a_daemon_that_is_well(prometheus: Prometheus) -> None:
    assert prometheus.query('ALERTS{severity="critical", alertstate="firing"}') == []


def test_a_scrape_is_quick(prometheus: Prometheus) -> None:
    """As Prometheus sees it, on a machine that is busy with the simulation; bounded generously."""
    (scrape,) = prometheus.query('min_over_time(scrape_duration_seconds{job="guard"}[1m])')
    assert float(scrape["value"][1]) < 0.1
