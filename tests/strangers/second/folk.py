"""The second stranger's people: who lives there, what they call in a usual week, and how a story is played on them.

A `Trade` is a row: calls a day, a shape of the day, how many of them go abroad and where to, how long people talk. A
`Folk` is one account. `Stage` casts them for stories and keeps what is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.strangers.paper import HOUR, SECOND, Style
from tests.strangers.people import address, poisson
from tests.strangers.places import Home, Place
from tests.strangers.scene import Case
from tests.strangers.second.land import EXCHANGES, Billed, Terms, abroad, at_home

WORK, EVENING, ALL_DAY, NIGHTS, SHIFTS = "work", "evening", "all day", "nights", "shifts"
SHAPES = {
    WORK: ({8: 3, 9: 8, 10: 9, 11: 8, 12: 3, 13: 5, 14: 9, 15: 8, 16: 6, 17: 2}, 0.06),
    EVENING: ({8: 1, 11: 1, 13: 1, 16: 2, 17: 3, 18: 5, 19: 7, 20: 7, 21: 4, 22: 1}, 1.3),
    ALL_DAY: ({hour: 2 if hour < 6 else 5 for hour in range(24)}, 0.9),
    NIGHTS: ({9: 2, 10: 3, 14: 2, 19: 4, 20: 7, 21: 9, 22: 9, 23: 6, 0: 4, 1: 2}, 0.3),
    SHIFTS: (dict.fromkeys(range(7, 21), 8), 0.4),
}
"""Weights of the hours, and how much of it is left on a weekend."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A kind of customer."""

    kind: str
    calls: float
    shape: str
    talk_s: float
    lines: int
    share: int
    away: float = 0.0
    """Part of the calls that go abroad."""
    places: int = 0
    """To how many countries of its own; 0: anywhere."""
    failed: float = 0.15
    answers: float = 0.4
    """Calls that come in, for each that goes out."""


TRADES = (
    Trade("flat", 2.0, EVENING, 150, 1, 20, 0.02, 1),
    Trade("family from afar", 4.0, EVENING, 400, 1, 9, 0.45, 2),
    Trade("workshop", 9, WORK, 80, 3, 12, 0.01, 1),
    Trade("bureau", 22, WORK, 130, 6, 14, 0.05, 3),
    Trade("surgery", 60, WORK, 60, 5, 4),
    Trade("translators", 30, WORK, 140, 6, 3, 0.55, 0),
    Trade("forwarder", 35, NIGHTS, 170, 6, 4, 0.6, 5),
    Trade("guest house", 16, ALL_DAY, 180, 6, 5, 0.35, 0),
    Trade("dormitory", 50, NIGHTS, 260, 16, 2, 0.4, 0),
    Trade("sales floor", 380, SHIFTS, 55, 30, 2, failed=0.5, answers=0.05),
    Trade("help desk", 110, ALL_DAY, 210, 18, 2, 0.5, 3),
    Trade("newsroom", 40, ALL_DAY, 120, 12, 2, 0.25, 0),
    Trade("legation", 20, WORK, 200, 5, 2, 0.5, 1),
    Trade("call shop", 70, EVENING, 420, 6, 2, 0.85, 6),
    Trade("farm", 1.2, WORK, 90, 1, 6),
    Trade("start-up", 15, WORK, 160, 6, 4, 0.15, 4),
    Trade("parish", 5, ALL_DAY, 150, 2, 4, 0.08, 2),
    Trade("clinic", 120, ALL_DAY, 70, 24, 2, 0.01, 2),
)


