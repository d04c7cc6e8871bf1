"""What happens to a customer besides the usual: a campaign of calls, told apart as a case with its truth.

A `Campaign` is a number of lines that each call, talk, pause and call again, in certain hours, from some device, to
certain numbers: an autodialler in a hacked exchange is one, and so is a firm whose staff all ring the same hotline. The
`Scene` casts customers for it (each for one story only, so that the truth about an account is plain), keeps what was
called and what billing says, and knows afterwards which span of which account was what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.strangers.paper import HOUR, SECOND, Call, instant
from tests.strangers.people import Customer
from tests.strangers.places import Home, Place, places

Target = tuple[Place, str]
Span = tuple[float, float]


class NobodyLeftError(Exception):
    """A town too small for one more story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """So many lines, busy from one moment to another."""

    begins_ms: int
    hours: float
    to: Sequence[Target]
    lines: int = 1
    talk_s: Span = (60, 600)
    pause_s: Span = (2, 40)
    failed: float = 0.1
    source: str | None = None
    direction: str = "outgoing"
    at_hours: range | None = None
    again: float = 0.0
    ramp: bool = False
    free: bool = False
    workdays: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A story that an account is part of, and its truth. Accounts of one wave share the name."""

    name: str
    kind: str
    fraud: bool
    account: str
    start_ms: int
    end_ms: int
    spent: int


@dataclass(slots=True)
class Scene:
    """The stage of one history."""

    home: Home
    first: date
    count: int
    people: list[Customer]
    draw: Random
    calls: list[Call] = field(default_factory=list)
    bills: list[dict[str, Any]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    told: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)
    stories: int = 0

    def story(self, kind: str) -> str:
        """A name for a new story."""
        self.stories += 1
        return f"{kind} {self.stories}"

    def cast(self, *kinds: str, fits: Callable[[Customer], bool] | None = None) -> Customer:
        """A customer of one of the kinds (of any, if none is left) to whom nothing has happened yet."""
        free = [each for each in self.people if each.account not in self.taken and each.opens == 0]
        free = [each for each in free if fits is None or fits(each)] or free
        fit = [each for each in free if not kinds or each.kind in kinds] or free
        if not fit:
            raise NobodyLeftError
        who = self.draw.choice(fit)
        self.taken.add(who.account)
        return who

    def crowd(self, count: int) -> list[Customer]:
        """Several customers of any kind, but at most a third of those who are left."""
        free = [each for each in self.people if each.account not in self.taken and each.opens == 0]
        chosen = self.draw.sample(free, min(count, len(free) // 3))
        self.taken.update(each.account for each in chosen)
        return chosen

    def day(self, *, early: bool = False, weekend: bool | None = None, room: int = 3) -> date:
        """Some day: as a rule after a fortnight has been seen, with `room` for the story before the end."""
        low, high = (2, 11) if early else (min(16, self.count // 2), max(self.count - room - 1, self.count // 2 + 1))
        every = [self.first + timedelta(days=number) for number in range(low, max(high, low) + 1)]
        wanted = [each for each in every if weekend is None or (each.weekday() > 4) == weekend]
        return self.draw.choice(wanted or every)

    def play(self, story: str, who: Customer, campaign: Campaign, *, fraud: bool) -> None:
        """Have a campaign happen."""
        self.told[who.account, story] = (story.rpartition(" ")[0], fraud)
        self.calls += campaign_calls(who, campaign, self.draw, story)

    def mark(self, story: str, who: Customer, *, fraud: bool = False) -> None:
        """A story that is told by the customer's own usual calls."""
        self.told[who.account, story] = (story.rpartition(" ")[0], fraud)

    def bill(self, kind: str, who: Customer, at_ms: int, **more: Any) -> None:
        """A billing message."""
        number = f"{kind}-{len(self.bills)}"
        self.bills.append({"type": kind, "id": number, "account": who.account, "at": instant(at_ms), **more})

    def cases(self) -> list[Case]:
        """Who had which part in what, and what it cost."""
        seen: dict[tuple[str, str], list[Call]] = {}
        for call in self.calls:
            if call.case:
                seen.setdefault((call.account, call.case), []).append(call)
        return [
            Case(
                name=story,
                kind=self.told[account, story][0],
                fraud=self.told[account, story][1],
                account=account,
                start_ms=min(each.at_ms for each in calls),
                end_ms=max(each.ends_ms for each in calls) + SECOND,
                spent=sum(each.cost for each in calls),
            )
            for (account, story), calls in seen.items()
        ]


def campaign_calls(who: Customer, campaign: Campaign, draw: Random, story: str) -> Iterator[Call]:
    """What the lines of a campaign call."""
    ends_ms = campaign.begins_ms + int(campaign.hours * HOUR)
    for line in range(campaign.lines):
        late = line / campaign.lines if campaign.ramp else draw.random() * 0.002
        at_ms = campaign.begins_ms + int(late * (ends_ms - campaign.begins_ms))
        while (at_ms := _open(who, campaign, at_ms)) < ends_ms:
            place, number = campaign.to[0] if draw.random() < campaign.again else draw.choice(campaign.to)
            lasts_ms = 0 if draw.random() < campaign.failed else int(draw.uniform(*campaign.talk_s) * SECOND) + 1
            yield Call(
                who.account,
                who.style,
                at_ms,
                lasts_ms,
                number,
                0 if campaign.free else who.price(place),
                who.caller,
                who.source if campaign.source is None else campaign.source,
                campaign.direction,
                case=story,
            )
            at_ms += lasts_ms + int(draw.uniform(*campaign.pause_s) * SECOND) + 500


def _open(who: Customer, campaign: Campaign, at_ms: int) -> int:
    """The first moment from then on at which the campaign calls at all."""
    while campaign.at_hours is not None or campaign.workdays:
        moment = who.clock(at_ms)
        hour_fits = campaign.at_hours is None or moment.hour in campaign.at_hours
        if hour_fits and not (campaign.workdays and moment.weekday() > 4):
            break
        at_ms += HOUR - at_ms % HOUR + at_ms % 977 * SECOND
    return at_ms


def dear(draw: Random, *, least: float = 0.4) -> Place:
    """A range that pays whoever is called."""
    lines = {"premium", "satellite", "mobile", "personal"}
    return draw.choice([each for each in places_abroad() if each.rate >= least * 1_000_000 and each.line in lines])


def ordinary(draw: Random) -> Place:
    """An ordinary foreign range, as honeypots see them called: nothing about it is special but that it is new."""
    return draw.choice(
        [place for name in ("SE", "PL.mobile", "PS", "IL.mobile", "BE", "LV.mobile") for place in places(name)]
    )


def places_abroad() -> list[Place]:
    """Every range that is abroad from everywhere here."""
    return [each for each in places("*.premium") + places("*") if each.country not in {"CA", "US", "GB", "DE"}]


def numbers(draw: Random, place: Place, count: int, *, block: bool = True) -> list[Target]:
    """Numbers of one range, of one rented block or scattered."""
    found = place.neighbours(draw, count) if block else [place.number(draw, slips=0.05) for _ in range(count)]
    return [(place, each) for each in found]
