"""The daemon as a process, with a real mosquitto and a replayed clock: what it publishes is what the backtest decides.

Everything is published at once; the broker keeps what the daemon has not come to. It is stopped and started again in
the middle. Without rules it is killed instead: what limits decide survives even that to the byte (of what rules have
seen a crash may cost the last minute).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.integration.mosquitto import Mosquitto
from tests.replayed.clockwork import PATIENCE_S
from tests.replayed.histories import record
from tests.replayed.twin import CALLS, CONTROL, INTENT, PREFIX, Entry, Schedule, twin, written

pytestmark = [pytest.mark.broker, pytest.mark.interpreted]


class Outside:
    """Who publishes the schedule and hears the decisions."""

    def __init__(self, port: int) -> None:
        self.decisions: dict[str, bytes] = {}
        """By id: they come at least once."""
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="outside", clean_session=False)
        self._client.on_message = self._heard
        self._client.max_inflight_messages_set(0)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"{PREFIX}/decisions", 1)
        self._client.loop_start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.loop_stop()
        self._client.disconnect()

    def _heard(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self.decisions.setdefault(json.loads(message.payload)["id"], bytes(message.payload))

    def publish(self, entries: list[Entry]) -> None:
        """All messages, in their order; returns when the broker has them."""
        sent = [self._client.publish(each.topic, each.payload, qos=1) for each in entries if each.way != INTENT]
        for each in sent:
            each.wait_for_publish(PATIENCE_S)


class Child:
    """The daemon's process, run from a place of the schedule to another."""

    def __init__(self, folder: Path, config: Path, schedule: Schedule) -> None:
        self._folder = folder
        self._config = config
        self._schedule = schedule
        self._written = written(folder / "schedule.ndjson", schedule.entries)
        self.log = folder / "child.log"

    @contextmanager
    def running(self, begin: int, stop_at: int) -> Iterator[subprocess.Popen[bytes]]:
        """In a process of its own, which is killed in the end."""
        places = (self._schedule.start_ms, self._schedule.end_ms, begin, stop_at)
        command = [sys.executable, "-m", "tests.replayed.child", str(self._config), str(self._written)]
        with self.log.open("ab") as log:
            process = subprocess.Popen([*command, *map(str, places)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run(self, begin: int, stop_at: int) -> None:
        """To the end of its stretch, where it stops as it should."""
        with self.running(begin, stop_at) as process:
            assert process.wait(PATIENCE_S) == 0, self.tail()

    def run_until_killed(self, begin: int, reached: int) -> None:
        """To about that place."""
        with self.running(begin, len(self._schedule.entries)):
            until(lambda: self.position >= reached, "its place", self.tail)

    @property
    def position(self) -> int:
        """How far it has come."""
        noted = self._folder / "position"
        return int(noted.read_text() or 0) if noted.exists() else 0

    def tail(self) -> str:
        """What it said last."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


def until(condition: Callable[[], bool], what: str, explain: Callable[[], str]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}\n{explain()}"
        time.sleep(0.002)


def with_ends(schedule: Schedule) -> Schedule:
    """A last message for each session, which says nothing: whoever waits behind a restart sees that nothing is left."""
    ends = ((CALLS, "calls"), (CONTROL, "acks"))
    schedule.entries += [Entry(schedule.end_ms, way, f"{PREFIX}/nobody/{kind}", b"the end") for way, kind in ends]
    return schedule


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.mark.parametrize("rules", [True, False], ids=["rules, stopped and started", "limits, killed and started"])
def test_the_decisions_that_are_published_are_the_backtests(folder: Path, broker: Mosquitto, *, rules: bool) -> None:
    """Byte for byte, whatever happens to the process in between."""
    recorded = record(
        folder, seed=3, days=1, mode="enforce", priced=True, rules=rules, broker=f"mqtt://127.0.0.1:{broker.port}"
    )
    schedule = with_ends(twin(folder, recorded.reports, recorded.billing, recorded.config))
    last = len(schedule.entries)
    assert rules or not any(each.way == INTENT for each in schedule.entries)
    child = Child(folder, recorded.config, schedule)
    with Outside(broker.port) as outside:
        # The first start makes the sessions, for which the broker keeps what is published.
        child.run(0, 0)
        outside.publish(schedule.entries)
        begin = 0
        for place in (last // 3, last * 2 // 3):
            if rules:
                child.run(begin, place)
                begin = place
            else:
                child.run_until_killed(begin, place)
                begin = max(0, child.position - 1)
        decided = schedule.decisions.splitlines()
        with child.running(begin, last + 1):
            until(lambda: len(outside.decisions) >= len(decided), "all decisions", child.tail)
    assert list(outside.decisions.values()) == decided
