"""Time, and waiting for it: everything in guard that reads a clock or waits on purpose is handed this one.

There are two times. The wall clock bears dates and can be set; monotonic time only passes, so a step of the one can be
told from time that went by.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class Clock(Protocol):
    """The only source of time. Tests move it by hand."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; never set, so that a step of `now_ms` can be told from time that passed."""
        ...

    async def sleep(self, ms: int) -> None:
        """Return when `ms` have passed on this clock."""
        ...

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        """Return when the event is set, or when `ms` have passed on this clock."""
        ...
