"""The third stranger's customers: forty kinds of people who telephone, and what they do on a day.

A `Kind` is a row of a table: how many calls on a working day, how much less at the weekend, when in the day, how long,
whom abroad and how often, how many numbers nobody there has called before. A `Customer` draws his own figures from it.
Everything is in his own zone, which may be far from the switch's home.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from tests.strangers.paper import HOUR, MINUTE, SECOND, Call, Style
from tests.strangers.places import Home, Place
from tests.strangers.third.land import EXCHANGES, FAR_AWAY, FAR_ZONES, ORDINARY, QUICK, everyday, named

HOURS = {
    "office": "000000013788746885410000",
    "shop": "000000002466666666643100",
    "evening": "000000001111111122357862",
    "night": "432223223333333334457885",
    "round": "322223456777777777765443",
    "asia": "754321000111111111235788",
    "school": "000000159865547840000000",
    "sunday": "000000001699863322233210",
}
"""Weights of the hours of a day; a blank night is a night without calls."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of customer; rates are per working day, shares of his outgoing calls."""

    name: str
    many: float
    weekend: float
    hours: str
    minutes: float
    abroad: float
    lands: tuple[str, ...] = ()
    fresh: float = 0.15
    failed: float = 0.06
    dear: float = 0.0
    far: float = 0.0
    share: int = 2
    roams: bool = False
    diverts: float = 0.0


_ANY = tuple(each.country for each in ORDINARY)
_WEST = ("GB", "IE", "DE", "ES", "NL", "SE", "IT", "AU", "MX", "CH")
_EAST = ("CN", "HK", "IN", "VN", "TH", "KR", "JP", "BD", "PK", "LK")
_SOUTH = ("NG", "GH", "KE", "ZA", "SN", "CI", "CM", "EG", "MA")

