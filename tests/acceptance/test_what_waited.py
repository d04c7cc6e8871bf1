"""kill -9, and calls end before guard is back: what waits at the broker counts before anybody is judged."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.faults.traffic import without_rules
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

ACCOUNTS = [f"W{number}" for number in range(20)]
GOES_ON = "W20"
LIMIT_S = 2.0
"""Calls cost 1.00 a second."""


def test_calls_that_ended_while_guard_was_dead_block_nobody(tmp_path: Path) -> None:
    """They ended a second before their limit, guard is back after it; the one that goes on is blocked."""
    more = f'[accounts]\ndefault_limit = "{LIMIT_S:.2f}"\n{without_rules(tmp_path)}'
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        Guard(tmp_path / "guard", broker.url, more=more) as guard,
        SwitchClient(broker.port) as switch,
    ):
        began_s = time.time()
        for account in [*ACCOUNTS, GOES_ON]:
            switch.report(f"call of {account}", "answered", account, at=began_s, duration_ms=0, charge="0", rate="60")
        wait_for(lambda: guard.metric("guard_live_calls", switch="sw1") == 21, "all calls are up", guard.log_tail)
        guard.kill()
        lasted_s = time.time() - began_s
        assert lasted_s < LIMIT_S, "this machine is too slow for the test's moments"
        ends = [
            switch.report(
                f"call of {account}",
                "ended",
                account,
                at=began_s + lasted_s,
                duration_ms=int(1_000 * lasted_s),
                charge=f"{lasted_s:.3f}",
                rate="60",
            )
            for account in ACCOUNTS
        ]
        for end in ends:
            end.wait_for_publish(20)
        # Only real time brings calls to their limit: it is over by so much that a report's age tells nothing.
        time.sleep(max(0.0, began_s + LIMIT_S + 0.2 - time.time()))
        guard.start()
        wait_for(lambda: switch.commands(GOES_ON, "block"), "the call that goes on is blocked", guard.log_tail)
        wait_for(lambda: guard.metric("guard_live_calls", switch="sw1") == 1, "the others are over", guard.log_tail)
        assert [account for account in ACCOUNTS if switch.commands(account)] == []
