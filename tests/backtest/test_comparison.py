"""The comparison of guard with its peers: by scenario, in all, in the summary, at the terminal and on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from guard.cli import app
from guard.commands.backtest_table import WIDTH
from guard.core.money import parse_money
from guard.replay.payloads import time_text
from tests.backtest.histories import DAY, HOUR, MINUTE, T0, call, limit, written

RULES = """
[[rule]]
id = "same-number"
title = "The same number"
mode = "MODE"
measure = "calls"
window = "1h"
per = "number"
block = 3
"""
WAYS = ["guard", "with-shadow", "limit-in-flight", "limit-at-hang-up", "counters"]


def fraud(account: str, start_ms: int) -> list[dict[str, Any]]:
    """Ten calls of half an hour, a minute apart, at six a minute: 180 each."""
    return [
        report
        for number in range(10)
        for report in call(f"{account}-{number}", account, start_ms=start_ms + number * MINUTE, lasts_s=1_800)
    ]


def ran(folder: Path, *more: str, mode: str = "enforce") -> tuple[Result, dict[str, Any]]:
    """Two frauds and a crisis, under limits of 500."""
    reports = fraud("A", 0) + fraud("B", HOUR)
    for number in range(4):
        reports += call(f"c-{number}", "C", start_ms=2 * HOUR + number * MINUTE, lasts_s=600, rate=300_000)
    reports += call("d", "D", start_ms=2 * DAY, lasts_s=60)
    written(folder, reports)
    written(folder, [limit(account, "500.00") for account in "ABCD"], "billing.ndjson")
    (folder / "rules").mkdir()
    (folder / "rules" / "own.toml").write_text(RULES.replace("MODE", mode))
    (folder / "guard.toml").write_text('[rules]\ndir = "rules"\n')
    spans = [("A", 0, "fraud", "pumping"), ("B", HOUR, "fraud", "hacked"), ("C", 2 * HOUR, "good", "crisis")]
    labels = [f"{name},{time_text(T0 + at)},{time_text(T0 + at + HOUR)},{label}" for name, at, label, _ in spans]
    (folder / "labels.csv").write_text("\n".join(["account,start,end,label", *labels]) + "\n")
    cases = [{"account": name, "start": time_text(T0 + at), "scenario": title} for name, at, _, title in spans]
    written(folder, cases, "cases.ndjson")
    asked = ["--reports", "reports.ndjson", "--billing", "billing.ndjson", "--labels", "labels.csv"]
    asked += ["--cases", "cases.ndjson", "--config", "guard.toml", "--out", "out"]
    done = CliRunner().invoke(
        app, ["backtest", *(str(folder / word) if "." in word or word == "out" else word for word in asked), *more]
    )
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads((folder / "out" / "summary.json").read_text())
    return done, told


def test_every_scenario_is_told_by_every_way(tmp_path: Path) -> None:
    """Lost before the block and in all; a rule's third call against a limit, against a call that is over."""
    _, told = ran(tmp_path)
    comparison = told["comparison"]
    assert [way["name"] for way in comparison["ways"]] == [name for name in WAYS if name != "with-shadow"]
    rows = {row["scenario"]: row for row in comparison["scenarios"]}
    assert {name: (row["label"], row["spans"]) for name, row in rows.items()} == {
        "pumping": ("fraud", 1),
        "hacked": ("fraud", 1),
        "crisis": ("good", 1),
    }
    pumping = rows["pumping"]["ways"]
    # Two minutes and one of the first two calls; a limit of 500; the calls that are over when 500 have been billed.
    assert pumping["guard"] == {"blocked": 1, "lost_before": "18.00", "lost": "18.00"}
    assert parse_money(pumping["limit-in-flight"]["lost_before"]) // 1_000_000 == 500
    assert pumping["limit-at-hang-up"]["lost"] == "1800.00"
    assert rows["pumping"]["times_less"] == "27.7"
    assert rows["crisis"]["times_less"] is None
    assert {name: way["blocked"] for name, way in rows["crisis"]["ways"].items()} == {
        "guard": 1,
        "limit-in-flight": 0,
        "limit-at-hang-up": 0,
        "counters": 0,
    }


