"""The past of an account from before guard knew it: days that a profile takes in from history, each once.

What is usual is remembered for eight weeks (`MEMORY_WEEKS`), so older days are left out: they say little about today
and would let an account look better known than it is. So are days that guard has seen itself, whatever the history says
of them, days that history has told before, and those that have not been over for 48 hours, like those of daily life.

A day of history counts as much as one that was seen: in the mean of its hour of the week, in habits, in the highest
price, concurrency and minutes, which have faded since, and among the days that must have been seen before novelty may
block. Drift begins with what guard sees itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from guard.core.rules.local import DAYS_OF_WEEK, HOURS_OF_WEEK, hour_of_week
from guard.core.rules.profile import (
    FADE,
    HOURS_OF_DAY,
    LATE_DAYS,
    MEMORY_WEEKS,
    MILLS,
    MOST_HABITS,
    MOST_MILLS,
    Profile,
)
from guard.core.rules.rows import DayRow
from guard.core.settings import DAY_MS

PAST_DAYS = MEMORY_WEEKS * DAYS_OF_WEEK
"""So old a day may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of an account from history. Days are those of its own clock, counted from 1970-01-01."""

    account: str
    timezone: str
    from_day: int
    """The first that is told of."""
    until_day: int
    """The first that is not."""
    days: tuple[DayRow, ...]
    """Those on which something happened; on the others of the span nothing did."""
    left_out: frozenset[int] = frozenset()
    """Days of the span that must not be learned: fraud."""
    by: str = ""


def absorb(profile: Profile, past: Past, today: int) -> int:
    """Take in what is news; how many days that is. `today` is the day by the account's own clock."""
    news = list(_news(profile, past, today))
    if not news:
        return 0
    told = {row.day: row for row in past.days}
    for weekday in range(DAYS_OF_WEEK):
        _take_spend(profile, [day for day in news if day % DAYS_OF_WEEK == weekday], told)
    _take_heights(profile, news, told)
    _take_habits(profile, news, told)
    profile.past = _joined(profile.past, news)
    profile.usual_today_micros = profile.usual_day_micros(profile.today)
    return len(news)


def _news(profile: Profile, past: Past, today: int) -> Iterator[int]:
    until = min(past.until_day, profile.first_day, today - LATE_DAYS + 1)
    for day in range(max(past.from_day, today - PAST_DAYS), until):
        if day not in past.left_out and not any(begin <= day < end for begin, end in profile.past):
            yield day


def _take_spend(profile: Profile, days: list[int], told: dict[int, DayRow]) -> None:
    """Into the means of one day of the week, the newest first, as far as they remember."""
    if not days:
        return
    start = hour_of_week(days[0] * DAY_MS)
    weekday = start // HOURS_OF_DAY
    known = profile.samples[weekday]
    days = days[::-1][: MEMORY_WEEKS - known]
    samples = profile.samples[weekday] = known + len(days)
    sums = [0] * HOURS_OF_DAY
    for day in days:
        for hour, micros in told[day].spend if day in told else ():
            sums[hour] += min(max(0, micros // MILLS), MOST_MILLS)
    if not profile.spend_mills:
        if not any(sums):
            return
        profile.spend_mills = array("I", bytes(array("I").itemsize * HOURS_OF_WEEK))
    for hour, more in enumerate(sums):
        profile.spend_mills[start + hour] = (profile.spend_mills[start + hour] * known + more) // samples


def _take_heights(profile: Profile, days: list[int], told: dict[int, DayRow]) -> None:
    """The highest price and concurrency and the busiest day, as they have faded by the last day that was learned."""
    rate = peak = busiest = 0
    for day in range(days[0], max(days[-1] + 1, profile.next_day)):
        rate, peak, busiest = rate - rate // FADE, peak - peak // FADE, busiest - busiest // FADE
        row = told.get(day) if day <= days[-1] else None
        if row is not None:
            rate, peak = max(rate, row.top_rate_micros), max(peak, row.peak_calls * 1_000)
            busiest = max(busiest, row.spoken_ms)
    profile.top_rate_micros = max(profile.top_rate_micros, rate)
    profile.peak_thousandths = max(profile.peak_thousandths, peak)
    profile.busiest_ms = max(profile.busiest_ms, busiest)


def _take_habits(profile: Profile, days: list[int], told: dict[int, DayRow]) -> None:
    for day in days:
        for kind, what in told[day].called if day in told else ():
            habits = profile.habits[kind]
            habits[what] = max(day, habits.get(what, day))
    for habits, most in zip(profile.habits, MOST_HABITS, strict=True):
        for what in sorted(habits, key=lambda each: (habits[each], each))[: max(0, len(habits) - most)]:
            del habits[what]


def _joined(spans: tuple[tuple[int, int], ...], days: list[int]) -> tuple[tuple[int, int], ...]:
    """Spans of days, with some more days, as few as they can be."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted([*spans, *((day, day + 1) for day in days)]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return tuple(joined)
