"""`guard ingest`: what is wrong with how it is called or configured is said before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Guard

LOG = '[log]\nurl = "nats://127.0.0.1:1"\n'


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        ('[broker]\nurl = "mqtt://127.0.0.1:1"\n', (), "log.url: is missing: a cluster needs a log"),
        (LOG, (), "broker.url: names no MQTT broker for the ingest to read"),
        ('[broker]\nurl = "nats://127.0.0.1:1"\n', (), "broker.url: names no MQTT broker for the ingest to read"),
        (LOG, ("--name", "two words"), "--name: an ingest's name has"),
        (LOG + "stream = 3\n", (), 'log.stream: unknown key; the nearest known one is "streams"'),
    ],
)
def test_wrong_use_and_wrong_configuration_are_told_and_end_it(
    guard: Guard, tmp_path: Path, text: str, more: tuple[str, ...], says: str
) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text(text)
    result = guard("ingest", "--config", str(file), *more)
    assert result.exit_code == 2
    assert says in result.stderr
