"""`[privacy]`: for how long it is known who called whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.config import ConfigError, load_config
from guard.core.settings import DAY_MS


def load(folder: Path, text: str) -> int | None:
    """What the engine is told of a file."""
    path = folder / "guard.toml"
    path.write_text(text)
    config = load_config(path)
    assert config.settings().keep_details_ms == config.privacy.keep_call_details_ms
    return config.privacy.keep_call_details_ms


@pytest.mark.parametrize(
    ("text", "kept_ms"),
    [
        ("", 90 * DAY_MS),
        ('[privacy]\nkeep_call_details = "400d"\n', 400 * DAY_MS),
        ('[privacy]\nkeep_call_details = "7d"\n', 7 * DAY_MS),
        ('[privacy]\nkeep_call_details = ""\n', None),
        ('[calls]\nremember = "120d"\n', 120 * DAY_MS),
        ('[calls]\nremember = "1d"\n[privacy]\nkeep_call_details = "36h"\n', 3 * DAY_MS // 2),
    ],
)
def test_how_long_call_details_are_kept(tmp_path: Path, text: str, kept_ms: int | None) -> None:
    """90 days by default, for ever when nothing is stated between the quotes; a default gives way to the memory."""
    assert load(tmp_path, text) == kept_ms


@pytest.mark.parametrize("stated", ['"0d"', '"0"', "0", '"6d"', '"ever"', "true"])
def test_what_is_shorter_than_the_memory_or_no_span_is_refused(tmp_path: Path, stated: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, f"[privacy]\nkeep_call_details = {stated}\n")
    (problem,) = error.value.problems
    assert (problem.key, problem.line) == ("privacy.keep_call_details", 2)
