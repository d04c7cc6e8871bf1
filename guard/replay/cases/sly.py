"""Frauds that hide: in a country the account knows, in its hours or its volume, below thresholds, before it is known.

Each is a recipe like those in `frauds`; what makes it sly is the parameter that its name states.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.replay.cases.dialling import DAYTIME, DEAR, MIDDLING, NIGHT, Dialling, minutes, ranges, run, targets
from guard.replay.cases.frauds import PbxIrsf, hack
from guard.replay.cases.setting import Days, Setting
from guard.replay.catalog import ABROAD, Destination, priced
from guard.replay.customers import Customer, own_places, strange_address
from guard.replay.kinds import CALL_CENTRE, IMPORTER, OFFICE, OFFICES, SHOP
from guard.replay.weeks import DAY_MS, HOUR_MS, OFFICE_HOURS, SHIFT_HOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCountry:
    """Dear numbers in a country the account calls anyway.

    Many at once and long, at night.
    """

    lines: tuple[int, int] = (4, 10)
    talk_minutes: tuple[int, int] = (10, 60)
    lasts_hours: tuple[int, int] = (3, 12)

    def __call__(self, setting: Setting) -> None:
        """At night, through the customer's own device."""
        draw, customer = setting.draw, setting.customer(OFFICE, IMPORTER)
        starts_ms = setting.moment(customer, NIGHT, lasts_days=1)
        run(
            setting,
            customer,
            Dialling(
                to=ranges(draw, customer, [self._dearer(setting, customer)], draw.randint(2, 6)),
                starts_ms=starts_ms,
                until_ms=starts_ms + draw.randint(*self.lasts_hours) * HOUR_MS,
                lines=self.lines,
                every_s=(5, 40),
                talk_s=minutes(self.talk_minutes),
            ),
        )

    @staticmethod
    def _dearer(setting: Setting, customer: Customer) -> Destination:
        """The dearest destination in one of its countries."""
        known = {
            place.country
            for habit in customer.kind.habits
            for place, _ in own_places(customer, habit, setting.seed)
            if place in ABROAD
        }
        dearer = [place for place in ABROAD if place.country in known] or list(MIDDLING)
        return max(dearer, key=lambda place: place.rate_micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class InOfficeHours:
    """A few dear lines on working days from nine to five.

    When the office is calling too.
    """

    lines: tuple[int, int] = (2, 5)
    talk_minutes: tuple[int, int] = (6, 35)
    lasts_days: tuple[int, int] = (2, 5)

    def __call__(self, setting: Setting) -> None:
        """No night, no burst, the customer's own device."""
        draw, customer = setting.draw, setting.customer(*OFFICES)
        days = draw.randint(*self.lasts_days)
        starts_ms = setting.moment(customer, DAYTIME, Days.WORKDAY, lasts_days=days)
        run(
            setting,
            customer,
            Dialling(
                to=ranges(draw, customer, [draw.choice(priced("0.55", "3.20"))], draw.randint(3, 10)),
                starts_ms=starts_ms,
                until_ms=starts_ms + days * DAY_MS,
                lines=self.lines,
                every_s=(60, 420),
                talk_s=minutes(self.talk_minutes),
                hours=OFFICE_HOURS,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InCallCentre:
    """A few dear lines among the dozens of a call centre.

    Calls as long as its own, in its shifts.
    """

    lines: tuple[int, int] = (2, 6)
    talk_minutes: tuple[int, int] = (1, 8)
    lasts_days: tuple[int, int] = (1, 4)

    def __call__(self, setting: Setting) -> None:
        """Only price and place tell it from the rest."""
        draw, customer = setting.draw, setting.customer(CALL_CENTRE)
        days = draw.randint(*self.lasts_days)
        starts_ms = setting.moment(customer, DAYTIME, Days.WORKDAY, lasts_days=days)
        run(
            setting,
            customer,
            Dialling(
                to=ranges(draw, customer, [draw.choice(priced("0.45", "1.90"))], draw.randint(10, 40)),
                starts_ms=starts_ms,
                until_ms=starts_ms + days * DAY_MS,
                lines=self.lines,
                every_s=(20, 150),
                talk_s=minutes(self.talk_minutes),
                answered_percent=70,
                hours=SHIFT_HOURS,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRamp:
    """Two calls on the first day, a third more each day.

    No day is far above the one before.
    """

    first_day_calls: int = 2
    growth_percent: int = 33
    lasts_days: tuple[int, int] = (9, 13)
    talk_minutes: tuple[int, int] = (4, 14)

    def __call__(self, setting: Setting) -> None:
        """It wants to be learned as usual."""
        draw, customer = setting.draw, setting.customer(*OFFICES)
        days = draw.randint(*self.lasts_days)
        starts_ms = setting.moment(customer, (8, 12), lasts_days=days)
        pause_s = 86_400 // self.first_day_calls
        run(
            setting,
            customer,
            Dialling(
                to=ranges(draw, customer, [draw.choice(priced("0.45", "1.90"))], draw.randint(4, 10), then=1),
                starts_ms=starts_ms,
                until_ms=starts_ms + days * DAY_MS,
                lines=(3, 6),
                every_s=(pause_s * 6 // 10, pause_s * 14 // 10),
                talk_s=minutes(self.talk_minutes),
                growth_percent=self.growth_percent,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstFortnight:
    """A real customer of a few days is hacked.

    Nothing is known of it yet.
    """

    after_days: tuple[int, int] = (3, 11)

    def __call__(self, setting: Setting) -> None:
        """A real customer with calls of its own, unlike an account opened for fraud."""
        draw = setting.draw
        host = next(iter(setting.customers.values()))
        opened_ms = setting.moment(host, (9, 12), Days.WORKDAY, lasts_days=self.after_days[1] + 2, first_day=2)
        customer = setting.newcomer(draw.choice((OFFICE, SHOP)), opened_ms)
        starts_ms = opened_ms
        if setting.calendar:
            days = draw.randint(*self.after_days)
            first_day = min(opened_ms // DAY_MS + days, setting.calendar.days - 1)
            starts_ms = setting.moment(customer, NIGHT, lasts_days=setting.calendar.days, first_day=first_day)
        hack(setting, customer, PbxIrsf(lines=(3, 10), lasts_hours=(3, 12)), starts_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyAccounts:
    """One dear number from many accounts in one night.

    At each of them only a call or three.
    """

    accounts: tuple[int, int] = (10, 25)
    calls_each: tuple[int, int] = (1, 3)
    talk_minutes: tuple[int, int] = (8, 25)
    within_hours: int = 5

    def __call__(self, setting: Setting) -> None:
        """No account by itself is remarkable."""
        draw = setting.draw
        victims = setting.crowd(*self.accounts)
        starts_ms = setting.moment(victims[0], NIGHT)
        place = draw.choice(DEAR + MIDDLING)
        number = targets(draw, victims[0], [place], 1)
        source = strange_address(draw)
        for victim in victims:
            begins_ms = starts_ms + round(draw.random() * self.within_hours * HOUR_MS)
            calls = draw.randint(*self.calls_each)
            run(
                setting,
                victim,
                Dialling(
                    to=(number,),
                    starts_ms=begins_ms,
                    until_ms=begins_ms + calls * HOUR_MS // 2,
                    lines=(1, 1),
                    every_s=(1_800, 1_800),
                    talk_s=minutes(self.talk_minutes),
                    answered_percent=100,
                    source=source,
                ),
            )
