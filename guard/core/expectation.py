"""The expectation: how many calls a switch usually brings at this hour of the week, and what silence is no chance.

**What is counted** is calls that begin and attempts, not reports. Ticks of one call hang together: thirty reports of
one long call say no more about the next hour than one does. Calls begin nearly by themselves, so that what Poisson
found holds: where `ENOUGH` are to be expected, none at all comes about by chance less than once in a million times
(e^-14). It has to be as rare as that because every pause between two calls is another chance: at once in ten thousand a
switch with ten thousand calls a week would be called silent every week, at once in a million every other year.

**What is usual** is one number for each of the 168 hours of the week, in UTC, averaged over about a month. Only whole
hours are learned, in which guard was listening, the switch was up, and nothing came late; there is no verdict
on an hour that has not been learned twice. Silence of which on-call was told is learned like any other hour: if nobody
mends it, it is the new custom (an office that closes on Fridays), and a lost weekend takes a quarter off, not all.

**Hours are coarse**, and days shift by one hour twice a year. So what is expected of an hour is the least that is usual
for it, for the one before or for the one after: an office that opens at half past eight is not expected to call at
eight, nor at seven when summer time has begun. The price is that the first and the last hour of a day count for little.
A quiet night or Sunday expects nothing. A holiday on a working day looks like a silent switch, and is told once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.core.rows import ExpectationRow
from guard.core.settings import HOUR_MS

HOURS_OF_WEEK = 168
ENOUGH = 14
"""Calls that were to be expected, none of which came."""
LEARNED = 2
"""Weeks in which an hour must have been learned before anything is expected of it."""
SLOW = 4
"""Weeks: each further one moves what is usual by a quarter of the difference."""
THOUSANDTHS = 1_000
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


@dataclass(slots=True)
class _Hour:
    """One that is over."""

    hour: int
    calls: int
    spoilt: bool
    heard: set[int] = field(default_factory=set)
    """Who has said what they counted."""


class Expectation:
    """What one switch usually brings."""

    __slots__ = ("_before", "_count", "_late", "_learned", "_usual", "spoilt")

    def __init__(self) -> None:
        self._usual = [0] * HOURS_OF_WEEK
        """Thousandths of a call, by hour of the week (of the epoch)."""
        self._learned = [0] * HOURS_OF_WEEK
        """In how many weeks, up to `SLOW`."""
        self._count = 0
        self._late = False
        self._before: _Hour | None = None
        self.spoilt = True
        """The present hour will not be learned: the beginning of it was not heard, or something else was amiss."""

    def note(self, *, late: bool) -> None:
        """A call has begun, or was attempted; `late`: it is part of a backlog, and belongs to another hour."""
        self._count += 1
        if late:
            self.spoilt = self._late = True

    def finish(self, hour: int, *, spoilt: bool) -> bool:
        """The hour of that number (since the epoch) is over; whether it was learned. `spoilt`: the next one already."""
        learned = not self.spoilt
        if learned:
            self._learn(hour, self._count)
        self._count = 0
        self.spoilt = spoilt
        return learned

    def _learn(self, hour: int, calls: int) -> None:
        place = hour % HOURS_OF_WEEK
        weeks = min(self._learned[place] + 1, SLOW)
        self._usual[place] += (calls * THOUSANDTHS - self._usual[place]) // weeks
        self._learned[place] = weeks

    # -- of a switch whose calls several see begin

    def give_away(self) -> tuple[int, bool]:
        """The hour is over: how many were counted, and whether some of them came late. Another one learns it."""
        given, self._count, self._late = (self._count, self._late), 0, False
        return given

    def await_others(self, hour: int, *, spoilt: bool) -> None:
        """The hour is over, and is learned with what others say until the end of the next. `spoilt`: that one."""
        self._before = _Hour(hour, self._count, self.spoilt)
        self._count = 0
        self.spoilt = spoilt

    def add(self, sender: int, hour: int, calls: int, *, late: bool) -> None:
        """Another one has counted so many in that hour; nothing if it has said so already, or says it too late."""
        before = self._before
        if before is None or before.hour != hour or sender in before.heard:
            return
        before.heard.add(sender)
        before.calls += calls
        before.spoilt = before.spoilt or late

    def learn_of_all(self) -> bool:
        """Whether the hour before was learned, now that everyone has said what they counted."""
        before, self._before = self._before, None
        if before is None or before.spoilt:
            return False
        self._learn(before.hour, before.calls)
        return True

    def usual(self, hour: int) -> int | None:
        """Thousandths of a call that this hour of the week brings on average; None: not learned yet."""
        place = hour % HOURS_OF_WEEK
        return self._usual[place] if self._learned[place] >= LEARNED else None

    def _at_least(self, hour: int) -> int:
        """Thousandths of a call that may be expected of an hour."""
        least = self.usual(hour)
        for near in (hour - 1, hour + 1):
            usual = self.usual(near)
            if usual is None or least is None:
                return 0
            least = min(least, usual)
        return least or 0

    def enough_ms(self, since_ms: int) -> int | None:
        """When silence since then can no longer be chance; None: not within a week."""
        missing = ENOUGH * THOUSANDTHS * HOUR_MS
        at_ms = since_ms
        for hour in range(since_ms // HOUR_MS, since_ms // HOUR_MS + HOURS_OF_WEEK):
            ends_ms = (hour + 1) * HOUR_MS
            calls = self._at_least(hour)
            if calls * (ends_ms - at_ms) >= missing:
                return at_ms - (-missing // calls)
            missing -= calls * (ends_ms - at_ms)
            at_ms = ends_ms
        return None

    def row(self) -> ExpectationRow:
        """What is kept of it; the present hour is not."""
        return ExpectationRow(tuple(self._usual), tuple(self._learned))

    def restore(self, row: ExpectationRow) -> None:
        """Go on from there."""
        if len(row.usual) == len(row.learned) == HOURS_OF_WEEK:
            self._usual, self._learned = list(row.usual), list(row.learned)


def hour_of_week(hour: int) -> str:
    """In words: `Monday 09:00 UTC`."""
    day, of_day = divmod(hour, 24)
    return f"{_WEEKDAYS[(day + _FIRST_WEEKDAY) % len(_WEEKDAYS)]} {of_day:02}:00 UTC"
