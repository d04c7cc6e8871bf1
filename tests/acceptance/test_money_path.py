"""The money path from outside: a real mosquitto, the daemon as a process, a switch and a billing system by MQTT."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for the module."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory, broker: Mosquitto) -> Iterator[Guard]:
    """One daemon for the module."""
    with Guard(tmp_path_factory.mktemp("guard"), broker.url) as running:
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="module")
def switch(broker: Mosquitto, guard: Guard) -> Iterator[SwitchClient]:
    """One obedient switch for the module."""
    with SwitchClient(broker.port) as client:
        client.say("status", {"status": "up"})
        wait_for(client.snapshots, "a snapshot after status up", guard.log_tail)
        yield client


def seconds(instant: str) -> float:
    """Epoch seconds of an instant in RFC 3339."""
    return datetime.fromisoformat(instant).timestamp()


def test_the_breach_is_computed_and_not_awaited(guard: Guard, switch: SwitchClient) -> None:
    """One answered report at 1.00 a second against a limit of 2.00: blocked at 2.0 s, with no other report."""
    switch.bill({"type": "credit", "id": "lim-1", "account": "T1", "limit": "2.00"})
    wait_for(lambda: guard.account("T1"), "the account", guard.log_tail)
    at = time.time()
    switch.report("t1", "answered", "T1", at=at, charge="0", rate="60.00")
    (command,) = wait_for(lambda: switch.commands("T1", "block"), "the block", guard.log_tail)
    assert command["scope"] == "all"
    assert command["end_calls"] is True
    assert command["except"] == ["911", "112", "933", "988"]
    assert command["seq"] == 1
    assert abs(seconds(command["at"]) - (at + 2.0)) < 0.002
    account = wait_for(
        lambda: (a := guard.account("T1")) and a["block"] and a["block"]["confirmed"] and a, "confirmation"
    )
    assert account["state"] == "blocked"
    assert account["block"]["effective"] is True
    assert account["limit"] == "2.00"
    marks = [(d["action"], d["mark"]) for d in account["decisions"]]
    assert sorted(marks) == [("block", "100"), ("warn", "50"), ("warn", "80")]
    switch.report("t1", "ended", "T1", duration_ms=2_100, charge="2.10")
    wait_for(lambda: guard.account("T1")["balance"]["owed"] == "2.10", "the posted charge")


def test_a_payment_lifts_a_credit_block_by_itself(guard: Guard, switch: SwitchClient) -> None:
    """Below 90 % of the limit the block lifts, and the switch is told with a higher seq."""
    switch.bill({"type": "credit", "id": "lim-2", "account": "T2", "limit": "5.00"})
    switch.report("t2", "ended", "T2", duration_ms=60_000, charge="6.00")
    (block,) = wait_for(lambda: switch.commands("T2", "block"), "the block", guard.log_tail)
    payment = {"type": "payment", "id": "p2", "account": "T2", "amount": "5.00", "method": "card"}
    switch.bill(payment | {"status": "posted"})
    (unblock,) = wait_for(lambda: switch.commands("T2", "unblock"), "the unblock", guard.log_tail)
    assert unblock["seq"] > block["seq"]
    assert unblock["reason"] == "payment"
    assert guard.account("T2")["block"] is None
    assert [(line["kind"], line["amount"]) for line in guard.ledger("T2")] == [("call", "6.00"), ("payment", "-5.00")]


def test_operators_block_release_and_allow_over_http(guard: Guard, switch: SwitchClient) -> None:
    """Each with a name and a reason; a credit block at its limit is not released without `until`."""
    switch.bill({"type": "credit", "id": "lim-3", "account": "T/3", "limit": "5.00"})
    wait_for(lambda: guard.account("T/3"), "the account", guard.log_tail)
    base = "/api/v1/accounts/T%2F3"
    status, body = guard.request("POST", f"{base}/block", {"reason": "stolen", "by": "ana", "scope": "international"})
    assert (status, body["state"], body["block"]["scope"]) == (200, "blocked", "international")
    wait_for(lambda: switch.commands("T/3", "block"), "the operator's block", guard.log_tail)
    status, body = guard.request("POST", f"{base}/release", {"reason": "phone found", "by": "ana"})
    assert (status, body["block"]) == (200, None)
    switch.report("t3", "ended", "T/3", duration_ms=60_000, charge="6.00")
    # The release allows for an hour: the crossing is recorded and does not block.
    wait_for(lambda: guard.account("T/3")["exposure"] == "6.00", "the charge", guard.log_tail)
    assert guard.account("T/3")["block"] is None
    assert {"block", "shadow"} <= {v for d in guard.account("T/3")["decisions"] for v in (d["action"], d["mode"])}


def test_a_credit_block_at_its_limit_is_not_released_for_good(guard: Guard, switch: SwitchClient) -> None:
    """409 without `until`; with it the account is allowed until then."""
    switch.bill({"type": "credit", "id": "lim-4", "account": "T4", "limit": "5.00"})
    switch.report("t4", "ended", "T4", duration_ms=60_000, charge="6.00")
    wait_for(lambda: switch.commands("T4", "block"), "the block", guard.log_tail)
    status, problem = guard.request("POST", "/api/v1/accounts/T4/release", {"reason": "please", "by": "ana"})
    assert status == 409
    assert problem["status"] == 409
    until = "2099-01-01T00:00:00Z"
    status, body = guard.request(
        "POST", "/api/v1/accounts/T4/release", {"reason": "promised", "by": "ana", "until": until}
    )
    assert (status, body["block"]) == (200, None)
    wait_for(lambda: switch.commands("T4", "unblock"), "the unblock", guard.log_tail)


def test_what_breaks_a_rule_is_refused_alone(guard: Guard, switch: SwitchClient) -> None:
    """Counted, logged without its content, never fatal; its neighbours count."""
    before = guard.metric("guard_reports_total", switch="sw1", outcome="invalid")
    switch.raw("calls", b"not json at all: 4111111111111111")
    switch.raw("calls", b"\xff\x00\xfe")
    switch.raw("calls", b"[" * 100_000)
    good = {"call": "t5", "event": "ended", "account": "T5", "at": time.time(), "duration_ms": 1000, "charge": "0.10"}
    switch.say("calls", [good | {"charge": -1}, good, good | {"call": "t5b", "charge": 0.35}])
    wait_for(
        lambda: guard.metric("guard_reports_total", switch="sw1", outcome="invalid") == before + 5,
        "five refusals",
        guard.log_tail,
    )
    assert guard.account("T5")["balance"]["owed"] == "0.10"
    assert "4111111111111111" not in guard.log.read_text()


def test_an_emergency_call_is_never_charged_and_never_counted(guard: Guard, switch: SwitchClient) -> None:
    """Whatever it states."""
    switch.report("t6", "answered", "T6", to="911", charge="5.00", rate="600.00")
    switch.report("t6", "ended", "T6", to="911", duration_ms=60_000, charge="700.00")
    wait_for(lambda: guard.account("T6") and guard.ledger("T6"), "the posted call", guard.log_tail)
    assert [line["amount"] for line in guard.ledger("T6")] == ["0.00"]
    assert guard.account("T6")["state"] == "active"


def test_decisions_are_published_once_each(guard: Guard, switch: SwitchClient) -> None:
    """The decisions topic carries what the history holds."""
    _, body = guard.request("GET", "/api/v1/decisions?limit=1000")
    ids = [decision["id"] for decision in body["decisions"]]
    assert ids
    wait_for(lambda: len(switch.decisions) >= len(ids), "the decisions", guard.log_tail)
    assert [decision["id"] for decision in switch.decisions] == ids
    assert all(decision["text"].endswith(".") for decision in switch.decisions)


def test_the_switch_learns_what_the_scopes_mean(switch: SwitchClient) -> None:
    """The named scopes are published, retained."""
    scopes = wait_for(lambda: switch.scopes, "the scopes")[-1]["scopes"]
    assert scopes["international"]["1264"] is True
    assert scopes["international"]["1"] is False
    assert scopes["premium"]["1900"] is True
    assert scopes["all"] == {"": True}
