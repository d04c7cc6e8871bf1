"""The daemon on PostgreSQL, as a process of its own; several may share a database, of which one works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from tests.acceptance.guardproc import Guard, wait_for
from tests.faults.traffic import assert_exact


class DatabaseGuard(Guard):
    """`guard run` on a database."""

    def __init__(self, folder: Path, broker_url: str, database: str, *, more: str = "") -> None:
        super().__init__(folder, broker_url, more=more)
        written = self.config.read_text().replace(f"sqlite:{self.store}", database)
        self.config.write_text(written)

    def why_not_ready(self) -> str:
        """What `/-/ready` says; empty: it is."""
        try:
            status, body = self.request("GET", "/-/ready")
        except OSError as error:
            return str(error)
        return "" if status == 200 else str(body["detail"])

    def stands_by(self) -> bool:
        """Whether it says that it waits for another one."""
        return self.why_not_ready().startswith("standby")

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process is not None and self._process.poll() is not None

    def check_ledger(self) -> str:
        """What `guard check --ledger` says against it; empty: every sum is right."""
        command = [sys.executable, "-m", "guard", "check", "--ledger", "--config", str(self.config)]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        return checked.stdout + checked.stderr if checked.returncode else ""


@contextmanager
def standby(folder: Path, broker_url: str, database: str, *, more: str) -> Iterator[DatabaseGuard]:
    """Another one on the same database, once it says that it stands by."""
    guard = DatabaseGuard(folder, broker_url, database, more=more)
    try:
        guard.start(ready=False)
        wait_for(guard.stands_by, "it stands by", guard.log_tail)
        yield guard
    finally:
        guard.__exit__(None, None, None)


def assert_whole(guard: DatabaseGuard, truth: dict[str, Decimal]) -> None:
    """Every balance is exact, each call is one line, and the sums of the database agree."""
    assert_exact(guard, truth)
    assert guard.check_ledger() == ""
