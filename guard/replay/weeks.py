"""Hours of the week: when whom one calls is there, in the customer's own time zone.

A `Week` is 168 weights, Monday 00:00 first, in percent of the busiest hour. A `Calendar` knows which hour of the week
(and which day of the month) each hour of the simulation is, in every zone, summer time included. Without a calendar it
is always the busiest hour: that is how a trial of a minute has traffic at any time of the day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000
SECOND_MS = 1_000
WEEK_HOURS = 168
SATURDAY = 5

Week = tuple[int, ...]


def week(workday: str, saturday: str = "", sunday: str = "") -> Week:
    """168 weights from 24 for a working day and for each day of the weekend; without the latter, closed."""

    def hours(text: str) -> list[int]:
        return [int(each) for each in text.split()] or [0] * 24

    return tuple(hours(workday) * 5 + hours(saturday) + hours(sunday))


OFFICE_HOURS = week(
    "0 0 0 0 0 0 2 10 40 85 100 95 70 85 95 90 75 40 15 6 3 2 1 0",
    "0 0 0 0 0 0 0 0 2 4 6 6 4 3 2 2 1 1 0 0 0 0 0 0",
    "0 0 0 0 0 0 0 0 0 1 2 2 1 1 1 1 1 1 1 0 0 0 0 0",
)
SHOP_HOURS = week(
    "0 0 0 0 0 0 0 2 15 60 80 90 85 75 75 80 90 95 70 40 15 3 0 0",
    "0 0 0 0 0 0 0 2 15 60 90 100 95 90 90 85 80 60 30 10 4 1 0 0",
    "0 0 0 0 0 0 0 0 5 20 50 60 60 60 50 45 30 10 3 1 0 0 0 0",
)
SHIFT_HOURS = week(
    "0 0 0 0 0 0 0 4 60 90 100 100 90 95 100 100 95 85 80 75 60 20 3 0",
    "0 0 0 0 0 0 0 0 20 50 60 60 55 55 50 40 20 5 0 0 0 0 0 0",
)
NIGHT_HOURS = week("70 35 10 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 20 60 95 100 95")
GUEST_HOURS = week(
    *["15 8 5 4 4 8 20 55 70 55 40 35 35 35 35 40 55 70 85 95 100 85 55 30"] * 3,
)
ROUND_THE_CLOCK = week(
    "30 25 22 20 22 28 45 70 90 100 100 95 90 92 95 90 80 70 62 58 52 48 42 35",
    "30 25 22 20 22 26 35 45 55 60 62 62 60 58 56 54 52 52 50 48 45 42 38 34",
    "30 25 22 20 22 24 30 40 50 55 58 58 56 55 54 52 52 52 50 48 45 42 36 32",
)
HOME_HOURS = week(
    "5 2 1 0 0 0 5 15 20 20 25 25 30 25 25 30 45 60 80 100 100 80 40 15",
    "10 4 1 0 0 0 2 8 25 60 80 85 80 75 75 75 75 75 80 90 90 75 45 20",
    "10 4 1 0 0 0 2 8 25 60 85 95 90 85 85 85 80 80 85 95 90 70 35 12",
)
LATE_HOURS = week("60 40 10 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 60 90 100 100 90")
EVENLY = week(*[" ".join(["100"] * 24)] * 3)


class Calendar:
    """The days of one simulation: when it begins, how long it lasts, and what hour it is where."""

    def __init__(self, start_ms: int, days: int) -> None:
        """Begin at `start_ms`, a whole hour."""
        if start_ms % HOUR_MS:
            raise ValueError("a simulation begins at a whole hour")
        self.start_ms = start_ms
        self.days = days
        self.end_offset_ms = days * DAY_MS
        self._hours: dict[str, list[int]] = {}

    def hours(self, timezone: str) -> list[int]:
        """For each hour of the simulation, which hour of the week it is in that zone."""
        known = self._hours.get(timezone)
        if known is None:
            zone, first = ZoneInfo(timezone), self.start_ms // SECOND_MS
            moments = (datetime.fromtimestamp(first + 3_600 * hour, zone) for hour in range(self.days * 24))
            known = [moment.weekday() * 24 + moment.hour for moment in moments]
            self._hours[timezone] = known
        return known

    def midnight(self, day: int, timezone: str) -> datetime:
        """Local midnight at which the day begins that is so many days after the first."""
        zone = ZoneInfo(timezone)
        first = datetime.fromtimestamp(self.start_ms // SECOND_MS, zone).replace(hour=0, minute=0, second=0)
        return (first.replace(tzinfo=None) + timedelta(days=day)).replace(tzinfo=zone)

    def offset(self, moment: datetime) -> int:
        """Milliseconds from the beginning to a moment."""
        return round(moment.timestamp()) * SECOND_MS - self.start_ms
