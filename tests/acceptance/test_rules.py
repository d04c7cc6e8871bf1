"""Rules from outside: a daemon with a folder of rules that act, a switch that carries a fraud, an operator, a crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

RULES = """
[[rule]]
id = "same-number"
title = "Again and again the same number abroad"
mode = "enforce"
measure = "calls"
window = "15m"
per = "number"
where = { class = ["international", "premium"] }
warn = 2
block = 3
scope = "international"

[[rule]]
id = "night"
title = "What would be too much at home"
mode = "shadow"
measure = "calls"
window = "1h"
where = { class = ["domestic"] }
block = 2
"""
TARIFF = """prefix,name,class,rate,connect,minimum_s,increment_s
1,Canada and USA,domestic,0.02,0,0,1
252,Somalia,international,3.40,0,60,60
"""
CONFIG = """[tariff]
file = "tariff.csv"
[rules]
dir = "rules"
[fuse]
blocks = 1
window = "1h"
"""
SOMALIA = "+252612345678"
WHO = {"by": "ana", "reason": "spoke to them"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for the module."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture
def guard(tmp_path: Path, broker: Mosquitto) -> Iterator[Guard]:
    """A daemon with two rules and a fuse that lets one block through."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    (tmp_path / "tariff.csv").write_text(TARIFF)
    with Guard(tmp_path, broker.url, more=CONFIG) as running:
        yield running


@pytest.fixture
def switch(broker: Mosquitto, guard: Guard) -> Iterator[SwitchClient]:
    """A switch that obeys."""
    with SwitchClient(broker.port) as running:
        running.say("status", {"status": "up"})
        wait_for(running.snapshots, "the snapshot", guard.log_tail)
        yield running


def decided(switch: SwitchClient, account: str) -> list[tuple[str, str, str]]:
    """Action, reason and mode of each decision about an account, as published."""
    seen = {each["id"]: each for each in switch.decisions if each["account"] == account}
    return [(each["action"], each["reason"], each["mode"]) for each in seen.values()]


def told(switch: SwitchClient, account: str, action: str) -> dict[str, Any]:
    """The last decision of that kind."""
    return [each for each in switch.decisions if (each["account"], each["action"]) == (account, action)][-1]


def held(guard: Guard) -> list[dict[str, Any]]:
    """What waits for an operator."""
    _, body = guard.request("GET", "/api/v1/held")
    blocks: list[dict[str, Any]] = body["held"]
    return blocks


def test_a_fraud_from_its_block_to_the_fuse_with_a_crash_in_the_middle(guard: Guard, switch: SwitchClient) -> None:
    """Blocked with its reason and in its scope, released; the next one is held, and approved after a crash."""
    for call in range(3):
        switch.report(f"a-{call}", "answered", "A1", to=SOMALIA)
    (command,) = wait_for(lambda: switch.commands("A1", "block"), "the block", guard.log_tail)
    assert (command["scope"], command["reason"], command["end_calls"], command["until"]) == (
        "international",
        "rule",
        True,
        None,
    )
    wait_for(lambda: len(decided(switch, "A1")) == 2, "both decisions", guard.log_tail)
    assert decided(switch, "A1") == [("warn", "rule", "enforce"), ("block", "rule", "enforce")]
    block = told(switch, "A1", "block")
    assert (block["rule"], block["mark"], block["scope"]) == ("same-number", "block", "international")
    assert block["text"] == (
        "Blocked (international calls): 3 calls in 15 minutes to +25261*** (Somalia) at 3.40 a minute; 3 is the mark."
    )
    assert {"what": "calls", "value": "3", "threshold": "3"} in block["evidence"]
    assert SOMALIA[6:] not in str(switch.decisions)

    picture = guard.account("A1")
    assert (picture["state"], picture["block"]["scope"]) == ("blocked", "international")
    assert [(cause["reason"], cause["rule"]) for cause in picture["block"]["causes"]] == [("rule", "same-number")]
    switch.bill(
        {"type": "payment", "id": "p1", "account": "A1", "amount": "50.00", "method": "card", "status": "posted"}
    )
    status, picture = guard.request("POST", "/api/v1/accounts/A1/release", WHO)
    assert (status, picture["state"], picture["block"]) == (200, "active", None)
    wait_for(lambda: switch.commands("A1", "unblock"), "the unblock", guard.log_tail)

    # The fuse has let one block through: the next waits, and goes on waiting after a crash.
    for call in range(3):
        switch.report(f"b-{call}", "answered", "B1", to=SOMALIA)
    wait_for(lambda: held(guard), "the held block", guard.log_tail)
    assert guard.metric("guard_fuse_open") == 1
    guard.kill()
    guard.start()
    (waiting,) = held(guard)
    assert (waiting["account"], waiting["rule"], waiting["scope"]) == ("B1", "same-number", "international")
    assert guard.account("B1")["block"] is None
    assert not switch.commands("B1", "block")

    status, picture = guard.request("POST", f"/api/v1/held/{waiting['id']}/approve", WHO)
    assert (status, picture["block"]["scope"]) == (200, "international")
    wait_for(lambda: switch.commands("B1", "block"), "the approved block", guard.log_tail)
    assert held(guard) == []
    assert guard.request("POST", f"/api/v1/held/{waiting['id']}/approve", WHO)[0] == 404

    # Closed by hand: the next block acts at once.
    assert guard.request("POST", "/api/v1/fuse/close", WHO) == (200, {"fuse_open": False})
    for call in range(3):
        switch.report(f"c-{call}", "answered", "C1", to=SOMALIA)
    wait_for(lambda: switch.commands("C1", "block"), "the block of the third", guard.log_tail)
    assert guard.metric("guard_rule_hits_total", rule="same-number", mode="enforce") >= 2


def test_a_shadow_rule_is_recorded_and_moves_nothing(guard: Guard, switch: SwitchClient) -> None:
    """An emergency call and a refused attempt beside it count in nothing."""
    switch.report("e-1", "answered", "D1", to="911")
    switch.report("f-1", "failed", "D1", to="+16135550100", cause="blocked")
    for call in range(2):
        switch.report(f"d-{call}", "answered", "D1", to="+16135550100")
    wait_for(lambda: decided(switch, "D1"), "the recorded block", guard.log_tail)
    assert decided(switch, "D1") == [("block", "rule", "shadow")]
    assert told(switch, "D1", "block")["text"].startswith("Would block: 2 calls in 1 hour")
    assert guard.account("D1")["state"] == "active"
    assert switch.commands("D1") == []


def test_what_is_wrong_in_a_rule_is_told_before_the_start(tmp_path: Path) -> None:
    """With file, rule, key and what would be accepted; `guard check` says it, and `guard run` does not start."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES.replace('"calls"', '"cals"').replace("block = 2", "block = -2"))
    (tmp_path / "guard.toml").write_text('[rules]\ndir = "rules"\n')
    for command in ("check", "run"):
        done = subprocess.run(
            [sys.executable, "-m", "guard", command, "--config", str(tmp_path / "guard.toml")],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert 'rule "same-number"' in done.stderr
        assert "own.toml:" in done.stderr
        assert 'rule "night"' in done.stderr
