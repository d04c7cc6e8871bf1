"""`guard block`, `release`, `allow`: who, why, until when; and what is said afterwards."""

from __future__ import annotations

import getpass
import json
from datetime import datetime, timedelta

import pytest

from guard.commands.output import CommandError
from guard.commands.times import read_past_time, read_time
from tests.cli import pictures
from tests.cli.conftest import Guard
from tests.cli.fake_daemon import FakeDaemon

BASE = "/api/v1/accounts/A1001"
NOW = datetime.fromisoformat("2024-11-22T03:12:45.120-05:00")


def test_a_block_says_who_and_why(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", BASE + "/block", pictures.blocked())
    result = guard("block", "A1001", "--reason", "stolen password", "--scope", "international")
    assert result.output == "A1001 is blocked: international calls, except emergency calls.\n"
    assert daemon.asked[0].body == {
        "reason": "stolen password",
        "by": getpass.getuser(),
        "scope": "international",
    }


def test_a_release_says_how_long_it_allows(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", BASE + "/release", pictures.active(allow_until="2024-11-22T09:12:45Z"))
    result = guard("release", "A1001", "--reason", "spoke to them", "--by", "ana")
    assert result.output == "A1001 is released and allowed until 22 Nov 2024 04:12.\n"
    assert daemon.asked[0].body == {"reason": "spoke to them", "by": "ana"}


def test_a_release_that_leaves_a_block_says_so(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", BASE + "/release", pictures.blocked())
    assert "still blocked for another cause" in guard("release", "A1001", "--reason", "x").output.replace("\n", " ")


def test_an_allowance_until_a_time(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", BASE + "/allow", pictures.active())
    result = guard("allow", "A1001", "--reason", "x", "--by", "ana", "--until", "2024-12-05")
    assert result.exit_code == 0
    assert daemon.asked[0].body == {"reason": "x", "by": "ana", "until": "2024-12-05T00:00:00-05:00"}
    assert "allowed until 5 Dec 2024 00:00" in result.output


def test_forgetting_says_what_stays(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", BASE + "/forget", pictures.active(state="closed"))
    result = guard("forget", "A1001", "--reason", "asked for it", "--by", "ana")
    told = "A1001 is forgotten. What it owed and why it was blocked stay; details of its calls go now."
    assert " ".join(result.output.split()) == told
    assert daemon.asked[0].body == {"reason": "asked for it", "by": "ana"}


def test_an_account_that_is_not_closed_is_not_forgotten(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.problem("POST", BASE + "/forget", 409, "the account is not closed")
    result = guard("forget", "A1001", "--reason", "x")
    assert (result.exit_code, result.stderr) == (1, "guard: the account is not closed\n")
    assert guard("forget", "A1001").exit_code == 2


def test_a_refusal_is_a_sentence(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.problem("POST", BASE + "/release", 409, "the account is still at its credit limit")
    result = guard("release", "A1001", "--reason", "x")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "guard: the account is still at its credit limit\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["block", "A1001", "--reason", " "],
        ["block", "A1001", "--reason", "x", "--until", "soon"],
        ["allow", "A1001", "--reason", "x", "--until", "0x"],
    ],
)
def test_what_cannot_be_asked_is_not_asked(guard: Guard, daemon: FakeDaemon, arguments: list[str]) -> None:
    assert guard(*arguments).exit_code == 2
    assert daemon.asked == []


def test_json_after_an_operation(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", BASE + "/block", pictures.blocked())
    assert json.loads(guard("block", "A1001", "--reason", "x", "--json").stdout) == pictures.blocked()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("90s", "2024-11-22T03:14:15-05:00"),
        ("2h", "2024-11-22T05:12:45-05:00"),
        ("3d", "2024-11-25T03:12:45-05:00"),
        ("2024-12-05", "2024-12-05T00:00:00-05:00"),
        ("2024-07-05 18:30", "2024-07-05T18:30:00-04:00"),
        ("2024-12-05T00:00:00Z", "2024-12-05T00:00:00+00:00"),
    ],
)
def test_times_as_they_are_typed(typed: str, meant: str) -> None:
    assert read_time("--until", typed, now=NOW) == meant


def test_in_history_a_span_counts_backwards() -> None:
    ago = datetime.now().astimezone() - datetime.fromisoformat(read_past_time("--from", "7d"))
    assert abs(ago - timedelta(days=7)) < timedelta(minutes=1)


def test_what_is_no_time_says_what_is() -> None:
    with pytest.raises(CommandError, match="--until: 'soon' is not a time; accepted: a span") as refused:
        read_time("--until", "soon")
    assert refused.value.exit_code == 2
