"""What every test of the command line needs: a way to call it, a fake daemon, and one time zone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import pytest
import structlog
from typer.testing import CliRunner, Result

from guard.cli import app
from tests.cli.fake_daemon import FakeDaemon, serving

Guard = Callable[..., Result]


@pytest.fixture(autouse=True)
def _one_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tests run in Toronto, 80 columns wide, and nobody has set anything."""
    monkeypatch.setenv("TZ", "America/Toronto")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    for name in ("GUARD_URL", "GUARD_TOKEN", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command sets up the log of its process, on streams that are gone when the test is over."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def guard() -> Guard:
    """`guard("account", "A1")` as if typed."""

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, prog_name="guard")

    return call


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDaemon]:
    """A fake daemon to which GUARD_URL points."""
    with serving() as fake:
        monkeypatch.setenv("GUARD_URL", fake.url)
        yield fake
