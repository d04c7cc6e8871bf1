"""A daemon that reads its files anew, by signal and by request, with a switch that goes on calling meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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
mode = "enforce"
measure = "calls"
window = "15m"
per = "number"
where = { class = ["international"] }
warn = 2
block = 9
scope = "international"
"""
HEAD = "prefix,name,class,rate,connect,minimum_s,increment_s\n"
TARIFF = HEAD + "1,Canada and USA,domestic,0.02,0,0,1\n252,Somalia,international,3.40,0,0,1\n"
PLANS = """
[plan.office]
[[plan.office.quota]]
class = ["international"]
minutes = 100
"""
CONFIG = """[tariff]
file = "tariff.csv"
[plans]
file = "plans.toml"
[rules]
dir = "rules"
"""
SOMALIA = "+252612345678"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for the module."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture
def guard(tmp_path: Path, broker: Mosquitto) -> Iterator[Guard]:
    """A daemon with a tariff, a plan, a rule, and a store of its own."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    (tmp_path / "tariff.csv").write_text(TARIFF)
    (tmp_path / "plans.toml").write_text("")
    with Guard(tmp_path, broker.url, more=CONFIG) as running:
        yield running


@pytest.fixture
def switch(broker: Mosquitto, guard: Guard) -> Iterator[SwitchClient]:
    """A switch that obeys."""
    with SwitchClient(broker.port) as running:
        running.say("status", {"status": "up"})
        wait_for(running.snapshots, "the snapshot", guard.log_tail)
        yield running


def write(guard: Guard, name: str, text: str) -> None:
    """An operator edits a file."""
    (guard.folder / name).write_text(text)


def configure(guard: Guard, more: str) -> None:
    """An operator adds to guard.toml."""
    guard.config.write_text(guard.config.read_text() + more)


def reload(guard: Guard) -> dict[str, Any]:
    """Asked for by HTTP; it must succeed."""
    status, body = guard.request("POST", "/-/reload")
    assert status == 200, body
    answer: dict[str, Any] = body
    return answer


def hang_up(guard: Guard) -> None:
    """Asked for by signal."""
    assert guard._process is not None
    os.kill(guard._process.pid, signal.SIGHUP)


def log_lines(guard: Guard, event: str) -> list[dict[str, Any]]:
    """What the daemon has said under that name."""
    lines = [json.loads(line) for line in guard.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def test_rules_with_mistakes_change_nothing_and_each_mistake_is_told(guard: Guard, switch: SwitchClient) -> None:
    """By file and line, in the answer and in the log; then a lowered mark blocks a fraud that is under way."""
    assert guard.metric("guard_reload_last_success") == 1
    for call in range(4):
        switch.report(f"a-{call}", "answered", "A1", to=SOMALIA)
    wait_for(lambda: guard.account("A1").get("live_call_count") == 4, "the calls", guard.log_tail)
    write(guard, "rules/own.toml", RULES.replace('"calls"', '"cals"').replace('"15m"', '"15x"'))
    write(guard, "tariff.csv", TARIFF.replace("3.40", "3,40"))
    status, problem = guard.request("POST", "/-/reload")
    assert status == 422
    places = [error["field"] for error in problem["errors"]]
    assert [Path(place).name for place in places] == ["tariff.csv:3", "own.toml:5", "own.toml:6"]
    assert "nothing has changed" in problem["detail"]
    assert guard.metric("guard_reload_last_success ") == 0
    told = log_lines(guard, "reload-refused")
    assert [(line["place"], line["by"]) for line in told] == [(place, "this machine") for place in places]
    assert guard.request("GET", "/api/v1/rules")[1]["rules"][0]["block"] == "9"
    assert not switch.commands("A1")

    write(guard, "tariff.csv", TARIFF)
    write(guard, "rules/own.toml", RULES.replace("block = 9", "block = 4"))
    assert reload(guard) == {"changes": ["rules changed: same-number"], "needs_restart": [], "remarks": []}
    (command,) = wait_for(lambda: switch.commands("A1", "block"), "the block", guard.log_tail)
    assert (command["reason"], command["scope"]) == ("rule", "international")
    assert guard.metric("guard_reload_last_success ") == 1
    assert time.time() - guard.metric("guard_reload_last_success_timestamp_seconds") < 60
    history = guard.request("GET", "/api/v1/history")[1]["history"]
    assert [(each["by"], each["what"], each["reason"]) for each in history] == [
        ("this machine", "reload", "rules changed: same-number")
    ]


def test_a_tariff_and_a_plan_change_under_a_call_and_a_crash_loses_nothing(guard: Guard, switch: SwitchClient) -> None:
    """The call is worth its new price at once, also after a kill; what was posted stays; the bill is exact."""
    switch.bill({"type": "account", "id": "m1", "account": "A1", "plan": "office", "credit": {"limit": None}})
    switch.report("before", "ended", "A1", to=SOMALIA, duration_ms=60_000)
    switch.report("c", "tick", "A1", to=SOMALIA, duration_ms=60_000)
    wait_for(lambda: guard.account("A1").get("live_call_count") == 1, "the call", guard.log_tail)
    assert guard.account("A1")["balance"]["owed"] == "3.40"
    write(guard, "tariff.csv", TARIFF.replace("3.40", "0.34"))
    hang_up(guard)
    wait_for(lambda: log_lines(guard, "reloaded"), "the reload", guard.log_tail)
    assert log_lines(guard, "reloaded")[0]["changes"] == ["tariff: 1 of 2 prefixes are new or have another price"]
    picture = guard.account("A1")
    assert picture["balance"]["owed"] == "3.40"
    assert picture["live_calls"][0]["rate"] == "0.34"
    assert 0.34 <= float(picture["balance"]["in_flight"]) < 0.6
    guard.kill()
    guard.start()
    assert guard.account("A1")["live_calls"][0]["rate"] == "0.34"
    switch.report("c", "ended", "A1", to=SOMALIA, duration_ms=120_000)
    wait_for(lambda: guard.account("A1")["balance"]["owed"] == "4.08", "3.40 and twice 0.34", guard.log_tail)

    # A new plan: what comes now is covered, what was posted is not touched.
    switch.report("d", "tick", "A1", to=SOMALIA, duration_ms=600_000)
    wait_for(lambda: guard.account("A1").get("live_call_count") == 1, "the call", guard.log_tail)
    assert float(guard.account("A1")["balance"]["in_flight"]) >= 3.40
    write(guard, "plans.toml", PLANS)
    assert reload(guard)["changes"] == ["plans: 1 in place of 0"]
    assert guard.account("A1")["balance"]["in_flight"] == "0.00"
    switch.report("d", "ended", "A1", to=SOMALIA, duration_ms=600_000)
    wait_for(lambda: guard.account("A1")["live_call_count"] == 0, "the end", guard.log_tail)
    assert guard.account("A1")["balance"]["owed"] == "4.08"
    guard.kill()
    done = subprocess.run(
        [sys.executable, "-m", "guard", "check", "--ledger", "--config", str(guard.config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "every sum is right" in done.stdout, done.stdout + done.stderr


def test_emergency_numbers_limits_and_scopes_reach_the_switches(guard: Guard, switch: SwitchClient) -> None:
    """A block that stands is told again with the new number; a new class is a new scope; the default limit follows."""
    switch.report("a", "ended", "A1", to=SOMALIA, charge="150.00", duration_ms=60_000)
    (block,) = wait_for(lambda: switch.commands("A1", "block"), "the block", guard.log_tail)
    assert block["except"] == ["911", "112", "933", "988"]
    versions = len(switch.scopes)
    switch.heard.clear()
    configure(guard, '[emergency]\nnumbers = ["911", "1161"]\n')
    write(guard, "tariff.csv", TARIFF + "1416,Toronto chat,premium,2,0,0,1\n")
    assert reload(guard)["changes"] == [
        "tariff: 1 of 3 prefixes are new or have another price",
        "emergency.numbers",
    ]
    (snapshot,) = wait_for(switch.snapshots, "a snapshot", guard.log_tail)
    assert snapshot["except"] == ["911", "1161"]
    assert [entry["account"] for entry in snapshot["blocked"]] == ["A1"]
    wait_for(lambda: len(switch.scopes) > versions, "the scopes", guard.log_tail)
    assert switch.scopes[-1]["scopes"]["premium"]["1416"] is True
    switch.report("b", "ended", "B1", to=SOMALIA, charge="150.00", duration_ms=60_000)
    (block,) = wait_for(lambda: switch.commands("B1", "block"), "the block of the other", guard.log_tail)
    assert block["except"] == ["911", "1161"]
    switch.report("e", "answered", "C1", to="1161")
    wait_for(lambda: guard.account("C1").get("live_calls"), "the call for help", guard.log_tail)
    assert guard.account("C1")["live_calls"][0]["emergency"] is True

    configure(guard, '[accounts]\ndefault_limit = "400.00"\n')
    assert reload(guard)["changes"] == ["accounts.default_limit"]
    wait_for(lambda: switch.commands("A1", "unblock"), "the unblock", guard.log_tail)
    assert guard.account("A1")["limit"] == "400.00"


def test_what_needs_a_restart_is_named_and_the_rest_is_taken_up(guard: Guard, switch: SwitchClient) -> None:
    """`guard reload` says so; where the daemon listens stays."""
    text = guard.config.read_text().replace("127.0.0.1:0", "127.0.0.1:9").replace("guard.db", "other.db")
    guard.config.write_text(text + "[fuse]\nblocks = 3\n")
    done = subprocess.run(
        [sys.executable, "-m", "guard", "reload", "--url", guard.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        ["changed: fuse.blocks", "needs a restart: store.url", "needs a restart: http.listen"],
    )
    assert [line["key"] for line in log_lines(guard, "needs-restart")] == ["store.url", "http.listen"]
    switch.report("a", "ended", "A1", to=SOMALIA, charge="1.00", duration_ms=60_000)
    wait_for(lambda: guard.account("A1"), "the account, where it always was", guard.log_tail)


def test_only_who_may_operate_may_reload_and_the_history_has_the_name(guard: Guard) -> None:
    """Tokens count from the moment at which they are made; a bad file of tokens is a mistake like any other."""

    def token(role: str) -> str:
        command = [sys.executable, "-m", "guard", "token", "add", role, "--role", role, "--config", str(guard.config)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()[-1]

    read, operate = token("read"), token("operate")
    assert guard.request("POST", "/-/reload")[0] == 401
    assert guard.request("POST", "/-/reload", Authorization=f"Bearer {read}")[0] == 403
    status, answer = guard.request("POST", "/-/reload", Authorization=f"Bearer {operate}")
    assert (status, answer["changes"]) == (200, [])
    history = guard.request("GET", "/api/v1/history", Authorization=f"Bearer {read}")[1]["history"]
    assert [each["by"] for each in history if "token" not in each["what"]] == ["operate"]
    tokens = guard.folder / "tokens.toml"
    tokens.write_text(tokens.read_text() + '[token.x]\nrole = "god"\n')
    status, problem = guard.request("POST", "/-/reload", Authorization=f"Bearer {operate}")
    assert status == 422
    assert "tokens.toml: token.x: role is not one of: read, operate" in problem["detail"]


def test_a_breach_is_acted_on_while_a_large_tariff_is_being_read(guard: Guard, switch: SwitchClient) -> None:
    """50,000 prefixes are read beside the calls: commands leave meanwhile, long before the reload is over."""
    rows = "".join(f"{prefix},Place {prefix},international,1.00,0,0,1\n" for prefix in range(200_000, 250_000))
    write(guard, "tariff.csv", TARIFF + rows)
    hang_up(guard)
    waited: list[float] = []
    number = 0
    while not log_lines(guard, "reloaded") and number < 500:
        account = f"breach-{number}"
        number += 1
        began = time.monotonic()
        switch.report("c-" + account, "ended", account, to=SOMALIA, charge="150.00", duration_ms=60_000)
        wait_for(lambda account=account: switch.commands(account, "block"), "the block", guard.log_tail)  # type: ignore[misc]
        waited.append(time.monotonic() - began)
    assert log_lines(guard, "reloaded")[0]["changes"] == [
        "tariff: 50,000 of 50,002 prefixes are new or have another price"
    ]
    assert len(waited) > 3, "several breaches came in the middle of it"
    assert sorted(waited)[len(waited) // 2] < 0.5, waited
