"""`guard held` and `guard rules`."""

from __future__ import annotations

import getpass
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli import golden_files, pictures
from tests.cli.conftest import Guard
from tests.cli.fake_daemon import FakeDaemon

HELD = "/api/v1/held"
ID = pictures.held()["id"]
CLOSE = "/api/v1/fuse/close"
APPROVE, REJECT = f"{HELD}/{ID}/approve", f"{HELD}/{ID}/reject"


def page(*held: dict[str, object], fuse_open: bool = False, following: str | None = None) -> dict[str, object]:
    return {"fuse_open": fuse_open, "held": list(held), "next": following}


def test_the_held_blocks_as_a_table(guard: Guard, daemon: FakeDaemon) -> None:
    odd = pictures.held(2, account="B7\x1b[2J", rule="", reason="anomaly", scope="all", text="A usual day is 2.10.")
    daemon.answer("GET", HELD, page(pictures.held(), odd, fuse_open=True))
    result = guard("held")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    golden_files.check("held.txt", result.stdout)
    assert result.stderr == (
        "2 blocks wait for an operator: guard held approve|reject ID --reason TEXT.\n"
        "The fuse is open, so will further ones: guard held close-fuse --reason TEXT.\n"
    )


def test_that_nothing_is_held_is_said(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", HELD, page())
    result = guard("held")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No block waits for an operator.\n")


def test_every_page_is_asked_for(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", HELD, page(pictures.held(2)))
    daemon.answer("GET", f"{HELD}?limit=500", page(pictures.held(1), following=ID))
    listed = json.loads(guard("held", "--json").stdout)
    assert listed == [pictures.held(1), pictures.held(2)]
    assert [parse_qs(urlsplit(asked.target).query).get("after") for asked in daemon.asked] == [None, [ID]]


def test_an_approved_block_is_in_force(guard: Guard, daemon: FakeDaemon) -> None:
    block = pictures.blocked()["block"] | {"scope": "international"}
    daemon.answer("POST", APPROVE, pictures.blocked() | {"block": block})
    result = guard("held", "approve", ID, "--reason", "stolen password")
    assert result.output == "A1001 is blocked: international calls, except emergency calls.\n"
    assert daemon.asked[0].body == {"reason": "stolen password", "by": getpass.getuser()}


def test_an_approval_that_does_not_block_says_so(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", APPROVE, pictures.active(allow_until="2024-11-22T09:12:45Z"))
    output = " ".join(guard("held", "approve", ID, "--reason", "x").output.split())
    assert output == "The block of A1001 is approved, but something allows the account: see `guard account`."


def test_a_rejected_block_is_dropped(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", REJECT, pictures.active())
    result = guard("held", "reject", ID, "--reason", "month end", "--by", "ana")
    assert result.output == "The block of A1001 is dropped.\n"
    assert daemon.asked[0].body == {"reason": "month end", "by": "ana"}


def test_a_rejection_that_leaves_a_block_says_so(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", REJECT, pictures.blocked())
    output = " ".join(guard("held", "reject", ID, "--reason", "x").output.split())
    assert output == "The block of A1001 is dropped. It is blocked for another cause: see `guard account`."


def test_json_after_a_verdict(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", REJECT, pictures.active())
    assert json.loads(guard("held", "reject", ID, "--reason", "x", "--json").stdout) == pictures.active()


def test_an_id_is_a_part_of_the_path_whatever_is_typed(guard: Guard, daemon: FakeDaemon) -> None:
    guard("held", "reject", "../a b", "--reason", "x")
    assert daemon.asked[0].target == f"{HELD}/..%2Fa%20b/reject"


def test_what_is_not_held_is_said(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.problem("POST", APPROVE, 404, "no block with this id is held")
    result = guard("held", "approve", ID, "--reason", "x")
    assert (result.exit_code, result.stderr) == (1, "guard: no block with this id is held\n")


def test_the_fuse_closed_by_hand(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", CLOSE, {"fuse_open": False})
    result = guard("held", "close-fuse", "--reason", "the rule is right", "--by", "ana")
    assert result.output == "The fuse is closed. What is held stays held: see `guard held`.\n"
    assert daemon.asked[0].body == {"reason": "the rule is right", "by": "ana"}


def test_json_after_closing_the_fuse(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", CLOSE, {"fuse_open": True})
    assert json.loads(guard("held", "close-fuse", "--reason", "x", "--json").stdout) == {"fuse_open": True}
    assert "has opened again" in guard("held", "close-fuse", "--reason", "x").output


@pytest.mark.parametrize(
    "arguments",
    [
        ["held", "approve"],
        ["held", "approve", "--reason", "x"],
        ["held", "approve", ID],
        ["held", "reject", ID, "--reason", " "],
        ["held", "close-fuse"],
        ["held", "close-fuse", ID, "--reason", "x"],
        ["held", "forget", ID, "--reason", "x"],
        ["held", "--reason", "x"],
    ],
)
def test_what_is_not_clear_is_not_asked(guard: Guard, daemon: FakeDaemon, arguments: list[str]) -> None:
    assert guard(*arguments).exit_code == 2
    assert daemon.asked == []


def test_the_rules_as_a_table(guard: Guard, daemon: FakeDaemon) -> None:
    rules = [
        pictures.rule(),
        pictures.rule(
            "long-call", mode="enforce", measure="duration", window=None, per="account", warn=None, block="4h"
        ),
        pictures.rule("a-name-that-is-too-long-for-it", measure="short_share", warn="12.50%", block=None, scope="all"),
    ]
    daemon.answer("GET", "/api/v1/rules", {"rules": rules})
    result = guard("rules")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    golden_files.check("rules.txt", result.stdout)
    assert result.stderr == "3 rules, 1 of them enforced.\n"


def test_the_rules_as_json(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", "/api/v1/rules", {"rules": [pictures.rule()]})
    assert json.loads(guard("rules", "--json").stdout) == [pictures.rule()]


def test_without_rules_there_is_no_table(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("GET", "/api/v1/rules", {"rules": []})
    result = guard("rules")
    assert (result.stdout, result.stderr) == ("", "No rule is in force.\n")
