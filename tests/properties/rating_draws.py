"""What the properties of rating draw: tariffs with nested prefixes, plans, accounts in time zones, and calls.

Everything lies around the edge of a billing cycle: half of the calls end before the 1st 00:00 of their account's time
zone, half of them after. Destinations are few, so that calls share quotas and tiers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from guard.core.money import Micros
from guard.core.plans import Discount, Plan, Quota, Reach, Tier, TierBy
from guard.core.rating import Rating
from guard.core.records import Direction, Event, Report
from guard.core.tariff import CallClass, Destination, Tariff
from tests.properties.rating_oracle import EPOCH, Oracle, PriceList

PREFIXES = ("1", "1416", "14165", "1900", "44", "447", "4477", "253", "25377")
NUMBERS = (*(f"+{prefix}5550100" for prefix in PREFIXES), "+9995550100")
"""One under each prefix, and one that no tariff here knows."""
UNLIKE = ("14", "19", "447", "253")
"""Prefixes none of which begins with another."""
UNKNOWN_RATE = 1_000_000
SWITCHES = ("sw1", "sw2")
PLANS = (TierBy.MINUTES, TierBy.MONEY)

EDGES = (
    ("UTC", 2026, 12),
    ("America/Toronto", 2026, 11),  # the 1st has 25 hours
    ("America/Havana", 2026, 11),  # the 1st has two midnights
    ("America/Sao_Paulo", 2027, 1),
    ("America/Asuncion", 2023, 10),  # the 1st has no midnight
    ("Australia/Lord_Howe", 2026, 11),
    ("Pacific/Auckland", 2027, 4),
)
"""Where an account is, and the month whose beginning is the edge."""

PAID = tuple(kind for kind in CallClass if kind is not CallClass.ONNET)
rates = st.sampled_from([20_000, 333_333, 600_000, 2_100_000, 0, 1, 59, 999_999_999]) | st.integers(0, 5_000_000)
offs = st.sampled_from([0, 1, 100_000, 333_333, 500_000, 1_000_000])
seconds = st.sampled_from([60, 59, 61, 120, 1, 0]) | st.integers(0, 400)


def edge_ms(timezone: str, year: int, month: int) -> int:
    """The first millisecond of a month, by the clock on the wall: minutes are tried until the month is there."""
    zone = ZoneInfo(timezone)
    moment = datetime(year, month, 1, tzinfo=zone).astimezone(EPOCH.tzinfo) - timedelta(hours=3)
    while (there := moment.astimezone(zone)).month != month or there.year != year:
        moment += timedelta(minutes=1)
    return (moment - EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, repr=False)
class House:
    """What is configured: a tariff, and each account's plan and time zone."""

    rows: tuple[Destination, ...]
    plans: Mapping[str, Plan | None]
    timezones: Mapping[str, str]

    def __repr__(self) -> str:
        parts = {name: (*plan.quotas, *plan.discounts) for name, plan in self.plans.items() if plan is not None}
        return f"House({self.rows}, {parts}, {self.timezones})"

    def rating(self) -> Rating:
        """For the engine."""
        plans = {plan.id: plan for plan in self.plans.values() if plan is not None}
        return Rating(unknown_rate_micros=UNKNOWN_RATE, tariff=Tariff(self.rows), plans=plans)

    def oracle(self) -> Oracle:
        """For whoever knows better."""
        return Oracle(PriceList(self.rows, UNKNOWN_RATE), self.plans, self.timezones)


@st.composite
def tariffs(draw: st.DrawFn) -> tuple[Destination, ...]:
    """Some of the prefixes, each with everything that a row can say."""
    prefixes = draw(st.lists(st.sampled_from(PREFIXES), min_size=2, unique=True))
    return tuple(
        Destination(
            prefix=prefix,
            name=f"to {prefix}",
            kind=draw(st.sampled_from((*PAID, *PAID, *CallClass))),
            rate_micros=draw(rates),
            connect_micros=draw(st.sampled_from([0, 0, 1, 50_000])),
            minimum_s=draw(st.sampled_from([0, 0, 1, 30, 61])),
            increment_s=draw(st.sampled_from([1, 1, 6, 7, 60])),
        )
        for prefix in prefixes
    )


@st.composite
def reaches(draw: st.DrawFn) -> list[Reach]:
    """Parts of a plan none of which overlap: by class (some of them narrowed to prefixes), or by prefix."""
    if draw(st.booleans()):
        kinds = draw(st.permutations(PAID))
        cut = draw(st.integers(0, len(kinds)))
        sets = [frozenset(kinds[:cut]), frozenset(kinds[cut:])]
        return [
            Reach(kinds=kinds, prefixes=draw(st.sampled_from([(), (), (), ("1", "44")]))) for kinds in sets if kinds
        ]
    prefixes = draw(st.lists(st.sampled_from(UNLIKE), min_size=2, unique=True))
    classes = st.sampled_from([frozenset[CallClass](), frozenset(PAID[:2])])
    return [Reach(kinds=draw(classes), prefixes=(prefix,)) for prefix in prefixes]


