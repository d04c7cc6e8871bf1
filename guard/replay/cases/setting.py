"""The stage: customers who have not had a part yet, times of the day that fit, and what a case puts on it.

Each case draws from a random source of its own, seeded by the simulation's seed and the case's id. A customer has a
part in one case at most, so that what is lost by a fraud is lost by that one. With a calendar, cases come after the
time in which a newcomer's habits are learned (`LEARNED_DAYS`); in a trial in real time there is no calendar, and
each begins a little after the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from random import Random
from typing import Any

from guard.core.money import format_money, parse_money
from guard.replay.attempts import Stream
from guard.replay.catalog import Destination
from guard.replay.customers import Change, Customer, make_customer
from guard.replay.faults import Fault
from guard.replay.habits import Habit, Kind, Places
from guard.replay.traffic import Spell, spell_stream
from guard.replay.weeks import DAY_MS, HOUR_MS, SATURDAY, SECOND_MS, Calendar

LEARNED_DAYS = 15
"""Before that, nothing happens where the simulation is long enough."""
LIVE_FIRST_MS = 15 * SECOND_MS
LIVE_EVERY_MS = 20 * SECOND_MS
LIVE_END_MS = 400 * DAY_MS


class NotStagedError(Exception):
    """There are not enough customers; the text says what to do."""


class Days(Enum):
    """Days on which something may begin."""

    ANY = "any"
    WORKDAY = "workday"
    WEEKEND = "weekend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time during which something is the case at an account."""

    account: str
    from_ms: int
    until_ms: int


@dataclass(slots=True, kw_only=True)
class Case:
    """One staging of a scenario."""

    id: str
    scenario: str
    fraud: bool
    streams: list[Stream] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    bills: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Billing messages that belong to it, with their times; `id` and `at` are added when they are sent."""
    stretches: list[Stretch] = field(default_factory=list)
    """Where and when, for what is no calls of its own; of its calls the ground truth knows better."""


class Setting:
    """Customers and times for the cases of one simulation."""

    def __init__(self, customers: Iterable[Customer], *, seed: int, calendar: Calendar | None) -> None:
        self.seed = seed
        self.calendar = calendar
        self.customers = {customer.account: customer for customer in customers}
        self._free = list(self.customers)
        self._staged = 0
        self.case = Case(id="", scenario="", fraud=False)
        self.draw = Random()

    def begin(self, case: Case) -> None:
        """The next case is staged."""
        self.case = case
        self.draw = Random(f"{self.seed}/{case.id}")
        self._staged += 1

    @property
    def end_ms(self) -> int:
        """When the simulation ends."""
        return self.calendar.end_offset_ms if self.calendar else LIVE_END_MS

    # -- who ---------------------------------------------------------------------------------------

    def customer(self, *kinds: Kind, flat: bool | None = None) -> Customer:
        """Somebody of one of these kinds who has no part yet; when there is none, one more with an account of old."""
        free = [self.customers[account] for account in self._free]
        fitting = [each for each in free if each.kind in kinds and flat in {None, each.flat}]
        if fitting:
            found = self.draw.choice(fitting)
            self._free.remove(found.account)
            return found
        made = make_customer(f"E-{self.case.id}", self.draw.choice(kinds), self.seed, self.calendar)
        self.customers[made.account] = made if flat is None else replace(made, flat=flat)
        return self.customers[made.account]

    def crowd(self, fewest: int, most: int, *kinds: Kind) -> list[Customer]:
        """Many who have no part yet, of these kinds as far as there are, but no more than a quarter of all."""
        free = [self.customers[account] for account in self._free]
        count = max(2, min(self.draw.randint(fewest, most), len(free) // 4))
        if len(free) < count:
            raise NotStagedError(f"too few accounts for another case of {self.case.scenario}: raise --accounts")
        self.draw.shuffle(free)
        free.sort(key=lambda each: bool(kinds) and each.kind not in kinds)
        for each in free[:count]:
            self._free.remove(each.account)
        return free[:count]

    def newcomer(self, kind: Kind, opened_ms: int, *, limit: str = "", **changes: Any) -> Customer:
        """A customer who opens an account for the occasion."""
        account = f"N-{self.case.id}"
        made = make_customer(account, kind, self.seed, self.calendar, opened_ms=opened_ms)
        made = replace(made, limit=limit or made.limit, **changes)
        self.customers[account] = made
        return made

    def change(self, customer: Customer, change: Change) -> None:
        """Something about a customer is different for a time."""
        known = self.customers[customer.account]
        self.customers[customer.account] = replace(known, changes=(*known.changes, change))
        self.trust(customer, percent=change.percent)
        self.lasts(customer, change.from_ms, min(change.until_ms, self.end_ms))

    def trust(self, customer: Customer, *, percent: int) -> None:
        """Its limit has been set with what is to come in mind: so many percent of the usual one."""
        known = self.customers[customer.account]
        limit = format_money(parse_money(known.limit) * percent // 100)
        self.customers[customer.account] = replace(known, limit=limit)

    # -- when --------------------------------------------------------------------------------------

    def moment(
        self,
        customer: Customer,
        hours: tuple[float, float],
        days: Days = Days.ANY,
        *,
        lasts_days: float = 1,
        first_day: int | None = None,
    ) -> int:
        """When it begins: within these hours of the customer's day, on such a day, early enough to last so long."""
        if self.calendar is None:
            return LIVE_FIRST_MS + self._staged * LIVE_EVERY_MS
        if first_day is None:
            first_day = min(LEARNED_DAYS, self.calendar.days * 3 // 5)
        last_day = max(first_day, int(self.calendar.days - lasts_days - hours[1] / 24))
        midnights = [self.calendar.midnight(day, customer.timezone) for day in range(first_day, last_day + 1)]
        fitting = [
            each for each in midnights if days is Days.ANY or (each.weekday() >= SATURDAY) is (days is Days.WEEKEND)
        ]
        midnight = self.draw.choice(fitting or midnights)
        return max(0, self.calendar.offset(midnight) + round(self.draw.uniform(*hours) * HOUR_MS))

    def day(self, *, lasts_days: int = 1) -> int:
        """When it begins, at the start of a day of the simulation."""
        if self.calendar is None:
            return 0
        first_day = min(LEARNED_DAYS, self.calendar.days * 3 // 5)
        return self.draw.randint(first_day, max(first_day, self.calendar.days - lasts_days)) * DAY_MS

    # -- what --------------------------------------------------------------------------------------

    def spell(self, customer: Customer, habit: Habit, where: Places, *, from_ms: int, until_ms: int) -> None:
        """A customer has one more habit for a time."""
        spell = Spell(from_ms=from_ms, until_ms=min(until_ms, self.end_ms), case=self.case.id)
        self.case.streams.append(spell_stream(customer, habit, where, spell, seed=self.seed, calendar=self.calendar))

    def lasts(self, customer: Customer, from_ms: int, until_ms: int) -> None:
        """The case is at this account for that time, whatever calls it makes."""
        self.case.stretches.append(Stretch(account=customer.account, from_ms=from_ms, until_ms=until_ms))

    def some(self, among: Sequence[Destination], count: int = 1) -> list[Destination]:
        """So many different destinations."""
        return self.draw.sample(list(among), min(count, len(among)))
