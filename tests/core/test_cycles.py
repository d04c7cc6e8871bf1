"""Billing cycles: a month of an account's own time zone, with its short and its long days."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.cycles import (
    Cycle,
    cycle_of,
    cycle_of_month,
    day_of,
    day_text,
    midnight_ms,
    next_month,
    zone_of,
)

HOUR_MS = 3_600_000
ZONES = ("", "America/Toronto", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "America/Asuncion")


def ms(text: str) -> int:
    """A moment with its offset."""
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1_000


@pytest.mark.parametrize(
    ("zone", "month", "begin", "end", "hours"),
    [
        ("", 3, "2026-03-01T00:00+00:00", "2026-04-01T00:00+00:00", 31 * 24),
        ("America/Toronto", 2, "2026-02-01T00:00-05:00", "2026-03-01T00:00-05:00", 28 * 24),
        ("America/Toronto", 3, "2026-03-01T00:00-05:00", "2026-04-01T00:00-04:00", 31 * 24 - 1),
        ("America/Toronto", 11, "2026-11-01T00:00-04:00", "2026-12-01T00:00-05:00", 30 * 24 + 1),
        ("America/Toronto", 12, "2026-12-01T00:00-05:00", "2027-01-01T00:00-05:00", 31 * 24),
        ("Asia/Kolkata", 6, "2026-06-01T00:00+05:30", "2026-07-01T00:00+05:30", 30 * 24),
    ],
)
def test_a_cycle_is_as_long_as_its_month(zone: str, month: int, begin: str, end: str, hours: int) -> None:
    """The first of November 2026 has 25 hours in Toronto, and the cycle all of them."""
    cycle = cycle_of_month(2026, month, zone)
    assert cycle == (ms(begin), ms(end))
    assert cycle.end_ms - cycle.start_ms == hours * HOUR_MS


def test_where_midnight_is_skipped_the_cycle_begins_with_the_day() -> None:
    """In Asuncion the clocks went from 00:00 to 01:00 on the first of October 2017."""
    begin = cycle_of_month(2017, 10, "America/Asuncion").start_ms
    assert begin == ms("2017-10-01T01:00-03:00")
    assert cycle_of(begin - 1, "America/Asuncion").end_ms == begin
    assert cycle_of(begin, "America/Asuncion").start_ms == begin


def test_where_midnight_comes_twice_the_cycle_begins_with_the_first() -> None:
    """In Havana the clocks went from 01:00 back to 00:00 on the first of November 2015."""
    begin = cycle_of_month(2015, 11, "America/Havana").start_ms
    assert begin == ms("2015-11-01T00:00-04:00")
    assert cycle_of(begin + HOUR_MS, "America/Havana").start_ms == begin


def test_a_moment_belongs_to_one_cycle() -> None:
    """The end is the next one's beginning."""
    cycle = Cycle(1_000, 2_000)
    assert [cycle.holds(at_ms) for at_ms in (999, 1_000, 1_999, 2_000)] == [False, True, True, False]


@given(st.integers(ms("1971-01-01T00:00+00:00"), ms("2100-01-01T00:00+00:00")), st.sampled_from(ZONES))
def test_cycles_follow_each_other_without_a_gap(at_ms: int, zone: str) -> None:
    cycle = cycle_of(at_ms, zone)
    assert cycle.holds(at_ms)
    assert day_of(cycle.start_ms, zone).day == 1
    assert cycle_of(cycle.end_ms, zone).start_ms == cycle.end_ms
    assert cycle_of(cycle.start_ms - 1, zone).end_ms == cycle.start_ms


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)), st.sampled_from(ZONES))
def test_midnight_is_the_first_moment_of_a_day(day: date, zone: str) -> None:
    begin = midnight_ms(day, zone)
    assert day_of(begin, zone) == day
    assert day_of(begin - 1, zone) < day


@pytest.mark.parametrize(
    ("day", "after"),
    [
        (date(2026, 1, 31), date(2026, 2, 1)),
        (date(2026, 12, 1), date(2027, 1, 1)),
        (date(2026, 6, 15), date(2026, 7, 1)),
    ],
)
def test_the_month_after_a_day(day: date, after: date) -> None:
    assert next_month(day) == after


def test_a_day_in_a_sentence_is_that_of_the_customer() -> None:
    at_ms = ms("2026-12-05T00:30-05:00")
    assert day_text(at_ms, "America/Toronto") == "5 Dec 2026"
    assert day_text(at_ms, "America/Vancouver") == "4 Dec 2026"


def test_a_zone_that_this_machine_does_not_know_is_taken_for_utc() -> None:
    """An account may have been opened where the tz database was newer; its calls must be billed all the same."""
    assert zone_of("Mars/Olympus_Mons").key == "UTC"
    assert cycle_of(1_790_000_000_000, "Mars/Olympus_Mons") == cycle_of(1_790_000_000_000, "")
