"""A whole simulated world put together: customers, cases, their switch, and what billing says. Pure, from one seed.

With a calendar it is history: `simulation.events` plays it in event time, as fast as it can be drawn, and `bills` says
what billing said meanwhile. Without, it is a trial in real time: always the busiest hour, and the cases one after
another. The same `Script` makes the same world to the last byte; call ids and billing ids begin with `run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from guard.core.records import Report
from guard.replay.attempts import merge
from guard.replay.bills import Bills, Message
from guard.replay.cases.library import Scenario, stage
from guard.replay.cases.setting import Case, Setting
from guard.replay.customers import Customer, calls_per_second, make_customers
from guard.replay.faults import Faults
from guard.replay.simulation import Simulation
from guard.replay.switch import SimulatedSwitch
from guard.replay.traffic import traffic
from guard.replay.weeks import DAY_MS, Calendar

HISTORY_TICK_MS = 30_000
"""Reports while a call is up, in history: the longest that detection should wait (and the smallest files)."""
LIVE_TICK_MS = 10_000
LIVE_BUSY = 10.0
"""In real time calls come so many times as often as in life: a minute has to show what a morning would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What kind of world."""

    seed: int
    accounts: int
    scenarios: Sequence[Scenario] = ()
    start_ms: int
    days: int | None = None
    """Days of history, from a whole hour on; None: in real time."""
    switch: str = "sim1"
    rate: float | None = None
    """In real time: attempts a second, all together; None: `LIVE_BUSY` times as many as in life."""
    priced: bool = True
    """The switch states charges and rates; otherwise guard's tariff is to price the calls."""
    run: str = ""


def _unheard(messages: list[Message]) -> None:
    """Nobody keeps what billing says."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that one seed makes."""

    script: Script
    customers: list[Customer]
    cases: list[Case]
    simulation: Simulation
    bills: Bills

    def events(self, on_bills: Callable[[list[Message]], None] = _unheard) -> Iterator[tuple[int, str, Report]]:
        """All of history: when, at which switch, and what is reported; the last calls end after the last day.

        What billing says meanwhile goes to `on_bills`, in its place: an invoice holds what ended before its moment.
        """
        end_ms = (self.script.days or 0) * DAY_MS
        while (next_ms := self.bills.next_ms()) is not None and next_ms <= end_ms:
            yield from self.simulation.events(self.script.start_ms + next_ms)
            on_bills(self.bills.due(next_ms))
        yield from self.simulation.events()


def make_world(script: Script) -> World:
    """A world from its script; `NotStagedError` when it has too few accounts for its scenarios."""
    calendar = Calendar(script.start_ms, script.days) if script.days else None
    setting = Setting(make_customers(script.accounts, script.seed, calendar), seed=script.seed, calendar=calendar)
    cases = list(stage(script.scenarios, setting))
    customers = list(setting.customers.values())
    busy = 1.0 if calendar else LIVE_BUSY
    if script.rate is not None:
        busy = script.rate / calls_per_second(customers)
    streams = [stream for each in customers for stream in traffic(each, seed=script.seed, calendar=calendar, busy=busy)]
    streams += [stream for case in cases for stream in case.streams]
    switch = SimulatedSwitch(script.switch, tick_ms=HISTORY_TICK_MS if calendar else LIVE_TICK_MS, priced=script.priced)
    run = script.run or f"s{script.seed}"
    simulation = Simulation(
        switch,
        merge(streams),
        start_ms=script.start_ms,
        run=run,
        faults=Faults(fault for case in cases for fault in case.faults),
    )
    bills = Bills(
        customers,
        cases,
        switch.truth,
        run=run,
        seed=script.seed,
        start_ms=script.start_ms,
        calendar=calendar,
    )
    return World(script, customers, cases, simulation, bills)
