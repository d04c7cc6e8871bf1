"""Billing from outside: a daemon with a tariff and plans, a switch that states no charge, a clerk with questions."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

TARIFF = """prefix,name,class,rate,connect,minimum_s,increment_s
1,Canada and USA,domestic,0.02,0,0,1
1876,Jamaica,international,0.30,0.05,0,6
253,Djibouti,international,60.00,0.10,60,60
1900,Pay per call,premium,3.00,1.00,60,60
1647555,Our own,onnet,9.00,0,0,1
"""
PLANS = """
[plan.office]
title = "One minute to Canada and the USA"
[[plan.office.quota]]
class = ["domestic"]
minutes = 1
[[plan.office.discount]]
class = ["international"]
by = "minutes"
tiers = [{from = 0, off = "0%"}, {from = 1, off = "50%"}]
"""
CONFIG = """[tariff]
file = "tariff.csv"
[plans]
file = "plans.toml"
[payments.trust]
cheque = "0.5"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the daemon lives, with its tariff and plans."""
    made = tmp_path_factory.mktemp("guard")
    (made / "tariff.csv").write_text(TARIFF)
    (made / "plans.toml").write_text(PLANS)
    return made


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for the module."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture(scope="module")
def guard(folder: Path, broker: Mosquitto) -> Iterator[Guard]:
    """One daemon for the module; its ledger adds up when it is done."""
    with Guard(folder, broker.url, more=CONFIG) as running:
        yield running
        assert running.stop() == 0
    checked = subprocess.run(
        [sys.executable, "-m", "guard", "check", "--ledger", "--config", str(running.config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture(scope="module")
def switch(broker: Mosquitto, guard: Guard) -> Iterator[SwitchClient]:
    """One obedient switch for the module."""
    with SwitchClient(broker.port) as client:
        client.say("status", {"status": "up"})
        wait_for(client.snapshots, "a snapshot after status up", guard.log_tail)
        yield client


def open_account(guard: Guard, switch: SwitchClient, account: str, limit: str = "500.00") -> None:
    """An account in Toronto on the office plan."""
    opening = {"type": "account", "id": f"open-{account}", "account": account, "name": "Acme Ltd", "plan": "office"}
    switch.bill(opening | {"timezone": "America/Toronto", "credit": {"limit": limit}})
    wait_for(lambda: guard.account(account), "the account", guard.log_tail)


def lines(guard: Guard, account: str, count: int) -> list[tuple[str, str, int]]:
    """(net, gross, seconds that the plan covers) of each line, once there are so many."""
    wait_for(lambda: len(guard.ledger(account)) == count, "lines", guard.log_tail)
    return [(line["amount"], line["gross"], line["covered_s"]) for line in guard.ledger(account)]


def test_calls_are_rated_and_the_plan_is_split_by_the_second(guard: Guard, switch: SwitchClient) -> None:
    """Free, then the quota, then the discount; numbers as they are dialled."""
    open_account(guard, switch, "R1")
    now = time.time()
    calls = [
        ("6135550100", 45_000, {}),
        ("+16135550100", 45_200, {}),
        ("011 1 876 555 0100", 61_000, {}),
        ("0018765550100", 10_000, {}),
        ("1-900-555-0100", 1_000, {}),
        ("16475550100", 600_000, {}),
        ("+25377123456", 600_000, {"direction": "incoming"}),
        ("204", 600_000, {"direction": "internal"}),
        ("+9990000000", 1, {}),
        ("911", 600_000, {}),
    ]
    for number, (to, duration_ms, more) in enumerate(calls):
        switch.report(f"r1-{number}", "ended", "R1", at=now - 1 + number / 100, to=to, duration_ms=duration_ms, **more)
    assert lines(guard, "R1", len(calls)) == [
        ("0.00", "0.015", 45),
        # 46 seconds are billed: 15 are left of the minute.
        ("0.010333", "0.015333", 15),
        # 66 seconds: a minute at 0.30, six seconds at half of it.
        ("0.365", "0.38", 0),
        ("0.08", "0.11", 0),
        ("4.00", "4.00", 0),
        ("0.00", "0.00", 0),
        ("0.00", "0.00", 0),
        ("0.00", "0.00", 0),
        # No prefix matches: 1.00 a minute, as international as the discount.
        ("0.008333", "0.016667", 0),
        ("0.00", "0.00", 0),
    ]
    wait_for(lambda: guard.metric("guard_unrated_calls_total") == 1, "the unknown prefix counted", guard.log_tail)


def test_ten_calls_at_once_share_the_last_free_minute(guard: Guard, switch: SwitchClient) -> None:
    """Each of ten calls has lasted 30 s: together 300 s, of which 60 are free; also after a crash."""
    open_account(guard, switch, "R2")
    at = time.time()
    for number in range(10):
        switch.report(f"r2-{number}", "tick", "R2", at=at, to="+16135550100", duration_ms=30_000)

    def pooled() -> bool:
        picture = guard.account("R2")
        grown = 10 * (time.time() - at) * 0.02 / 60
        return picture["live_call_count"] == 10 and abs(float(picture["balance"]["in_flight"]) - 0.08 - grown) < 0.01

    wait_for(pooled, "the pool's value", guard.log_tail)
    guard.kill()
    guard.start()
    wait_for(lambda: guard.account("R2")["live_call_count"] == 10, "the calls after a crash", guard.log_tail)
    for number in range(10):
        switch.report(f"r2-{number}", "ended", "R2", at=at + 0.001, to="+16135550100", duration_ms=30_000)
    posted = lines(guard, "R2", 10)
    assert [line[2] for line in posted] == [30, 30, *[0] * 8]
    assert guard.account("R2")["balance"]["owed"] == "0.08"


def test_the_limit_is_reached_at_its_computed_moment_without_any_charge(guard: Guard, switch: SwitchClient) -> None:
    """Djibouti at 1.00 a second, a minute at least, then at half the rate: 60.10 at once, 61.60 three seconds later."""
    open_account(guard, switch, "R3", "61.60")
    at = time.time()
    switch.report("r3", "answered", "R3", at=at, to="+25377123456")
    (command,) = wait_for(lambda: switch.commands("R3", "block"), "the block", guard.log_tail)
    assert abs(datetime.fromisoformat(command["at"]).timestamp() - (at + 3.0)) < 0.01
    switch.report("r3", "ended", "R3", to="+25377123456", duration_ms=3_100)
    wait_for(lambda: guard.ledger("R3"), "the posted call", guard.log_tail)
    assert guard.account("R3")["balance"]["owed"] == "60.10"


def test_why_the_balance_is_not_zero(guard: Guard, switch: SwitchClient) -> None:
    """An invoice, a payment on its way, usage since: the statement and the command line say so, and it adds up."""
    open_account(guard, switch, "R4")
    today = datetime.now(UTC)
    first = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    year, month = (first.year, first.month - 1) if first.month > 1 else (first.year - 1, 12)
    before = f"{year:04d}-{month:02d}-15T12:00:00Z"
    fee = {"type": "adjustment", "id": "r4-fee", "account": "R4", "amount": "118.40", "reason": "line rental"}
    switch.bill(fee | {"at": before})
    invoice = {"type": "invoice", "id": "r4-i", "account": "R4", "amount": "118.40"}
    switch.bill(invoice | {"period_start": f"{year:04d}-{month:02d}-01", "period_end": f"{first:%Y-%m-%d}"})
    cheque = {"type": "payment", "id": "r4-p", "account": "R4", "amount": "118.40", "method": "cheque"}
    switch.bill(cheque | {"status": "pending"})
    switch.report("r4", "ended", "R4", to="+25377123456", duration_ms=30_000)
    wait_for(lambda: len(guard.ledger("R4")) == 2, "fee and call", guard.log_tail)
    picture = guard.account("R4")
    assert picture["balance"] | {"in_flight": "", "in_flight_gross": ""} == {
        "owed": "178.50",
        "invoiced": "118.40",
        "unbilled": "60.10",
        "in_flight": "",
        "in_flight_gross": "",
        "pending_payments": "118.40",
        "trusted_payments": "59.20",
    }
    assert picture["exposure"] == "119.30"
    shown = subprocess.run(
        [sys.executable, "-m", "guard", "account", "R4", "--url", guard.url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for said in ("118.40", "cheque", "60.10", "international"):
        assert said in shown
    status, last = guard.request("GET", f"/api/v1/accounts/R4/statement?cycle={year:04d}-{month:02d}")
    assert status == 200
    assert last["closing"] == "118.40"
    assert any("as invoiced" in line for line in last["lines"]), last["lines"]
    switch.bill(cheque | {"status": "rejected"})
    wait_for(lambda: guard.account("R4")["exposure"] == "178.50", "the trusted part put back", guard.log_tail)
    switch.bill(cheque | {"id": "r4-q", "method": "card", "status": "posted"})
    wait_for(lambda: guard.account("R4")["balance"]["invoiced"] == "0.00", "the invoice paid", guard.log_tail)
    assert guard.account("R4")["balance"]["unbilled"] == "60.10"


def test_a_limit_follows_the_invoices_but_not_an_inflated_one(guard: Guard, switch: SwitchClient) -> None:
    """2.5 cycles of the mean of three; a step up of more than half waits for somebody to take it."""
    credit = {"cycles": "2.5", "floor": "50", "cap": "5000"}
    switch.bill({"type": "account", "id": "r5", "account": "R5", "credit": credit})
    wait_for(lambda: (a := guard.account("R5")) and a["limit"] == "50.00", "the floor", guard.log_tail)
    for month, amount in (("07", "100.00"), ("08", "110.00"), ("09", "90.00")):
        period = {"period_start": f"2026-{month}-01", "period_end": f"2026-{int(month) + 1:02d}-01"}
        switch.bill({"type": "invoice", "id": f"r5-{month}", "account": "R5", "amount": amount} | period)
    wait_for(lambda: guard.account("R5")["limit"] == "250.00", "2.5 cycles", guard.log_tail)
    period = {"period_start": "2026-10-01", "period_end": "2026-11-01"}
    switch.bill({"type": "invoice", "id": "r5-10", "account": "R5", "amount": "4000.00"} | period)
    wait_for(lambda: guard.account("R5")["limit_suggested"] == "3500.00", "the step that waits", guard.log_tail)
    assert guard.account("R5")["limit"] == "250.00"
    body = {"suggested": True, "by": "ana", "reason": "a new call centre"}
    status, picture = guard.request("POST", "/api/v1/accounts/R5/limit", body)
    assert (status, picture["limit"], picture["limit_suggested"]) == (200, "3500.00", None)
