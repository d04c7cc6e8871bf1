"""Breach to command on the wire, under load: from the computed moment to the arrival of the command at a subscriber.

A background of 1,000, of 5,000 and of 20,000 reports a second keeps the daemon busy. Beside it, one account after the
other is given a limit and a call whose rate reaches it at a moment known beforehand; the time at which the block
arrives, less that moment, is the figure, with what the daemon takes of the processor and of memory beside it.
Publisher, broker, daemon and subscriber share the machine's cores.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench.daemon import running
from tests.bench.publishing import PREFIX, Blaster
from tests.integration.mosquitto import Mosquitto

BACKGROUNDS = ((1_000, 1), (5_000, 1), (20_000, 10))
"""Reports a second, and how many of them in a message: a switch with so many collects some."""
ACCOUNTS = 200
SPACING_S = 0.04
GROWS_FOR_S = 1.0
FIGURES = ("median_ms", "p99_ms", "worst_ms", "core_percent", "mib")


class Subscriber:
    """A switch that only notes when commands arrive, and acknowledges them."""

    def __init__(self, port: int) -> None:
        self.blocked_at: dict[str, float] = {}
        self._done = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-switch")
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"{PREFIX}/sw1/commands", 1)
        self._client.loop_start()

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        arrived = time.time()
        command = json.loads(message.payload)
        if command["action"] == "block":
            self.blocked_at.setdefault(command["account"], arrived)
        acknowledgement = {"id": command["id"], "ok": True, "account": command.get("account", ""), "at": arrived}
        if "part" in command:
            acknowledgement["part"] = command["part"]
        client.publish(f"{PREFIX}/sw1/acks", json.dumps(acknowledgement), qos=1)

    def publish(self, topic: str, payload: Mapping[str, object]) -> None:
        """Send one message as the switch or as billing."""
        self._client.publish(f"{PREFIX}/{topic}", json.dumps(payload), qos=1)

    def close(self) -> None:
        """Leave."""
        self._client.loop_stop()
        self._client.disconnect()


def breaches(subscriber: Subscriber, name: str = "B", accounts: int = ACCOUNTS) -> list[float]:
    """Seconds from the computed moment of each breach to the arrival of its command, of accounts of that name."""
    for number in range(accounts):
        credit = {"type": "credit", "id": f"{name}{number}", "account": f"{name}{number}", "limit": "1.00"}
        subscriber.publish("billing", credit)
    time.sleep(1.0)
    moments: dict[str, float] = {}
    for number in range(accounts):
        at = int(time.time() * 1_000) / 1_000
        answered = {
            "call": f"breach-{name}{number}",
            "event": "answered",
            "account": f"{name}{number}",
            "to": "+25377123456",
            "at": at,
            "charge": "0.00",
            "rate": f"{60 / GROWS_FOR_S:.2f}",
        }
        subscriber.publish("sw1/calls", answered)
        moments[f"{name}{number}"] = at + GROWS_FOR_S
        time.sleep(SPACING_S)
    deadline = time.monotonic() + 15
    while not moments.keys() <= subscriber.blocked_at.keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    missing = len(moments.keys() - subscriber.blocked_at.keys())
    if missing:
        raise SystemExit(f"{missing} of {accounts} blocks did not come within 15 s")
    return [subscriber.blocked_at[account] - moment for account, moment in moments.items()]


def run(show: Callable[[str], None], directory: Path) -> dict[str, float]:
    """By background: median, 99th percentile and worst in ms, share of a core, and memory."""
    figures: dict[str, float] = {}
    for per_s, batch in BACKGROUNDS:
        folder = directory / str(per_s)
        folder.mkdir()
        figures |= {f"breach_{per_s}_{name}": value for name, value in _under(per_s, batch, folder).items()}
        median, p99, worst, core, mib = (figures[f"breach_{per_s}_{name}"] for name in FIGURES)
        show(
            f"breach to command at {per_s:,} reports/s, {ACCOUNTS} breaches: median {median:.1f} ms, p99 {p99:.1f} ms, "
            f"worst {worst:.1f} ms; {core:.0f} % of a core, {mib:.0f} MiB"
        )
    return figures


def _under(per_s: int, batch: int, directory: Path) -> dict[str, float]:
    seconds = ACCOUNTS * SPACING_S + 6
    with Mosquitto(directory / "mosquitto") as broker, running(directory, broker.port) as it:
        subscriber = Subscriber(broker.port)
        blaster = Blaster(broker.port, int(per_s * seconds), batch, accounts=1_000, rate=per_s)
        blaster.go()
        time.sleep(1.0)
        began, used = time.monotonic(), it.processor_s()
        late_ms = sorted(late * 1_000 for late in breaches(subscriber))
        core = 100 * (it.processor_s() - used) / (time.monotonic() - began)
        mib = it.memory_mib()
        blaster.finish()
        subscriber.close()
    values = (statistics.median(late_ms), late_ms[int(len(late_ms) * 0.99) - 1], late_ms[-1], core, mib)
    return dict(zip(FIGURES, values, strict=True))
