"""Frauds that call for money: each a recipe whose fields are its documented parameters.

Signatures, burn rates and proportions are those of published incidents: a hacked telephone system over a weekend, a
stolen login, traffic pumping, a drip below every threshold, resold plans, accounts opened to be emptied, takeovers.
Those with a pattern of their own (probing, bait, forwarding, robocalls) are in `schemes`.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.money import format_money, parse_money
from guard.replay.cases.dialling import (
    DAYTIME,
    DEAR,
    MIDDLING,
    MODERATE,
    NIGHT,
    Dialling,
    minutes,
    others,
    ranges,
    run,
    targets,
)
from guard.replay.cases.setting import Days, Setting
from guard.replay.catalog import DOMESTIC, RURAL, priced
from guard.replay.customers import Customer, strange_address
from guard.replay.kinds import HOTEL, NEARLY_SILENT, NEVER_ABROAD, OFFICES, SHOP
from guard.replay.weeks import DAY_MS, HOUR_MS, MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxIrsf:
    """Telephone system broken into, all lines abroad at night.

    First a few test calls, then long ones to one or two ranges, as many at once as there are lines.
    """

    lines: tuple[int, int] = (4, 24)
    talk_minutes: tuple[int, int] = (20, 120)
    lasts_hours: tuple[int, int] = (3, 40)
    numbers: tuple[int, int] = (2, 6)

    def __call__(self, setting: Setting) -> None:
        """From the customer's own device, as only its calls could be."""
        draw, customer = setting.draw, setting.customer(*OFFICES, *NEVER_ABROAD)
        starts_ms = setting.moment(customer, NIGHT, draw.choice((Days.WEEKEND, Days.ANY)), lasts_days=2)
        hack(setting, customer, self, starts_ms)


