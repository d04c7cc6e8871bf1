"""`guard train` from reports to an artefact that a backtest runs with: the same input, the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guard.anomaly.artefact import CARD, EXPECTED, GRAPH, MANIFEST, load
from guard.cli import app


def guard(*words: str | Path) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    (folder / "no-rules").mkdir()
    # In a process of its own: it sets up the log of its process.
    words = [
        "--record",
        str(folder / "h.ndjson.gz"),
        "--accounts",
        "45",
        "--days",
        "6",
        "--seed",
        "3",
        "--scenario",
        "none",
    ]
    subprocess.run([sys.executable, "-m", "guard", "simulate", *words], check=True, capture_output=True, timeout=120)
    config = '[rules]\ndir = "no-rules"\n[model]\ndir = "one"\nfalse_alarms_per_1000_account_days = 100\n'
    (folder / "guard.toml").write_text(config)
    return folder


def train(history: Path, out: str, *more: str) -> str:
    return guard(
        "train", "--config", history / "guard.toml", "--reports", history / "h.ndjson.gz",
        "--billing", history / "h.billing.ndjson", "--labels", history / "h.labels.csv", "--out", history / out, *more,
    )  # fmt: skip


@pytest.mark.slow
def test_the_same_input_makes_the_same_model_and_a_report(history: Path) -> None:
    said = train(history, "one/model")
    train(history, "two/model", "--previous", str(history / "one" / "model"))
    for name in (MANIFEST, GRAPH, EXPECTED, CARD):
        assert (history / "one" / "model" / name).read_bytes() == (history / "two" / "model" / name).read_bytes(), name
    assert load(history / "one" / "model").origin.trained["accounts"] > 20
    assert "cannot be promised" in said, "six days are too few for accounts known for two weeks"
    pages = [(history / each / "model" / "report.html").read_text() for each in ("one", "two")]
    assert all("What it would have flagged" in page and "<script" not in page for page in pages)
    assert ["<th class=n>Moved</th>" in page for page in pages] == [False, True]


@pytest.mark.slow
def test_too_little_history_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    reports = tmp_path / "few.csv"
    reports.write_text("account,to,answered_at,duration_s\nA,+16475550100,2026-09-01T10:00:00Z,60\n")
    result = CliRunner().invoke(app, ["train", "--reports", str(reports), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "the history has no calls" in result.output
    assert not (tmp_path / "out" / MANIFEST).exists()


def test_a_previous_model_that_is_none_is_told_before_anything_is_read(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["train", "--reports", str(tmp_path / "none"), "--previous", str(tmp_path), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 2
    assert "manifest.json: cannot be read" in result.output


def test_a_backtest_with_a_model_that_is_none_is_told(tmp_path: Path) -> None:
    config = tmp_path / "guard.toml"
    config.write_text('[model]\ndir = "nowhere"\n')
    reports = tmp_path / "few.csv"
    reports.write_text("account,to,answered_at,duration_s\nA,+16475550100,2026-09-01T10:00:00Z,60\n")
    words = ["backtest", "--config", str(config), "--reports", str(reports), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "nowhere/manifest.json: cannot be read" in result.output
