"""Alerts and recording rules: tested by promtool, documented in the runbook, naming only what exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.dashboards import written
from tests.dashboards.written import Rule, anchor, names_in

HEADINGS = re.findall(r"^#+ (.+)$", written.RUNBOOK.read_text(), re.MULTILINE)


@pytest.mark.parametrize("rule", written.rules(), ids=lambda rule: rule.name)
def test_a_rule_asks_for_what_there_is(rule: Rule) -> None:
    assert names_in(rule.expr) <= written.known_names()


@pytest.mark.parametrize("rule", written.alerts(), ids=lambda rule: rule.name)
def test_an_alert_says_what_is_wrong_how_bad_it_is_and_where_to_read_on(rule: Rule) -> None:
    assert rule.name.startswith("Guard")
    assert rule.labels["severity"] in {"critical", "warning", "info"}
    assert set(rule.annotations) == {"summary", "description", "runbook_url"}
    assert rule.annotations["runbook_url"].endswith(f"}}}}#{anchor(rule.name)}")


def test_every_alert_has_a_heading_in_the_runbook_and_the_other_way_round() -> None:
    told = [heading for heading in HEADINGS if heading.startswith("Guard")]
    assert sorted(told) == sorted(rule.name for rule in written.alerts())


@pytest.mark.parametrize("rule", written.alerts(), ids=lambda rule: rule.name)
def test_the_runbook_says_what_it_means_how_bad_it_is_and_what_to_do(rule: Rule) -> None:
    text = written.RUNBOOK.read_text().split(f"## {rule.name}\n", 1)[1].split("\n#", 1)[0]
    assert f"**{rule.labels['severity'].capitalize()}.**" in text
    assert "Do: " in text


def test_links_and_metrics_of_the_runbook_exist() -> None:
    text = written.RUNBOOK.read_text()
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links <= {anchor(heading) for heading in HEADINGS}
    bases = {name.removesuffix("_bucket") for name in written.known_names()}
    # `guard_runbook` is a label.
    assert {name for name in names_in(text) if name.startswith("guard_")} <= bases


@pytest.mark.prometheus
def test_promtool_finds_nothing_wrong() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *written.RULE_FILES, written.CLUSTER_RULES)
    promtool("check", "config", written.PROMETHEUS / "prometheus.yml")


@pytest.mark.prometheus
def test_rules_and_alerts_do_what_their_stories_say() -> None:
    promtool("test", "rules", *written.RULE_TESTS)


def test_every_alert_is_in_a_story() -> None:
    told = " ".join(path.read_text() for path in written.RULE_TESTS)
    untold = {rule.name for rule in written.alerts() if rule.name not in told}
    assert untold == set()


def promtool(*arguments: str | Path) -> None:
    """Run it; fail with what it says."""
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
