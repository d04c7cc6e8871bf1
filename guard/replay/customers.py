"""Customers: each an account with a kind, drawn once as plain data. What they dial is in `guard.replay.traffic`.

Everything about a customer is drawn from the simulation's seed and its account's id: adding one changes nothing for
the others, and the same seed makes the same customers. Over a calendar a customer also has a course: it grows, has a
season, opens a branch, travels, gets new addresses from its provider. `Change` is how all of that is said, and how a
scenario adds to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from guard.core.money import MICROS_PER_UNIT, format_money
from guard.core.records import Direction
from guard.core.tariff import CallClass
from guard.replay.attempts import weighted
from guard.replay.catalog import Destination
from guard.replay.habits import Habit, Kind, Places
from guard.replay.kinds import CALL_CENTRE, HOTEL, KINDS, OFFICE, SHOP
from guard.replay.weeks import DAY_MS, WEEK_HOURS, Calendar

MONTH_DAYS = 30
LOWEST_LIMIT_MICROS = 100 * MICROS_PER_UNIT
LIMIT_CYCLES_PERCENT = 250
"""A limit is two and a half times what a month is expected to cost, as operators set them."""
LIMIT_STEP_MICROS = 10 * MICROS_PER_UNIT
TIMEZONES = (
    ("America/Toronto", 55),
    ("America/Vancouver", 16),
    ("America/Edmonton", 12),
    ("America/Winnipeg", 9),
    ("America/Halifax", 8),
)
METHODS = (("card", 45), ("e_transfer", 25), ("eft", 18), ("cheque", 12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something about a customer is different for a time."""

    from_ms: int
    until_ms: int
    percent: int = 100
    """Of the usual number of calls."""
    address: str = ""
    """A device's address in use meanwhile; empty: the usual ones."""
    address_percent: int = 100
    """How many of the calls come from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A week elsewhere: calls to the country one is in, all from one address there."""

    from_ms: int
    until_ms: int
    place: Destination
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One account and how it behaves; times in milliseconds since the simulation began."""

    account: str
    name: str
    kind: Kind
    limit: str
    owed: str
    """When the simulation begins."""
    size: int = 100
    """Percent of the calls that its kind states."""
    lines: int = 0
    """Calls that can be up at once; 0: those of the kind."""
    timezone: str = "America/Toronto"
    flat: bool = False
    """Calls to Canada and the USA are in the plan."""
    method: str = "card"
    """How it pays."""
    opened_ms: int = -365 * DAY_MS
    addresses: tuple[tuple[str, ...], ...] = (("",),)
    """For each device, its addresses one after another."""
    address_ms: int = 0
    """How long an address lasts; 0: for ever."""
    changes: tuple[Change, ...] = ()
    journeys: tuple[Journey, ...] = ()
    month_growth_percent: int = 0

    @property
    def begins_ms(self) -> int:
        """When it makes its first call."""
        return max(0, self.opened_ms)

    def price_micros(self, destination: Destination) -> int:
        """What a minute costs it: nothing where its plan includes the calls."""
        return 0 if self.flat and destination.kind is CallClass.DOMESTIC else destination.rate_micros

    def level(self, offset_ms: int) -> float:
        """Its calls at a time, as a multiple of the usual number."""
        level: float = (1 + self.month_growth_percent / 100) ** (offset_ms / (MONTH_DAYS * DAY_MS))
        for change in self.changes:
            if change.from_ms <= offset_ms < change.until_ms:
                level *= change.percent / 100
        return level

    def address(self, draw: Random, offset_ms: int) -> str:
        """The address of the device that dials now."""
        for journey in self.journeys:
            if journey.from_ms <= offset_ms < journey.until_ms:
                return journey.address
        for change in self.changes:
            meanwhile = change.address and change.from_ms <= offset_ms < change.until_ms
            if meanwhile and draw.random() * 100 < change.address_percent:
                return change.address
        device = self.addresses[int(len(self.addresses) * draw.random())]
        return device[min(offset_ms // self.address_ms, len(device) - 1)] if self.address_ms else device[0]


DEMO_CUSTOMERS = (
    Customer(account="A1001", name="Corner Books", kind=SHOP, size=690, lines=4, limit="100.00", owed="18.25"),
    Customer(
        account="A1002", name="Maple Dental Clinic", kind=OFFICE, size=950, lines=24, limit="120.00", owed="52.60"
    ),
    Customer(account="A1003", name="Harbour Inn", kind=HOTEL, size=1330, lines=30, limit="400.00", owed="131.10"),
    Customer(
        account="A1004", name="Northline Support", kind=CALL_CENTRE, size=1190, lines=60, limit="1500.00", owed="402.77"
    ),
    Customer(account="A1005", name="Birch & Sons Plumbing", kind=SHOP, size=690, lines=4, limit="100.00", owed="18.25"),
    Customer(account="A1006", name="Laurier Law Group", kind=OFFICE, size=950, lines=24, limit="120.00", owed="52.60"),
)
"""A handful of different kinds; the second one is hacked in the demonstration."""


def make_customers(count: int, seed: int, calendar: Calendar | None = None) -> list[Customer]:
    """So many customers, their kinds drawn by their shares."""
    draw = Random(f"{seed}/customers")
    kinds = draw.choices(KINDS, weights=[kind.share for kind in KINDS], k=count)
    width = max(4, len(str(count)))
    return [
        make_customer(f"S{number:0{width}d}", kind, seed, calendar, name=f"Simulated {kind.name} {number}")
        for number, kind in enumerate(kinds, start=1)
    ]


def make_customer(
    account: str,
    kind: Kind,
    seed: int,
    calendar: Calendar | None = None,
    *,
    name: str = "",
    opened_ms: int | None = None,
) -> Customer:
    """One customer of a kind, with its course over the calendar."""
    draw = Random(f"{seed}/{account}")
    low, high = kind.sizes
    size = round(low * (high / low) ** draw.random())
    days = calendar.days if calendar else 1
    customer = Customer(
        account=account,
        name=name or f"Simulated {kind.name} {account}",
        kind=kind,
        limit="0",
        owed="0",
        size=size,
        lines=max(2, kind.lines * size // 100),
        timezone=weighted(draw, TIMEZONES),
        flat=draw.random() * 100 < kind.flat_percent,
        method=weighted(draw, METHODS),
        opened_ms=-draw.randint(60, 2_500) * DAY_MS if opened_ms is None else opened_ms,
        addresses=_addresses(draw, kind, days),
        address_ms=kind.new_address_days * DAY_MS,
        changes=_course(draw, kind, days),
        journeys=_journeys(draw, kind, days),
        month_growth_percent=kind.month_growth_percent,
    )
    month_micros = _month_micros(customer, seed)
    at_most = max(customer.level(day * DAY_MS) for day in range(days))
    limit = int(month_micros * at_most) * LIMIT_CYCLES_PERCENT // 100
    limit = max(LOWEST_LIMIT_MICROS, -(-limit // LIMIT_STEP_MICROS) * LIMIT_STEP_MICROS)
    owed = month_micros // 10_000 * 10_000 if opened_ms is None else 0
    return replace(customer, limit=format_money(limit), owed=format_money(owed))


def calls_per_second(customers: Iterable[Customer]) -> float:
    """Attempts a second that these customers make together in their busiest hours, left alone."""
    return sum(customer.kind.calls_per_hour * customer.size / 100 for customer in customers) / 3_600


def own_places(customer: Customer, habit: Habit, seed: int) -> Places:
    """The places of a habit that this customer really calls."""
    draw = Random(f"{seed}/{customer.account}/{habit.name}/places")
    low, high = habit.spread
    return sample(draw, habit.places, draw.randint(low, high)) if high else habit.places


def sample(draw: Random, choices: Places, count: int) -> Places:
    """So many different ones of the choices, the likelier ones more often."""
    left = list(choices)
    chosen: list[tuple[Destination, int]] = []
    while left and len(chosen) < count:
        found = weighted(draw, tuple((each, each[1]) for each in left))
        left.remove(found)
        chosen.append(found)
    return tuple(chosen)


def home_address(draw: Random) -> str:
    """An address of a customer's device, in the range set aside for measurements (RFC 2544)."""
    return f"198.{draw.randint(18, 19)}.{draw.randint(0, 255)}.{draw.randint(1, 254)}"


