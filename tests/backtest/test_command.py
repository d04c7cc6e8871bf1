"""`guard backtest` as typed: its files, its words, its exit status."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from guard.cli import app
from guard.replay.payloads import time_text
from tests.backtest.histories import HOUR, T0, call, limit, written


def guard(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["backtest", *map(str, arguments)], prog_name="guard")


def reports() -> list[dict[str, Any]]:
    return (
        call("c1", "<b>A</b>", start_ms=0, lasts_s=3_600)
        + call("c2", "B", start_ms=HOUR, lasts_s=600)
        + call("c3", "<b>A</b>", start_ms=2 * HOUR, lasts_s=60)
    )


def labels(folder: Path) -> Path:
    path = folder / "labels.csv"
    path.write_text(f"account,start,end,label\n<b>A</b>,{time_text(T0)},{time_text(T0 + 3 * HOUR)},fraud\n")
    return path


def summary(out: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return told


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own, with limits alone: what the shipped rules do is shown elsewhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "guard.toml").write_text('[rules]\ndir = "rules"\n')


def test_three_files_come_of_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    billing = written(tmp_path, [limit("B", "500.00")], "billing.ndjson")
    file = written(tmp_path, reports())
    result = guard("--reports", file, "--billing", billing, "--labels", labels(tmp_path), "--out", out, "--no-peers")
    assert result.exit_code == 0, result.output
    assert "1 of 1 frauds blocked; lost 100.00 before and 0.00 after the block" in result.output
    assert sorted(each.name for each in out.iterdir()) == ["decisions.ndjson", "report.html", "summary.json"]
    decisions = [json.loads(line) for line in (out / "decisions.ndjson").read_text().splitlines()]
    assert [(each["action"], each["account"], each["mark"]) for each in decisions] == [
        ("warn", "<b>A</b>", "50"),
        ("warn", "<b>A</b>", "80"),
        ("block", "<b>A</b>", "100"),
    ]
    told = summary(out)
    assert told["guard"]["owed"] == "160.00"
    assert told["guard"]["prevented"] == "266.00"
    assert [each["account"] for each in told["accounts"]] == ["<b>A</b>", "B"]
    assert told["labels"][0]["s_to_block"] == 1_000
    assert told["peers"] == []


def test_the_page_is_one_file_and_trusts_nobody(tmp_path: Path) -> None:
    out = tmp_path / "out"
    guard("--reports", written(tmp_path, reports()), "--labels", labels(tmp_path), "--out", out, "--no-peers")
    page = (out / "report.html").read_text()
    assert "&lt;b&gt;A&lt;/b&gt;" in page
    assert "<b>A</b>" not in page
    for outside in ("http://", "https://", "<script", "<link", "src="):
        assert outside not in page.replace("default-src", "")
    assert page.count("<svg") == 2


def test_the_same_input_in_another_order_gives_the_same_bytes(tmp_path: Path) -> None:
    shuffled = random.Random(4).sample(reports(), len(reports()))
    for name, said in (("one", reports()), ("two", shuffled)):
        guard("--reports", written(tmp_path, said, f"{name}.ndjson"), "--out", tmp_path / name, "--no-peers")
    for file in ("decisions.ndjson", "summary.json", "report.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_what_ifs_and_peers_stand_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = guard("--reports", written(tmp_path, reports()), "--out", out, "--set", "limits.default=50,200")
    assert result.exit_code == 0, result.output
    told = summary(out)
    assert [(each["setting"], each["owed"]) for each in told["what_if"]] == [("50", "100.00"), ("200", "260.00")]
    assert {each["name"]: each["owed"] for each in told["peers"]} == {
        "limit-in-flight": "160.00",
        "limit-at-hang-up": "420.00",
        "counters": "426.00",
    }
    assert "limits.default" in (out / "report.html").read_text()


def test_a_single_setting_changes_the_run_and_keeps_what_is_configured_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    file = written(tmp_path, reports())
    guard("--reports", file, "--out", out, "--set", "limits.default=50", "--no-peers")
    told = summary(out)
    assert (told["guard"]["title"], told["guard"]["owed"]) == ("guard with limits.default = 50", "100.00")
    assert [(each["title"], each["owed"]) for each in told["what_if"]] == [("guard as configured", "160.00")]


def test_billing_that_names_no_time_is_known_from_the_beginning(tmp_path: Path) -> None:
    out = tmp_path / "out"
    opened = limit("<b>A</b>", "30.00")
    del opened["at"]
    billing = written(tmp_path, [opened], "billing.ndjson")
    guard("--reports", written(tmp_path, reports()), "--billing", billing, "--out", out, "--no-peers")
    assert summary(out)["accounts"][0]["owed"] == "30.00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--reports", "gone.ndjson"), "gone.ndjson"),
        (("--reports", "bad.ndjson"), "bad.ndjson:2:"),
        (("--reports", "empty.ndjson"), "no reports"),
        (("--reports", "good.ndjson", "--set", "nothing.block=1"), "no such rule"),
        (("--reports", "good.ndjson", "--release-after", "soon"), "--release-after"),
        (("--reports", "good.ndjson", "--labels", "labels.csv"), "labels.csv:2: label"),
        (("--reports", "good.ndjson", "--billing", "bad.ndjson"), "bad.ndjson:1:"),
        (("--reports", "good.ndjson", "--against", "nowhere"), "nowhere"),
    ],
)
def test_wrong_input_is_status_2_and_says_where(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    written(tmp_path, reports(), "good.ndjson")
    written(tmp_path, [], "empty.ndjson")
    (tmp_path / "bad.ndjson").write_text(json.dumps(reports()[0]) + "\n{\n")
    (tmp_path / "labels.csv").write_text("account,start,end,label\nA,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,evil\n")
    result = guard(*arguments, "--out", tmp_path / "out", "--no-peers")
    assert result.exit_code == 2, result.output
    assert said in result.output