KINDS = (
    Kind("law firm", 32, 0.1, "office", 5, 0.05, _WEST, share=12),
    Kind("dentist", 18, 0.1, "office", 2, 0.002, _WEST, share=9),
    Kind("plumber", 16, 0.5, "shop", 2, 0, share=8, diverts=0.3),
    Kind("boutique", 11, 0.9, "shop", 2.5, 0.02, _WEST, share=9),
    Kind("builder", 24, 0.3, "office", 3, 0.01, ("PL", "RO", "PT"), share=8, diverts=0.2),
    Kind("accountants", 22, 0.1, "office", 6, 0.02, _WEST, share=8),
    Kind("estate agent", 38, 0.8, "shop", 3, 0.03, (*_WEST, "CN", "AE"), fresh=0.4, share=7),
    Kind("outbound sales", 130, 0.1, "office", 1.6, 0.01, _WEST, fresh=0.85, failed=0.35, share=5),
    Kind("world call centre", 100, 0.3, "round", 3, 0.5, _ANY, fresh=0.7, failed=0.3, share=4),
    Kind("collectors", 120, 0.3, "shop", 1.1, 0, fresh=0.6, failed=0.45, share=2),
    Kind("pollsters", 90, 0.9, "evening", 1.5, 0.03, _WEST, fresh=0.95, failed=0.5, share=2),
    Kind("hotel", 30, 1.1, "round", 5, 0.28, (*_ANY, "CU"), fresh=0.5, dear=0.006, share=9),
    Kind("airport hotel", 26, 1.0, "night", 6, 0.5, (*_ANY, "ET", "AF"), fresh=0.6, dear=0.012, share=4),
    Kind("hospital", 80, 0.8, "round", 2, 0.01, _ANY, share=4),
    Kind("importer", 28, 0.2, "asia", 6, 0.5, _EAST, fresh=0.2, share=8),
    Kind("forwarder", 48, 0.2, "round", 4, 0.5, (*_ANY, "DJ", "ET", "TG", "GN"), fresh=0.3, dear=0.005, share=5),
    Kind("travel agent", 24, 0.6, "shop", 4, 0.4, (*_ANY, "MV", "CU", "MG"), fresh=0.5, dear=0.015, share=4),
    Kind("software house", 22, 0.2, "office", 12, 0.4, ("IN", "UA", "PL", "IL", "GB"), fresh=0.1, share=7, roams=True),
    Kind("start-up", 18, 0.2, "office", 5, 0.15, (*_WEST, "IN", "SG"), fresh=0.3, share=5),
    Kind("charity", 12, 0.3, "office", 5, 0.1, ("KE", "HT", "GH"), dear=0.01, share=4),
    Kind("relief agency", 26, 0.5, "round", 9, 0.6, ("SO", "ET", "SL", "HT", "KE", "AF"), dear=0.05, share=3),
    Kind("church", 5, 1.6, "sunday", 5, 0.06, ("PH", "GH", "KE"), share=5),
    Kind("school", 40, 0.05, "school", 2, 0.003, _WEST, share=7),
    Kind("college", 60, 0.2, "office", 4, 0.12, _ANY, fresh=0.3, share=4),
    Kind("retirement home", 30, 1.1, "evening", 14, 0.05, ("IT", "PT", "PL", "DE", "AU"), fresh=0.05, share=6),
    Kind("call shop", 42, 1.2, "evening", 9, 0.92, (*_SOUTH, *_EAST, "HT", "DZ"), fresh=0.6, dear=0.06, share=4),
    Kind("reseller", 75, 0.9, "round", 5, 0.45, _ANY, fresh=0.6, failed=0.2, dear=0.02, share=4),
    Kind("fax broadcaster", 70, 0.1, "office", 0.9, 0.01, _WEST, fresh=0.9, failed=0.3, share=2),
    Kind("alarm diallers", 60, 1.0, "night", 0.2, 0, fresh=0.0, failed=0.1, share=4),
    Kind("conference bridge", 26, 0.1, "office", 38, 0.25, (*_WEST, *_EAST), fresh=0.3, share=4),
    Kind("taxi", 70, 1.2, "round", 0.7, 0.002, _WEST, fresh=0.8, share=3),
    Kind("newspaper", 40, 0.6, "round", 6, 0.2, (*_ANY, "AF"), fresh=0.6, dear=0.01, share=4),
    Kind("consulate", 24, 0.1, "office", 7, 0.5, ("MA", "TN", "DZ", "SN"), fresh=0.5, share=2),
    Kind("shipping line", 22, 0.6, "round", 5, 0.5, ("PH", "SG", "GB", "sea", "sky"), fresh=0.3, dear=0.01, share=3),
    Kind("island trader", 14, 0.4, "office", 5, 0.4, ("FJ", "WS", "PG", "SB", "VU", "TO"), share=4),
    Kind("consultant", 9, 0.3, "round", 9, 0.35, _ANY, fresh=0.3, share=6, roams=True, diverts=0.2),
    Kind("family", 3, 1.6, "evening", 14, 0.3, ("PH", "GM", "HT", "JM", "IN", "SO"), fresh=0.03, share=10),
    Kind("silent line", 0.3, 1.0, "shop", 2, 0, share=14),
    Kind("holiday home", 0.5, 4.0, "evening", 5, 0.05, _WEST, share=6),
    Kind("far office", 24, 0.1, "office", 6, 0.3, (*_WEST, "IN", "BR"), far=1.0, share=10),
)
BY_NAME = {each.name: each for each in KINDS}
INCOMING = 0.15
"""Incoming calls to each outgoing one: they cost nothing and are only part of the picture."""


