"""`guard install`: what it lays, what it leaves alone, what it refuses before it touches anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guard.commands.install import install as run_install
from guard.commands.output import CommandError

PROGRAM = "/opt/guard/bin/guard"


def install(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "guard", "install", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_everything_is_laid_and_the_laid_configuration_is_right(tmp_path: Path) -> None:
    done = install("--root", str(tmp_path), "--program", "/usr/local/bin/guard")

    assert done.returncode == 0, done.stderr
    laid = files(tmp_path)
    assert {
        "etc/systemd/system/guard.service",
        "etc/systemd/system/guard-train.service",
        "etc/systemd/system/guard-train.timer",
        "etc/systemd/system/guard-backup.service",
        "etc/systemd/system/guard-backup.timer",
        "etc/sysusers.d/guard.conf",
        "etc/tmpfiles.d/guard.conf",
        "etc/guard/guard.toml",
        "etc/guard/mosquitto.conf",
        "etc/guard/rules/abroad.toml",
    } <= laid
    unit = (tmp_path / "etc/systemd/system/guard.service").read_text()
    assert "ExecStart=/usr/local/bin/guard run --config /etc/guard/guard.toml" in unit
    assert "systemctl enable --now guard" in done.stderr
    checked = subprocess.run(
        [sys.executable, "-m", "guard", "check", "--config", str(tmp_path / "etc/guard/guard.toml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stderr


def test_a_second_time_replaces_the_unit_and_leaves_what_is_the_operators(tmp_path: Path) -> None:
    install("--root", str(tmp_path), "--program", PROGRAM)
    (tmp_path / "etc/guard/guard.toml").write_text("# mine\n")
    (tmp_path / "etc/guard/rules/abroad.toml").write_text("# mine too\n")
    (tmp_path / "etc/systemd/system/guard.service").write_text("# old\n")

    done = install("--root", str(tmp_path), "--program", PROGRAM)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "etc/guard/guard.toml").read_text() == "# mine\n"
    assert (tmp_path / "etc/guard/rules/abroad.toml").read_text() == "# mine too\n"
    assert "[Service]" in (tmp_path / "etc/systemd/system/guard.service").read_text()


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    done = install("--root", str(tmp_path), "--program", PROGRAM, "--dry-run")

    assert done.returncode == 0, done.stderr
    assert "would lay" in done.stderr
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (str(Path("/home") / "ana" / "bin" / "guard"), "cannot see anything below /home"),
        ("/opt/my guard/bin/guard", "spaces"),
    ],
)
def test_a_guard_that_the_unit_could_not_start_is_refused_first(tmp_path: Path, program: str, says: str) -> None:
    done = install("--root", str(tmp_path), "--program", program)

    assert done.returncode == 2
    assert says in done.stderr
    assert files(tmp_path) == set()


def test_a_guard_whose_python_lies_in_somebodys_home_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment's Python is often a link into one; the unit would fail at `exec`, and nobody know why."""
    monkeypatch.setattr("guard.commands.install.HIDDEN", (str(tmp_path / "home"),))
    for folder in ("home", "bin"):
        (tmp_path / folder).mkdir()
    (tmp_path / "home" / "python").touch()
    (tmp_path / "bin" / "python").symlink_to(tmp_path / "home" / "python")
    (tmp_path / "bin" / "guard").write_text(f"#!{tmp_path}/bin/python\n")
    with pytest.raises(CommandError, match="home/python: the service cannot see anything below"):
        run_install(root=tmp_path / "root", program=tmp_path / "bin" / "guard", dry_run=True)
    assert not (tmp_path / "root").exists()


def test_without_a_root_the_program_must_be_there() -> None:
    done = install("--program", "/opt/nowhere/guard", "--dry-run")

    assert done.returncode == 2
    assert "/opt/nowhere/guard: no program that can be started" in done.stderr