def strange_address(draw: Random) -> str:
    """An address that belongs to nobody here, in the ranges set aside for examples (RFC 5737)."""
    return f"{draw.choice(('192.0.2', '198.51.100', '203.0.113'))}.{draw.randint(1, 254)}"


def _addresses(draw: Random, kind: Kind, days: int) -> tuple[tuple[str, ...], ...]:
    turns = days // kind.new_address_days + 1 if kind.new_address_days else 1
    return tuple(tuple(home_address(draw) for _ in range(turns)) for _ in range(draw.randint(*kind.addresses)))


def _course(draw: Random, kind: Kind, days: int) -> tuple[Change, ...]:
    """The season or the new branch that a kind has."""
    from_ms = int(days * DAY_MS * (0.3 + 0.4 * draw.random()))
    if kind.surge_percent:
        lasts_ms = draw.randint(9, 16) * DAY_MS
        return (Change(from_ms=from_ms, until_ms=from_ms + lasts_ms, percent=100 + kind.surge_percent),)
    if kind.branch_percent:
        percent = 100 + kind.branch_percent
        share = kind.branch_percent * 100 // percent
        end_ms = (days + 1) * DAY_MS
        return (
            Change(
                from_ms=from_ms, until_ms=end_ms, percent=percent, address=home_address(draw), address_percent=share
            ),
        )
    return ()


def _journeys(draw: Random, kind: Kind, days: int) -> tuple[Journey, ...]:
    where = next((habit.places for habit in kind.habits if habit.journeys), ())
    journeys = []
    day = draw.randint(2, 14)
    while where and day < days:
        lasts = draw.randint(4, 9)
        journeys.append(
            Journey(
                from_ms=day * DAY_MS,
                until_ms=(day + lasts) * DAY_MS,
                place=weighted(draw, where),
                address=home_address(draw),
            )
        )
        day += lasts + draw.randint(8, 24)
    return tuple(journeys)


def _month_micros(customer: Customer, seed: int) -> int:
    """What a month is expected to cost at the usual level."""
    return sum(_habit_micros(customer, habit, own_places(customer, habit, seed)) for habit in customer.kind.habits)


def _habit_micros(customer: Customer, habit: Habit, where: Places) -> int:
    full_hours = sum(habit.hours) * 24 * MONTH_DAYS // (100 * WEEK_HOURS)
    if habit.journeys:
        full_hours //= 4
    leaving = _share_percent(habit.directions)
    seconds = int(habit.calls_per_hour * customer.size * full_hours) * habit.talk_s // 100
    seconds = seconds * habit.answered_percent * leaving // 10_000
    weights = sum(weight for _, weight in where)
    rate = sum(customer.price_micros(each) * weight for each, weight in where) // weights
    return seconds * rate // 60


def _share_percent(directions: Sequence[tuple[Direction, int]]) -> int:
    """How many of the calls leave the switch and cost something."""
    leaving = sum(weight for way, weight in directions if way in {Direction.OUTGOING, Direction.FORWARDED})
    return leaving * 100 // sum(weight for _, weight in directions)
