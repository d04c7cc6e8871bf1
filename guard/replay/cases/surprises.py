"""Surprises that are no fraud and must not be blocked: people in need, in business, on holiday; and switches that err.

Each is a recipe like those in `frauds`. Most give a customer one more habit for a time; some change how much it
calls, or from where; the last four are faults of a switch.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.records import Direction
from guard.replay.attempts import Attempt, Stream
from guard.replay.cases.dialling import DAYTIME
from guard.replay.cases.setting import Days, Setting
from guard.replay.catalog import DOMESTIC, place, places
from guard.replay.customers import Change, Customer, home_address
from guard.replay.faults import Fault, FaultKind
from guard.replay.habits import BUSINESS_ABROAD, NEAR, Habit, sized
from guard.replay.kinds import CALL_CENTRE, HOTEL, HOUSEHOLD, IMPORTER, NEVER_ABROAD, OFFICE, OFFICES, SHOP
from guard.replay.weeks import (
    DAY_MS,
    EVENLY,
    GUEST_HOURS,
    HOUR_MS,
    LATE_HOURS,
    MINUTE_MS,
    OFFICE_HOURS,
    ROUND_THE_CLOCK,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisAbroad:
    """An earthquake: many customers call one country.

    Again and again, day and night, most of the calls in vain.
    """

    accounts: tuple[int, int] = (6, 14)
    calls_per_hour: tuple[int, int] = (2, 7)
    lasts_hours: tuple[int, int] = (24, 60)
    answered_percent: int = 35

    def __call__(self, setting: Setting) -> None:
        """Some of them have never called there before."""
        draw = setting.draw
        where = draw.choice(
            places("Philippines, mobile", "Nepal", "Turkey, mobile", "Haiti", "Morocco", "Lebanon", "Syria", "Ukraine")
        )
        customers = setting.crowd(*self.accounts, HOUSEHOLD, OFFICE, IMPORTER)
        from_ms = setting.moment(customers[0], (0, 24), lasts_days=3)
        until_ms = from_ms + draw.randint(*self.lasts_hours) * HOUR_MS
        for customer in customers:
            habit = Habit(
                name="crisis",
                hours=ROUND_THE_CLOCK,
                calls_per_hour=sized(draw.randint(*self.calls_per_hour), customer.size),
                talk_s=180,
                answered_percent=self.answered_percent,
                places=(),
                contacts=(2, 8),
                new_percent=12,
            )
            setting.spell(customer, habit, ((where, 1),), from_ms=from_ms, until_ms=until_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class HotelGuestCuba:
    """A guest calls home to Cuba every evening.

    Long, at a price that frauds have too.
    """

    calls_per_hour: float = 0.6
    talk_s: int = 480
    lasts_days: tuple[int, int] = (3, 6)

    def __call__(self, setting: Setting) -> None:
        """One or two numbers, one call at a time."""
        draw, customer = setting.draw, setting.customer(HOTEL)
        days = draw.randint(*self.lasts_days)
        from_ms = setting.moment(customer, (15, 20), lasts_days=days)
        habit = Habit(
            name="guest",
            hours=GUEST_HOURS,
            calls_per_hour=sized(self.calls_per_hour, customer.size),
            talk_s=self.talk_s,
            answered_percent=70,
            places=(),
            contacts=(1, 2),
            new_percent=0,
        )
        setting.spell(customer, habit, ((place("Cuba"), 1),), from_ms=from_ms, until_ms=from_ms + days * DAY_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMarket:
    """An office begins to sell to a new country.

    Many new numbers, by day, for good.
    """

    calls_per_hour: tuple[int, int] = (2, 6)

    def __call__(self, setting: Setting) -> None:
        """Most are not there; the calls that succeed are those of any seller."""
        draw, customer = setting.draw, setting.customer(OFFICE, IMPORTER)
        where = draw.choice(
            places("Colombia", "Brazil", "Turkey", "Poland", "South Africa", "Vietnam", "Kenya", "Egypt")
        )
        setting.trust(customer, percent=400)
        from_ms = setting.moment(customer, (8, 9), Days.WORKDAY, lasts_days=7)
        habit = Habit(
            name="new market",
            hours=OFFICE_HOURS,
            calls_per_hour=sized(draw.randint(*self.calls_per_hour), customer.size),
            talk_s=200,
            answered_percent=55,
            places=(),
            contacts=(10, 30),
            new_percent=55,
        )
        setting.spell(customer, habit, ((where, 1),), from_ms=from_ms, until_ms=setting.end_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class CharityMarathon:
    """One evening of calls to hundreds of numbers.

    For a good cause: all lines are busy, out and in.
    """

    calls_per_hour: tuple[int, int] = (70, 200)
    lasts_hours: tuple[int, int] = (4, 8)

    def __call__(self, setting: Setting) -> None:
        """Short calls near home, most to numbers never called before."""
        draw, customer = setting.draw, setting.customer(OFFICE, SHOP)
        from_ms = setting.moment(customer, (16, 18), Days.WEEKEND)
        habit = Habit(
            name="marathon",
            hours=EVENLY,
            calls_per_hour=sized(draw.randint(*self.calls_per_hour), customer.size),
            talk_s=95,
            answered_percent=60,
            places=(),
            directions=((Direction.OUTGOING, 60), (Direction.INCOMING, 40)),
            new_percent=90,
        )
        until_ms = from_ms + draw.randint(*self.lasts_hours) * HOUR_MS
        setting.spell(customer, habit, NEAR[:6], from_ms=from_ms, until_ms=until_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEndNights:
    """Three nights at the office until two.

    The books are closed, with calls to the head office abroad.
    """

    calls_per_hour: tuple[int, int] = (4, 9)
    nights: int = 3

    def __call__(self, setting: Setting) -> None:
        """Nobody has ever called from there at that hour."""
        draw, customer = setting.draw, setting.customer(OFFICE, IMPORTER)
        from_ms = setting.moment(customer, (19, 20), Days.WORKDAY, lasts_days=self.nights + 1)
        head_office = draw.choice([where for where, _ in BUSINESS_ABROAD])
        habit = Habit(
            name="closing",
            hours=LATE_HOURS,
            calls_per_hour=sized(draw.randint(*self.calls_per_hour), customer.size),
            talk_s=420,
            places=(),
            contacts=(6, 14),
            new_percent=5,
        )
        until_ms = from_ms + self.nights * DAY_MS
        setting.spell(customer, habit, ((head_office, 3), *NEAR[:2]), from_ms=from_ms, until_ms=until_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonalSurge:
    """Two weeks with three times the calls.

    A season.
    """

    percent: tuple[int, int] = (220, 350)
    lasts_days: tuple[int, int] = (9, 15)

    def __call__(self, setting: Setting) -> None:
        """More of the same."""
        draw, customer = setting.draw, setting.customer(*NEVER_ABROAD, OFFICE)
        days = draw.randint(*self.lasts_days)
        from_ms = setting.day(lasts_days=days)
        change = Change(from_ms=from_ms, until_ms=from_ms + days * DAY_MS, percent=draw.randint(*self.percent))
        setting.change(customer, change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A day or two with five times the calls.

    A holiday sale.
    """

    percent: tuple[int, int] = (350, 650)
    lasts_days: tuple[int, int] = (1, 2)

    def __call__(self, setting: Setting) -> None:
        """More of the same, at once."""
        draw, customer = setting.draw, setting.customer(*NEVER_ABROAD, CALL_CENTRE)
        days = draw.randint(*self.lasts_days)
        from_ms = setting.day(lasts_days=days)
        change = Change(from_ms=from_ms, until_ms=from_ms + days * DAY_MS, percent=draw.randint(*self.percent))
        setting.change(customer, change)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBranch:
    """Twice the calls from one day on, half from elsewhere.

    A new branch, at an address never seen.
    """

    percent: tuple[int, int] = (160, 230)

    def __call__(self, setting: Setting) -> None:
        """For good."""
        draw, customer = setting.draw, setting.customer(*OFFICES)
        change = Change(
            from_ms=setting.day(lasts_days=7),
            until_ms=setting.end_ms,
            percent=draw.randint(*self.percent),
            address=home_address(draw),
            address_percent=50,
        )
        setting.change(customer, change)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProvider:
    """Every call comes from a new address, from one day on.

    Another internet provider.
    """

    def __call__(self, setting: Setting) -> None:
        """Everything else is as it was."""
        draw, customer = setting.draw, setting.customer(*OFFICES, IMPORTER)
        change = Change(from_ms=setting.day(lasts_days=7), until_ms=setting.end_ms, address=home_address(draw))
        setting.change(customer, change)


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckCall:
    """A call that nobody hangs up, for half a day.

    It is up, and costs.
    """

    lasts_hours: tuple[int, int] = (6, 16)

    def __call__(self, setting: Setting) -> None:
        """To an ordinary place."""
        draw, customer = setting.draw, setting.customer(*OFFICES, IMPORTER)
        where = draw.choice(places("Toronto", "Montreal", "United Kingdom", "Germany", "France", "India"))
        offset_ms = setting.moment(customer, (14, 18), Days.WORKDAY)
        attempt = Attempt(
            offset_ms=offset_ms,
            account=customer.account,
            to=where.number(draw),
            caller=DOMESTIC[0].number(draw),
            direction=Direction.OUTGOING,
            rate_micros=customer.price_micros(where),
            talk_ms=draw.randint(*self.lasts_hours) * HOUR_MS,
            answered=True,
            lines=0,
            source=customer.address(draw, offset_ms),
            case=setting.case.id,
        )
        setting.case.streams.append(_once(attempt))


