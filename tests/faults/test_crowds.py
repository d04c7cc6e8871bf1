"""Much at once: a hundred switches that reconnect, a switch that floods, a customer with ten thousand calls up.

How long things took is told with the test's result (`-s`, docs/proofs.md); what is asserted is that they happen, and
in the right order.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import PREFIX, SwitchClient
from tests.bench.blaster import connect, publish_packet
from tests.bench.publishing import Blaster
from tests.faults.traffic import RICH, assert_whole, owed, told, without_rules
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

SWITCHES = 100
BLOCKED = 1_200
"""Three parts of a snapshot each."""
LIVE_CALLS = 10_000
FLOOD = 60_000
"""Single reports, as fast as the broker takes them: some seconds of work."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as running:
        yield running


class Hearing:
    """All that guard says to any switch, each acknowledged by that switch."""

    def __init__(self, port: int) -> None:
        self._lock = threading.Lock()
        self._heard: list[tuple[str, dict[str, Any]]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="all-switches")
        self._client.on_message = self._on_message
        self._client.max_inflight_messages_set(0)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"{PREFIX}/+/commands", 1)
        self._client.loop_start()

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave."""
        self._client.loop_stop()
        self._client.disconnect()

    def _on_message(self, client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        body, switch = json.loads(message.payload), message.topic.split("/")[-2]
        with self._lock:
            self._heard.append((switch, body))
        answer = {"id": body["id"], "ok": True, "account": body.get("account", ""), "at": time.time(), "error": ""}
        client.publish(f"{PREFIX}/{switch}/acks", json.dumps(answer | {"ended_calls": 0}), qos=1)

    def snapshots(self) -> dict[str, set[str]]:
        """By switch: who is blocked by the newest snapshot of which it has all parts."""
        parts: dict[str, dict[str, dict[int, list[dict[str, Any]]]]] = {}
        whole: dict[str, set[str]] = {}
        with self._lock:
            heard = [*self._heard]
        for switch, body in heard:
            if body["action"] == "snapshot":
                mine = parts.setdefault(switch, {}).setdefault(body["at"], {})
                mine[body["part"]] = body["blocked"]
                if len(mine) == body["of"]:
                    whole[switch] = {entry["account"] for part in mine.values() for entry in part}
        return whole


def _say_up(port: int, name: str) -> None:
    sock = connect(port, f"reconnecting-{name}")
    sock.sendall(publish_packet(f"{PREFIX}/{name}/status".encode(), b'{"status":"up"}', 1))
    assert sock.recv(4) == b"\x40\x02\x00\x01"
    sock.close()


def test_a_hundred_switches_reconnect_at_once(tmp_path: Path, broker: Mosquitto) -> None:
    """Each gets the whole truth, and nobody else waits for it: a payment is taken meanwhile."""
    names = [f"sw{number:03d}" for number in range(SWITCHES)]
    accounts = [f"B{number}" for number in range(BLOCKED)]
    with (
        Guard(tmp_path / "guard", broker.url, more=without_rules(tmp_path)) as guard,
        SwitchClient(broker.port, "sw000") as switch,
    ):
        for account in accounts:
            switch.bill({"type": "credit", "id": f"c-{account}", "account": account, "limit": "0"})
        ended = {"event": "ended", "to": "+14165550100", "at": time.time(), "duration_ms": 1_000, "charge": "1.00"}
        for first in range(0, BLOCKED, 500):
            some = accounts[first : first + 500]
            switch.say("calls", [{"call": f"x-{account}", "account": account, **ended} for account in some])
        wait_for(lambda: guard.metric("guard_accounts", state="blocked") == BLOCKED, "all are blocked", guard.log_tail)
        wait_for(lambda: guard.metric("guard_commands_unconfirmed") == 0, "and confirmed", guard.log_tail)
        with Hearing(broker.port) as hearing:
            began = time.monotonic()
            threads = [threading.Thread(target=_say_up, args=(broker.port, name)) for name in names]
            for thread in threads:
                thread.start()
            paying = {"type": "payment", "id": "p1", "account": "B0", "amount": "2.00"}
            switch.bill({**paying, "method": "card", "status": "posted"})
            wait_for(lambda: guard.account("B0")["state"] == "active", "the payment", guard.log_tail)
            paid = time.monotonic()
            for thread in threads:
                thread.join(10)
            wanted = set(accounts) - {"B0"}
            wait_for(
                lambda: [hearing.snapshots().get(name, set()) - {"B0"} for name in names] == [wanted] * SWITCHES,
                "a snapshot for each",
                guard.log_tail,
            )
            wait_for(lambda: guard.metric("guard_commands_unconfirmed") == 0, "all confirmed", guard.log_tail)
            told(f"payment after {paid - began:.2f} s, all snapshots after {time.monotonic() - began:.2f} s")


def test_a_switch_that_floods_starves_nobodys_control_messages(tmp_path: Path, broker: Mosquitto) -> None:
    """Past its rate guard stays correct: it withholds PUBACKs, takes control first, says so, and catches up.

    While one switch has thousands of reports waiting, another one's breach is acknowledged and its customer's payment
    lifts the block.
    """
    with (
        Guard(tmp_path / "guard", broker.url, more=RICH + without_rules(tmp_path)) as guard,
        SwitchClient(broker.port, "sw1"),
        SwitchClient(broker.port, "sw2") as switch,
    ):
        switch.bill({"type": "credit", "id": "limit", "account": "P1", "limit": "10.00"})
        blaster = Blaster(broker.port, FLOOD, 1, accounts=100)
        switch.report("c1", "ended", "P1", duration_ms=1_000, charge="11.00")
        wait_for(lambda: switch.commands("P1", "block"), "the block", guard.log_tail)
        blaster.go()
        wait_for(lambda: guard.metric("guard_inbox_reports") > 500, "the flood is there", guard.log_tail)
        took: list[float] = []
        most_waiting = 0.0
        for number in range(5):
            before = len(switch.commands("P1"))
            amount = "-11.00" if number % 2 == 0 else "11.00"
            began = time.monotonic()
            switch.bill({"type": "adjustment", "id": f"a{number}", "account": "P1", "amount": amount, "reason": "x"})
            wait_for(lambda before=before: len(switch.commands("P1")) > before, "the command", guard.log_tail)  # type: ignore[misc]
            took.append(time.monotonic() - began)
            most_waiting = max(most_waiting, guard.metric("guard_inbox_reports"))
        accepted = guard.metric("guard_reports_total", switch="sw1", outcome="accepted")
        assert accepted < FLOOD, "the flood was over before the last command came: it proves nothing"
        assert guard.is_ready()
        blaster.finish()
        wait_for(
            lambda: guard.metric("guard_reports_total", switch="sw1", outcome="accepted") == FLOOD,
            "guard catches up",
            guard.log_tail,
        )
        wait_for(lambda: guard.metric("guard_inbox_reports") == 0, "nothing waits", guard.log_tail)
        assert switch.commands("P1")[-1]["action"] == "unblock"
        wait_for(lambda: guard.metric("guard_commands_unconfirmed") == 0, "all confirmed", guard.log_tail)
        told(
            f"adjustment to command while flooded: {', '.join(f'{each * 1_000:.0f} ms' for each in took)}; "
            f"{accepted:,.0f} of {FLOOD:,} taken by then; at most {most_waiting:,.0f} messages waited in guard"
        )


def test_a_customer_with_ten_thousand_calls_up(tmp_path: Path, broker: Mosquitto) -> None:
    """Blocked at the computed moment, shown without delay, and posted to the micro-unit."""
    with (
        Guard(tmp_path / "guard", broker.url, more=without_rules(tmp_path)) as guard,
        SwitchClient(broker.port) as switch,
    ):
        # Each has cost 0.01 and goes on at 0.06 a minute: 10 a second together, and 20 are left when all are up.
        switch.bill({"type": "credit", "id": "limit", "account": "BIG", "limit": "1000000"})
        wait_for(lambda: guard.account("BIG").get("limit") == "1000000.00", "the limit", guard.log_tail)
        at = time.time()
        calls = [f"big-{number}" for number in range(LIVE_CALLS)]
        said = {"account": "BIG", "event": "answered", "to": "+14165550100", "at": at, "charge": "0.01", "rate": "0.06"}
        for first in range(0, LIVE_CALLS, 1_000):
            switch.say("calls", [{"call": call, **said} for call in calls[first : first + 1_000]])
        wait_for(lambda: guard.metric("guard_live_calls", switch="sw1") == LIVE_CALLS, "all are up", guard.log_tail)
        passed_s = time.time() - at
        limit = 100 + 10 * (passed_s + 2)
        moment = at + (limit - 100) / 10
        switch.bill({"type": "credit", "id": "limit-2", "account": "BIG", "limit": f"{limit:.2f}"})
        wait_for(lambda: switch.commands("BIG", "block"), "the block", guard.log_tail)
        late_s = time.time() - moment
        began = time.monotonic()
        view = guard.account("BIG")
        shown_s = time.monotonic() - began
        assert len(view["live_calls"]) == 1_000, "as many as are shown of one account"
        ended = {"account": "BIG", "event": "ended", "at": at + 10, "duration_ms": 10_000, "charge": "0.020001"}
        for first in range(0, LIVE_CALLS, 1_000):
            switch.say("calls", [{"call": call, **ended} for call in calls[first : first + 1_000]])
        wait_for(lambda: owed(guard, "BIG") == Decimal("200.01"), "all are posted", guard.log_tail)
        assert_whole(guard, {"BIG": Decimal("200.01")})
        assert late_s > -0.02, "blocked before the limit was reached"
        told(f"blocked {late_s * 1_000:.0f} ms after the moment; shown in {shown_s * 1_000:.0f} ms")