@dataclass(slots=True)
class Folk:
    """One account, and all that is its own."""

    account: str
    trade: Trade
    home: Home
    zone: ZoneInfo
    style: Style
    terms: Terms
    size: float
    caller: str
    source: str
    draw: Random
    opens: int = 0
    own: list[Place] = field(default_factory=list)
    book: dict[str, list[tuple[Place, str]]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What sort of customer."""
        return self.trade.kind

    def at(self, day: date, hour: float) -> int:
        """The moment of an hour of a day, by the account's own clock."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp() * 1000 + hour * HOUR)

    def known(self, group: str, places: Sequence[Place], fresh: float) -> tuple[Place, str]:
        """Somebody of a group: mostly one of those who are always called."""
        draw = self.draw
        if draw.random() < fresh:
            place = draw.choice(places)
            return place, place.number(draw)
        book = self.book.get(group)
        if book is None:
            chosen = [draw.choice(places) for _ in range(draw.randint(3, 5 + int(self.trade.calls / 2)))]
            book = self.book[group] = [(place, place.number(draw)) for place in chosen]
        return book[int(len(book) * draw.random() ** 2)]


def settle(home: Home, accounts: int, draw: Random) -> list[Folk]:
    """The people of a town."""
    trades = list(TRADES) + draw.choices(TRADES, [each.share for each in TRADES], k=max(0, accounts - len(TRADES)))
    return [_folk(number, trade, home, draw) for number, trade in enumerate(trades)]


def _folk(number: int, trade: Trade, home: Home, draw: Random) -> Folk:
    exchange = draw.choices(EXCHANGES, (3, 3, 3, 2, 3))[0]
    return Folk(
        account=f"{home.country.lower()}-{number:03d}" if number % 5 else f"{trade.kind} #{number}",
        trade=trade,
        home=home,
        zone=ZoneInfo(draw.choice(home.zones)),
        style=exchange.style,
        terms=exchange.terms,
        size=draw.uniform(0.5, 1.8),
        caller="+" + draw.choice(at_home(home)).number(draw),
        source=address(draw),
        draw=Random(draw.random()),
        own=draw.sample(abroad(home), trade.places),
    )


def usual(who: Folk, first: date, count: int, growth: dict[str, tuple[int, float]]) -> Iterator[Billed]:
    """What an account calls when nothing happens to it; growth: from which day on how many times as much."""
    trade, draw = who.trade, who.draw
    hours, weekend = SHAPES[trade.shape]
    weight = sum(hours.values())
    up: list[Billed] = []
    from_day, times = growth.get(who.account, (count, 1.0))
    for number in range(who.opens, count):
        day = first + timedelta(days=number)
        calls = trade.calls * who.size * draw.uniform(0.7, 1.3) * (weekend if day.weekday() > 4 else 1.0)
        calls *= times if number >= from_day else 1.0
        for hour, part in hours.items():
            for _ in range(poisson(draw, calls * part / weight)):
                at_ms = who.at(day, hour + draw.random())
                up = [each for each in up if each.ends_ms > at_ms]
                made = _usual(who, at_ms)
                # A number takes one call at a time.
                if len(up) < trade.lines * 2 and made.to not in {each.to for each in up}:
                    up.append(made)
                    yield made


def _usual(who: Folk, at_ms: int) -> Billed:
    trade, draw = who.trade, who.draw
    if draw.random() < trade.away:
        place, number = who.known("abroad", who.own or abroad(who.home), 0.2 if who.own else 0.5)
        talk_s = trade.talk_s * draw.expovariate(1) * 1.3
    else:
        place, number = who.known("home", at_home(who.home), 0.3)
        talk_s = trade.talk_s * draw.expovariate(1)
    lasts_ms = 0 if draw.random() < trade.failed else int(min(talk_s, 9_000) * SECOND) + 500
    if draw.random() < trade.answers / (1 + trade.answers):
        return ring(who, at_ms, number, lasts_ms)
    return call(who, at_ms, place, number, lasts_ms)


def call(  # noqa: PLR0913 -- a call has so many sides
    who: Folk,
    at_ms: int,
    place: Place,
    number: str,
    lasts_ms: int,
    *,
    source: str | None = None,
    direction: str = "outgoing",
    story: str = "",
    free: bool = False,
) -> Billed:
    """A call that goes out, or is forwarded."""
    rate = 0 if free else place.rate
    came_from = who.source if source is None else source
    return Billed(
        who.account, who.style, at_ms, lasts_ms, number, rate, who.caller, came_from, direction, case=story,
        terms=who.terms,
    )  # fmt: skip


def ring(who: Folk, at_ms: int, number: str, lasts_ms: int = 0) -> Billed:
    """A call that comes in; nought milliseconds: nobody answers."""
    mine = who.caller.removeprefix("+")
    return Billed(who.account, who.style, at_ms, lasts_ms, mine, 0, "+" + number, "", "incoming", terms=who.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """So many lines that call, talk, wait and call again."""

    from_ms: int
    hours: float
    to: Sequence[tuple[Place, str]]
    lines: int = 1
    talk_s: tuple[float, float] = (60, 600)
    wait_s: tuple[float, float] = (3, 60)
    failed: float = 0.1
    source: str | None = None
    direction: str = "outgoing"
    clock: tuple[int, int] = (0, 24)
    """Hours of the day within which it happens."""
    workdays: bool = False
    free: bool = False
    ramp: float = 1.0
    """Waits shrink to this part by the end."""


@dataclass(slots=True)
class Stage:
    """What happens in a town."""

    home: Home
    first: date
    count: int
    folk: list[Folk]
    draw: Random
    calls: list[Billed] = field(default_factory=list)
    bills: list[dict[str, Any]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    truth: dict[tuple[str, str], bool] = field(default_factory=dict)

    def one(self, *kinds: str, young: bool = False) -> Folk:
        """Somebody with no part yet, of these kinds if there is one."""
        free = [each for each in self.folk if each.account not in self.taken and bool(each.opens) is young]
        who = self.draw.choice([each for each in free if each.kind in kinds] or free)
        self.taken.add(who.account)
        return who

    def many(self, fewest: int, most: int) -> list[Folk]:
        """A crowd, at most a quarter of those who are left."""
        free = [each for each in self.folk if each.account not in self.taken and not each.opens]
        crowd = self.draw.sample(free, min(self.draw.randint(fewest, most), len(free) // 4))
        self.taken.update(each.account for each in crowd)
        return crowd

    def day(self, *, room: int = 2, weekend: bool | None = None, early: bool = False) -> date:
        """A day in the later part of the history, or (early) before anybody is known well."""
        span = range(3, 11) if early else range(self.count * 3 // 5, self.count - room)
        days = [self.first + timedelta(days=each) for each in span]
        return self.draw.choice([each for each in days if weekend in {None, each.weekday() > 4}] or days)

    def play(self, story: str, who: Folk, act: Act, *, fraud: bool) -> None:
        """Let it happen."""
        self.truth[who.account, story] = fraud
        for _ in range(act.lines):
            self.calls += self._line(story, who, act)

    def _line(self, story: str, who: Folk, act: Act) -> Iterator[Billed]:
        draw, ends_ms = self.draw, act.from_ms + int(act.hours * HOUR)
        at_ms = act.from_ms + draw.randrange(60) * SECOND
        while at_ms < ends_ms:
            clock = datetime.fromtimestamp(at_ms / 1000, who.zone)
            if not act.clock[0] <= clock.hour < act.clock[1] or (act.workdays and clock.weekday() > 4):
                at_ms += HOUR // 4
                continue
            place, number = draw.choice(act.to)
            lasts_ms = 0 if draw.random() < act.failed else int(draw.uniform(*act.talk_s) * SECOND)
            yield call(
                who, at_ms, place, number, lasts_ms, source=act.source, direction=act.direction, story=story,
                free=act.free,
            )  # fmt: skip
            part = (at_ms - act.from_ms) / (ends_ms - act.from_ms)
            at_ms += lasts_ms + int(draw.uniform(*act.wait_s) * SECOND * (1 - part * (1 - act.ramp))) + 400

    def cases(self) -> list[Case]:
        """Who had which part in what."""
        parts: dict[tuple[str, str], list[Billed]] = {}
        for each in self.calls:
            if each.case:
                parts.setdefault((each.account, each.case), []).append(each)
        return [
            Case(
                name=story,
                kind=story,
                fraud=self.truth[account, story],
                account=account,
                start_ms=min(each.at_ms for each in calls),
                end_ms=max(each.ends_ms for each in calls) + SECOND,
                spent=sum(each.cost for each in calls),
            )
            for (account, story), calls in parts.items()
        ]
