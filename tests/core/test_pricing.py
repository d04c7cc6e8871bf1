"""Pricing: the rate in force, and the charge of a report that states none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.money import MAX_MICROS, Micros
from guard.core.pricing import (
    NEVER_STATED,
    NOTHING_KNOWN,
    RATE_IMPLIED,
    RATE_STATED,
    RATE_UNKNOWN,
    Price,
    Priced,
    price_of,
)
from guard.core.records import Event, Report
from guard.core.tariff import unknown_destination

UNKNOWN_RATE = 1_000_000
UNKNOWN = unknown_destination(UNKNOWN_RATE)
charges = st.integers(0, MAX_MICROS)
rates = st.integers(0, MAX_MICROS)
durations = st.integers(0, 30 * 86_400_000)


def report(duration_ms: int, charge: int | None = None, rate: int | None = None) -> Report:
    """A tick."""
    micros = None if charge is None else Micros(charge)
    return Report("C1", Event.TICK, "A1", 0, duration_ms, charge_micros=micros, rate_micros=rate)


def after(price: Price, duration_ms: int, charge: int | None) -> Priced:
    """What is known after a report."""
    stated = NEVER_STATED if charge is None else charge
    return Priced(price.rate_micros, price.rate_known, price.charge_micros, stated, duration_ms, duration_ms)


@given(durations, charges, rates)
def test_what_is_stated_counts(duration_ms: int, charge: int, rate: int) -> None:
    """A stated charge is the charge, a stated rate the rate."""
    price = price_of(NOTHING_KNOWN, report(duration_ms, charge, rate), UNKNOWN)
    assert price == Price(rate, RATE_STATED, charge)


@given(durations, rates)
def test_without_a_charge_whole_seconds_are_billed(duration_ms: int, rate: int) -> None:
    """Rounded up to the second, then half up to a micro."""
    price = price_of(NOTHING_KNOWN, report(duration_ms, None, rate), UNKNOWN)
    exact = Fraction(rate * -(-duration_ms // 1_000), 60)
    assert price.charge_micros == (exact + Fraction(1, 2)).__floor__()


@given(durations, st.one_of(st.none(), charges))
def test_without_any_rate_the_unknown_rate_counts(duration_ms: int, charge: int | None) -> None:
    """One charge alone implies nothing."""
    price = price_of(NOTHING_KNOWN, report(duration_ms, charge), UNKNOWN)
    assert (price.rate_micros, price.rate_known) == (UNKNOWN_RATE, RATE_UNKNOWN)


@given(st.integers(0, 3_600_000), st.integers(1, 3_600_000), charges, charges)
def test_the_last_two_charges_imply_the_rate(start_ms: int, span_ms: int, first: int, second: int) -> None:
    """What was added, over the time in which it was; a charge that falls implies that nothing is added."""
    known = after(price_of(NOTHING_KNOWN, report(start_ms, first), UNKNOWN), start_ms, first)
    price = price_of(known, report(start_ms + span_ms, second), UNKNOWN)
    exact = Fraction(max(0, second - first) * 60_000, span_ms)
    assert price.rate_known == RATE_IMPLIED
    assert price.rate_micros == min(MAX_MICROS, (exact + Fraction(1, 2)).__floor__())


@given(rates, durations, charges, st.integers(1, 3_600_000))
def test_a_stated_rate_stays_in_force(rate: int, start_ms: int, charge: int, span_ms: int) -> None:
    """Whatever later charges imply, until another rate is stated."""
    known = after(price_of(NOTHING_KNOWN, report(start_ms, 0, rate), UNKNOWN), start_ms, 0)
    price = price_of(known, report(start_ms + span_ms, charge), UNKNOWN)
    assert (price.rate_micros, price.rate_known) == (rate, RATE_STATED)
    restated = price_of(known, report(start_ms + span_ms, charge, 7), UNKNOWN)
    assert (restated.rate_micros, restated.rate_known) == (7, RATE_STATED)


@given(charges, st.integers(0, 3_600_000), st.integers(0, 3_600_000), st.integers(0, 10**9))
def test_a_switch_that_stops_stating_charges(charge: int, start_ms: int, span_ms: int, rate: int) -> None:
    """The last stated charge goes on growing at the rate in force."""
    known = after(price_of(NOTHING_KNOWN, report(start_ms, charge, rate), UNKNOWN), start_ms, charge)
    price = price_of(known, report(start_ms + span_ms), UNKNOWN)
    assert price.charge_micros == charge + rate * span_ms // 60_000


def test_reports_without_a_charge_do_not_shorten_the_time_between_two_charges() -> None:
    """1.00 at 60 s and 3.00 at 120 s are 2.00 a minute, whatever was reported at 119 s."""
    known = after(price_of(NOTHING_KNOWN, report(60_000, 1_000_000), UNKNOWN), 60_000, 1_000_000)
    between = price_of(known, report(119_000), UNKNOWN)
    known = Priced(*between, 1_000_000, 60_000, 119_000)
    assert price_of(known, report(120_000, 3_000_000), UNKNOWN).rate_micros == 2_000_000


@pytest.mark.parametrize("duration_ms", [0, 60_000])
def test_a_second_charge_at_the_same_moment_implies_nothing(duration_ms: int) -> None:
    """No time passed: there is no rate in it."""
    known = after(price_of(NOTHING_KNOWN, report(duration_ms, 5), UNKNOWN), duration_ms, 5)
    assert price_of(known, report(duration_ms, 9), UNKNOWN) == Price(UNKNOWN_RATE, RATE_UNKNOWN, 9)