def test_in_all_and_who_was_innocent(tmp_path: Path) -> None:
    """The innocent per 2,000 account-days: four accounts over two days."""
    _, told = ran(tmp_path)
    ways = {way["name"]: way for way in told["comparison"]["ways"]}
    assert (ways["guard"]["frauds"], ways["guard"]["blocked"]) == (2, 2)
    assert ways["guard"]["lost_before"] == "36.00"
    assert ways["guard"]["innocent_accounts"] == 1
    assert ways["guard"]["innocent_accounts_per_2000_account_days"] == "250.000"
    assert ways["limit-in-flight"]["innocent_accounts"] == 0
    assert ways["limit-in-flight"]["innocent_accounts_at_limit"] == 0
    assert told["comparison"]["times_less"] == "27.7"


def test_rules_in_shadow_are_a_way_of_their_own(tmp_path: Path) -> None:
    """What they would have done stands beside what was done; what would have been lost after it nobody knows."""
    _, told = ran(tmp_path, mode="shadow")
    ways = {way["name"]: way for way in told["comparison"]["ways"]}
    assert list(ways) == WAYS
    assert ways["with-shadow"]["lost_before"] == "36.00"
    assert ways["with-shadow"]["lost"] is None
    assert ways["with-shadow"]["innocent_accounts"] == 1
    assert ways["guard"]["lost_before"] == ways["limit-in-flight"]["lost_before"]
    assert told["comparison"]["times_less"] == "1.0"


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_the_terminal_shows_the_table(tmp_path: Path, mode: str) -> None:
    """One line a scenario, all ways beside each other, within a hundred characters."""
    done, _ = ran(tmp_path, mode=mode)
    lines = done.stdout.splitlines()
    assert max(map(len, lines[:-1])) <= WIDTH
    cells = {re.split(r"\s{2,}", line.strip())[0]: re.split(r"\s{2,}", line.strip())[1:] for line in lines}
    if mode == "enforce":
        assert cells["pumping"][:2] == ["18", "500"]
        assert cells["pumping"][-1] == "27.7"
        assert cells["all frauds"][0] == "36"
        assert cells["no fraud: crisis"] == ["1 of 1", "0 of 1", "0 of 1", "0 of 1"]
        assert cells["innocent accounts, by a rule"] == ["1", "0", "0", "0"]
        assert cells["per 2,000 account-days"] == ["250.000", "0.000", "0.000", "0.000"]
    else:
        assert cells["pumping"][:3] == ["500", "18", "500"]


def test_the_page_shows_it(tmp_path: Path) -> None:
    """Every scenario and every way, and a picture of what each way lost."""
    ran(tmp_path)
    page = (tmp_path / "out" / "report.html").read_text()
    for words in (
        "What each fraud cost",
        "Surprises that are no fraud",
        "Lost to fraud, CAD",
        "Innocent accounts blocked",
    ):
        assert words in page
    (row,) = re.findall(r"<tr><td>pumping</td>.*?</tr>", page)
    # At hang-up the third call to end reaches the limit, when the ten have cost 1,632.
    assert re.findall(r"<td[^>]*>(.*?)</td>", row)[3:] == [
        "18.00",
        "500.00",
        "1,632.00",
        "60.00",
        "27.7",
        "same-number",
    ]


def test_without_peers_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    """The table has guard alone."""
    done, told = ran(tmp_path, "--no-peers")
    assert [way["name"] for way in told["comparison"]["ways"]] == ["guard"]
    assert told["comparison"]["times_less"] is None
    assert "all frauds" in done.stdout
    assert "Lost to fraud" not in (tmp_path / "out" / "report.html").read_text()
