"""The unit as systemd's own tools see it, without a systemd that runs."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from guard.commands.install import UNITS
from guard.commands.serving import STOP_WITHIN_S

pytestmark = pytest.mark.service

FOLDER = Path(__file__).parents[2] / "systemd"
MOST_EXPOSED = 20
"""In tenths of systemd's scale from 0.0 (nothing) to 10.0 (everything)."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    command = [sys.executable, "-m", "guard", "install", "--root", str(root), "--program", "/usr/bin/env"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return root


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.endswith(".service")])
def test_what_a_break_in_could_do_is_little(unit: str) -> None:
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(FOLDER / unit))

    assert done.returncode == 0, done.stdout[-400:]
    # A template is looked at as its instance "i".
    assert f"Overall exposure level for {unit.replace('@.', '@i.')}" in done.stdout


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_reads_the_laid_unit_without_complaint(laid: Path, unit: str) -> None:
    done = run("systemd-analyze", "verify", "--man=no", str(laid / "etc/systemd/system" / unit))

    complaints = [line for line in done.stderr.splitlines() if unit in line]
    assert done.returncode == 0, done.stderr
    assert complaints == []


def _next_two(timer_file: str) -> str:
    timer = configparser.ConfigParser()
    timer.read(FOLDER / timer_file)
    done = run("systemd-analyze", "calendar", "--iterations=2", timer["Timer"]["OnCalendar"])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_training_runs_each_week() -> None:
    assert "Sun" in _next_two("guard-train.timer")


def test_the_backup_runs_each_night() -> None:
    assert _next_two("guard-backup.timer").count("02:00:00 UTC") == 2


def test_the_user_and_the_folders_can_be_made(laid: Path) -> None:
    (laid / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (laid / "etc/group").write_text("root:x:0:\n")

    users = run("systemd-sysusers", f"--root={laid}", str(laid / "etc/sysusers.d/guard.conf"))
    assert users.returncode == 0, users.stderr
    assert "\nguard:" in (laid / "etc/passwd").read_text()

    folders = run("systemd-tmpfiles", "--create", f"--root={laid}", str(laid / "etc/tmpfiles.d/guard.conf"))
    assert folders.returncode == 0, folders.stderr
    assert (laid / "var/lib/guard").stat().st_mode & 0o777 == 0o700
    assert (laid / "etc/guard/secrets").stat().st_mode & 0o777 == 0o700


def test_the_unit_waits_longer_than_guard_takes_to_stop() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(FOLDER / "guard.service")

    assert float(unit["Service"]["TimeoutStopSec"].removesuffix("s")) > STOP_WITHIN_S
    assert unit["Service"]["RestartPreventExitStatus"] == "2"
