"""Customers with habits: when they call, whom, for how long, and how often nobody answers.

A `Habit` is a line of a table: hours of a weekday, a Saturday and a Sunday as digits of busyness, calls a weekday, and
a mix of destinations with weights. A `Customer` is one such household or firm: a habit drawn larger or smaller, with
numbers of its own that it calls again and again, a device or two, a number of lines, a price list. `days` draws its
calls; a `trend` makes it grow, sell or move in the course of the weeks.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from tests.strangers.paper import HOUR, SECOND, Call, Slip, Style
from tests.strangers.places import WORLD, Home, Place, farther, nearby, places

OFFICE = ("000000013799658875410000", "000000000111110000000000", "000000000000000000000000")
SHOP = ("000000002577777777631000", "000000001368999986200000", "000000000012332100000000")
HOME_EVENING = ("000000012222222234676420", "000000001233333344554310", "000000001345543345665310")
ROUND_CLOCK = ("322222357888888877665543", "322222345666666666555443", "322222345666666666555443")
LATE = ("875322222333334456677899", "986532222333334456678999", "986532222333334455555554")
NIGHT_SHIFT = ("443210001245443333223578", "100000000111000000000124", "000000000000000000000245")
DAYLIGHT = ("000000001689988999973000", "000000000034443200000000", "000000000000000000000000")


@dataclass(frozen=True, slots=True)
class Habit:
    """A kind of customer."""

    kind: str
    week: tuple[str, str, str]
    calls: float
    mix: str
    lines: int = 2
    failed: float = 0.12
    incoming: float = 0.35
    talk_s: float = 110
    fresh: float = 0.25
    book: int = 25
    share: int = 1


HABITS = (
    Habit("home", HOME_EVENING, 2.2, "near 70 far 25 world 1", lines=1, book=14, fresh=0.12, share=22),
    Habit("home with family abroad", HOME_EVENING, 3.0, "near 50 far 15 kin 35", lines=1, talk_s=260, book=12, share=7),
    Habit("office", OFFICE, 22, "near 68 far 27 US 4 GB 1", lines=6, share=18),
    Habit("shop", SHOP, 9, "near 85 far 15", share=10),
    Habit("restaurant", LATE, 8, "near 95 far 5", incoming=0.8, talk_s=60, share=4),
    Habit("silent line", OFFICE, 0.25, "near 100", lines=1, book=2, fresh=0, incoming=0.1, share=6),
    Habit("importer", NIGHT_SHIFT, 16, "near 35 CN 35 HK 10 VN 10 TW 4 far 6", lines=4, talk_s=190, share=4),
    Habit("hotel", ROUND_CLOCK, 22, "near 50 far 20 world 30", lines=8, talk_s=150, fresh=0.7, incoming=0.6, share=5),
    Habit("hospital", ROUND_CLOCK, 90, "near 88 far 11 world 1", lines=16, fresh=0.5, book=120, incoming=0.5),
    Habit("start-up", OFFICE, 14, "near 45 far 40 US 10 GB 3 IN 2", lines=8, fresh=0.45, share=3),
    Habit("seasonal firm", SHOP, 12, "near 70 far 30", lines=5, share=3),
    Habit("call centre", DAYLIGHT, 200, "near 35 far 65", lines=14, failed=0.42, incoming=0.1, talk_s=75, fresh=0.93),
    Habit("call centre abroad", ROUND_CLOCK, 60, "US 45 GB 30 AU 15 IE 6 NZ 4", lines=12, failed=0.4, incoming=0.1),
    Habit("taxi dispatch", LATE, 70, "near 100", lines=8, talk_s=28, fresh=0.85, incoming=0.6, share=2),
    Habit("law firm", OFFICE, 24, "near 55 far 18 GB 5 CH 4 US 8 AE 3 SG 3 world 4", lines=8, talk_s=240, share=3),
    Habit("charity", DAYLIGHT, 14, "near 75 far 20 KE 3 ET 2", lines=6, share=3),
    Habit("travel agency", SHOP, 18, "near 45 far 15 world 40", lines=5, talk_s=130, fresh=0.55, share=2),
    Habit("shipping agent", ROUND_CLOCK, 14, "near 45 world 48 XS 2 SG 5", lines=4, talk_s=120, fresh=0.4, share=2),
    Habit("clinic with reminders", DAYLIGHT, 70, "near 98 far 2", lines=3, talk_s=22, fresh=0.6, failed=0.3, share=2),
    Habit("school", OFFICE, 12, "near 96 far 4", lines=4, share=2),
    Habit("consultants", OFFICE, 20, "near 30 far 35 US 15 GB 8 FR 4 DE 8", lines=10, talk_s=420, share=3),
    Habit("alarm company", ROUND_CLOCK, 45, "near 100", lines=6, talk_s=9, fresh=0.05, book=30, incoming=0.2),
    Habit("fax office", OFFICE, 26, "near 60 far 30 IT 5 JP 5", lines=2, talk_s=45, failed=0.35, share=2),
    Habit("call shop", LATE, 45, "near 15 PH 15 NG 12 IN 20 MX 12 HT 8 SN 8 CU 4 CO 6", lines=5, talk_s=300, fresh=0.6),
    Habit("university", ROUND_CLOCK, 40, "near 55 far 25 world 20", lines=20, fresh=0.55, talk_s=200),
    Habit("aid agency", ROUND_CLOCK, 16, "near 45 far 10 CD 10 SN 8 ET 8 KE 8 XS 1", lines=5, talk_s=210, share=2),
    Habit("traveller", HOME_EVENING, 5, "near 50 far 25 GB 6 FR 6 US 8 world 5", lines=1, share=4),
    Habit("builder", SHOP, 15, "near 80 far 20", lines=3, talk_s=70, share=5),
)
"""Weights of a mix: `near` and `far` are the home country, `kin` the two countries of a family, `world` any."""

KIN = ["IN", "PH", "PK", "NG", "LB", "CO", "PL", "UA", "VN", "JM", "HT", "GH", "SY", "MX", "LK", "EG", "TR", "SO", "CU"]

Trend = Callable[[int], float]


def steady(_: int) -> float:
    """As every other week."""
    return 1.0


@dataclass(slots=True)
class Customer:
    """One account and all that is its own."""

    account: str
    habit: Habit
    home: Home
    zone: ZoneInfo
    style: Style
    scale: float
    markup: float
    caller: str
    source: str
    draw: Random
    trend: Trend = steady
    opens: int = 0
    kin: tuple[str, ...] = ()
    books: dict[str, list[tuple[Place, str]]] = field(default_factory=dict)
    recent: deque[tuple[Place, str]] = field(default_factory=lambda: deque(maxlen=10))
    groups: dict[str, list[Place]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What sort of customer."""
        return self.habit.kind

    def price(self, place: Place) -> int:
        """What a minute costs this customer."""
        return int(place.rate * self.markup) // 100 * 100

    def at(self, day: date, hour: float) -> int:
        """The moment of an hour of the customer's own day."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp() * 1000 + hour * HOUR)

    def clock(self, at_ms: int) -> datetime:
        """What the customer's clock shows."""
        return datetime.fromtimestamp(at_ms / 1000, self.zone)

    def busyness(self, day: date) -> str:
        """The hours of a day of the week."""
        return self.habit.week[max(0, day.weekday() - 4)]

    def talks_s(self) -> float:
        """How long a call lasts."""
        return min(self.draw.lognormvariate(math.log(self.habit.talk_s), 0.95), 3 * 3600)

    def someone(self) -> tuple[Place, str]:
        """Whom to call: mostly an old acquaintance, at times somebody new, who is then called again."""
        words = self.habit.mix.split()
        group = self.draw.choices(words[::2], [int(each) for each in words[1::2]])[0]
        if self.draw.random() < self.habit.fresh:
            known = [each for each in self.recent if each[0] in self.group(group)]
            if known and self.draw.random() < 0.5:
                return self.draw.choice(known)
            new = self._new(group)
            self.recent.append(new)
            return new
        book = self.books.get(group)
        if book is None:
            size = max(1, int(self.habit.book * (0.6 if group == "near" else 0.3)))
            book = self.books[group] = [self._new(group) for _ in range(size)]
        return book[min(int(self.draw.expovariate(4 / len(book))), len(book) - 1)]

    def group(self, group: str) -> list[Place]:
        """The ranges behind a word of a mix."""
        if group not in self.groups:
            self.groups[group] = self._meant(group)
        return self.groups[group]

    def _meant(self, group: str) -> list[Place]:
        if group == "near":
            return nearby(self.home)
        if group == "far":
            return farther(self.home)
        if group == "kin":
            return [each for country in self.kin for each in places(country)]
        return [each for country in WORLD for each in places(country)] if group == "world" else places(group)

    def _new(self, group: str) -> tuple[Place, str]:
        place = self.draw.choice(self.group(group))
        return place, place.number(self.draw, slips=0.02)


