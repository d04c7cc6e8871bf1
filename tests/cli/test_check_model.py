"""`guard check` verifies the model that the configuration names, as the daemon will."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from guard.anomaly.artefact import CARD
from guard.cli import app
from tests.anomaly.builders import write_model

CONFIG = '[model]\ndir = "model"\nfalse_alarms_per_1000_account_days = 20\n'
NO_RULES = '[rules]\ndir = "rules"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_model(tmp_path / "model")
    path = tmp_path / "guard.toml"
    (tmp_path / "rules").mkdir()
    path.write_text(NO_RULES + CONFIG)
    return path


def check(config: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", "--config", str(config)])
    return result.exit_code, result.output


def test_a_model_that_is_in_order_is_told_with_its_marks(config: Path) -> None:
    code, said = check(config)
    assert code == 0, said
    assert "model: shadow, speaks above " in said


def test_one_that_was_changed_is_an_error_with_its_file(config: Path) -> None:
    (config.parent / "model" / CARD).write_text("# Better\n")
    code, said = check(config)
    assert code == 2
    assert "card.md: is not the file that manifest.json was written for" in said


def test_a_promise_that_it_cannot_keep_is_an_error(config: Path) -> None:
    config.write_text(NO_RULES + CONFIG.replace("20", "0.1"))
    code, said = check(config)
    assert code == 2
    assert "0.1 false alarms per 1,000 account-days cannot be promised" in said


def test_switched_off_nobody_looks_at_it(config: Path) -> None:
    (config.parent / "model" / CARD).unlink()
    config.write_text(NO_RULES + CONFIG + 'mode = "off"\n')
    assert check(config)[0] == 0
