"""Pricing: what a report says that its call has cost, and at which rate that grows.

The rate in force is the last one stated, else what the last two charges imply, else that of the call's destination in
the tariff (contract 1). A switch that states no charge has the call priced here, by the destination's `connect`,
minimum and increments (`guard.core.tariff`), without any plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from guard.core.money import MAX_MICROS, growth_floor, implied_rate_half_up
from guard.core.records import Report

if TYPE_CHECKING:
    from guard.core.calls import Call
    from guard.core.tariff import Destination

NEVER_STATED = -1
RATE_UNKNOWN, RATE_IMPLIED, RATE_STATED = 0, 1, 2
_new = tuple.__new__
"""Makes a price for a third of what calling its class costs."""


class Price(NamedTuple):
    """What a report says a call has cost, and how fast it goes on."""

    rate_micros: int
    rate_known: int
    charge_micros: int


class Priced(NamedTuple):
    """What was known before a report: rate, its origin, charge, stated charge and its duration, duration."""

    rate_micros: int
    rate_known: int
    charge_micros: int
    stated_charge_micros: int
    stated_duration_ms: int
    duration_ms: int


NOTHING_KNOWN = Priced(0, RATE_UNKNOWN, 0, NEVER_STATED, 0, 0)


def price_of(before: Priced | Call, report: Report, destination: Destination) -> Price:
    """Price a report that is newer than what was known before: the rate in force first, then the charge.

    Micros per minute and micros. The charge may lie outside the bound of money: the caller refuses it then.
    """
    charge = report.charge_micros
    if charge is not None and report.rate_micros is not None:
        # Most switches state both, and nothing is to be worked out.
        return _new(Price, (report.rate_micros, RATE_STATED, charge))
    span_ms = max(0, report.duration_ms - before.duration_ms)
    rate, rate_known = before.rate_micros, before.rate_known
    if report.rate_micros is not None:
        rate, rate_known = report.rate_micros, RATE_STATED
    elif rate_known != RATE_STATED:
        stated_span_ms = report.duration_ms - before.stated_duration_ms
        if charge is not None and before.stated_charge_micros >= 0 and stated_span_ms > 0:
            rise = max(0, charge - before.stated_charge_micros)
            rate, rate_known = min(MAX_MICROS, implied_rate_half_up(rise, stated_span_ms)), RATE_IMPLIED
        elif rate_known == RATE_UNKNOWN:
            rate = destination.rate_micros
    if charge is not None:
        return _new(Price, (rate, rate_known, charge))
    if before.stated_charge_micros >= 0:
        # The switch stated a charge before and now does not: go on from there at the rate in force.
        return _new(Price, (rate, rate_known, before.charge_micros + growth_floor(rate, span_ms)))
    return _new(Price, (rate, rate_known, destination.price_micros(report.duration_ms, rate)))
