"""Billing cycles: from the 1st 00:00 to the next 1st 00:00 in an account's own time zone (contract 8).

A cycle is as long as it is: two months a year contain a day of 23 or 25 hours, and where a clock change skips
midnight of the 1st the cycle begins at the first moment of that day. Only its two ends are computed, by the tz
database; everything in between is arithmetic on milliseconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DECEMBER = 12
_LAST_YEAR = 9_998


class Cycle(NamedTuple):
    """start <= at < end, both in milliseconds since 1970 UTC."""

    start_ms: int
    end_ms: int

    def holds(self, at_ms: int) -> bool:
        """Whether a moment belongs to it."""
        return self.start_ms <= at_ms < self.end_ms


@lru_cache(maxsize=1_024)
def zone_of(timezone: str) -> ZoneInfo:
    """The time zone of that name; UTC for an empty one, and for one that this machine's tz database does not know."""
    try:
        return ZoneInfo(timezone or "UTC")
    except (OSError, ValueError, KeyError):
        return ZoneInfo("UTC")


def midnight_ms(day: date, timezone: str) -> int:
    """The first moment of a day in a time zone (empty: UTC), in milliseconds since 1970 UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone_of(timezone)).timestamp() * 1_000)


def next_month(day: date) -> date:
    """The 1st of the month after."""
    return date(day.year + 1, 1, 1) if day.month == _DECEMBER else date(day.year, day.month + 1, 1)


def day_of(at_ms: int, timezone: str) -> date:
    """The calendar day of a moment in a time zone (empty: UTC)."""
    return datetime.fromtimestamp(at_ms / 1_000, tz=UTC).astimezone(zone_of(timezone)).date()


def day_text(at_ms: int, timezone: str) -> str:
    """The calendar day of a moment, as a sentence says it: `5 Dec 2026`."""
    day = day_of(at_ms, timezone)
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


@lru_cache(maxsize=4_096)
def cycle_of_month(year: int, month: int, timezone: str) -> Cycle:
    """The cycle that begins on the 1st of a month."""
    first = date(min(max(year, 1970), _LAST_YEAR), month, 1)
    return Cycle(midnight_ms(first, timezone), midnight_ms(next_month(first), timezone))


def cycle_of(at_ms: int, timezone: str) -> Cycle:
    """The cycle that a moment belongs to."""
    day = day_of(at_ms, timezone)
    return cycle_of_month(day.year, day.month, timezone)