@dataclass(slots=True)
class Customer:
    """An account: one of a kind, with figures, people and telephones of its own."""

    account: str
    kind: str
    habits: Kind
    style: Style
    home: Home
    zone: str
    opens: int
    many: float
    minutes: float
    caller: str
    sources: list[str]
    near: list[tuple[str, int]]
    abroad: list[tuple[str, int]]
    lands: list[Place]
    dear: list[Place]
    trend: dict[int, float] = field(default_factory=dict)
    busy: bool = False

    def moment(self, first: date, day: int, hour: float = 0.0) -> int:
        """An hour of a day on his clock, in milliseconds."""
        midnight = datetime.combine(first + timedelta(days=day), time(), ZoneInfo(self.zone))
        return int(midnight.timestamp() * 1000) + int(hour * HOUR)

    def person(self, draw: Random) -> tuple[str, int]:
        """Whom he calls next, and what a minute costs."""
        habits = self.habits
        if draw.random() < habits.dear:
            place = draw.choice(self.dear)
            return place.number(draw), place.rate
        if self.lands and draw.random() < habits.abroad:
            if draw.random() >= habits.fresh:
                return draw.choice(self.abroad)
            place = draw.choice(self.lands)
            return place.number(draw), place.rate
        if draw.random() >= habits.fresh:
            return draw.choice(self.near)
        place = draw.choice(everyday(self.home))
        return place.number(draw), place.rate

    def source(self, draw: Random, day: int) -> str:
        """From where: most from the same few addresses, some from wherever they woke up."""
        if self.habits.roams and draw.random() < 0.15:
            return f"100.{64 + day % 50}.{sum(map(ord, self.account)) % 250}.9"
        return draw.choice(self.sources)

    def day(self, first: date, day: int, draw: Random) -> Iterator[Call]:
        """One day's calls."""
        weekday = (first + timedelta(days=day)).weekday()
        mean = self.many * (self.habits.weekend if weekday > 4 else 1.0) * self.trend.get(day, 1.0)
        begins_ms = self.moment(first, day)
        hours = draw.choices(range(24), [int(each) for each in HOURS[self.habits.hours]], k=poisson(draw, mean))
        for hour in hours:
            at_ms = begins_ms + hour * HOUR + draw.randrange(HOUR)
            to, rate = self.person(draw)
            lasts_ms = 0 if draw.random() < self.habits.failed else long(draw, self.minutes)
            call = Call(self.account, self.style, at_ms, lasts_ms, to, rate, self.caller, self.source(draw, day))
            if draw.random() < self.habits.diverts:
                call.direction = "forwarded"
                call.to, call.rate = self.near[0]
            yield call
            if draw.random() < INCOMING:
                yield self.rung(at_ms + draw.randrange(HOUR), long(draw, 2), draw.choice(self.near)[0])

    def rung(self, at_ms: int, lasts_ms: int, by: str) -> Call:
        """Somebody calls him."""
        return Call(self.account, self.style, at_ms, lasts_ms, self.caller, 0, by, "", "incoming")


def poisson(draw: Random, mean: float) -> int:
    """How many, when so many are usual."""
    if mean > 60:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    left, count = math.exp(-mean), -1
    product = 1.0
    while product > left:
        product *= draw.random()
        count += 1
    return count


def long(draw: Random, minutes: float) -> int:
    """How long a call lasts whose like take so many minutes: many are short, few are very long."""
    spread = 0.9
    lasts = draw.lognormvariate(math.log(minutes) - spread * spread / 2, spread)
    return max(2 * SECOND, min(round(lasts * MINUTE), 4 * HOUR)) // 1000 * 1000


def newcomer(name: str, index: int, home: Home, draw: Random, *, opens: int = 0) -> Customer:
    """A customer of a kind."""
    habits = BY_NAME[name]
    pool = [each for each in named(*habits.lands) if each.country != home.country]
    lands = draw.sample(pool, min(len(pool), draw.randint(2, 7) if len(pool) < 20 else draw.randint(6, 24)))
    zone = draw.choice(FAR_ZONES) if draw.random() < habits.far else draw.choice(home.zones)
    scale = draw.lognormvariate(0, 0.5)
    many = habits.many * scale
    quick = many < 6 and draw.random() < 0.25
    net = f"198.51.{index % 256}"
    return Customer(
        account=f"{name[:3].upper().replace(' ', '-')}{index:04d}",
        kind=name,
        habits=habits,
        style=QUICK if quick else draw.choice(EXCHANGES),
        home=home,
        zone=zone,
        opens=opens,
        many=many,
        minutes=habits.minutes * draw.lognormvariate(0, 0.25),
        caller=draw.choice(everyday(home)).number(draw),
        sources=[f"{net}.{draw.randrange(2, 250)}" for _ in range(draw.choice((1, 1, 1, 2, 4)))],
        near=[_met(everyday(home), draw) for _ in range(4 + int(many))],
        abroad=[_met(lands, draw) for _ in range(3 + int(many * habits.abroad))] if lands else [],
        lands=lands,
        dear=draw.sample(FAR_AWAY, 3),
    )


def _met(places: list[Place], draw: Random) -> tuple[str, int]:
    place = draw.choice(places)
    return place.number(draw), place.rate
