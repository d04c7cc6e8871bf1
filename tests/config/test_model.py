"""`[model]`: the one knob, and the price from which the model alone may block."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.config import Config, ConfigError, load_config


def read(folder: Path, text: str) -> Config:
    path = folder / "guard.toml"
    path.write_text(text)
    return load_config(path)


def test_by_default_it_only_watches() -> None:
    settings = Config().settings()
    assert settings.model_mode.value == "shadow"
    assert Config().model.false_alarms_per_1000_account_days == 5.0


def test_what_is_written_reaches_the_engine(tmp_path: Path) -> None:
    text = (
        '[model]\nmode = "enforce"\nfalse_alarms_per_1000_account_days = 0.5\nmin_rate = "1.20"\nmin_in_flight = "30"\n'
    )
    config = read(tmp_path, text)
    assert config.model.false_alarms_per_1000_account_days == 0.5
    settings = config.settings()
    assert (settings.model_min_rate_micros, settings.model_min_in_flight_micros) == (1_200_000, 30_000_000)
    assert settings.model_mode.value == "enforce"


@pytest.mark.parametrize("value", ["0", "-1", "101", '"2"', "true", "nan", "inf"])
def test_a_promise_that_is_none_is_told_with_its_key(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, f"[model]\nfalse_alarms_per_1000_account_days = {value}\n")
    assert "false_alarms_per_1000_account_days" in str(error.value)
    assert "a number above 0, at most 100" in str(error.value)


def test_a_price_is_text_as_everywhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"min_rate"):
        read(tmp_path, "[model]\nmin_rate = 1.2\n")
