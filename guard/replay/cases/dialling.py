"""How a fraudster dials, whatever he is after: numbers, pace, length, lines; and how he takes a refusal.

He keeps `lines` calls up and hears what becomes of each attempt. Refused `patience` times in a row, he turns to his
next range; when the last is refused too he is blocked wholly and stops. Calls that are cut he notices when he finds a
line free that should not be.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from guard.core.records import Direction
from guard.replay.attempts import Attempt, Outcome, Stream
from guard.replay.cases.setting import Setting
from guard.replay.catalog import DOMESTIC, Destination, priced
from guard.replay.customers import Customer
from guard.replay.weeks import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Week

TRIES_AGAIN_MS = MINUTE_MS
"""With all lines busy he looks so often whether one has become free."""
WAITS_MS = 10 * MINUTE_MS
"""Out of his hours he looks at the clock so often."""
TEST_TALK_S = (3, 25)
NIGHT = (22.5, 28.0)
"""Hours of the day, past midnight counted on."""
DAYTIME = (9.5, 15.0)

DEAR = priced("1.00", "25.00")
MIDDLING = priced("0.40", "0.99")
MODERATE = priced("0.14", "0.39")

Target = tuple[str, int]
"""A number, and what a minute of it costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialling:
    """How one fraudster dials at one account; pairs are from and to."""

    to: tuple[tuple[Target, ...], ...]
    """Ranges of numbers; a later one when the one before is refused."""
    starts_ms: int
    until_ms: int
    lines: tuple[int, int]
    every_s: tuple[int, int]
    """Between two attempts while a line is free."""
    talk_s: tuple[int, int]
    answered_percent: int = 92
    direction: Direction = Direction.OUTGOING
    source: str = ""
    """The address he dials from; empty: through the customer's own device."""
    tests: int = 0
    """Short calls before the real ones, to see what works."""
    patience: int = 3
    hours: Week | None = None
    """When he dials, by the customer's clock; None: at any time."""
    growth_percent: int = 0
    """He dials so much more often each day."""

    def pause_ms(self, draw: Random, offset_ms: int) -> int:
        """How long he waits before the next attempt."""
        days: float = (offset_ms - self.starts_ms) / DAY_MS
        often: float = (1 + self.growth_percent / 100) ** days
        return max(1, round(draw.uniform(*self.every_s) * SECOND_MS / often))


def minutes(pair: tuple[int, int]) -> tuple[int, int]:
    """Seconds of a pair of minutes."""
    return pair[0] * 60, pair[1] * 60


def targets(draw: Random, customer: Customer, where: Sequence[Destination], count: int) -> tuple[Target, ...]:
    """A handful of numbers out of one rented range at each place."""
    found: list[Target] = []
    for place in where:
        price = customer.price_micros(place)
        found += [(number, price) for number in draw.sample(place.block(draw), count)]
    return tuple(found)


def ranges(
    draw: Random, customer: Customer, first: Sequence[Destination], count: int, *, then: int = 2
) -> tuple[tuple[Target, ...], ...]:
    """What he prefers, and so many other ranges in case that is refused: a dear one, then cheaper ones."""
    return (targets(draw, customer, first, count), *others(draw, customer, count, then))


def others(draw: Random, customer: Customer, count: int, how_many: int = 2) -> tuple[tuple[Target, ...], ...]:
    """What is left to him when the best is refused."""
    left = [draw.choice(DEAR), draw.choice(MIDDLING), draw.choice(MODERATE)]
    return tuple(targets(draw, customer, [place], count) for place in left[:how_many])


def run(setting: Setting, customer: Customer, plan: Dialling) -> None:
    """A fraudster goes to work."""
    setting.case.streams.append(dialled(setting, customer, plan))


def dialled(setting: Setting, customer: Customer, plan: Dialling) -> Stream:
    """The attempts of one fraudster."""
    draw = Random(f"{setting.seed}/{setting.case.id}/{customer.account}/dialling")
    caller = draw.choice(DOMESTIC).number(draw)
    lines = draw.randint(*plan.lines)
    calendar = setting.calendar
    hours = calendar.hours(customer.timezone) if calendar and plan.hours else None
    return _dial(_Fraudster(setting.case.id, customer, caller, lines, plan, hours), draw, setting.end_ms)


@dataclass(frozen=True, slots=True)
class _Fraudster:
    """A plan with what has been drawn for it."""

    case: str
    customer: Customer
    caller: str
    lines: int
    plan: Dialling
    hours_of_week: list[int] | None

    def sleeps(self, draw: Random, offset_ms: int) -> bool:
        """Whether it is not his hour."""
        if self.hours_of_week is None or self.plan.hours is None:
            return False
        return draw.random() * 100 >= self.plan.hours[self.hours_of_week[offset_ms // HOUR_MS]]

    def attempt(self, draw: Random, offset_ms: int, among: tuple[Target, ...], *, test: bool) -> Attempt:
        """What he dials next."""
        plan = self.plan
        number, rate_micros = among[int(len(among) * draw.random())]
        own = "" if plan.direction is Direction.FORWARDED else self.customer.address(draw, offset_ms)
        return Attempt(
            offset_ms=offset_ms,
            account=self.customer.account,
            to=number,
            caller=self.caller,
            direction=plan.direction,
            rate_micros=rate_micros,
            talk_ms=draw.randint(*(TEST_TALK_S if test else plan.talk_s)) * SECOND_MS + draw.randrange(SECOND_MS),
            answered=draw.random() * 100 < plan.answered_percent,
            lines=self.lines,
            source=plan.source or own,
            case=self.case,
        )


def _dial(he: _Fraudster, draw: Random, end_ms: int) -> Stream:
    plan = he.plan
    up: list[int] = []  # when his calls will be over
    offset_ms, placed, refused, which = plan.starts_ms, 0, 0, 0
    while offset_ms < min(plan.until_ms, end_ms):
        if he.sleeps(draw, offset_ms):
            offset_ms += WAITS_MS
            continue
        while up and up[0] <= offset_ms:
            heapq.heappop(up)
        attempt = he.attempt(draw, offset_ms, plan.to[which], test=placed < plan.tests)
        outcome = yield attempt
        placed += 1
        if outcome is Outcome.BLOCKED:
            up.clear()
            refused += 1
            if refused == plan.patience:
                refused, which = 0, which + 1
                if which == len(plan.to):
                    return
        elif outcome is Outcome.ANSWERED:
            if len(up) >= he.lines:
                up.clear()
            refused = 0
            heapq.heappush(up, offset_ms + attempt.talk_ms)
        next_ms = offset_ms + plan.pause_ms(draw, offset_ms)
        if len(up) >= he.lines:
            next_ms = max(next_ms, min(up[0], offset_ms + TRIES_AGAIN_MS))
        offset_ms = next_ms
