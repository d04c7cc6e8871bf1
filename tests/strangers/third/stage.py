"""Where the third stranger's stories happen: who is still free, who called what when, and what it came to.

A story takes a customer that no other story has (`pick`), adds calls under its name (`play`) or claims some of his own
(`claim`), and is written as a `Case` from its first call to its last. Stories that need novelty begin after day 15,
so that guard has had its fortnight; those of newcomers do not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from tests.strangers.paper import HOUR, MINUTE, SECOND, Call, instant
from tests.strangers.places import Home, Place
from tests.strangers.scene import Case
from tests.strangers.third.folk import KINDS, Customer, newcomer

HISTORY = 16
"""Days before stories begin that count on a past."""

Target = Callable[[], tuple[str, int]]


@dataclass(slots=True)
class Stage:
    """A town while its stories are being made up."""

    draw: Random
    home: Home
    first: date
    count: int
    people: list[Customer]
    calls: list[Call] = field(default_factory=list)
    bills: list[dict[str, Any]] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    usual: dict[str, int] = field(default_factory=dict)
    told: int = 0

    def pick(self, *kinds: str) -> Customer:
        """Somebody of these kinds (any, if none is named) whom no story has yet; if need be, a new customer of old."""
        free = [each for each in self.people if not each.busy and (not kinds or each.kind in kinds)]
        if not free:
            return self.joins(self.draw.choice(kinds or [each.name for each in KINDS]), opens=0)
        chosen = self.draw.choice(free)
        chosen.busy = True
        return chosen

    def joins(self, kind: str, *, opens: int) -> Customer:
        """One customer more, whose days begin then."""
        who = newcomer(kind, len(self.people), self.home, self.draw, opens=opens)
        who.busy = True
        self.people.append(who)
        self.live(who)
        return who

    def live(self, who: Customer) -> None:
        """All his days, and what a month of them comes to."""
        mine = [call for day in range(who.opens, self.count) for call in who.day(self.first, day, self.draw)]
        self.usual[who.account] = sum(each.cost for each in mine) * 30 // (self.count - who.opens)
        self.calls += mine

    def late(self, *, room: int = 2) -> int:
        """A day after the fortnight of history, with room before the end."""
        return self.draw.randint(HISTORY, self.count - room)

    def at(self, who: Customer, day: int, hour: float) -> int:
        """A moment on his clock."""
        return who.moment(self.first, day, hour)

    def name(self, kind: str) -> str:
        """A name for one story."""
        self.told += 1
        return f"{kind} #{self.told}"

    def play(self, kind: str, who: Customer, calls: Iterable[Call], *, fraud: bool, name: str = "") -> list[Call]:
        """Calls that make a story."""
        new = [call for call in calls if call.at_ms < self.ends_ms]
        self.calls += new
        self._record(kind, who, new, fraud=fraud, name=name)
        return new

    def claim(self, kind: str, who: Customer, days: range) -> None:
        """What he did anyhow on these days was the story (an innocent one)."""
        begins_ms, ends_ms = self.at(who, days.start, 0), self.at(who, days.stop, 0)
        mine = [each for each in self.calls if each.account == who.account and begins_ms <= each.at_ms < ends_ms]
        self._record(kind, who, mine, fraud=False, name="")

    @property
    def ends_ms(self) -> int:
        """When the history stops."""
        return self.people[0].moment(self.first, self.count)

    def _record(self, kind: str, who: Customer, calls: list[Call], *, fraud: bool, name: str) -> None:
        if not calls:
            return
        name = name or self.name(kind)
        for call in calls:
            call.case = name
        starts_ms, ends_ms = min(each.at_ms for each in calls), max(each.ends_ms for each in calls)
        spent = sum(each.cost for each in calls)
        self.cases.append(Case(name, kind, fraud, who.account, starts_ms, ends_ms + SECOND, spent))

    def bill(self, kind: str, who: Customer, at_ms: int, **more: Any) -> None:
        """A billing message."""
        message = {"type": kind, "id": f"{kind}-{len(self.bills)}", "account": who.account, "at": instant(at_ms)}
        self.bills.append(message | more)


def one_of(stage: Stage, place: Place, count: int, *, at_a_time: Callable[[], list[str]] | None = None) -> Target:
    """Numbers of one place; `at_a_time` makes them (somebody's block, say)."""
    held = at_a_time() if at_a_time else [place.number(stage.draw) for _ in range(count)]
    return lambda: (stage.draw.choice(held), place.rate)


def any_of(stage: Stage, places: list[Place]) -> Target:
    """A new number each time, of any of these."""

    def target() -> tuple[str, int]:
        place = stage.draw.choice(places)
        return place.number(stage.draw), place.rate

    return target


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """How somebody calls: so many lines, one call after the other on each, until it is over."""

    hours: float
    lines: int
    minutes: tuple[float, float]
    gap_s: tuple[float, float] = (2, 20)
    source: str = ""
    direction: str = "outgoing"
    failed: float = 0.0
    most: int = 100_000


def spree(stage: Stage, who: Customer, at_ms: int, target: Target, how: Lines) -> Iterator[Call]:
    """The calls of it."""
    draw, left = stage.draw, how.most
    for _ in range(how.lines):
        now_ms = at_ms + draw.randrange(90 * SECOND)
        while now_ms < at_ms + how.hours * HOUR and left:
            left -= 1
            to, rate = target()
            lasts_ms = 0 if draw.random() < how.failed else round(draw.uniform(*how.minutes) * MINUTE) // 1000 * 1000
            yield one(who, now_ms, lasts_ms, (to, rate), source=how.source or who.sources[0], direction=how.direction)
            now_ms += lasts_ms + round(draw.uniform(*how.gap_s) * SECOND)


def one(
    who: Customer, at_ms: int, lasts_ms: int, whom: tuple[str, int], *, source: str = "", direction: str = "outgoing"
) -> Call:
    """A single call."""
    to, rate = whom
    return Call(who.account, who.style, at_ms, lasts_ms, to, rate, who.caller, source or who.sources[0], direction)
