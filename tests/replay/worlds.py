"""Small worlds for tests, and what happened in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from guard.core.records import Direction, Event, Report
from guard.replay.attempts import merge
from guard.replay.cases.library import chosen, stage
from guard.replay.cases.setting import Case, Setting
from guard.replay.customers import Customer, make_customers
from guard.replay.faults import Faults
from guard.replay.simulation import Simulation
from guard.replay.switch import SimulatedSwitch
from guard.replay.traffic import traffic
from guard.replay.truth import CaseTruth
from guard.replay.weeks import DAY_MS, Calendar
from guard.replay.world import Script, World, make_world

START_MS = 1_788_220_800_000
"""2026-09-01T00:00:00Z."""
DAYS = 24
CROWD = 60
"""Customers among whom a case finds its accounts; only those are played."""


def world(*names: str, seed: int = 1, days: int = DAYS, accounts: int = 12) -> World:
    script = Script(seed=seed, accounts=accounts, scenarios=chosen(names), start_ms=START_MS, days=days)
    return make_world(script)


@dataclass(frozen=True)
class Played:
    """One case at its accounts, played to its end without anybody in its way."""

    case: Case
    customers: dict[str, Customer]
    """Who has a part in it."""
    reports: list[tuple[str, Report]]
    """With the switch that says so."""
    truth: dict[str, CaseTruth]
    """By account."""

    @property
    def account(self) -> str:
        (account,) = self.customers
        return account

    @property
    def customer(self) -> Customer:
        return self.customers[self.account]

    def during(self, *events: Event, direction: Direction = Direction.OUTGOING) -> list[Report]:
        """Reports of the case's time, at the accounts it touched."""
        return [
            report
            for _, report in self.reports
            if (not events or report.event in events)
            and report.direction is direction
            and (part := self.truth.get(report.account))
            and part.first_at_ms <= report.at_ms <= part.last_at_ms
        ]

    def before(self) -> list[Report]:
        """Reports of the time before it."""
        return [report for _, report in self.reports if report.at_ms < self.truth[report.account].first_at_ms]

    @property
    def hours(self) -> float:
        part = self.truth[self.account]
        return (part.last_at_ms - part.first_at_ms) / 3_600_000

    @property
    def begins_day(self) -> int:
        return (min(part.first_at_ms for part in self.truth.values()) - START_MS) // DAY_MS


@cache
def played(name: str, seed: int) -> Played:
    """One case of this scenario, and the usual traffic of the accounts that it touches."""
    calendar = Calendar(START_MS, DAYS)
    crowd = make_customers(CROWD, seed, calendar)
    setting = Setting(crowd, seed=seed, calendar=calendar)
    (case,) = stage(chosen([name]), setting)
    touched = {account: each for account, each in setting.customers.items() if account not in setting._free}
    usual = [stream for each in touched.values() for stream in traffic(each, seed=seed, calendar=calendar)]
    switch = SimulatedSwitch("sim1", tick_ms=30_000)
    played = Simulation(switch, merge([*usual, *case.streams]), start_ms=START_MS, faults=Faults(case.faults))
    reports = [(name, report) for _, name, report in played.events()]
    truth = {account: part for (_, account), part in switch.truth.cases().items()}
    return Played(case, touched, reports, truth)