some_reaches: st.SearchStrategy[list[Reach]] = st.one_of(st.just([]), reaches(), reaches())


@st.composite
def plans(draw: st.DrawFn, name: str = "plan") -> Plan:
    """Quotas, discounts, both or neither."""
    quotas = [
        Quota(key=f"{name}/quota:{number}", reach=reach, seconds=draw(st.integers(1, 300)))
        for number, reach in enumerate(draw(some_reaches))
    ]
    discounts = []
    for number, reach in enumerate(draw(some_reaches)):
        by = draw(st.sampled_from(PLANS))
        # By money, up to 1.00: micros x 60.
        most = 300 if by is TierBy.MINUTES else 60_000_000
        starts = [0, *sorted(draw(st.sets(st.integers(1, most), min_size=1, max_size=3)))]
        tiers = tuple(Tier(start, draw(offs)) for start in starts)
        discounts.append(Discount(key=f"{name}/discount:{number}", reach=reach, by=by, tiers=tiers))
    return Plan(name, name, quotas, discounts)


@dataclass(frozen=True)
class Sketch:
    """The true course of one call, and what of it its reports say."""

    switch: str
    call: str
    account: str
    began_ms: int
    duration_ms: int
    ticks_ms: tuple[int, ...]
    to: str
    told_by: str
    """Which reports say where it goes: `all`, `answered`, `ended`, `none`."""
    direction: Direction | None
    emergency: bool
    rate: int | None
    charges: int | None
    """Charged at so much a minute by the switch; None: it states no charge."""
    comes_back: bool
    """Its end is only heard of when it has been taken for lost."""

    def at(self, event: Event, duration_ms: int) -> Report:
        """The report of one moment of it."""
        describes = self.told_by in {"all", event.name.lower()}
        return Report(
            self.call,
            event,
            self.account,
            self.began_ms + duration_ms,
            duration_ms,
            to=self.to if describes else None,
            charge_micros=None if self.charges is None else Micros(self.charges * duration_ms // 60_000),
            rate_micros=self.rate if self.charges is None else self.charges,
            emergency=True if self.emergency and describes else None,
            direction=self.direction if describes else None,
        )

    def middle(self) -> list[Report]:
        """All but its end."""
        ticks = [self.at(Event.TICK, duration_ms) for duration_ms in self.ticks_ms]
        return [self.at(Event.ANSWERED, 0), *ticks]

    def ending(self) -> list[Report]:
        """Its last second, and its end."""
        return [self.at(Event.TICK, max(0, self.duration_ms - 1)), self.end()]

    def end(self) -> Report:
        """The last of it."""
        return self.at(Event.ENDED, self.duration_ms)


now_and_then = st.integers(0, 2).map(lambda drawn: drawn == 2)
rarely = st.integers(0, 9).map(lambda drawn: drawn == 9)
durations_ms = st.builds(lambda s, ms: 1_000 * s + ms, seconds, st.sampled_from([0, 0, 1, 999]))


@st.composite
def sketches(draw: st.DrawFn, accounts: Mapping[str, int], number: int) -> Sketch:
    """A call that ends near the edge of its account's cycle."""
    account = draw(st.sampled_from(sorted(accounts)))
    duration_ms = draw(durations_ms)
    ends_ms = accounts[account] + draw(st.sampled_from([-1, 0, 1]) | st.integers(-600_000, 600_000))
    ticks_ms = draw(st.lists(st.just(duration_ms) | st.integers(0, duration_ms), max_size=2))
    return Sketch(
        switch=draw(st.sampled_from(SWITCHES)),
        call=f"C{number}",
        account=account,
        began_ms=ends_ms - duration_ms,
        duration_ms=duration_ms,
        ticks_ms=tuple(ticks_ms),
        to="911" if draw(rarely) else draw(st.sampled_from(NUMBERS)),
        told_by=draw(st.sampled_from(["all", "all", "answered", "answered", "ended", "none"])),
        direction=draw(st.sampled_from(Direction)) if draw(rarely) else None,
        emergency=draw(rarely),
        rate=draw(rates) if draw(now_and_then) else None,
        charges=draw(st.sampled_from([0, 250_000, 7_000_001])) if draw(rarely) else None,
        comes_back=draw(now_and_then),
    )
