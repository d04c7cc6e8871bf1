"""When an event that a target did not take is sent again: the schedule of retries, and nothing else.

After 4 s, 8 s, 16 s ... an hour, each 25 % more or less, for a day; the last attempt is made when the day is over. So
the first retry comes within 5 s (contract 5). The spread keeps a thousand events that failed together from coming back
together. It is derived from the event's id and the count of attempts, not drawn, so a schedule can be told in advance.
"""

from __future__ import annotations

from zlib import crc32

from guard.core.settings import DAY_MS, HOUR_MS

FIRST_MS = 4_000
LONGEST_MS = HOUR_MS
GIVEN_UP_AFTER_MS = DAY_MS

_SPREAD_PERCENT = 25
_DOUBLINGS = 10
"""4 s doubled so often is more than an hour."""


def next_attempt_ms(event: str, attempts: int, since_ms: int, now_ms: int, asked_ms: int) -> int | None:
    """When to try again after so many attempts, the last of them now; None: it is given up.

    `asked_ms` is how long the target asked to be left alone; it is heeded up to an hour.
    """
    end_ms = since_ms + GIVEN_UP_AFTER_MS
    if now_ms >= end_ms:
        return None
    delay_ms = min(FIRST_MS << min(attempts - 1, _DOUBLINGS), LONGEST_MS)
    spread = crc32(f"{event} {attempts}".encode()) % (2 * _SPREAD_PERCENT + 1) - _SPREAD_PERCENT
    delay_ms += delay_ms * spread // 100
    return min(now_ms + max(delay_ms, min(asked_ms, LONGEST_MS)), end_ms)
