"""The account's own clock: what hour and day it is where the account is.

Local milliseconds are those since 1970 on the clock at the wall there, so day, weekday and hour of the week are plain
divisions. The distance to UTC is looked up once for each quarter of an hour and time zone; zones change theirs on
quarters of an hour and nowhere else. So day, hour and quarter are the same for the whole of a quarter, or of what lies
in it of one quarter there (`Quarter`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from guard.core.cycles import zone_of
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS

HOURS_OF_WEEK = 168
DAYS_OF_WEEK = 7

QUARTER_MS = 15 * MINUTE_MS
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""


@lru_cache(maxsize=8_192)
def _shift_ms(timezone: str, quarter: int) -> int:
    moment = datetime.fromtimestamp(quarter * QUARTER_MS // 1_000, tz=UTC)
    offset = moment.astimezone(zone_of(timezone)).utcoffset()
    return 0 if offset is None else (offset.days * 86_400 + offset.seconds) * 1_000


def shift_ms(at_ms: int, timezone: str) -> int:
    """How far the wall clock there is ahead of UTC (an empty time zone is UTC)."""
    return _shift_ms(timezone, at_ms // QUARTER_MS) if timezone else 0


@dataclass(frozen=True, slots=True)
class Quarter:
    """A stretch of time within one quarter of an hour, and within one of the account's clock."""

    from_ms: int
    until_ms: int
    shift_ms: int
    day: int
    """Days since 1970-01-01 on that clock."""
    hour: int
    """Hours since midnight on that clock."""

    def holds(self, at_ms: int) -> bool:
        """Whether a moment lies in it."""
        return self.from_ms <= at_ms < self.until_ms


NO_QUARTER = Quarter(0, 0, 0, 0, 0)
"""Holds no moment."""


def quarter_at(at_ms: int, timezone: str) -> Quarter:
    """The stretch that a moment lies in."""
    return _quarter(timezone, at_ms // QUARTER_MS, (at_ms + shift_ms(at_ms, timezone)) // QUARTER_MS)


@lru_cache(maxsize=8_192)
def _quarter(timezone: str, quarter: int, local_quarter: int) -> Quarter:
    begin_ms = quarter * QUARTER_MS
    shift = shift_ms(begin_ms, timezone)
    from_ms = max(begin_ms, local_quarter * QUARTER_MS - shift)
    until_ms = min(begin_ms + QUARTER_MS, (local_quarter + 1) * QUARTER_MS - shift)
    day, rest_ms = divmod(local_quarter * QUARTER_MS, DAY_MS)
    return Quarter(from_ms, until_ms, shift, day, rest_ms // HOUR_MS)


def day_of(local_ms: int) -> int:
    """Days since 1970-01-01 on that wall clock."""
    return local_ms // DAY_MS


def weekday_of(local_ms: int) -> int:
    """Monday is 0."""
    return (local_ms // DAY_MS + _EPOCH_WEEKDAY) % DAYS_OF_WEEK


def minute_of(local_ms: int) -> int:
    """Minutes since midnight."""
    return local_ms % DAY_MS // MINUTE_MS


def hour_of_week(local_ms: int) -> int:
    """Hours since Monday 00:00."""
    return (local_ms // HOUR_MS + _EPOCH_WEEKDAY * 24) % HOURS_OF_WEEK
