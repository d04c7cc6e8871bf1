"""`guard webhooks`."""

from __future__ import annotations

import getpass
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli import golden_files
from tests.cli.conftest import Guard
from tests.cli.fake_daemon import FakeDaemon

WEBHOOKS = "/api/v1/webhooks"
DELIVERIES = f"{WEBHOOKS}/deliveries"
RESEND = f"{WEBHOOKS}/ops/resend"


def webhook(**changes: Any) -> dict[str, Any]:
    """A target that is well."""
    return {
        "webhook": "ops",
        "kind": "generic",
        "events": ["block", "unblock", "warn"],
        "pending": 0,
        "dead": 0,
        "delivered_at": "2024-11-22T08:12:45.120Z",
        "failing_since": None,
        "error": "",
    } | changes


def letter(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A dead letter."""
    return {
        "webhook": "pager",
        "id": f"01JD7Q4Z8R{number:016d}",
        "type": "block",
        "at": "2024-11-22T08:12:45.120Z",
        "account": "A1001",
        "switch": "",
        "text": "Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD.",
        "state": "dead",
        "since": "2024-11-22T08:12:45.130Z",
        "attempts": 33,
        "tried_at": "2024-11-23T08:12:45.130Z",
        "due_at": None,
        "error": "answered 403",
    } | changes


def test_the_webhooks_as_a_table(guard: Guard, daemon: FakeDaemon) -> None:
    failing = webhook(
        webhook="pager",
        kind="pagerduty",
        pending=12,
        dead=3,
        delivered_at=None,
        failing_since="2024-11-22T08:12:45.120Z",
        error="answered 403",
    )
    daemon.answer("GET", WEBHOOKS, {"webhooks": [webhook(), failing]})
    result = guard("webhooks")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    golden_files.check("webhooks.txt", result.stdout)
    assert result.stderr == "3 dead letters: guard webhooks dead; guard webhooks resend WEBHOOK --reason TEXT.\n"


def test_that_there_is_none_is_said(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", WEBHOOKS, {"webhooks": []})
    result = guard("webhooks", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No webhook is configured: see [[webhook]] in guard.toml.\n"


def test_dead_letters_as_a_table(guard: Guard, daemon: FakeDaemon) -> None:
    odd = letter(2, type="blind", account="", switch="sw1", text="Switch sw1\x1b[2J is down.", attempts=1)
    daemon.answer("GET", DELIVERIES, {"deliveries": [letter(), odd], "next": None})
    result = guard("webhooks", "dead", "pager")
    golden_files.check("webhooks-dead.txt", result.stdout)
    assert result.stderr == "2 dead letters of pager.\n"
    asked = parse_qs(urlsplit(daemon.asked[0].target).query)
    assert asked == {"state": ["dead"], "webhook": ["pager"], "limit": ["500"]}


def test_what_is_pending_says_when_it_comes_again(guard: Guard, daemon: FakeDaemon) -> None:
    fresh = letter(2, state="pending", attempts=0, tried_at=None, due_at="2024-11-22T08:12:45.120Z", error="")
    waiting = letter(state="pending", attempts=2, due_at="2024-11-22T08:13:00.120Z")
    daemon.answer("GET", DELIVERIES, {"deliveries": [waiting, fresh], "next": None})
    result = guard("webhooks", "pending")
    assert "(2 attempts, last 23 Nov 2024 03:12: answered 403, again 22 Nov" in " ".join(result.stdout.split())
    assert result.stderr == "2 to be sent.\n"


def test_every_page_is_asked_for(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", DELIVERIES, {"deliveries": [letter(2)], "next": None})
    daemon.answer("GET", f"{DELIVERIES}?state=dead&limit=500", {"deliveries": [letter(1)], "next": "pager/1"})
    assert json.loads(guard("webhooks", "dead", "--json").stdout) == [letter(1), letter(2)]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "ops has no dead letters.\n"),
        (1, "1 dead letter of ops will be sent again now.\n"),
        (1_000, "1,000 dead letters of ops will be sent again now.\n"),
    ],
)
def test_dead_letters_are_sent_again(guard: Guard, daemon: FakeDaemon, count: int, said: str) -> None:
    daemon.answer("POST", RESEND, {"webhook": "ops", "resent": count})
    assert guard("webhooks", "resend", "ops", "--reason", "mended").output == said
    assert daemon.asked[0].body == {"reason": "mended", "by": getpass.getuser()}


def test_one_letter_is_sent_again(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", RESEND, {"webhook": "ops", "resent": 1})
    guard("webhooks", "resend", "ops", "--id", "01JD", "--reason", "mended", "--by", "ana")
    assert daemon.asked[0].body == {"reason": "mended", "by": "ana", "id": "01JD"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("resend", "--reason", "x"), "say which webhook"),
        (("resend", "ops"), "--reason: say why"),
        (("dead", "--reason", "x"), "go with resend"),
        (("sned",), "'sned' is not one of"),
    ],
)
def test_wrong_use_is_2_and_says_what_to_do(
    guard: Guard, daemon: FakeDaemon, arguments: tuple[str, ...], error: str
) -> None:
    result = guard("webhooks", *arguments)
    assert result.exit_code == 2
    assert error in result.stderr
    assert daemon.asked == []
