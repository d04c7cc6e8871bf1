"""`guard limit` and `guard limits review`."""

from __future__ import annotations

import csv
import getpass
import io
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli import golden_files, pictures
from tests.cli.conftest import Guard
from tests.cli.fake_daemon import FakeDaemon

LIMIT = "/api/v1/accounts/A1001/limit"
REVIEW = "/api/v1/limits/review"
WHO = {"by": getpass.getuser(), "reason": "EFT promised"}


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--amount", "800"], {"limit": "800"}),
        (["--none"], {"limit": None}),
        (["--suggested"], {"suggested": True}),
        (["--amount", "800", "--until", "2024-12-05"], {"limit": "800", "until": "2024-12-05T00:00:00-05:00"}),
    ],
)
def test_what_is_asked_for(guard: Guard, daemon: FakeDaemon, options: list[str], asked: dict[str, object]) -> None:
    daemon.answer("POST", LIMIT, pictures.active(limit="800.00", limit_text="set by ana"))
    result = guard("limit", "A1001", "--reason", "EFT promised", *options)
    assert result.output == "A1001 has a limit of 800.00 CAD now: set by ana.\n"
    assert daemon.asked[0].body == WHO | asked


def test_no_limit_and_a_block_that_stays(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", LIMIT, pictures.blocked() | {"limit": None, "limit_text": "no limit, set by ana"})
    output = " ".join(guard("limit", "A1001", "--none", "--reason", "x").output.split())
    assert "A1001 has no limit now: no limit, set by ana. It is blocked: see `guard account`." in output


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--amount", "800", "--none"],
        ["--none", "--suggested"],
        ["--suggested", "--until", "2d"],
        ["--amount", "800", "--until", "soon"],
        ["--amount", "800", "--reason", " "],
    ],
)
def test_what_is_not_clear_is_not_asked(guard: Guard, daemon: FakeDaemon, options: list[str]) -> None:
    assert guard("limit", "A1001", "--reason", "x", *options).exit_code == 2
    assert daemon.asked == []


def test_no_suggestion_is_said(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.problem("POST", LIMIT, 409, "no higher limit is waiting for this account")
    result = guard("limit", "A1001", "--suggested", "--reason", "x")
    assert (result.exit_code, result.stderr) == (1, "guard: no higher limit is waiting for this account\n")


def test_the_review_as_a_table(guard: Guard, daemon: FakeDaemon) -> None:
    reviews = [
        pictures.review(),
        pictures.review(
            "A1002", name="A name that is rather long for a column", limit="12500.00", limit_source="cycles"
        ),
        pictures.review("A1003", name="\x1b[2J", limit=None, cycles_covered=None),
    ]
    daemon.answer("GET", REVIEW, {"accounts": reviews, "next": None})
    result = guard("limits", "review")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    golden_files.check("limits-review.txt", result.stdout)
    assert result.stderr == "3 limits do not fit.\n"


def test_nothing_to_review_is_said(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", REVIEW, {"accounts": [], "next": None})
    result = guard("limits", "review")
    assert (result.stdout, result.stderr) == ("", "Every limit fits.\n")


def test_every_page_is_asked_for(guard: Guard, daemon: FakeDaemon) -> None:
    """A page may be empty and have a next one."""
    daemon.answer("GET", REVIEW, {"accounts": [pictures.review("A2")], "next": None})
    daemon.answer("GET", f"{REVIEW}?limit=500", {"accounts": [], "next": "A 1"})
    assert [one["account"] for one in json.loads(guard("limits", "review", "--json").stdout)] == ["A2"]
    assert [parse_qs(urlsplit(asked.target).query).get("after") for asked in daemon.asked] == [None, ["A 1"]]


def test_the_review_as_csv_cannot_be_a_formula(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", REVIEW, {"accounts": [pictures.review(name="=HYPERLINK(1)")], "next": None})
    rows = list(csv.DictReader(io.StringIO(guard("limits", "review", "--csv").stdout, newline="")))
    assert [(row["account"], row["name"], row["suggested"]) for row in rows] == [("A1001", "'=HYPERLINK(1)", "1100.00")]
    assert guard("limits", "review", "--csv", "--json").exit_code == 2
