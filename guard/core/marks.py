"""Marks: the shares of a limit at which guard speaks, and the hysteresis that keeps it from chattering.

An account stands on a *level*: 0 below every mark, then one level per mark reached. It climbs when its exposure
reaches a mark and falls when the exposure drops below nine tenths of it (contract 2). Exposure and thresholds are
scaled micros, so a threshold is an exact integer for every limit. A limit of zero is reached by any positive exposure
and left when nothing positive remains.
"""

from __future__ import annotations

MARKS_PERCENT = (50, 80, 100)
TOP = len(MARKS_PERCENT)
"""The level at which an account is blocked."""

_SCALED_PER_PERCENT = 600
"""limit x MS_PER_MINUTE / 100."""
_FALL_PER_PERCENT = 540
"""Nine tenths of it."""


def climb_threshold(limit_micros: int, level: int) -> int:
    """Least scaled exposure that stands on `level` (1..TOP) when coming from below."""
    return limit_micros * _SCALED_PER_PERCENT * MARKS_PERCENT[level - 1] or 1


def fall_threshold(limit_micros: int, level: int) -> int:
    """A scaled exposure below this leaves `level` (1..TOP)."""
    return limit_micros * _FALL_PER_PERCENT * MARKS_PERCENT[level - 1] or 1


def mark_name(level: int) -> str:
    """The mark of a level as a decision names it: `"50"`, `"80"`, `"100"`."""
    return str(MARKS_PERCENT[level - 1])
