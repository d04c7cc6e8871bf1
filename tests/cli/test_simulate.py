"""`guard simulate` without a broker: history as files, its list, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guard.replay.cases.library import SCENARIOS
from guard.replay.kinds import KINDS
from tests.cli.conftest import Guard


def test_history_is_written_with_all_that_belongs_to_it(guard: Guard, tmp_path: Path) -> None:
    record = tmp_path / "history.ndjson"
    arguments = ["--days", "2", "--accounts", "30", "--seed", "7", "--scenario", "stolen-login", "--scenario", "sale"]
    result = guard("simulate", "--record", str(record), *arguments, "--start", "2026-03-02")
    assert result.exit_code == 0, result.output
    lines = record.read_bytes().splitlines()
    assert result.stdout.startswith(f"{len(lines):,} reports of ")
    assert "1 frauds worth" in result.stdout
    assert "1 surprises" in result.stdout
    assert json.loads(lines[0])["at"].startswith("2026-03-02T00:")
    for name in ("billing.ndjson", "labels.csv", "cases.ndjson", "tariff.csv", "plans.toml"):
        assert f"history.{name}" in result.stdout
        assert record.with_name(f"history.{name}").stat().st_size


def test_unpriced_reports_state_no_charge(guard: Guard, tmp_path: Path) -> None:
    record = tmp_path / "history.ndjson"
    result = guard("simulate", "--record", str(record), "--days", "1", "--accounts", "10", "--unpriced")
    assert result.exit_code == 0
    reports = [json.loads(line) for line in record.read_bytes().splitlines()]
    assert reports
    assert not any("charge" in report or "rate" in report for report in reports)


def test_the_list_names_every_scenario_and_kind_in_one_line(guard: Guard) -> None:
    lines = guard("simulate", "--list").output.splitlines()
    for scenario in SCENARIOS:
        assert any(line.split() == [scenario.name, *scenario.title.split()] for line in lines), scenario.name
    for kind in KINDS:
        assert any(line.startswith(f"{kind.name} ") for line in lines), kind.name


def test_the_help_names_every_scenario(guard: Guard) -> None:
    words = "".join(guard("simulate", "--help").output.split())
    for scenario in SCENARIOS:
        assert scenario.name in words


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--record", "h.csv"], ".ndjson"),
        (["--record", "h.ndjson", "--scenario", "pbx-isrf"], "did you mean pbx-irsf?"),
        (["--record", "h.ndjson", "--rate", "5"], "--rate"),
        (["--record", "h.ndjson", "--accounts", "1", "--scenario", "wangiri"], "--accounts"),
        (["--record", "no/such/folder/h.ndjson", "--days", "1"], "no/such/folder/h.ndjson"),
    ],
)
def test_what_cannot_be_done_is_exit_2_and_says_why(
    guard: Guard, tmp_path: Path, arguments: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = guard("simulate", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
