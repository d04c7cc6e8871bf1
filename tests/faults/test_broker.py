"""mosquitto is killed under load, at last together with guard: nothing is counted twice, and nothing lost for good.

What guard has acknowledged is durable whatever becomes of the broker. What a killed broker had accepted and not yet
saved is gone, as its configuration says; reports are cumulative, so saying once more how a call ended makes it good.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.faults.traffic import RICH, Traffic, assert_whole, owed, told, without_rules
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

ROUNDS = 2


def test_a_broker_that_is_killed_under_load(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        Guard(tmp_path / "guard", broker.url, more=RICH + without_rules(tmp_path)) as guard,
        SwitchClient(broker.port) as switch,
        Traffic(switch) as traffic,
    ):
        # It knows guard's sessions after a restart only if it has saved them once.
        broker.save()
        for _ in range(ROUNDS):
            traffic.more(60)
            broker.kill()
            wait_for(lambda: not guard.is_ready(), "guard notices", guard.log_tail)
            traffic.more(20)
            broker.start()
            wait_for(guard.is_ready, "guard is back", guard.log_tail)
        traffic.more(60)
        broker.kill()
        guard.kill()
        traffic.more(20)
        broker.start()
        guard.start()
        traffic.more(20)
        traffic.stop()
        # Everything said since the last start of the broker has come: what is missing now is what the kills cost.
        last = traffic.reports[-1]
        wait_for(
            lambda: last["call"] in {line["call"] for line in guard.ledger(last["account"])},
            "the last call",
            guard.log_tail,
        )
        assert all(owed(guard, account) <= amount for account, amount in traffic.truth.items()), "counted twice"
        posted = sum(len(guard.ledger(account)) for account in traffic.truth)
        told(f"{ROUNDS + 1} kills: {traffic.calls - posted} of {traffic.calls} calls were lost with the broker")
        traffic.say_ends_again()
        assert_whole(guard, traffic.truth)
