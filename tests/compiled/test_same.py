"""The compiled core decides as the sources do, byte for byte, and passes the tests of the sources."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from guard.compiled import ASKED, BUILDS, COMPILED, INTERPRETED, PACKAGE, key_of

pytestmark = [pytest.mark.compiler, pytest.mark.slow]

ROOT = PACKAGE.parent
WITHIN_S = 600


@pytest.fixture(autouse=True)
def _built() -> None:
    """Built of other sources it would be another core, and `GUARD_CORE=compiled` would refuse it."""
    assert (BUILDS / key_of(PACKAGE / "core")).is_dir(), "no build fits these sources: run scripts/compile"


def python(core: str, *words: str, folder: Path = ROOT) -> str:
    """Run a module of ours on one of the cores; what it says."""
    asked = os.environ | {ASKED: core, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=asked,
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    return done.stdout


def test_it_says_what_it_is() -> None:
    assert python(COMPILED, "guard", "--version").endswith("(compiled core)\n")
    assert python(INTERPRETED, "guard", "--version").endswith("(interpreted core)\n")


def test_a_history_comes_to_the_same_decisions(tmp_path: Path) -> None:
    """Customers, frauds and surprises; beside guard its peers, each in a process of its own that is sent its rules."""
    recorded = ["--days", "8", "--accounts", "30", "--seed", "3", "--scenario", "frauds", "--scenario", "surprises"]
    python(INTERPRETED, "guard", "simulate", "--record", "history.ndjson", *recorded, folder=tmp_path)
    inputs = ["--reports", "history.ndjson", "--billing", "history.billing.ndjson", "--labels", "history.labels.csv"]
    for core in (INTERPRETED, COMPILED):
        python(core, "guard", "backtest", *inputs, "--out", core, folder=tmp_path)
    for name in ("decisions.ndjson", "summary.json", "report.html"):
        assert (tmp_path / COMPILED / name).read_bytes() == (tmp_path / INTERPRETED / name).read_bytes(), name
    assert (tmp_path / COMPILED / "decisions.ndjson").read_bytes().count(b"\n") > 100


def test_simulated_lives_are_the_same_story() -> None:
    """The whole daemon with faults, crashes and restarts: every line of every story, but for how long they took."""
    told = [
        [
            line
            for line in python(core, "tests.simulation", "--count", "40", "--story").splitlines()
            if " seeds" not in line
        ]
        for core in (INTERPRETED, COMPILED)
    ]
    assert len(told[0]) > 1_000
    assert told[0] == told[1]


def test_the_tests_of_the_sources_pass() -> None:
    """All but those that put something else in the place of a part of the core."""
    tests = ["tests/core", "tests/scenarios", "tests/store/test_kept.py", "tests/store/test_contract.py"]
    python(COMPILED, "pytest", "-q", "-p", "no:cacheprovider", "-m", "not interpreted and not postgres", *tests)
