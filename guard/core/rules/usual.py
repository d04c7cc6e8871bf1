"""What is usual for an account beyond what its profile knows: how much it calls in its busiest hour. For the model.

The profile (`guard.core.rules.profile`) has money by hour of the week, habits, price and concurrency. Beside it stand
four numbers here: calls, different numbers, minutes and failed attempts, each the highest hour of a day, sinking slowly
from one day to the next. A day is learned when the profile has learned it, so what was blocked or under suspicion is
not learned here either. A day that the profile has neither learned nor dropped waits, up to the same ten days; who
calls less often than that has no usual of these kinds, and counts as one who calls little.
"""

from __future__ import annotations

from typing import NamedTuple

from guard.core.rules.profile import MOST_WAIT_DAYS, Profile

_FADE = 32
"""A height loses this part a day, as the profile's do: it halves in three weeks."""
_THOUSAND = 1_000
"""Heights are kept in thousandths, so that one sinks."""


class Heights(NamedTuple):
    """Of one hour."""

    calls: int = 0
    numbers: int = 0
    minutes: int = 0
    failed: int = 0


class UsualRow(NamedTuple):
    """What must survive of an account's usual."""

    thousandths: tuple[int, ...]
    day: int
    waiting: tuple[tuple[int, tuple[int, ...]], ...]


_NONE = Heights()


class Usual:
    """The heights of one account."""

    __slots__ = ("_day", "_thousandths", "_waiting")

    def __init__(self) -> None:
        self._thousandths = _NONE
        self._day = 0
        """The day whose highest hours are being noted."""
        self._waiting: dict[int, Heights] = {}
        """Days that have not been learned, today among them."""

    @property
    def heights(self) -> tuple[float, float, float, float]:
        """The usual highest hour: calls, numbers, minutes, failed attempts."""
        calls, numbers, minutes, failed = self._thousandths
        return calls / _THOUSAND, numbers / _THOUSAND, minutes / _THOUSAND, failed / _THOUSAND

    def note(self, day: int, hour: Heights, profile: Profile) -> bool:
        """Take down an hour of the account's own day; `profile` has come to that day. Whether a day has begun."""
        began = day > self._day
        if began:
            self._day = day
            self._learn(profile)
        before = self._waiting.get(day, _NONE)
        self._waiting[day] = Heights(*map(max, before, hour))
        return began

    def _learn(self, profile: Profile) -> None:
        """Learn what the profile has learned; drop what it has dropped."""
        for day in sorted(self._waiting):
            if profile.today - day >= MOST_WAIT_DAYS:
                del self._waiting[day]
            elif day < profile.next_day and day not in profile.days:
                self._thousandths = Heights(*map(_risen, self._thousandths, self._waiting.pop(day)))

    def row(self) -> UsualRow:
        """What must survive."""
        waiting = tuple((day, tuple(hour)) for day, hour in self._waiting.items())
        return UsualRow(tuple(self._thousandths), self._day, waiting)

    @classmethod
    def from_row(cls, row: UsualRow) -> Usual:
        """As `row()` wrote it."""
        usual = cls()
        usual._thousandths = Heights(*row.thousandths)
        usual._day = row.day
        usual._waiting = {day: Heights(*hour) for day, hour in row.waiting}
        return usual


def _risen(before: int, height: int) -> int:
    return max(height * _THOUSAND, before - before // _FADE)
