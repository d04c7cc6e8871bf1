"""kill -9 at any moment, broker gone and back: nothing lost, nothing twice, nobody warned a second time."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

ACCOUNTS = 20
CALLS = 600
TICKS = 4
KILLS = 6


def _story(switch: SwitchClient, truth: dict[str, Decimal], stop: threading.Event) -> None:
    """Calls that tick and end, some reports twice, some out of order; notes what each account must owe."""
    chance = random.Random(7)
    now = time.time()
    for number in range(CALLS):
        if stop.is_set():
            return
        account = f"K{number % ACCOUNTS}"
        micros = chance.randrange(1, 9_999_999)
        reports = [
            ("answered", 0, 0),
            *[("tick", 1_000 * t, micros * t // (TICKS + 1)) for t in range(1, TICKS + 1)],
        ]
        if chance.random() < 0.3:
            chance.shuffle(reports)
        reports.append(("ended", 1_000 * (TICKS + 1), micros))
        reports += chance.sample(reports, 2)
        for event, duration_ms, charge in reports:
            body = {
                "call": f"k{number}",
                "event": event,
                "account": account,
                "to": "+14165550100",
                "at": now,
                "duration_ms": duration_ms,
                "charge": f"{charge // 1_000_000}.{charge % 1_000_000:06d}",
                "rate": "0.60",
            }
            switch.say("calls", body).wait_for_publish(20)
        truth[account] = truth.get(account, Decimal(0)) + Decimal(micros).scaleb(-6)


def test_kill_nine_at_any_moment_keeps_every_balance_exact(tmp_path: Path) -> None:
    """guard is killed again and again while calls are reported; at the end every micro-unit is where it belongs."""
    truth: dict[str, Decimal] = {}
    chance = random.Random(11)
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        Guard(tmp_path / "guard", broker.url, more='[accounts]\ndefault_limit = "1000000.00"\n') as guard,
        SwitchClient(broker.port) as switch,
    ):
        stop = threading.Event()
        telling = threading.Thread(target=_story, args=(switch, truth, stop))
        telling.start()
        try:
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.1, 0.6))
                guard.kill()
                guard.start(ready=chance.random() < 0.5)
            telling.join(120)
        finally:
            stop.set()
            telling.join(5)
        wait_for(guard.is_ready, "guard is ready", guard.log_tail)

        def owed() -> dict[str, Decimal]:
            return {name: Decimal(guard.account(name)["balance"]["owed"]) for name in truth if guard.account(name)}

        wait_for(lambda: owed() == truth, f"the balances: {truth}", guard.log_tail)
        for account, amount in truth.items():
            lines = guard.ledger(account)
            assert sum((Decimal(line["amount"]) for line in lines), Decimal(0)) == amount
            assert len({line["call"] for line in lines}) == len(lines)
        assert guard.stop() == 0
        checked = subprocess.run(
            [sys.executable, "-m", "guard", "check", "--ledger", "--config", str(guard.config)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_unconfirmed_command_comes_again_under_its_id_and_nobody_is_warned_twice(tmp_path: Path) -> None:
    """After a crash: the same command, the live call, the marks; no second warning."""
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        Guard(tmp_path / "guard", broker.url) as guard,
        SwitchClient(broker.port, acknowledges=False) as switch,
    ):
        switch.bill({"type": "credit", "id": "l1", "account": "C1", "limit": "10.00"})
        switch.bill({"type": "credit", "id": "l2", "account": "C2", "limit": "10.00"})
        switch.report("c1", "answered", "C1", charge="11.00", rate="0.01")
        switch.report("c2", "answered", "C2", charge="6.00", rate="0.01")
        (first, *_) = wait_for(lambda: switch.commands("C1", "block"), "the block", guard.log_tail)
        wait_for(lambda: guard.account("C2").get("state") == "warned", "the warning", guard.log_tail)
        before = [d["id"] for d in guard.request("GET", "/api/v1/decisions")[1]["decisions"]]
        guard.kill()
        heard = len(switch.commands("C1", "block"))
        guard.start()
        again = wait_for(lambda: switch.commands("C1", "block")[heard:], "the block again", guard.log_tail)[0]
        assert (again["id"], again["seq"], again["at"]) == (first["id"], first["seq"], first["at"])
        assert guard.account("C1")["block"]["confirmed"] is False
        assert [call["call"] for call in guard.account("C2")["live_calls"]] == ["c2"]
        snapshot = wait_for(switch.snapshots, "a snapshot at guard's start", guard.log_tail)[-1]
        assert [entry["account"] for entry in snapshot["blocked"]] == ["C1"]
        switch.acknowledge(snapshot)
        wait_for(lambda: guard.account("C1")["block"]["confirmed"], "confirmation by the snapshot", guard.log_tail)
        switch.report("c2", "tick", "C2", duration_ms=1_000, charge="6.01", rate="0.01")
        wait_for(lambda: guard.account("C2")["live_calls"][0]["charge"] == "6.01", "the tick", guard.log_tail)
        after = [d["id"] for d in guard.request("GET", "/api/v1/decisions")[1]["decisions"]]
        assert after == before


def test_a_killed_broker_costs_nothing(tmp_path: Path) -> None:
    """mosquitto is killed while guard is away, and both come back: everything that it had saved is there."""
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        Guard(tmp_path / "guard", broker.url, more='[accounts]\ndefault_limit = "1000000.00"\n') as guard,
    ):
        assert guard.stop() == 0
        with SwitchClient(broker.port) as switch:
            reports = [
                switch.report(f"b{number}", "ended", "B1", duration_ms=1_000, charge="0.01") for number in range(500)
            ]
            reports[-1].wait_for_publish(20)
            # What the broker saves by itself, and when, is shown by the tests of the configuration that guard ships.
            broker.save()
            broker.kill()
        broker.start()
        guard.start()
        wait_for(lambda: guard.account("B1").get("balance", {}).get("owed") == "5.00", "500 charges", guard.log_tail)
        # And while both are up: the broker goes, guard stays, everything goes on when the broker is back.
        broker.kill()
        wait_for(lambda: not guard.is_ready(), "guard notices", guard.log_tail)
        broker.start()
        wait_for(guard.is_ready, "guard is back", guard.log_tail)
        with SwitchClient(broker.port) as switch:
            switch.report("b-after", "ended", "B1", duration_ms=1_000, charge="0.01")
            wait_for(lambda: guard.account("B1")["balance"]["owed"] == "5.01", "the next charge", guard.log_tail)
