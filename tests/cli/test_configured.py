"""`guard check` and `guard token`: commands about files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guard.adapters.http.tokens import load_tokens
from tests.cli.conftest import Guard


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration in a folder of its own, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "guard.toml"
    path.write_text('[accounts]\ndefault_limit = "50.00"\n')
    return path


def test_a_good_configuration(guard: Guard, config: Path) -> None:
    result = guard("check", "--config", str(config))
    assert result.exit_code == 0
    said, shipped, played = result.output.splitlines()
    assert said == f"{config}: no errors; 0 tokens"
    assert re.fullmatch(r"rules: \d+ rules, \d+ enforce", shipped)
    assert re.fullmatch(r"scenarios: \d+ files, \d+ scenarios, \d+ expectations, all met", played)


def test_sums_that_cannot_be_checked(guard: Guard, config: Path) -> None:
    result = guard("check", "--config", str(config), "--ledger")
    assert result.exit_code == 1
    assert "guard.db: there is no such file" in result.stderr


def test_without_a_file_the_defaults_are_checked(guard: Guard, config: Path) -> None:
    config.unlink()
    assert "the defaults (there is no guard.toml here): no errors" in guard("check").output


def test_every_error_is_printed(guard: Guard, config: Path) -> None:
    config.write_text('[acounts]\n[calls]\nstale_after = "soon"\n[http]\nlisten = "nowhere"\n')
    result = guard("check", "--config", str(config))
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"guard: {config}:") for line in lines)
    assert any("calls.stale_after" in line for line in lines)


def test_a_broken_tokens_file_is_an_error_too(guard: Guard, config: Path) -> None:
    config.with_name("tokens.toml").write_text("[token.ana]\nrole = 'king'\n")
    result = guard("check", "--config", str(config))
    assert result.exit_code == 2
    assert "token.ana" in result.stderr


def test_a_named_file_must_exist(guard: Guard) -> None:
    for command in (["check"], ["run"], ["token", "list"]):
        result = guard(*command, "--config", "nowhere.toml")
        assert result.exit_code == 2
        assert result.stderr == "guard: nowhere.toml: there is no such file\n"


def test_run_prints_every_error_and_does_not_start(guard: Guard, config: Path) -> None:
    config.write_text('[acounts]\n[calls]\nstale_after = "soon"\n')
    result = guard("run", "--config", str(config))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2


def test_the_life_of_a_token(guard: Guard, config: Path) -> None:
    added = guard("token", "add", "ana", "--role", "operate", "--config", str(config))
    assert added.exit_code == 0
    token = added.stdout.strip()
    assert token.startswith("guard_")
    assert token not in added.stderr
    tokens = config.with_name("tokens.toml")
    assert token not in tokens.read_text()
    assert load_tokens(tokens)["ana"].role.value == "operate"
    assert "ana   operate" in guard("token", "list", "--config", str(config)).output
    listed = guard("token", "list", "--json", "--config", str(config)).stdout
    assert '"name": "ana"' in listed
    assert "hash" not in listed
    assert guard("token", "remove", "ana", "--config", str(config)).exit_code == 0
    assert "has no tokens" in guard("token", "list", "--config", str(config)).stderr


def test_a_token_that_is_there_or_not_there(guard: Guard, config: Path) -> None:
    guard("token", "add", "ana", "--role", "read", "--config", str(config))
    again = guard("token", "add", "ana", "--role", "read", "--config", str(config))
    assert again.exit_code == 2
    assert "already" in again.stderr
    assert guard("token", "add", "a b", "--role", "read", "--config", str(config)).exit_code == 2
    gone = guard("token", "remove", "bob", "--config", str(config))
    assert gone.exit_code == 2
    assert "no token bob" in gone.stderr