def _once(attempt: Attempt) -> Stream:
    yield attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateStart:
    """Starts of calls are told twice.

    And once more as a call that is never heard of again.
    """

    lasts_hours: tuple[int, int] = (2, 8)

    def __call__(self, setting: Setting) -> None:
        """For some hours of a working day."""
        _fault(setting, FaultKind.DUPLICATE_START, setting.draw.randint(*self.lasts_hours) * HOUR_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingStop:
    """Ends of calls are lost.

    Calls fall silent.
    """

    lasts_hours: tuple[int, int] = (1, 5)

    def __call__(self, setting: Setting) -> None:
        """For some hours of a working day."""
        _fault(setting, FaultKind.MISSING_STOP, setting.draw.randint(*self.lasts_hours) * HOUR_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJump:
    """A small switch's clock is wrong by minutes for a while.

    Then right again.
    """

    minutes: tuple[int, int] = (3, 12)
    lasts_minutes: tuple[int, int] = (20, 90)

    def __call__(self, setting: Setting) -> None:
        """Ahead or behind."""
        draw = setting.draw
        jump_ms = draw.randint(*self.minutes) * MINUTE_MS * draw.choice((1, -1))
        lasts_ms = draw.randint(*self.lasts_minutes) * MINUTE_MS
        _fault(setting, FaultKind.CLOCK_JUMP, lasts_ms, jump_ms)


def _fault(setting: Setting, kind: FaultKind, lasts_ms: int, jump_ms: int = 0) -> None:
    customer: Customer = setting.customer(*OFFICES, HOTEL)
    from_ms = setting.moment(customer, DAYTIME, Days.WORKDAY)
    until_ms = from_ms + lasts_ms
    fault = Fault(kind=kind, account=customer.account, from_ms=from_ms, until_ms=until_ms, jump_ms=jump_ms)
    setting.case.faults.append(fault)
    setting.lasts(customer, from_ms, until_ms)
