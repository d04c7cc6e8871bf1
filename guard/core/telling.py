"""What rules are told: observations made of reports, in time that is ours.

A call's ticks are told with one record that is brought up to date (`observation`); the call keeps it (`Call.told`) and
lets it go when its number, direction or source becomes known, or its account's terms change (`Call.lie`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.money import MS_PER_MINUTE
from guard.core.pricing import RATE_IMPLIED
from guard.core.records import Direction, Report
from guard.core.rules.observation import Observation, What
from guard.core.tariff import CallClass

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.calls import Call
    from guard.core.rating import Rating
    from guard.core.switches import Switch

FIRST_SHOWS_MS = 45_000
"""A first charge after so long says what a minute costs, whether it is for a started minute or for the seconds."""

Growth = tuple[int, int, int]
"""Gross, net and duration since the report before."""


def rung_from(caller: str, rating: Rating) -> str:
    """Who rang, if from abroad; empty: from home, or it cannot be told."""
    place = rating.place(caller)
    return "" if place.kind is CallClass.DOMESTIC else place.digits


def attempted(switch: Switch, account: Account, report: Report, rating: Rating) -> Observation:
    """An attempt that was not answered."""
    place, incoming = rating.place(report.to or ""), report.direction is Direction.INCOMING
    destination = place.destination
    return Observation(
        account=account.id,
        at_ms=report.at_ms - switch.skew_ms,
        what=What.FAILED,
        call=(switch.name, report.call),
        direction=report.direction or Direction.OUTGOING,
        kind=place.kind,
        country=place.country,
        prefix=destination.prefix,
        number=place.digits,
        dialled=report.to or "",
        place=place.name,
        source=report.source,
        rate_micros=0,
        timezone=account.timezone,
        opened_ms=account.opened_ms,
        rung_from=rung_from(report.caller, rating) if incoming else "",
    )


def told_again(call: Call, at_ms: int, growth: Growth) -> Observation:
    """A call goes on: the record of the tick before, as long as nothing else about the call has changed."""
    seen = call.told
    if seen is None:
        seen = call.told = told(call, at_ms, What.GOES_ON, growth)
        return seen
    seen.at_ms = at_ms - call.switch.skew_ms
    seen.rate_micros = call.rate_micros if call.plain else _rate(call)
    seen.gross_micros, seen.net_micros, seen.spoken_ms = growth
    seen.duration_ms = call.duration_ms
    return seen


def told(call: Call, at_ms: int, what: What, growth: Growth) -> Observation:
    """What is known of a call now, and what has been added to it: gross, net and duration."""
    account, place = call.account, call.place
    destination = place.destination
    gross, net, spoken_ms = growth
    return Observation(
        account.id,
        at_ms - call.switch.skew_ms,
        what,
        call.key,
        call.direction or Direction.OUTGOING,
        place.kind,
        place.country,
        destination.prefix,
        place.digits,
        call.to,
        place.name,
        call.source,
        _rate(call),
        gross,
        net,
        spoken_ms,
        call.duration_ms,
        account.timezone,
        account.opened_ms,
    )


def price_to_come(call: Call, growth: Growth) -> bool:
    """Whether the next report will show what a minute of the call costs.

    Its switch states no rate, and this is the first report since it was answered: a charge after twenty seconds may be
    for them or for the whole started minute, which makes three times the rate. The next charge shows which.
    """
    first = growth[2] == call.duration_ms < FIRST_SHOWS_MS
    return call.rate_to_come or (call.rate_known == RATE_IMPLIED and first and call.rate_micros > 0)


def _rate(call: Call) -> int:
    """What a minute of the call costs, as the rules see it.

    Where the switch states no rate it is what the last two charges imply, but not more than the mean of the call so
    far: of a switch that charges by the started minute and reports twice in it they imply double and nothing in turn,
    which would raise and clear a mark every minute. When nothing was added since the last report, a started minute is
    paid for, and the mean is one over started minutes.
    """
    if call.rate_known != RATE_IMPLIED or call.free:
        return call.growth_micros
    charge, duration_ms = call.charge_micros, call.duration_ms
    if call.rate_micros == 0 or duration_ms <= 0:
        return charge // max(1, -(-duration_ms // MS_PER_MINUTE))
    return min(call.rate_micros, charge * MS_PER_MINUTE // duration_ms)
