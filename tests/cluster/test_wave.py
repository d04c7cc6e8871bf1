"""A wave of call-back fraud over real workers: thirty accounts call one number, and the home's worker is killed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from guard.core.partitions import PARTITIONS
from tests.cluster.mqtt_switch import MqttSwitch
from tests.cluster.processes import wait_until
from tests.cluster.rig import Rig, open_rig

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

RULE = """
[[rule]]
id = "wave"
title = "Many accounts call one number"
mode = "enforce"
measure = "accounts"
window = "1h"
per = "number"
where = { class = ["international"] }
warn = 3
block = 12
scope = "international"
"""
ACCOUNTS = [f"wave-{number:02}" for number in range(30)]
KILLED_AFTER = 10


class Callers:
    """Accounts whose calls to one number begin and go on."""

    def __init__(self, port: int) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="callers")
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

        self._began: dict[str, float] = {}

    def call(self, account: str) -> None:
        """A call begins."""
        self._began[account] = time.time()
        self._say([self._report(account, "answered")])

    def go_on(self) -> None:
        """All calls are still up."""
        self._say([self._report(account, "tick") for account in self._began])

    def _report(self, account: str, event: str) -> dict[str, object]:
        now = time.time()
        return {
            "call": account,
            "event": event,
            "account": account,
            "to": "+252612345678",
            "at": f"{now:.3f}",
            "duration_ms": int((now - self._began[account]) * 1_000),
            "charge": "0.01",
            "rate": "0.00",
        }

    def _say(self, reports: list[dict[str, object]]) -> None:
        """Acknowledged by the broker."""
        self._client.publish("guard/v1/sw1/calls", json.dumps(reports).encode(), qos=1).wait_for_publish(30)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()


def decided(rig: Rig, action: str) -> list[str]:
    """Of which accounts, in alphabetical order."""
    rows = rig.ground.ask("SELECT action, account FROM decisions WHERE rule = 'wave' ORDER BY account")
    return [row[1] for row in rows if row[0] == action]


def owner(rig: Rig) -> str:
    """Of the one partition in which the number is counted."""
    ((owner,),) = rig.ground.ask("SELECT owner FROM kept JOIN lease USING (part) WHERE kind = 'crowd'")
    return owner


def test_everybody_in_the_wave_is_blocked_and_one_account_is_warned_of(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "wave.toml").write_text(RULE)
    with open_rig(tmp_path, more=f'[rules]\ndir = "{rules}"\n[fuse]\nblocks = 1000\n') as rig:
        workers = [rig.join(), rig.join()]
        with MqttSwitch(rig.ground.broker.port, "sw1", seed=1, accounts=1, calls_a_round=0) as switch:
            rig.settle("the start")
            wait_until(lambda: all(worker.held() == PARTITIONS // 2 for worker in workers), "they share")
            callers = Callers(rig.ground.broker.port)
            for account in ACCOUNTS[:KILLED_AFTER]:
                callers.call(account)
            wait_until(lambda: len(decided(rig, "warn")) == 1, "the warning")
            of_home = owner(rig)
            killed = next(each for each in workers if each.events("listening")[-1]["worker"] == of_home)
            for account in ACCOUNTS[KILLED_AFTER:20]:
                callers.call(account)
            killed.kill()
            for account in ACCOUNTS[20:]:
                callers.call(account)

            def all_blocked() -> bool:
                """What the dead worker had not stored yet of an account its next report makes good."""
                callers.go_on()
                return decided(rig, "block") == ACCOUNTS

            wait_until(all_blocked, "each account in the wave is blocked, once")
            callers.close()
            wait_until(lambda: switch.blocked() == set(ACCOUNTS), "the switch blocks them")
            assert len(decided(rig, "warn")) == 1
            rig.settle("a worker was killed")
            assert int(rig.ground.ask("SELECT count(*) FROM kept WHERE kind = 'standing'")[0][0]) >= PARTITIONS
            rig.audit.check()
