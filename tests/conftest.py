"""What holds for every test: async tests run on asyncio, examples are reproducible, and CI leaves nothing out.

Tests hold the sources to account, also where somebody has built the core as machine code (`guard.compiled`), unless
`GUARD_CORE=compiled` asks for that: `scripts/test-compiled` does.

With `CI=true` a skipped test is a failed test: there everything that a test may need has been installed, so a skip is
a hole in the net. Where a test cannot run, deselect it by its marker, in the open (`scripts/test` does).
"""

import logging
import os
from collections.abc import Generator, Iterator

import pytest
import structlog
from hypothesis import settings

from tests.postgres.server import PostgresServer

# Before anything imports guard; processes that tests start inherit it.
os.environ.setdefault("GUARD_CORE", "interpreted")

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)


def in_ci() -> bool:
    """Whether this run decides about a change."""
    return os.environ.get("CI") == "true"


def pytest_configure() -> None:
    """New examples on every run of a developer, the same ones for everybody in CI."""
    settings.load_profile("ci" if in_ci() else "here")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """guard is an asyncio program; its async tests run nowhere else."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One for all tests that only need a database: nothing of it is synced, and nobody may kill it."""
    with PostgresServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A daemon that ran inside of a test had set up the log, on a stream that is closed when the test is over."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, turn a skip into a failure. An expected failure (xfail) is none."""
    report = yield
    if in_ci() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = _not_in_ci(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself as a whole."""
    report = yield
    if in_ci() and report.skipped:
        report.outcome = "failed"
        report.longrepr = _not_in_ci(report.longrepr)
    return report


def _not_in_ci(longrepr: object) -> str:
    reason = longrepr[2] if isinstance(longrepr, tuple) else longrepr
    return (
        f"{reason}\nNothing is skipped in CI: install what the test needs in scripts/test, or mark it and deselect it."
    )
