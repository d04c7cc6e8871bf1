"""The shell completes commands, options and what an option accepts, as its own script asks for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli import program
from tests.cli.conftest import Guard


def completed(line: str) -> set[str]:
    """What bash would offer at the end of the line."""
    asked = {"_GUARD_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(
        [sys.executable, "-m", "guard"],
        cwd=program.ROOT,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("guard acc", {"account", "accounts"}),
        ("guard accounts --st", {"--state"}),
        ("guard accounts --state ", {"active", "warned", "blocked", "closed"}),
        ("guard block A1 --scope ", {"all", "international", "premium"}),
        ("guard token ", {"add", "list", "remove"}),
    ],
)
def test_what_is_offered(line: str, offered: set[str]) -> None:
    assert completed(line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_that_way(guard: Guard, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    shown = guard("--show-completion", shell)
    assert shown.exit_code == 0
    assert f"_GUARD_COMPLETE=complete_{shell}" in shown.output
