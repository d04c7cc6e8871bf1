"""The clock of guard's machine is set while it runs (libfaketime): nobody is blocked for it, and who must be still is.

Time that guard's clock skips is no time that anybody called. What a switch says bears the switch's own clock; from its
next reports guard learns the distance, and goes on computing moments by it.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.faults.traffic import assert_whole, owed, without_rules
from tests.integration.mosquitto import Mosquitto

pytestmark = [pytest.mark.broker, pytest.mark.clock]

TICK_EVERY_S = 0.2
STARTED_WITH = 5.0
PER_MINUTE = 0.6
LIMIT = "10.00"
"""Reached by the call that is up after eight minutes, and not before."""


class Clock:
    """What guard takes for the time; nobody else does."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)
        library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
        if library is None:
            raise AssertionError("libfaketime is not installed: apt-get install faketime, or leave out -m clock")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset_s: int) -> None:
        """So far from the true time, at once."""
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{offset_s:+d}\n")
        beside.replace(self._file)


@contextmanager
def _a_call_that_ticks(switch: SwitchClient) -> Iterator[None]:
    """A long call of C1, as its switch sees it."""
    began, stop = time.time(), threading.Event()
    switch.report("long", "answered", "C1", charge=f"{STARTED_WITH}", rate=f"{PER_MINUTE}")

    def tick() -> None:
        while not stop.wait(TICK_EVERY_S):
            up_s = time.time() - began
            charge = STARTED_WITH + PER_MINUTE * up_s / 60
            more = {"duration_ms": int(up_s * 1_000), "charge": f"{charge:.6f}", "rate": f"{PER_MINUTE}"}
            switch.report("long", "tick", "C1", **more)

    thread = threading.Thread(target=tick, name="ticks")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def _last_step_s(guard: Guard) -> float:
    """By how much guard has last seen its clock set."""
    steps = re.findall(r'"clock-stepped", "by_ms": (-?\d+)', guard.log.read_text())
    return int(steps[-1]) / 1_000


def _in_flight(guard: Guard) -> float:
    return float(guard.account("C1")["balance"]["in_flight"])


def test_the_clock_is_set_forward_and_back(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "offset")
    with (
        Mosquitto(tmp_path / "mosquitto") as broker,
        Guard(tmp_path / "guard", broker.url, more=without_rules(tmp_path), environment=clock.environment) as guard,
        SwitchClient(broker.port) as switch,
    ):
        names = itertools.count(2)

        def a_breach_is_acted_on() -> None:
            """Somebody else reaches a limit of 1.00 a second after answering."""
            name = f"C{next(names)}"
            switch.bill({"type": "credit", "id": f"limit-{name}", "account": name, "limit": "1.00"})
            wait_for(lambda: guard.account(name).get("limit") == "1.00", "the limit", guard.log_tail)
            switch.report(f"call-{name}", "answered", name, charge="0.00", rate="60.00")
            wait_for(lambda: switch.commands(name, "block"), f"the block of {name}", guard.log_tail)
            switch.report(f"call-{name}", "ended", name, duration_ms=1_000, charge="1.00")
            wait_for(lambda: owed(guard, name) == 1, "its end", guard.log_tail)
            assert not switch.commands("C1"), "blocked for a clock that was set"

        switch.bill({"type": "credit", "id": "limit-C1", "account": "C1", "limit": LIMIT})
        with _a_call_that_ticks(switch):
            wait_for(lambda: guard.account("C1").get("live_calls"), "the call", guard.log_tail)
            for steps, offset_s in enumerate((3_600, 0, -600), start=1):
                clock.set(offset_s)
                wait_for(
                    lambda steps=steps: guard.metric("guard_clock_steps_total") == steps,  # type: ignore[misc]
                    f"the step to {offset_s:+d} s is seen",
                    guard.log_tail,
                )
                a_breach_is_acted_on()
                assert STARTED_WITH <= _in_flight(guard) < STARTED_WITH + 2
            # More than 15 minutes behind, what switches say is from the future, and refused: counted, never posted.
            clock.set(-3_600)
            wait_for(
                lambda: guard.metric("guard_reports_total", switch="sw1", outcome="invalid") > 3,
                "reports from the future are refused",
                guard.log_tail,
            )
            clock.set(-300)
            a_breach_is_acted_on()
            guard.kill()
            # While nobody looks. The machine has not been started anew, so guard can tell by how much.
            clock.set(1_800)
            guard.start()
            assert abs(_last_step_s(guard) - 2_100) <= 5
            a_breach_is_acted_on()
            assert STARTED_WITH <= _in_flight(guard) < STARTED_WITH + 2
        switch.report("long", "ended", "C1", duration_ms=60_000, charge="5.60")
        wait_for(lambda: not guard.account("C1")["live_calls"], "the end", guard.log_tail)
        truth = {name: owed(guard, name) for name in ("C1", *(f"C{number}" for number in range(2, next(names))))}
        assert all(amount == 1 for name, amount in truth.items() if name != "C1")
        assert_whole(guard, truth)
