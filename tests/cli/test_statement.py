"""`guard statement`: figures that add up on paper, and why the balance is not zero."""

from __future__ import annotations

import json

import pytest

from tests.cli import golden_files, pictures
from tests.cli.conftest import Guard
from tests.cli.fake_daemon import FakeDaemon

PATH = "/api/v1/accounts/A1001/statement"


def test_the_present_cycle(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", PATH, pictures.statement())
    result = guard("statement", "A1001")
    assert result.exit_code == 0
    assert all(len(line) <= 80 for line in result.output.splitlines())
    golden_files.check("statement.txt", result.output)
    assert daemon.asked[0].target == PATH


def test_a_cycle_that_is_over(guard: Guard, daemon: FakeDaemon) -> None:
    """It ends with the balance on the next 1st."""
    over = pictures.statement()["cycle"] | {"name": "2024-12", "current": False}
    daemon.answer("GET", PATH, pictures.statement(cycle=over, live=None))
    output = guard("statement", "A1001", "--cycle", "2024-12").output
    assert daemon.asked[0].target == f"{PATH}?cycle=2024-12"
    assert "December 2024, in CAD" in output
    assert "Balance on 1 Jan 2025" in output
    assert "98.00" in output


def test_every_kind_of_line_has_its_row(guard: Guard, daemon: FakeDaemon) -> None:
    picture = pictures.statement(
        charges=[pictures.charge("", net="1.00"), pictures.charge("onnet")],
        reversals="5.00",
        reconciled="-2.00",
        payments=[{"method": "other", "payments": 2, "amount": "3.00"}],
    )
    daemon.answer("GET", PATH, picture)
    output = guard("statement", "A1001").output
    for title in ("Calls ", "Calls, on-net", "Payments by other means", "Payments reversed", "Set right by billing"):
        assert title in output


def test_json_is_what_the_daemon_said(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", PATH, pictures.statement())
    assert json.loads(guard("statement", "A1001", "--json").stdout) == pictures.statement()


@pytest.mark.parametrize("cycle", ["2024", "2024-13", "October", "0000-01", "9999-01"])
def test_what_is_no_month_is_not_asked(guard: Guard, daemon: FakeDaemon, cycle: str) -> None:
    result = guard("statement", "A1001", "--cycle", cycle)
    assert result.exit_code == 2
    assert "is not a month; write it like 2026-10" in result.output
    assert daemon.asked == []


def test_a_cycle_in_the_future_is_refused_by_the_daemon(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.problem("GET", PATH, 400, "cycle: must not lie in the future")
    result = guard("statement", "A1001", "--cycle", "2999-01")
    assert (result.exit_code, result.output) == (2, "guard: cycle: must not lie in the future\n")