def hack(setting: Setting, customer: Customer, how: PbxIrsf, starts_ms: int, source: str = "") -> None:
    """The calls of a hacked telephone system."""
    draw = setting.draw
    plan = Dialling(
        to=ranges(draw, customer, setting.some(DEAR, draw.randint(1, 2)), draw.randint(*how.numbers)),
        starts_ms=starts_ms,
        until_ms=starts_ms + draw.randint(*how.lasts_hours) * HOUR_MS,
        lines=how.lines,
        every_s=(2, 12),
        talk_s=minutes(how.talk_minutes),
        tests=draw.randint(2, 5),
        source=source,
    )
    run(setting, customer, plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class StolenLogin:
    """A device's password used elsewhere, by night or by day.

    The office is calling too.
    """

    lines: tuple[int, int] = (2, 6)
    talk_minutes: tuple[int, int] = (5, 40)
    lasts_hours: tuple[int, int] = (4, 30)

    def __call__(self, setting: Setting) -> None:
        """From an address never seen."""
        draw, customer = setting.draw, setting.customer(*OFFICES, HOTEL, SHOP)
        starts_ms = setting.moment(customer, draw.choice((NIGHT, DAYTIME)), lasts_days=2)
        first = setting.some(DEAR + MIDDLING, draw.randint(1, 2))
        run(
            setting,
            customer,
            Dialling(
                to=ranges(draw, customer, first, draw.randint(2, 8)),
                starts_ms=starts_ms,
                until_ms=starts_ms + draw.randint(*self.lasts_hours) * HOUR_MS,
                lines=self.lines,
                every_s=(5, 45),
                talk_s=minutes(self.talk_minutes),
                tests=draw.randint(0, 2),
                source=strange_address(draw),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpingFast:
    """Short calls to one country, as many as the lines carry.

    To ever other numbers, at a price of the middle.
    """

    lines: tuple[int, int] = (8, 30)
    talk_seconds: tuple[int, int] = (40, 240)
    lasts_hours: tuple[int, int] = (1, 5)

    def __call__(self, setting: Setting) -> None:
        """From a strange address or the customer's own."""
        draw, customer = setting.draw, setting.customer(*OFFICES, HOTEL)
        starts_ms = setting.moment(customer, draw.choice((NIGHT, DAYTIME)))
        place = draw.choice(MODERATE + MIDDLING)
        numbers = tuple((place.number(draw), place.rate_micros) for _ in range(300))
        run(
            setting,
            customer,
            Dialling(
                to=(numbers, *others(draw, customer, 3)),
                starts_ms=starts_ms,
                until_ms=starts_ms + draw.randint(*self.lasts_hours) * HOUR_MS,
                lines=self.lines,
                every_s=(1, 6),
                talk_s=self.talk_seconds,
                answered_percent=85,
                source=draw.choice(("", strange_address(draw))),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowDrip:
    """One ordinary call after the other, day and night.

    Only days of it are a loss.
    """

    calls_per_hour: tuple[int, int] = (2, 5)
    talk_minutes: tuple[int, int] = (3, 9)
    lasts_days: tuple[int, int] = (6, 14)

    def __call__(self, setting: Setting) -> None:
        """Even over the hours, as no office is."""
        draw, customer = setting.draw, setting.customer(*OFFICES, HOTEL)
        days = draw.randint(*self.lasts_days)
        starts_ms = setting.moment(customer, (0, 24), lasts_days=days)
        pause_s = 3_600 // draw.randint(*self.calls_per_hour)
        place = draw.choice(priced("0.25", "1.20"))
        run(
            setting,
            customer,
            Dialling(
                to=ranges(draw, customer, [place], draw.randint(6, 20), then=1),
                starts_ms=starts_ms,
                until_ms=starts_ms + days * DAY_MS,
                lines=(1, 1),
                every_s=(pause_s * 7 // 10, pause_s * 13 // 10),
                talk_s=minutes(self.talk_minutes),
                source=strange_address(draw),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DomesticPumping:
    """Huge cheap volume to a few rural numbers, on a flat plan.

    They live on it.
    """

    lines: tuple[int, int] = (5, 18)
    talk_minutes: tuple[int, int] = (25, 180)
    lasts_days: tuple[int, int] = (2, 6)
    numbers: tuple[int, int] = (1, 4)

    def __call__(self, setting: Setting) -> None:
        """The account owes nothing for it; the operator does."""
        draw, customer = setting.draw, setting.customer(*OFFICES, *NEVER_ABROAD, flat=True)
        days = draw.randint(*self.lasts_days)
        starts_ms = setting.moment(customer, (8, 20), lasts_days=days)
        count = draw.randint(*self.numbers)
        rural = tuple(targets(draw, customer, [place], count) for place in setting.some(RURAL, 2))
        run(
            setting,
            customer,
            Dialling(
                to=rural,
                starts_ms=starts_ms,
                until_ms=starts_ms + days * DAY_MS,
                lines=self.lines,
                every_s=(5, 60),
                talk_s=minutes(self.talk_minutes),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResale:
    """A flat plan carries strangers' calls around the clock.

    Always as many at once, each to another number.
    """

    lines: tuple[int, int] = (10, 24)
    talk_minutes: tuple[int, int] = (1, 9)
    numbers: int = 900
    lasts_days: tuple[int, int] = (3, 8)

    def __call__(self, setting: Setting) -> None:
        """Net nothing, gross a fortune."""
        draw, customer = setting.draw, setting.customer(*OFFICES, *NEVER_ABROAD, flat=True)
        days = draw.randint(*self.lasts_days)
        starts_ms = setting.moment(customer, (7, 12), lasts_days=days)
        numbers = [draw.choice(DOMESTIC) for _ in range(self.numbers)]
        run(
            setting,
            customer,
            Dialling(
                to=(tuple((each.number(draw), customer.price_micros(each)) for each in numbers),),
                starts_ms=starts_ms,
                until_ms=starts_ms + days * DAY_MS,
                lines=self.lines,
                every_s=(1, 8),
                talk_s=minutes(self.talk_minutes),
                answered_percent=75,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFraud:
    """An account opened to be emptied; its payment is rejected.

    Abroad from its first day, straight to the limit.
    """

    lines: tuple[int, int] = (2, 5)
    talk_minutes: tuple[int, int] = (8, 60)
    limit: str = "150.00"
    lasts_days: tuple[int, int] = (2, 5)

    def __call__(self, setting: Setting) -> None:
        """A deposit is promised and never arrives."""
        draw = setting.draw
        days = draw.randint(*self.lasts_days)
        host = next(iter(setting.customers.values()))
        opened_ms = setting.moment(host, (10, 17), lasts_days=days + 1)
        customer = setting.newcomer(NEARLY_SILENT, opened_ms, limit=self.limit)
        deposit = {"type": "payment", "account": customer.account, "amount": "200.00", "method": "eft"}
        setting.case.bills.append((opened_ms + HOUR_MS, deposit | {"status": "pending"}))
        setting.case.bills.append((opened_ms + 2 * DAY_MS, deposit | {"status": "rejected"}))
        run(
            setting,
            customer,
            Dialling(
                to=ranges(draw, customer, setting.some(MIDDLING + DEAR, 2), draw.randint(3, 8)),
                starts_ms=opened_ms + draw.randint(1, 8) * HOUR_MS if setting.calendar else opened_ms,
                until_ms=opened_ms + days * DAY_MS,
                lines=self.lines,
                every_s=(60, 720),
                talk_s=minutes(self.talk_minutes),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """Limit raised through the portal, then spent abroad.

    Where the account never called.
    """

    raised_times: int = 4
    lines: tuple[int, int] = (2, 6)
    talk_minutes: tuple[int, int] = (10, 60)
    lasts_hours: tuple[int, int] = (3, 16)

    def __call__(self, setting: Setting) -> None:
        """The new limit must not be the customer's word for the calls."""
        draw, customer = setting.draw, setting.customer(*OFFICES, *NEVER_ABROAD)
        raised_ms = setting.moment(customer, (8, 26), lasts_days=1)
        limit = format_money(parse_money(customer.limit) * self.raised_times)
        credit = {"type": "credit", "account": customer.account, "limit": limit, "by": "portal", "reason": "requested"}
        setting.case.bills.append((raised_ms, credit))
        starts_ms = raised_ms + draw.randint(5, 50) * MINUTE_MS if setting.calendar else raised_ms
        run(
            setting,
            customer,
            Dialling(
                to=ranges(draw, customer, setting.some(priced("0.40", "9.00")), draw.randint(2, 5)),
                starts_ms=starts_ms,
                until_ms=starts_ms + draw.randint(*self.lasts_hours) * HOUR_MS,
                lines=self.lines,
                every_s=(10, 90),
                talk_s=minutes(self.talk_minutes),
                source=strange_address(draw),
            ),
        )
