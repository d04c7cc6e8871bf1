"""Help, version and wrong use: quick, complete, and the same tomorrow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from guard import __version__
from tests.cli import golden_files, program
from tests.cli.conftest import Guard

COMMANDS = [
    "",
    "run",
    "check",
    "demo",
    "simulate",
    "load",
    "ingest",
    "worker",
    "cluster",
    "backup",
    "store",
    "backtest",
    "train",
    "install",
    "account",
    "accounts",
    "learn",
    "ledger",
    "statement",
    "block",
    "release",
    "reload",
    "allow",
    "limit",
    "limits",
    "limits review",
    "forget",
    "held",
    "rules",
    "webhooks",
    "token",
    "token add",
    "token list",
    "token remove",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command(guard: Guard, command: str) -> None:
    result = guard(*command.split(), "--help")
    assert result.exit_code == 0
    golden_files.check(f"help-{command.replace(' ', '-') or 'guard'}.txt", result.output)


def test_every_command_is_in_the_list_above(guard: Guard) -> None:
    listed = guard("--help").output.partition("Commands:")[2]
    names = {line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "}
    assert names == {command.split()[0] for command in COMMANDS if command}


def test_the_version(guard: Guard) -> None:
    """And on which core it runs: tests run on the sources."""
    assert guard("--version").output == f"guard {__version__} (interpreted core)\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["account"],
        ["accounts", "--state", "happy"],
        ["block", "A1"],
        ["allow", "A1", "--reason", "x"],
        ["limit", "A1", "--amount", "800"],
        ["load"],
        ["simulate"],
        ["demo", "--speed", "0"],
        ["token", "add", "ana"],
        ["token", "add", "ana", "--role", "king"],
    ],
)
def test_wrong_use_is_exit_2(guard: Guard, arguments: list[str]) -> None:
    result = guard(*arguments)
    assert result.exit_code == 2
    assert "Error" in result.output
    assert "Traceback" not in result.output


def test_the_command_line_alone_imports_little() -> None:
    """`guard --help` stays quick because what a command needs is imported when it runs."""
    heavy = ("aiomqtt", "asyncio", "httpx", "msgspec", "rich", "starlette", "structlog", "uvicorn")
    source = f"import guard.cli, sys; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", source], cwd=program.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
