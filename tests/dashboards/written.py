"""What is written in `dashboards/`, as tests read it: queries of the boards, rules, headings of the runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from guard.adapters.metrics import catalog, cluster, ingest
from guard.adapters.metrics.catalog import Kind

DASHBOARDS = Path(__file__).parents[2] / "dashboards"
PROMETHEUS = DASHBOARDS / "prometheus"
RUNBOOK = DASHBOARDS / "RUNBOOK.md"
BOARDS = sorted((DASHBOARDS / "grafana").glob("*.json"))
RULE_FILES = (PROMETHEUS / "guard.recording.yml", PROMETHEUS / "guard.alerts.yml")
CLUSTER_RULES = PROMETHEUS / "guard.cluster.alerts.yml"
CLUSTER_BOARD = "guard-cluster"
RULE_TESTS = tuple(PROMETHEUS / f"guard.{name}.yml" for name in ("test", "weeks.test", "cluster.test"))

PROCESS = frozenset({"process_resident_memory_bytes", "process_start_time_seconds", "process_cpu_seconds_total"})
"""Of the process itself, by the library; `up` and `ALERTS` are Prometheus's own."""

FAMILIES = (*catalog.FAMILIES, *cluster.FAMILIES, *ingest.FAMILIES)


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a board and what it asks."""

    board: str
    title: str
    text: str
    queries: tuple[str, ...]
    place: tuple[int, int, int, int]
    number: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of Prometheus."""

    name: str
    expr: str
    alert: bool
    labels: dict[str, str]
    annotations: dict[str, str]


def board(path: Path) -> dict[str, Any]:
    """The JSON."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def panels() -> list[Panel]:
    """Of all boards, rows left out."""
    return [_panel(path.stem, each) for path in BOARDS for each in board(path)["panels"] if each["type"] != "row"]


def _panel(name: str, each: dict[str, Any]) -> Panel:
    place = each["gridPos"]
    return Panel(
        name,
        each["title"],
        each["description"],
        tuple(target["expr"] for target in each["targets"]),
        (place["x"], place["y"], place["w"], place["h"]),
        each["id"],
    )


def rules() -> list[Rule]:
    """Recording rules and alerts, the cluster's too."""
    return list(_rules((*RULE_FILES, CLUSTER_RULES)))


def rules_of_a_daemon() -> list[Rule]:
    """Those that a single daemon needs."""
    return list(_rules(RULE_FILES))


def _rules(paths: Iterable[Path]) -> Iterator[Rule]:
    for path in paths:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for each in group["rules"]:
                name = each.get("alert") or each["record"]
                yield Rule(name, each["expr"], "alert" in each, each.get("labels", {}), each.get("annotations", {}))


def alerts() -> list[Rule]:
    """The alerts."""
    return [rule for rule in rules() if rule.alert]


def names_in(text: str) -> set[str]:
    """Names of metrics of guard, of its recording rules and of the process."""
    return set(re.findall(r"\b(?:guard[_:][a-z][a-z0-9_:]*|process_[a-z_]+)", text))


def known_names() -> set[str]:
    """What a query may name."""
    known = set(PROCESS) | {rule.name for rule in rules() if not rule.alert}
    for family in FAMILIES:
        if family.kind is Kind.HISTOGRAM:
            known |= {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
        else:
            known.add(family.name)
    return known


def anchor(heading: str) -> str:
    """Where a heading's link leads, as the usual renderers of Markdown make it."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
