"""What rules are told: observations made of reports, in time that is ours.

A call's ticks are told with one record that is brought up to date (`observation`); the call keeps it (`Call.told`) and
lets it go when its number, direction or source becomes known, or its account's terms change (`Call.lie`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.calls import RATE_IMPLIED
from guard.core.money import MAX_MICROS, MS_PER_MINUTE
from guard.core.records import Direction, Report
from guard.core.rules.observation import Observation, What

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.calls import Call
    from guard.core.rating import Place
    from guard.core.switches import Switch

LEAST_SPAN_MS = 30_000
"""A charge is spread over at least so much: the first started minute of a call that has just begun is no rate."""

Growth = tuple[int, int, int]
"""Gross, net and duration since the report before."""


def attempted(switch: Switch, account: Account, report: Report, place: Place) -> Observation:
    """An attempt that was not answered."""
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
    )


def told_again(call: Call, at_ms: int, growth: Growth) -> Observation:
    """A call goes on: the record of the tick before, as long as nothing else about the call has changed."""
    seen = call.told
    if seen is None:
        seen = call.told = told(call, at_ms, What.GOES_ON, growth)
        return seen
    seen.at_ms = at_ms - call.switch.skew_ms
    seen.rate_micros = _rate(call)
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


def _rate(call: Call) -> int:
    """What a minute of the call costs, as the rules see it.

    Where the switch states no rate it is the mean of the call so far. What the last two charges imply is the rate in
    force, but of a switch that charges by the started minute and reports twice in it that is nothing and double in
    turn, which would raise and clear a mark every minute.
    """
    if call.rate_known != RATE_IMPLIED or call.free:
        return call.growth_micros
    return min(MAX_MICROS, call.charge_micros * MS_PER_MINUTE // max(call.duration_ms, LEAST_SPAN_MS))