def customer(number: int, habit: Habit, home: Home, style: Style, draw: Random) -> Customer:
    """Somebody with a habit."""
    return Customer(
        account=f"{habit.kind[0].upper()}{number:04d}" if number % 17 else f"{number:04d}/{habit.kind[:3]}+#",
        habit=habit,
        home=home,
        zone=ZoneInfo(draw.choice(home.zones)),
        style=style,
        scale=min(2.5, draw.lognormvariate(-0.08, 0.4)),
        markup=draw.choice((1.0, 1.0, 1.15, 1.3, 1.6)),
        caller="+" + draw.choice(nearby(home)).number(draw),
        source=address(draw),
        draw=Random(draw.random()),
        kin=tuple(draw.sample(KIN, 2)),
    )


def address(draw: Random) -> str:
    """Some place on the Internet."""
    return f"{draw.choice((24, 70, 81, 99, 142, 184, 198, 207))}." + ".".join(str(draw.randint(1, 254)) for _ in "123")


def days(who: Customer, first: date, count: int) -> Iterator[Call]:
    """The usual calls of so many days."""
    busy: list[int] = []
    normal = sum(int(each) for each in who.habit.week[0])
    for number in range(who.opens, count):
        day = first + timedelta(days=number)
        mood = who.draw.lognormvariate(0, 0.18) * who.trend(number) * who.scale
        for hour, weight in enumerate(who.busyness(day)):
            for _ in range(poisson(who.draw, mood * who.habit.calls * int(weight) / normal)):
                call = _call(who, who.at(day, hour + who.draw.random()))
                while busy and busy[0] < call.at_ms:
                    heapq.heappop(busy)
                if len(busy) < who.habit.lines * max(1.0, who.scale):
                    heapq.heappush(busy, call.ends_ms)
                    yield call


def _call(who: Customer, at_ms: int) -> Call:
    draw = who.draw
    place, number = who.someone()
    lasts_ms = 0 if draw.random() < who.habit.failed else int(who.talks_s() * SECOND) + 1
    slip = Slip.NONE
    if draw.random() < 0.006:
        slip = draw.choice((Slip.START_TWICE, Slip.OUT_OF_ORDER, Slip.NO_STOP))
    if draw.random() < who.habit.incoming:
        mine = who.caller.removeprefix("+")
        return Call(who.account, who.style, at_ms, lasts_ms, mine, 0, "+" + number, "", "incoming", slip)
    return Call(
        who.account, who.style, at_ms, lasts_ms, number, who.price(place), who.caller, who.source, "outgoing", slip
    )


def poisson(draw: Random, mean: float) -> int:
    """How many of something rare."""
    limit, product, count = math.exp(-min(mean, 500.0)), draw.random(), 0
    while product > limit:
        product *= draw.random()
        count += 1
    return count
