"""Rings: who rang an account from abroad when nobody talked, the bait of call-back fraud.

A line rings once, from a number that costs its caller a fortune, and hangs up; some of those who were rung call back.
Neither the ring nor the call says much: people miss calls, and call back. Both together, at several accounts with
numbers of one range, are the fraud itself. What counts as a ring is an incoming call from abroad that was not answered
or was over within six seconds; whoever observes says so (`Observation.rung_from`).

The newest `MOST_RUNG` ranges are kept, for some two days. They are whose calls came in, so they are kept no longer.
"""

from __future__ import annotations

from guard.core.rules.rule import RANGE_DIGITS
from guard.core.settings import DAY_MS

MOST_RUNG = 16
KEPT_MS = 2 * DAY_MS

RingRow = tuple[tuple[str, int], ...]
"""Ranges, and when they rang last."""


class Rings:
    """Those of one account, the newest last."""

    __slots__ = ("_rang",)

    def __init__(self, row: RingRow = ()) -> None:
        self._rang = dict(row)

    def note(self, number: str, at_ms: int) -> None:
        """A number rang, and nobody talked."""
        rang = self._rang
        rang.pop(number[:-RANGE_DIGITS], None)
        rang[number[:-RANGE_DIGITS]] = at_ms
        if len(rang) > MOST_RUNG:
            del rang[next(iter(rang))]

    def within(self, number: str, at_ms: int, span_ms: int) -> bool:
        """Whether a number of the same range rang so long ago at most."""
        rang_ms = self._rang.get(number[:-RANGE_DIGITS])
        return rang_ms is not None and at_ms - rang_ms <= span_ms

    def fade(self, now_ms: int) -> None:
        """Forget those of long ago."""
        if self._rang:
            self._rang = {rang: at_ms for rang, at_ms in self._rang.items() if now_ms - at_ms < KEPT_MS}

    def row(self) -> RingRow:
        """What must survive."""
        return tuple(self._rang.items())
